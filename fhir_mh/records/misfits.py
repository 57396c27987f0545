"""What of JSON that somebody sent does not fit its model, as Issues."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fhir_mh.issues import Issue, issue
from fhir_mh.records.trees import RECORD_SCHEMA, place_of


def misfits(fault: ValidationError, model: type[BaseModel], described: str) -> list[Issue]:
    """An Issue for each field that does not fit this model, at its place in what was sent.

    described: where it stands what the model holds, such as docs/placements.md.
    """
    return [misfit(error, model, described) for error in fault.errors(include_url=False, include_input=False)]


def misfit(error: Any, model: type[BaseModel], described: str = RECORD_SCHEMA) -> Issue:
    """A value that does not fit; of a field that is not known, the object that has it: its name may be anything.

    A name that is nearly one of ours is said.
    """
    location = error["loc"]
    path = place_of(location)
    if error["type"] != "extra_forbidden":
        return issue("map-invalid-record", path, problem=_problem(error), described=described)
    name, here = str(location[-1]), _model_at(model, location[:-1])
    near = get_close_matches(name, list(here.model_fields) if here else [], n=1)
    if not near:
        above = place_of(location[:-1])
        return issue("map-unknown-field", above, name="What stands there", guess="", described=described)
    return issue("map-unknown-field", path, name=name, guess=f"Did you mean '{near[0]}'? ", described=described)


_PROBLEMS = {
    "missing": "This is missing",
    "model_type": "An object is expected here",
    "model_attributes_type": "An object is expected here",
    "dict_type": "An object is expected here",
    "list_type": "A list is expected here",
    "string_type": "Text is expected here",
    "string_too_short": "This is empty",
    "string_pattern_mismatch": "This is not of the right form",
}


def _problem(error: Any) -> str:
    """What is wrong, in our words where the library's would speak of Python."""
    said = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return _PROBLEMS.get(error["type"]) or said[:1].upper() + said[1:]


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model of the object at a location of what another model says."""
    here: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, str) and here is not None and part in here.model_fields:
            here = model_of(here.model_fields[part].annotation)
    return here


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as list[Goal] or Ref | None; None where it holds none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := model_of(part)) is not None), None)
