"""An agreement is to one version of a plan; a later plan leaves it behind."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.records.agreements import standing_of
from fhir_mh.records.plans import Activity, CrisisPlan


def tree(agreed: int | None, plan: int | None) -> dict[str, Any]:
    held = {"id": "a", "plan": {"id": "p"}, **({"plan_version": agreed} if agreed else {})}
    return {"crisis_plans": [{"id": "p", **({"version": plan} if plan else {})}], "agreements": [held]}


@pytest.mark.parametrize(("agreed", "plan", "current"), [(3, 3, True), (3, 4, False), (None, 4, None), (3, None, None)])
def test_an_agreement_is_current_while_the_plan_is_at_its_version(
    agreed: int | None, plan: int | None, current: bool | None
) -> None:
    (found,) = standing_of(tree(agreed, plan))
    assert (found.agreement, found.plan, found.agreed_version, found.plan_version) == ("a", "p", agreed, plan)
    assert found.current is current


def test_an_agreement_about_a_plan_that_is_not_here_says_nothing() -> None:
    assert list(standing_of({"agreements": [{"id": "a", "plan": {"id": "elsewhere"}, "plan_version": 1}]})) == []


def test_what_is_recorded_stands_against_nothing_to_record() -> None:
    plan = CrisisPlan.model_validate(
        {"nothing_for": ["practical-needs", "wishes", "wishes"], "practical_needs": [{"description": "The cat"}]}
    )
    assert plan.nothing_for == ["wishes"]


def test_what_is_not_forbidden_is_described_and_so_has_a_status() -> None:
    assert Activity.model_validate({"not_to_be_done": False}).status == "not-started"
    assert Activity.model_validate({"inclusion": "leisure"}).status is None, "it only says what the one pointed to is"
