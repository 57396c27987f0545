"""Copies of ours that a partner's system sends back changed: proposals, as if they had been found on its server."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.connectors.fhir_server.found import Found, hash_of
from fhir_mh.connectors.fhir_server.naming import minted, references_in
from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, InvalidResource, UpstreamUnavailable
from fhir_mh.fhir.json import load_object
from fhir_mh.fhir.urls import ITEM_ID
from fhir_mh.gateway import last_shown
from fhir_mh.gateway.holding import content, key_of
from fhir_mh.gateway.pushed import Pushed, Told
from fhir_mh.gateway.quarantine import QuarantineUseCases
from fhir_mh.gateway.resources import TransactionEntry
from fhir_mh.gateway.standing import standing
from fhir_mh.issues import Issue, issue
from fhir_mh.store import Quarantined
from tests.unit.gateway.pair import HOME, WARD, accept
from tests.unit.gateway.server import Ward
from tests.unit.gateway.test_crossing import deny
from tests.unit.gateway.test_sealing import retract
from tests.unit.gateway.test_servers import completed_here

Body = dict[str, Any]
URN = "urn:uuid:6c1f7a52-2f0e-4f5b-9b52-0d6f4a3f2a11"


def send(ward: Ward, *entries: TransactionEntry) -> list[tuple[str, list[str]]]:
    """(status, codes) of each entry that the ward's system sends."""
    became: list[Told] = []

    def answer(told: Sequence[Told]) -> str:
        became.extend(told)
        return "; ".join(f"{one.status} {' '.join(found.code for found in one.issues)}".strip() for one in told)

    ward.clock.advance(timedelta(seconds=1))
    pushed = Pushed(ward.reading, ward.home.exchange)
    text = ward.home.store.write_now(lambda tx: pushed.take(tx, entries, answer))
    return [(one[:3], one.split()[2:]) for one in text.split("; ")]


def put(body: Body) -> TransactionEntry:
    """As it is on the ward's server, under its id there, without what only a server says."""
    said = {name: value for name, value in body.items() if name != "meta"}
    return TransactionEntry("PUT", said, id=body["id"], path="Bundle.entry[0].resource")


def patient(ward: Ward) -> TransactionEntry:
    return put(ward.holds["Patient", "77"])


def care_plan(ward: Ward, **said: Any) -> Body:
    """The copy of the care plan on the ward's server, changed."""
    held = next(body for (kind, _), body in ward.holds.items() if kind == "CarePlan" and "title" in body)
    return {**copy.deepcopy(held), **said}


def title(ward: Ward) -> str:
    return str(ward.item(HOME, "care_plans", "care")["title"])


def test_what_it_was_sent_comes_back_as_nothing(ward: Ward) -> None:
    copies = [put(body) for (kind, _), body in ward.holds.items() if kind != "Patient"]
    told = send(ward, patient(ward), *copies)
    assert {said for said, _ in told[1:]} == {"200"}
    assert {code for _, codes in told[1:] for code in codes} == {"server-pushed-known"}
    assert ward.conflicts(HOME) == []


def test_a_row_that_is_changed_is_merged(ward: Ward) -> None:
    sent = [patient(ward), put(care_plan(ward, title="Changed there"))]
    told = send(ward, *sent)
    assert told[1] == ("200", ["server-pushed-merged"])
    assert title(ward) == "Changed there"
    version = ward.record(HOME).version
    assert send(ward, *sent) == told
    assert ward.record(HOME).version == version


def test_what_is_taken_back_and_said_again_is_merged_each_time(ward: Ward) -> None:
    for said in ("First", "Care plan", "First", "Care plan", "First"):
        assert send(ward, patient(ward), put(care_plan(ward, title=said)))[1] == ("200", ["server-pushed-merged"])
        assert title(ward) == said


def test_a_stale_copy_writes_over_no_newer_words_of_the_home_team(ward: Ward) -> None:
    stale = care_plan(ward, title="Changed there")
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Changed here"}]})
    sent = [patient(ward), put(stale)]
    told = send(ward, *sent)
    assert told[1] == ("202", ["server-pushed-waits"])
    assert title(ward) == "Changed here"
    assert len(ward.conflicts(HOME)) == 1
    assert send(ward, *sent) == told
    assert len(ward.conflicts(HOME)) == 1


