"""What was written for the wrong person: sealed at home and at the ward, never shown or sent again, and never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, ConsentDenied, FhirMhError, InvalidResource, NotFound
from fhir_mh.exchange.messages import Message
from fhir_mh.exchange.ports import Withheld
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.retracting import Sealed
from fhir_mh.store import SealedText, Tx
from fhir_mh.store.schema import metadata
from fhir_mh.validation import Validator
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_crossing import bundled

CANARY = "zebra crossing"
REASON = "Taken down in the wrong record."
UNDER_SEAL = {"sealed_texts"}
"""The only tables in which a sealed text may stand."""


@pytest.fixture
def placed(tmp_path: Path) -> Iterator[Pair]:
    """Both hold the plan, with a goal that is somebody else's."""
    made = Pair(tmp_path)
    made.save(HOME, {**person_with_a_plan(), "goals": [{"id": "wrong", "description": {"text": CANARY}}]})
    made.deliver()
    assert made.item(WARD, "goals", "wrong")["description"]["text"] == CANARY
    yield made
    made.close()


def as_(ods: str, client: str | None = "first", role: str = "seals") -> AccessContext:
    return AccessContext(ods, role, client=client)


def retract(pair: Pair, items: list[tuple[str, str]] | None = None, ods: str = HOME) -> int:
    return asyncio.run(pair.gateways[ods].seals.retract(as_(ods), pair.record(ods).id, items, REASON))


def wrong(pair: Pair) -> int:
    return retract(pair, [("goals", "wrong")])


def seals(pair: Pair, ods: str) -> list[Sealed]:
    return asyncio.run(pair.gateways[ods].seals.listed(as_(ods)))


def open_(pair: Pair, ods: str, client: str = "first") -> list[SealedText]:
    (one,) = seals(pair, ods)
    return asyncio.run(pair.gateways[ods].seals.open(as_(ods, client), one.seal.id))


def approve(pair: Pair, ods: str, client: str | None) -> None:
    (one,) = seals(pair, ods)
    asyncio.run(pair.gateways[ods].seals.approve(as_(ods, client), one.seal.id, "To copy it over."))


def stands_in(pair: Pair, ods: str, text: str = CANARY) -> set[str]:
    """The tables of a store in which a text stands."""
    store = pair.gateways[ods].store
    rows = {name: store.read_now(lambda tx, t=name: tx.session.all(f"SELECT * FROM {t}")) for name in metadata.tables}
    return {name for name, found in rows.items() if text in str([tuple(row) for row in found])}


def test_it_is_gone_from_both_records_and_stands_under_a_seal_in_both(placed: Pair) -> None:
    assert wrong(placed) == 1
    carried = placed.deliver(only=HOME)
    assert [(verb, receipt.status) for verb, receipt in carried] == [("notice", "stored"), ("snapshot", "stored")]
    for ods in (HOME, WARD):
        assert "goals" not in placed.record(ods).tree
        assert stands_in(placed, ods) == UNDER_SEAL, ods
        assert [one.custodian for one in placed.record(ods).sealed] == [HOME]
    assert CANARY not in "".join(placed.wire[-2:])
    (task,) = placed.record(WARD).tree["tasks"]
    assert task["kind"] == "identity"
    assert HOME in task["description"]
    assert placed.item(WARD, "care_plans", "care")["title"] == "Care plan", "the rest stays"


def test_it_is_found_in_no_read_history_or_search(placed: Pair) -> None:
    gateway = placed.gateways[HOME]
    (goal,) = gateway.store.read_now(lambda tx: tx.search("Goal").entries)
    wrong(placed)

    def left(tx: Any) -> tuple[Any, ...]:
        versions = [tx.get_version("Goal", goal.id, number) for number in range(1, 9)]
        texts = [one.text for one in [*versions, *tx.history("Goal", goal.id).entries] if one is not None]
        identifiers = [(None, value) for value, _ in [("wrong", "")]]
        return set(texts), tx.search("Goal").entries, tx.search("Goal", identifiers=identifiers).entries

    assert gateway.store.read_now(left) == ({b""}, (), ())


