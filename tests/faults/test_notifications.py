"""kill -9 of a gateway that tells its clients: every change that was acknowledged is told of, in order, by number."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.api import build_gateway
from fhir_mh.api.notifying import subscriptions_of
from fhir_mh.consent import AccessContext
from fhir_mh.gateway import Gateway
from fhir_mh.settings import load
from tests.contract.subscribing import topic
from tests.databases import postgres_database
from tests.faults.pair import Serving, until
from tests.faults.people import HOME, person, plan_of
from tests.receivers import Receiver, receiver

TOKEN = "the token of the record system, for tests only"
NUMBER = "9990000018"
LONG, SHORT = "600", "2"  # seconds of a lease


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def configured(folder: Path, store: str, hook: Receiver, port: int = 0) -> Path:
    said = {"ods": HOME, "port": port, "store": store}
    client = {"token": TOKEN, "organisation": HOME, "role": "clinician", "name": "ehr", "endpoints": [hook.url]}
    lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()] + ["[[clients]]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in client.items()]
    file = folder / "gateway.toml"
    file.write_text("\n".join(lines))
    return file


@pytest.fixture
def serving(tmp_path: Path, store_url: str, hook: Receiver) -> Iterator[Serving]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = Serving(configured(tmp_path, store_url, hook, port), port)
    found.client.headers["authorization"] = f"Bearer {TOKEN}"
    try:
        found.start()
        yield found
    finally:
        hook.gate.set()
        found.kill()
        found.client.close()


def subscribed(serving: Serving, hook: Receiver) -> None:
    body = topic(hook.url, "crisis-plan-changed", "full-resource", max_count=5)
    answer = serving.client.post("/fhir/Subscription", json=body, headers={"content-type": "application/fhir+json"})
    assert answer.status_code == 201, answer.text
    hook.until(lambda: hook.of_type("handshake"))


def versions(hook: Receiver) -> dict[int, int]:
    """Of each number the version of the resource that came with it the first time."""
    found: dict[int, int] = {}
    for one in hook.of_type("event-notification"):
        (resource,) = {entry["resource"]["meta"]["versionId"] for entry in one.json["entry"][1:]}
        for number in one.numbers:
            found.setdefault(number, int(resource))
    return found


def test_a_change_that_was_committed_and_not_sent_is_sent_by_the_next_life(serving: Serving, hook: Receiver) -> None:
    """The client has read the first and not answered when the gateway is killed; the second has not left it yet."""
    subscribed(serving, hook)
    hook.gate.clear()
    serving.insist(person(NUMBER, "first"))
    hook.until(lambda: hook.events)
    serving.insist(person(NUMBER, "second"))
    serving.kill()
    hook.gate.set()
    assert [event["event-number"] for event in hook.events] == [1]
    serving.start()
    hook.until(lambda: [event["event-number"] for event in hook.events] == [1, 1, 2])
    last = hook.of_type("event-notification")[-1].json["entry"][1]["resource"]
    assert last["title"] == "second"


def test_in_a_stream_of_changes_none_is_missed_and_the_numbers_have_no_gaps(serving: Serving, hook: Receiver) -> None:
    subscribed(serving, hook)

    def strike() -> None:
        for pause in (0.3, 0.5, 0.4):
            time.sleep(pause)
            serving.kill()
            serving.start()

    striking = threading.Thread(target=strike)
    striking.start()
    for turn in range(30):
        serving.insist(person(NUMBER, f"turn {turn}"))
    striking.join()
    count = len(serving.history(plan_of(NUMBER)))
    hook.until(lambda: len({event["event-number"] for event in hook.events}) == count)
    numbers = [event["event-number"] for event in hook.events]
    assert sorted(set(numbers)) == list(range(1, count + 1))
    firsts = list(dict.fromkeys(numbers))
    assert firsts == sorted(firsts), "in order"
    held = versions(hook)
    assert [held[number] for number in sorted(held)] == sorted(held.values()), "never older than what was told before"
    assert held[count] == count


# --- several workers


class Team:
    """A store on PostgreSQL with a subscription, and workers that tell its client."""

    def __init__(self, folder: Path, store: str, hook: Receiver) -> None:
        self.config = configured(folder, store, hook)
        settings = load(self.config)
        self.gateway: Gateway = build_gateway(settings)
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        body, context = topic(hook.url, "crisis-plan-changed", max_count=1), AccessContext(HOME, client="ehr")
        made = subscriptions_of(self.gateway, settings).create(context, body, "http://127.0.0.1/fhir")
        self.name = asyncio.run(made).id

    def say(self, title: str) -> None:
        asyncio.run(self.gateway.save(AccessContext(HOME), person(NUMBER, title)))

    def start(self, owner: str, lease: str) -> None:
        command = [sys.executable, "-m", "tests.faults.notifier", str(self.config), owner, lease]
        self.workers[owner] = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def kill(self, owner: str) -> None:
        worker = self.workers.pop(owner)
        worker.kill()
        worker.wait()

    def close(self) -> None:
        for owner in list(self.workers):
            self.kill(owner)
        self.gateway.store.close()

    def owner(self) -> Any:
        return self.gateway.store.read_now(lambda tx: tx.subscriptions.get(HOME, "ehr", self.name)).owner


@pytest.fixture
def team(postgres: str, tmp_path: Path, hook: Receiver) -> Iterator[Team]:
    with ExitStack() as stack:
        made = Team(tmp_path, stack.enter_context(postgres_database(postgres)), hook)
        stack.callback(made.close)
        stack.callback(hook.gate.set)
        yield made


def numbers(hook: Receiver) -> list[int]:
    return [event["event-number"] for event in hook.events]


@pytest.mark.slow
def test_several_workers_tell_a_client_one_thing_at_a_time(team: Team, hook: Receiver) -> None:
    for owner in ("a", "b", "c"):
        team.start(owner, LONG)
    hook.until(lambda: hook.of_type("handshake"))
    for turn in range(20):
        team.say(f"turn {turn}")
    hook.until(lambda: len(hook.events) >= 20)
    assert numbers(hook) == list(range(1, 21))
    assert hook.most == 1


@pytest.mark.slow
def test_what_a_killed_worker_had_in_hand_another_tells_once_its_lease_has_run_out(team: Team, hook: Receiver) -> None:
    team.start("a", SHORT)
    hook.until(lambda: hook.of_type("handshake"))
    hook.gate.clear()
    team.say("first")
    hook.until(lambda: hook.events)
    team.kill("a")
    assert team.owner() == "a"
    hook.gate.set()
    team.say("second")
    team.start("b", LONG)
    hook.until(lambda: len(hook.events) == 3)
    assert numbers(hook) == [1, 1, 2], "what had arrived comes again under the same number"
    until("nobody holds it", lambda: team.owner() is None)
