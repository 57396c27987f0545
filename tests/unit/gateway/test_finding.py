"""What an asking opens, for how long, and what ends it: at the home team that was asked, and at the ward."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext, find_and_pull
from fhir_mh.exchange.finding import Sought, Status, answer_to, read_answer
from fhir_mh.exchange.messages import Message
from fhir_mh.gateway import finding
from fhir_mh.gateway.answering import lapse
from fhir_mh.gateway.holding import hold
from fhir_mh.gateway.identity import find_person
from fhir_mh.placements import read_step
from fhir_mh.records.asking import read_asking
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_merging import OTHER, held, merge, second
from tests.unit.gateway.test_sealing import retract

KEPT = timedelta(hours=find_and_pull().kept_hours)
WHY = {"by": "Somebody on duty", "reason": {"text": "As it is."}}
PURPOSES = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
Tree = dict[str, Any]


def at_home(**more: Any) -> Tree:
    """A person with a plan, whom nobody has placed."""
    return {**{name: value for name, value in person_with_a_plan().items() if name != "placements"}, **more}


def decided(decision: str, **more: Any) -> Tree:
    rule = {"decision": decision, "actors": [{"party": {"id": "org-ward"}}], **more}
    return {"id": f"pref-{decision}", "made_at": "2026-11-24T09:05:00Z", "terms": {"exceptions": [rule]}}


def with_ward(asked: str, provider: str = "org-ward", home: str = "org-home", status: str = "active") -> Tree:
    parties = {"provider": {"id": provider}, "requested_by": {"id": home}}
    return {"id": "old", "status": status, "requested_at": asked, **parties}


def of_the_ward(**more: Any) -> Tree:
    """What the ward's own system says of the person."""
    organisations = [{"id": "w-home", "ods": HOME}, {"id": "w-ward", "ods": WARD}]
    person = {"nhs_number": NHS_NUMBER, "birth_date": "1984-02-03", "names": [{"family": "Community"}]}
    episodes = [{"id": "w-episode", "organisation": {"id": "w-home"}}]
    return {"person": person, "organisations": organisations, "episodes": episodes, **more}


@pytest.fixture
def pair(pair: Pair) -> Pair:
    pair.save(HOME, at_home())
    pair.deliver()
    return pair


def ask(pair: Pair, name: str = "asking", purpose: str = "ETREAT", sender: str = WARD, number: str = NHS_NUMBER) -> str:
    """What home says to an asking of the ward's."""
    person = {"nhs_number": number, "birth_date": "1984-02-03", "names": [{"family": "Community"}]}
    said = {"id": name, "role": "clinician", "purpose": purpose, "admitted_at": "2026-11-24T02:10:00Z"}
    sought = Sought.model_validate({**said, "reason": "At night.", "person": person})
    gateway = pair.gateways[HOME]
    return gateway.store.write_now(lambda tx: gateway.exchange.find(tx, sender, sought)).said


def step(pair: Pair, ods: str, name: str, placement: str | None = None, **facts: Any) -> str:
    """The placement that a step is about."""
    pair.clock.advance(timedelta(seconds=1))
    gateway = pair.gateways[ods]
    done = gateway.placements.record(
        AccessContext(ods), pair.record(ods).id, placement, read_step(name, {**WHY, **facts})
    )
    return str(at_once(done).placement)


def at_once(work: Any) -> Any:
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("this waited")


def sweep(pair: Pair, after: timedelta) -> None:
    pair.clock.advance(after)
    gateway = pair.gateways[HOME]
    gateway.store.write_now(lambda tx: lapse(tx, gateway.home))
    pair.deliver()


def kept_up_to_date(pair: Pair) -> bool:
    """Whether the ward's copy is."""
    (copy,) = [one for one in pair.record(WARD).copies if (one.partner, one.custodian) == (WARD, HOME)]
    return copy.ended_at is None