def test_what_had_changed_of_it_is_sealed_with_every_version_and_task_and_proposal(placed: Pair) -> None:
    ward = {"goals": [{"id": "wrong", "description": {"text": f"{CANARY} of the ward"}}]}
    placed.save(WARD, ward)
    placed.save(HOME, {"goals": [{"id": "wrong", "description": {"text": f"{CANARY} again"}}]})
    placed.deliver()
    assert [task["kind"] for task in placed.record(HOME).tree["tasks"]] == ["conflict"]
    placed.save(WARD, ward)
    wrong(placed)
    placed.deliver()
    for ods in (HOME, WARD):
        assert stands_in(placed, ods) == UNDER_SEAL, ods
        assert placed.record(ods).pending == []
    assert all(task["kind"] == "identity" for task in placed.record(HOME).tree.get("tasks", []))
    approve(placed, HOME, "first")
    approve(placed, HOME, "second")
    texts = "".join(one.text for one in open_(placed, HOME))
    for said in (f"{CANARY} again", f"{CANARY} of the ward", f'"{CANARY}"'):
        assert said in texts


def test_a_change_of_it_that_was_on_its_way_is_sealed_and_not_merged(placed: Pair) -> None:
    placed.save(WARD, {"goals": [{"id": "wrong", "description": {"text": f"{CANARY} of the ward"}}]})
    wrong(placed)
    carried = placed.deliver(only=WARD)
    assert [(verb, receipt.status) for verb, receipt in carried] == [("proposal", "quarantined")]
    assert carried[0][1].issues[0].code == "sync-retracted"
    assert stands_in(placed, HOME) == UNDER_SEAL
    placed.deliver()
    assert stands_in(placed, WARD) == UNDER_SEAL
    assert "goals" not in placed.record(HOME).tree


def test_what_left_before_the_notice_is_not_taken_in_after_it(placed: Pair) -> None:
    old = Message("11111111-1111-4111-8111-111111111111", "snapshot", NHS_NUMBER, HOME, 1, {
        "bundle": bundled(_goal(placed)), "sections": [],
    })  # fmt: skip
    wrong(placed)
    placed.deliver()
    assert placed.hand_over(HOME, WARD, old).status == "superseded"
    assert stands_in(placed, WARD) == UNDER_SEAL
    assert "goals" not in placed.record(WARD).tree


def test_a_partner_that_brings_it_back_has_it_sealed_whole(placed: Pair) -> None:
    body = _goal(placed)
    wrong(placed)
    placed.deliver()
    again = Message("22222222-2222-4222-8222-222222222222", "snapshot", NHS_NUMBER, HOME, 99, {"bundle": bundled(body)})
    receipt = placed.hand_over(HOME, WARD, again)
    assert (receipt.status, receipt.issues[0].code) == ("quarantined", "sync-retracted")
    assert stands_in(placed, WARD) == UNDER_SEAL
    (held,) = placed.gateways[WARD].store.read_now(lambda tx: tx.quarantine.find(state="sealed"))
    with pytest.raises(NotFound):
        asyncio.run(placed.gateways[WARD].quarantine.read(AccessContext(WARD, "quarantine"), held.id))


def _goal(pair: Pair) -> dict[str, Any]:
    found: dict[str, Any] = pair.gateways[HOME].store.read_now(lambda tx: tx.search("Goal").entries[0].body())
    return found


def test_the_notice_passes_a_halted_and_an_ended_lane(placed: Pair) -> None:
    store = placed.gateways[HOME].store
    person = placed.record(HOME).id
    store.write_now(lambda tx: tx.lanes.halt(WARD, person, "sync-refused"))
    wrong(placed)
    assert [verb for verb, _ in placed.deliver(only=HOME)] == ["notice"]
    assert stands_in(placed, WARD) == UNDER_SEAL
    store.write_now(lambda tx: tx.lanes.end(WARD, person, "consent-withdrawn"))
    retract(placed, [("care_plans", "care")])
    assert [verb for verb, _ in placed.deliver(only=HOME)] == ["notice"]
    assert "care_plans" not in placed.record(WARD).tree


