"""What people said and decided, kept apart from the code under test: the laws are checked against this.

Every text is one of a kind and names its section, so that it is found again wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Tree = dict[str, Any]
Row = tuple[str, ...]
TEXT = re.compile(r"(care-plan|crisis-plan|advance-wishes|placement)#\d+")
DECISION = re.compile(r"decision-\d+")
SECTION_OF = {
    "goals": "care-plan", "care_plans": "care-plan", "crisis_plans": "crisis-plan", "statements": "advance-wishes",
    "refusals": "advance-wishes", "placements": "placement", "stays": "placement",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One text that a site accepted. seen: what stood in its place as its author saw it."""

    text: str
    row: Row
    by: str
    seen: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided of one partner: sections None for everything. Each is later than those before."""

    id: str
    order: int
    about: str
    permit: bool
    sections: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Written:
    """One text that somebody wrote on a partner's plain server, and that the server kept. seen: what it replaced."""

    text: str
    server: str
    seen: str | None


@dataclass
class Ledger:
    """Of one person."""

    number: str
    said: list[Said] = field(default_factory=list)
    registered: bool = False  # by the home team, which says with it who else looks after them
    decisions: list[Decision] = field(default_factory=list)
    known: dict[str, set[str]] = field(default_factory=dict)  # site -> ids of decisions committed there
    reasons: set[str] = field(default_factory=set)  # why steps of placements were taken, and the names of wards
    shown: dict[str, set[Row]] = field(default_factory=dict)  # site -> items ever shown there
    askings: dict[str, dict[str, Any]] = field(default_factory=dict)  # site -> those it has answered with `coming`
    declined: dict[tuple[str, str], datetime] = field(default_factory=dict)  # (site, provider) -> a claim, and when
    retracted: dict[Row, str] = field(default_factory=dict)  # what home said was somebody else's -> its resource's id
    there: list[Written] = field(default_factory=list)  # what was written on partners' plain servers

    def learns(self, site: str, ids: Iterable[str]) -> None:
        """These decisions stand in a site's store from now on."""
        self.known.setdefault(site, set()).update(ids)

    def denied(self, sender: str, to: str) -> frozenset[str]:
        """The sections that a sender knows it may not send. The latest decision that speaks of one decides."""
        out: set[str] = set()
        for decision in sorted(self.decisions, key=lambda one: one.order):
            if decision.id not in self.known.get(sender, set()) or decision.about != to:
                continue
            spoken = decision.sections or set(SECTION_OF.values())
            out = out - spoken if decision.permit else out | spoken
        return frozenset(out)

    def permitted(self, sender: str, to: str) -> frozenset[str]:
        """The sections that a sender knows it was told it may send. The latest decision that speaks of one decides."""
        out: set[str] = set()
        for decision in sorted(self.decisions, key=lambda one: one.order):
            if decision.id in self.known.get(sender, set()) and decision.about == to:
                spoken = decision.sections or set(SECTION_OF.values())
                out = out | spoken if decision.permit else out - spoken
        return frozenset(out)

    def has_decided(self, site: str) -> bool:
        """Whether a site knows of anything that the person decided."""
        return any(one.id in self.known.get(site, set()) for one in self.decisions)

    def retracted_texts(self, among: Container[str] | None = None) -> set[str]:
        """Everything said in places that were retracted. among: ids of resources; only what was said in these."""
        return {
            one.text
            for one in self.said
            if one.row[:2] in self.retracted and (among is None or self.retracted[one.row[:2]] in among)
        }

    def edited(self) -> set[str]:
        """The texts that people may change wherever they stand; not why a step was taken."""
        return {one.text for one in self.said} | {one.text for one in self.there}

    def texts(self, row: Row) -> list[Said]:
        """Everything said in one place."""
        return [one for one in self.said if one.row == row]


def text_at(tree: Tree, row: Row) -> str | None:
    """The text that stands in a place, or None. A row is a list, an id, and so on; the last name is the field."""
    value: Any = tree
    for name in row:
        if isinstance(value, list):
            value = next((item for item in value if item.get("id") == name), None)
        elif isinstance(value, dict):
            value = value.get(name)
        if value is None:
            return None
    value = value.get("text") if isinstance(value, dict) else value
    return value if isinstance(value, str) else None


def resource_id(item: Tree) -> str:
    """The id of an item's resource: its own, unless it has another than the one by which people know it."""
    known = [told["id"] for told in item.get("unknown", {}).values() if isinstance(told, dict) and "id" in told]
    return str(known[0] if known else item["id"])


def items_in(tree: Tree) -> set[Row]:
    """Every item of a record, and every item inside one, by list and id."""
    found: set[Row] = set()
    for name, value in tree.items():
        for item in value if isinstance(value, list) else ():
            found.add((name, item["id"]))
            for inner, values in item.items():
                for one in values if isinstance(values, list) else ():
                    if isinstance(one, dict) and "id" in one:
                        found.add((name, item["id"], inner, one["id"]))
    return found


def texts_in(value: Any) -> set[str]:
    """Every text of the simulation that stands anywhere in this."""
    return {found[0] for found in TEXT.finditer(str(value))}
