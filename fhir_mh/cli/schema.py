"""`fhir-mh schema`: the JSON Schema of a plain record."""

from __future__ import annotations

import sys

from fhir_mh.cli.exits import DONE
from fhir_mh.records.json_schema import FILE


def run() -> int:
    """Write the published schema to standard output as it stands. Returns 0."""
    sys.stdout.buffer.write(FILE.read_bytes())
    return DONE