def test_a_partner_that_never_had_it_is_told_nothing(placed: Pair) -> None:
    placed.save(HOME, {"sharing": [{"id": "no", "made_at": "2026-11-24T10:00:00Z", "terms": {"exceptions": [
        {"decision": "deny", "actors": [{"party": {"id": "org-ward"}}], "sections": ["crisis-plan"]}]}}]})  # fmt: skip
    placed.save(HOME, {"crisis_plans": [{"id": "later", "title": CANARY}]})
    placed.deliver()
    retract(placed, [("crisis_plans", "later")])
    assert "notice" not in [verb for verb, _ in placed.deliver()]


def test_what_refers_to_it_can_still_be_read_and_changed(placed: Pair) -> None:
    placed.save(HOME, {"care_plans": [{"id": "care", "goals": [{"id": "wrong"}]}]})
    placed.deliver()
    wrong(placed)
    placed.deliver()
    placed.save(HOME, {"care_plans": [{"id": "care", "title": "Newer"}]})
    placed.deliver()
    placed.save(WARD, {"care_plans": [{"id": "care", "title": "Newest"}]})
    placed.deliver()
    assert [placed.item(ods, "care_plans", "care")["title"] for ods in (HOME, WARD)] == ["Newest"] * 2
    assert {ods: stands_in(placed, ods) for ods in (HOME, WARD)} == {HOME: UNDER_SEAL, WARD: UNDER_SEAL}


@pytest.mark.parametrize("ods", [HOME, WARD])
def test_a_system_that_still_holds_it_does_not_bring_it_back(placed: Pair, ods: str) -> None:
    wrong(placed)
    placed.deliver()
    with pytest.raises(Conflict) as refused:
        placed.save(ods, {"goals": [{"id": "wrong", "description": {"text": CANARY}}]})
    assert refused.value.issues[0].code == "sync-retracted"
    assert stands_in(placed, ods) == UNDER_SEAL


def goal(name: str, text: str, **more: str) -> dict[str, Any]:
    return {"goals": [{"id": name, "description": {"text": text}, **more}]}


@pytest.mark.parametrize("text", [CANARY, f"{CANARY} at night"])
def test_it_is_not_written_over_what_another_calls_the_same(pair: Pair, text: str) -> None:
    pair.plain = True
    pair.save(HOME, {**person_with_a_plan(), **goal("1", CANARY)})
    pair.save(WARD, goal("1", "Garden"))
    pair.deliver()
    retract(pair, [("goals", "1")])
    pair.deliver()
    (kept,) = pair.record(HOME).tree["goals"]
    assert kept["id"] != "1"
    with pytest.raises(Conflict) as refused:
        pair.save(HOME, goal("1", text))
    assert refused.value.issues[0].code == "sync-retracted"
    pair.save(HOME, goal(kept["id"], "Garden and allotment"))
    pair.wire.clear()
    pair.deliver()
    assert pair.item(WARD, "goals", "1")["description"]["text"] == "Garden and allotment"
    assert CANARY not in str(pair.wire)
    read = asyncio.run(pair.gateways[HOME].find(AccessContext(WARD), NHS_NUMBER))
    assert [one["id"] for one in read.tree["goals"]] == [kept["id"]], "whoever reads it here"


@pytest.mark.parametrize("name", ["1", "2"])
def test_what_was_only_called_the_same_is_ones_own(pair: Pair, name: str) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.save(WARD, goal(name, CANARY, start_date="2026-01-01"))
    pair.deliver()
    retract(pair, [("goals", name)], WARD)
    pair.deliver()
    pair.save(HOME, goal("1", "Garden", start_date="2026-01-01"))
    assert pair.item(HOME, "goals", "1")["description"]["text"] == "Garden"


