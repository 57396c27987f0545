"""Two texts in one place: what a person may decide, what becomes of each text, and how its author learns of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from fhir_mh import from_bundle, to_bundle
from fhir_mh.api import records_json
from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, ConsentDenied, FhirMhError, InvalidResource, NotFound, VersionConflict
from fhir_mh.exchange.messages import Message
from fhir_mh.fhir.json import loads
from fhir_mh.gateway.gateway import Change
from fhir_mh.gateway.provenance import is_ours
from fhir_mh.mapping.merge import merge
from fhir_mh.profiles.bundle import write_entries
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_sealing import retract

pytestmark = pytest.mark.usefixtures("placed")

THEIRS, OURS = {"text": "the ward's way"}, {"text": "the home team's way"}
ROW = "crisis_plans[crisis].warning_signs[pacing].coping"


@pytest.fixture
def disputed(pair: Pair) -> Pair:
    """Both sides have changed what helps against pacing."""
    pair.save(WARD, coping("the ward's way"))
    pair.save(HOME, coping("the home team's way"))
    pair.deliver()
    return pair


def coping(text: str | None, sign: str = "pacing") -> dict[str, Any]:
    return {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": sign, "coping": text}]}]}


def open_conflict(pair: Pair) -> str:
    (found,) = pair.conflicts(HOME)
    return found.stored.id


def task(pair: Pair, name: str) -> dict[str, Any]:
    return pair.item(HOME, "tasks", name)


def texts(pair: Pair, name: str) -> dict[str, str]:
    return {one["label"]: one["words"]["text"] for one in task(pair, name)["texts"]}


def refused(kind: type[FhirMhError], work: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(kind) as caught:
        work()
    return caught.value.issues[0].code, caught.value.issues[0].path


def told(pair: Pair, ods: str = WARD) -> list[tuple[str, str, Any, Any]]:
    listed = records_json.held(pair.record(ods))["decided"]
    return [(one["path"], one["outcome"], one["shown"], one["ours"]) for one in listed]


def provenances(pair: Pair, ods: str) -> list[dict[str, Any]]:
    def find(tx: Any) -> list[dict[str, Any]]:
        (person,) = tx.persons()
        bodies = [one.body() for one in tx.person_resources(person)]
        return [body for body in bodies if is_ours(body)]

    return pair.gateways[ods].store.read_now(find)


def agents(provenance: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (one["type"]["coding"][0]["code"], (one["who"].get("identifier") or {}).get("value") or one["who"])
        for one in provenance["agent"]
    ]


# --- what is shown


def test_a_conflict_shows_the_base_and_both_texts_and_what_may_be_decided(disputed: Pair) -> None:
    (found,) = disputed.conflicts(HOME)
    held = found.stored
    assert (held.path, held.reason, held.theirs_by) == (ROW, "both-changed", WARD)
    assert (held.base, held.ours, held.theirs, found.now) == (None, OURS, THEIRS, OURS)
    assert found.owner == {"id": "lead"}
    assert found.version == disputed.record(HOME).version


def test_conflicts_are_found_by_their_lead_or_in_the_teams_queue(disputed: Pair) -> None:
    assert len(disputed.conflicts(HOME, owner="lead")) == 1
    assert disputed.conflicts(HOME, owner="") == []
    name = open_conflict(disputed)
    disputed.save(HOME, {"tasks": [{"id": name, "owner": None}]})
    assert disputed.conflicts(HOME, owner="lead") == []
    assert len(disputed.conflicts(HOME, owner="")) == 1
    with pytest.raises(NotFound) as raised:
        disputed.conflicts(HOME, record="nobody")
    assert [(found.code, found.path) for found in raised.value.issues] == [("rest-unknown-record", "record")]


@pytest.mark.parametrize("what", ["waiting", "read", "decide"])
def test_conflicts_are_for_this_organisation_alone(disputed: Pair, what: str) -> None:
    deciding, other = disputed.gateways[HOME].deciding, AccessContext(WARD)
    works: dict[str, Callable[[], Any]] = {
        "waiting": lambda: deciding.waiting(other),
        "read": lambda: deciding.read(other, open_conflict(disputed)),
        "decide": lambda: deciding.decide(other, "x", None, if_match=None),  # type: ignore[arg-type]
    }
    assert refused(ConsentDenied, lambda: asyncio.run(works[what]()))[0] == "consent-not-own"


def test_what_is_not_there_is_said_so(pair: Pair) -> None:
    assert refused(NotFound, lambda: pair.conflict(HOME, "nothing")) == ("conflict-not-found", "id")


# --- what may be decided where both changed a row


@pytest.mark.parametrize(
    ("decision", "said", "outcome", "stands"),
    [
        ("accept", {}, "accepted", THEIRS),
        ("keep", {}, "kept", OURS),
        ("write", {"text": "both ways"}, "rewritten", {"text": "both ways"}),
    ],
)
def test_a_decision_is_written_sent_to_all_and_told_to_its_author(
    disputed: Pair, decision: str, said: dict[str, Any], outcome: str, stands: dict[str, Any]
) -> None:
    name, edition = open_conflict(disputed), disputed.conflict(HOME, open_conflict(disputed)).version
    assert [one.state for one in disputed.record(WARD).pending] == ["conflict"]
    decided = disputed.decide(HOME, name, decision, **said, why="she says so")
    assert (decided.stored.outcome, decided.now) == (outcome, stands)
    assert decided.version > edition
    disputed.deliver()
    for ods in (HOME, WARD):
        assert disputed.sign(ods, "pacing")["coping"] == stands
    assert disputed.conflicts(HOME) == []
    assert records_json.held(disputed.record(WARD))["pending"] == []
    assert told(disputed) == ([] if stands == THEIRS else [(ROW, outcome, stands, THEIRS)])


def test_the_task_is_completed_with_its_outcome_and_keeps_every_text(disputed: Pair) -> None:
    name = open_conflict(disputed)
    disputed.decide(HOME, name, "write", text="both ways", why="she says so")
    assert task(disputed, name)["status"] == "completed"
    found = texts(disputed, name)
    assert (found[f"held by {HOME}"], found[f"from {WARD}"]) == (OURS["text"], THEIRS["text"])
    assert (found["written"], found["why"]) == ("both ways", "she says so")
    assert "Lead professional" in found["decided"]


def test_nobodys_text_is_unreachable_in_the_history(disputed: Pair) -> None:
    disputed.decide(HOME, open_conflict(disputed), "write", text="both ways")

    def history(tx: Any) -> str:
        (person,) = tx.persons()
        kept = [(one.type, one.id) for one in tx.person_resources(person)]
        return "".join(entry.text.decode() for kind, name in kept for entry in tx.history(kind, name).entries)

    text = disputed.gateways[HOME].store.read_now(history)
    assert all(words in text for words in (OURS["text"], THEIRS["text"], "both ways"))


def test_the_third_text_is_read_as_a_record_is(disputed: Pair) -> None:
    name = open_conflict(disputed)
    wrong = refused(InvalidResource, lambda: disputed.decide(HOME, name, "write", text=["x"]))
    assert wrong == ("map-invalid-record", "text")
    assert refused(InvalidResource, lambda: disputed.decide(HOME, name, "write")) == ("map-invalid-record", "text")
    disputed.decide(HOME, name, "write", text=None)
    assert "coping" not in disputed.sign(HOME, "pacing")


def test_who_decides_is_somebody(disputed: Pair) -> None:
    name = open_conflict(disputed)
    for by in ({"id": "nobody"}, {}):
        assert (
            refused(InvalidResource, lambda by=by: disputed.decide(HOME, name, "keep", by=by))[0] == "conflict-decider"
        )
    disputed.decide(HOME, name, "keep", by={"display": "Duty manager"})
    assert "Duty manager" in texts(disputed, name)["decided"]


def test_what_is_not_a_way_to_decide_is_refused(disputed: Pair) -> None:
    name = open_conflict(disputed)
    assert refused(InvalidResource, lambda: disputed.decide(HOME, name, "add")) == ("conflict-choice", "decision")


def test_new_words_stay_in_confidence_as_the_old_ones_were(disputed: Pair) -> None:
    secret = {"text": "the home team's way", "in_confidence": True}
    disputed.save(HOME, {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "pacing", "coping": secret}]}]})
    name = open_conflict(disputed)
    disputed.decide(HOME, name, "accept", instead_of=secret)
    assert disputed.sign(HOME, "pacing")["coping"] == {**THEIRS, "in_confidence": True}


def test_a_conflict_whose_task_was_made_another_is_decided_and_told_all_the_same(disputed: Pair) -> None:
    name, gateway = open_conflict(disputed), disputed.gateways[HOME]
    body = gateway.store.read_now(lambda tx: tx.fetch("Task", name).body())
    asyncio.run(gateway.update(AccessContext(HOME), {**body, "code": {"text": "something else"}}))
    disputed.deliver()
    disputed.decide(HOME, name, "keep")
    disputed.deliver()
    assert [outcome for _, outcome, _, _ in told(disputed)] == ["kept"]


# --- twice, too late, over what has moved on


def test_the_same_decision_again_answers_the_same_and_another_is_refused(disputed: Pair) -> None:
    name = open_conflict(disputed)
    first = disputed.decide(HOME, name, "accept", seen=disputed.record(HOME).version)
    again = disputed.decide(HOME, name, "accept", seen=0)
    assert again == first
    assert refused(Conflict, lambda: disputed.decide(HOME, name, "keep")) == ("conflict-decided", "decision")
    assert disputed.sign(HOME, "pacing")["coping"] == THEIRS


def test_whoever_has_not_seen_the_newest_record_decides_nothing(disputed: Pair) -> None:
    name, seen = open_conflict(disputed), disputed.record(HOME).version
    disputed.save(HOME, coping("something else", "sleep"))
    wrong = refused(VersionConflict, lambda: disputed.decide(HOME, name, "accept", seen=seen))
    assert wrong == ("store-version-conflict", "If-Match")
    assert disputed.sign(HOME, "pacing")["coping"] == OURS


def test_what_stands_there_since_is_not_written_over_unseen(disputed: Pair) -> None:
    name = open_conflict(disputed)
    disputed.save(HOME, coping("a newer way"))
    for decision in ({"decision": "accept"}, {"decision": "write", "text": "both"}):
        assert refused(Conflict, lambda d=decision: disputed.decide(HOME, name, **d))[0] == "conflict-moved-on"
        stale = {**decision, "instead_of": OURS}
        assert refused(Conflict, lambda d=stale: disputed.decide(HOME, name, **d))[0] == "conflict-moved-on"
    assert disputed.sign(HOME, "pacing")["coping"]["text"] == "a newer way"
    assert disputed.conflict(HOME, name).now == {"text": "a newer way"}
    disputed.decide(HOME, name, "accept", instead_of={"text": "a newer way"})
    assert disputed.sign(HOME, "pacing")["coping"] == THEIRS
    assert texts(disputed, name)["held until then"] == "a newer way"


def test_what_stands_there_since_may_be_said_as_a_plain_string(disputed: Pair) -> None:
    name = open_conflict(disputed)
    disputed.save(HOME, coping("a newer way"))
    for stale in ("the home team's way", "", ["a newer way"], {"text": "a newer way", "in_confidence": True}, 7):
        said = {"instead_of": stale}
        assert refused(Conflict, lambda s=said: disputed.decide(HOME, name, "accept", **s))[0] == "conflict-moved-on"
    disputed.decide(HOME, name, "accept", instead_of="a newer way")
    assert disputed.sign(HOME, "pacing")["coping"] == THEIRS


def test_what_moved_on_may_always_be_kept(disputed: Pair) -> None:
    disputed.save(HOME, coping("a newer way"))
    disputed.decide(HOME, open_conflict(disputed), "keep")
    assert disputed.sign(HOME, "pacing")["coping"]["text"] == "a newer way"


# --- the same again, and another person's


def test_the_same_text_proposed_while_it_waits_asks_nobody_twice_and_each_proposal_is_answered(disputed: Pair) -> None:
    disputed.save(WARD, coping("the ward's way"))
    disputed.save(HOME, coping("a newer way"))
    disputed.deliver()
    name = open_conflict(disputed)
    assert len(disputed.conflict(HOME, name).stored.proposals) == 2
    assert [one["id"] for one in disputed.record(HOME).tree["tasks"]] == [name]
    disputed.decide(HOME, name, "keep")
    disputed.deliver()

    def outcomes(tx: Any) -> list[Any]:
        return [loads(one.outcome)["decided"] for one in tx.proposals.find(direction="sent")]

    assert disputed.gateways[WARD].store.read_now(outcomes) == [{ROW: "kept"}] * 2


def test_a_text_proposed_again_after_it_was_decided_is_asked_again(disputed: Pair) -> None:
    first = open_conflict(disputed)
    disputed.decide(HOME, first, "keep")
    disputed.deliver()
    disputed.save(WARD, coping("the ward's way"))
    disputed.save(HOME, coping("quite another"))
    disputed.deliver()
    second = open_conflict(disputed)
    assert second != first
    assert task(disputed, first)["status"] == "completed"


def test_a_text_proposed_again_after_its_task_was_retracted_is_asked_again(disputed: Pair) -> None:
    first = open_conflict(disputed)
    retract(disputed, [("tasks", first)])
    assert disputed.conflicts(HOME) == []
    disputed.save(WARD, coping("the ward's way"))
    disputed.save(HOME, coping("quite another"))
    assert ("proposal", "conflict") in [(verb, receipt.status) for verb, receipt in disputed.deliver()]
    second = open_conflict(disputed)
    assert second != first
    assert task(disputed, second)["status"] == "requested"
    disputed.decide(HOME, second, "accept")
    assert disputed.sign(HOME, "pacing")["coping"] == {"text": "the ward's way"}


def test_the_same_conflict_of_two_people_is_two(disputed: Pair) -> None:
    other = {**person_with_a_plan(), "person": {"nhs_number": "9990000026", "birth_date": "1990-01-01"}}
    disputed.save(HOME, other)
    disputed.deliver()
    number = {"person": {"nhs_number": "9990000026"}}
    disputed.save(WARD, {**number, **coping("the ward's way")})
    disputed.save(HOME, {**number, **coping("the home team's way")})
    disputed.deliver()
    assert len({one.stored.person for one in disputed.conflicts(HOME)}) == 2


# --- decisions of the person's own


@pytest.fixture
def doubted(pair: Pair) -> Pair:
    """The ward would change what a recorded refusal says."""
    pair.save(WARD, {"refusals": [{"id": "refusal", "refuses": [{"id": "ect", "treatment": "nothing at all"}]}]})
    pair.deliver()
    return pair


def test_a_recorded_refusal_is_never_decided_by_taking_the_other_text(doubted: Pair) -> None:
    name = open_conflict(doubted)
    for decision in ({"decision": "accept"}, {"decision": "write", "text": "x"}, {"decision": "add"}):
        wrong = refused(InvalidResource, lambda d=decision: doubted.decide(HOME, name, **d))
        assert wrong == ("conflict-ask-person", "decision")
    assert doubted.item(HOME, "refusals", "refusal")["refuses"][0]["treatment"]["text"] == "ECT"


def test_ours_is_kept_once_the_person_was_asked(doubted: Pair) -> None:
    name = open_conflict(doubted)
    assert refused(InvalidResource, lambda: doubted.decide(HOME, name, "keep")) == (
        "conflict-ask-person", "asked_person",
    )  # fmt: skip
    doubted.decide(HOME, name, "keep", asked_person=True)
    doubted.deliver()
    assert [(path, outcome) for path, outcome, _, _ in told(doubted)] == [
        ("refusals[refusal].refuses[ect].treatment", "kept")
    ]


def test_a_new_directive_answers_it_and_an_old_one_does_not(doubted: Pair) -> None:
    name = open_conflict(doubted)
    for known in ("refusal", "nothing", None):
        wrong = refused(InvalidResource, lambda d=known: doubted.decide(HOME, name, "directive", directive=d))
        assert wrong == ("conflict-no-directive", "directive")
    new = {"id": "later", "made_at": "2026-11-24", "refuses": [{"id": "it", "treatment": "nothing at all"}]}
    doubted.save(HOME, {"refusals": [new]})
    doubted.decide(HOME, name, "directive", directive="later")
    doubted.deliver()
    assert [outcome for _, outcome, _, _ in told(doubted)] == ["directive"]
    assert doubted.item(WARD, "refusals", "refusal")["refuses"][0]["treatment"]["text"] == "ECT"


def test_nobody_chooses_which_part_of_a_refusal_was_meant(pair: Pair) -> None:
    entry = {"treatment": "restraint"}
    pair.save(HOME, {"refusals": [{"id": "refusal", "refuses": [{"id": "a", **entry}, {"id": "b", **entry}]}]})
    more = {**entry, "circumstances": "at night"}
    pair.save(HOME, {"refusals": [{"id": "refusal", "refuses": [more]}]})
    (found,) = pair.conflicts(HOME)
    assert (found.stored.path, found.stored.reason) == ("refusals[refusal].refuses[?]", "unclear-item")
    for said in ({"decision": "accept", "item": "a"}, {"decision": "add"}):
        wrong = refused(InvalidResource, lambda said=said: pair.decide(HOME, found.stored.id, **said))
        assert wrong == ("conflict-ask-person", "decision")
    pair.decide(HOME, found.stored.id, "keep", asked_person=True)


# --- removal, and entries that are gone


def test_what_the_ward_empties_is_empty_at_home_too(pair: Pair) -> None:
    pair.save(WARD, coping(None, "sleep"))
    assert "coping" not in pair.sign(WARD, "sleep"), "shown as it was emptied, while it is pending"
    pair.deliver()
    for ods in (HOME, WARD):
        assert "coping" not in pair.sign(ods, "sleep")
        assert pair.sign(ods, "sleep")["sign"]["text"] == "no sleep"
    assert pair.record(WARD).pending == []


def test_emptied_there_and_changed_here_is_a_conflict(pair: Pair) -> None:
    pair.save(WARD, coping(None, "sleep"))
    pair.save(HOME, coping("read", "sleep"))
    pair.deliver()
    (found,) = pair.conflicts(HOME)
    assert (found.stored.base["text"], found.stored.ours["text"], found.stored.theirs) == ("walk", "read", None)
    assert task(pair, found.stored.id)["description"].startswith("One side removed")
    pair.decide(HOME, found.stored.id, "accept")
    assert "coping" not in pair.sign(HOME, "sleep")


def test_emptied_here_and_changed_there_is_a_conflict(pair: Pair) -> None:
    pair.save(WARD, coping("read", "sleep"))
    pair.save(HOME, coping(None, "sleep"))
    pair.deliver()
    (found,) = pair.conflicts(HOME)
    assert (found.stored.ours, found.stored.theirs["text"]) == (None, "read")
    assert "coping" not in pair.sign(HOME, "sleep")


def coded(text: str, code: str) -> dict[str, Any]:
    said = {"text": text, "codings": [{"system": "http://snomed.info/sct", "code": code}]}
    return {"care_plans": [{"id": "care", "activities": [{"id": "act", "code": said}]}]}


def test_two_codes_in_one_place_are_a_conflict_and_what_else_was_proposed_is_applied(pair: Pair) -> None:
    pair.save(WARD, {**coded("swimming", "20461001"), **coping("the ward's way")})
    pair.save(HOME, coded("cycling", "40259008"))
    pair.deliver()
    assert pair.sign(HOME, "pacing")["coping"] == THEIRS
    found = pair.conflict(HOME, open_conflict(pair)).stored
    assert (found.path, found.theirs["text"]) == ("care_plans[care].activities[act].code", "swimming")
    before = [loads(text["words"]["text"].encode()) for text in task(pair, found.id)["texts"]]
    assert before == [found.ours, found.theirs], "each with its codings"
    walking = {"text": "walking", "codings": [{"system": "http://snomed.info/sct", "code": "129006008"}]}
    pair.decide(HOME, found.id, "write", text=walking)
    assert pair.item(HOME, "care_plans", "care")["activities"][0]["code"] == walking
    written = next(text for text in task(pair, found.id)["texts"] if text["label"] == "written")
    assert loads(written["words"]["text"].encode()) == walking


def without_a_sign(pair: Pair, sign: str) -> None:
    """The home team's own system sends the whole plan, and this sign is not in it."""
    gateway = pair.gateways[HOME]
    (plan,) = [
        body
        for body in gateway.store.read_now(lambda tx: [one.body() for one in tx.person_resources(tx.persons()[0])])
        if body["resourceType"] == "CarePlan" and "partOf" not in body and "no sleep" in str(body)
    ]
    plan["activity"] = [one for one in plan["activity"] if one.get("id") != sign]
    plan["extension"] = [one for one in plan.get("extension", []) if one.get("id") != sign]
    asyncio.run(gateway.update(AccessContext(HOME), plan))


