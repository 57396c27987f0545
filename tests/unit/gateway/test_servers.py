"""What a plain FHIR server holds: its own is a copy here, a change in ours a proposal, and the rest is nothing."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace
from typing import Any

import pytest

from fhir_mh.connectors.fhir_server.found import Found, hash_of
from fhir_mh.connectors.fhir_server.naming import minted
from fhir_mh.consent import AccessContext
from fhir_mh.exchange.messages import Message
from fhir_mh.fhir.urls import ITEM_ID
from fhir_mh.issues import issue
from fhir_mh.store import Tx
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD
from tests.unit.gateway.server import PATIENT, Ward


def statuses(read: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [(verb, receipt["status"]) for verb, receipt in read]


def care_plan(ward: Ward) -> str:
    return str(next(name for kind, name in ward.holds if kind == "CarePlan" and "title" in ward.holds[kind, name]))


def test_what_we_wrote_comes_back_as_nothing(ward: Ward) -> None:
    assert ward.read() == []


def test_what_we_wrote_comes_back_as_nothing_where_the_answer_was_lost(ward: Ward) -> None:
    for kind, name in list(ward.holds):
        noted = ward.tx(lambda tx, k=kind, n=name: tx.server_copies.at(WARD, k, n))
        if noted is not None:
            ward.home.store.write_now(lambda tx, n=noted: tx.server_copies.forget(WARD, n.type, n.name))
    assert ward.read() == []


def test_what_was_composed_may_go_while_each_of_its_sections_may(ward: Ward) -> None:
    def may_go(*sections: str, number: str = NHS_NUMBER) -> bool:
        message = Message("m", "snapshot", number, HOME, 1, {"sections": list(sections)})
        return bool(ward.tx(lambda tx: ward.reading.may_go(tx, message)))

    assert may_go("care-plan", "crisis-plan")
    terms = {"exceptions": [{"decision": "deny", "sections": ["crisis-plan"]}]}
    ward.save(HOME, {"sharing": [{"id": "deny", "made_at": "2026-01-01", "terms": terms}]})
    assert (may_go("care-plan", "crisis-plan"), may_go("care-plan")) == (False, True)
    assert not may_go("care-plan", number="9990000026"), "of nobody who is known"


def test_a_row_that_is_changed_there_is_merged(ward: Ward) -> None:
    ward.change("CarePlan", care_plan(ward), title="Changed there")
    assert statuses(ward.read()) == [("proposal", "merged")]
    plan = ward.item(HOME, "care_plans", "care")
    assert plan["title"] == "Changed there"
    assert plan["activities"][0]["description"]["text"] == "Allotment"
    assert ward.read() == [], "the same version once more"
    ward.write_there()
    assert ward.read() == []


def test_what_was_written_over_by_the_same_edition_once_more_is_not_changed_back(ward: Ward) -> None:
    name = care_plan(ward)
    written = ward.holds["CarePlan", name]
    noted = ward.tx(lambda tx: tx.server_copies.at(WARD, "CarePlan", name))
    ward.change("CarePlan", name, title="Changed there")
    assert statuses(ward.read()) == [("proposal", "merged")]
    ward.change("CarePlan", name, title=written["title"])  # by us, who had no answer when it was written
    again = replace(noted, remote_version="3", held=hash_of(ward.holds["CarePlan", name]))
    ward.home.store.write_now(lambda tx: tx.server_copies.keep(again))
    ward.change("CarePlan", name, description="Added there")
    assert statuses(ward.read()) == [("proposal", "merged")]
    plan = ward.item(HOME, "care_plans", "care")
    assert (plan["title"], plan["description"]["text"]) == ("Changed there", "Added there")


def test_what_is_changed_back_there_is_changed_back(ward: Ward) -> None:
    name = care_plan(ward)
    title = ward.holds["CarePlan", name]["title"]
    for said in ("Changed there", title):
        ward.change("CarePlan", name, title=said)
        assert statuses(ward.read()) == [("proposal", "merged")]
        assert ward.item(HOME, "care_plans", "care")["title"] == said


def test_what_the_server_dropped_is_not_emptied(ward: Ward) -> None:
    there = ward.change("CarePlan", care_plan(ward), title="Changed there")
    del there["activity"]
    assert statuses(ward.read()) == [("proposal", "merged")]
    assert ward.item(HOME, "care_plans", "care")["activities"]


def test_a_row_that_both_changed_is_a_task_and_ours_stays(ward: Ward) -> None:
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Changed here"}]})
    ward.change("CarePlan", care_plan(ward), title="Changed there")
    assert statuses(ward.read()) == [("proposal", "conflict")]
    assert ward.item(HOME, "care_plans", "care")["title"] == "Changed here"
    assert len(ward.conflicts(HOME)) == 1


def never_left(ward: Ward, *, withheld: bool = True) -> None:
    """An edition is composed and does not reach the server. withheld: a later one without the plan takes its place."""
    ward.write_unanswered(leaves=False)
    if not withheld:
        return
    terms = {"exceptions": [{"decision": "deny", "sections": ["care-plan"]}]}
    ward.save(HOME, {"sharing": [{"id": "deny", "made_at": "2026-01-01", "terms": terms}]})
    ward.write_there()


def narrated(ward: Ward) -> None:
    """The server adds to its copy what is no change, and sending has seen it so."""
    now = ward.change("CarePlan", care_plan(ward), text={"status": "generated", "div": "<div>x</div>"})
    assert ward.read() == []

    def note(tx: Tx) -> None:
        noted = tx.server_copies.at(WARD, "CarePlan", str(now["id"]))
        assert noted is not None
        seen = replace(noted, remote_version=now["meta"]["versionId"], held=hash_of(now), sent=None, edition=None)
        tx.server_copies.keep(seen)

    ward.home.store.write_now(note)


@pytest.mark.parametrize("before", ["nothing", "a proposal", "a narrative"])
def test_what_was_made_of_an_older_text_is_a_conflict_though_a_later_edition_is_stored(ward: Ward, before: str) -> None:
    if before == "a proposal":
        ward.change("CarePlan", care_plan(ward), title="First there")
        assert statuses(ward.read()) == [("proposal", "merged")]
    if before == "a narrative":
        narrated(ward)
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Changed here"}]})
    never_left(ward)
    ward.change("CarePlan", care_plan(ward), title="Changed there")
    assert statuses(ward.read()) == [("proposal", "conflict")]
    assert ward.item(HOME, "care_plans", "care")["title"] == "Changed here"


def test_what_was_seen_there_is_made_of_what_was_written_last_and_not_of_an_old_proposal(ward: Ward) -> None:
    ward.change("CarePlan", care_plan(ward), title="First there")
    assert statuses(ward.read()) == [("proposal", "merged")]
    for title in ("Second here", "First there"):
        ward.save(HOME, {"care_plans": [{"id": "care", "title": title}]})
        if title == "Second here":
            ward.write_there()
            narrated(ward)
    ward.change("CarePlan", care_plan(ward), description="Added there")
    ward.read()
    assert ward.item(HOME, "care_plans", "care")["title"] == "First there", "nobody there has written the second"


def test_our_own_text_of_which_the_answer_was_lost_undoes_no_correction_of_ours(ward: Ward) -> None:
    """What is put back says what an earlier edition did, which is not what lies there."""
    place = lambda level: {"placements": [{"id": "place", "level": level}]}  # noqa: E731
    ward.save(HOME, place("1"))
    ward.write_unanswered()
    ward.save(HOME, place("2"))
    never_left(ward, withheld=False)
    assert ward.read() == []
    assert ward.item(HOME, "placements", "place")["level"] == "2"


def test_what_never_left_is_not_taken_for_what_lies_there(ward: Ward) -> None:
    ward.save(HOME, {"care_plans": [{"id": "care", "description": "Of another row"}]})
    ward.write_unanswered(leaves=False)
    name = care_plan(ward)
    for title in ("A mistake", "Care plan"):
        ward.change("CarePlan", name, title=title)
        assert statuses(ward.read()) == [("proposal", "merged")]
        assert ward.item(HOME, "care_plans", "care")["title"] == title


def test_what_left_says_nothing_of_what_was_written_in_an_edition_that_is_not_known(ward: Ward) -> None:
    name = care_plan(ward)
    noted = ward.tx(lambda tx: tx.server_copies.at(WARD, "CarePlan", name))
    ward.home.store.write_now(lambda tx: tx.server_copies.keep(replace(noted, edition=0)))
    terms = {"exceptions": [{"decision": "deny", "sections": ["care-plan"]}]}
    ward.save(HOME, {"sharing": [{"id": "deny", "made_at": "2026-01-01", "terms": terms}]})
    ward.write_there()
    ward.save(HOME, {"sharing": [{"id": "deny", "status": "inactive"}], "care_plans": [{"id": "care", "title": "New"}]})
    edition = ward.write_unanswered(leaves=False)
    ward.home.store.write_now(lambda tx: tx.server_copies.leaves(WARD, [("CarePlan", noted.name)], edition))
    ward.change("CarePlan", name, description="Added there")
    assert statuses(ward.read()) == [("proposal", "merged")]
    assert ward.item(HOME, "care_plans", "care")["title"] == "New"


def completed_here(ward: Ward) -> str:
    """Its id there, of a goal that the home team has completed since it was written there, and did not send yet."""
    ward.save(HOME, {"goals": [{"id": "choir", "description": {"text": "Choir"}}]})
    ward.write_there()
    ward.save(HOME, {"goals": [{"id": "choir", "status": "completed", "status_reason": "Sings every week"}]})
    return next(name for kind, name in ward.holds if kind == "Goal")


def test_what_follows_the_version_that_was_seen_is_made_of_that(ward: Ward) -> None:
    """Though it is nearer to what has left since: of that nothing can have been written between the two."""
    there = completed_here(ward)
    edition = ward.write_unanswered(leaves=False)
    name = ward.tx(lambda tx: tx.server_copies.at(WARD, "Goal", there)).name
    ward.home.store.write_now(lambda tx: tx.server_copies.leaves(WARD, [("Goal", name)], edition))
    ward.change("Goal", there, lifecycleStatus="completed", statusReason="Moved away")
    assert statuses(ward.read()) == [("proposal", "conflict")]
    assert ward.item(HOME, "goals", "choir")["status_reason"] == "Sings every week"


def test_what_is_written_anew_and_not_answered_is_our_own(ward: Ward) -> None:
    name = care_plan(ward)
    noted = ward.tx(lambda tx: tx.server_copies.at(WARD, "CarePlan", name))
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Wrong"}]})
    ward.write_unanswered()  # it was deleted there
    ward.home.store.write_now(lambda tx: tx.server_copies.forget(WARD, "CarePlan", noted.name))
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Care plan"}]})
    assert ward.read() == []
    assert ward.item(HOME, "care_plans", "care")["title"] == "Care plan"


def test_what_was_noted_in_an_edition_of_another_persons_record_is_read_all_the_same(ward: Ward) -> None:
    """Who provides what may have been written for another person, whose record counts its own editions."""
    ward.save(HOME, {"goals": [{"id": "choir", "description": {"text": "Choir"}}]})
    ward.write_there()
    (there,) = [name for kind, name in ward.holds if kind == "Goal"]
    noted = ward.tx(lambda tx: tx.server_copies.at(WARD, "Goal", there))
    ward.home.store.write_now(lambda tx: tx.server_copies.keep(replace(noted, edition=1)))
    ward.change("Goal", there, description={"text": "Football"})
    assert statuses(ward.read()) == [("proposal", "merged")]
    assert ward.item(HOME, "goals", "choir")["description"]["text"] == "Football"


def test_what_is_made_of_an_edition_whose_answer_was_lost_changes_nothing_that_was_corrected_since(ward: Ward) -> None:
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Wrong"}]})
    ward.write_unanswered()
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Care plan"}]})
    ward.change("CarePlan", care_plan(ward), description="Added there")
    assert statuses(ward.read()) == [("proposal", "merged")]
    plan = ward.item(HOME, "care_plans", "care")
    assert (plan["title"], plan["description"]["text"]) == ("Care plan", "Added there")
    assert ward.conflicts(HOME) == []


def test_what_was_made_of_an_edition_whose_answer_was_lost_may_be_taken_back(ward: Ward) -> None:
    ward.save(HOME, {"care_plans": [{"id": "care", "description": "Home"}]})
    ward.write_unanswered()
    for said in ("Ward", "Home"):
        ward.change("CarePlan", care_plan(ward), description=said)
        assert statuses(ward.read()) == [("proposal", "merged")]
        assert ward.item(HOME, "care_plans", "care")["description"]["text"] == said


def test_what_came_with_an_edition_whose_answer_was_lost_is_changed_and_not_added(ward: Ward) -> None:
    ward.save(HOME, {"care_plans": [{"id": "care", "activities": [{"id": "n9", "description": "Home"}]}]})
    ward.write_unanswered()
    there = copy.deepcopy(ward.holds["CarePlan", care_plan(ward)]["activity"])
    there[-1]["detail"]["description"] = "Ward"
    ward.change("CarePlan", care_plan(ward), activity=there)
    assert statuses(ward.read()) == [("proposal", "merged")]
    said = [one["description"]["text"] for one in ward.item(HOME, "care_plans", "care")["activities"]]
    assert said.count("Ward") == 1
    assert "Home" not in said


def test_a_refusal_is_never_merged(ward: Ward) -> None:
    name = next(name for kind, name in ward.holds if kind == "Consent")
    refused = copy.deepcopy(ward.holds["Consent", name]["provision"])
    refused["provision"][0]["code"][0]["text"] = "Nothing"
    ward.change("Consent", name, provision=refused)
    assert statuses(ward.read()) == [("proposal", "conflict")]
    assert ward.item(HOME, "refusals", "refusal")["refuses"][0]["treatment"]["text"] == "ECT"


def test_the_same_text_in_a_new_version_is_nothing(ward: Ward) -> None:
    ward.change("CarePlan", care_plan(ward))
    assert ward.read() == []


def test_an_older_version_after_a_newer_is_nothing(ward: Ward) -> None:
    older = copy.deepcopy(ward.change("CarePlan", care_plan(ward), title="First"))
    newer = copy.deepcopy(ward.change("CarePlan", care_plan(ward), title="Second"))
    assert statuses(ward.read(newer)) == [("proposal", "merged")]
    assert ward.read(older) == []
    assert ward.item(HOME, "care_plans", "care")["title"] == "Second"


def test_a_change_that_is_taken_back_there_is_taken_back_here(ward: Ward) -> None:
    ward.change("CarePlan", care_plan(ward), title="First")
    ward.read()
    ward.change("CarePlan", care_plan(ward), title="Care plan")
    assert statuses(ward.read()) == [("proposal", "merged")]
    assert ward.item(HOME, "care_plans", "care")["title"] == "Care plan"


def test_an_item_that_is_new_there_and_has_no_id(ward: Ward) -> None:
    plan = ward.holds["CarePlan", care_plan(ward)]
    more = [*plan["activity"], {"detail": {"description": "Swimming", "status": "not-started"}}]
    ward.change("CarePlan", care_plan(ward), activity=more)
    assert statuses(ward.read()) == [("proposal", "merged")]
    said = [one["description"]["text"] for one in ward.item(HOME, "care_plans", "care")["activities"]]
    assert said == ["Allotment", "Swimming"]
    assert all("id" in one for one in ward.item(HOME, "care_plans", "care")["activities"])


def goal(ward: Ward, **said: Any) -> dict[str, Any]:
    whole = {"lifecycleStatus": "active", "description": {"text": "Sleep"}, "subject": {"reference": "Patient/77"}}
    return ward.keep("Goal", "g1", **{**whole, **said})


def test_what_the_server_has_of_its_own_is_its_own_here(ward: Ward) -> None:
    goal(ward)
    assert statuses(ward.read()) == [("snapshot", "stored")]
    held = ward.tx(lambda tx: tx.get("Goal", minted(WARD, "Goal", "g1")))
    assert held.custodian == WARD
    assert held.body()["subject"] == {"reference": f"Patient/{minted(WARD, 'Patient', '77')}"}
    assert ward.read() == []
    ward.change("Goal", "g1", description={"text": "Sleep well"})
    assert statuses(ward.read()) == [("snapshot", "stored")]
    assert [one["description"]["text"] for one in ward.record(HOME).tree["goals"]] == ["Sleep well"]
    assert ward.tx(lambda tx: tx.edition(held.person, WARD)) == 2


def test_the_same_text_of_its_own_in_a_new_version_makes_no_edition(ward: Ward) -> None:
    goal(ward)
    ward.read()
    ward.change("Goal", "g1")
    assert ward.read() == []


def test_its_own_that_is_not_mentioned_stays(ward: Ward) -> None:
    goal(ward)
    ward.read()
    other = ward.keep(
        "Goal", "g2", lifecycleStatus="active", description={"text": "Walk"}, subject={"reference": "Patient/77"}
    )
    ward.read(other)
    assert len(ward.record(HOME).tree["goals"]) == 2


def test_another_date_of_birth_stops_everything_about_the_person(ward: Ward) -> None:
    goal(ward)
    ward.change("CarePlan", care_plan(ward), title="Changed there")
    ward.change("Patient", "77", birthDate="1990-01-01")
    read = ward.read()
    assert statuses(read) == [("snapshot", "quarantined")]
    assert read[0][1]["issues"][0]["code"] == "sync-identity"
    assert ward.item(HOME, "care_plans", "care")["title"] == "Care plan"
    assert any(task["kind"] == "identity" for task in ward.record(HOME).tree["tasks"])


def test_a_patient_who_became_somebody_else_there_stops_what_is_about_ours(ward: Ward) -> None:
    ward.change("CarePlan", care_plan(ward), title="Changed there")
    ward.change("Patient", "77", identifier=[{**PATIENT["identifier"][0], "value": "9990000026"}])
    assert statuses(ward.read()) == [("snapshot", "quarantined")]
    assert ward.item(HOME, "care_plans", "care")["title"] == "Care plan"


@pytest.mark.parametrize(
    ("number", "status"), [("999 000 0026", "quarantined"), ("9990000034", "stored"), (NHS_NUMBER, "stored")]
)
def test_what_names_somebody_else_beside_its_patient_is_set_aside_alone(ward: Ward, number: str, status: str) -> None:
    ward.save(
        HOME, {"person": {"nhs_number": "9990000026", "names": [{"family": "Other"}], "birth_date": "1990-01-01"}}
    )
    said = {"reference": "Patient/77", "identifier": {"system": PATIENT["identifier"][0]["system"], "value": number}}
    walk = {"lifecycleStatus": "active", "description": {"text": "Walk"}, "subject": {"reference": "Patient/77"}}
    read = ward.read(ward.keep("Goal", "g2", **walk), goal(ward, subject=said))
    assert {status for _, status in statuses(read)} == {"stored", status}
    codes = [one["code"] for _, receipt in read for one in receipt.get("issues", ())]
    assert codes == ["sync-identity"] * (status == "quarantined")
    assert "Walk" in [one["description"]["text"] for one in ward.record(HOME).tree["goals"]]


def test_a_superseded_number_beside_its_patient_is_no_contradiction(ward: Ward) -> None:
    ward.save(
        HOME, {"person": {"nhs_number": "9990000026", "names": [{"family": "Other"}], "birth_date": "1990-01-01"}}
    )
    old = {"system": PATIENT["identifier"][0]["system"], "value": "9990000034", "use": "old"}
    assert statuses(ward.read(goal(ward, subject={"reference": "Patient/77", "identifier": old}))) == [
        ("snapshot", "stored")
    ]


def test_who_is_not_known_here_is_not_known(ward: Ward) -> None:
    stranger = {**PATIENT, "identifier": [{**PATIENT["identifier"][0], "value": "9990000026"}]}
    assert ward.tx(lambda tx: ward.reading.knows(tx, PATIENT))
    assert not ward.tx(lambda tx: ward.reading.knows(tx, stranger))


def test_another_copy_of_the_same_item_is_set_aside(ward: Ward) -> None:
    plan = ward.holds["CarePlan", care_plan(ward)]
    copied = ward.keep(
        "CarePlan",
        "second",
        **{name: value for name, value in plan.items() if name not in ("id", "meta", "resourceType")},
    )
    copied["title"] = "Copied"
    assert any(one["system"] == ITEM_ID for one in copied["identifier"])
    assert statuses(ward.read()) == [("set-aside", "quarantined")]
    assert ward.item(HOME, "care_plans", "care")["title"] == "Care plan"


def test_what_refers_to_another_copy_of_ours_refers_to_ours(ward: Ward) -> None:
    ward.save(HOME, {"goals": [{"id": "sea", "description": "The sea"}]})
    ward.save(HOME, {"care_plans": [{"id": "care", "goals": [{"id": "sea"}]}]})
    ward.write_there()
    plan = ward.holds["CarePlan", care_plan(ward)]
    (named,) = plan["goal"]
    goal = ward.holds["Goal", named["reference"].partition("/")[2]]
    ward.keep("Goal", "second", **{name: goal[name] for name in goal if name not in ("id", "meta", "resourceType")})
    ward.change("CarePlan", plan["id"], title="Changed there", goal=[{"reference": "Goal/second"}])
    assert sorted(statuses(ward.read())) == [("proposal", "merged"), ("set-aside", "quarantined")]
    held = ward.item(HOME, "care_plans", "care")
    assert (held["title"], [one["id"] for one in held["goals"]]) == ("Changed there", ["sea"])


def test_a_server_that_counts_its_versions_anew_has_what_lies_there_unseen_set_aside(ward: Ward) -> None:
    name = care_plan(ward)
    ward.change("CarePlan", name, title="Changed there")
    ward.read()
    changed = {**ward.holds["CarePlan", name], "title": "Changed after it", "meta": {"versionId": "1"}}
    polled = Found(ward.holds["Patient", "77"], (changed,))
    assert ward.messages(polled) == [], "an older version after a newer"
    (made,) = ward.messages(replace(polled, unseen=True))
    assert [one.code for one in made.why] == ["server-pushed-reused"]
    assert ward.home.store.write_now(lambda tx: ward.reading.set_aside(tx, made)) is not None
    assert ward.messages(replace(polled, unseen=True)) == [], "once"
    (kept,) = ward.tx(lambda tx: tx.quarantine.find(state=None, limit=9))
    assert "Changed after it" in kept.text
    assert ward.item(HOME, "care_plans", "care")["title"] == "Changed there"


def test_what_is_deleted_there_is_kept_here_and_told_once(ward: Ward) -> None:
    goal(ward)
    ward.read()
    for _ in range(2):
        ward.home.store.write_now(lambda tx: ward.reading.gone(tx, "Goal", "g1"))
        ward.home.store.write_now(lambda tx: ward.reading.gone(tx, "Goal", "never-seen"))
    assert len(ward.record(HOME).tree["goals"]) == 1
    assert len([task for task in ward.record(HOME).tree["tasks"] if task["kind"] == "unclear-item"]) == 1


def test_the_same_found_twice_is_received_once(ward: Ward) -> None:
    goal(ward)
    ward.change("CarePlan", care_plan(ward), title="Changed there")
    found = Found(ward.holds["Patient", "77"], tuple(body for key, body in ward.holds.items() if key[0] != "Patient"))
    first, again = ward.messages(found), ward.messages(found)
    assert [one.message.id for one in first] == [one.message.id for one in again]
    given = [ward.receive(one) for one in first]
    assert [ward.receive(one) for one in again] == given


def test_what_another_gateway_wrote_there_is_not_the_servers_own(ward: Ward) -> None:
    ods = {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "ZCT2"}
    kept = [{"url": "https://w3id.org/fhir-mh/StructureDefinition/custodian", "valueIdentifier": ods}]
    said = {"status": "active", "intent": "plan", "title": "Theirs", "subject": {"reference": "Patient/77"}}
    ward.keep("CarePlan", "other", extension=kept, **said)
    assert ward.read() == []


def test_the_notice_that_the_server_was_given_is_not_its_own(ward: Ward) -> None:
    sender = {"identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": HOME}}
    marked = [{"system": ITEM_ID, "value": "the-message"}]
    said = {"identifier": marked, "status": "completed", "subject": {"reference": "Patient/77"}, "sender": sender}
    ward.keep("Communication", "told", **said)
    assert ward.read() == []


def replayed(ward: Ward) -> list[str]:
    context = AccessContext(HOME, role="quarantine")
    return [one.held.state for one in asyncio.run(ward.home.quarantine.replay_all(context))]


def test_what_was_set_aside_is_tried_again_as_the_next_edition(ward: Ward) -> None:
    goal(ward)
    ward.keep("Goal", "g2", lifecycleStatus="active", description={"text": "Walk"}, subject={"reference": "Patient/77"})
    ward.reading.check = ward.home.exchange.check = lambda body, **_: (
        [issue("map-wrong-type", "Goal", expected="text")] if body.get("id") == minted(WARD, "Goal", "g1") else []
    )
    assert sorted(status for _, status in statuses(ward.read())) == ["quarantined", "stored"]
    assert len(ward.record(HOME).tree["goals"]) == 1
    assert replayed(ward) == ["replayed"]
    assert len(ward.record(HOME).tree["goals"]) == 2


def test_what_is_tried_again_takes_no_newer_text_away(ward: Ward) -> None:
    goal(ward)
    found = [issue("map-wrong-type", "Goal", expected="text")]
    ward.reading.check = ward.home.exchange.check = lambda body, **_: found if body["resourceType"] == "Goal" else []
    assert statuses(ward.read()) == [("snapshot", "quarantined")]
    found.clear()
    ward.change("Goal", "g1", description={"text": "Newer"})
    assert statuses(ward.read()) == [("snapshot", "stored")]
    assert replayed(ward) == ["replayed"]
    assert [one["description"]["text"] for one in ward.record(HOME).tree["goals"]] == ["Newer"]


def test_of_what_is_tried_again_in_order_the_newest_text_is_held(ward: Ward) -> None:
    goal(ward)
    found = [issue("map-wrong-type", "Goal", expected="text")]
    ward.reading.check = ward.home.exchange.check = lambda body, **_: found if body["resourceType"] == "Goal" else []
    ward.read()
    ward.change("Goal", "g1", description={"text": "Newer"})
    ward.read()
    found.clear()
    assert replayed(ward) == ["replayed", "replayed"]
    assert [one["description"]["text"] for one in ward.record(HOME).tree["goals"]] == ["Newer"]


def test_what_was_set_aside_for_a_date_of_birth_is_taken_in_once_that_was_put_right_there(ward: Ward) -> None:
    born = PATIENT["birthDate"]
    ward.change("Patient", "77", birthDate="1990-01-01")
    own = goal(ward)
    assert statuses(ward.read(own)) == [("snapshot", "quarantined")]
    assert replayed(ward) == ["held"]
    ward.change("Patient", "77", birthDate=born)
    ward.read(own)
    assert replayed(ward) == ["replayed"]
    assert len(ward.record(HOME).tree["goals"]) == 1


def test_what_was_set_aside_as_somebody_elses_is_not_taken_in_as_theirs_once_that_was_put_right(ward: Ward) -> None:
    ward.save(
        HOME, {"person": {"nhs_number": "9990000026", "names": [{"family": "Other"}], "birth_date": "1990-01-01"}}
    )
    number = PATIENT["identifier"][0]["value"]
    ward.change("Patient", "77", identifier=[{**PATIENT["identifier"][0], "value": "9990000026"}])
    own = goal(ward)
    assert statuses(ward.read(own)) == [("snapshot", "quarantined")]
    phone = [{"system": "phone", "value": "01632 960000"}]
    ward.change("Patient", "77", identifier=[{**PATIENT["identifier"][0], "value": number}], telecom=phone)
    assert statuses(ward.read(own)) == [("snapshot", "stored")]
    assert replayed(ward) == ["held"]


def test_a_broken_patient_is_set_aside_with_what_is_about_them(ward: Ward) -> None:
    goal(ward)
    found = [issue("map-wrong-type", "Patient", expected="text")]
    ward.reading.check = lambda body, **_: found if body["resourceType"] == "Patient" else []
    assert statuses(ward.read()) == [("set-aside", "quarantined")]
    assert ward.read() == []


def test_of_somebody_who_has_no_number_here_nothing_is_made(ward: Ward) -> None:
    mrn = {"system": "https://ward.example/mrn", "value": "1"}
    without = {"person": {"identifiers": [mrn], "birth_date": "1990-01-01"}}
    asyncio.run(ward.home.save(AccessContext(HOME), without))
    stranger = {**PATIENT, "id": "78", "identifier": [mrn], "birthDate": "1990-01-01"}
    assert ward.tx(lambda tx: ward.reading.knows(tx, stranger))
    about = goal(ward, subject={"reference": "Patient/78"})
    (made,) = ward.messages(Found(stranger, (about,)))
    assert ward.receive(made)["status"] == "quarantined"
    assert "goals" not in ward.record(HOME).tree


def test_nobody_is_made_of_a_patient_who_is_not_known_here(ward: Ward) -> None:
    stranger = {**PATIENT, "id": "78", "identifier": [{**PATIENT["identifier"][0], "value": "9990000026"}]}
    about = goal(ward, subject={"reference": "Patient/78"})
    (made,) = ward.messages(Found(stranger, (about,)))
    assert ward.receive(made)["status"] == "quarantined"
    assert not ward.tx(lambda tx: ward.reading.knows(tx, stranger))


def test_what_was_retracted_does_not_come_back_as_the_servers_own(ward: Ward) -> None:
    item = "3f0c2a52-1f5c-4d7e-9d1c-0a4b6c8e1f22"  # which its resource goes by as well
    ward.save(HOME, {"goals": [{"id": item, "description": "Of another person"}]})
    ward.write_there()
    (there,) = [body for (kind, _), body in ward.holds.items() if kind == "Goal"]
    ward.keep("Goal", "second", **{name: there[name] for name in there if name not in ("id", "meta", "resourceType")})
    assert statuses(ward.read()) == [("set-aside", "quarantined")]
    retract = ward.home.seals.retract
    asyncio.run(retract(AccessContext(HOME, "seals", client="a"), ward.record(HOME).id, [("goals", item)], "Wrong"))
    ward.home.store.write_now(lambda tx: tx.server_copies.forget(WARD, "Goal", item))  # once it is deleted there
    ward.read()
    assert not ward.record(HOME).tree.get("goals")
    kept = ward.tx(lambda tx: tx.quarantine.find(state=None, limit=9))
    assert kept and all(one.state == "sealed" and "another person" not in one.text for one in kept)
