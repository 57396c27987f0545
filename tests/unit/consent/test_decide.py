"""Consent decisions, case by case (tests/cases/consent.yaml), and the laws they keep."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fhir_mh.consent import AccessContext, AccessRequest, Decision, decide, directives_of
from fhir_mh.records.sections import SECTIONS

CASES = yaml.load((Path(__file__).parents[2] / "cases" / "consent.yaml").read_text(), Loader=yaml.BaseLoader)
ODS_OF = {"org-oa": "ZOA1", "org-other": "ZOTHER"}
IDS = {ods: name for name, ods in ODS_OF.items()}
CONTENT = {"care-plan", "crisis-plan", "advance-wishes", "legal-status", "placement", "sharing"}


def terms(rule: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {key: rule[key] for key in ("decision", "sections", "period", "labels") if key in rule}
    found["actors"] = [{"party": {"id": IDS[ods]}} for ods in rule.get("orgs", [])] + rule.get("actors", [])
    found["purposes"] = [{"code": code} for code in rule.get("purposes", [])]
    found["exceptions"] = [terms(inner) for inner in rule.get("except", [])]
    return found


def preference(directive: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": directive["id"],
        "terms": {"exceptions": [terms(rule) for rule in directive["rules"]]},
    }
    found["status"] = "inactive" if directive.get("active") == "false" else "active"
    if "made_at" in directive:
        found["made_at"] = directive["made_at"]
    return found


def asked(case: dict[str, Any]) -> Decision:
    context = AccessContext("ZOA1", purpose=case.get("purpose", "TREAT"))
    in_care, leads = case.get("in_care") != "false", case.get("leads") == "true"
    now, opened = case.get("now", "2026-06-01T12:00:00.000Z"), frozenset(case.get("opened", ()))
    request = AccessRequest(context, in_care, leads, now, opened)
    return decide(request, directives_of([preference(d) for d in case["directives"]], ODS_OF))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    decision = asked(case)
    assert decision.permitted & CONTENT == set(case["shared"])
    assert bool(decision.tied) == (case.get("tied") == "true")
    if "ties" in case:
        assert sorted({f"{tie.permission}/{tie.denial}" for tie in decision.tied}) == case["ties"]
    if "winners" in case:
        assert set(decision.winners) == set(case["winners"])
    if "losers" in case:
        assert set(decision.losers) == set(case["losers"])
    assert case.get("sentence", "") in decision.sentence


def test_tasks_are_never_shared_and_details_only_go_along() -> None:
    everything = asked({"directives": []})
    assert "tasks" not in everything.permitted
    assert {"demographics", "contacts"} <= everything.permitted
    nothing = asked({"directives": [{"id": "d", "rules": [{"decision": "deny"}]}]})
    assert nothing.nothing


def test_contacts_can_be_left_out_but_not_who_the_person_is() -> None:
    decision = asked({"directives": [{"id": "d", "rules": [{"decision": "deny", "sections": ["contacts"]}]}]})
    assert "contacts" not in decision.permitted
    assert "demographics" in decision.permitted


@pytest.mark.parametrize("section", [name for name in SECTIONS if name not in ("demographics", "sharing", "tasks")])
def test_each_section_can_be_withheld_by_itself(section: str) -> None:
    everything = asked({"directives": []}).permitted
    decision = asked({"directives": [{"id": "d", "rules": [{"decision": "deny", "sections": [section]}]}]})
    assert decision.permitted == everything - {section}
    assert section in everything


@pytest.mark.parametrize(
    ("odd", "holds"),
    [("9999-12-31T23:59:59-05:00", True), ("0001-01-01T00:00:00+05:00", False), ("2026-02-30T10:00:00Z", True)],
)
def test_a_time_that_no_calendar_can_count_is_a_time_all_the_same(odd: str, *, holds: bool) -> None:
    permit = {"id": "p", "made_at": "2026-01-05T10:00:00Z", "rules": [{"decision": "permit"}]}
    deny = {"id": "d", "made_at": odd, "rules": [{"decision": "deny"}]}
    assert (not asked({"directives": [permit, deny]}).permitted) is holds


def test_the_sentence_names_nobody_else() -> None:
    rules = [{"decision": "deny", "orgs": ["ZOTHER"]}, {"decision": "permit", "orgs": ["ZOA1"]}]
    decision = asked({"directives": [{"id": "d", "made_at": "2026-01-01", "rules": rules}]})
    assert "ZOTHER" not in decision.sentence


RULES = st.fixed_dictionaries(
    {"decision": st.sampled_from(["permit", "deny"])},
    optional={
        "orgs": st.lists(st.sampled_from(["ZOA1", "ZOTHER"]), min_size=1, max_size=2),
        "sections": st.lists(st.sampled_from(sorted(CONTENT)), min_size=1, max_size=3),
    },
)
DIRECTIVES = st.lists(
    st.fixed_dictionaries(
        {"id": st.uuids().map(str), "rules": st.lists(RULES, min_size=1, max_size=3)},
        optional={"made_at": st.dates(max_value=date(2998, 12, 31)).map(str)},
    ),
    max_size=4,
)


@given(DIRECTIVES)
def test_a_later_general_withdrawal_always_ends_sharing(directives: list[dict[str, Any]]) -> None:
    withdrawal = {"id": "w", "made_at": "2999-01-01", "rules": [{"decision": "deny"}]}
    for directive in directives:
        directive.setdefault("made_at", "2020-01-01")
    assert asked({"directives": [*directives, withdrawal]}).nothing


@given(DIRECTIVES, st.sampled_from(sorted(CONTENT)))
def test_a_later_denial_holds_in_what_it_speaks_of_whatever_was_permitted_before(
    directives: list[dict[str, Any]], section: str
) -> None:
    denial = {"id": "w", "made_at": "2999-01-01", "rules": [{"decision": "deny", "sections": [section]}]}
    for directive in directives:
        directive.setdefault("made_at", "2020-01-01")
    assert section not in asked({"directives": [*directives, denial]}).permitted


@given(DIRECTIVES, st.randoms())
def test_the_order_in_which_directives_are_listed_does_not_matter(
    directives: list[dict[str, Any]], random: Any
) -> None:
    shuffled = directives[:]
    random.shuffle(shuffled)
    first, second = asked({"directives": directives}), asked({"directives": shuffled})
    assert (first.permitted, set(first.winners), first.tied) == (second.permitted, set(second.winners), second.tied)


@given(DIRECTIVES)
def test_another_denial_never_opens_anything(directives: list[dict[str, Any]]) -> None:
    before = asked({"directives": directives}).permitted
    after = asked(
        {"directives": [*directives, {"id": "x", "rules": [{"decision": "deny", "orgs": ["ZOA1"]}]}]}
    ).permitted
    assert after <= before