def test_an_entry_removed_here_and_changed_there_is_a_conflict_and_can_be_brought_back(pair: Pair) -> None:
    pair.save(WARD, coping("read", "sleep"))
    without_a_sign(pair, "sleep")
    assert [one["id"] for one in pair.item(HOME, "crisis_plans", "crisis")["warning_signs"]] == ["pacing"]
    pair.deliver()
    (found,) = pair.conflicts(HOME)
    assert found.stored.reason == "gone"
    assert (
        refused(InvalidResource, lambda: pair.decide(HOME, found.stored.id, "write", text="x"))[0] == "conflict-choice"
    )
    pair.decide(HOME, found.stored.id, "accept")
    pair.deliver()
    for ods in (HOME, WARD):
        assert pair.sign(ods, "sleep")["coping"]["text"] == "read"


def test_an_entry_that_is_back_since_may_be_said_with_its_texts_as_plain_strings(pair: Pair) -> None:
    pair.save(WARD, coping("read", "sleep"))
    without_a_sign(pair, "sleep")
    pair.deliver()
    back = {"id": "sleep", "sign": "no sleep", "coping": "tea", "status": "not-started"}
    pair.save(HOME, {"crisis_plans": [{"id": "crisis", "warning_signs": [back]}]})
    name = open_conflict(pair)
    for stale in ("tea", None, {**back, "coping": "milk"}):
        said = {"instead_of": stale}
        assert refused(Conflict, lambda s=said: pair.decide(HOME, name, "accept", **s))[0] == "conflict-moved-on"
    pair.decide(HOME, name, "accept", instead_of=back)
    assert pair.sign(HOME, "sleep")["coping"]["text"] == "read"


