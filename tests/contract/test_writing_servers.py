"""A gateway as it is served, and a ward's FHIR server: the plan is there, and both sides may write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.contract.loopback import gateway_of
from tests.contract.test_reading_servers import GOAL, TOKEN, capability, until
from tests.fhir_server import FhirServer, Json, fhir_server

NUMBER = "9990000018"
HOME, WARD = "ZCT1", "ZOA1"


def placed() -> Json:
    """Somebody of the community trust who is placed on the ward."""
    return {
        "person": {"nhs_number": NUMBER, "birth_date": "1984-02-03", "names": [{"family": "Far"}]},
        "organisations": [{"id": f"org-{ods.lower()}", "ods": ods, "name": ods} for ods in (HOME, WARD)],
        "crisis_plans": [{"id": "crisis", "title": "Crisis plan", "status": "active"}],
        "goals": [{"id": "sea", "description": "See the sea"}],
        "placements": [{"id": "placement", "status": "active", "level": "2", "requested_by": {"id": "org-zct1"},
                        "provider": {"id": "org-zoa1"}}],
    }  # fmt: skip


@contextmanager
def exchanging(**defects: Any) -> Iterator[tuple[FhirServer, httpx.Client]]:
    with fhir_server(token=TOKEN, **defects) as server:
        connection = {"kind": "fhir-server", "base_url": server.url, "token": TOKEN, "poll": 1}
        partners = [{"ods": WARD, "name": "Ward far away", "connections": [connection]}]
        with gateway_of(HOME, partners=partners) as address, httpx.Client(base_url=address, timeout=30) as call:
            yield server, call


def save(call: httpx.Client, record: Json) -> Json:
    """What became of a write; a conflict of versions is tried again by nobody here."""
    answer = call.post("/records", json=record)
    assert answer.status_code in (200, 201), answer.text
    found: Json = answer.json()
    return found


def item(server: FhirServer, kind: str, name: str) -> Json | None:
    try:
        return server.item(kind, name)
    except ValueError:
        return None


def lanes(call: httpx.Client) -> list[Json]:
    found: list[Json] = call.get("/deliveries?all=true").json()["lanes"]
    return found


def record(call: httpx.Client) -> Json:
    found: Json = call.post("/records/find", json={"nhs_number": NUMBER}).json()["record"]
    return found


@pytest.mark.parametrize(
    "defects",
    [{}, {"uuids": True, "if_match": False, "links": False, "total": False, "drops": frozenset({"extension"})}],
)
def test_what_the_ward_changed_in_its_copy_comes_home_and_is_not_written_over(defects: dict[str, Any]) -> None:
    with exchanging(**defects) as (server, call):
        save(call, placed())
        plan = until(lambda: item(server, "CarePlan", "crisis"))
        until(lambda: ((lane := lanes(call)) and lane[0]["copies"][0].get("stored")) or None)
        server.put({**plan, "title": "As the ward has it"})
        save(call, {"person": {"nhs_number": NUMBER}, "goals": [{"id": "sea", "description": "See the sea again"}]})
        until(lambda: record(call)["crisis_plans"][0]["title"] == "As the ward has it" or None)
        until(lambda: server.item("Goal", "sea")["description"]["text"] == "See the sea again" or None)
        until(lambda: lanes(call)[0]["waiting"] == 0 or None)
        assert server.item("CarePlan", "crisis")["title"] == "As the ward has it"
        assert server.all("Patient")[0]["identifier"]
        titles = {one.body["title"] for one in server.versions if one.kind == "CarePlan" and one.body}
        assert titles == {"Crisis plan", "As the ward has it"}
        assert not [one for one in server.asked if NUMBER in one]


def test_where_both_wrote_in_one_place_people_decide_and_both_texts_are_kept() -> None:
    with exchanging() as (server, call):
        save(call, placed())
        plan = until(lambda: item(server, "CarePlan", "crisis"))
        until(lambda: ((lane := lanes(call)) and lane[0]["copies"][0].get("stored")) or None)
        server.put({**plan, "title": "As the ward has it"})
        plans = [{"id": "crisis", "title": "As the home team has it"}]
        save(call, {"person": {"nhs_number": NUMBER}, "crisis_plans": plans})
        (conflict,) = until(lambda: call.get("/conflicts").json()["conflicts"] or None)
        assert "As the ward has it" in json.dumps(call.get(f"/conflicts/{conflict['id']}").json())
        assert record(call)["crisis_plans"][0]["title"] == "As the home team has it"


def test_when_sharing_ends_the_server_is_told_and_the_copy_stays() -> None:
    with exchanging() as (server, call):
        save(call, placed())
        until(lambda: item(server, "CarePlan", "crisis"))
        placement = {**placed()["placements"][0], "status": "completed"}
        save(call, {"person": {"nhs_number": NUMBER}, "placements": [placement]})
        (said,) = until(lambda: server.all("Communication") or None)
        assert said["subject"] == {"reference": f"Patient/{server.all('Patient')[0]['id']}"}
        assert item(server, "CarePlan", "crisis") is not None


def test_what_is_withdrawn_while_the_server_is_asked_is_not_written() -> None:
    """The person's refusal comes in between the first question to the server and the transaction."""
    with exchanging() as (server, call):
        search = server._search
        deny = {"exceptions": [{"decision": "deny", "actors": [{"party": {"id": "org-zoa1"}}]}]}
        sharing = [{"id": "deny", "made_at": "2026-01-01", "terms": deny}]

        def meanwhile(kind: str, query: Any) -> Json:
            if kind == "Patient":
                server._search = search  # type: ignore[method-assign]
                save(call, {"person": {"nhs_number": NUMBER}, "sharing": sharing})
            return search(kind, query)

        server._search = meanwhile  # type: ignore[method-assign]
        save(call, placed())
        until(lambda: lanes(call)[0]["state"] == "ended" or None)
        assert server.all("CarePlan") == server.all("Patient") == server.transactions == []