def test_a_stale_copy_does_not_set_back_what_was_changed_and_sent_since(ward: Ward) -> None:
    stale = care_plan(ward)
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Changed here"}]})
    ward.write_there()
    assert send(ward, patient(ward), put(stale))[1] == ("200", ["server-pushed-known"])
    more = [*stale["activity"], {"detail": {"description": "Swimming", "status": "not-started"}}]
    assert send(ward, patient(ward), put({**stale, "activity": more}))[1] == ("200", ["server-pushed-merged"])
    assert title(ward) == "Changed here"
    assert len(ward.item(HOME, "care_plans", "care")["activities"]) == 2


def test_a_change_of_a_stale_copy_where_it_was_changed_and_sent_since_waits_for_people(ward: Ward) -> None:
    stale = care_plan(ward, title="Changed there")
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Changed here"}]})
    ward.write_there()
    assert send(ward, patient(ward), put(stale))[1] == ("202", ["server-pushed-waits"])
    assert title(ward) == "Changed here"


def goal(ward: Ward, text: str, version: str | None = None) -> TransactionEntry:
    """The copy of a goal, which unlike a plan does not say from which edition it is."""
    held = next(body for (kind, _), body in ward.holds.items() if kind == "Goal")
    body = {name: value for name, value in held.items() if name != "meta"} | {"description": {"text": text}}
    return TransactionEntry("PUT", body if version is None else {**body, "meta": {"versionId": version}}, id=body["id"])


def test_of_what_says_no_edition_the_nearest_counts_and_of_two_as_near_the_oldest(ward: Ward) -> None:
    for text in ("Sleep", "Sleep well"):
        ward.save(HOME, {"goals": [{"id": "goal", "description": text}]})
        ward.write_there()
    assert send(ward, patient(ward), goal(ward, "Sleep"))[1] == ("200", ["server-pushed-known"])
    assert send(ward, patient(ward), goal(ward, "Walk"))[1] == ("202", ["server-pushed-waits"])
    assert ward.item(HOME, "goals", "goal")["description"]["text"] == "Sleep well"


def test_a_version_that_comes_after_the_one_written_there_is_made_from_that(ward: Ward) -> None:
    for text in ("Sleep", "Sleep well"):
        ward.save(HOME, {"goals": [{"id": "goal", "description": text}]})
        ward.write_there()
    assert send(ward, patient(ward), goal(ward, "Sleep", "1"))[1][1] == ["server-pushed-known"], "one that was before"
    assert send(ward, patient(ward), goal(ward, "Sleep", "3"))[1] == ("200", ["server-pushed-merged"])
    assert ward.item(HOME, "goals", "goal")["description"]["text"] == "Sleep"


def aside(ward: Ward) -> list[Quarantined]:
    quarantine = QuarantineUseCases(ward.home.store, ward.home.home, accept)
    return asyncio.run(quarantine.listed(AccessContext(HOME, role="quarantine")))


@pytest.mark.parametrize("version", ["1", "2"])
def test_other_words_under_a_version_that_was_dealt_with_are_set_aside(ward: Ward, version: str) -> None:
    for text in ("Sleep", "Sleep well"):
        ward.save(HOME, {"goals": [{"id": "goal", "description": text}]})
        ward.write_there()
    sent = [patient(ward), goal(ward, "Climb", version)]
    told = send(ward, *sent)
    assert told[1] == ("202", ["server-pushed-aside", "server-pushed-reused"])
    assert send(ward, *sent) == told
    assert ward.item(HOME, "goals", "goal")["description"]["text"] == "Sleep well"
    (held,) = aside(ward)
    assert "Climb" in held.text
    assert "Climb" not in held.issues
    assert len([one for one in ward.record(HOME).tree["tasks"] if one["kind"] == "unclear-item"]) == 1
    quarantine = QuarantineUseCases(ward.home.store, ward.home.home, accept)
    tried = asyncio.run(quarantine.replay(AccessContext(HOME, role="quarantine"), held.id))
    assert tried.held.state == "replayed"
    assert len(ward.conflicts(HOME)) == 1


