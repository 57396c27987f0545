"""Merging what came back into what is held, against what was shown.

`shown` is the record as the other side was last shown it, read back through its own format; `received` is what
it sends now, read the same way. A row that stands in both alike was not touched, whatever the format could not
say of it. Only rows that differ are changes. A change meets what is held now: where that is still as shown it
applies; where both changed it is a conflict and nothing of it is applied. Absence is never deletion.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from fhir_mh.mapping.shape import Shape, record_shape

Tree = dict[str, Any]

PROTECTING = ("in_confidence", "third_party")
"""What protects a text, or a person spoken of in it: never lost because a format cannot say it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row that changed: its path in the record (items by id), and what it was and is. None: it was absent."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Conflict:
    """One row that both sides changed, or that must be looked at before anything is done with it."""

    path: str
    shown: Any
    ours: Any
    theirs: Any
    reason: str = "both-changed"


@dataclass(slots=True)
class Merged:
    """What came of a merge: the new tree, the rows that changed in it, and the rows left for a person."""

    tree: Tree
    changes: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def merge(
    held: Tree,
    shown: Tree,
    received: Tree,
    *,
    view: Tree | None = None,
    mint: Callable[[], str] | None = None,
    never: Collection[str] = (),
    read_only: Collection[str] = (),
) -> Merged:
    """Bring the changes that `received` makes to `shown` into `held`.

    view: `held` as the other side's format would say it now; `held` itself where the format says everything.
    mint: gives ids to new items that have none. never: top-level lists whose items are never changed by a
    merge (a recorded refusal): a change to one is a conflict, a new one is added. read_only: top-level lists to
    which the other side can add nothing either: that is a conflict too.
    Nothing given is changed in place. An explicit None clears a field.
    """
    out = Merged(copy.deepcopy(held))
    work = _Work(out, mint, frozenset(never) | frozenset(read_only), frozenset(read_only))
    work.part(record_shape(), out.tree, held if view is None else view, shown, received, "")
    return out


def put(
    held: Tree,
    received: Tree,
    *,
    get: Callable[[Tree], Tree] | None = None,
    shown: Tree | None = None,
    mint: Callable[[], str] | None = None,
) -> Merged:
    """The backward direction of a mapping: the record after its other form was edited.

    get: the record as the format says it, read back; a format that says everything needs none. shown: the
    form that was edited, where that is not today's. put(r, get(r)) leaves r as it is.
    """
    view = get(held) if get is not None else held
    return merge(held, view if shown is None else shown, received, view=view, mint=mint)


