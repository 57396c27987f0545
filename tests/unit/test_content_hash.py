"""The hash of a plan tells two copies of one version apart, and nothing else does."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import pytest

from fhir_mh import from_bundle, to_bundle
from fhir_mh.fhir.json import load_object
from fhir_mh.records.content_hash import content_hash, sameness_of
from fhir_mh.records.trees import record_of, tree_of

WHOLE = Path(__file__).resolve().parents[2] / "examples" / "records" / "whole-person.json"


def whole() -> dict[str, Any]:
    return tree_of(record_of(load_object(WHOLE.read_bytes())))


def test_it_is_the_sha_256_of_the_json_that_the_page_describes() -> None:
    plan = {
        "title": "Pläne",
        "id": "p",
        "version": 3,
        "goals": [{"id": "g", "display": "Garden"}],
        "numbers": {"x": "1"},
    }
    said = '{"goals":[{"id":"g"}],"id":"p","title":"Pläne"}'
    assert content_hash(plan) == hashlib.sha256(said.encode()).hexdigest()


@pytest.mark.parametrize("name", ["care_plans", "crisis_plans"])
def test_it_is_the_same_in_fhir_as_in_json(name: str) -> None:
    tree = whole()
    back = tree_of(from_bundle(to_bundle(record_of(tree))))
    assert [content_hash(plan) for plan in back[name]] == [content_hash(plan) for plan in tree[name]]


def test_a_sign_without_an_answer_may_stand_anywhere() -> None:
    signs = [{"id": "a", "sign": {"text": "a"}}, {"id": "b", "sign": {"text": "b"}, "coping": {"text": "walk"}}]
    plan = {"id": "p", "warning_signs": signs}
    assert content_hash(plan) == content_hash({**plan, "warning_signs": signs[::-1]})
    assert [sign["id"] for sign in signs] == ["a", "b"], "what is hashed is left as it is"


def test_a_plan_that_the_hash_was_made_of_is_the_same_and_any_other_is_not() -> None:
    tree = whole()
    found = {one.plan: one.same for one in sameness_of(tree)}
    assert found == {"care-plan": True, "crisis-plan": True, "crisis-plan-before": None}
    tree["crisis_plans"][0]["warning_signs"][0]["coping"]["text"] = "something else"
    assert {one.plan: one.same for one in sameness_of(tree)}["crisis-plan"] is False


def test_every_item_counts_by_the_id_that_its_keeper_gives_it() -> None:
    shown = {"id": "shown", "title": "Plan", "goals": [{"id": "other", "display": "Garden"}], "activities": []}
    kept = {**shown, "id": "1", "goals": [{"id": "2"}]}
    assert content_hash(shown, {"shown": "1", "other": "2"}) == content_hash(kept)


@pytest.mark.parametrize("name", ["version", "content_hash", "numbers", "unknown"])
def test_what_is_beside_the_plan_does_not_count(name: str) -> None:
    (plan, *_) = whole()["care_plans"]
    changed = copy.deepcopy(plan)
    changed[name] = {"a-format": "7"}
    changed["activities"][0]["unknown"] = {"a-format": {"x": 1}}
    assert content_hash(changed) == content_hash(plan)


def test_whom_a_reference_names_counts_and_how_does_not() -> None:
    plan = {"id": "p", "author": {"id": "a"}}
    assert content_hash({**plan, "author": {"id": "a", "type": "PractitionerRole", "display": "A"}}) == content_hash(
        plan
    )
    assert content_hash({**plan, "author": {"id": "b"}}) != content_hash(plan)
    assert content_hash({**plan, "author": {"display": "A"}}) != content_hash({**plan, "author": {"display": "B"}})