def test_what_was_dealt_with_under_a_version_is_known_and_nothing_else(ward: Ward) -> None:
    ward.save(HOME, {"goals": [{"id": "goal", "description": "Sleep"}]})
    ward.write_there()
    assert send(ward, patient(ward), goal(ward, "Walk", "2"))[1] == ("200", ["server-pushed-merged"])
    assert send(ward, patient(ward), goal(ward, "Swim", "3"))[1] == ("200", ["server-pushed-merged"])
    for text, version in (("Sleep", "1"), ("Walk", "2"), ("Swim", "3"), ("Walk", "3")):
        assert send(ward, goal(ward, text, version), patient(ward))[0] == ("200", ["server-pushed-known"])
    assert aside(ward) == []
    assert send(ward, patient(ward), goal(ward, "Climb", "3"))[1][1] == ["server-pushed-aside", "server-pushed-reused"]
    assert ward.item(HOME, "goals", "goal")["description"]["text"] == "Swim"


def test_what_its_server_added_to_what_was_written_there_is_what_was_dealt_with(ward: Ward) -> None:
    ward.save(HOME, {"goals": [{"id": "goal", "description": "Sleep"}]})
    ward.write_there()
    added = {"extension": [{"url": "https://ward.example/odd", "valueDecimal": 1}]}
    held = {**goal(ward, "Sleep", "1").body, **added}
    noted = ward.tx(lambda tx: tx.server_copies.at(WARD, "Goal", held["id"]))
    ward.home.store.write_now(lambda tx: tx.server_copies.keep(replace(noted, held=hash_of(held))))
    assert send(ward, patient(ward), TransactionEntry("PUT", held, id=held["id"]))[1] == (
        "200",
        ["server-pushed-known"],
    )


