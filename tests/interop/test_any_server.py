"""What is exchanged with a FHIR server that others wrote, whichever it is. What is written there is taken out again."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from fhir_mh.clock import SystemClock
from fhir_mh.connectors.fhir_server.answers import version_of
from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.exchange.messages import Message
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.gateway.checking import check
from fhir_mh.partner import Connection, Partner
from fhir_mh.store import open_store
from tests.databases import sqlite_database
from tests.interop.conftest import Others
from tests.unit.connectors.sender import HOME, ITEM, NUMBER, WARD, Json, Sender

T = TypeVar("T")
pytestmark = [pytest.mark.shared, pytest.mark.slow]


class Exchange(Sender):
    """A made-up person's plan, with ids that no other run has."""

    def __init__(self, store: Any, others: Others) -> None:
        super().__init__(store, others, others.token)  # type: ignore[arg-type] - of the server it asks for its address alone
        self.run = uuid4().hex[:12]
        text = dumps(self.bodies).decode()
        for body in self.bodies:
            if body["resourceType"] != "Patient":
                text = text.replace(f'"{body["id"]}"', f'"{self.name(body["id"])}"')
                text = text.replace(f'/{body["id"]}"', f'/{self.name(body["id"])}"')
        self.bodies = loads(text)

    def name(self, item: str) -> str:
        return f"{item}-{self.run}"

    def asking(self, ask: Callable[[FhirClient], Awaitable[T]]) -> T:
        async def run() -> T:
            client = FhirClient(connection(self.server.url, self.token))
            try:
                return await ask(client)
            finally:
                await client.close()

        return asyncio.run(run())

    def there(self, kind: str, item: str) -> Json:
        """What the server holds of one of ours."""
        copied = self.noted(kind, self.name(item))
        assert copied is not None
        held = self.asking(lambda client: client.read(kind, copied.remote_id))
        assert held is not None
        return held

    def edit(self, kind: str, item: str, **said: Any) -> None:
        """Somebody there changes it."""
        held = self.there(kind, item)
        entry = {"resource": {**held, **said}, "request": {"method": "PUT", "url": f"{kind}/{held['id']}"}}
        self.asking(lambda client: client.transaction([entry]))

    def take_out(self) -> None:
        items = [f"{b['resourceType']}/{b['id']}" for b in self.bodies if b["resourceType"] != "Patient"]
        said = {"notice": "entered-in-error", "items": items}
        self.send(Message(f"n-{self.run}", "notice", NUMBER, HOME, 1, said))


def connection(url: str, token: str | None) -> Connection:
    return Connection.model_validate({"kind": "fhir-server", "base_url": url, "token": token})


@pytest.fixture
def exchange(others: Others) -> Iterator[Exchange]:
    with sqlite_database() as address, open_store(address) as store:
        made = Exchange(store, others)
        yield made
        made.take_out()


def test_its_check_finds_nothing_wrong(others: Others) -> None:
    partner = Partner(ods=WARD, name="Ward far away", connections=(connection(others.url, others.token),))
    found = asyncio.run(check(partner, HOME, SystemClock()))
    assert found.holds, found.as_json()


def test_a_plan_is_written_whole_and_refers_to_itself(exchange: Exchange) -> None:
    assert exchange.told() == ("stored", "")
    plan, goal = exchange.there("CarePlan", "care-plan"), exchange.there("Goal", "goal-work")
    assert f"Goal/{goal['id']}" in [one["reference"].removeprefix(exchange.server.url + "/") for one in plan["goal"]]
    assert plan["subject"]["reference"] == goal["subject"]["reference"]


def test_what_did_not_change_is_not_written_again(exchange: Exchange) -> None:
    assert exchange.told() == ("stored", "")
    before = {kind: version_of(exchange.there(kind, name)) for kind, name in PARTS}
    assert exchange.told() == ("stored", "")
    assert {kind: version_of(exchange.there(kind, name)) for kind, name in PARTS} == before
    assert exchange.taken_in == []


PARTS = (("CarePlan", "care-plan"), ("Goal", "goal-work"), ("Consent", "sharing"), ("Provenance", "agreed-person"))


def test_what_is_changed_there_is_taken_in_before_it_is_written_over(exchange: Exchange) -> None:
    assert exchange.told() == ("stored", "")
    exchange.edit("CarePlan", "care-plan", title="What the ward wrote")
    exchange.body("CarePlan", exchange.name("care-plan"))["title"] = "What the home team wrote"
    assert exchange.told() == ("later", "server-changed")
    assert exchange.there("CarePlan", "care-plan")["title"] == "What the ward wrote"
    assert [one["title"] for found in exchange.taken_in for one in found.resources] == ["What the ward wrote"]
    assert exchange.told() == ("stored", "")
    assert exchange.there("CarePlan", "care-plan")["title"] == "What the home team wrote"


def test_a_deletion_there_is_told_and_what_is_new_is_added(exchange: Exchange) -> None:
    assert exchange.told() == ("stored", "")
    gone = exchange.there("Goal", "goal-children")["id"]
    exchange.asking(lambda client: client.delete("Goal", gone))
    assert exchange.told() == ("stored", "")
    assert exchange.gone == [("Goal", gone)]
    assert exchange.there("Goal", "goal-children")["id"] != gone


def test_a_search_is_read_to_its_end(exchange: Exchange) -> None:
    assert exchange.told() == ("stored", "")
    goal = exchange.body("Goal", exchange.name("goal-work"))
    for number in range(45):
        name = exchange.name(f"goal-{number}")
        exchange.bodies.append(copy.deepcopy({**goal, "id": name, "identifier": [{"system": ITEM, "value": name}]}))
    assert exchange.told() == ("stored", "")
    subject = exchange.there("Goal", "goal-work")["subject"]["reference"].rpartition("/")[2]

    async def ask(client: FhirClient) -> list[str]:
        return [str(one["id"]) async for one in client.search("Goal", [("patient", f"Patient/{subject}")])]

    found = exchange.asking(ask)
    ours = {exchange.there("Goal", f"goal-{number}")["id"] for number in range(45)}
    assert ours <= set(found)
    assert len(found) == len(set(found))


def test_each_version_is_in_the_history(exchange: Exchange) -> None:
    assert exchange.told() == ("stored", "")
    first = exchange.there("CarePlan", "care-plan")
    exchange.edit("CarePlan", "care-plan", title="What the ward wrote")

    async def ask(client: FhirClient) -> dict[str, str]:
        found = client.history("CarePlan", first["id"])
        return {version.version: version.body["title"] async for version in found if version.body}

    told = exchange.asking(ask)
    assert told[version_of(first)] == first["title"]
    assert "What the ward wrote" in told.values()


def test_that_sharing_has_ended_is_said_once(exchange: Exchange) -> None:
    assert exchange.told() == ("stored", "")
    name = f"ended-{exchange.run}"
    for _ in range(2):
        (receipt,) = exchange.send(Message(name, "notice", NUMBER, HOME, 1, {"notice": "sharing-ended"}))
        assert receipt.status == "stored"
    exchange.send(
        Message("n", "notice", NUMBER, HOME, 1, {"notice": "entered-in-error", "items": [f"Communication/{name}"]})
    )


def test_what_was_about_the_wrong_person_is_deleted(exchange: Exchange) -> None:
    assert exchange.told() == ("stored", "")
    plan = exchange.there("CarePlan", "care-plan")["id"]
    exchange.take_out()
    assert exchange.asking(lambda client: client.read("CarePlan", plan)) is None
