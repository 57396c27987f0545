"""Which item of a list is meant: by id, else by natural key, and where it has none, by all that it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from fhir_mh.mapping.shape import Shape
from fhir_mh.records.trees import tree_of

Tree = dict[str, Any]
_ADDED_HERE = ("custodian", "numbers", "unknown")
"""What is known of a directive besides what it says: who keeps it, and how systems have it."""


class Taken:
    """The items that were held or shown and that something received is already: nothing else is one of them too."""

    def __init__(self, received: Iterable[Tree]) -> None:
        self._marks: set[Any] = {item["id"] for item in received if "id" in item}

    def add(self, *items: Tree | None) -> None:
        """Something received is these."""
        self._marks |= {_mark(item) for item in items if item is not None}

    def __contains__(self, item: Tree) -> bool:
        return _mark(item) in self._marks


def _mark(item: Tree) -> Any:
    return item.get("id") or id(item)


class Matching:
    """One list received, matched with what was shown (old), what is shown today (now) and what is held.

    What was received is never matched with what was received: a second one in the words of an item is a second item.
    """

    def __init__(self, shape: Shape, old: list[Tree], now: list[Tree], held: list[Tree], new: list[Tree]) -> None:
        self.shape, self.old, self.now, self.held = shape, old, now, held
        self.taken = Taken(new)
        self.changed = list(self._changed(new))

    def _changed(self, new: list[Tree]) -> Iterator[Tree]:
        """What was received but for what is said again as it was shown: whichever item it is, nobody changed it."""
        shown = [(nameless(self.shape, item), item) for item in self.old if item not in self.taken]
        for theirs in new:
            again = None
            if "id" not in theirs:
                plain = nameless(self.shape, theirs)
                again = next((one for one in shown if one[0] == plain), None)
            if again is None:
                yield theirs
            else:
                shown.remove(again)
                self.taken.add(again[1])

    def of(self, theirs: Tree) -> tuple[Tree | None, Tree | None, Tree | None, bool]:
        """(the item as held, as shown today, as it was shown, whether it cannot be told which it is)."""
        base, unclear = self._find(theirs, self.old)
        current, mine = None, None
        if not unclear:
            current, unclear = self._find(theirs if base is None else base, self.now)
        if not unclear:
            mine, unclear = self._find(current or base or theirs, self.held)
        if not unclear:
            self.taken.add(base, current, mine)
        return mine, current, base, unclear

    def is_said(self, theirs: Tree) -> bool:
        """Whether this says all that one without a natural key does, and no more, so that it is that one."""
        if self.shape.natural_key or "id" in theirs:
            return False
        return any(_says_the_same(self.shape, ours, theirs) for ours in (*self.old, *self.now, *self.held))

    def _find(self, wanted: Tree, among: list[Tree]) -> tuple[Tree | None, bool]:
        wanted_id = wanted.get("id")
        if wanted_id is not None:
            for item in among:
                if item.get("id") == wanted_id:
                    return item, False
            if all("id" in item for item in among):
                return None, False
        key = _key(wanted, self.shape.natural_key)
        if not any(value is not None for value in key):
            return None, False
        found = [item for item in among if _key(item, self.shape.natural_key) == key]
        if all(item in self.taken for item in found):
            return None, False
        return (found[0], False) if len(found) == 1 else (None, True)


def _key(item: Tree, natural_key: tuple[str, ...]) -> list[Any]:
    values = []
    for path in natural_key:
        value: Any = item
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        values.append(value)
    return values


def nameless(shape: Shape, item: Tree) -> Tree:
    """An item without its id and those of the items in it: what it says, whichever it is. Whom it names, it says."""
    return {name: _without_ids(shape.fields.get(name), value) for name, value in item.items() if name != "id"}


def _without_ids(shape: Shape | None, value: Any) -> Any:
    if shape is not None and shape.kind == "items" and isinstance(value, list):
        return [nameless(shape, inner) for inner in value]
    if shape is not None and shape.kind == "part" and isinstance(value, dict):
        return {name: _without_ids(shape.fields.get(name), inner) for name, inner in value.items()}
    return value


def _says_the_same(shape: Shape, ours: Tree, theirs: Tree) -> bool:
    unsaid = [name for name in _ADDED_HERE if theirs.get(name) is None]
    first, second = (_in_full(shape, item) for item in (ours, theirs))
    return {name: value for name, value in first.items() if name not in unsaid} == second


def _in_full(shape: Shape, item: Tree) -> Tree:
    """What an item says with what it means by leaving it out: a directive without a status is in force."""
    try:
        full = item if shape.model is None else tree_of(shape.model.model_validate(item))
    except ValidationError:  # a part of one
        full = item
    return nameless(shape, full)