def test_a_row_of_an_entry_that_is_gone_since_is_not_written(disputed: Pair) -> None:
    name = open_conflict(disputed)
    without_a_sign(disputed, "pacing")
    wrong = refused(Conflict, lambda: disputed.decide(HOME, name, "accept", instead_of=None))
    assert wrong[0] == "conflict-moved-on"
    disputed.decide(HOME, name, "keep")


def test_a_list_in_which_it_is_not_clear_what_was_changed_is_written_by_somebody(pair: Pair) -> None:
    secret, plain = {"text": "do not phone", "in_confidence": True}, {"text": "large print"}
    pair.save(HOME, {"person": {"nhs_number": NHS_NUMBER, "communication_needs": [plain, secret]}})
    shown = {"person": {"communication_needs": [plain, {"text": "do not phone"}]}}
    edited = {"person": {"communication_needs": [{"text": "do not phone or text"}]}}
    pair.save(HOME, Change({"nhs_number": NHS_NUMBER}, lambda held: merge(held, shown, edited, view=shown)))
    (found,) = pair.conflicts(HOME)
    name = found.stored.id
    assert (found.stored.path, found.stored.reason) == ("person.communication_needs", "unclear-item")
    assert refused(InvalidResource, lambda: pair.decide(HOME, name, "accept")) == ("conflict-choice", "decision")
    wanted = [{"text": "do not phone or text", "in_confidence": True}]
    pair.decide(HOME, name, "write", text=wanted)
    assert pair.record(HOME).tree["person"]["communication_needs"] == wanted


