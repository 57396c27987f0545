"""A gateway as it is served, and a FHIR server on loopback: what changes there is here, asked for or called for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from fhir_mh.connectors.fhir_server.hooks import HEADER, secrets_of
from fhir_mh.connectors.fhir_server.offered import KINDS
from fhir_mh.partner import Connection
from tests.contract.loopback import gateway_of
from tests.fhir_server import FhirServer, fhir_server

NUMBER = "9990000018"
TOKEN = "a-token-that-the-server-issued"
ENOUGH = 60  # seconds for what a gateway does by itself
PATIENT = {
    "resourceType": "Patient",
    "id": "77",
    "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NUMBER}],
    "birthDate": "1984-02-03",
}
GOAL = {
    "resourceType": "Goal",
    "id": "g1",
    "lifecycleStatus": "active",
    "description": {"text": "Sleep"},
    "subject": {"reference": "Patient/77"},
}


def capability() -> dict[str, Any]:
    kinds = [{"type": kind, "interaction": [{"code": "search-type"}, {"code": "read"}]} for kind in sorted(KINDS)]
    hooks = {"type": "Subscription", "interaction": [{"code": "create"}]}
    return {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": [*kinds, hooks]}]}


def until(found: Callable[[], Any]) -> Any:
    """What is found, once it is."""
    end = time.monotonic() + ENOUGH
    while time.monotonic() < end:
        if (it := found()) is not None:
            return it
        time.sleep(0.05)
    raise AssertionError("it did not come")


@contextmanager
def exchanging(
    poll: int, defects: dict[str, Any] | None = None, **settings: Any
) -> Iterator[tuple[FhirServer, httpx.Client]]:
    """A ward's FHIR server with one Patient, and the home team's gateway, where the person is known."""
    with fhir_server(token=TOKEN, **(defects or {})) as server:
        server.capability = capability  # type: ignore[method-assign]
        server.put(PATIENT)
        connection = {"kind": "fhir-server", "base_url": server.url, "token": TOKEN, "poll": poll}
        partners = [{"ods": "ZOA1", "name": "Ward far away", "connections": [connection]}]
        with gateway_of("ZCT1", partners=partners, **settings) as address, httpx.Client(base_url=address) as call:
            person = {"nhs_number": NUMBER, "birth_date": "1984-02-03"}
            assert call.post("/records", json={"person": person}).status_code == 201
            yield server, call


def goals(call: httpx.Client) -> list[str] | None:
    found = call.post("/records/find", json={"nhs_number": NUMBER})
    listed = found.json()["record"].get("goals") if found.status_code == 200 else None
    return None if not listed else sorted(one["description"]["text"] for one in listed)


def test_what_a_ward_writes_on_its_own_server_is_here() -> None:
    with exchanging(poll=1) as (server, call):
        server.put(GOAL)
        assert until(lambda: goals(call)) == ["Sleep"]
        server.put({**GOAL, "description": {"text": "Sleep well"}})
        assert until(lambda: goals(call) if goals(call) != ["Sleep"] else None) == ["Sleep well"]


def test_a_call_of_the_server_wakes_the_asking_and_says_no_more() -> None:
    with exchanging(poll=100_000, public_url="https://home.example") as (server, call):
        asked = until(lambda: [one for one in server.all("Subscription") if one["criteria"] == "Goal?"] or None)
        (channel,) = [one["channel"] for one in asked]
        assert channel["endpoint"] == "https://home.example/hooks/fhir/ZOA1"
        secret = secrets_of(Connection(kind="fhir-server", base_url=server.url, token=TOKEN), "ZCT1", "ZOA1")
        assert channel["header"] == [f"{HEADER}: {secret}"]
        server.put(GOAL)
        path = channel["endpoint"].removeprefix("https://home.example")
        lie = {**GOAL, "id": "g9", "description": {"text": "A lie"}}
        for given in ({}, {HEADER: "guessed"}):
            assert call.post(path, headers=given).status_code == 401
        assert call.post("/hooks/fhir/ZOA9", headers={HEADER: str(secret)}).status_code == 401
        assert call.put(f"{path}/Goal/g9", json=lie, headers={HEADER: str(secret)}).status_code == 204
        assert until(lambda: goals(call)) == ["Sleep"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_call_without_content_is_heard_too(method: str) -> None:
    with exchanging(poll=100_000) as (server, call):
        secret = secrets_of(Connection(kind="fhir-server", base_url=server.url, token=TOKEN), "ZCT1", "ZOA1")
        until(lambda: any("_search" in one for one in server.asked) or None)
        server.put(GOAL)
        path = "/hooks/fhir/ZOA1" + ("/Goal/g1" if method == "PUT" else "")
        assert call.request(method, path, headers={HEADER: str(secret)}).status_code == 204
        assert until(lambda: goals(call)) == ["Sleep"]
        assert server.all("Subscription") == [], "nobody said where we can be reached"


# --- the whole way round


PLAN = {
    "organisations": [
        {"id": "org-home", "ods": "ZCT1", "name": "Community trust"},
        {"id": "org-ward", "ods": "ZOA1", "name": "Ward far away"},
    ],
    "care_plans": [
        {"id": "care", "title": "Care plan", "activities": [{"id": "act", "description": {"text": "Allotment"}}]}
    ],
    "placements": [{"id": "place", "requested_by": {"id": "org-home"}, "provider": {"id": "org-ward"}, "level": "2"}],
}


def save(call: httpx.Client, record: dict[str, Any]) -> None:
    answer = call.post("/records", json={"person": {"nhs_number": NUMBER}, **record})
    assert answer.status_code in (200, 201), answer.text


def title(call: httpx.Client) -> str:
    found = call.post("/records/find", json={"nhs_number": NUMBER}).json()
    return str(found["record"]["care_plans"][0]["title"])


def there(server: FhirServer) -> dict[str, Any] | None:
    """The care plan on the server."""
    return next((one for one in server.all("CarePlan") if "title" in one), None)


DEFECTS: dict[str, dict[str, Any]] = {
    "none": {},
    "UUID versions and no next link": {"uuids": True, "links": False, "total": False},
    "elements dropped and added": {"drops": frozenset({"extension", "activity"}), "adds": {"language": "en"}},
    "If-Match is not heeded": {"if_match": False},
    "equal content makes no version": {"versions_equal": False},
    "no history": {"history": False},
    "its clock is two hours behind": {"ahead": -timedelta(hours=2)},
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_plan_that_is_changed_there_comes_home_and_goes_back(defect: str) -> None:
    with exchanging(poll=1, defects=DEFECTS[defect]) as (server, call):
        save(call, PLAN)
        plan = until(lambda: there(server))
        assert plan["title"] == "Care plan"
        server.put({**plan, "title": "Changed there"})
        until(lambda: True if title(call) == "Changed there" else None)
        save(call, {"care_plans": [{"id": "care", "title": "Changed at home"}]})
        until(lambda: True if (there(server) or {}).get("title") == "Changed at home" else None)
        held = server.held("CarePlan", plan["id"])
        assert held is not None
        server.put({**held, "title": "And there again"})
        until(lambda: True if title(call) == "And there again" else None)
        found = call.post("/records/find", json={"nhs_number": NUMBER}).json()["record"]
        assert found["care_plans"][0]["activities"][0]["description"]["text"] == "Allotment"
        assert [one for one in found.get("tasks") or () if one["kind"] == "conflict"] == []
        assert len(server.all("CarePlan")) == 1
