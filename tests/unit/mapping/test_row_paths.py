"""Paths of rows: what they lead to, what is part of what, and which rows somebody emptied."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.mapping.merge import merge
from fhir_mh.mapping.row_paths import (
    cleared,
    holder_of,
    is_within,
    item_at_head,
    of_item,
    record_saying,
    value_at,
    with_cleared,
)

TREE: dict[str, Any] = {
    "person": {"id": "p", "gender": "female", "birth_date": "1984"},
    "goals": [{"id": "g.1", "status": "active", "status_reason": "x"}],
    "crisis_plans": [{"id": "c", "warning_signs": [{"id": "s", "sign": {"text": "a"}, "coping": {"text": "b"}}],
                      "numbers": {"vendor": "7"}, "period": {"start": "2026", "end": "2027"}}],
}  # fmt: skip
COPING = "crisis_plans[c].warning_signs[s].coping"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("goals[g.1].status", "active"),
        (COPING, {"text": "b"}),
        ("crisis_plans[c].numbers.vendor", "7"),
        ("goals[other].status", None),
        ("goals[?]", None),
        ("person.gender.more", None),
    ],
)
def test_a_path_leads_to_its_row(path: str, value: Any) -> None:
    assert value_at(TREE, path) == value
    if value is not None:
        assert value_at(record_saying(path, value), path) == value
        assert merge(TREE, TREE, record_saying(path, value)).changes == []


def test_an_item_said_by_itself_has_its_id() -> None:
    assert record_saying("goals[g]", {"status": "active"}) == {"goals": [{"status": "active", "id": "g"}]}


@pytest.mark.parametrize(
    ("path", "whole", "within"),
    [
        ("goals[g.1].status", "goals[g.1].status", True),
        ("goals[g.1].status_reason", "goals[g.1].status", False),
        ("refusals[r].refuses[x].treatment", "refusals[r]", True),
        ("refusals[r2].made_at", "refusals[r]", False),
        ("crisis_plans[c].warning_signs[s].sign", "crisis_plans[c].warning_signs[?]", True),
    ],
)
def test_what_is_part_of_a_row(path: str, whole: str, within: bool) -> None:
    assert is_within(path, whole) is within


def test_a_row_is_in_the_innermost_item_and_of_the_outermost() -> None:
    assert holder_of(COPING) == "crisis_plans[c].warning_signs[s]"
    assert holder_of("crisis_plans[c].warning_signs[s]") == "crisis_plans[c]"
    assert (holder_of("goals[g]"), holder_of("person.gender")) == (None, None)
    assert (item_at_head(COPING), item_at_head("person.gender")) == (("crisis_plans", "c"), ("person", None))
    assert (item_at_head(""), item_at_head(".")) == (("", None), ("", None))


def test_a_row_is_named_by_another_id_of_its_item_alone() -> None:
    assert of_item("goals[1].notes[1].text", "2") == "goals[2].notes[1].text"
    assert (of_item("person.gender", "2"), of_item("", "2")) == ("person.gender", "")


def test_rows_that_were_emptied_are_told_from_items_that_are_not_mentioned() -> None:
    after: dict[str, Any] = {
        "person": {"id": "p", "birth_date": "1984"},
        "goals": [],
        "crisis_plans": [
            {"id": "c", "warning_signs": [{"id": "s", "sign": {"text": "a"}}], "period": {"start": "2026"}}
        ],
    }
    found = cleared(TREE, after)
    assert found == ["person.gender", COPING, "crisis_plans[c].numbers.vendor", "crisis_plans[c].period.end"]
    assert cleared(TREE, TREE) == []
    out = merge(TREE, TREE, with_cleared(after, found)).tree
    assert "gender" not in out["person"]
    assert "coping" not in out["crisis_plans"][0]["warning_signs"][0]
    assert out["goals"] == TREE["goals"]


@pytest.mark.parametrize(
    "path", ["person", "goals", "goals[g.1]", "goals[g.1].id", "crisis_plans[c].warning_signs", ""]
)
def test_neither_the_person_nor_an_item_is_emptied(path: str) -> None:
    assert merge(TREE, TREE, with_cleared(TREE, [path])).tree == TREE