# --- who may propose what


def proposed(pair: Pair, **said: Any) -> tuple[str, str, str]:
    """The ward sends a proposal that its own gateway would not make; what it is answered with."""
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": []}
    body = {"base": 1, "before": bundle, "bundle": bundle, **said}
    message = Message(str(uuid.uuid4()), "proposal", NHS_NUMBER, HOME, 1, body)
    receipt = pair.hand_over(WARD, HOME, message)
    found = receipt.issues[0] if receipt.issues else None
    return receipt.status, found.code if found else "", found.path if found else ""


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("person.nhs_number", "sync-identity"),
        ("person.birth_date", "sync-identity"),
        ("statements[told-to-the-ward].made_at", "sync-custody"),
    ],
)
def test_what_is_not_its_authors_to_empty_is_set_aside(pair: Pair, path: str, code: str) -> None:
    pair.save(WARD, {"statements": [{"id": "told-to-the-ward", "made_at": "2026-11-24"}]})
    pair.deliver()
    before = pair.record(HOME).tree
    assert proposed(pair, cleared=[path]) == ("quarantined", code, "$.cleared[0]")
    after = pair.record(HOME).tree
    assert {**after, "tasks": None} == {**before, "tasks": None}


@pytest.mark.parametrize("cleared", [["person"], ["crisis_plans[crisis]"], ["no.such[row]"], ["", 1], "person"])
def test_what_is_no_row_is_not_emptied(pair: Pair, cleared: Any) -> None:
    before = pair.record(HOME).tree
    assert proposed(pair, cleared=cleared)[0] == "merged"
    assert pair.record(HOME).tree == before


