"""Several workers on one PostgreSQL store, each a process: no lane is sent twice at once, and the dead are replaced."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from nhs_number import generate
from nhs_number.constants import REGION_SYNTHETIC
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.api import build_gateway
from fhir_mh.clock import SystemClock
from fhir_mh.consent import AccessContext
from fhir_mh.exchange.signing import sign_answer
from fhir_mh.exchange.transport import PATH
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.gateway import Gateway
from fhir_mh.settings import load
from tests.databases import postgres_database
from tests.faults.people import person

HOME, WARD = "ZCT1", "ZOA1"
PATIENCE = 60.0  # seconds, before a test is given up
LONG, SHORT = "600", "2"  # seconds of a lease
PEOPLE = sorted(set(generate(for_region=REGION_SYNTHETIC, quantity=12)))


class Ward:
    """Stores everything at once and in memory. gate: closed, a request waits there; a request under way is counted."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.under_way: list[set[str]] = []
        self.most = 0  # requests at a time
        self.twice: list[str] = []  # people of whom something arrived while something else of them was under way
        self.editions: dict[str, list[int]] = {}
        self.ids: list[str] = []
        self.changed = threading.Condition()

    async def take(self, request: Request) -> Response:
        body = loads(await request.body())
        people = {message["person"]["nhs_number"] for message in body["messages"]}
        if people:
            with self.changed:
                self.twice += [number for others in self.under_way for number in people & others]
                self.under_way.append(people)
                self.most = max(self.most, len(self.under_way))
                self.changed.notify_all()
            await asyncio.to_thread(self.gate.wait)
            with self.changed:
                self.under_way.remove(people)
                for message in body["messages"]:
                    self.editions.setdefault(message["person"]["nhs_number"], []).append(message["edition"])
                    self.ids.append(message["id"])
                self.changed.notify_all()
        receipts = [{"id": one["id"], "status": "stored", "edition": one["edition"]} for one in body["messages"]]
        text = dumps({"receipts": receipts})
        signed = sign_answer(None, WARD, HOME, 200, text, SystemClock().now(), request=request.headers)
        return Response(text, 200, signed, "application/json")

    def until(self, holds: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(holds, PATIENCE), "it never came to be"


@contextmanager
def answering(ward: Ward) -> Iterator[int]:
    """The port it answers on."""
    app = Starlette(routes=[Route(PATH, ward.take, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    ready = threading.Event()
    usual = server.startup

    async def startup(*given: Any, **how: Any) -> None:
        await usual(*given, **how)
        ready.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        ward.gate.set()
        server.should_exit = True
        thread.join()


class Team:
    """A home team's store with something for everybody to hear, and its workers."""

    def __init__(self, folder: Path, store: str, port: int) -> None:
        self.config = folder / "gateway.toml"
        partner = f'[[partners]]\nods = "{WARD}"\nname = "Ward"\nbase_url = "http://127.0.0.1:{port}"\n'
        self.config.write_text(f'ods = "{HOME}"\nstore = "{store}"\n{partner}')
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.gateway: Gateway = build_gateway(load(self.config))

    def say(self, title: str) -> None:
        """A change to everybody's plan."""

        async def save() -> None:
            for number in PEOPLE:
                await self.gateway.save(AccessContext(HOME), person(number, title))

        asyncio.run(save())

    def start(self, owner: str, lease: str) -> None:
        command = [sys.executable, "-m", "tests.faults.worker", str(self.config), owner, lease]
        self.workers[owner] = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def kill(self, owner: str) -> None:
        self.workers[owner].send_signal(signal.SIGKILL)
        self.workers.pop(owner).wait()

    def close(self) -> None:
        for owner in list(self.workers):
            self.kill(owner)
        self.gateway.store.close()

    def holds(self) -> set[str]:
        """Whose leases there are."""
        lanes = self.gateway.store.read_now(lambda tx: tx.lanes.find())
        return {lane.owner for lane in lanes if lane.owner is not None}

    def states(self) -> list[str]:
        return [one.state for one in self.gateway.store.read_now(lambda tx: tx.outbox.find(limit=10_000))]


@pytest.fixture
def ward() -> Ward:
    return Ward()


@pytest.fixture
def team(ward: Ward, postgres: str, tmp_path: Path) -> Iterator[Team]:
    with ExitStack() as stack:
        port = stack.enter_context(answering(ward))
        made = Team(tmp_path, stack.enter_context(postgres_database(postgres)), port)
        stack.callback(made.close)
        yield made


def until(ward: Ward, holds: Callable[[], bool]) -> None:
    """Until the store says so; looked at anew whenever the ward has heard something, and now and then."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came to be"
        with ward.changed:
            ward.changed.wait(0.1)


def settled(team: Team, ward: Ward) -> None:
    """Until everything that was said has been acknowledged."""
    until(ward, lambda: "pending" not in team.states())


def test_two_at_work_share_the_lanes_and_send_none_of_them_twice_at_once(team: Team, ward: Ward) -> None:
    team.say("first")
    ward.gate.clear()
    for owner in ("a", "b"):
        team.start(owner, LONG)
    ward.until(lambda: len(ward.under_way) == 2)  # each sends one request at a time: both are at it
    ward.gate.set()
    for turn in range(5):
        team.say(f"turn {turn}")
    settled(team, ward)
    assert ward.twice == []
    assert ward.most == 2
    assert set(ward.editions) == set(PEOPLE)
    assert [found for found in ward.editions.values() if found != sorted(set(found))] == [], "in order, each once"
    assert len(ward.ids) == len(set(ward.ids))


def killed_with_lanes_in_hand(team: Team, ward: Ward, lease: str) -> set[str]:
    """Worker a takes its first lanes, for so long, and dies of kill -9 while the ward has not answered; the lanes."""
    team.say("first")
    ward.gate.clear()
    team.start("a", lease)
    ward.until(lambda: len(ward.under_way) == 1)
    team.kill("a")
    assert team.holds() == {"a"}
    return set(ward.under_way[0])


def test_while_the_lease_of_a_killed_worker_lasts_others_take_only_what_is_free(team: Team, ward: Ward) -> None:
    in_hand = killed_with_lanes_in_hand(team, ward, LONG)
    team.start("b", LONG)
    ward.until(lambda: len(ward.under_way) == 2)
    assert in_hand.isdisjoint(ward.under_way[1])
    ward.gate.set()
    until(ward, lambda: team.states().count("pending") == len(in_hand))
    until(ward, lambda: team.holds() == {"a"})
    team.start("a", LONG)  # again under its name: what it had is its own
    settled(team, ward)
    assert set(team.states()) == {"acked"}


def test_what_a_killed_worker_had_in_hand_another_delivers_once_its_lease_has_run_out(team: Team, ward: Ward) -> None:
    in_hand = killed_with_lanes_in_hand(team, ward, SHORT)
    ward.gate.set()
    ward.until(lambda: not ward.under_way)
    team.start("b", LONG)
    settled(team, ward)
    assert set(ward.editions) == set(PEOPLE)
    assert set(team.states()) == {"acked"}
    assert team.holds() == set()
    again = [name for name in set(ward.ids) if ward.ids.count(name) > 1]
    assert len(again) == len(in_hand), "what had arrived comes again under the same id, and nothing else does"