def test_what_the_ward_keeps_itself_is_not_proposed_to_its_server_and_the_author_sees_that() -> None:
    with exchanging() as (server, call):
        server.capability = capability  # type: ignore[method-assign]
        save(call, placed())
        until(lambda: item(server, "CarePlan", "crisis"))
        subject = {"reference": f"Patient/{server.all('Patient')[0]['id']}"}
        server.put({**GOAL, "subject": subject})
        theirs = until(lambda: next((one for one in record(call)["goals"] if one["id"] != "sea"), None))
        changed = {"person": {"nhs_number": NUMBER}, "goals": [{"id": theirs["id"], "description": "Sleep longer"}]}
        assert save(call, changed)["proposed"]

        def answered() -> Json | None:
            (pending,) = call.post("/records/find", json={"nhs_number": NUMBER}).json()["pending"]
            return pending if pending["state"] != "pending" else None

        told = until(answered)
        assert (told["state"], told["code"]) == ("refused", "server-takes-none")
        save(call, {"person": {"nhs_number": NUMBER}, "goals": [{"id": "sea", "description": "See the sea again"}]})
        until(lambda: server.item("Goal", "sea")["description"]["text"] == "See the sea again" or None)
        assert lanes(call)[0]["state"] == "open"
        assert call.get("/deliveries").json()["dead"] == []
        assert server.held("Goal", "g1")["description"]["text"] == "Sleep"  # type: ignore[index]


def test_a_server_that_refuses_halts_the_lane_and_none_of_its_words_are_kept() -> None:
    from tests.fhir_server import Fault

    with exchanging() as (server, call):

        def refuse(_: Json) -> Json:
            raise Fault(422)

        server._bundle = refuse  # type: ignore[method-assign]
        save(call, placed())
        (dead,) = until(lambda: call.get("/deliveries").json()["dead"] or None)
        assert dead["error"] == "server-refused"
        assert lanes(call)[0]["state"] == "halted"
        assert "Peter Pan" not in call.get("/deliveries?all=true").text
