"""The shape of a record as merging sees it: which fields are settled whole, which part by part, which by item."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from fhir_mh.records import CareRecord, base
from fhir_mh.records.base import Item
from fhir_mh.records.wishes import Rule

Kind = Literal["whole", "part", "values", "items", "by-format"]

_WHOLE: tuple[type, ...] = (base._Words, base.Concept, base.Ref, base.Identifier, base.Coding, Rule)
"""What is replaced as one: half of an old text or code with half of a new one would be nobody's."""


@dataclass(frozen=True)
class Shape:
    """How one field is merged.

    whole: as one value. part: field by field. values: a list of values without ids. items: a list whose
    entries have ids (or, where a format has none, the natural key). by-format: a value for each format.
    model: of an item, what it is read as.
    """

    kind: Kind
    fields: dict[str, Shape] = field(default_factory=dict)
    natural_key: tuple[str, ...] = ()
    model: type[BaseModel] | None = None


_PLAIN = Shape("whole")


def _models(annotation: Any) -> tuple[bool, type[BaseModel] | None]:
    """(whether it is a list, the model it holds) of a field's annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models(get_args(annotation)[0])
    if origin in (Union, UnionType):
        for choice in get_args(annotation):
            listed, model = _models(choice)
            if listed or model:
                return listed, model
        return False, None
    if origin is list:
        return True, _models(get_args(annotation)[0])[1]
    return False, annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


@cache
def shape_of(model: type[BaseModel]) -> Shape:
    """The shape of one of the record's models."""
    fields: dict[str, Shape] = {}
    for name, info in model.model_fields.items():
        listed, inner = _models(info.annotation)
        if name in ("unknown", "numbers"):
            fields[name] = Shape("by-format")
        elif listed and inner is not None and issubclass(inner, Item):
            fields[name] = Shape("items", shape_of(inner).fields, inner.natural_key, inner)
        elif listed:
            fields[name] = Shape("values")
        elif inner is not None and inner not in _WHOLE:
            fields[name] = Shape("part", shape_of(inner).fields)
        else:
            fields[name] = _PLAIN
    return Shape("part", fields)


@cache
def record_shape() -> Shape:
    """The shape of a CareRecord."""
    return shape_of(CareRecord)
