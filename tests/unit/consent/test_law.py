"""The law as data: nothing follows from a part that is not in force; once one is, what is missing is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mh.consent import asked_by_law, laws
from fhir_mh.consent.policies import PolicyFile, shipped_policies
from fhir_mh.packages.definitions import Definitions

NOW = "2028-06-01T12:00:00.000Z"
NAMES = ("mha-2025-s21", "mha-2025-s25", "mha-2025-s44")
PLAN = {"categories": [{"codings": [
    {"system": "https://w3id.org/fhir-mh/CodeSystem/plan-kind", "code": "care-and-treatment-plan"}]}]}  # fmt: skip
DETAINED = {"legal_statuses": [{"id": "s3", "kind": "detained", "period": {"start": "2028-01-01"}}]}
NOMINATED = {"contacts": [{"id": "c", "roles": [{"id": "r", "kind": "nominated-person"}]}]}
DISCHARGED = {"stays": [{"id": "stay", "status": "finished", "period": {"end": "2028-01-31"}}]}


def in_force(name: str, since: str = "2028-01-01") -> PolicyFile:
    (found,) = [policy for policy in laws() if policy.id == name]
    return found.model_copy(update={"in_force_from": since})


def found(name: str, tree: dict[str, Any], now: str = NOW) -> list[str]:
    return [one.path for one in asked_by_law(tree, now, [in_force(name)], [name])]


def test_what_ships_of_the_act_is_not_in_force_and_names_its_source() -> None:
    assert tuple(policy.id for policy in laws()) == NAMES
    for policy in laws():
        assert (policy.in_force_from, policy.enabled) == (None, False)
        assert policy.source.name == f"Mental Health Act 2025 (c. 33), section {policy.id[-2:]}"
        assert policy.version


TREES = st.fixed_dictionaries(
    {},
    optional={name: st.just(value) for part in (DETAINED, NOMINATED, DISCHARGED) for name, value in part.items()}
    | {"care_plans": st.just([{"id": "p", "version": 2}])},
)


@given(TREES, st.dates().map(str), st.lists(st.sampled_from(NAMES), unique=True))
def test_nothing_follows_from_what_ships_whatever_is_turned_on(
    tree: dict[str, Any], day: str, named: list[str]
) -> None:
    assert asked_by_law(tree, day, laws(), named) == []


@given(TREES)
def test_nothing_follows_from_a_law_that_is_in_force_and_that_nobody_turned_on(tree: dict[str, Any]) -> None:
    assert asked_by_law(tree, NOW, [in_force(name) for name in NAMES], []) == []


@pytest.mark.parametrize(("day", "is_on"), [("2028-05-31", False), ("2028-06-01", True), (NOW, True)])
def test_a_law_is_on_from_its_day(day: str, is_on: bool) -> None:
    assert in_force("mha-2025-s21", "2028-06-01").is_on(day, ["mha-2025-s21"]) is is_on


@pytest.mark.parametrize(
    ("plans", "missing"),
    [
        ([], True),
        ([{"id": "p"}], True),
        ([{"id": "p", **PLAN}], False),
        ([{"id": "p", "status": "completed", **PLAN}], True),
        ([{"id": "o"}, {"id": "p", "status": "active", **PLAN}], False),
    ],
)
def test_somebody_detained_has_a_statutory_plan(plans: list[dict[str, Any]], missing: bool) -> None:
    assert found("mha-2025-s21", {**DETAINED, "care_plans": plans}) == (["care_plans"] if missing else [])
    assert found("mha-2025-s21", {"care_plans": plans}) == []


def said(version: int | None, who: str = "c", plan: str = "p") -> dict[str, Any]:
    return {"agreements": [{"id": "a", "plan": {"id": plan}, "plan_version": version, "who": {"id": who}}]}


@pytest.mark.parametrize(
    ("tree", "missing"),
    [
        ({}, True),
        (said(2), False),
        (said(1), True),
        (said(2, who="somebody"), True),
        (said(2, plan="other"), True),
        ({"contacts": []}, False),
        ({"contacts": [{"id": "c", "roles": [{"kind": "nearest-relative"}]}]}, False),
        ({"contacts": [{"id": "c", "roles": [{"kind": "nominated-person", "period": {"end": "2028-05"}}]}]}, False),
        ({"contacts": [{"id": "c", "roles": [{"kind": "nominated-person", "period": {"end": "2028-06"}}]}]}, True),
        ({"legal_statuses": []}, False),
        ({"care_plans": [{"id": "p", "version": 2, "status": "revoked"}]}, False),
    ],
)
def test_the_nominated_person_is_consulted_on_the_plan_as_it_is(tree: dict[str, Any], missing: bool) -> None:
    held = {**DETAINED, **NOMINATED, "care_plans": [{"id": "p", "version": 2}], **tree}
    assert found("mha-2025-s25", held) == (["care_plans[p]"] if missing else [])


def offered(day: str) -> dict[str, Any]:
    return {"choice_documents": [{"id": "d", "status": "proposed", "help": {"offered_on": day}}]}


@pytest.mark.parametrize(
    ("tree", "now", "missing"),
    [
        ({}, NOW, True),
        (offered("2028-01-31"), NOW, False),
        (offered("2028-03-01T09:00:00Z"), NOW, False),
        (offered("2028-01-30"), NOW, True),
        ({}, "2029-01-31T00:00:00.000Z", True),
        ({}, "2029-02-01T00:00:00.000Z", False),
        ({"stays": [{"id": "stay", "status": "in-progress", "period": {}}]}, NOW, False),
        ({"stays": [{"id": "stay", "status": "finished", "period": {"end": "2028-07-01"}}]}, NOW, False),
    ],
)
def test_help_with_choices_is_offered_within_a_year_of_discharge(tree: dict[str, Any], now: str, missing: bool) -> None:
    assert found("mha-2025-s44", {**DISCHARGED, **tree}, now) == (["stays[stay]"] if missing else [])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("mha-2025-s21", "law-care-and-treatment-plan"),
        ("mha-2025-s25", "law-nominated-person-consulted"),
        ("mha-2025-s44", "law-help-with-choice-document"),
    ],
)
def test_what_is_found_is_a_warning_that_names_the_law_and_its_version(name: str, code: str) -> None:
    tree = {**DETAINED, **NOMINATED, **DISCHARGED, "care_plans": [{"id": "p", "version": 2}]}
    policy = in_force(name)
    (missing,) = asked_by_law(tree, NOW, [policy], [name])
    assert (missing.code, missing.severity) == (code, "warning")
    assert policy.source.name in missing.message and policy.version in missing.message


def test_the_category_that_a_policy_asks_for_is_a_code_of_ours() -> None:
    category = in_force("mha-2025-s21").values["category"]
    facts = Definitions().code_system(category["system"])
    assert facts is not None
    assert category["code"] in facts["concept"]


def test_the_policies_that_decide_are_on_but_for_the_one_that_a_gateway_turns_on() -> None:
    on = {policy.id: policy.is_on(NOW) for policy in shipped_policies() if policy.asks is None}
    assert on == {"confirm-claims": False, "direct-care": True, "find-and-pull": True, "placements": True}
    (claims,) = [policy for policy in shipped_policies() if policy.id == "confirm-claims"]
    assert claims.is_on(NOW, ["confirm-claims"])