def pulled(pair: Pair) -> None:
    """The ward has asked, and holds the crisis plan."""
    assert ask(pair) == "coming"
    pair.deliver()
    assert kept_up_to_date(pair)
    assert [plan["id"] for plan in pair.record(WARD).tree["crisis_plans"]] == ["crisis"]


def claimed(pair: Pair) -> str:
    """The ward has pulled the plan and claimed the person; the placement's id."""
    pulled(pair)
    name = step(pair, WARD, "claim", admitted_at="2026-11-24T02:10:00Z")
    pair.deliver()
    return name


def test_an_emergency_is_answered_though_the_task_about_the_last_one_was_retracted(pair: Pair) -> None:
    pulled(pair)
    (task,) = pair.record(HOME).tree["tasks"]
    retract(pair, [("tasks", task["id"])])
    assert ask(pair, "again") == "coming"
    assert [one["status"] for one in pair.record(HOME).tree["tasks"]] == ["requested"]


def test_an_emergency_opens_what_the_policy_names_and_what_goes_along(pair: Pair) -> None:
    pulled(pair)
    tree = pair.record(WARD).tree
    assert {"crisis_plans", "refusals"} <= tree.keys()
    assert not {"care_plans", "goals", "tasks", "sharing"} & tree.keys()


@pytest.mark.parametrize("born", [{}, {"birth_date": "1984"}])
def test_what_the_asker_sent_of_the_person_itself_does_not_show_whom_it_means(tmp_path: Path, born: Tree) -> None:
    """A number that was mistyped at the ward is mistyped in all that it says."""
    pair = Pair(tmp_path)
    somebody = {"nhs_number": NHS_NUMBER, "names": [{"family": "Somebody else"}], **born}
    pair.save(HOME, at_home(person=somebody))
    verified = {**of_the_ward()["person"], "nhs_number_status": "01"}
    pair.save(WARD, of_the_ward(person=verified))
    step(pair, WARD, "claim", admitted_at="2026-11-24T02:10:00Z")
    assert ("snapshot", "stored") in [(verb, receipt.status) for verb, receipt in pair.deliver()]
    assert ask(pair) == "nothing"
    assert pair.deliver() == []
    pair.save(HOME, {"person": {**somebody, "birth_date": "1984-02-03", "names": [{"family": "Community"}]}})
    assert ask(pair, "again") == "coming"
    pair.close()


def test_direct_care_opens_nothing_by_itself(pair: Pair) -> None:
    assert ask(pair, purpose="TREAT") == "nothing"
    assert pair.deliver() == []


def test_what_is_withdrawn_between_asking_and_sending_is_not_sent(pair: Pair) -> None:
    assert ask(pair) == "coming"
    pair.save(HOME, {"sharing": [decided("deny")]})
    assert pair.deliver() == []


def test_consent_is_decided_anew_where_the_message_leaves(pair: Pair) -> None:
    assert ask(pair) == "coming"
    gateway = pair.gateways[HOME]
    (waiting,) = gateway.store.read_now(lambda tx: tx.outbox.find(partner=WARD, state="pending"))
    pair.clock.advance(KEPT)
    composed = gateway.store.write_now(lambda tx: gateway.exchange.compose(tx, waiting))
    assert not isinstance(composed, Message)
    assert composed.reason == "consent-denied"


def test_an_asking_lapses_and_the_copy_is_then_not_kept_up_to_date(pair: Pair) -> None:
    pulled(pair)
    sweep(pair, KEPT - timedelta(minutes=1))
    assert kept_up_to_date(pair)
    sweep(pair, timedelta(minutes=1))
    assert not kept_up_to_date(pair)
    assert ask(pair, "again") == "coming"
    pair.deliver()
    assert kept_up_to_date(pair), "asked again, it is sent again"


def test_one_asking_that_goes_on_keeps_sharing_alive_when_another_lapses(pair: Pair) -> None:
    pulled(pair)
    pair.clock.advance(timedelta(hours=1))
    assert ask(pair, "later") == "coming"
    sweep(pair, KEPT - timedelta(hours=1))
    assert kept_up_to_date(pair)
    sweep(pair, timedelta(hours=1))
    assert not kept_up_to_date(pair)


