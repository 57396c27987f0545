"""FHIR datatypes as nodes of the engine. See https://hl7.org/fhir/R4/datatypes.html"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fhir_mh.mapping.codecs import BOOLEAN, DATETIME, INTEGER
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import Item, Sub
from fhir_mh.mapping.slices import Many, distinct
from fhir_mh.profiles.reference import Reference
from fhir_mh.profiles.rows import Row, Stated, at, code, first, holds, row, tree, values

PERIOD = tree(row("start", "start", DATETIME), row("end", "end", DATETIME))


def _coding_key(part: Item) -> str:
    return f"{part.get('system', '')}|{part.get('code', '')}"


CODING = tree(
    row("system", "system"),
    row("version", "version"),
    row("code", "code"),
    row("display", "display"),
    row("user_selected", "userSelected", BOOLEAN),
)


def codings(field: str, path: str) -> Row:
    """A list of codes and a repeating Coding."""
    return at(path, all_codings(field))


def all_codings(field: str) -> Many:
    """Every entry of a repeating Coding as a code of a list."""
    return Many("coding", None, field, CODING, key=_coding_key)


CONCEPT = tree(row("text", "text"), codings("codings", "coding"))
IDENTIFIER = tree(
    row("use", "use"),
    (("type",), Sub("type", CONCEPT)),
    row("system", "system"),
    row("value", "value"),
    (("period",), Sub("period", PERIOD)),
    row("assigner", "assigner.display"),
)


def concept_key(part: Item) -> str:
    return str(part.get("text", "")) + ";".join(_coding_key(coding) for coding in part.get("codings", ()))


def concept(field: str, path: str) -> Row:
    """A concept and a CodeableConcept."""
    return at(path, Sub(field, CONCEPT))


def concepts(field: str, path: str) -> Row:
    """A list of concepts and a repeating CodeableConcept."""
    return at(path, Many("concept", None, field, CONCEPT, key=concept_key))


def period(field: str, path: str) -> Row:
    """A period and a Period."""
    return at(path, Sub(field, PERIOD))


class _Plain(Many):
    """A list of plain values, each in one element of an entry of its own."""

    def read(self, json: Any, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Any] | None:
        part: Item = {}
        left = self.node.read(json, part, ctx)
        if "value" not in part:
            return None
        into.setdefault(self.field, []).append(part["value"])
        return distinct(f"{self.name}:{self.key(part)}", seen), left

    def entries(self, item: Item, residue: Any, ctx: Context) -> Iterable[Any]:
        entries = [{"value": value} for value in item.get(self.field) or ()]
        return super().entries({self.field: entries}, residue, ctx)

    def rows(self, path: str, field: str) -> Iterator[tuple[str, str]]:
        for _, where in self.node.rows(path, ""):
            yield f"{field}{self.field}[]", where


def plain(field: str, path: str, template: dict[str, Any], element: str) -> Row:
    """A list of plain values; each stands in the element of an entry that the template tells from others."""
    node = Stated(template, tree(row("value", element)), known=True)
    name = template["url"].rpartition("/")[2] if "url" in template else element
    return at(path, _Plain(name, holds(template), field, node, key=lambda part: str(part.get("value"))))


def identifiers(field: str, path: str = "identifier") -> Row:
    """A list of identifiers and a repeating Identifier."""
    return at(path, Many("identifier", None, field, IDENTIFIER, key=lambda i: f"{i.get('system')}|{i.get('value')}"))


def ref(field: str, path: str, *types: str) -> Row:
    """A reference to one of the types; the first is the usual one."""
    return at(path, Sub(field, Reference(types, IDENTIFIER)))


def refs(field: str, path: str, *types: str, typed: str = "") -> Row:
    """A list of references. typed: only those that say this type, which is then always written."""
    node = Reference(types, IDENTIFIER, typed=typed)
    return at(path, Many(typed or "reference", holds({"type": typed}) if typed else None, field, node, key=_ref_key))


def _ref_key(part: Item) -> str:
    return str(part.get("id") or part.get("reference") or part.get("display") or "")


_NOTING = ("RelatedPerson", "Patient", "Organization")
"""Whom R4 lets a note name by address. A professional, who is a PractitionerRole here, is named by the item's id."""
NOTE = tree(
    row("text", "text"),
    (("authorReference",), Sub("author", Reference(_NOTING, IDENTIFIER))),
    row("author_name", "authorString"),
    row("time", "time", DATETIME),
)


def notes(field: str, path: str) -> Row:
    """A list of notes and a repeating Annotation."""
    return at(path, Many("note", None, field, NOTE, key=lambda note: str(note.get("text"))))


TELECOM = tree(
    code("system", "system", "phone fax email pager url sms other"),
    row("value", "value"),
    code("use", "use", "home work temp old mobile"),
    row("rank", "rank", INTEGER),
    period("period", "period"),
)
NAME = tree(
    row("use", "use"), row("text", "text"), row("family", "family"), values("given", "given"),
    values("prefix", "prefix"), values("suffix", "suffix"), period("period", "period"),
)  # fmt: skip
ADDRESS = tree(
    row("use", "use"), row("type", "type"), row("text", "text"), values("lines", "line"), row("city", "city"),
    row("district", "district"), row("county", "state"), row("postcode", "postalCode"), row("country", "country"),
    period("period", "period"),
)  # fmt: skip


def _plain_key(part: Item) -> str:
    return "|".join(str(value) for _, value in sorted(part.items()))


def telecoms(field: str, path: str) -> Row:
    """Ways to reach somebody and a repeating ContactPoint."""
    return at(path, Many("telecom", None, field, TELECOM, key=_plain_key))


def names(field: str, path: str) -> Row:
    """Names and a repeating HumanName."""
    return at(path, Many("name", None, field, NAME, key=_plain_key))


def addresses(field: str, path: str) -> Row:
    """Addresses and a repeating Address."""
    return at(path, Many("address", None, field, ADDRESS, key=_plain_key))


def first_ref(field: str, path: str, *types: str) -> Row:
    """A reference that is the first of a list."""
    return first(path, field, Sub(field, Reference(types, IDENTIFIER)))