def test_a_new_resource_of_what_the_ward_keeps_itself_is_no_proposal_to_us(pair: Pair) -> None:
    statement = {"id": "told-to-the-ward", "made_at": "2026-11-24"}
    pair.save(WARD, {"statements": [statement]})
    pair.deliver()
    whole = {"person": {"id": "p"}, "statements": [{**statement, "wishes": [{"id": "w", "words": {"text": "tea"}}]}]}
    (wishes,) = [one.resource for one in write_entries(whole) if one.resource["resourceType"] == "CarePlan"]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": wishes}]}
    assert proposed(pair, bundle=bundle)[:2] == ("quarantined", "sync-custody")
    assert pair.deliver(only=HOME) == [], "and nothing of it goes back to the ward"


# --- entries that cannot be told apart


@pytest.fixture
def unclear(pair: Pair) -> Pair:
    """A system of the home team says more of a sign that two entries have."""
    signs = [{"id": f"again-{n}", "sign": "shouting"} for n in (1, 2)]
    pair.save(HOME, {"crisis_plans": [{"id": "crisis", "warning_signs": signs}]})
    pair.save(HOME, {"crisis_plans": [{"id": "crisis", "warning_signs": [{"sign": "shouting", "coping": "quiet"}]}]})
    return pair


def copings(pair: Pair) -> list[str | None]:
    signs = pair.item(HOME, "crisis_plans", "crisis")["warning_signs"]
    return [(one.get("coping") or {}).get("text") for one in signs if one["sign"]["text"] == "shouting"]