def test_less_than_all_that_it_said_is_known(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.save(WARD, goal("1", CANARY, start_date="2026-01-01"))
    pair.deliver()
    retract(pair, [("goals", "1")], WARD)
    pair.deliver()
    with pytest.raises(Conflict) as refused:
        pair.save(HOME, goal("1", CANARY))
    assert refused.value.issues[0].code == "sync-retracted"


def test_it_is_known_by_the_name_by_which_it_was_told_apart(pair: Pair) -> None:
    pair.save(HOME, {**person_with_a_plan(), **goal("1", "Garden")})
    pair.save(WARD, goal("1", CANARY))
    pair.deliver()
    (name,) = [one["id"] for one in pair.record(HOME).tree["goals"] if one["id"] != "1"]
    retract(pair, [("goals", "1")], WARD)
    pair.deliver()
    with pytest.raises(Conflict) as refused:
        pair.save(HOME, goal(name, f"{CANARY} at night"))
    assert refused.value.issues[0].code == "sync-retracted"
    pair.save(HOME, goal("1", "Garden and allotment"))
    assert [one["id"] for one in pair.record(HOME).tree["goals"]] == ["1"]


def test_a_change_of_it_that_is_just_being_sent_is_withheld(placed: Pair) -> None:
    placed.save(WARD, {"goals": [{"id": "wrong", "description": {"text": f"{CANARY} of the ward"}}]})
    gateway = placed.gateways[WARD]
    (lane,) = gateway.store.write_now(lambda tx: tx.lanes.claim("test", timedelta(minutes=1), 10))
    (waiting,) = gateway.store.read_now(lambda tx: tx.outbox.pending(lane))
    wrong(placed)
    placed.deliver(only=HOME)
    composed = gateway.store.write_now(lambda tx: gateway.exchange.compose(tx, waiting))
    assert composed == Withheld("sync-retracted")


def test_all_of_it_can_be_retracted_and_the_person_stays(placed: Pair) -> None:
    retract(placed)
    placed.deliver()
    for ods in (HOME, WARD):
        held = placed.record(ods).tree
        assert not {"care_plans", "crisis_plans", "goals", "refusals", "placements"} & held.keys()
        assert stands_in(placed, ods) == UNDER_SEAL
        assert held["person"]["nhs_number"] == NHS_NUMBER
    placed.save(HOME, {"goals": [{"id": "right", "description": "The sea"}]})


# --- who may


@pytest.mark.parametrize("ods", [HOME, WARD])
def test_two_different_people_open_it_each_with_a_reason_and_it_is_noted(placed: Pair, ods: str) -> None:
    wrong(placed)
    placed.deliver()

    def refused() -> str:
        with pytest.raises(ConsentDenied) as found:
            open_(placed, ods)
        return found.value.issues[0].code

    assert refused() == "seal-second-person"
    approve(placed, ods, "first")
    approve(placed, ods, "first")
    assert refused() == "seal-second-person", "twice the same is not two"
    approve(placed, ods, "second")
    (one,) = open_(placed, ods)
    assert one.kind == "Goal"
    assert CANARY in one.text
    assert refused() == "seal-second-person", "approvals are for one opening"
    assert stands_in(placed, ods) == UNDER_SEAL
    rows = placed.gateways[ods].store.read_now(lambda tx: tx.audit.find())
    acts = [load_object(row.text)["subtype"][0]["code"] for _, row in rows]
    assert acts[-4:] == ["approve", "approve", "approve", "open"]
    assert Validator().validate(rows[-1][1].text).valid


def test_an_approval_counts_for_a_day(placed: Pair) -> None:
    wrong(placed)
    approve(placed, HOME, "first")
    placed.clock.advance(timedelta(hours=24, seconds=1))
    approve(placed, HOME, "second")
    with pytest.raises(ConsentDenied):
        open_(placed, HOME)


@pytest.mark.parametrize(
    ("context", "code"),
    [
        (as_(HOME, role="operator"), "seal-role"),
        (as_(HOME, role="quarantine"), "seal-role"),
        (as_(WARD), "seal-role"),
        (as_(HOME, client=None), "seal-unnamed"),
    ],
)
def test_nobody_else_approves(placed: Pair, context: AccessContext, code: str) -> None:
    wrong(placed)
    (one,) = seals(placed, HOME)
    with pytest.raises(ConsentDenied) as refused:
        asyncio.run(placed.gateways[HOME].seals.approve(context, one.seal.id, "To look."))
    assert refused.value.issues[0].code == code


@pytest.mark.parametrize(
    ("ods", "items", "reason", "kind", "code"),
    [
        (HOME, [("goals", "none")], REASON, InvalidResource, "seal-item"),
        (WARD, [("goals", "wrong")], REASON, InvalidResource, "seal-item"),
        (HOME, [("goals", "wrong")], " ", InvalidResource, "rest-body"),
        (HOME, [("person", "")], REASON, InvalidResource, "seal-item"),
    ],
)
def test_only_what_we_keep_is_retracted_and_only_with_a_reason(
    placed: Pair, ods: str, items: list[tuple[str, str]], reason: str, kind: type[FhirMhError], code: str
) -> None:
    with pytest.raises(kind) as refused:
        asyncio.run(placed.gateways[ods].seals.retract(as_(ods), placed.record(ods).id, items, reason))
    assert refused.value.issues[0].code == code
    assert seals(placed, ods) == []


@pytest.mark.parametrize("said", [{}, {"items": "Goal/x"}, {"items": ["Goal"]}, {"items": [7]}])
def test_a_notice_that_does_not_say_what_is_refused(placed: Pair, said: dict[str, Any]) -> None:
    content = {"notice": "entered-in-error", **said}
    message = Message("33333333-3333-4333-8333-333333333333", "notice", NHS_NUMBER, HOME, 1, content)
    assert placed.hand_over(HOME, WARD, message).status == "refused"
    other = Message("44444444-4444-4444-8444-444444444444", "notice", NHS_NUMBER, WARD, 1, {
        "notice": "entered-in-error", "items": [],
    })  # fmt: skip
    assert placed.hand_over(HOME, WARD, other).status == "refused", "only the custodian retracts"


def test_a_snapshot_that_left_before_the_notice_and_arrives_after_it_is_sealed_where_nobody_knew(
    tmp_path: Path,
) -> None:
    pair = Pair(tmp_path)
    pair.save(HOME, {**person_with_a_plan(), "goals": [{"id": "wrong", "description": {"text": CANARY}}]})
    home = pair.gateways[HOME]
    (waiting,) = home.store.read_now(lambda tx: tx.outbox.find(partner=WARD))
    late = home.store.write_now(lambda tx: home.exchange.compose(tx, waiting))
    assert isinstance(late, Message)
    wrong(pair)
    (notice,) = [
        one for one in home.store.read_now(lambda tx: tx.outbox.find(partner=WARD, state="pending"))
        if one.kind == "notice"
    ]  # fmt: skip
    told = home.store.write_now(lambda tx: home.exchange.compose(tx, notice))
    assert isinstance(told, Message)
    assert pair.hand_over(HOME, WARD, told).status == "stored"
    assert pair.hand_over(HOME, WARD, late).status == "quarantined"
    assert stands_in(pair, WARD) <= UNDER_SEAL
    pair.deliver()
    assert "goals" not in pair.record(WARD).tree
    assert pair.record(WARD).tree["crisis_plans"]
    pair.close()


def test_a_notice_of_somebody_unknown_seals_what_was_set_aside(placed: Pair) -> None:
    odd = {"resourceType": "CarePlan", "id": "odd", "title": CANARY}
    bodies = [{"resourceType": "Patient", "id": "p", "identifier": [
        {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000034"}]}, odd]  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": body} for body in bodies]}
    number = "9990000026"
    snapshot = Message("55555555-5555-4555-8555-555555555555", "snapshot", number, WARD, 1, {"bundle": bundle})
    assert placed.hand_over(WARD, HOME, snapshot).status == "quarantined"
    said = {"notice": "entered-in-error", "items": ["CarePlan/odd"]}
    notice = Message("66666666-6666-4666-8666-666666666666", "notice", number, WARD, 1, said)
    assert placed.hand_over(WARD, HOME, notice).status == "stored"
    assert "quarantine" not in stands_in(placed, HOME, "odd")
    assert [one.seal.person for one in seals(placed, HOME)] == [None]


def test_the_task_of_a_conflict_takes_the_conflict_along(placed: Pair) -> None:
    for ods, coping in ((WARD, "another person's words"), (HOME, "walk slowly")):
        placed.save(ods, {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "sleep", "coping": coping}]}]})
    placed.deliver()
    (waiting,) = placed.conflicts(HOME)
    (task,) = [one for one in placed.record(HOME).tree["tasks"] if one["kind"] == "conflict"]
    assert retract(placed, [("tasks", task["id"])]) == 1
    assert placed.conflicts(HOME) == []
    with pytest.raises(FhirMhError):
        placed.decide(HOME, waiting.stored.id, "accept")


