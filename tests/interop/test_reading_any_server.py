"""What somebody writes on a FHIR server that others wrote comes home, to a gateway as it is served."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.loopback import gateway_of
from tests.interop.conftest import Others

pytestmark = [pytest.mark.shared, pytest.mark.slow]

Json = dict[str, Any]
NUMBER = "9990000034"
ENOUGH = 90  # seconds for what a gateway does by itself
ORGANISATIONS = [
    {"id": "org-home", "ods": "ZCT1", "name": "Community trust"},
    {"id": "org-ward", "ods": "ZOA1", "name": "Ward far away"},
]


class Both:
    """The ward's server, and the home team's gateway: the plan of a made-up person, with ids that no other run has."""

    def __init__(self, others: Others, home: str) -> None:
        self.run = uuid4().hex[:12]
        headers = {"Authorization": f"Bearer {others.token}"} if others.token else {}
        self.there = httpx.Client(base_url=others.url, headers={**headers, "Content-Type": "application/fhir+json"})
        self.home = httpx.Client(base_url=home)
        self.made: list[str] = []

    def save(self, **record: Any) -> None:
        answer = self.home.post(
            "/records", json={"person": {"nhs_number": NUMBER, "birth_date": "1984-02-03"}, **record}
        )
        assert answer.status_code in (200, 201), answer.text

    def record(self) -> Json:
        found: Json = self.home.post("/records/find", json={"nhs_number": NUMBER}).json()["record"]
        return found

    def plan(self) -> Json | None:
        """The care plan on the server."""
        mark = f"https://w3id.org/fhir-mh/Id/record-item|care-{self.run}"
        found = self.there.get("/CarePlan", params={"identifier": mark}).json()
        listed = [entry["resource"] for entry in found.get("entry") or ()]
        return listed[0] if listed else None

    def put(self, body: Json) -> None:
        answer = self.there.put(f"/{body['resourceType']}/{body['id']}", json=body)
        assert answer.status_code in (200, 201), answer.text

    def post(self, body: Json) -> Json:
        answer = self.there.post(f"/{body['resourceType']}", json=body)
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        self.made.append(f"/{made['resourceType']}/{made['id']}")
        return made

    def close(self) -> None:
        for path in self.made:
            self.there.delete(path)
        self.there.close()
        self.home.close()


@pytest.fixture
def both(others: Others) -> Iterator[Both]:
    connection = {"kind": "fhir-server", "base_url": others.url, "poll": 1}
    if others.token:
        connection["token"] = others.token
    partners = [{"ods": "ZOA1", "name": "Ward far away", "connections": [connection]}]
    with gateway_of("ZCT1", partners=partners) as home:
        made = Both(others, home)
        placed = {"requested_by": {"id": "org-home"}, "provider": {"id": "org-ward"}, "level": "2"}
        plan = {"title": "Care plan", "activities": [{"id": "act", "description": {"text": "Allotment"}}]}
        made.save(
            organisations=ORGANISATIONS,
            care_plans=[{"id": f"care-{made.run}", **plan}],
            placements=[{"id": f"place-{made.run}", **placed}],
        )
        yield made
        made.close()


def until(found: Callable[[], Any]) -> Any:
    """What is found, once it is."""
    end = time.monotonic() + ENOUGH
    while time.monotonic() < end:
        if it := found():
            return it
        time.sleep(0.1)
    raise AssertionError("it did not come")


def test_a_row_that_is_changed_there_comes_home_and_goes_back_again(both: Both) -> None:
    plan = until(both.plan)
    both.put({**plan, "title": "Changed there"})
    until(lambda: both.record()["care_plans"][0]["title"] == "Changed there")
    assert both.record()["care_plans"][0]["activities"][0]["description"]["text"] == "Allotment"
    both.save(care_plans=[{"id": f"care-{both.run}", "title": "Changed at home"}])
    until(lambda: (both.plan() or {}).get("title") == "Changed at home")
    assert [task for task in both.record().get("tasks") or () if task["kind"] == "conflict"] == []


def test_what_a_ward_writes_of_its_own_is_its_own_here(both: Both) -> None:
    plan = until(both.plan)
    said = {"lifecycleStatus": "active", "description": {"text": f"Sleep {both.run}"}, "subject": plan["subject"]}
    goal = both.post({"resourceType": "Goal", **said})
    until(lambda: both.record().get("goals"))
    both.put({**goal, "description": {"text": f"Sleep well {both.run}"}})
    until(lambda: both.record()["goals"][0]["description"]["text"] == f"Sleep well {both.run}")
    assert len(both.record()["goals"]) == 1
