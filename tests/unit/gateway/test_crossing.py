"""A plan crosses England and comes back: what each side holds after each step."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, ConsentDenied, InvalidResource, NotFound, UpstreamUnavailable, VersionConflict
from fhir_mh.exchange.messages import Message, read_envelope, read_message
from fhir_mh.fhir.json import loads
from fhir_mh.gateway import Organisation, writing
from fhir_mh.gateway.exchange import GatewayExchange
from fhir_mh.issues import Issue, issue
from fhir_mh.profiles.concerns import task_of
from fhir_mh.records.agreements import standing_of
from fhir_mh.records.called import CALLED
from fhir_mh.records.concerns import SafetyConcern
from fhir_mh.store.schema import metadata
from fhir_mh.sync.receiver import receive
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, accept, person_with_a_plan


def coping(name: str, text: str) -> dict[str, Any]:
    """A change of what helps when one sign shows."""
    return {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": name, "coping": text}]}]}


def deny(made_at: str = "2026-11-24") -> dict[str, Any]:
    """The person no longer agrees that the ward is told."""
    terms = {"exceptions": [{"decision": "deny", "actors": [{"party": {"id": "org-ward"}}]}]}
    return {"sharing": [{"id": f"deny-{made_at}", "made_at": made_at, "terms": terms}]}


def permit(made_at: str) -> dict[str, Any]:
    """The person agrees again."""
    terms = {"exceptions": [{"decision": "permit", "actors": [{"party": {"id": "org-ward"}}]}]}
    return {"sharing": [{"id": f"permit-{made_at}", "made_at": made_at, "terms": terms}]}


def test_the_plan_reaches_the_ward_in_the_persons_own_words(placed: Pair) -> None:
    held = placed.record(WARD)
    assert placed.sign(WARD, "sleep")["sign"] == {"text": "no sleep", "said_by": {"role": "person"}}
    assert held.custodians["crisis_plans", "crisis"] == HOME
    assert placed.item(WARD, "crisis_plans", "crisis")["version"] == 1
    assert [(copy.custodian, copy.stored.edition) for copy in held.copies if copy.stored] == [(HOME, 1)]


def test_whom_the_ward_knew_by_number_alone_has_a_name_there_once_the_plan_comes(pair: Pair) -> None:
    pair.save(WARD, {"goals": [{"id": "own", "description": "The ward's own"}]})
    assert "names" not in pair.record(WARD).tree["person"]
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    held = {ods: pair.record(ods).tree for ods in (HOME, WARD)}
    assert held[WARD]["person"]["names"] == held[HOME]["person"]["names"]
    assert [plan["unknown"]["crisis-plan"].pop(CALLED) for plan in held[WARD]["crisis_plans"]] == ["crisis"]
    assert held[WARD]["crisis_plans"] == held[HOME]["crisis_plans"]
    assert [goal["description"]["text"] for goal in held[WARD]["goals"]].count("The ward's own") == 1


def test_the_ward_goes_on_showing_the_name_that_it_knows_the_person_by(pair: Pair) -> None:
    pair.save(WARD, {"person": {"nhs_number": NHS_NUMBER, "names": [{"family": "Known here as"}]}})
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    assert [name["family"] for name in pair.record(WARD).tree["person"]["names"]] == ["Known here as"]


def test_of_a_snapshot_only_what_changed_is_checked_again(placed: Pair) -> None:
    checked: list[str] = []

    def check(body: dict[str, Any], *, errors_only: bool = False) -> list[Issue]:
        checked.append(body["resourceType"])
        return []

    placed.gateways[WARD].exchange.check = check
    placed.save(HOME, coping("sleep", "a bath"))
    placed.deliver()
    assert placed.sign(WARD, "sleep")["coping"]["text"] == "a bath"
    assert set(checked) == {"CarePlan"}


def test_nothing_is_sent_where_nobody_is_placed(pair: Pair) -> None:
    tree = person_with_a_plan()
    del tree["placements"]
    pair.save(HOME, tree)
    assert pair.deliver() == []


def test_a_permission_alone_sends_nothing(pair: Pair) -> None:
    tree = person_with_a_plan()
    del tree["placements"]
    pair.save(HOME, {**tree, **permit("2026-01-01")})
    assert pair.deliver() == []


def test_when_the_placement_is_over_sharing_ends(placed: Pair) -> None:
    placed.save(HOME, {"placements": [{"id": "place", "status": "completed"}]})
    assert [verb for verb, _ in placed.deliver()] == ["notice"]


def test_tasks_stay_at_home(placed: Pair) -> None:
    placed.save(HOME, {"tasks": [{"kind": "review", "description": "call the landlord"}]})
    placed.deliver()
    assert "landlord" not in "".join(placed.wire)


def test_a_change_by_the_ward_is_pending_until_home_has_taken_it(placed: Pair) -> None:
    new = {"id": "eating", "sign": "not eating", "coping": "cook together"}
    saved = placed.save(WARD, {"crisis_plans": [{"id": "crisis", "warning_signs": [new]}]})
    assert len(saved.proposed) == 1
    assert placed.sign(WARD, "eating")["coping"] == {"text": "cook together"}
    assert [pending.custodian for pending in placed.record(WARD).pending] == [HOME]
    assert [verb for verb, _ in placed.deliver(only=WARD)] == ["proposal"]
    assert placed.sign(HOME, "eating")["coping"] == {"text": "cook together"}
    assert len(placed.record(WARD).pending) == 1, "accepted, but the edition that holds it has not come yet"
    placed.deliver()
    assert placed.record(WARD).pending == []
    assert placed.sign(WARD, "eating")["coping"] == {"text": "cook together"}
    assert placed.item(WARD, "crisis_plans", "crisis")["version"] == 2


def test_saving_again_while_a_change_is_pending_proposes_nothing_new(placed: Pair) -> None:
    placed.save(WARD, coping("pacing", "sit down"))
    assert placed.save(WARD, coping("pacing", "sit down")).proposed == []


def test_the_stay_is_the_wards_and_comes_home(placed: Pair) -> None:
    term = {"value": "2027-02-01", "recorded_at": "2026-11-20", "reason": "first estimate"}
    later = {"value": "2027-03-01", "recorded_at": "2026-11-24", "reason": "flat not ready"}
    placed.save(WARD, {"stays": [{"id": "stay", "placement": {"id": "place"}, "estimated_discharge": [term]}]})
    placed.deliver()
    placed.save(WARD, {"stays": [{"id": "stay", "estimated_discharge": [later]}]})
    placed.deliver()
    stay = placed.item(HOME, "stays", "stay")
    assert [(t["value"], t["reason"]["text"]) for t in stay["estimated_discharge"]] == [
        ("2027-02-01", "first estimate"),
        ("2027-03-01", "flat not ready"),
    ]
    assert stay["custodian"] == WARD


def test_both_sides_change_the_same_row(placed: Pair) -> None:
    placed.save(WARD, coping("pacing", "the ward's way"))
    placed.save(HOME, coping("pacing", "the home team's way"))
    statuses = [receipt.status for verb, receipt in placed.deliver() if verb == "proposal"]
    assert statuses == ["conflict"]
    (task,) = placed.record(HOME).tree["tasks"]
    assert {text["words"]["text"] for text in task["texts"]} == {"the ward's way", "the home team's way"}
    assert task["owner"] == {"id": "lead"}
    assert task["about"] == {"id": "crisis"}
    for ods in (HOME, WARD):
        assert placed.sign(ods, "pacing")["coping"]["text"] == "the home team's way"


def test_rows_changed_on_one_side_each_merge(placed: Pair) -> None:
    placed.save(WARD, coping("pacing", "the ward's way"))
    placed.save(HOME, coping("sleep", "read"))
    placed.deliver()
    for ods in (HOME, WARD):
        assert placed.sign(ods, "pacing")["coping"]["text"] == "the ward's way"
        assert placed.sign(ods, "sleep")["coping"]["text"] == "read"


def test_a_merge_leaves_the_agreement_older_than_the_plan(placed: Pair) -> None:
    version = placed.item(HOME, "crisis_plans", "crisis")["version"]
    agreed = {"id": "agreed", "plan": {"id": "crisis"}, "plan_version": version, "party": "person",
              "who": {"display": "the person"}, "decision": "agreed", "recorded_at": "2026-11-24"}  # fmt: skip
    placed.save(HOME, {"agreements": [agreed]})
    placed.deliver()
    assert [next(standing_of(placed.record(ods).tree)).current for ods in (HOME, WARD)] == [True, True]
    placed.save(WARD, coping("pacing", "the ward's way"))
    placed.deliver()
    for ods in (HOME, WARD):
        (found,) = standing_of(placed.record(ods).tree)
        assert (found.agreed_version, found.current) == (version, False)
        assert found.plan_version is not None
        assert found.plan_version > version
        assert placed.item(ods, "agreements", "agreed")["plan_version"] == version, "what was said stays as it was"


def test_a_recorded_refusal_is_never_merged(placed: Pair) -> None:
    change = {"refusals": [{"id": "refusal", "refuses": [{"id": "ect", "treatment": "nothing at all"}]}]}
    placed.save(WARD, change)
    assert [r.status for verb, r in placed.deliver() if verb == "proposal"] == ["conflict"]
    assert placed.item(HOME, "refusals", "refusal")["refuses"][0]["treatment"]["text"] == "ECT"
    assert placed.record(HOME).tree["tasks"][0]["about"] == {"id": "refusal", "type": "Consent"}


@pytest.mark.parametrize(("kind", "passes"), [("Consent", True), ("CarePlan", False)])
def test_of_what_is_written_over_fhir_only_a_recorded_refusal_passes_a_halted_lane(
    placed: Pair, kind: str, passes: bool
) -> None:
    home = placed.gateways[HOME]
    (lane,) = home.store.read_now(lambda tx: tx.lanes.find(partner=WARD))
    home.store.write_now(lambda tx: tx.lanes.halt(WARD, lane.person, "sync-refused"))
    body = next(body for body in _bodies(placed, HOME) if body["resourceType"] == kind)
    body["language"] = "en-GB"
    asyncio.run(home.update(AccessContext(HOME), body))
    assert [verb for verb, _ in placed.deliver()] == ["snapshot"] * passes
    arrived = next(held for held in _bodies(placed, WARD) if held["id"] == body["id"])
    assert (arrived.get("language") == "en-GB") is passes


def test_a_new_decision_taken_at_the_ward_takes_effect_at_home(placed: Pair) -> None:
    placed.save(WARD, deny())
    assert placed.record(HOME).custodians.get(("sharing", "deny-2026-11-24")) is None
    placed.deliver()
    assert placed.record(HOME).custodians["sharing", "deny-2026-11-24"] == WARD
    placed.save(HOME, coping("sleep", "not for the ward"))
    placed.deliver()
    assert "not for the ward" not in "".join(placed.wire)


def test_after_a_withdrawal_only_a_notice_goes(placed: Pair) -> None:
    placed.save(HOME, deny())
    placed.save(HOME, coping("sleep", "not for the ward"))
    before = len(placed.wire)
    assert [verb for verb, _ in placed.deliver()] == ["notice"]
    (notice,) = placed.wire[before:]
    assert "bundle" not in notice
    assert "not for the ward" not in notice
    (copy,) = [copy for copy in placed.record(WARD).copies if copy.custodian == HOME]
    assert copy.ended_reason == "The person decided on 2026-11-24 that their plan is not shared with this organisation."
    assert placed.sign(WARD, "sleep")["coping"]["text"] == "walk", "the copy stays, as it was"


def test_the_edition_of_a_notice_is_not_shown_as_one_that_was_sent(placed: Pair) -> None:
    """It never left: it is the newest there was when sharing ended."""
    placed.save(HOME, deny())
    placed.deliver()
    (copy,) = (one for one in placed.record(WARD).copies if one.custodian == HOME)
    (notice,) = (message for text in placed.wire if (message := loads(text))["verb"] == "notice")
    assert copy.stored is not None and notice["edition"] > copy.stored.edition
    assert (copy.sent, copy.ended_at is None) == (None, False)


def test_a_snapshot_that_waits_when_consent_is_withdrawn_is_not_sent(placed: Pair) -> None:
    placed.save(HOME, coping("sleep", "written before the withdrawal"))
    placed.save(HOME, deny())
    assert [verb for verb, _ in placed.deliver()] == ["notice"]


def test_agreeing_again_restores_sharing(placed: Pair) -> None:
    placed.save(HOME, deny("2026-11-20"))
    placed.deliver()
    placed.save(HOME, permit("2026-11-24"))
    assert [verb for verb, _ in placed.deliver()] == ["snapshot"]
    assert all(copy.ended_reason is None for copy in placed.record(WARD).copies)


def test_a_section_withheld_is_not_rendered_and_comes_back_unharmed(pair: Pair) -> None:
    terms = {"exceptions": [{"decision": "deny", "sections": ["advance-wishes"]}]}
    tree = person_with_a_plan()
    tree["crisis_plans"][0]["wishes"] = [{"id": "refusal", "type": "Consent"}]
    pair.save(HOME, {**tree, "sharing": [{"id": "some", "made_at": "2026-01-01", "terms": terms}]})
    pair.deliver()
    assert "ECT" not in "".join(pair.wire)
    assert "refusals" not in pair.record(WARD).tree
    pair.save(WARD, coping("pacing", "sit down"))
    pair.deliver()
    home = pair.record(HOME).tree
    assert home["refusals"][0]["refuses"][0]["treatment"]["text"] == "ECT"
    assert (
        home["crisis_plans"][0]["wishes"] == [{"id": "refusal"}]
        or home["crisis_plans"][0]["wishes"][0]["id"] == "refusal"
    )
    assert "tasks" not in home


@pytest.mark.parametrize("terms", [{}, {"sections": ["care-plan"]}])
def test_new_words_for_the_wards_own_plan_do_not_leave_where_the_ward_may_not_be_told(
    placed: Pair, terms: dict[str, Any]
) -> None:
    placed.save(WARD, {"care_plans": [{"id": "theirs", "title": "The ward's plan"}]})
    placed.deliver()
    said = {"exceptions": [{"decision": "deny", "actors": [{"party": {"id": "org-ward"}}], **terms}]}
    placed.save(HOME, {"sharing": [{"id": "deny", "made_at": "2026-11-24", "terms": said}]})
    placed.save(HOME, {"care_plans": [{"id": "theirs", "title": "zebra"}]})
    placed.deliver()
    assert not any("zebra" in text for text in placed.wire)
    assert [one.state for one in placed.record(HOME).pending] == ["withheld"]


@pytest.mark.parametrize("while_ended", [False, True])
@pytest.mark.parametrize("settled", [False, True])
def test_a_lane_that_people_have_yet_to_look_at_is_halted_again_where_sharing_goes_on(
    placed: Pair, while_ended: bool, settled: bool
) -> None:
    store, person = placed.gateways[HOME].store, placed.record(HOME).id

    def halt() -> None:
        store.write_now(lambda tx: tx.lanes.halt(WARD, person, "sync-identity"))
        if settled:
            store.write_now(lambda tx: tx.lanes.settled(WARD, person, "sync-identity"))

    if not while_ended:
        halt()
    placed.save(HOME, deny("2026-11-22"))
    if while_ended:
        halt()
    assert store.read_now(lambda tx: tx.lanes.get(WARD, person)).state == "ended"
    placed.save(HOME, permit("2026-11-23"))
    lane = store.read_now(lambda tx: tx.lanes.get(WARD, person))
    assert (lane.state, lane.reason) == (("open", None) if settled else ("halted", "sync-identity"))
    store.write_now(lambda tx: tx.lanes.open(WARD, person))
    placed.save(HOME, deny("2026-11-24"))
    placed.save(HOME, permit("2026-11-25"))
    assert store.read_now(lambda tx: tx.lanes.get(WARD, person)).state == "open"


def test_what_nobody_but_its_keeper_and_who_leads_may_be_told_still_goes_to_its_keeper(placed: Pair) -> None:
    placed.save(WARD, {"sharing": [{**permit("2026-11-24")["sharing"][0], "id": "theirs"}]})
    placed.deliver()
    held = placed.item(HOME, "sharing", "theirs")
    placed.save(HOME, {"sharing": [{**held, "status": "inactive"}]})
    placed.deliver()
    assert [one.state for one in placed.record(HOME).pending] == ["conflict"]


def test_messages_that_arrive_twice_change_nothing(placed: Pair) -> None:
    placed.save(HOME, coping("sleep", "read"))
    placed.deliver(twice=True)
    assert placed.sign(WARD, "sleep")["coping"]["text"] == "read"


def test_an_older_snapshot_does_not_replace_a_newer_one(placed: Pair) -> None:
    old = Message("11111111-1111-4111-8111-111111111111", "snapshot", NHS_NUMBER, HOME, 1, {"bundle": {}})
    assert placed.hand_over(HOME, WARD, old).status == "superseded"


@pytest.mark.parametrize("born", ["1990-01-01"])
def test_another_date_of_birth_is_quarantined_and_somebody_is_asked(placed: Pair, born: str) -> None:
    patient = {"resourceType": "Patient", "id": "p9", "birthDate": born}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}
    message = Message("22222222-2222-4222-8222-222222222222", "snapshot", NHS_NUMBER, WARD, 9, {"bundle": bundle})
    receipt = placed.hand_over(WARD, HOME, message)
    assert (receipt.status, receipt.issues[0].code) == ("quarantined", "sync-identity")
    assert born not in receipt.issues[0].message
    assert [task["kind"] for task in placed.record(HOME).tree["tasks"]] == ["identity"]
    (held,) = placed.gateways[HOME].store.read_now(lambda tx: tx.quarantine.find())
    assert born in held.text


def test_a_proposal_that_fails_half_way_is_set_aside_whole_and_nothing_of_it_is_written(
    placed: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, goes_on = [Conflict(issues=[issue("sync-identity", "$", what="NHS number")])], writing.spread

    def fails_once(*asked: Any, **named: Any) -> None:
        if faults:
            raise faults.pop()
        goes_on(*asked, **named)

    before = placed.record(HOME)
    placed.save(WARD, {"care_plans": [{"id": "care", "title": "Another title"}]})
    with monkeypatch.context() as broken:
        broken.setattr(writing, "spread", fails_once)  # after the resources were written
        (proposed,) = [receipt for verb, receipt in placed.deliver(only=WARD) if verb == "proposal"]
    assert proposed.status == "quarantined"
    after = placed.record(HOME)
    assert after.tree["care_plans"] == before.tree["care_plans"]
    assert after.version == before.version + 1, "the Task alone"
    assert [task["kind"] for task in after.tree["tasks"]] == ["identity"]
    home = placed.gateways[HOME].store
    assert home.read_now(lambda tx: len(tx.quarantine.find())) == 1
    assert home.read_now(lambda tx: tx.proposals.find(direction="received")) == []


def test_the_author_of_what_was_set_aside_is_told_why(placed: Pair) -> None:
    placed.save(WARD, {"person": {"nhs_number": NHS_NUMBER, "birth_date": None}})
    placed.deliver()
    assert [(one.state, one.code) for one in placed.record(WARD).pending] == [("quarantined", "sync-identity")]


def test_nobody_sends_what_somebody_else_keeps(placed: Pair) -> None:
    stolen = next(body for body in _bodies(placed, HOME) if body["resourceType"] == "CarePlan")
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": stolen}]}
    message = Message("33333333-3333-4333-8333-333333333333", "snapshot", NHS_NUMBER, WARD, 9, {"bundle": bundle})
    receipt = placed.hand_over(WARD, HOME, message)
    assert (receipt.status, receipt.issues[0].code) == ("quarantined", "sync-custody")


def concern() -> dict[str, Any]:
    item = {"id": "c", "about": HOME, "owner": "ZIC1", "words": "the doors do not lock", "raised_as": "carer"}
    return task_of(SafetyConcern.model_validate(item))


def bundled(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("snapshot", {"custodian": WARD, "edition": 9, "bundle": bundled(concern())}),
        ("snapshot", {"custodian": WARD, "edition": 9, "bundle": bundled({"contained": concern()})}),
        ("snapshot", {"custodian": WARD, "edition": 9, "bundle": bundled({"contained": [concern()]})}),
        ("proposal", {"custodian": HOME, "base": 1, "bundle": bundled(concern())}),
        ("proposal", {"custodian": HOME, "base": 1, "bundle": {"entry": []}, "before": [concern()]}),
        ("notice", {"custodian": WARD, "notice": "sharing-ended", "reason": {"part": [{"resource": concern()}]}}),
        ("concern", {"bundle": bundled(concern())}),
    ],
)
def test_a_safety_concern_in_a_message_is_refused_and_not_even_set_aside(
    placed: Pair, verb: str, said: dict[str, Any]
) -> None:
    gateway = placed.gateways[HOME]
    message = {"id": "66666666-6666-4666-8666-666666666666", "verb": verb, "person": {"nhs_number": NHS_NUMBER}, **said}
    envelope = read_envelope({"protocol": 1, "from": WARD, "to": HOME, "messages": [message]})
    (receipt,) = asyncio.run(receive(gateway.store, gateway.exchange, WARD, envelope))
    assert (receipt["status"], receipt["issues"][0]["code"]) == ("refused", "concern-not-a-record")
    for table in metadata.tables:
        rows = gateway.store.read_now(lambda tx, t=table: tx.session.all(f"SELECT * FROM {t}"))
        assert "do not lock" not in str(rows), table
    assert not placed.record(HOME).tree.get("tasks")


def test_a_record_that_carries_a_safety_concern_aside_is_refused_and_can_still_be_read(placed: Pair) -> None:
    aside = {"care_plans": [{"id": "care", "unknown": {"care-plan": {"contained": [concern()]}}}]}
    with pytest.raises(InvalidResource) as refused:
        placed.save(HOME, aside)
    assert refused.value.issues[0].code == "concern-not-a-record"
    assert placed.item(HOME, "care_plans", "care")["title"] == "Care plan"


def test_who_sent_what_was_set_aside_is_named(placed: Pair) -> None:
    content = {"base": 1, "bundle": {"entry": [{"resource": {"resourceType": "CarePlan", "id": 7}}]}}
    message = Message("77777777-7777-4777-8777-777777777777", "proposal", NHS_NUMBER, HOME, None, content)
    assert placed.hand_over(WARD, HOME, message).status == "quarantined"
    (task,) = placed.record(HOME).tree["tasks"]
    assert f"What {WARD} sent" in task["description"]


def test_what_waits_and_what_others_hold_is_not_shown_to_another_organisation(placed: Pair) -> None:
    placed.save(WARD, {"goals": [{"id": "own", "description": "The ward's own"}]})
    placed.deliver()
    placed.save(HOME, {"goals": [{"id": "own", "description": "As home would have it"}]})
    ours = placed.record(HOME)
    assert [one.custodian for one in ours.pending] == [WARD]
    record = placed.gateways[HOME].record
    theirs = asyncio.run(record(AccessContext(WARD), ours.id))
    assert theirs.pending == []
    assert {one.partner for one in ours.copies} == {HOME, WARD}
    placed.gateways[HOME].store.write_now(lambda tx: tx.currency.end(HOME, ours.id, "ZXX1", "because"))
    assert "ZXX1" in {one.custodian for one in asyncio.run(record(AccessContext(HOME), ours.id)).copies}
    assert "ZXX1" not in {one.custodian for one in asyncio.run(record(AccessContext(WARD), ours.id)).copies}


def test_of_two_texts_the_one_that_the_keeper_does_not_show_is_told_of(placed: Pair) -> None:
    for treatment in ("the first", "the second"):
        placed.save(WARD, {"refusals": [{"id": "refusal", "refuses": [{"id": "ect", "treatment": treatment}]}]})
        placed.deliver()
    assert [row.ours["text"] for one in placed.record(WARD).pending for row in one.unmerged] == ["the second"]
    placed.save(HOME, {"refusals": [{"id": "refusal", "refuses": [{"id": "ect", "treatment": "the second"}]}]})
    placed.deliver()
    assert placed.item(WARD, "refusals", "refusal")["refuses"][0]["treatment"]["text"] == "the second"
    assert [row.ours["text"] for one in placed.record(WARD).pending for row in one.unmerged] == ["the first"]


def test_what_only_our_own_nameless_patient_says_goes_on_being_shown(pair: Pair) -> None:
    pair.save(WARD, {"person": {"nhs_number": NHS_NUMBER, "communication_needs": ["British Sign Language only"]}})
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    (need,) = pair.record(WARD).tree["person"]["communication_needs"]
    assert need["text"] == "British Sign Language only"


@pytest.mark.parametrize(
    ("verb", "number", "content", "fault"),
    [
        ("proposal", "9990000026", {"base": 1, "bundle": {"entry": []}}, ("sync-unknown-person", "$.person")),
        ("marked", "9990000026", {"stage": "filed"}, ("sync-unknown-person", "$.person")),
        ("notice", "9990000026", {"notice": "sharing-begun"}, ("sync-unknown-verb", "$.notice")),
        ("marked", NHS_NUMBER, {"stage": "burnt"}, ("sync-unknown-verb", "$.stage")),
        ("notice", NHS_NUMBER, {"notice": "sharing-begun"}, ("sync-unknown-verb", "$.notice")),
    ],
)
def test_what_is_not_understood_or_about_nobody_here_is_refused(
    placed: Pair, verb: Any, number: str, content: dict[str, Any], fault: tuple[str, str]
) -> None:
    before = placed.record(HOME)
    custodian = HOME if verb == "proposal" else WARD
    message = Message("77777777-7777-4777-8777-777777777777", verb, number, custodian, 1, content)
    receipt = placed.hand_over(WARD, HOME, message)
    assert (receipt.status, [(one.code, one.path) for one in receipt.issues]) == ("refused", [fault])
    assert placed.record(HOME) == before


def test_the_end_of_sharing_where_nothing_was_shared_is_done_and_does_not_tell_who_is_known(pair: Pair) -> None:
    tree = person_with_a_plan()
    del tree["placements"]
    pair.save(HOME, tree)
    receipts = []
    for name, number in (("7", NHS_NUMBER), ("8", "9990000026")):
        said = {"notice": "sharing-ended", "reason": "It was withdrawn."}
        message = Message(f"{name * 8}-7777-4777-8777-777777777777", "notice", number, WARD, 4, said)
        receipts.append(pair.hand_over(WARD, HOME, message))
    assert {(one.status, one.edition, one.issues) for one in receipts} == {("stored", 0, ())}


def test_a_proposal_from_somebody_who_was_sent_nothing_is_refused(pair: Pair) -> None:
    tree = person_with_a_plan()
    del tree["placements"]
    pair.save(HOME, tree)
    message = Message(
        "44444444-4444-4444-8444-444444444444", "proposal", NHS_NUMBER, HOME, 1, {"base": 1, "bundle": {"entry": []}}
    )
    receipt = pair.hand_over(WARD, HOME, message)
    assert (receipt.status, receipt.issues[0].code) == ("refused", "sync-no-projection")


@pytest.mark.parametrize("base", [99, 0, None, "1", True])
def test_a_proposal_on_an_edition_its_author_was_never_sent_undoes_nothing(placed: Pair, base: Any) -> None:
    placed.save(HOME, coping("sleep", "written at home since"))
    placed.deliver()
    old = [body for body in _bodies(placed, HOME) if body["resourceType"] == "CarePlan" and "activity" in body]
    for body in old:
        for activity in body["activity"]:
            if activity["detail"].get("description") == "written at home since":
                activity["detail"]["description"] = "walk"
    entries = [{"resource": body} for body in old]
    message = Message(
        "55555555-5555-4555-8555-555555555555", "proposal", NHS_NUMBER, HOME, 1,
        {"base": base, "bundle": {"entry": entries}},
    )  # fmt: skip
    receipt = placed.hand_over(WARD, HOME, message)
    assert (receipt.status, receipt.issues[0].code) == ("refused", "sync-no-projection")
    assert placed.sign(HOME, "sleep")["coping"]["text"] == "written at home since"


def test_a_stale_version_is_refused_and_nothing_is_stored(placed: Pair) -> None:
    held = placed.record(HOME)
    placed.save(HOME, coping("sleep", "read"), record_id=held.id, if_match=held.version)
    with pytest.raises(VersionConflict):
        placed.save(HOME, coping("sleep", "overwritten"), record_id=held.id, if_match=held.version)
    assert placed.sign(HOME, "sleep")["coping"]["text"] == "read"


def test_another_persons_number_is_refused(placed: Pair) -> None:
    held = placed.record(HOME)
    with pytest.raises(InvalidResource) as refused:
        placed.save(HOME, {"person": {"nhs_number": "9990000026"}}, record_id=held.id)
    assert refused.value.issues[0].code == "sync-identity"


def test_others_read_only_what_they_may(placed: Pair) -> None:
    gateway, held = placed.gateways[HOME], placed.record(HOME)
    seen = asyncio.run(gateway.record(AccessContext(WARD), held.id))
    assert "crisis_plans" in seen.tree
    assert "tasks" not in seen.tree
    with pytest.raises(NotFound):  # whoever has no part in it is not told who is known here
        asyncio.run(gateway.record(AccessContext("ZELSE"), held.id))
    with pytest.raises(ConsentDenied):
        asyncio.run(gateway.save(AccessContext(WARD), {"person": {}}, record_id=held.id))
    with pytest.raises(NotFound):
        asyncio.run(gateway.record(AccessContext(HOME), "nobody"))


def _bodies(pair: Pair, ods: str) -> list[dict[str, Any]]:
    person = pair.record(ods).id
    return pair.gateways[ods].store.read_now(lambda tx: [stored.body() for stored in tx.person_resources(person)])


def test_what_was_not_merged_is_not_shown_as_the_keepers_while_what_was_is_waited_for(placed: Pair) -> None:
    """The section of the one is not sent any more: no edition will show what came of it."""
    terms = {"exceptions": [{"decision": "deny", "sections": ["care-plan"]}]}
    placed.save(HOME, {"sharing": [{"id": "no", "made_at": "2026-11-24", "terms": terms}]})
    placed.save(HOME, {"care_plans": [{"id": "care", "title": "Home"}]})
    placed.deliver()
    theirs = {"care_plans": [{"id": "care", "title": "Ward"}], "crisis_plans": [{"id": "crisis", "title": "Ward"}]}
    placed.save(WARD, theirs)
    placed.deliver()
    assert placed.item(WARD, "care_plans", "care")["title"] == "Care plan"
    assert placed.item(WARD, "crisis_plans", "crisis")["title"] == "Ward"
    told = [(row.path, row.ours) for one in placed.record(WARD).pending for row in one.unmerged]
    assert told == [("care_plans[care].title", "Ward")]


def test_a_row_of_what_its_author_was_never_shown_is_not_emptied(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    sign = {"id": "w", "sign": "s", "coping": "call my sister"}
    pair.save(HOME, {"crisis_plans": [{"id": "later", "title": "Never sent", "warning_signs": [sign]}]})
    cleared = ["crisis_plans[later].warning_signs[w].coping", "crisis_plans[later].title"]
    said = {"base": 1, "bundle": bundled(), "before": bundled(), "cleared": cleared}
    receipt = pair.hand_over(WARD, HOME, Message("m-never", "proposal", NHS_NUMBER, HOME, 1, said))
    assert receipt.status == "quarantined"
    assert [(one.code, one.path) for one in receipt.issues] == [
        ("sync-no-projection", "$.cleared[0]"),
        ("sync-no-projection", "$.cleared[1]"),
    ]
    assert pair.item(HOME, "crisis_plans", "later")["title"] == "Never sent"


def test_who_is_no_partner_any_more_is_not_heard(pair: Pair) -> None:
    """It was let in before it was removed."""
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    pair.wire.clear()
    pair.save(HOME, {"care_plans": [{"id": "care", "title": "New"}]})
    ward = pair.gateways[WARD]
    removed = GatewayExchange(Organisation(WARD, WARD, {}), accept)
    pair.deliver()
    message = read_message(loads(pair.wire[0]))
    with pytest.raises(UpstreamUnavailable) as refused:
        ward.store.write_now(lambda tx: removed.receive(tx, HOME, message))
    assert [one.code for one in refused.value.issues] == ["sync-unknown-partner"]