@pytest.mark.parametrize("late", [False, True])
def test_what_was_set_aside_of_nobody_comes_under_the_seal(placed: Pair, late: bool) -> None:
    message = Message("m-1", "proposal", NHS_NUMBER, HOME, 1, {"base": 1, "bundle": bundled(_goal(placed))})
    home = placed.gateways[HOME]

    def unread(tx: Tx) -> str:
        return tx.quarantine.add(WARD, dumps(message.as_json()).decode(), "[]", message="m-1").id

    if not late:
        home.store.write_now(unread)
    wrong(placed)
    if late:  # as where it could not be read when it came
        name = home.store.write_now(unread)
        replayed = asyncio.run(home.quarantine.replay(AccessContext(HOME, "quarantine"), name))
        assert replayed.held.state == "sealed"
    assert stands_in(placed, HOME) == UNDER_SEAL
    assert "goals" not in placed.record(HOME).tree


def test_of_what_is_held_about_two_people_each_team_is_told(placed: Pair) -> None:
    other = {**person_with_a_plan(), "person": {"nhs_number": "9990000026", "birth_date": "1990-01-01"}}
    placed.save(HOME, other)
    placed.deliver()
    ward = placed.gateways[WARD].store

    def of_each(tx: Tx, kind: str) -> list[list[str]]:
        return [[one.id for one in tx.person_resources(person, type=kind)] for person in tx.persons()]

    episodes = ward.read_now(lambda tx: of_each(tx, "EpisodeOfCare"))
    items = [f"EpisodeOfCare/{name}" for whose in episodes for name in whose]
    said = {"notice": "entered-in-error", "items": items}
    receipt = placed.hand_over(HOME, WARD, Message("m-two", "notice", NHS_NUMBER, HOME, 1, said))
    assert (receipt.status, len(items)) == ("stored", 2)
    assert [len(whose) for whose in ward.read_now(lambda tx: of_each(tx, "Task"))] == [1, 1]


