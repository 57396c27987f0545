"""Which crisis plan is current, by stated reasons; and where it cannot be told, that is said."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mh.fhir.json import load_object
from fhir_mh.fhir.urls import ODS_CODE
from fhir_mh.placements.courses import ods_codes, ods_named
from fhir_mh.records.current_plan import REASONS, CurrentPlan, current_crisis_plan
from scripts.pages.definitions import ROOT

NOW = "2026-11-24T09:30:00.000Z"
HOME, WARD, UNIT = "ZCT1", "ZOA1", "ZCT2"
Tree = dict[str, Any]


def plan(name: str, **more: Any) -> Tree:
    return {"id": name, "status": "active", **more}


def person(*plans: Tree, **more: Any) -> Tree:
    organisations = [{"id": f"org-{ods}", "ods": ods} for ods in (HOME, WARD, UNIT)]
    return {"crisis_plans": list(plans), "organisations": organisations, **more}


def led_by(*codes: str, **more: Any) -> Tree:
    episodes = [{"organisation": {"id": f"org-{ods}"}, "lead": {"id": "lead"}, **more} for ods in codes]
    return {"episodes": [{"id": f"e{n}", **episode} for n, episode in enumerate(episodes)]}


def placed_by(ods: str, status: str = "active") -> Tree:
    return {"placements": [{"id": "p", "status": status, "requested_by": {"id": f"org-{ods}"}}]}


def agreed(name: str, at: str, decision: str = "agreed") -> Tree:
    return {"id": f"{name}-{at}", "plan": {"id": name}, "decision": decision, "recorded_at": at}


KEEPERS = {"home": HOME, "ward": WARD, "unit": UNIT, "home-2": HOME}


def current(tree: Tree, stale: Collection[str] = ()) -> CurrentPlan:
    codes = ods_codes(tree)
    return current_crisis_plan(tree, KEEPERS, stale, NOW, lambda ref: ods_named(ref, codes))


@pytest.mark.parametrize(
    ("tree", "reason", "chosen"),
    [
        (person(), "none", None),
        (person(plan("home", status="entered-in-error")), "none", None),
        (person(plan("home")), "only-plan", "home"),
        (person(plan("home", status="draft")), "none-in-force", None),
        (person(plan("home", status="revoked"), plan("ward")), "only-in-force", "ward"),
        (person(plan("home", period={"end": "2026-11-23"}), plan("ward")), "only-in-force", "ward"),
        (person(plan("home", period={"end": "2026-11-24"})), "only-plan", "home"),
        (person(plan("home", period={"start": "2026-11-25"}), plan("ward")), "only-in-force", "ward"),
        (person(plan("home"), plan("ward", replaces=[{"id": "home"}])), "only-in-force", "ward"),
        (person(plan("home"), plan("ward", status="draft", replaces=[{"id": "home"}])), "only-in-force", "home"),
        (person(plan("home"), plan("ward"), **led_by(WARD)), "leads-care", "ward"),
        (person(plan("home"), plan("ward"), **placed_by(HOME)), "home-team", "home"),
        (person(plan("home"), plan("ward"), **led_by(HOME, WARD), **placed_by(HOME)), "leads-care", "home"),
        (person(plan("home"), plan("ward"), **led_by(WARD), **placed_by(HOME)), "not-told", None),
        (person(plan("home"), plan("ward"), **led_by(HOME, WARD)), "not-told", None),
        (person(plan("home"), plan("ward"), **led_by(WARD, status="finished")), "not-told", None),
        (person(plan("home"), plan("ward"), **placed_by(HOME, "completed")), "not-told", None),
        (person(plan("home"), plan("ward"), **led_by(UNIT)), "not-told", None),
        (
            person(plan("home", created="2026-01-05"), plan("ward", created="2025-12-30"), **led_by(UNIT)),
            "newest",
            "home",
        ),
        (
            person(
                plan("home", created="2026-01-05"),
                plan("ward", created="2025-12-30"),
                agreements=[agreed("ward", "2026-03-01"), agreed("home", "2026-04-01", "declined")],
            ),
            "newest",
            "ward",
        ),
        (
            person(
                plan("home", reviews=[{"id": "r", "planned": "2027-01-01", "held": "2026-05-01"}]),
                plan("ward", warning_signs=[{"id": "s", "sign": {"text": "x", "recorded_at": "2026-04-30T23:00:00Z"}}]),
            ),
            "newest",
            "home",
        ),
        (
            person(
                plan("home", created="2026-05-01T00:30:00+01:00"), plan("ward", created="2026-04-30T23:45:00Z")
            ),
            "newest",
            "ward",
        ),
        (person(plan("home", created="2026-05"), plan("ward", created="2026-05-03")), "not-told", None),
        (person(plan("home", created="2026-05-03"), plan("ward", created="2026-05-03")), "not-told", None),
        (person(plan("home", created="2026-05-03"), plan("ward")), "not-told", None),
        (
            person(
                plan("home", created="2026-05-03"), plan("home-2", created="2026-06-03"), plan("ward"), **led_by(HOME)
            ),
            "newest",
            "home-2",
        ),
    ],
)  # fmt: skip
def test_the_reason_decides(tree: Tree, reason: str, chosen: str | None) -> None:
    found = current(tree)
    assert (found.reason, found.plan) == (reason, chosen)
    assert found.sentence.endswith(".")
    assert "{" not in found.sentence


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"episodes": [{"id": "e", "organisation": {}, "lead": {"id": "lead"}}]}, "leads-care"),
        ({"placements": [{"id": "p", "status": "active", "requested_by": {}}]}, "home-team"),
    ],
)
def test_an_organisation_may_be_named_by_its_code_alone(part: Tree, reason: str) -> None:
    by_code = {"identifier": {"system": ODS_CODE, "value": HOME}}
    named = {
        field: [{name: value or by_code for name, value in item.items()} for item in items]
        for field, items in part.items()
    }
    tree = person(plan("home", created="2026-01-05"), plan("ward", created="2026-05-03"), **named)
    assert (current(tree).plan, current(tree).reason) == ("home", reason)


def test_the_date_of_a_copy_that_is_not_kept_up_to_date_is_not_its_newest() -> None:
    tree = person(plan("home", created="2026-01-05"), plan("ward", created="2026-05-03"))
    assert current(tree).plan == "ward"
    assert current(tree, {"home"}).reason == "not-told"
    assert current({**tree, **led_by(HOME)}, {"home"}).plan == "home"


def test_why_it_cannot_be_told_is_said() -> None:
    tree = person(plan("home"), plan("ward"), **led_by(WARD), **placed_by(HOME))
    sentence = current(tree).sentence
    assert sentence.startswith("2 crisis plans are in force, and it cannot be told which is current: one keeper leads")


def test_every_reason_is_a_code_of_the_package() -> None:
    system = load_object((ROOT / "profiles/package/CodeSystem-current-plan-reason.json").read_bytes())
    assert [concept["code"] for concept in system["concept"]] == list(REASONS)


DATES = st.sampled_from(
    ["2026", "2026-05", "2026-05-03", "2026-05-03T10:00:00Z", "2026-05-03T10:00:00.5+01:00", "2026-02-30T10:00:00Z"]
)
PLANS = st.lists(
    st.builds(
        lambda name, status, created, end: (
            {"id": name, "status": status, **({"created": created} if created else {}), "period": {"end": end}}
        ),
        st.sampled_from(sorted(KEEPERS)), st.sampled_from(["active", "active", "draft", "completed"]),
        st.none() | DATES, st.sampled_from(["2025", "2026-11-24", "2027", "2026-11-24T09:30:00+14:00"]),
    ),
    unique_by=lambda one: one["id"],
)  # fmt: skip


@given(
    PLANS,
    st.lists(st.sampled_from([HOME, WARD, UNIT]), unique=True),
    st.sampled_from([None, HOME, WARD]),
    st.sets(st.sampled_from(sorted(KEEPERS))),
    st.randoms(),
)
def test_what_is_named_is_in_force_and_the_order_of_plans_does_not_matter(
    plans: list[Tree], leading: list[str], home: str | None, stale: set[str], draw: Any
) -> None:
    tree = person(*plans, **led_by(*leading), **(placed_by(home) if home else {}))
    found = current(tree, stale)
    other = copy.deepcopy(tree)
    draw.shuffle(other["crisis_plans"])
    assert current(other, stale) == found
    chosen = [one for one in plans if one["id"] == found.plan]
    assert all(one["status"] == "active" and one["period"]["end"] in ("2026-11-24", "2027") for one in chosen)
    assert (found.plan is None) == (found.reason in ("none", "none-in-force", "not-told"))
