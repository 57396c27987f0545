"""The one record of persons who are one: what is held of each side, shown and written as one (docs/sync-protocol.md).

Each side's resources are read by themselves and stay its own. An item's id that is a UUID is shown as it is, but where
a side before has an item of the same. Any other is counted by each record for itself, and may mean another item there.
Such a one of a superseded side is shown under a UUID made of the person's and its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from fhir_mh.gateway.holding import Holding, Tree, counted_name, hold, name_apart
from fhir_mh.gateway.pending import Pending, effective
from fhir_mh.mapping.row_paths import item_at_head, of_item
from fhir_mh.mapping.shape import Shape, record_shape
from fhir_mh.placements import Beside, Course, Whose, courses, is_dead
from fhir_mh.store import Tx

Naming = Callable[[str], str]


@dataclass
class Side:
    """One of the persons who are one, as of one transaction. tree, pending: with our own proposals laid over."""

    holding: Holding
    tree: Tree
    pending: list[Pending]
    names: dict[str, str] = field(default_factory=dict)  # of its entries, as the one record shows -> as it has them
    shown: dict[str, str] = field(default_factory=dict)  # the other way round
    named: dict[str, str] = field(default_factory=dict)  # as names, of all that they refer to

    @property
    def person(self) -> str:
        return self.holding.person

    @cached_property
    def ids(self) -> set[str]:
        """The ids of the entries of this side."""
        return ids_in(self.tree)


class Together:
    """Everybody who is one with a person: the side that is kept first. Of somebody never merged, one side alone."""

    def __init__(self, tx: Tx, person: str, own: str) -> None:
        self.sides: list[Side] = []
        for one in tx.merges.sides(person):
            holding = hold(tx, one, own)
            tree, pending = effective(tx, holding)
            self.sides.append(Side(holding, tree, pending))
        others = self.sides[1:]
        self._counted = {counted_name(self.kept.person, name): name for name in self.kept.ids} if others else {}
        taken = {*self.kept.ids}
        for side in others:
            side.shown = {name: name_apart(side.person, name, taken) for name in sorted(side.ids)}
            side.names = {shown: name for name, shown in side.shown.items()}
            side.named = {**side.names}
            taken |= side.names.keys()

    @property
    def kept(self) -> Side:
        """The side whose number is in use."""
        return self.sides[0]

    def holding_only(self, holdings: Mapping[str, Holding]) -> Together:
        """The same persons, with everything named as here, where this alone is held of each and nothing waits."""
        other = Together.__new__(Together)
        other.sides = [
            replace(side, holding=holdings[side.person], tree=holdings[side.person].tree, pending=[])
            for side in self.sides
        ]
        other._counted = self._counted
        return other

    # --- as one record

    @cached_property
    def tree(self) -> Tree:
        """The record of the one: its person as the kept side says, and every entry of every side."""
        return self._as_one(side.tree for side in self.sides)

    @cached_property
    def acknowledged(self) -> Tree:
        """The same, without our own proposals to others."""
        return self._as_one(side.holding.tree for side in self.sides)

    def _as_one(self, trees: Iterable[Tree]) -> Tree:
        first, *others = trees
        tree = dict(first)
        for side, held in zip(self.sides[1:], others, strict=True):
            for name, items in _renamed(held, self._shown(side)).items():
                if isinstance(items, list):
                    tree[name] = [*tree.get(name, ()), *items]
        return tree

    @property
    def keepers(self) -> dict[tuple[str, str], str]:
        """(record list, item id) -> custodian."""
        found = dict(self.kept.holding.keepers)
        for side in self.sides[1:]:
            shown = self._shown(side)
            found |= {
                (name, shown(item)): keeper for (name, item), keeper in side.holding.keepers.items() if name != "person"
            }
        return found

    @property
    def courses(self) -> list[Course]:
        """Every placement and stay that is acknowledged, each once."""
        return courses(self.acknowledged, Whose(self.kept.holding.own, self.keepers).keeper)

    @property
    def pending(self) -> list[Pending]:
        """Our own changes to what others keep, of every side."""
        return [self._told(side, one) for side in self.sides for one in side.pending]

    def _told(self, side: Side, one: Pending) -> Pending:
        rows = tuple(replace(row, path=self.path(side, row.path)) for row in one.unmerged)
        return replace(
            one, unmerged=rows, decided=tuple(replace(row, path=self.path(side, row.path)) for row in one.decided)
        )

    def path(self, side: Side, path: str) -> str:
        """A row of a side, as the one record names it."""
        if side is self.kept:
            return path
        _, item = item_at_head(path)
        return path if item is None else of_item(path, self._shown(side)(item))

    def name(self, side: Side, item: str) -> str:
        """What the one record calls an entry of a side."""
        return self._shown(side)(item)

    def row(self, path: str) -> tuple[Side, str]:
        """The side that a row of the one record is of, and what that side calls it; a new one is the kept side's."""
        _, item = item_at_head(path)
        if item is None:
            return self.kept, path
        side, own = self.entry(item)
        return side, of_item(path, own)

    def entry(self, item: str) -> tuple[Side, str]:
        """The side that an entry of the one record is of, and what that side calls it; a new one is the kept side's."""
        whose = next((side for side in self.sides[1:] if item in side.names), self.kept)
        return whose, whose.names.get(item, item)

    def side_of(self, person: str) -> Side:
        """The side that is this person."""
        return next(side for side in self.sides if side.person == person)

    # --- and back

    def parted(self, after: Tree) -> list[tuple[Side, Tree]]:
        """A changed record, side by side: each entry with the side it came from, a new one with the kept side."""
        theirs = {shown for side in self.sides[1:] for shown in side.names}
        found: list[tuple[Side, Tree]] = []
        for side in self.sides:
            if side is self.kept:
                tree = {name: _without(value, theirs) for name, value in after.items()}
                tree = {name: value for name, value in tree.items() if value or not after[name]}
            else:
                mine = {name: _only(value, side.names) for name, value in after.items()}
                kept = {name: value for name, value in side.tree.items() if not isinstance(value, list)}
                tree = {**kept, **_renamed({name: value for name, value in mine.items() if value}, self._said(side))}
            found.append((side, tree))
        return found

    def as_said(self, side: Side, value: Any) -> Any:
        """A value of a row of the one record, as the side that it is of has it."""
        return value if side is self.kept else _names_in(value, self._said(side))

    def as_shown(self, side: Side, value: Any) -> Any:
        """A value of a row of a side, as the one record has it."""
        return _names_in(value, self._shown(side))

    # --- names

    def _shown(self, side: Side) -> Naming:
        """What the one record calls what a side calls something."""
        if side is self.kept:
            return str

        def shown(name: str) -> str:
            made = self._counted.get(name) or side.shown.get(name) or name_apart(side.person, name)
            side.named[made] = name
            return made

        return shown

    def _said(self, side: Side) -> Naming:
        """What a side calls what the one record calls something."""
        return lambda name: side.named.get(name) or name_apart(self.kept.person, name)