def test_a_confirmed_claim_goes_on_after_the_asking_has_lapsed_and_shows_the_whole_plan(pair: Pair) -> None:
    name = claimed(pair)
    step(pair, HOME, "confirm", name, level="2")
    pair.deliver()
    assert "care_plans" in pair.record(WARD).tree
    sweep(pair, KEPT)
    assert kept_up_to_date(pair)


def test_when_the_confirmed_placement_ends_the_asking_keeps_nothing_alive(pair: Pair) -> None:
    placement = step(pair, HOME, "confirm", claimed(pair), level="2")
    pair.deliver()
    step(pair, HOME, "end", placement, outcome="discharged", at=instant(pair.clock.now()))
    pair.deliver()
    assert not kept_up_to_date(pair)


def test_a_declined_claim_ends_the_asking_and_asking_again_is_not_answered(pair: Pair) -> None:
    name = claimed(pair)
    step(pair, HOME, "decline", name)
    pair.deliver()
    assert not kept_up_to_date(pair)
    assert ask(pair, "again") == "nothing"
    step(pair, HOME, "confirm", name, level="2")
    pair.deliver()
    assert kept_up_to_date(pair)


def test_when_the_stay_is_over_the_asking_is_too(pair: Pair) -> None:
    name = claimed(pair)
    step(pair, WARD, "end", name, outcome="discharged", at=instant(pair.clock.now()))
    pair.deliver()
    assert not kept_up_to_date(pair)
    pair.clock.advance(timedelta(hours=1))
    assert ask(pair, "admitted-again") == "coming"
    pair.deliver()
    assert kept_up_to_date(pair)


def test_a_stay_that_is_over_on_the_day_of_the_asking_ends_it_and_another_of_that_day_is_asked_about_anew(
    pair: Pair,
) -> None:
    pulled(pair)
    name = step(pair, WARD, "claim", admitted_at="2026-11-24")
    pair.deliver()
    assert kept_up_to_date(pair)
    step(pair, WARD, "end", name, outcome="discharged", at="2026-11-24")
    pair.deliver()
    assert not kept_up_to_date(pair)
    pair.clock.advance(timedelta(hours=1))
    assert ask(pair, "admitted-again") == "coming", "that the first stay was over was known by then"
    pair.deliver()
    assert kept_up_to_date(pair)
    again = step(pair, WARD, "claim", admitted_at="2026-11-24")
    pair.deliver()
    step(pair, WARD, "end", again, outcome="discharged", at="2026-11-24")
    pair.deliver()
    assert not kept_up_to_date(pair)


@pytest.mark.parametrize("status", ["draft", "on-hold", "entered-in-error"])
def test_a_placement_that_places_nobody_ends_no_asking(pair: Pair, status: str) -> None:
    pulled(pair)
    pair.clock.advance(timedelta(minutes=5))
    pair.save(HOME, {"placements": [with_ward(instant(pair.clock.now()), status=status)]})
    pair.deliver()
    assert kept_up_to_date(pair)


def test_a_placement_that_was_drafted_ends_the_asking_once_it_is_open(pair: Pair) -> None:
    pulled(pair)
    pair.clock.advance(timedelta(minutes=5))
    pair.save(HOME, {"placements": [with_ward("2026-11-20", status="draft")]})
    pair.save(HOME, {"placements": [{"id": "old", "status": "active"}]})
    step(pair, HOME, "end", "old", outcome="discharged", at="2026-11-24")
    pair.deliver()
    assert not kept_up_to_date(pair)


def test_a_placement_that_the_ward_keeps_itself_is_a_claim_and_ends_no_asking(pair: Pair) -> None:
    pulled(pair)
    pair.clock.advance(timedelta(minutes=5))
    pair.save(WARD, of_the_ward(placements=[with_ward(instant(pair.clock.now()), "w-ward", "w-home")]))
    pair.deliver()
    assert kept_up_to_date(pair)


