"""What of a small JSON body does not fit its model, as Issues."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from fhir_mh.issues import Issue, issue
from fhir_mh.records.trees import place_of


def misfits(fault: ValidationError) -> list[Issue]:
    """An Issue for each field that does not fit, at its place in what was sent."""
    return [_misfit(dict(error)) for error in fault.errors(include_url=False, include_input=False)]


def _misfit(error: dict[str, Any]) -> Issue:
    """A value that does not fit; of a field that is not known, the object that has it: its name may be anything."""
    if error["type"] == "extra_forbidden":
        return issue("map-unknown-field", place_of(error["loc"][:-1]), name="What stands there", guess="")
    return issue("map-invalid-record", place_of(error["loc"]), problem=str(error["msg"]).rstrip("."))
