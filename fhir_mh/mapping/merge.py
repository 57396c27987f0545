"""Merging what came back into what is held, against what was shown.

`shown` is the record as the other side was last shown it, read back through its own format; `received` is what
it sends now, read the same way. A row that stands in both alike was not touched, whatever the format could not
say of it. Only rows that differ are changes. A change meets what is held now: where that is still as shown it
applies; where both changed it is a conflict and nothing of it is applied. Absence is never deletion.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from fhir_mh.fhir.parts import copied
from fhir_mh.mapping.matching import Matching
from fhir_mh.mapping.said import all_as_known, as_known, beyond, replaced, still_protected, unclear, would_unmark
from fhir_mh.mapping.shape import Shape, record_shape

Tree = dict[str, Any]


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
    partial: bool = False,
) -> Merged:
    """Bring the changes that `received` makes to `shown` into `held`.

    view: `held` as the other side's format would say it now; `held` itself where the format says everything.
    mint: gives ids to new items that have none. never: top-level lists whose items are never changed by a
    merge (a recorded refusal): a change to one is a conflict, a new one is added. read_only: top-level lists to
    which the other side can add nothing either: that is a conflict too. partial: whoever sends this may leave out who
    said words that they send again as they are; that stays. Otherwise it was taken out.
    Nothing given is changed in place. An explicit None clears a field.
    """
    out = Merged(copied(held))
    work = _Work(out, mint, frozenset(never) | frozenset(read_only), frozenset(read_only), partial)
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
    return merge(held, view if shown is None else shown, received, view=view, mint=mint, partial=True)


class _Work:
    """One merge under way."""

    def __init__(self, out: Merged, mint: Callable[[], str] | None, never: frozenset[str], read_only: frozenset[str],
                 partial: bool) -> None:  # fmt: skip
        self.out, self.mint, self.never, self.read_only, self.partial = out, mint, never, read_only, partial

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
        if self.partial:
            new = as_known(new, old)
        if new == old or new == now:
            return
        if now != old:
            self.out.conflicts.append(Conflict(path, old, ours.get(name), new))
            return
        after = still_protected(ours.get(name), as_known(new, ours.get(name)) if self.partial else new)
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
        if self.partial:
            new = all_as_known(new, old)
        if new == old or new == now:
            return
        added, removed = beyond(new, old), beyond(old, new)
        if now != old and (removed or any(value not in now for value in old)):
            self.out.conflicts.append(Conflict(path, old, ours.get(name), new))
            return
        before = list(ours.get(name) or [])
        doubtful = any(unclear(before, now, value, removed.count(value)) for value in removed)
        if doubtful or would_unmark(before, removed, added):
            self.out.conflicts.append(Conflict(path, old, ours.get(name), new, "unclear-item"))
            return
        if before == old and len(new) == len(old):  # what is held is what was shown: the edited list, as it stands
            after = copied(new)
        else:
            after = replaced(before, removed, [value for value in added if value not in now])
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
        matching = Matching(shape, old, now, list(ours.get(name) or []), new)
        met: dict[str, Tree] = {}
        for theirs in matching.changed:
            where = f"{path}[{theirs.get('id') or '?'}]"
            if "id" in theirs and met.setdefault(theirs["id"], theirs) is not theirs:
                if met[theirs["id"]] != theirs:  # an id that stands twice: neither text is put over the other
                    self.out.conflicts.append(Conflict(where, None, None, theirs, "unclear-item"))
                continue
            if matching.is_said(theirs):
                continue
            mine, current, base, unclear = matching.of(theirs)
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
                self.add(shape, ours, name, theirs, path)
            elif self.differs(shape, base, theirs):
                self.out.conflicts.append(Conflict(where, base, None, theirs, "gone"))
            return
        if name in self.never and path == name:
            if base is None or self.differs(shape, base, theirs):
                self.out.conflicts.append(Conflict(where, base, copied(mine), theirs, "never-merged"))
            return
        self.part(shape, mine, current or {}, base or {}, theirs, where)

    def differs(self, shape: Shape, shown: Tree, theirs: Tree) -> bool:
        """Whether theirs changes anything of what was shown."""
        probe = Merged({})
        work = _Work(probe, None, frozenset(), frozenset(), self.partial)
        work.part(shape, copied(shown), shown, shown, theirs, "")
        return bool(probe.changes or probe.conflicts)

    def add(self, shape: Shape, ours: Tree, name: str, theirs: Tree, path: str) -> None:
        added = copied(theirs)
        if self.mint is not None:
            _give_ids(shape, added, self.mint)
        ours.setdefault(name, []).append(added)
        self.out.changes.append(Change(f"{path}[{added.get('id', '?')}]", None, added))


def _give_ids(shape: Shape, item: Tree, mint: Callable[[], str]) -> None:
    """Ids for a new item and for those inside it that have none."""
    item.setdefault("id", mint())
    for name, inner in shape.fields.items():
        if inner.kind == "items":
            for one in item.get(name) or ():
                _give_ids(inner, one, mint)
