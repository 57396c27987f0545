"""The rows of a mapping table as a reader wants them: one for each field, whatever datatype it is said in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from fhir_mh.profiles.concerns import CONCERN
from fhir_mh.profiles.table import Table
from fhir_mh.records import CareRecord, base
from fhir_mh.records.concerns import SafetyConcern

KINDS: dict[type, str] = {
    base._Words: "words",
    base.Concept: "concept",
    base.Coding: "coding",
    base.Ref: "reference",
    base.Identifier: "identifier",
    base.Period: "period",
    base.Name: "name",
    base.Address: "address",
    base.Telecom: "telecom",
    base.Note: "note",
}
"""What is one value to a reader, though it has parts. docs/profiles.md explains each."""
_OUR_BUSINESS = ("numbers", "unknown")


@dataclass
class Row:
    """One field of the record, what kind of value it is, and where it stands in the resource.

    field: below the record's list, `targets[].detail`; in brackets what is no field. codes: of a closed list.
    """

    field: str
    kind: str
    codes: tuple[str, ...]
    paths: list[str] = field(default_factory=list)


def rows_of(table: Table) -> list[Row]:
    """What the table maps, in the order of the record; ids of entries and what formats keep aside are left out."""
    model = SafetyConcern if table is CONCERN else _held_by(CareRecord, table.field)[0]
    found: dict[str, Row] = {}
    for name, path in table.group.rows():
        last = name.removesuffix("[]").split(".")[-1]
        if not name or last in _OUR_BUSINESS or name.endswith("[].id") or name == "id":
            continue
        row, inside = _row(model, name)
        row = found.setdefault(row.field, row)
        _add(row.paths, path.replace("._", ".").removeprefix("_"), inside)
    order = ["(", *(model.model_fields if model else ())]
    return sorted(found.values(), key=lambda row: order.index("(" if row.field[0] == "(" else _first(row.field)))


def _first(field: str) -> str:
    return field.split(".", maxsplit=1)[0].removesuffix("[]")


def fixed_paths(table: Table) -> list[str]:
    """Where the table itself says the value, without the urls that name extensions and parts of codings."""
    found: list[str] = []
    for name, path in table.group.rows():
        whole, coded, _ = path.partition(".coding")
        if not name and not path.startswith(("resourceType", "identifier[")) and "extension[" not in path:
            if not coded and whole.endswith((".system", ".code")):
                whole = whole.rpartition(".")[0]
            if whole not in found:
                found.append(whole)
    return found


def _add(paths: list[str], path: str, inside: bool) -> None:
    """One more place of a field; places inside one datatype are one place, and so is what stands fixed beside it."""
    steps = path.split(".")
    if inside:
        for at, held in enumerate(paths):
            kept = _shared(held.split("."), steps)
            if kept and (len(kept) > 1 or "extension" not in kept[0]):
                paths[at] = ".".join(kept)
                return
    beside = path.rpartition(".")[0]
    if path not in paths and not any(beside and held.rpartition(".")[0] == beside for held in paths):
        paths.append(path)


def _shared(left: list[str], right: list[str]) -> list[str]:
    count = 0
    while count < min(len(left), len(right)) and left[count] == right[count]:
        count += 1
    return left[:count]


def _row(model: type[BaseModel] | None, name: str) -> tuple[Row, bool]:
    """The row of a field, and whether it is only a part of that row's value."""
    steps = name.split(".")
    for at, step in enumerate(steps):
        if model is None or step.removesuffix("[]") not in model.model_fields:
            return Row(name, "", ()), False
        inner, codes, plain = _held_by(model, step.removesuffix("[]"))
        if inner in KINDS:
            return Row(".".join(steps[: at + 1]), KINDS[inner], ()), at + 1 < len(steps)
        if inner is None:
            return Row(name, "code" if codes else plain, codes), False
        model = inner
    return Row(name, "", ()), False


@cache
def _hints(model: type[BaseModel]) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)


def _held_by(model: type[BaseModel], name: str) -> tuple[Any, tuple[str, ...], str]:
    """(the model a field holds, the codes it allows, the kind of plain value) of a field."""
    for part in _parts(_hints(model)[name]):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part, (), ""
        if get_origin(part) is Literal:
            return None, tuple(str(code) for code in get_args(part)), "code"
        if part in _PLAIN:
            return None, (), _PLAIN[part]
        if isinstance(part, type) and part is not type(None):
            return None, (), {"str": "text", "bool": "yes or no", "int": "number"}.get(part.__name__, "")
    return None, (), ""


_PLAIN: dict[Any, str] = {
    base.Text: "text",
    base.Date: "date",
    base.DateTime: "date or time",
    base.Instant: "time",
    base.Uri: "address",
    base.Link: "address",
    base.OdsCode: "ODS code",
    base.Code: "code",
}


def _parts(hint: Any) -> Iterator[Any]:
    """A hint and what it is made of, outermost first."""
    yield hint
    if get_origin(hint) in (list, Union, UnionType):
        for part in get_args(hint):
            yield from _parts(part)
    elif get_origin(hint) is Annotated:
        yield from _parts(get_args(hint)[0])
