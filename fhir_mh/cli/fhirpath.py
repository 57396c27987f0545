"""`fhir-mh fhirpath`: what an expression gives on one resource."""

from __future__ import annotations

import sys
from pathlib import Path

from fhir_mh import fhirpath
from fhir_mh.cli.commands import content_of
from fhir_mh.cli.exits import DONE, reading
from fhir_mh.fhir.json import dumps
from fhir_mh.fhirpath.unread import load_resource


def run(expression: str, file: Path) -> int:
    """Write each value that the expression gives to standard output, as one line of JSON; `-` reads standard input.

    FHIRPath's own dates, times and quantities are written as text. Returns 0, also where there is no value; bad input
    ends the command with 2, and nothing on standard output.
    """
    with reading("the expression"):
        compiled = fhirpath.compile(expression)
    with reading("standard input" if str(file) == "-" else file):
        resource = load_resource(content_of(file))
        found = compiled.evaluate(resource)
    for value in found:
        own = isinstance(value, fhirpath.Moment | fhirpath.Quantity)
        sys.stdout.buffer.write(dumps(str(value) if own else value) + b"\n")
    sys.stdout.buffer.flush()
    return DONE