SHARED_ID = "5b3c1e0a-7d0e-4c55-9a53-009990000018"
"""What a resource is called by two that know nothing of each other."""
THIRD = "ZXX1"


@pytest.fixture
def third(pair: Pair) -> Pair:
    """A goal of the ward's, a change to it that waits at home, and a third partner that keeps none of it."""
    pair.save(HOME, person_with_a_plan())
    pair.save(WARD, goal(SHARED_ID, "Garden"))
    pair.deliver()
    pair.gateways[HOME].exchange.home.partners[THIRD] = "A third trust"
    pair.save(HOME, goal(SHARED_ID, "Garden and allotment"))
    return pair


def retracted_by_third(number: str = NHS_NUMBER) -> Message:
    said = {"notice": "entered-in-error", "items": [f"Goal/{SHARED_ID}"]}
    return Message("m-third", "notice", number, THIRD, 1, said)


def test_who_does_not_keep_it_retracts_no_change_to_it(third: Pair) -> None:
    person = third.record(HOME).id
    snapshot = Message("m-ward", "snapshot", NHS_NUMBER, WARD, 9, {"bundle": bundled(_goal(third))})
    text = dumps(snapshot.as_json()).decode()
    home = third.gateways[HOME].store
    aside = [home.write_now(lambda tx, p=p: tx.quarantine.add(WARD, text, "[]", person=p).id) for p in (person, None)]
    assert third.hand_over(THIRD, HOME, retracted_by_third()).status == "stored"
    assert [one.state for one in third.record(HOME).pending] == ["pending"]
    assert seals(third, HOME) == []
    assert "tasks" not in third.record(HOME).tree
    assert {home.read_now(lambda tx, n=n: tx.quarantine.get(n).state) for n in aside} == {"held"}
    third.deliver()
    assert third.item(WARD, "goals", SHARED_ID)["description"]["text"] == "Garden and allotment"


def test_nor_does_who_retracts_it_of_somebody_unknown_here(third: Pair) -> None:
    assert third.hand_over(THIRD, HOME, retracted_by_third("9990000026")).status == "stored"
    assert not third.gateways[HOME].store.read_now(lambda tx: tx.seals.holds("Goal", SHARED_ID))