@pytest.mark.parametrize("at", ["2026-12-01T10:00:00Z", "2027-11-24"])
def test_an_end_that_was_held_by_the_asking_is_no_news_though_it_is_dated_ahead(pair: Pair, at: str) -> None:
    """No step takes a time that is still to come; a record does."""
    placement = with_ward("2026-11-20")
    pair.save(HOME, {"placements": [placement]})
    pair.deliver()
    pair.save(
        HOME, {"placements": [{**placement, "status": "completed", "period": {"start": "2026-11-20", "end": at}}]}
    )
    pair.deliver()
    pair.clock.advance(timedelta(hours=1))
    pulled(pair)


def test_a_placement_that_ends_after_the_asking_ends_it_too(pair: Pair) -> None:
    pair.save(HOME, {"placements": [with_ward("2026-11-20")]})
    pair.deliver()
    pulled(pair)
    step(pair, HOME, "end", "old", outcome="discharged", at="2026-11-24")
    pair.deliver()
    assert not kept_up_to_date(pair)


def test_a_placement_that_had_ended_before_the_asking_and_is_told_so_late_ends_nothing(pair: Pair) -> None:
    pair.save(HOME, {"placements": [with_ward("2026-11-20")]})
    pair.deliver()
    stay = step(pair, WARD, "claim", admitted_at="2026-11-20T10:00:00Z")
    pair.deliver()
    step(pair, WARD, "end", stay, outcome="discharged", at=instant(pair.clock.now()))
    pair.clock.advance(timedelta(hours=1))
    assert ask(pair) == "coming"
    pair.clock.advance(timedelta(minutes=1))
    pair.deliver()
    assert kept_up_to_date(pair)
    (placement,) = [one for one in pair.record(HOME).tree["placements"] if one["id"] == "old"]
    assert placement["status"] == "completed"


def test_a_placement_that_ends_after_the_asking_ends_it_though_its_history_says_no_more_than_that_it_began(
    pair: Pair,
) -> None:
    """As it comes from a keeper that writes no history of ends."""
    began = {"id": "began", "term": "status", "value": "active", "recorded_at": "2026-11-20T10:00:00Z"}
    pair.save(HOME, {"placements": [with_ward("2026-11-20") | {"history": [began | {"recorded_by": HOME}]}]})
    pulled(pair)
    pair.clock.advance(timedelta(hours=1))
    person, store = pair.record(HOME).id, pair.gateways[HOME].store
    holding = store.read_now(lambda tx: hold(tx, person, HOME))
    key = holding.primaries["placements", "old"]
    ended = {**holding.bodies[key], "status": "completed"}
    store.write_now(lambda tx: tx.put_all([(ended, person)], custodian=HOME))
    pair.save(HOME, {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "sleep", "coping": "run"}]}]})
    pair.deliver()
    pair.deliver()  # the notice, which takes the place of the snapshot
    assert not kept_up_to_date(pair)


@pytest.mark.parametrize(("told", "goes_on"), [("2026-11-23T10:00:00Z", True), ("2026-11-24T09:30:00Z", False)])
def test_a_placement_that_comes_when_it_has_ended_counts_by_when_it_says_it_was(
    pair: Pair, told: str, *, goes_on: bool
) -> None:
    pulled(pair)
    pair.clock.advance(timedelta(hours=1))
    pair.save(HOME, {"placements": [with_ward(told, status="completed")]})
    pair.deliver()
    assert kept_up_to_date(pair) == goes_on