@pytest.mark.parametrize(
    ("decision", "said", "stands"),
    [
        ("accept", {"item": "again-2"}, [None, "quiet"]),
        ("add", {}, [None, None, "quiet"]),
        ("keep", {}, [None, None]),
    ],
)
def test_an_unclear_entry_is_told_added_or_rejected(
    unclear: Pair, decision: str, said: dict[str, Any], stands: list[str | None]
) -> None:
    name = open_conflict(unclear)
    unclear.decide(HOME, name, decision, **said)
    assert copings(unclear) == stands
    assert task(unclear, name)["status"] == "completed"


@pytest.mark.parametrize("item", [None, "pacing-or-not"])
def test_an_entry_that_is_meant_is_one_that_is_there(unclear: Pair, item: str | None) -> None:
    name = open_conflict(unclear)
    wrong = refused(InvalidResource, lambda: unclear.decide(HOME, name, "accept", item=item))
    assert wrong == ("conflict-choice", "item")


def test_an_entry_that_is_meant_is_said(unclear: Pair) -> None:
    name = open_conflict(unclear)
    assert refused(InvalidResource, lambda: unclear.decide(HOME, name, "accept")) == ("map-invalid-record", "item")


# --- who did it


def test_a_merge_names_its_author_the_keeper_and_the_rows(pair: Pair) -> None:
    pair.save(WARD, coping("the ward's way"))
    pair.deliver()
    for ods in (HOME, WARD):
        (found,) = provenances(pair, ods)
        assert agents(found) == [("author", WARD), ("custodian", HOME)]
        assert [one["what"]["display"] for one in found["entity"]] == [ROW]
        assert found["target"][0]["reference"].startswith("CarePlan/")
        assert found["recorded"].startswith("2026-11-24T09:00:0")


