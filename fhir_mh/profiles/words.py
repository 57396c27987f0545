"""Texts that say whose they are: their wording is an element, and their source an extension beside it."""

from __future__ import annotations

from typing import Any

from fhir_mh.mapping.codecs import BOOLEAN, DATETIME, TEXT
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import MISSING, Group, Item, Missing, Sub, Value
from fhir_mh.profiles.rows import Row, at, code, extension, one, part, row, tree


class _Source(Group):
    """What is known of a text beyond its wording; most texts have none of it."""

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        return MISSING if residue is None and len(item) == 1 else super().write(item, residue, ctx)


_SAID_BY = tree(
    part("role", code("role", "valueCode", "person carer family advocate attorney clinician other")),
    part("name", row("name", "valueString")),
).children["extension"]
_SOURCE = _Source(
    tree(
        extension(
            "extension",
            "words-source",
            one("extension", "said-by", {"url": "said-by"}, at("extension", Sub("said_by", _SAID_BY))),
            part("recorded-by", row("recorded_by", "valueString")),
            part("recorded-at", row("recorded_at", "valueDateTime", DATETIME)),
            part("language", row("language", "valueCode")),
            part("third-party", code("third_party", "valueCode", "about from")),
            part("in-confidence", row("in_confidence", "valueBoolean", BOOLEAN)),
        )
    ).children
)


def own_words(path: str) -> list[Row]:
    """The item is itself a text: its wording, and whose it is beside it."""
    return [row("text", path), at(_beside(path), _SOURCE)]


def words(field: str, path: str) -> list[Row]:
    """A text of the item and a string element; whose text it is stands in an extension on the element."""
    return [at(path, Sub(field, Value("text", TEXT))), at(_beside(path), Sub(field, _SOURCE))]


def _beside(path: str) -> str:
    before, _, last = path.rpartition(".")
    return f"{before}._{last}" if before else f"_{last}"


def words_extension(field: str, name: str, path: str = "extension") -> Row:
    """A text of the item and an extension of ours."""
    return extension(path, name, *words(field, "valueString"))