@pytest.mark.parametrize("end", ["2026-11-24", "2026-11-25T10:00:00Z"])
def test_what_is_added_to_a_stay_that_was_over_by_the_asking_ends_nothing(
    pair: Pair, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No write here has a stay over at a time to come; a partner's earlier release may have."""
    over = {
        "id": "old",
        "status": "finished",
        "provider": {"id": "w-ward"},
        "period": {"start": "2026-11-20", "end": end},
    }
    with monkeypatch.context() as earlier:
        earlier.setattr("fhir_mh.placements.lawful.is_to_come", lambda *_: False)
        pair.save(WARD, of_the_ward(stays=[over]))
    pair.deliver()
    pair.clock.advance(timedelta(hours=1))
    pulled(pair)
    pair.save(WARD, {"stays": [{"id": "old", "discharged_to": {"text": "Home"}}]})
    pair.deliver()
    assert kept_up_to_date(pair)
    pair.clock.advance(timedelta(hours=1))
    step(pair, WARD, "reopen", "old")
    pair.deliver()
    step(pair, WARD, "end", "old", outcome="discharged", at="2026-11-24")
    pair.deliver()
    assert not kept_up_to_date(pair), "it was opened again, and is over now"


def test_an_asking_that_was_refused_opens_nothing_later(pair: Pair) -> None:
    pair.save(HOME, {"sharing": [decided("deny")]})
    assert ask(pair) == "nothing"
    later = {**decided("permit"), "made_at": "2026-11-24T09:10:00Z"}
    pair.save(HOME, {"sharing": [later]})
    assert pair.deliver() == [], "until it is asked again"
    assert ask(pair, "again") == "coming"


def test_of_two_purposes_the_one_that_shows_more_counts(pair: Pair) -> None:
    pulled(pair)
    assert ask(pair, "plain", "TREAT") == "coming", "the asking before it lets it be sent"
    assert pair.deliver() == []
    assert kept_up_to_date(pair)


def test_what_the_ward_proposes_by_an_asking_alone_is_not_merged(pair: Pair) -> None:
    pulled(pair)
    pair.save(WARD, {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "pacing", "sign": "running"}]}]})
    assert [receipt.status for verb, receipt in pair.deliver() if verb == "proposal"] == ["conflict"]
    assert pair.sign(HOME, "pacing")["sign"]["text"] == "pacing"


def test_where_the_person_is_placed_already_it_is_shared_as_ever(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    assert ask(pair, purpose="TREAT") == "coming"
    assert pair.deliver() == [], "it is held already"
    sweep(pair, KEPT)
    assert kept_up_to_date(pair)
    pair.close()


def excepted(*sections: str) -> Tree:
    """Nothing is shared with anybody, but in an emergency: everything, or these sections."""
    emergency: Tree = {"decision": "permit", "purposes": [{"system": PURPOSES, "code": "ETREAT"}]}
    if sections:
        emergency["sections"] = list(sections)
    terms = {"decision": "deny", "exceptions": [emergency]}
    return {"sharing": [{"id": "pref", "made_at": "2026-11-20", "terms": terms}]}


def placed(folder: Path, **more: Any) -> Pair:
    pair = Pair(folder)
    pair.save(HOME, {**person_with_a_plan(), **more})
    pair.deliver()
    return pair


def test_where_the_person_is_placed_an_emergency_opens_what_they_excepted_for_one_and_no_more(tmp_path: Path) -> None:
    pair = placed(tmp_path, **excepted("crisis-plan"))
    assert ask(pair, "plain", "TREAT") == "nothing"
    assert ask(pair) == "coming"
    pair.deliver()
    tree = pair.record(WARD).tree
    assert [plan["id"] for plan in tree["crisis_plans"]] == ["crisis"]
    assert not {"care_plans", "refusals", "placements", "sharing"} & tree.keys()
    sweep(pair, KEPT - timedelta(minutes=1))
    assert kept_up_to_date(pair)
    sweep(pair, timedelta(minutes=1))
    assert not kept_up_to_date(pair), "it came by the asking alone"
    pair.save(HOME, {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "later", "sign": "after it"}]}]})
    assert pair.deliver() == []
    pair.close()