def test_what_was_not_merged_has_no_provenance(disputed: Pair) -> None:
    assert provenances(disputed, HOME) == provenances(disputed, WARD) == []


def test_a_decision_names_who_decided_and_both_authors(disputed: Pair) -> None:
    name = open_conflict(disputed)
    disputed.decide(HOME, name, "accept")
    disputed.deliver()
    for ods in (HOME, WARD):
        (found,) = provenances(disputed, ods)
        (_, who), *authors = agents(found)
        assert who["reference"].startswith("PractitionerRole/")
        assert authors == [("author", WARD), ("author", HOME)]


def test_a_decision_that_changed_nothing_is_told_of_the_task_and_stays_at_home(disputed: Pair) -> None:
    name = open_conflict(disputed)
    disputed.decide(HOME, name, "keep")
    disputed.deliver()
    (found,) = provenances(disputed, HOME)
    assert found["target"] == [{"reference": f"Task/{name}"}]
    assert provenances(disputed, WARD) == []


def test_a_provenance_does_not_go_where_what_it_tells_of_does_not(disputed: Pair) -> None:
    disputed.decide(HOME, open_conflict(disputed), "accept")
    terms = {"exceptions": [
        {"decision": "deny", "actors": [{"party": {"id": "org-ward"}}], "sections": ["crisis-plan"]}
    ]}  # fmt: skip
    disputed.save(HOME, {"sharing": [{"id": "deny", "made_at": "2026-11-24", "terms": terms}]})
    disputed.deliver()
    assert len(provenances(disputed, HOME)) == 1
    assert provenances(disputed, WARD) == []


