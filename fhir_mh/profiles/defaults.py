"""What R4 requires and a record need not say: written where the record is silent, and read back as silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import MISSING, Item, Missing, Node

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def _always(_: Any) -> bool:
    return True


def absent(reason: str) -> dict[str, Any]:
    """An element that says why it has no value. See https://hl7.org/fhir/R4/extension-data-absent-reason.html"""
    return {"extension": [{"url": _ABSENT, "valueCode": reason}]}


class Default(Node):
    """A place of its own (`node`) that holds a constant where the record has nothing for it.

    when: for which items R4 asks for it. asked: the same question of the object around it, as it came. A
    resource from elsewhere that lacks the place goes on lacking it.
    """

    always = True

    def __init__(self, node: Node | None, constant: Any, *, when: Callable[[Item], bool] = _always,
                 asked: Callable[[dict[str, Any]], bool] = _always) -> None:  # fmt: skip
        self.node, self.constant, self.when, self.asked = node, constant, when, asked

    def expected(self, beside: dict[str, Any]) -> bool:
        return self.asked(beside)

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if json == self.constant:
            return None
        return json if self.node is None else self.node.read(json, into, ctx)

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        said = self.unprompted(item, residue, ctx)
        return self.constant if said is MISSING and self.when(item) else said

    def unprompted(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        if self.node is None:
            return MISSING if residue is None else residue
        return self.node.write(item, residue, ctx)

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        return iter(()) if self.node is None else self.node.rows(path, field)