def test_what_a_placement_shows_goes_on_when_the_asking_that_showed_more_lapses(tmp_path: Path) -> None:
    pair = placed(tmp_path)
    preferences = excepted()
    preferences["sharing"][0]["terms"]["exceptions"].append({"decision": "permit", "sections": ["care-plan"]})
    pair.save(HOME, preferences)
    pair.deliver()

    def left_out() -> bool:
        (copy,) = [one for one in pair.record(WARD).copies if (one.partner, one.custodian) == (WARD, HOME)]
        assert copy.ended_at is None
        return "crisis-plan" in copy.lapsed

    assert left_out()
    assert ask(pair) == "coming"
    pair.deliver()
    assert not left_out()
    sweep(pair, KEPT)
    assert left_out()
    pair.close()


def test_an_asking_takes_nothing_from_whoever_the_person_is_placed_with(tmp_path: Path) -> None:
    pair = placed(tmp_path)
    assert ask(pair) == "coming"
    pair.save(HOME, {"care_plans": [{"id": "care", "title": "Another"}]})
    pair.deliver()
    assert pair.item(WARD, "care_plans", "care")["title"] == "Another"
    pair.close()


def test_an_exception_for_an_emergency_adds_to_what_a_placement_shows(tmp_path: Path) -> None:
    """The person keeps the crisis plan from the ward, but for an emergency: each decision shows a part."""
    emergency: Tree = {"decision": "permit", "purposes": [{"system": PURPOSES, "code": "ETREAT"}]}
    kept: Tree = {"decision": "deny", "sections": ["crisis-plan"], "exceptions": [emergency]}
    other: Tree = {**emergency, "decision": "deny", "sections": ["care-plan"]}
    terms = {"decision": "permit", "exceptions": [kept, other]}
    pair = placed(tmp_path, sharing=[{"id": "pref", "made_at": "2026-11-20", "terms": terms}])
    assert "crisis_plans" not in pair.record(WARD).tree
    assert ask(pair) == "coming"
    pair.deliver()
    assert {"crisis_plans", "care_plans"} <= pair.record(WARD).tree.keys()
    pair.close()


