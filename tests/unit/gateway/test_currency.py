"""How current each copy is, at home and at the ward: judged by what a plan says, and told to whom it may be."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fhir_mh.api import currency_forms, placements_json
from fhir_mh.cli import currency_tables
from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.errors import ConsentDenied, InvalidResource, NotFound
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.fhir.urls import ODS_CODE
from fhir_mh.gateway.currency import Copy, PersonCurrency, PlanCurrency
from fhir_mh.gateway.marking import Marked
from fhir_mh.gateway.resources import TransactionEntry
from fhir_mh.store import Currency, StoredResource
from tests.called import by_keeper
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan

CRISIS, CARE, REFUSAL = ("crisis_plans", "crisis"), ("care_plans", "care"), ("refusals", "refusal")


def told(pair: Pair, ods: str, asking: str | None = None) -> PersonCurrency:
    currency = pair.gateways[ods].currency
    found = asyncio.run(currency.of_record(AccessContext(asking or ods), pair.record(ods).id))
    return by_keeper(found, pair.names(ods))


def plan(found: PersonCurrency, which: tuple[str, str]) -> PlanCurrency:
    (one,) = [plan for plan in found.plans if (plan.part.list, plan.part.id) == which]
    return one


def copy(found: PersonCurrency, which: tuple[str, str]) -> Copy:
    (one,) = plan(found, which).copies
    return one


def mark(pair: Pair, ods: str, stage: Any, edition: int, custodian: str = HOME, **more: Any) -> Currency:
    marked = Marked(custodian, stage, edition, **more)
    return asyncio.run(pair.gateways[ods].currency.mark(AccessContext(ods), pair.record(ods).id, marked))


def coping(text: str) -> dict[str, Any]:
    return {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "sleep", "coping": text}]}]}


def activity(text: str) -> dict[str, Any]:
    return {"care_plans": [{"id": "care", "activities": [{"id": "act", "description": {"text": text}}]}]}


def deny(*sections: str, made_at: str = "2026-11-24") -> dict[str, Any]:
    exception: dict[str, Any] = {"decision": "deny", "actors": [{"party": {"id": "org-ward"}}]}
    if sections:
        exception["sections"] = list(sections)
    return {"sharing": [{"id": "deny", "made_at": made_at, "terms": {"exceptions": [exception]}}]}


# --- at home


def test_each_plan_and_directive_is_told_with_its_version_its_hash_and_how_far_it_came(placed: Pair) -> None:
    found = told(placed, HOME)
    assert [(one.part.list, one.part.id, one.part.custodian) for one in found.plans] == [
        (*CARE, HOME), (*CRISIS, HOME), (*REFUSAL, HOME)
    ]  # fmt: skip
    held = placed.item(HOME, "crisis_plans", "crisis")
    assert (plan(found, CRISIS).part.version, plan(found, CRISIS).part.content_hash) == (1, held["content_hash"])
    there = copy(found, CRISIS)
    assert there.stored is not None
    assert there.sent is not None
    assert (there.partner, there.newest, there.kept_up_to_date) == (WARD, True, True)
    assert (there.stored.edition, there.stored.version, there.stored.content_hash) == (1, 1, held["content_hash"])
    assert (there.filed, there.opened) == (None, None)
    assert copy(found, REFUSAL).newest


def test_an_edition_that_changed_something_else_leaves_a_copy_the_current_one(placed: Pair) -> None:
    mark(placed, WARD, "filed", 1)
    placed.save(HOME, activity("The choir"))
    placed.deliver()
    found = told(placed, HOME)
    crisis, care = copy(found, CRISIS), copy(found, CARE)
    assert crisis.stored is not None
    assert crisis.filed is not None
    assert care.filed is not None
    assert (crisis.stored.edition, crisis.stored.version, crisis.filed.edition) == (2, 1, 1)
    assert (crisis.newest, crisis.filed.newest) == (True, True)
    assert (care.newest, care.filed.newest, care.filed.version) == (True, False, 1)


def test_what_was_not_sent_yet_is_not_what_the_partner_has(placed: Pair) -> None:
    placed.save(HOME, coping("a bath"))
    there = copy(told(placed, HOME), CRISIS)
    assert there.stored is not None
    assert (there.newest, there.stored.version, there.kept_up_to_date) == (False, 1, True)
    assert copy(told(placed, HOME), CARE).newest


def crisis_plan(pair: Pair) -> StoredResource:
    (stored,) = [
        one for one in pair.gateways[HOME].store.read_now(lambda tx: tx.person_resources(pair.record(HOME).id))
        if one.type == "CarePlan" and "no sleep" in one.text.decode()
    ]  # fmt: skip
    return stored


def test_a_plan_written_over_fhir_with_its_old_version_is_not_taken_for_what_was_sent(placed: Pair) -> None:
    gateway, stored = placed.gateways[HOME], crisis_plan(placed)
    body = {**stored.body(), "title": "Another crisis plan"}
    asyncio.run(gateway.transaction(AccessContext(HOME), [TransactionEntry("PUT", body, id=stored.id)]))
    found = told(placed, HOME)
    assert (plan(found, CRISIS).part.version, copy(found, CRISIS).newest) == (2, False)
    assert plan(found, CRISIS).part.stamped
    placed.deliver()
    assert copy(told(placed, HOME), CRISIS).newest


def test_a_plan_that_was_stored_with_its_old_version_before_fhir_raised_it_is_told_apart(placed: Pair) -> None:
    stored = crisis_plan(placed)
    body = {**stored.body(), "title": "Another crisis plan"}
    placed.gateways[HOME].store.write_now(lambda tx: tx.put(body, person=stored.person, custodian=HOME))
    found = told(placed, HOME)
    assert (plan(found, CRISIS).part.version, copy(found, CRISIS).newest) == (1, False)
    assert not plan(found, CRISIS).part.stamped


def test_a_section_withheld_since_is_a_copy_that_is_not_kept_up_to_date(placed: Pair) -> None:
    placed.clock.advance(timedelta(hours=1))
    placed.save(HOME, deny("crisis-plan"))
    placed.deliver()
    since = placed.clock.now()
    placed.clock.advance(timedelta(hours=1))
    placed.save(HOME, activity("The choir"))
    placed.save(HOME, coping("a bath"))
    placed.deliver()
    there = copy(told(placed, HOME), CRISIS)
    assert there.stored is not None
    assert (there.kept_up_to_date, there.since, there.newest) == (False, since, False)
    assert there.reason == "This part of the record is not shared with ZOA1 now."
    assert (there.stored.edition, there.stored.version) == (4, 1), "what it holds of the plan is from before"
    assert copy(told(placed, HOME), CARE).kept_up_to_date
    here = told(placed, WARD)
    assert (copy(here, CRISIS).kept_up_to_date, copy(here, CRISIS).since, copy(here, CRISIS).newest) == (
        False, since, None,
    )  # fmt: skip
    assert copy(here, CARE).newest


def test_a_section_withheld_while_nothing_leaves_is_not_kept_up_to_date_and_since_when_is_not_said(
    placed: Pair,
) -> None:
    store, person = placed.gateways[HOME].store, placed.record(HOME).id
    store.write_now(lambda tx: tx.lanes.halt(WARD, person, "sync-refused"))
    placed.save(HOME, deny("crisis-plan"))
    placed.deliver()
    there = copy(told(placed, HOME), CRISIS)
    assert (there.kept_up_to_date, there.since, there.newest) == (False, None, True)
    assert there.reason == "This part of the record is not shared with ZOA1 now."
    assert copy(told(placed, HOME), CARE).kept_up_to_date
    console = Console(file=io.StringIO(), force_terminal=True, width=600)
    currency_tables.show(currency_forms.plain(told(placed, HOME)), console)
    assert "not kept up to date: This part of the record is not shared" in console.file.getvalue()  # type: ignore[attr-defined]
    store.write_now(lambda tx: tx.lanes.open(WARD, person))
    placed.deliver()
    there = copy(told(placed, HOME), CRISIS)
    assert (there.kept_up_to_date, there.since) == (False, placed.clock.now())


def test_what_was_never_sent_and_may_not_be_sent_any_more_is_no_copy(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    tree = person_with_a_plan()
    pair.save(HOME, {name: value for name, value in tree.items() if name != "crisis_plans"})
    pair.deliver()
    store, person = pair.gateways[HOME].store, pair.record(HOME).id
    store.write_now(lambda tx: tx.lanes.halt(WARD, person, "sync-refused"))
    pair.save(HOME, {"crisis_plans": tree["crisis_plans"], **deny("crisis-plan")})
    assert plan(told(pair, HOME), CRISIS).copies == ()
    pair.close()


def test_when_sharing_has_ended_no_copy_is_kept_up_to_date_and_nothing_is_lost(placed: Pair) -> None:
    placed.save(HOME, deny())
    placed.deliver()
    since = placed.clock.now()
    for ods, newest in ((HOME, True), (WARD, None)):
        for which in (CRISIS, CARE, REFUSAL):
            there = copy(told(placed, ods), which)
            assert there.stored is not None
            assert (there.kept_up_to_date, there.since, there.newest) == (False, since, newest), (ods, which)
            assert there.reason
    said = {ods: told(placed, ods).current.sentence for ods in (HOME, WARD)}
    assert said[HOME] == "It is the only crisis plan here, and it is in force."
    assert said[WARD] == f"{said[HOME]} But this copy is not kept up to date: {HOME} may have changed it since."
    placed.save(HOME, coping("a bath"))
    assert copy(told(placed, HOME), CRISIS).newest is False


def test_what_a_partner_never_had_is_no_copy_of_its(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.save(HOME, {**person_with_a_plan(), **deny("crisis-plan", made_at="2026-01-01")})
    pair.deliver()
    found = told(pair, HOME)
    assert plan(found, CRISIS).copies == ()
    assert copy(found, CARE).newest
    pair.close()


def test_a_reference_that_the_partner_may_not_follow_makes_no_older_copy(tmp_path: Path) -> None:
    tree = person_with_a_plan()
    tree["crisis_plans"][0]["wishes"] = [{"id": "refusal", "type": "Consent"}]
    pair = Pair(tmp_path)
    pair.save(HOME, {**tree, **deny("advance-wishes", made_at="2026-01-01")})
    pair.deliver()
    assert "identifier" in pair.wire[0]
    assert copy(told(pair, HOME), CRISIS).newest
    assert plan(told(pair, HOME), REFUSAL).copies == ()
    pair.close()


# --- at the ward


def test_the_ward_knows_which_of_its_marks_are_of_the_plan_as_it_is(placed: Pair) -> None:
    mark(placed, WARD, "filed", 1)
    placed.save(HOME, activity("The choir"))
    placed.deliver()
    found = told(placed, WARD)
    crisis, care, refusal = copy(found, CRISIS), copy(found, CARE), copy(found, REFUSAL)
    assert crisis.filed is not None
    assert care.filed is not None
    assert refusal.filed is not None
    assert (crisis.partner, crisis.sent, crisis.newest, crisis.filed.newest) == (WARD, None, True, True)
    assert (care.filed.newest, care.filed.version) == (False, 1)
    assert care.filed.content_hash not in (None, plan(found, CARE).part.content_hash)
    assert refusal.filed.newest is None, "a directive has no version of its own"


# --- whom what is told


def test_a_placement_of_which_nothing_comes_any_more_says_so(placed: Pair) -> None:
    def said(ods: str) -> list[dict[str, Any]]:
        shown = placements_json.listed(placed.record(ods), ods)["placements"]
        return [one["not_kept_up_to_date"] for one in shown]

    assert (said(HOME), said(WARD)) == ([{}], [{}])
    placed.save(HOME, deny())
    placed.deliver()
    since = instant(placed.clock.now())
    (ended,) = said(WARD)
    assert (said(HOME), ended.keys(), ended["placement"]["since"]) == ([{}], {"placement"}, since)
    assert ended["placement"]["reason"] == copy(told(placed, WARD), CRISIS).reason


def test_another_organisation_is_told_of_its_own_copies_alone_and_of_what_it_may_see(placed: Pair) -> None:
    placed.gateways[HOME].store.write_now(
        lambda tx: tx.currency.mark("ZCT2", placed_id(placed), HOME, "sent", 1, placed.clock.now())
    )
    projection = placed.gateways[HOME].store.read_now(lambda tx: tx.projections.get(WARD, placed_id(placed), HOME))
    assert projection is not None
    placed.gateways[HOME].store.write_now(
        lambda tx: tx.projections.keep(
            "ZCT2", placed_id(placed), HOME, 1, sent=projection.sent, withheld="[]", inexpressible="[]"
        )
    )
    assert [one.partner for one in plan(told(placed, HOME), CRISIS).copies] == ["ZCT2", WARD]
    theirs = told(placed, HOME, WARD)
    assert {one.partner for each in theirs.plans for one in each.copies} == {WARD}
    placed.save(HOME, deny("advance-wishes"))
    assert {one.part.list for one in told(placed, HOME, WARD).plans} == {"care_plans", "crisis_plans"}
    with pytest.raises(NotFound):
        told(placed, HOME, "ZCT9")
    with pytest.raises(ConsentDenied):
        asyncio.run(placed.gateways[WARD].currency.mark(AccessContext(HOME), "x", Marked(HOME, "filed", 1)))


def placed_id(pair: Pair) -> str:
    return pair.record(HOME).id


def test_the_reason_why_a_plan_is_current_rests_on_what_the_caller_may_see(placed: Pair) -> None:
    placed.save(WARD, {"crisis_plans": [{"id": "ward-crisis", "title": "Of the ward"}]})
    placed.deliver()
    assert (told(placed, HOME).current.plan, told(placed, HOME).current.reason) == ("crisis", "leads-care")
    assert told(placed, WARD).current == told(placed, HOME).current
    placed.save(HOME, deny("placement", "contacts"))
    seen = told(placed, HOME, WARD)
    assert (seen.current.plan, seen.current.reason) == (None, "not-told")


# --- marks


def test_a_plan_is_current_by_who_leads_though_an_organisation_is_named_by_its_code_alone(tmp_path: Path) -> None:
    pair, tree = Pair(tmp_path), person_with_a_plan()
    by_code = {"identifier": {"system": ODS_CODE, "value": HOME}, "type": "Organization"}
    tree["episodes"][0]["organisation"] = tree["placements"][0]["requested_by"] = by_code
    tree["crisis_plans"][0]["created"] = "2026-10-01"
    pair.save(HOME, tree)
    pair.deliver()
    newer = {"id": "w-crisis", "created": "2026-11-24", "warning_signs": [{"id": "w1", "sign": "As it is."}]}
    pair.save(WARD, {"organisations": [{"id": "w-ward", "ods": WARD}], "crisis_plans": [newer]})
    pair.deliver()
    for ods in (HOME, WARD):
        assert (told(pair, ods).current.plan, told(pair, ods).current.reason) == ("crisis", "leads-care")
    pair.close()


def test_a_mark_is_noted_here_and_there_once_and_never_goes_back(placed: Pair) -> None:
    read = placed.clock.now()
    placed.clock.advance(timedelta(minutes=5))
    placed.save(HOME, activity("The choir"))
    placed.deliver()
    kept = mark(placed, WARD, "opened", 2, at=read)
    assert kept.opened is not None
    assert (kept.opened.edition, kept.opened.at) == (2, read)
    for edition in (2, 1):
        assert mark(placed, WARD, "opened", edition) == kept
    assert [verb for verb, _ in placed.deliver(twice=True)] == ["marked"]
    there = copy(told(placed, HOME), CRISIS)
    assert there.opened is not None
    assert (there.opened.edition, there.opened.at, there.filed) == (2, read, None)
    assert "bundle" not in placed.wire[-1]


def test_a_time_to_come_counts_as_now(placed: Pair) -> None:
    kept = mark(placed, WARD, "filed", 1, at=datetime(2030, 1, 1, tzinfo=UTC))
    assert kept.filed is not None
    assert kept.filed.at == placed.clock.now()
    receipt = placed.hand_over(WARD, HOME, marked(edition=1, at="2030-01-01T00:00:00Z"))
    there = copy(told(placed, HOME), CRISIS)
    assert there.filed is not None
    assert (receipt.status, there.filed.at) == ("stored", placed.clock.now())


@pytest.mark.parametrize(
    ("custodian", "edition", "fault", "code"),
    [
        (HOME, 2, InvalidResource, "rest-ahead-of-copy"),
        (WARD, 1, NotFound, "rest-no-copy"),
        ("ZCT9", 1, NotFound, "rest-no-copy"),
    ],
)
def test_no_mark_runs_ahead_of_what_is_stored_here(
    placed: Pair, custodian: str, edition: int, fault: type[Exception], code: str
) -> None:
    with pytest.raises(fault) as refused:
        mark(placed, WARD, "filed", edition, custodian)
    assert [one.code for one in refused.value.issues] == [code]  # type: ignore[attr-defined]
    assert placed.deliver() == []


def marked(number: str = "8", **more: Any) -> Message:
    said = {"stage": "filed", "at": "2026-11-24T09:00:00Z", **more}
    edition = said.pop("edition", 1)
    custodian = said.pop("custodian", HOME)
    return Message(f"{number * 8}-7777-4777-8777-777777777777", "marked", NHS_NUMBER, custodian, edition, said)


@pytest.mark.parametrize(
    ("more", "code", "path"),
    [
        ({"edition": 9}, "sync-not-sent", "$.edition"),
        ({"edition": None}, "sync-unknown-verb", "$.stage"),
        ({"custodian": WARD}, "sync-custody", "$.custodian"),
        ({"at": "yesterday"}, "sync-envelope", "$.at"),
        ({"at": "2026-11-24T09:00:00"}, "sync-envelope", "$.at"),
        ({"at": None}, "sync-envelope", "$.at"),
    ],
)
def test_a_mark_that_cannot_be_is_refused(placed: Pair, more: dict[str, Any], code: str, path: str) -> None:
    before = told(placed, HOME)
    receipt = placed.hand_over(WARD, HOME, marked(**more))
    assert (receipt.status, [(one.code, one.path) for one in receipt.issues]) == ("refused", [(code, path)])
    assert told(placed, HOME) == before


def test_whoever_has_filed_a_copy_has_stored_it_though_its_receipt_was_lost(placed: Pair) -> None:
    placed.save(HOME, coping("a bath"))
    exchange, store = placed.gateways[HOME].exchange, placed.gateways[HOME].store
    (waiting,) = store.read_now(lambda tx: tx.outbox.find(state="pending"))
    message = store.write_now(lambda tx: exchange.compose(tx, waiting))
    assert isinstance(message, Message)
    assert isinstance(placed.hand_over(HOME, WARD, message), Receipt)
    mark(placed, WARD, "filed", 2)
    placed.deliver(only=WARD)
    there = copy(told(placed, HOME), CRISIS)
    assert there.stored is not None
    assert (there.stored.edition, there.newest) == (2, True)


def test_reading_marks_nothing_but_where_it_says_so(placed: Pair) -> None:
    name = placed.record(WARD).id
    asyncio.run(placed.gateways[WARD].record(AccessContext(WARD), name))
    assert copy(told(placed, WARD), CRISIS).opened is None
    held = asyncio.run(placed.gateways[WARD].open(AccessContext(WARD), name))
    assert [one.opened.edition for one in held.copies if one.opened] == [1]
    placed.deliver()
    there = copy(told(placed, HOME), CRISIS)
    assert there.opened is not None
    assert (there.opened.edition, there.filed) == (1, None)
    with pytest.raises(ConsentDenied):
        asyncio.run(placed.gateways[WARD].open(AccessContext(HOME), name))


def test_what_is_plain_and_what_is_fhir_say_the_same(placed: Pair) -> None:
    mark(placed, WARD, "filed", 1)
    found = told(placed, WARD)
    plain, fhir = currency_forms.plain(found), currency_forms.parameters(found)
    plans = [one["part"] for one in fhir["parameter"] if one["name"] == "plan"]
    for said, parts in zip(plain["plans"], plans, strict=True):
        values = {one["name"]: one for one in parts}
        assert values["custodian"]["valueIdentifier"]["value"] == said["custodian"]
        assert values.get("version", {}).get("valuePositiveInt") == said["version"]
        assert values["resource"]["valueReference"]["identifier"]["value"] == said["id"]
        inner = {one["name"]: one for one in values["copy"]["part"]}
        assert inner["keptUpToDate"]["valueBoolean"] is said["copies"][0]["kept_up_to_date"]
        filed = {one["name"]: one for one in inner["filed"]["part"]}
        assert filed["edition"]["valuePositiveInt"] == said["copies"][0]["filed"]["edition"]
        assert "sent" not in inner