def test_that_only_what_was_set_aside_is_sealed_is_told_as_well(third: Pair) -> None:
    store = third.gateways[HOME].store
    snapshot = Message("m-1", "snapshot", NHS_NUMBER, THIRD, 1, {"bundle": bundled(_goal(third))})
    assert third.hand_over(THIRD, HOME, snapshot).status == "quarantined"
    assert third.hand_over(THIRD, HOME, retracted_by_third()).status == "stored"
    assert [one.state for one in store.read_now(lambda tx: tx.quarantine.find(state=None))] == ["sealed"]
    assert [task for task in third.record(HOME).tree["tasks"] if f"{THIRD} has retracted" in task["description"]]


# --- our own changes that go with it


def with_more(text: str) -> dict[str, Any]:
    """A change to what is the wrong person's, and to two items that are right."""
    signs = [{"id": "sleep", "coping": text}]
    return {**goal("wrong", text), "crisis_plans": [{"id": "crisis", "warning_signs": signs}], **care(text)}


def care(text: str) -> dict[str, Any]:
    return {"care_plans": [{"id": "care", "title": text}]}


def told(pair: Pair, ods: str = WARD) -> str:
    """What a team is told of what went with it; every item by the name that its keeper gives it."""
    (task,) = [one for one in pair.record(ods).tree["tasks"] if "has retracted" in one["description"]]
    said: str = task["description"].partition("It is sealed here.")[2].strip()
    for shown, called in pair.names(ods).items():
        said = said.replace(shown, called)
    return said


def test_whoever_wrote_more_in_one_change_is_told_what_to_write_again(placed: Pair) -> None:
    (gone,) = [name for name, called in placed.names(WARD).items() if called == "wrong"]
    placed.save(WARD, with_more("quagga"))
    wrong(placed)
    placed.deliver(only=HOME)
    items = f"goals[{gone}], crisis_plans[crisis], care_plans[care]"
    said = told(placed)
    assert sorted(said.partition(" to ")[2].partition(" (")[0].split(", ")) == sorted(items.split(", "))
    assert said.startswith("A change of ours went under the seal with it: to ")
    assert said.endswith(" (waited to be sent). Write again what of it was right.")
    assert "quagga" not in said
    placed.save(WARD, care("quagga"))
    placed.deliver()
    assert placed.item(HOME, "care_plans", "care")["title"] == "quagga"


def test_of_each_it_is_told_where_it_stood(placed: Pair) -> None:
    placed.save(WARD, with_more("okapi"))
    placed.save(HOME, care("Of home"))
    placed.deliver()
    placed.save(WARD, goal("wrong", "quagga"))
    placed.gateways[WARD].store.write_now(lambda tx: tx.lanes.claim("test", timedelta(minutes=1), 10))
    wrong(placed)
    placed.deliver(only=HOME)
    said = told(placed)
    assert said.startswith("2 changes of ours went under the seal with it: to ")
    assert [said.count(stood) for stood in ("(was in conflict in part)", "(may have left)")] == [1, 1]


def test_what_was_set_aside_because_it_was_retracted_is_told_as_that(placed: Pair) -> None:
    placed.save(WARD, with_more("okapi"))
    wrong(placed)
    placed.deliver(only=WARD)
    placed.deliver()
    assert "(had been set aside there)" in told(placed)


def test_the_person_is_named_as_the_record_names_them(placed: Pair) -> None:
    names = [{"family": "Community", "given": ["Sam"]}]
    placed.save(WARD, {"person": {"nhs_number": NHS_NUMBER, "names": names}, **goal("wrong", "okapi")})
    wrong(placed)
    placed.deliver()
    assert "person[" not in told(placed)
    assert " to person, goals[" in told(placed)


def test_a_change_that_the_record_shows_is_nobodys_to_write_again(placed: Pair) -> None:
    placed.save(WARD, with_more("okapi"))
    placed.deliver()
    wrong(placed)
    placed.deliver()
    assert told(placed) == ""
    assert placed.item(WARD, "care_plans", "care")["title"] == "okapi"
