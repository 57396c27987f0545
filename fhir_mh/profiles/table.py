"""A mapping table: one part of the record and the FHIR resource that says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from fhir_mh.fhir.urls import ITEM_ID, PROFILE
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import Group, Item, Missing, Node
from fhir_mh.profiles.elements import Row, carried, fixed, one, row, tree
from fhir_mh.records.sections import SectionName

Custody = Literal["home", "admitting", "person", "recorder"]


@dataclass(frozen=True)
class Table:
    """One profile: where its content stands in the record, what it is called, and who keeps it.

    name: also the profile's. field: the record's list (or `person`). match: which resources of this type it
    reads. section: the unit of sharing decisions. custody: whose gateway mints its versions (home: the team
    that leads the plan; admitting: the provider of the stay; person: append-only decisions of the person;
    recorder: whoever recorded it). primary: False for a further resource of an item that another table
    already maps; needs: the fields of which it then says something.
    """

    name: str
    kind: str
    field: str
    section: SectionName
    custody: Custody
    group: Group
    match: Callable[[dict[str, Any]], bool]
    primary: bool = True
    needs: tuple[str, ...] = ()

    @property
    def profile(self) -> str:
        """The canonical URL of the profile."""
        return PROFILE + "mh-" + self.name


class Claim(Node):
    """Our profile among those that the resource says it follows; a resource that never said so goes on not to."""

    always = True

    def __init__(self, profile: str) -> None:
        self.profile = profile

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        return None if json == [self.profile] else json

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        return [self.profile] if residue is None else residue


_NAMES: dict[str, list[str]] = {}
"""The tables of each of the record's lists: their residues go with their own resources."""


def table(
    name: str,
    kind: str,
    field: str,
    section: SectionName,
    custody: Custody,
    *rows: Row | list[Row],
    match: Callable[[dict[str, Any]], bool] = lambda resource: True,
    identified: bool = True,
    primary: bool = True,
    needs: tuple[str, ...] = (),
) -> Table:
    """A Table of these rows, with the resource's type, profile and (where the type has one) identifier."""
    head: list[Row] = [fixed("resourceType", kind), (("meta", "profile"), Claim(PROFILE + "mh-" + name))]
    if identified:
        head.append(one("identifier", "item", {"system": ITEM_ID}, row("id", "value"), always=True))
    _NAMES.setdefault(field, []).append(name)
    if primary:
        head.extend(carried(lambda: _NAMES[field]))
    return Table(name, kind, field, section, custody, tree(head, *rows), match, primary, needs)