class _Work:
    """One merge under way."""

    def __init__(
        self, out: Merged, mint: Callable[[], str] | None, never: frozenset[str], read_only: frozenset[str]
    ) -> None:
        self.out, self.mint, self.never, self.read_only = out, mint, never, read_only

    def part(self, shape: Shape, ours: Tree, view: Tree, shown: Tree, theirs: Tree, path: str) -> None:
        """Merge the fields of one object, in place in ours."""
        for name, new in theirs.items():
            inner = shape.fields.get(name)
            if inner is None or name == "id":
                continue
            old, now = shown.get(name), view.get(name)
            where = f"{path}.{name}" if path else name
            if inner.kind == "items":
                self.items(inner, ours, name, now or [], old or [], new or [], where)
            elif inner.kind == "by-format":
                self.by_format(ours, name, now or {}, old or {}, new or {}, where)
            elif inner.kind == "part" and isinstance(new, dict) and isinstance(ours.get(name), dict):
                self.part(inner, ours[name], now or {}, old or {}, new, where)
            elif inner.kind == "values":
                self.values(ours, name, now or [], old or [], new or [], where)
            else:
                self.whole(ours, name, now, old, new, where)

    def whole(self, ours: Tree, name: str, now: Any, old: Any, new: Any, path: str) -> None:
        if new == old or new == now:
            return
        if now != old:
            self.out.conflicts.append(Conflict(path, old, ours.get(name), new))
            return
        after = _still_protected(ours.get(name), new)
        self.out.changes.append(Change(path, ours.get(name), after))
        if after is None:
            ours.pop(name, None)
        else:
            ours[name] = after

    def by_format(self, ours: Tree, field: str, now: Tree, old: Tree, new: Tree, path: str) -> None:
        """Content without a field, or an entry's own numbers: each format's as one value; the others' stay."""
        kept = ours.setdefault(field, {})
        for name, value in new.items():
            self.whole(kept, name, now.get(name), old.get(name), value, f"{path}.{name}")
        if not kept:
            del ours[field]

    def values(self, ours: Tree, name: str, now: list[Any], old: list[Any], new: list[Any], path: str) -> None:
        if new == old or new == now:
            return
        added, removed = _beyond(new, old), _beyond(old, new)
        if now != old and (removed or any(value not in now for value in old)):
            self.out.conflicts.append(Conflict(path, old, ours.get(name), new))
            return
        before = list(ours.get(name) or [])
        unclear = any(_unclear(before, now, value, removed.count(value)) for value in removed)
        if unclear or _would_unmark(before, removed, added):
            self.out.conflicts.append(Conflict(path, old, ours.get(name), new, "unclear-item"))
            return
        if before == old and len(new) == len(old):  # what is held is what was shown: the edited list, as it stands
            after = copy.deepcopy(new)
        else:
            after = _replaced(before, removed, [value for value in added if value not in now])
        if after == before:
            return
        self.out.changes.append(Change(path, before or None, after))
        if after:
            ours[name] = after
        else:
            ours.pop(name, None)

    def items(
        self, shape: Shape, ours: Tree, name: str, now: list[Tree], old: list[Tree], new: list[Tree], path: str
    ) -> None:
        untouched = [_nameless(item) for item in old]
        for theirs in new:
            if "id" not in theirs and (plain := _nameless(theirs)) in untouched:
                untouched.remove(plain)  # said again as it was shown: whichever entry it is, nobody changed it
                continue
            base, unclear = _find(theirs, old, shape.natural_key)
            if not unclear:
                current, unclear = _find(theirs if base is None else base, now, shape.natural_key)
            if not unclear:
                mine, unclear = _find(current or base or theirs, ours.get(name) or [], shape.natural_key)
            where = f"{path}[{theirs.get('id') or '?'}]"
            if unclear:
                if theirs not in old:
                    self.out.conflicts.append(Conflict(where, None, None, theirs, "unclear-item"))
                continue
            self.item(shape, ours, name, (mine, current, base, theirs), path)

    def item(
        self, shape: Shape, ours: Tree, name: str, of: tuple[Tree | None, Tree | None, Tree | None, Tree], path: str
    ) -> None:
        mine, current, base, theirs = of
        where = f"{path}[{(mine or theirs).get('id') or '?'}]"
        if mine is None:
            if base is None and path in self.read_only:
                self.out.conflicts.append(Conflict(where, None, None, theirs, "read-only"))
            elif base is None:
                self.add(ours, name, theirs, path)
            elif _differs(shape, base, theirs):
                self.out.conflicts.append(Conflict(where, base, None, theirs, "gone"))
            return
        if name in self.never and path == name:
            if base is None or _differs(shape, base, theirs):
                self.out.conflicts.append(Conflict(where, base, copy.deepcopy(mine), theirs, "never-merged"))
            return
        self.part(shape, mine, current or {}, base or {}, theirs, where)

    def add(self, ours: Tree, name: str, theirs: Tree, path: str) -> None:
        added = copy.deepcopy(theirs)
        if "id" not in added and self.mint is not None:
            give_ids(added, self.mint)
        ours.setdefault(name, []).append(added)
        self.out.changes.append(Change(f"{path}[{added.get('id', '?')}]", None, added))


def _still_protected(ours: Any, new: Any) -> Any:
    """New words, told in confidence or about a third party as the old ones were, unless they say otherwise.

    Who said the old words is not said of the new: nobody is given words that somebody else wrote.
    """
    after = copy.deepcopy(new)
    if isinstance(after, dict) and isinstance(ours, dict) and "text" in after:
        marks = {mark: ours[mark] for mark in PROTECTING if mark in ours and mark not in after}
        return {**{key: value for key, value in after.items() if value is not None or key not in PROTECTING}, **marks}
    return after


def give_ids(item: Tree, mint: Callable[[], str]) -> None:
    """Ids for a new item and for those inside it."""
    shape = record_shape()
    item.setdefault("id", mint())
    names = {name for top in shape.fields.values() for name, inner in top.fields.items() if inner.kind == "items"}
    for name in names & set(item):
        for inner in item[name]:
            inner.setdefault("id", mint())


