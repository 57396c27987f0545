"""Laws of merging, on two sides that each edit, empty, add and (at the keeper's) remove."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_mh.mapping.merge import Merged, merge
from fhir_mh.mapping.row_paths import record_saying, value_at, with_cleared

Tree = dict[str, Any]
BASE: Tree = {
    "person": {"id": "p", "gender": "female"},
    "goals": [{"id": name, "description": {"text": f"goal {name}"}, "status": "active"} for name in ("a", "b")],
    "crisis_plans": [{"id": "c", "title": "crisis", "warning_signs": [
        {"id": name, "sign": {"text": f"sign {name}"}, "coping": {"text": f"coping {name}"}} for name in ("s", "t")
    ]}],
    "refusals": [{"id": "r", "refuses": [{"id": "x", "treatment": {"text": "refused"}}]}],
}  # fmt: skip
SIGNS = "crisis_plans[c].warning_signs"
REFUSED = "refusals[r].refuses[x].treatment"
ROWS = [
    "goals[a].description", "goals[b].description", "crisis_plans[c].description",
    *(f"{SIGNS}[{sign}].{row}" for sign in ("s", "t") for row in ("sign", "coping")), REFUSED,
]  # fmt: skip
ITEMS = [("goals", "b"), ("warning_signs", "t")]


class Side:
    """What one side makes of the base. written: row -> text, None where it was emptied. added, removed: items."""

    def __init__(
        self, name: str, written: dict[str, bool], added: int, removed: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.name, self.written, self.added, self.removed = name, written, added, list(removed)

    def tree(self) -> Tree:
        out = copy.deepcopy(BASE)
        for row, says in self.written.items():
            value = {"text": f"{self.name} at {row}"} if says else None
            out = merge(out, out, record_saying(row, value)).tree
        for number in range(self.added):
            item = {"id": f"{self.name}-{number}", "description": {"text": f"{self.name} adds {number}"}}
            out["goals"].append(item)
        for listed, name in self.removed:
            holder = out if listed == "goals" else out["crisis_plans"][0]
            holder[listed] = [item for item in holder[listed] if item["id"] != name]
        return out

    def sent(self) -> Tree:
        """As a proposal says it: with an explicit None for what was emptied."""
        return with_cleared(self.tree(), [row for row, says in self.written.items() if not says])


def sides(name: str, rows: list[str] | None = None, *, removes: bool = False) -> st.SearchStrategy[Side]:
    some = st.dictionaries(st.sampled_from(rows or ROWS), st.booleans(), max_size=5)
    gone = st.lists(st.sampled_from(ITEMS), unique=True, max_size=2) if removes else st.just([])
    return st.builds(lambda *given: Side(name, *given), some, st.integers(0, 2), gone)


def texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {value["text"]} if "text" in value else set().union(*map(texts, value.values()))
    return set().union(*map(texts, value)) if isinstance(value, list) else set()


def in_any_order(tree: Tree) -> Tree:
    return {**tree, "goals": sorted(tree["goals"], key=lambda item: item["id"])}


def joined(keeper: Side, author: Side) -> Merged:
    return merge(keeper.tree(), BASE, author.sent(), never=("refusals",))


@given(sides("ours", removes=True))
def test_what_nobody_changed_changes_nothing(keeper: Side) -> None:
    held = keeper.tree()
    for shown, theirs in ((BASE, BASE), (held, held), (BASE, {})):
        out = merge(held, shown, theirs, never=("refusals",))
        assert (out.tree, out.changes, out.conflicts) == (held, [], [])


@given(st.data())
def test_changes_of_different_rows_merge_whichever_comes_first(data: st.DataObject) -> None:
    rows = [row for row in ROWS if row != REFUSED]
    mine = data.draw(st.lists(st.sampled_from(rows), unique=True, min_size=1, max_size=len(rows) - 1))
    one = data.draw(sides("one", mine))
    other = data.draw(sides("other", [row for row in rows if row not in mine]))
    forth, back = merge(one.tree(), BASE, other.sent()), merge(other.tree(), BASE, one.sent())
    assert forth.conflicts == back.conflicts == []
    assert in_any_order(forth.tree) == in_any_order(back.tree)
    for side in (one, other):
        for row in side.written:
            assert value_at(forth.tree, row) == value_at(side.tree(), row)


@given(sides("ours", removes=True), sides("theirs"))
def test_every_text_is_in_the_result_or_with_a_person_or_was_the_bases(keeper: Side, author: Side) -> None:
    out = joined(keeper, author)
    asked = texts([[one.ours, one.theirs] for one in out.conflicts])
    replaced = {text for change in out.changes for text in texts([change.before])}
    said = texts(keeper.tree()) | texts(author.tree())
    assert said - texts(BASE) <= texts(out.tree) | asked
    assert replaced <= texts(BASE), "a merge replaces nothing but what its author was shown"


@given(sides("ours", removes=True), sides("theirs"))
def test_what_the_keeper_wrote_or_removed_is_changed_by_no_merge(keeper: Side, author: Side) -> None:
    out, held = joined(keeper, author), keeper.tree()
    for row in keeper.written:
        if value_at(held, row) != value_at(BASE, row):  # emptying what says nothing changes nothing
            assert value_at(out.tree, row) == value_at(held, row)
    for listed, name in keeper.removed:
        path = f"goals[{name}]" if listed == "goals" else f"{SIGNS}[{name}]"
        assert value_at(out.tree, path) is None
        touched = {row for row in author.written if row.startswith(path)}
        asked = [one.reason for one in out.conflicts if one.path == path]
        assert asked == (["gone"] if touched else [])


@given(sides("ours"), sides("theirs"))
def test_a_row_that_both_changed_waits_for_a_person_and_one_that_either_did_does_not(
    keeper: Side, author: Side
) -> None:
    out = joined(keeper, author)
    both = {row for row in keeper.written.keys() & author.written.keys() if row != REFUSED}
    agreed = {row for row in both if not keeper.written[row] and not author.written[row]}
    unsaid = {row for row in author.written if value_at(BASE, row) is None and not author.written[row]}
    waits = both - agreed - unsaid - {row for row in both if value_at(BASE, row) == value_at(keeper.tree(), row)}
    refused = {"refusals[r]"} if REFUSED in author.written else set()
    assert {one.path for one in out.conflicts} == waits | refused
    assert value_at(out.tree, REFUSED) == value_at(keeper.tree(), REFUSED)


@given(sides("ours", removes=True), sides("theirs"))
def test_a_merge_done_again_does_nothing_more(keeper: Side, author: Side) -> None:
    once = joined(keeper, author)
    again = merge(once.tree, BASE, author.sent(), never=("refusals",))
    assert (again.tree, again.changes) == (once.tree, [])
    assert again.conflicts == once.conflicts