def test_what_was_set_aside_under_a_version_is_dealt_with(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.save(HOME, {"goals": [{"id": "goal", "description": "Sleep"}]})
    ward.write_there()
    ward.change("Goal", str(goal(ward, "").id), description={"text": "Walk"})
    received = ward.home.exchange.receive

    def fails(tx: Any, partner: str, message: Any) -> Any:
        raise Conflict

    monkeypatch.setattr(ward.home.exchange, "receive", fails)
    ward.read()
    monkeypatch.setattr(ward.home.exchange, "receive", received)
    assert len(aside(ward)) == 1
    changed = next(body for (kind, _), body in ward.holds.items() if kind == "Goal")
    again = TransactionEntry("PUT", changed, id=changed["id"])
    assert send(ward, patient(ward), again)[1] == ("200", ["server-pushed-known"])
    ward.change("Goal", changed["id"], description={"text": "Swim"})
    ward.read()
    assert ward.item(HOME, "goals", "goal")["description"]["text"] == "Swim"
    assert send(ward, again, patient(ward))[0] == ("200", ["server-pushed-known"]), "an older version by now"
    assert len(aside(ward)) == 1


def test_what_was_sent_is_read_once_however_many_copies_come(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("first", "second", "third")
    for text in ("Sleep", "Walk", "Swim"):
        ward.save(HOME, {"goals": [{"id": name, "description": text} for name in names]})
        ward.write_there()
    goals = [body for (kind, _), body in ward.holds.items() if kind == "Goal"]
    read: list[str] = []
    monkeypatch.setattr(last_shown, "load_object", lambda text: read.append(text) or load_object(text))
    found = Found(ward.holds["Patient", "77"], tuple({**put(one).body, "note": []} for one in goals), pushed=True)
    assert len(found.resources) == len(names)
    ward.messages(found)
    assert read
    assert len(read) == len(set(read))


def test_what_was_proposed_and_came_home_is_nothing_new(ward: Ward) -> None:
    sent = [patient(ward), put(care_plan(ward, title="Changed there"))]
    told = send(ward, *sent)
    ward.write_there()
    assert send(ward, *sent) == told
    assert send(ward, *reversed(sent))[0] == ("200", ["server-pushed-known"])


def test_what_a_copy_leaves_out_is_not_emptied_and_what_is_strange_in_it_stays(ward: Ward) -> None:
    strange = {"url": "https://ward.example/odd", "valueDecimal": 1}
    changed = care_plan(ward, title="Changed there")
    del changed["activity"]
    changed["extension"] = [*changed.get("extension", []), strange]
    assert send(ward, patient(ward), put(changed))[1] == ("200", ["server-pushed-merged"])
    assert ward.item(HOME, "care_plans", "care")["activities"]
    (held,) = ward.tx(lambda tx: tx.search("CarePlan", identifiers=[(ITEM_ID, "care")]).entries)
    assert strange in held.body()["extension"]


def test_a_copy_is_known_by_its_mark_under_any_full_url(ward: Ward) -> None:
    changed = {
        name: value for name, value in care_plan(ward, title="Changed there").items() if name not in ("id", "meta")
    }
    assert any(one["system"] == ITEM_ID for one in changed["identifier"])
    assert send(ward, patient(ward), TransactionEntry("POST", changed, URN))[1] == ("200", ["server-pushed-merged"])
    assert title(ward) == "Changed there"


OTHER = {"nhs_number": "9990000026", "names": [{"family": "Other"}], "birth_date": "1990-01-01"}


@pytest.mark.parametrize("beside", [True, False])
def test_of_items_that_are_called_alike_it_is_the_one_of_the_person_it_is_about(ward: Ward, beside: bool) -> None:
    ward.save(HOME, {"person": OTHER, "care_plans": [{"id": "care", "title": "Another person's"}]})
    changed = {**care_plan(ward, title="Changed there"), "subject": {"reference": URN if beside else "Patient/77"}}
    sent = TransactionEntry("POST", {name: value for name, value in changed.items() if name not in ("id", "meta")}, "")
    known = patient(ward)
    send(ward, known)
    if beside:
        known = TransactionEntry("POST", {name: value for name, value in known.body.items() if name != "id"}, URN)
    told = send(ward, known, sent) if beside else send(ward, sent)
    assert told[-1] == ("200", ["server-pushed-merged"])
    assert title(ward) == "Changed there"


def test_the_identifier_of_another_persons_item_is_no_mark(ward: Ward) -> None:
    ward.save(HOME, {"person": OTHER, "goals": [{"id": "theirs", "description": "Another person's"}]})
    goal = {"resourceType": "Goal", "id": "g7", "lifecycleStatus": "active", "description": {"text": "Sleep"}}
    goal["identifier"] = [{"system": ITEM_ID, "value": "theirs"}]
    assert send(ward, patient(ward), about_77(goal))[1] == ("201", [])
    held = ward.tx(lambda tx: tx.search("Goal", custodians=[HOME]).entries)
    assert [one.body()["description"]["text"] for one in held] == ["Another person's"]


def test_a_copy_of_ours_does_not_come_to_refer_to_what_is_another_persons(ward: Ward) -> None:
    number = [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": OTHER["nhs_number"]}]
    other = {"resourceType": "Patient", "id": "78", "identifier": number, "birthDate": "1990-01-01"}
    theirs = {"resourceType": "Goal", "id": "g8", "lifecycleStatus": "active", "description": {"text": "Theirs"}}
    ward.save(HOME, {"person": OTHER})
    assert send(ward, put(other), put({**theirs, "subject": {"reference": "Patient/78"}}))[1] == ("201", [])
    with pytest.raises(InvalidResource) as refused:
        send(ward, patient(ward), put(care_plan(ward, goal=[{"reference": "Goal/g8"}])))
    (found,) = refused.value.issues
    assert (found.code, found.path) == ("server-pushed-person", "Bundle.entry[0].resource.goal[0].reference")


def test_a_second_copy_under_another_id_is_set_aside(ward: Ward) -> None:
    copied = put(care_plan(ward, id="second", title="Copied"))
    assert send(ward, patient(ward), copied)[1] == ("202", ["server-pushed-aside", "sync-custody"])
    assert title(ward) == "Care plan"


def placement(ward: Ward) -> Body:
    """The placement as it is kept here, under our ids."""
    return content(ward.tx(lambda tx: tx.search("ServiceRequest", custodians=[HOME]).entries)[0].body())


def in_care(ward: Ward) -> list[str]:
    def read(tx: Any) -> list[str]:
        (held,) = tx.search("ServiceRequest", custodians=[HOME]).entries
        return sorted(standing(tx, held.person, HOME).in_care)

    return list(ward.tx(read))


def about_77(body: Body, **said: Any) -> TransactionEntry:
    return put({**body, "subject": {"reference": "Patient/77"}, **said})


@pytest.mark.parametrize("noted", [True, False])
def test_a_copy_that_refers_by_our_ids_names_the_same_as_ours_does(ward: Ward, noted: bool) -> None:
    ours = placement(ward)
    if not noted:  # it was sent, and the answer that says where it lies was lost
        lies = ward.tx(lambda tx: tx.server_copies.get(WARD, *key_of(ours)))
        ward.home.store.write_now(
            lambda tx: tx.server_copies.session.run(
                "DELETE FROM server_copies WHERE partner = ? AND type IN ('Organization', 'ServiceRequest')", WARD
            )
        )
        assert lies is not None
    before = in_care(ward)
    assert WARD in before
    told = send(ward, patient(ward), about_77(ours, note=[{"text": "Changed there"}]))
    assert told[1] == ("200", ["server-pushed-merged"])
    assert in_care(ward) == before
    assert [*references_in(placement(ward))] == [*references_in(ours)]


def test_what_is_the_wards_own_and_refers_to_ours_by_our_id_does_so_here(ward: Ward) -> None:
    plan = next(name for (kind, name) in ward.holds if kind == "CarePlan")
    noted = ward.tx(lambda tx: tx.server_copies.at(WARD, "CarePlan", plan))
    own = {"resourceType": "CarePlan", "id": "p1", "status": "active", "intent": "plan", "title": "Ward plan"}
    assert send(ward, patient(ward), about_77(own, partOf=[{"reference": f"CarePlan/{noted.name}"}]))[1] == ("201", [])
    held = ward.tx(lambda tx: tx.get("CarePlan", minted(WARD, "CarePlan", "p1"))).body()
    assert held["partOf"] == [{"reference": f"CarePlan/{noted.name}"}]


@pytest.mark.parametrize("unsent", [True, False])
def test_a_reference_to_what_is_not_known_to_be_there_undoes_the_whole(ward: Ward, unsent: bool) -> None:
    name = "own-99"
    if unsent:
        ward.save(HOME, {"organisations": [{"id": "org-other", "ods": "ZXX9", "name": "Elsewhere"}]})
        (held,) = ward.tx(lambda tx: tx.search("Organization", identifiers=[(ITEM_ID, "org-other")]).entries)
        name = held.id
    changed = about_77(placement(ward), performer=[{"reference": f"Organization/{name}"}])
    with pytest.raises(InvalidResource) as refused:
        send(ward, patient(ward), changed)
    (found,) = refused.value.issues
    assert (found.code, found.path) == (
        "validate-reference-unresolved",
        "Bundle.entry[0].resource.performer[0].reference",
    )
    assert WARD in in_care(ward)


ELSEWHERE = {"resourceType": "Organization", "id": "o9", "name": "Elsewhere"}


def refuse_names(ward: Ward, *names: str) -> None:
    """Here an Organization of such a name breaks a rule."""

    def check(body: Body, *, errors_only: bool = False) -> list[Issue]:
        broken = body["resourceType"] == "Organization" and body.get("name") in names
        return [issue("sync-unreadable", "Organization.name")] if broken else []

    ward.reading.check = ward.home.exchange.check = check


def test_what_refers_to_what_is_set_aside_is_set_aside_with_it(ward: Ward) -> None:
    refuse_names(ward, "Elsewhere")
    moved = about_77(placement(ward), performer=[{"reference": "Organization/o9"}])
    sent = [patient(ward), put(ELSEWHERE), moved]
    told = send(ward, *sent)
    assert [(said, codes[:2]) for said, codes in told] == [
        ("201", []),
        ("202", ["server-pushed-aside", "sync-unreadable"]),
        ("202", ["server-pushed-aside", "server-refers-aside"]),
    ]
    assert WARD in in_care(ward)
    assert send(ward, *sent) == told
    seen = AccessContext(HOME, role="quarantine")
    quarantine = QuarantineUseCases(ward.home.store, ward.home.home, accept)
    (held,) = [one for one in aside(ward) if "server-refers-aside" in one.issues]
    assert asyncio.run(quarantine.replay(seen, held.id)).held.state == "held", "what it refers to is not held yet"
    assert WARD in in_care(ward)
    refuse_names(ward)
    assert send(ward, patient(ward), put({**ELSEWHERE, "name": "There"}), moved)[2] == ("200", ["server-pushed-merged"])
    assert placement(ward)["performer"] == [{"reference": f"Organization/{minted(WARD, 'Organization', 'o9')}"}]
    assert asyncio.run(quarantine.replay(seen, held.id)).held.state == "replayed"


def test_what_was_retracted_comes_under_the_seal_whatever_it_refers_to(ward: Ward) -> None:
    refuse_names(ward, "Elsewhere")
    lies = next(body for (kind, _), body in ward.holds.items() if kind == "ServiceRequest")
    moved = put({**lies, "performer": [{"reference": "Organization/o9"}]})
    retract(ward, [("placements", "place")])
    told = send(ward, patient(ward), put(ELSEWHERE), moved)
    assert told[2] == ("202", ["server-pushed-aside", "sync-retracted"])
    assert not any("ServiceRequest" in one.text for one in aside(ward)), "nobody reads it"


def test_what_refers_to_what_is_held_already_is_not_stopped_by_a_newer_text_of_it(ward: Ward) -> None:
    placed = about_77(placement(ward), performer=[{"reference": "Organization/o9"}])
    send(
        ward,
        put({**ward.holds["Patient", "77"], "managingOrganization": {"reference": "Organization/o9"}}),
        put(ELSEWHERE),
    )
    refuse_names(ward, "Worse")
    told = send(ward, patient(ward), put({**ELSEWHERE, "name": "Worse"}), placed)
    assert told[1:] == [("202", ["server-pushed-aside", "sync-unreadable"]), ("200", ["server-pushed-merged"])]


def test_what_is_referred_to_elsewhere_or_by_identifier_stays_as_it_is(ward: Ward) -> None:
    said = [
        {"reference": "https://other.example/fhir/Condition/1"},
        {"identifier": {"system": "https://ward.example/condition", "value": "2"}},
    ]
    goal = {"resourceType": "Goal", "id": "g1", "lifecycleStatus": "active", "description": {"text": "Sleep"}}
    assert send(ward, patient(ward), about_77(goal, addresses=said))[1] == ("201", [])
    assert ward.tx(lambda tx: tx.get("Goal", minted(WARD, "Goal", "g1"))).body()["addresses"] == said


def test_a_refusal_is_never_merged(ward: Ward) -> None:
    held = copy.deepcopy(next(body for (kind, _), body in ward.holds.items() if kind == "Consent"))
    held["provision"]["provision"][0]["code"][0]["text"] = "Nothing"
    assert send(ward, patient(ward), put(held))[1] == ("202", ["server-pushed-waits"])
    assert ward.item(HOME, "refusals", "refusal")["refuses"][0]["treatment"]["text"] == "ECT"


def test_what_is_kept_here_and_was_never_sent_there_is_not_changed(ward: Ward) -> None:
    ward.save(HOME, {"goals": [{"id": "unsent", "description": "Sleep"}]})
    goal = {"resourceType": "Goal", "id": "g7", "lifecycleStatus": "active", "description": {"text": "Changed"}}
    goal |= {"identifier": [{"system": ITEM_ID, "value": "unsent"}], "subject": {"reference": "Patient/77"}}
    with pytest.raises(InvalidResource) as refused:
        send(ward, patient(ward), put(goal))
    assert [one.code for one in refused.value.issues] == ["sync-no-projection"]
    assert ward.item(HOME, "goals", "unsent")["description"]["text"] == "Sleep"


def test_a_change_after_the_placement_has_ended_waits_for_people(ward: Ward) -> None:
    ward.save(HOME, {"placements": [{"id": "place", "status": "revoked"}]})
    told = send(ward, patient(ward), put(care_plan(ward, title="Changed there")))
    assert told[1] == ("202", ["server-pushed-waits"])
    assert title(ward) == "Care plan"


def test_after_sharing_was_withdrawn_a_change_counts_by_what_was_sent_before(ward: Ward) -> None:
    stale = care_plan(ward, title="Changed there")
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Said after the withdrawal"}], **deny()})
    ward.write_there()
    assert care_plan(ward)["title"] == "Care plan", "nothing withdrawn is sent"
    assert send(ward, patient(ward), put(stale))[1] == ("202", ["server-pushed-waits"])
    assert title(ward) == "Said after the withdrawal"
    more = [*stale["activity"], {"detail": {"description": "Swimming", "status": "not-started"}}]
    assert send(ward, patient(ward), put({**stale, "activity": more}))[1] == ("200", ["server-pushed-merged"])


def test_a_patient_who_became_somebody_else_stops_what_is_about_ours(ward: Ward) -> None:
    other = {**ward.holds["Patient", "77"], "birthDate": "1990-01-01"}
    told = send(ward, put(other), put(care_plan(ward, title="Changed there")))
    assert [(said, codes[:2]) for said, codes in told] == [("202", ["server-pushed-aside", "sync-identity"])] * 2
    assert title(ward) == "Care plan"


@pytest.mark.parametrize("numbered", [False, True])
def test_whom_nobody_knows_a_copy_of_ours_does_not_make_the_one_it_is_about(ward: Ward, numbered: bool) -> None:
    stranger: Body = {"resourceType": "Patient", "id": "88", "gender": "male"}
    if numbered:
        stranger["identifier"] = [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000026"}]
    about = {"subject": {"reference": "Patient/88"}}
    goal = {"resourceType": "Goal", "id": "g9", "lifecycleStatus": "active", "description": {"text": "A stranger's"}}
    told = send(ward, put(stranger), put(care_plan(ward, title="Changed there", **about)), put({**goal, **about}))
    assert [(said, codes[:2]) for said, codes in told] == [("202", ["server-pushed-aside", "sync-unknown-person"])] * 3
    assert title(ward) == "Care plan"
    assert "goals" not in ward.record(HOME).tree
    assert ward.tx(lambda tx: tx.get("Patient", minted(WARD, "Patient", "88"))) is None


LOCAL = {"identifier": [{"system": "https://ward.example/mrn", "value": "12"}]}


@pytest.mark.parametrize("known_by", ["local identifier", "noted Patient"])
def test_something_on_its_way_is_seen_of_a_patient_without_a_number(ward: Ward, known_by: str) -> None:
    first = {**ward.holds["Patient", "77"]}
    first["identifier"] = [*first["identifier"], *LOCAL["identifier"]]
    send(ward, put(first))
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Changed here"}]})
    ward.home.store.write_now(lambda tx: tx.lanes.claim("test", timedelta(minutes=1), 10))
    unnumbered = {"resourceType": "Patient", "id": "77"}
    if known_by == "local identifier":
        unnumbered |= {"id": "79", **LOCAL}
    assert ward.tx(lambda tx: ward.reading.is_being_written(tx, unnumbered))
    assert not ward.tx(lambda tx: ward.reading.is_being_written(tx, {"resourceType": "Patient", "id": "78"}))


def test_while_something_is_on_its_way_there_it_is_to_come_again(ward: Ward) -> None:
    ward.save(HOME, {"care_plans": [{"id": "care", "title": "Changed here"}]})
    ward.home.store.write_now(lambda tx: tx.lanes.claim("test", timedelta(minutes=1), 10))
    with pytest.raises(UpstreamUnavailable) as busy:
        send(ward, patient(ward), put(care_plan(ward, title="Changed there")))
    assert [one.code for one in busy.value.issues] == ["server-being-written"]
    assert ward.conflicts(HOME) == []


def test_what_was_answered_is_answered_again_while_something_is_on_its_way_there(ward: Ward) -> None:
    sent = [patient(ward), put(care_plan(ward, title="Changed there"))]
    told = send(ward, *sent)
    ward.home.store.write_now(lambda tx: tx.lanes.claim("test", timedelta(minutes=1), 10))
    assert send(ward, *sent) == told


def test_what_was_pushed_is_not_taken_in_again_when_it_is_found_there(ward: Ward) -> None:
    goal = ward.keep(
        "Goal", "g1", lifecycleStatus="active", description={"text": "Sleep"}, subject={"reference": "Patient/77"}
    )
    assert send(ward, patient(ward), put(goal))[1] == ("201", [])
    changed = ward.change("CarePlan", care_plan(ward)["id"], title="Changed there")
    assert send(ward, put(changed))[0] == ("200", ["server-pushed-merged"])
    assert ward.read() == []
    assert [one["description"]["text"] for one in ward.record(HOME).tree["goals"]] == ["Sleep"]


def test_what_is_pushed_is_made_of_nothing_that_never_left(ward: Ward) -> None:
    there = completed_here(ward)
    ward.write_unanswered(leaves=False)
    changed = ward.change("Goal", there, lifecycleStatus="completed", statusReason="Moved away")
    assert send(ward, patient(ward), put(changed))[1][0] == "202"
    assert ward.item(HOME, "goals", "choir")["status_reason"] == "Sings every week"


def test_where_ours_lies_there_is_not_learnt_from_what_is_pushed(ward: Ward) -> None:
    noted = ward.tx(lambda tx: tx.server_copies.at(WARD, "CarePlan", care_plan(ward)["id"]))
    send(ward, patient(ward), put(care_plan(ward, title="Changed there")))
    assert ward.tx(lambda tx: tx.server_copies.at(WARD, "CarePlan", care_plan(ward)["id"])) == noted


def test_a_fault_in_one_entry_leaves_nothing_of_the_others(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    goal = {"resourceType": "Goal", "id": "g1", "lifecycleStatus": "active", "description": {"text": "Sleep"}}
    sent = [patient(ward), put({**goal, "subject": {"reference": "Patient/77"}}), put(care_plan(ward, title="There"))]
    received = ward.home.exchange.receive

    def fails(tx: Any, partner: str, message: Any) -> Any:
        if message.verb == "proposal":
            raise UpstreamUnavailable
        return received(tx, partner, message)

    monkeypatch.setattr(ward.home.exchange, "receive", fails)
    with pytest.raises(UpstreamUnavailable):
        send(ward, *sent)
    assert ward.tx(lambda tx: tx.get("Goal", minted(WARD, "Goal", "g1"))) is None
    monkeypatch.setattr(ward.home.exchange, "receive", received)
    assert [said for said, _ in send(ward, *sent)] == ["201", "201", "200"]


def test_a_message_that_cannot_be_written_is_set_aside_and_leaves_nothing_half_done(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = ward.home.exchange.receive

    def fails(tx: Any, partner: str, message: Any) -> Any:
        received(tx, partner, message)
        raise Conflict

    monkeypatch.setattr(ward.home.exchange, "receive", fails)
    told = send(ward, patient(ward), put(care_plan(ward, title="There")))
    assert [said for said, _ in told] == ["202", "202"]
    assert title(ward) == "Care plan"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("ours", [True, False])
def test_nothing_comes_to_refer_to_what_is_about_somebody_unknown(ward: Ward, first: bool, ours: bool) -> None:
    number = [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": OTHER["nhs_number"]}]
    stranger = put({"resourceType": "Patient", "id": "78", "identifier": number, "birthDate": "1990-01-01"})
    theirs = {"resourceType": "Goal", "id": "g8", "lifecycleStatus": "active", "description": {"text": "Theirs"}}
    of_stranger = [stranger, put({**theirs, "subject": {"reference": "Patient/78"}})]
    goal = [{"reference": "Goal/g8"}]
    plan = {"resourceType": "CarePlan", "id": "p1", "status": "active", "intent": "plan", "goal": goal}
    known = [patient(ward), put(care_plan(ward, goal=goal)) if ours else about_77(plan)]
    with pytest.raises(InvalidResource) as refused:
        send(ward, *(*known, *of_stranger) if first else (*of_stranger, *known))
    (found,) = refused.value.issues
    assert (found.code, found.path) == ("server-pushed-person", "Bundle.entry[0].resource.goal[0].reference")
