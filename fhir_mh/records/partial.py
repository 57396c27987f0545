"""A record as somebody sends it: perhaps only a part, with absent fields absent and an explicit null clearing one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from fhir_mh.errors import InvalidResource
from fhir_mh.issues import Issue, issue
from fhir_mh.records.base import Item, _Words
from fhir_mh.records.called import of_whom
from fhir_mh.records.misfits import misfit, model_of
from fhir_mh.records.record import CareRecord
from fhir_mh.records.trees import RECORD_SCHEMA, place_of

Tree = dict[str, Any]
_OF_ANOTHER = "An id with an ODS code and two dots before it means an item of that organisation"


def read_partial(body: Tree) -> Tree:
    """The tree that a received record says: its fields as sent, plain strings for texts written out.

    The person may be left out, and so may what an item that is named by its id needs: both are held already.
    Raises InvalidResource with an Issue for each field that does not fit, at its path in the record.
    """
    try:
        CareRecord.model_validate({"person": {}, **body})
    except ValidationError as refused:
        found = [
            misfit(error, CareRecord)
            for error in refused.errors(include_url=False, include_input=False)
            if not _is_held(error, body)
        ]
        if found:
            raise InvalidResource(issues=found) from None
    misnamed = list(_misnamed(CareRecord, body, ()))
    if misnamed:
        raise InvalidResource(issues=misnamed)
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


def _misnamed(model: type[BaseModel], value: Any, location: tuple[int | str, ...]) -> Iterator[Issue]:
    """An Issue for each id that an entry before it in the same list has, or that means another organisation's item."""
    if isinstance(value, list):
        seen: set[Any] = set()
        for index, inner in enumerate(value):
            yield from _misnamed(model, inner, (*location, index))
            name = inner.get("id") if issubclass(model, Item) and isinstance(inner, dict) else None
            if name in seen:
                yield issue("map-duplicate-item", place_of((*location, index, "id")))
            elif name is not None:
                seen.add(name)
                if of_whom(name)[0] is not None:
                    place = place_of((*location, index, "id"))
                    yield issue("map-invalid-record", place, problem=_OF_ANOTHER, described=RECORD_SCHEMA)
    elif isinstance(value, dict):
        for name, inner in value.items():
            kind = model_of(model.model_fields[name].annotation) if name in model.model_fields else None
            if kind is not None:
                yield from _misnamed(kind, inner, (*location, name))


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
        kind = model_of(field.annotation) if field is not None else None
        if kind is not None:
            out[name] = _written_out(kind, inner)
    return out
