"""Asking a server what has changed: nothing is missed, nothing is taken twice, and nobody else is read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.connectors.fhir_server.found import Found, hash_of
from fhir_mh.connectors.fhir_server.naming import minted
from fhir_mh.connectors.fhir_server.offered import KINDS
from fhir_mh.connectors.fhir_server.polling import Polling
from fhir_mh.connectors.fhir_server.turns import LEASE, Turn
from fhir_mh.consent import AccessContext
from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.exchange.transport import Refused
from fhir_mh.issues import Issue, issue
from fhir_mh.store import ServerCopy, Tx
from tests.unit.connectors.asked import Asked, asked
from tests.unit.gateway.pair import HOME, WARD
from tests.unit.gateway.server import PATIENT

SUBJECT = {"reference": "Patient/77"}


def goal(name: str, text: str, **said: Any) -> dict[str, Any]:
    whole = {"lifecycleStatus": "active", "description": {"text": text}, "subject": SUBJECT}
    return {"resourceType": "Goal", "id": name, **whole, **said}


def goals(ward: Asked) -> list[str]:
    return sorted(one["description"]["text"] for one in ward.record(HOME).tree.get("goals") or ())


def plan(ward: Asked) -> str:
    return str(next(one["id"] for one in ward.server.all("CarePlan") if "title" in one))


DEFECTS: dict[str, dict[str, Any]] = {
    "none": {},
    "no next link": {"links": False, "pages": 12, "total": False},
    "versions that are UUIDs": {"uuids": True},
    "equal content makes no version": {"versions_equal": False},
    "elements dropped": {"drops": frozenset({"activity", "extension", "category"})},
    "elements added": {"adds": {"language": "en"}},
    "its clock is ahead": {"ahead": timedelta(hours=3)},
    "its clock is behind": {"ahead": -timedelta(hours=3)},
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_change_there_is_here_after_the_next_round_and_only_once(tmp_path: Path, defect: str) -> None:
    with asked(tmp_path, **DEFECTS[defect]) as ward:
        ward.poll()
        ward.server.put(goal("g1", "Sleep"))
        ward.edit("CarePlan", plan(ward), title="Changed there")
        ward.taken.clear()
        assert ward.poll() == 2
        assert ward.poll() == 0
        assert goals(ward) == ["Sleep"]
        assert ward.item(HOME, "care_plans", "care")["title"] == "Changed there"
        assert ward.item(HOME, "care_plans", "care")["activities"][0]["description"]["text"] == "Allotment"
        ward.edit("Goal", "g1", description={"text": "Sleep well"})
        assert ward.poll() == 1
        assert goals(ward) == ["Sleep well"]


@pytest.mark.parametrize("uuids", [False, True])
def test_what_was_of_doubtful_identity_comes_once_that_is_put_right_there(tmp_path: Path, uuids: bool) -> None:
    with asked(tmp_path, uuids=uuids) as ward:
        ward.poll()
        ward.edit("Patient", "77", birthDate="1990-01-01")
        ward.server.put(goal("g1", "Penicillin!"))
        ward.edit("CarePlan", plan(ward), title="Changed there")
        ward.poll()
        assert goals(ward) == []
        ward.clock.advance(timedelta(hours=1))
        ward.edit("Patient", "77", birthDate=PATIENT["birthDate"])
        ward.poll()
        ward.poll()
        assert goals(ward) == ["Penicillin!"]
        assert ward.item(HOME, "care_plans", "care")["title"] == "Changed there"
        ward.clock.advance(timedelta(hours=1))
        ward.taken.clear()
        ward.poll()
        assert ward.taken == []


def born_otherwise(tx: Tx) -> None:
    (patient,) = tx.search("Patient", custodians=[HOME]).entries
    tx.put({**patient.body(), "birthDate": "1990-01-01"}, person=patient.person, custodian=HOME)


def test_what_was_of_doubtful_identity_is_done_with_once_that_is_put_right_here_and_it_is_tried_again(
    tmp_path: Path,
) -> None:
    with asked(tmp_path) as ward:
        ward.poll()
        ward.edit("Patient", "77", birthDate="1990-01-01")
        ward.server.put(goal("g1", "Penicillin!"))
        ward.poll()
        ward.home.store.write_now(born_otherwise)
        ward.poll()  # the same as was set aside
        asyncio.run(ward.home.quarantine.replay_all(AccessContext(HOME, role="quarantine")))
        ward.poll()
        assert goals(ward) == ["Penicillin!"]
        noted = ward.tx(lambda tx: tx.checkpoints.get(WARD, "Patient/77"))
        assert noted.position == "read"


def test_what_was_written_there_by_us_is_nothing(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        assert (ward.poll(), ward.taken) == (0, [])


def test_of_people_who_are_not_known_here_nothing_is_kept(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        stranger = {**PATIENT, "id": "78", "identifier": [{**PATIENT["identifier"][0], "value": "9990000026"}]}
        ward.server.put(stranger)
        ward.server.put(goal("g1", "Somebody else's", subject={"reference": "Patient/78"}))
        ward.server.put(goal("g2", "Of nobody", subject={"reference": "Patient/unknown"}))
        ward.server.put(goal("g3", "Elsewhere", subject={"reference": "https://else.example/fhir/Patient/77"}))
        assert (ward.poll(), ward.taken) == (0, [])
        assert ward.tx(lambda tx: tx.find_person("https://fhir.nhs.uk/Id/nhs-number", "9990000026")) is None
        assert ward.tx(lambda tx: tx.quarantine.find()) == []


def registered_after_the_poll(ward: Asked) -> None:
    """Somebody whose Patient and goal there were passed over a day ago, and who is registered here since."""
    ward.server.put({**PATIENT, "id": "78", "identifier": [{**PATIENT["identifier"][0], "value": "9990000026"}]})
    ward.server.put(goal("g1", "Of before", subject={"reference": "Patient/78"}))
    ward.poll()
    for version in ward.server.versions:
        version.updated -= timedelta(days=1)
        if version.body is not None:
            version.body["meta"]["lastUpdated"] = version.updated.isoformat()
    ward.server.put(goal("g2", "Later"))
    ward.poll()
    ward.save(HOME, {"person": {"nhs_number": "9990000026", "birth_date": "1984-02-03"}})


def test_what_was_passed_over_is_read_once_its_person_is_registered_here(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        registered_after_the_poll(ward)
        assert ward.poll() == 0, "all Patients there are read once an hour at most"
        ward.clock.advance(timedelta(hours=1))
        assert ward.poll() == 1
        held = ward.tx(lambda tx: tx.get("Goal", minted(WARD, "Goal", "g1")))
        assert held.person == ward.tx(lambda tx: tx.find_person("https://fhir.nhs.uk/Id/nhs-number", "9990000026"))
        assert ward.poll() == 0


def test_all_patients_are_read_again_only_where_somebody_was_registered_since(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        registered_after_the_poll(ward)
        for _ in range(2):  # what came has told another number, or has not
            ward.clock.advance(timedelta(hours=1))
            ward.poll()
        ward.clock.advance(timedelta(hours=1))
        asked_for: list[list[tuple[str, str]]] = []
        ward.refuse(500, lambda kind, query: kind == "Patient" and bool(asked_for.append(query)))  # type: ignore[func-returns-value]
        ward.poll()
        assert asked_for
        assert all("_lastUpdated" in dict(query) for query in asked_for)


def test_what_was_passed_over_is_read_once_its_person_is_written_there(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        registered_after_the_poll(ward)
        ward.home.store.write_now(lambda tx: tx.checkpoints.set(WARD, "known", tx.known_by_now()))
        assert ward.poll() == 0
        written = ServerCopy(WARD, "Patient", "p", "78", "1", "x", "x")
        ward.home.store.write_now(lambda tx: tx.server_copies.keep(written))
        assert ward.poll() == 1
        held = ward.tx(lambda tx: tx.get("Goal", minted(WARD, "Goal", "g1")))
        assert held.person == ward.tx(lambda tx: tx.find_person("https://fhir.nhs.uk/Id/nhs-number", "9990000026"))


def stranger_with_a_goal(ward: Asked) -> None:
    """A Patient there without a number, whose goal was polled long ago."""
    ward.server.put({**PATIENT, "id": "78", "identifier": []})
    ward.server.put(goal("old", "Of before", subject={"reference": "Patient/78"}))
    stamp(ward, "old", -timedelta(days=10))
    ward.server.put(goal("g1", "Of 77"))
    ward.poll()
    assert goals(ward) == ["Of 77"]
    noted = ward.tx(lambda tx: tx.checkpoints.below("Patient/", WARD))
    assert [one.source for one in noted] == ["Patient/77"], "nothing of the stranger"


def test_who_becomes_known_there_is_read_from_the_beginning(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        stranger_with_a_goal(ward)
        ward.edit("Patient", "78", identifier=PATIENT["identifier"])
        ward.poll()
        assert goals(ward) == ["Of 77", "Of before"]
        assert ward.poll() == 0


def test_who_becomes_known_there_is_read_though_that_fails_at_first(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        stranger_with_a_goal(ward)
        answer_again = ward.refuse(500, lambda kind, query: any(name == "patient" for name, _ in query))
        ward.edit("Patient", "78", identifier=PATIENT["identifier"])
        with pytest.raises(UpstreamUnavailable):
            ward.poll()
        for version in ward.server.versions:  # nothing of the person is met any more
            version.updated -= timedelta(days=1)
            if version.body is not None:
                version.body["meta"]["lastUpdated"] = version.updated.isoformat().replace("+00:00", "Z")
        answer_again()
        ward.poll()
        assert goals(ward) == ["Of 77", "Of before"]


def test_who_provides_what_comes_along_with_what_names_it(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.server.put({"resourceType": "Organization", "id": "trust", "name": "Trust"})
        role = {"resourceType": "PractitionerRole", "id": "nurse", "organization": {"reference": "Organization/trust"}}
        ward.server.put(role)
        ward.server.put(goal("g1", "Sleep", expressedBy={"reference": "PractitionerRole/nurse"}))
        assert ward.poll() == 1
        kept = [("PractitionerRole", "nurse"), ("Organization", "trust")]
        assert all(ward.tx(lambda tx, k=key: tx.get(k[0], minted(WARD, *k))) is not None for key in kept)


def test_one_that_breaks_a_rule_stops_no_other(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        broken = minted(WARD, "Goal", "g1")

        def check(body: dict[str, Any], **_: bool) -> list[Issue]:
            return [issue("map-wrong-type", "Goal.description", expected="text")] if body["id"] == broken else []

        ward.reading.check = check
        ward.home.exchange.check = check
        ward.server.put(goal("g1", "Broken"))
        ward.server.put(goal("g2", "Sound"))
        assert ward.poll() == 2
        assert sorted(ward.statuses()) == ["quarantined", "stored"]
        assert goals(ward) == ["Sound"]
        assert ward.poll() == 0


def test_what_could_not_be_dealt_with_is_found_again(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.poll()
        ward.server.put(goal("g1", "Sleep"))
        ward.failing = {"snapshot"}
        assert ward.poll() == 0
        for version in ward.server.versions:  # long ago: nothing but the checkpoint says that it is to be read
            version.updated -= timedelta(days=1)
        ward.failing = set()
        assert ward.poll() == 1
        assert goals(ward) == ["Sleep"]


def test_a_type_that_cannot_be_read_keeps_only_its_own(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.refuse(400, lambda kind, query: kind == "CarePlan")
        ward.server.put(goal("g1", "Sleep"))
        with pytest.raises(Refused) as caught:
            ward.poll()
        assert caught.value.issues[0].code == "server-refused"
        assert goals(ward) == ["Sleep"]
        assert ward.tx(lambda tx: tx.checkpoints.get(WARD, "CarePlan")) is None
        assert ward.tx(lambda tx: tx.checkpoints.get(WARD, "Goal")) is not None


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+05:00", "0001-01-01T00:01:00Z", "9999-12-31T23:59:59-05:00"])
def test_a_time_that_cannot_be_counted_with_stops_nothing(tmp_path: Path, instant: str) -> None:
    with asked(tmp_path, history=False) as ward:
        ward.server.put(goal("g1", "Sleep"))
        for version in ward.server.versions:
            if version.body is not None and version.kind == "Goal":
                version.body["meta"]["lastUpdated"] = instant
        assert ward.poll() == 1
        ward.server.put(goal("g2", "Walk"))
        assert ward.poll() == 1
        assert goals(ward) == ["Sleep", "Walk"]


def stamp(ward: Asked, name: str, by: timedelta) -> None:
    """A Goal there is said to have been changed so much later than it was."""
    version = next(one for one in reversed(ward.server.versions) if (one.kind, one.name) == ("Goal", name))
    version.updated += by
    assert version.body is not None
    version.body["meta"]["lastUpdated"] = version.updated.isoformat().replace("+00:00", "Z")


def test_what_is_stamped_in_the_future_hides_nothing_that_comes_after(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.server.put(goal("g1", "Sleep"))
        stamp(ward, "g1", timedelta(days=365))
        assert ward.poll() == 1
        ward.server.put(goal("g2", "Walk"))
        assert ward.poll() == 1
        ward.edit("Goal", "g1", description={"text": "Sleep well"})
        assert ward.poll() == 1
        assert goals(ward) == ["Sleep well", "Walk"]


def test_a_type_that_was_read_up_to_the_future_is_read_from_the_beginning(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.server.put(goal("g1", "Sleep"))
        stamp(ward, "g1", -timedelta(days=30))
        ward.home.store.write_now(lambda tx: tx.checkpoints.set(WARD, "Goal", "2999-01-01T00:00:00Z"))
        assert (ward.poll(), goals(ward)) == (1, ["Sleep"])


def test_a_version_that_no_server_counts_up_to_stops_nothing(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.server.put(goal("g1", "Sleep"))
        ward.poll()
        ward.edit("Goal", "g1", description={"text": "Sleep well"})
        held = ward.server.versions[-1].body
        assert held is not None
        held["meta"]["versionId"] = "9" * 5000
        ward.server.put(goal("g2", "Walk"))
        assert ward.poll() == 1  # one message has both
        assert (ward.poll(), goals(ward)) == (0, ["Sleep well", "Walk"])


def test_a_server_that_is_away_leaves_everything_to_be_read(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.server.defects.down = 503
        with pytest.raises(UpstreamUnavailable):
            ward.poll()
        assert ward.tx(lambda tx: tx.checkpoints.get(WARD, "Goal")) is None


def test_only_one_worker_asks_at_a_time_until_its_lease_has_run_out(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.server.put(goal("g1", "Sleep"))
        ward.home.store.write_now(lambda tx: tx.checkpoints.set(WARD, "lease", "one"))  # and was killed
        assert ward.poll("two") == 0
        ward.clock.advance(LEASE)
        assert ward.poll("two") == 1
        ward.server.put(goal("g2", "Walk"))
        assert ward.poll("one") == 1, "who has ended lets go"


def test_a_worker_that_is_started_again_goes_on_at_once(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.server.put(goal("g1", "Sleep"))
        ward.home.store.write_now(lambda tx: tx.checkpoints.set(WARD, "lease", "one"))
        assert ward.poll("one") == 1


def test_what_one_worker_has_asked_the_others_need_not_ask(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        two = Turn(ward.home.store, WARD, "two")
        every = timedelta(seconds=60)
        assert asyncio.run(two.is_due(every))
        ward.poll("one")
        assert not asyncio.run(two.is_due(every))
        ward.clock.advance(every)
        assert asyncio.run(two.is_due(every))
        ward.home.store.write_now(lambda tx: tx.checkpoints.set(WARD, "lease", "one"))
        ward.clock.advance(every)
        assert not asyncio.run(two.is_due(every)), "one is at it"


def test_what_is_deleted_there_is_told_once_and_kept(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.interactions.append("history-type")
        ward.server.put(goal("g1", "Sleep"))
        ward.poll()
        ward.server.delete("Goal", "g1")
        ward.server.delete("CarePlan", plan(ward))
        ward.poll()
        ward.poll()
        told = [task for task in ward.record(HOME).tree["tasks"] if task["kind"] == "unclear-item"]
        assert len(told) == 2
        assert goals(ward) == ["Sleep"]
        assert ward.item(HOME, "care_plans", "care")["title"] == "Care plan"


def test_the_agreement_of_somebody_is_found_by_what_it_is_about(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.poll()
        who = [{"who": {"display": "Ward"}}]
        said = {"target": [{"reference": f"CarePlan/{plan(ward)}"}], "recorded": "2026-11-24T09:30:00Z", "agent": who}
        ward.server.put({"resourceType": "Provenance", "id": "pr", **said})
        assert ward.poll() == 1
        held = ward.tx(lambda tx: tx.get("Provenance", minted(WARD, "Provenance", "pr")))
        mine = ward.tx(lambda tx: tx.server_copies.at(WARD, "CarePlan", plan(ward))).name
        assert held.body()["target"] == [{"reference": f"CarePlan/{mine}"}]


def test_what_the_server_had_added_when_we_wrote_is_not_the_change_of_whoever_writes_there(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.poll()
        name = plan(ward)
        noted = ward.tx(lambda tx: tx.server_copies.at(WARD, "CarePlan", name))
        held = ward.edit("CarePlan", name, language="en", title="CARE PLAN")  # what it made of what we wrote
        written = replace(noted, remote_version=held["meta"]["versionId"], held=hash_of(held))
        ward.home.store.write_now(lambda tx: tx.server_copies.keep(written))
        ward.edit("CarePlan", name, description="Changed there")
        ward.taken.clear()
        assert ward.poll() == 1
        (body,) = [entry["resource"] for entry in ward.taken[0].as_json()["bundle"]["entry"]]
        assert (body["title"], body["description"], "language" in body) == ("Care plan", "Changed there", False)


def test_what_was_read_before_the_server_went_away_is_here(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.refuse(503, lambda kind, query: kind > "Goal")
        ward.server.put(goal("g1", "Sleep"))
        with pytest.raises(UpstreamUnavailable):
            ward.poll()
        assert goals(ward) == ["Sleep"]
        assert ward.tx(lambda tx: tx.checkpoints.get(WARD, "Goal")) is not None
        assert ward.tx(lambda tx: tx.checkpoints.get(WARD, "Task")) is None


def test_who_reads_for_long_renews_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with asked(tmp_path) as ward:
        for number in range(120):
            ward.server.put(goal(f"g{number}", "Sleep"))
        renewed = []
        plain = Turn._lease
        monkeypatch.setattr(Turn, "_lease", lambda self, tx: renewed.append(1) or plain(self, tx))
        ward.poll()
        reading = len(KINDS) + 2  # at the beginning, before each type, and of the one person
        assert len(renewed) >= reading + 120 // 50


def test_while_something_is_on_its_way_there_what_lies_there_is_read_later(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.poll()
        ward.save(HOME, {"care_plans": [{"id": "care", "title": "Changed at home"}]})
        lease = timedelta(minutes=1)
        (lane,) = ward.home.store.write_now(lambda tx: tx.lanes.claim("courier", lease, 10))
        ward.edit(
            "CarePlan", plan(ward), title="CHANGED AT HOME"
        )  # what the server made of it; the answer is not here yet
        ward.taken.clear()
        assert (ward.poll(), ward.taken) == (0, [])
        ward.home.store.write_now(lambda tx: tx.lanes.let_go(lane))
        assert ward.poll() == 1


def test_what_was_made_again_after_it_was_deleted_is_not_told_as_deleted(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.interactions.append("history-type")
        ward.server.put(goal("g1", "Sleep"))
        ward.poll()
        ward.server.delete("Goal", "g1")
        ward.server.put(goal("g1", "Sleep well"))
        ward.poll()
        assert goals(ward) == ["Sleep well"]
        assert not [task for task in ward.record(HOME).tree.get("tasks") or () if task["kind"] == "unclear-item"]


def test_a_type_that_is_not_asked_for_by_person_is_read_from_the_beginning_once(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.poll()
        ward.refuse(400, lambda kind, query: kind == "Goal" and any(name == "patient" for name, _ in query))
        ward.server.put(goal("g1", "Sleep"))
        ward.home.store.write_now(lambda tx: tx.server_copies.keep(ServerCopy(WARD, "Patient", "p", "77", "1", "", "")))
        ward.home.store.write_now(lambda tx: tx.checkpoints.forget(WARD, "Patient/77"))
        ward.server._newest("Goal", "g1").body["meta"]["lastUpdated"] = "2020-01-01T00:00:00Z"
        ward.home.store.write_now(lambda tx: tx.checkpoints.set(WARD, "Goal", "2020-02-01T00:00:00Z"))
        for noted in (False, True):
            ward.poll()
            assert ward.tx(lambda tx: tx.checkpoints.get(WARD, "Patient/77")).position == "read"
            assert (ward.tx(lambda tx: tx.checkpoints.get(WARD, "Goal")) is not None) == noted
        assert goals(ward) == ["Sleep"]


@pytest.mark.parametrize("uuids", [True, False])
def test_what_was_read_before_something_newer_was_dealt_with_sets_nothing_back(
    tmp_path: Path, uuids: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asked(tmp_path, uuids=uuids) as ward:
        ward.poll()
        name, read = plan(ward), Polling._read

        async def overtaken(polling: Polling, into: Any) -> None:
            await read(polling, into)
            newer = ward.edit("CarePlan", name, title="Newer")
            patient = ward.server.held("Patient", "77")
            assert patient is not None
            assert await polling.into.take_in(Found(patient, (newer,)))  # as sending does

        ward.edit("CarePlan", name, title="Older")
        monkeypatch.setattr(Polling, "_read", overtaken)
        ward.poll()
        assert ward.item(HOME, "care_plans", "care")["title"] == "Newer"
        assert ward.conflicts(HOME) == []
