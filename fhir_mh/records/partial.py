"""A record as somebody sends it: perhaps only a part, with absent fields absent and an explicit null clearing one."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fhir_mh.errors import InvalidResource
from fhir_mh.issues import Issue, issue
from fhir_mh.records.base import Item, _Words
from fhir_mh.records.record import CareRecord
from fhir_mh.records.trees import place_of

Tree = dict[str, Any]


def read_partial(body: Tree) -> Tree:
    """The tree that a received record says: its fields as sent, plain strings for texts written out.

    The person may be left out, and so may what an item that is named by its id needs: both are held already.
    Raises InvalidResource with an Issue for each field that does not fit, at its path in the record.
    """
    try:
        CareRecord.model_validate({"person": {}, **body})
    except ValidationError as refused:
        found = [
            _issue(error)
            for error in refused.errors(include_url=False, include_input=False)
            if not _is_held(error, body)
        ]
        if found:
            raise InvalidResource(issues=found) from None
    repeated = list(_repeated(CareRecord, body, ()))
    if repeated:
        raise InvalidResource(issues=repeated)
    tree: Tree = _written_out(CareRecord, body)
    return tree


def _is_held(error: Any, body: Tree) -> bool:
    """Whether what is missing belongs to an item that is named by id, so that it may be here already."""
    if error["type"] == "needed":  # said of the item itself
        item = _at(body, error["loc"])
        return isinstance(item, dict) and (isinstance(item.get("id"), str) or error["loc"] == ("person",))
    item = _at(body, error["loc"][:-1])
    return error["type"] == "missing" and isinstance(item, dict) and isinstance(item.get("id"), str)


def _at(value: Any, location: tuple[int | str, ...]) -> Any:
    for part in location:
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif isinstance(value, dict):
            value = value.get(str(part))
        else:
            return None
    return value


def _issue(error: Any) -> Issue:
    location = error["loc"]
    path = place_of(location)
    if error["type"] != "extra_forbidden":
        return issue("map-invalid-record", path, problem=_problem(error))
    name = str(location[-1])
    model = _model_at(CareRecord, location[:-1])
    near = get_close_matches(name, list(model.model_fields) if model else [], n=1)
    guess = f"Did you mean '{near[0]}'? " if near else ""
    above = path.rpartition(".")[0]
    # a name that is like none of ours may be anything, even a person's
    known = name if near else "What stands there"
    return issue("map-unknown-field", path if near else above or "$", name=known, guess=guess)


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
    """The model of the object at a location of a record."""
    here: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, str) and here is not None and part in here.model_fields:
            here = _model_of(here.model_fields[part].annotation)
    return here


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as list[Goal] or Ref | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_of(part)) is not None), None)


def _repeated(model: type[BaseModel], value: Any, location: tuple[int | str, ...]) -> Iterator[Issue]:
    """An Issue for each id that an entry before it in the same list has."""
    if isinstance(value, list):
        seen: set[Any] = set()
        for index, inner in enumerate(value):
            yield from _repeated(model, inner, (*location, index))
            name = inner.get("id") if issubclass(model, Item) and isinstance(inner, dict) else None
            if name in seen:
                yield issue("map-duplicate-item", place_of((*location, index, "id")))
            elif name is not None:
                seen.add(name)
    elif isinstance(value, dict):
        for name, inner in value.items():
            kind = _model_of(model.model_fields[name].annotation) if name in model.model_fields else None
            if kind is not None:
                yield from _repeated(kind, inner, (*location, name))


def _written_out(model: type[BaseModel], value: Any) -> Any:
    """What was sent, with every text in its full form ({"text": ...}) and everything else untouched."""
    if isinstance(value, list):
        return [_written_out(model, inner) for inner in value]
    if isinstance(value, str) and issubclass(model, _Words):
        return {"text": value}
    if not isinstance(value, dict):
        return value
    out = dict(value)
    for name, inner in value.items():
        field = model.model_fields.get(name)
        kind = _model_of(field.annotation) if field is not None else None
        if kind is not None:
            out[name] = _written_out(kind, inner)
    return out