def test_who_may_see_some_sections_only_sees_how_these_came_to_be(disputed: Pair) -> None:
    terms = {"exceptions": [
        {"decision": "deny", "actors": [{"party": {"id": "org-ward"}}], "sections": ["care-plan"]}
    ]}  # fmt: skip
    disputed.save(HOME, {"sharing": [{"id": "deny", "made_at": "2026-11-24", "terms": terms}]})
    disputed.decide(HOME, open_conflict(disputed), "accept")
    disputed.deliver()
    assert len(provenances(disputed, WARD)) == 1


def test_how_it_came_about_is_carried_with_a_record_and_is_no_part_of_it(pair: Pair) -> None:
    pair.save(WARD, coping("the ward's way"))
    pair.deliver()
    snapshot = loads(pair.wire[-1])["bundle"]
    record = from_bundle(snapshot)
    assert sorted(map(str, to_bundle(record)["entry"])) == sorted(map(str, snapshot["entry"]))
    assert from_bundle(to_bundle(record)) == record
    assert not record.agreements


def test_a_merge_does_not_go_round_for_ever(disputed: Pair) -> None:
    disputed.decide(HOME, open_conflict(disputed), "write", text="both")
    assert [verb for verb, _ in disputed.deliver()] == ["snapshot"]
    assert disputed.deliver() == []
    assert NHS_NUMBER in disputed.wire[-1]


def test_no_outcome_is_told_twice_or_to_a_receiver_without_a_question(disputed: Pair) -> None:
    disputed.decide(HOME, open_conflict(disputed), "keep")
    disputed.deliver()
    assert '"decided"' in disputed.wire[-1]
    disputed.save(HOME, coping("another", "sleep"))
    disputed.deliver()
    assert '"decided"' not in disputed.wire[-1]