def ids_in(tree: Mapping[str, Any]) -> set[str]:
    """The ids of the entries of a record."""
    listed = [value for value in tree.values() if isinstance(value, list)]
    return {item["id"] for items in listed for item in items if isinstance(item, dict) and "id" in item}


def beside(tx: Tx, holding: Holding, tree: Tree, were: Mapping[str, Tree]) -> list[Beside]:
    """What is held of others who are one with a person, each entry by a name that none of the person's record has.

    were: of whom something changed just now, the record as it was before, by person.
    """
    sides, found = tx.merges.sides(holding.person), list[Beside]()
    if len(sides) < 2:
        return found
    taken = ids_in(tree)
    for at, other in enumerate(sides):
        if other == holding.person:
            continue
        held = hold(tx, other, holding.own)

        def named(name: str, other: str = other) -> str:
            return name_apart(other, name, taken)

        keepers = {(field, named(item)): one for (field, item), one in held.keepers.items() if field != "person"}
        now, before = (_renamed(one, named) for one in (held.tree, were.get(other, held.tree)))
        later = at > sides.index(holding.person)
        found.append(Beside(now, keepers, before, later, is_dead(held.tree)))
    return found


def _only(value: Any, ids: Mapping[str, str]) -> Any:
    return [item for item in value if item.get("id") in ids] if isinstance(value, list) else None


def _without(value: Any, ids: set[str]) -> Any:
    return [item for item in value if item.get("id") not in ids] if isinstance(value, list) else value


def _renamed(tree: Mapping[str, Any], named: Naming) -> Tree:
    """The lists of a record, with every entry and what refers to one under another name."""
    shapes = record_shape().fields
    return {
        name: [{**_inside(shapes[name], item, named), "id": named(item["id"])} for item in value]
        for name, value in tree.items()
        if isinstance(value, list) and name in shapes
    }


def _inside(shape: Shape, item: Mapping[str, Any], named: Naming) -> Tree:
    """An item whose own id, and those of the items in it, stay: only what it refers to is named anew."""
    found: Tree = {}
    for name, value in item.items():
        inner = shape.fields.get(name)
        if name == "id" or inner is None or inner.kind == "by-format":
            found[name] = value
        elif inner.kind == "items":
            found[name] = [_inside(inner, one, named) for one in value]
        elif inner.kind == "part" and isinstance(value, dict):
            found[name] = _inside(inner, value, named)
        else:
            found[name] = _names_in(value, named)
    return found


def _names_in(value: Any, named: Naming) -> Any:
    if isinstance(value, list):
        return [_names_in(inner, named) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: named(inner) if name == "id" and isinstance(inner, str) else _names_in(inner, named)
        for name, inner in value.items()
    }