def test_whoever_holds_no_plan_has_nothing_to_send(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.save(HOME, {name: at_home()[name] for name in ("person", "organisations", "episodes", "professionals")})
    assert ask(pair) == "nothing"
    assert pair.deliver() == [], "not even that the person is known"
    pair.close()


def test_by_a_record_of_two_who_are_one_it_is_asked_wherever_the_stay_stands(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    who = {"birth_date": "1984-02-03", "names": [{"family": "Community"}]}
    for number in (NHS_NUMBER, OTHER):
        pair.save(WARD, {"person": {"nhs_number": number, **who}})
    claim = read_step("claim", {**WHY, "admitted_at": "2026-11-24T02:10:00Z"})
    at_once(pair.gateways[WARD].placements.record(AccessContext(WARD), held(pair, WARD, OTHER).id, None, claim))
    merge(pair, WARD)
    asking = read_asking({"record": held(pair, WARD).id})
    found = asyncio.run(pair.gateways[WARD].finding.find(AccessContext(WARD), asking, {}))
    assert [one.partner for one in found.answers] == [HOME]
    pair.close()


def told(pair: Pair) -> list[str]:
    """What home's people are told of askings."""
    tasks = pair.record(HOME).tree["tasks"]
    return [one["description"] for one in tasks if "asked for their plan" in one["description"]]


@pytest.mark.parametrize("ended", [False, True])
def test_where_sending_to_the_asker_is_stopped_the_team_is_told_that_what_was_promised_waits(
    pair: Pair, *, ended: bool
) -> None:
    store, person = pair.gateways[HOME].store, pair.record(HOME).id
    if ended:
        store.write_now(lambda tx: tx.lanes.end(WARD, person, "consent-withdrawn"))
    store.write_now(lambda tx: tx.lanes.halt(WARD, person, "sync-refused"))
    assert ask(pair) == "coming"
    assert pair.deliver() == []
    (said,) = told(pair)
    assert "stopped (sync-refused)" in said
    assert "Ring the ward" in said
    assert "is sent, until" not in said
    store.write_now(lambda tx: tx.lanes.open(WARD, person))
    pair.deliver()
    assert kept_up_to_date(pair)
    assert ask(pair, "again") == "coming"
    assert any("is sent, until" in one for one in told(pair)), "it is another thing to be told"


def test_what_passes_a_halted_lane_is_not_told_to_wait(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.save(HOME, person_with_a_plan())
    store, person = pair.gateways[HOME].store, pair.record(HOME).id
    store.write_now(lambda tx: tx.lanes.halt(WARD, person, "sync-refused"))
    assert ask(pair) == "coming"
    (said,) = told(pair)
    assert "stopped" not in said
    pair.deliver()
    assert "refusals" in pair.record(WARD).tree
    pair.close()


def registered_twice(folder: Path) -> Pair:
    """Home has the person under two numbers, and a date of birth under one of them alone."""
    pair = Pair(folder)
    pair.save(HOME, at_home())
    pair.save(HOME, second("placements"))
    return pair


def test_of_two_who_are_one_what_is_held_of_either_shows_who_is_meant_by_either_number(tmp_path: Path) -> None:
    pair = registered_twice(tmp_path)
    assert ask(pair, "apart", number=OTHER) == "nothing"
    merge(pair)
    assert ask(pair, number=OTHER) == "coming"
    assert ask(pair, "in-use") == "coming"
    pair.deliver()
    assert {"crisis_plans", "refusals"} <= held(pair, WARD, OTHER).tree.keys()
    pair.close()


def test_of_two_who_are_one_what_the_asker_sent_of_the_other_shows_nothing(tmp_path: Path) -> None:
    pair = registered_twice(tmp_path)
    for number, born in ((NHS_NUMBER, "1984"), (OTHER, "1984-02-03")):
        person = {"nhs_number": number, "names": [{"family": "Community"}], "birth_date": born}
        if number == OTHER:
            pair.save(WARD, of_the_ward(person={**person, "nhs_number_status": "01"}))
        else:
            pair.save(HOME, {"person": person})
    claim = read_step("claim", {**WHY, "admitted_at": "2026-11-24T02:10:00Z"})
    at_once(pair.gateways[WARD].placements.record(AccessContext(WARD), held(pair, WARD, OTHER).id, None, claim))
    assert ("snapshot", "stored") in [(verb, receipt.status) for verb, receipt in pair.deliver()]
    merge(pair)
    assert ask(pair) == "nothing"
    pair.close()


class Way:
    """How the ward reaches home, which delivers at once or not."""

    def __init__(self, pair: Pair, *, delivers: bool) -> None:
        self.pair, self.delivers = pair, delivers

    async def find(self, sought: Sought) -> Status | None:
        home = self.pair.gateways[HOME]
        status = home.store.write_now(lambda tx: home.exchange.find(tx, WARD, sought))
        if self.delivers:
            self.pair.deliver()
        return read_answer({"find": answer_to(sought, status)}, sought)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"status": "coming", "edition": 4}, Status("coming", 4)),
        ({"status": "coming"}, Status("coming")),
        ({"status": "coming", "edition": True}, Status("coming")),
        ({"status": "coming", "edition": "4"}, Status("coming")),
        ({"status": "gone"}, None),
    ],
)
def test_the_edition_that_shows_all_is_read_beside_the_answer(said: Tree, read: Status | None) -> None:
    who = of_the_ward()["person"]
    ground = {"role": "clinician", "purpose": "TREAT", "admitted_at": "2026-11-24"}
    sought = Sought.model_validate({"id": "asking", **ground, "person": who})
    assert read_answer({"find": {"id": "asking", **said}}, sought) == read


def asked(
    pair: Pair,
    monkeypatch: pytest.MonkeyPatch,
    purpose: str = "ETREAT",
    number: str = NHS_NUMBER,
    *,
    delivers: bool = False,
) -> tuple[str, int | None]:
    """What the ward is told that home said, and the edition that it holds."""
    monkeypatch.setattr(finding, "LOOKS", 1)
    who = {**of_the_ward()["person"], "nhs_number": number}
    asking = read_asking({"person": who, "admitted_at": "2026-11-24", "purpose": purpose, "reason": "At night."})
    ways: Any = {HOME: Way(pair, delivers=delivers)}
    (one,) = asyncio.run(pair.gateways[WARD].finding.find(AccessContext(WARD), asking, ways)).answers
    return one.said, one.edition