def _find(wanted: Tree, among: list[Tree], natural_key: tuple[str, ...]) -> tuple[Tree | None, bool]:
    """(the same item among these, whether it cannot be told which): by id, else by natural key."""
    wanted_id = wanted.get("id")
    if wanted_id is not None:
        for item in among:
            if item.get("id") == wanted_id:
                return item, False
        if all("id" in item for item in among):
            return None, False
    key = _key(wanted, natural_key)
    if not any(value is not None for value in key):
        return None, False
    found = [item for item in among if _key(item, natural_key) == key]
    return (found[0], False) if len(found) == 1 else (None, len(found) > 1)


def _nameless(value: Any) -> Any:
    """The same without any ids: what an entry says, whichever it is."""
    if isinstance(value, dict):
        return {key: _nameless(inner) for key, inner in value.items() if key != "id"}
    return [_nameless(inner) for inner in value] if isinstance(value, list) else value


def _key(item: Tree, natural_key: tuple[str, ...]) -> list[Any]:
    values = []
    for path in natural_key:
        value: Any = item
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        values.append(value)
    return values


def _differs(shape: Shape, shown: Tree, theirs: Tree) -> bool:
    """Whether theirs changes anything of what was shown."""
    probe = Merged({})
    _Work(probe, None, frozenset(), frozenset()).part(shape, copy.deepcopy(shown), shown, shown, theirs, "")
    return bool(probe.changes or probe.conflicts)


def _beyond(values: list[Any], others: list[Any]) -> list[Any]:
    """The values that the others do not have, each counted as often as it is said."""
    rest, out = list(others), []
    for value in values:
        if value in rest:
            rest.remove(value)
        else:
            out.append(value)
    return out


def _unclear(ours: list[Any], view: list[Any], gone: Any, times: int) -> bool:
    """Whether the view says several of ours, which are not alike, in the same words, and not all of those went."""
    copies = view.count(gone)
    if copies <= times or ours.count(gone) == copies:
        return False
    said = [value for value in ours if _covers(value, gone)]
    return any(value != said[0] for value in said)


def _would_unmark(ours: list[Any], removed: list[Any], added: list[Any]) -> bool:
    """Whether something went that is told in confidence, and what was added may or may not be said in its place."""
    if not added or len(removed) == len(added):
        return False
    return any(_marks(value) and not _marks(gone) and _covers(value, gone) for value in ours for gone in removed)


def _marks(value: Any) -> bool:
    return isinstance(value, dict) and any(mark in value for mark in PROTECTING)


def _replaced(ours: list[Any], removed: list[Any], added: list[Any]) -> list[Any]:
    """Our list with the removed values out and the added ones in their places.

    A removed value stands for the one of ours that says what it says and least beyond it; what ours says beyond
    it stays with the value that takes its place.
    """
    out: dict[int, Any] = dict(enumerate(ours))
    untouched, waiting = set(out), list(added)
    for gone in removed:
        places = [n for n in sorted(untouched) if _covers(out[n], gone)]
        if not places:
            continue
        place = min(places, key=lambda n: (out[n] != gone, len(out[n]) if isinstance(out[n], dict) else 0))
        untouched.remove(place)
        if waiting and isinstance(out[place], dict) and isinstance(waiting[0], dict):
            out[place] = _in_place_of(out[place], gone, waiting.pop(0))
        elif waiting:
            out[place] = waiting.pop(0)
        else:
            del out[place]
    return [*out.values(), *copy.deepcopy(waiting)]


def _in_place_of(ours: Tree, gone: Tree, new: Tree) -> Tree:
    """New with what ours says beyond what went; of new words, nobody said them who said the old ones."""
    if "text" in ours and new.get("text") != ours["text"]:
        return {**new, **{key: ours[key] for key in PROTECTING if key in ours and key not in gone}}
    return {**new, **{key: value for key, value in ours.items() if key not in gone}}


def _covers(value: Any, shown: Any) -> bool:
    if isinstance(value, dict) and isinstance(shown, dict):
        return all(key in value and _covers(value[key], inner) for key, inner in shown.items())
    return bool(value == shown)
