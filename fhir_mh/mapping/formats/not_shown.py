"""Entries of a file that are held and are not shown in it any more: a plan that has ended since the file was sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.parts import copied
from fhir_mh.mapping.formats.paths import Pick, Step, Tree
from fhir_mh.mapping.merge import Conflict, merge
from fhir_mh.mapping.row_paths import value_at


def take_not_shown(
    theirs: Tree,
    held: Tree,
    shown: Sequence[Tree],
    picks: Iterable[Sequence[Step]],
    *,
    view: Callable[[Tree], Tree],
    never: Collection[str],
) -> list[Conflict]:
    """Take each entry out of `theirs` that a condition picks there, and that is held but was not shown.

    shown: the record as it is shown today, and as it was. view: what the format says of a record. never: lists whose
    items are never changed by a merge. Where such an entry says something else than the format would say of it, that
    is left for a person, row by row. What the condition itself says of it is no row of the file: an older file
    begins nothing again that has ended.
    """
    found: list[Conflict] = []
    for name, pick in _conditions(picks):
        for entry in [one for one in theirs.get(name) or () if pick.of([one]) is not None]:
            mine = _item(held, name, entry.get("id"))
            if mine is None or any(_item(tree, name, mine["id"]) is not None for tree in shown):
                continue
            theirs[name] = [one for one in theirs[name] if one is not entry]
            said = _as_if_picked(held, name, mine, pick, view)
            found += _differences(name, mine, said, _without(entry, pick), name in never)
    return found


def _conditions(picks: Iterable[Sequence[Step]]) -> list[tuple[str, Pick]]:
    """(the record's list, which entry of it is meant), each once."""
    return list(dict.fromkeys((steps[0].name, steps[0].pick) for steps in picks if steps[0].pick is not None))


def _as_if_picked(held: Tree, name: str, mine: Tree, pick: Pick, view: Callable[[Tree], Tree]) -> Tree:
    """What the format would say of an item that is held, were it the one that the condition picks."""
    wanted = mine if pick.of([mine]) is not None else {**mine, **pick.new()}
    try:
        said = _item(view({**held, name: [wanted]}), name, mine["id"])
    except InvalidResource:  # what has ended says things that what has not cannot: nothing to compare with
        said = None
    return _without(said or {"id": mine["id"]}, pick)


def _differences(name: str, mine: Tree, said: Tree, entry: Tree, never: bool) -> list[Conflict]:
    """What an entry says otherwise than the format would say of the item that is held."""
    merged = merge({name: [said]}, {name: [said]}, {name: [entry]})
    rows = [(one.path, one.before, one.after, "") for one in merged.changes]
    rows += [(one.path, one.shown, one.theirs, one.reason) for one in merged.conflicts]
    if never and rows:
        return [Conflict(f"{name}[{mine['id']}]", said, copied(mine), entry, "never-merged")]
    return [
        Conflict(path, before, copied(value_at({name: [mine]}, path)), after, reason or _reason(path))
        for path, before, after, reason in rows
    ]


def _reason(path: str) -> str:
    """An entry that is new in what has ended may belong elsewhere; any other row was changed on both sides."""
    return "unclear-item" if path.endswith("]") else "both-changed"


def _without(entry: Tree, pick: Pick) -> Tree:
    """An entry without what the condition says of it, and without its version, which whoever keeps it gives."""
    new = pick.new()
    return {key: value for key, value in entry.items() if key != "version" and (key not in new or value != new[key])}


def _item(tree: Tree, name: str, item_id: Any) -> Tree | None:
    """The item of a list by its id; None where there is none."""
    return next((item for item in tree.get(name) or () if item_id is not None and item.get("id") == item_id), None)