def test_a_copy_that_shows_less_is_not_what_was_promised(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.save(HOME, {"sharing": [decided("permit", sections=["care-plan"])]})
    said, older = asked(pair, monkeypatch, "TREAT", delivers=True)
    assert said == "came"
    assert asked(pair, monkeypatch) == ("coming", older)
    assert "crisis_plans" not in pair.record(WARD).tree
    pair.deliver()
    said, newer = asked(pair, monkeypatch)
    assert (said, newer != older) == ("came", True)
    assert "crisis_plans" in pair.record(WARD).tree
    assert pair.deliver() == [], "it holds all that may be shared"


def test_what_waits_for_a_person_to_look_has_not_come_though_an_older_copy_is_held(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled(pair)
    store, person = pair.gateways[HOME].store, pair.record(HOME).id
    store.write_now(lambda tx: tx.lanes.halt(WARD, person, "sync-refused"))
    said, held_by_then = asked(pair, monkeypatch)
    assert said == "came", "nothing waits"
    assert not any("stopped" in one for one in told(pair))
    pair.save(HOME, {"crisis_plans": [{"id": "crisis", "title": "Of this week"}]})
    assert asked(pair, monkeypatch, delivers=True) == ("coming", held_by_then)
    assert any("stopped" in one for one in told(pair))
    store.write_now(lambda tx: tx.lanes.open(WARD, person))
    assert asked(pair, monkeypatch, delivers=True)[0] == "came"
    assert pair.item(WARD, "crisis_plans", "crisis")["title"] == "Of this week"


def test_what_is_stored_here_has_come_though_home_does_not_know_that_yet(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(pair) == "coming"
    home = pair.gateways[HOME]
    (waiting,) = home.store.read_now(lambda tx: tx.outbox.find(partner=WARD, state="pending"))
    message = home.store.write_now(lambda tx: home.exchange.compose(tx, waiting))
    assert isinstance(message, Message)
    assert asked(pair, monkeypatch) == ("coming", None), "it was sent, and is not stored"
    assert pair.hand_over(HOME, WARD, message).status == "stored"
    assert asked(pair, monkeypatch) == ("came", message.edition)


@pytest.mark.parametrize("number", [NHS_NUMBER, OTHER])
def test_of_two_who_are_one_it_has_come_where_nothing_of_either_is_still_to_come(
    tmp_path: Path, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = registered_twice(tmp_path)
    merge(pair)
    assert ask(pair, number=number) == "coming"
    pair.deliver()
    assert asked(pair, monkeypatch, number=number)[0] == "came"
    pair.close()


def test_the_snapshot_says_by_which_askings_it_leaves(pair: Pair) -> None:
    gateway = pair.gateways[WARD]
    gateway.store.write_now(lambda tx: tx.askings.add("made", HOME, "asking", "ETREAT", status="coming"))
    pulled(pair)

    def known(tx: Any) -> list[str]:
        return [one.id for one in tx.askings.of(str(find_person(tx, NHS_NUMBER)), "made")]

    assert gateway.store.read_now(known) == ["asking"]
    assert {key[1:]: one.id for key, one in pair.record(WARD).pulled.items()} == {(WARD, HOME): "asking"}


def test_a_task_about_an_asking_stays_when_placements_change(pair: Pair) -> None:
    placement = step(pair, HOME, "confirm", claimed(pair), level="2")
    step(pair, HOME, "change", placement, level="1")
    tasks = [one for one in pair.record(HOME).tree["tasks"] if "asked for their plan" in one["description"]]
    assert [(one["kind"], one["status"]) for one in tasks] == [("placement", "requested")]
