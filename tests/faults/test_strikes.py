"""kill -9 of sender and receiver at random points of a stream of changes: none lost, none out of order, none twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.databases import postgres_database
from tests.faults.pair import Serving, pair, until
from tests.faults.people import HOME, WARD, person, plan_of

PEOPLE = ("9990000026", "9990000034", "9990000042")
FEW, MANY = 4, 100
LONGEST = 0.4  # seconds that a gateway is left alone between two strikes


@pytest.fixture(params=["sqlite", "postgresql"])
def gateways(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Serving]]:
    """Both gateways, each on a database of its own."""
    with ExitStack() as stack:
        stores = {ods: f"sqlite:///{tmp_path}/{ods}.sqlite3" for ods in (HOME, WARD)}
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres")
            stores = {ods: stack.enter_context(postgres_database(server)) for ods in stores}
        yield stack.enter_context(pair(tmp_path, stores))


def strike(gateways: dict[str, Serving], kills: int, draw: random.Random) -> None:
    """Kill one or the other at a random moment, and start it again, so many times."""
    for _ in range(kills):
        time.sleep(draw.uniform(0, LONGEST))
        victim = gateways[draw.choice((HOME, WARD))]
        victim.kill()
        victim.start()


def change(gateways: dict[str, Serving], number: str, turn: int) -> None:
    """The home team's newest title; and every other time a line that the ward adds by a proposal."""
    plan: dict[str, Any] = {"id": plan_of(number)}
    if turn % 2:
        ods, plan["prevention"] = WARD, [{"id": f"ward-{turn}", "description": f"The ward's line {turn}."}]
    else:
        ods, plan["title"] = HOME, f"{turn:05d}"
    gateways[ods].insist({"person": {"nhs_number": number}, "crisis_plans": [plan]})


def told(version: dict[str, Any]) -> tuple[str, list[str]]:
    """The title of a version, and the lines that the ward has added to it."""
    return version["title"], [activity["id"] for activity in version.get("activity", ())]


@pytest.mark.parametrize("kills", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_nothing_is_lost_nothing_out_of_order_and_nothing_applied_twice(
    gateways: dict[str, Serving], kills: int
) -> None:
    for number in PEOPLE:
        gateways[HOME].insist(person(number, f"{0:05d}"))
        until("the first copy", lambda number=number: gateways[WARD].record(number).get("crisis_plans"))
    striking = threading.Thread(target=strike, args=(gateways, kills, random.Random(kills)))
    striking.start()

    def stream(number: str) -> int:
        """Changes until the strikes are over, and the number of the last."""
        for turn in count(1):
            change(gateways, number, turn)
            if not striking.is_alive() and turn % 2 == 0:
                return turn
        raise AssertionError("unreachable")

    with ThreadPoolExecutor(len(PEOPLE)) as pool:
        last = dict(zip(PEOPLE, pool.map(stream, PEOPLE), strict=True))
    for number, turns in last.items():
        lines = [f"ward-{turn}" for turn in range(1, turns + 1, 2)]
        wanted = (f"{turns:05d}", lines)
        for ods in (HOME, WARD):
            until(
                f"all at {ods}", lambda ods=ods, wanted=wanted, number=number: newest(gateways[ods], number) == wanted
            )
        at_home, at_ward = (versions(gateways[ods], number) for ods in (HOME, WARD))
        assert [title for title, _ in dict.fromkeys((title, "") for title, _ in at_home)] == [
            f"{turn:05d}" for turn in range(0, turns + 1, 2)
        ], "every change of the home team's is there, in the order they were made"
        for held in (at_home, at_ward):
            for (earlier, first), (later, more) in pairwise(held):
                assert earlier <= later, "no title comes back"
                assert more[: len(first)] == first, "no line goes, and none comes before another"
                assert (earlier, first) != (later, more), "nothing is applied twice"
        assert [version for version in at_ward if version not in at_home] == [], "the ward shows what the home team had"
    for serving in gateways.values():
        seen = serving.client.get("/deliveries/summary").json()["partners"]
        assert [(row["dead"], row["quarantined"]) for row in seen] == [(0, 0)]
        assert until("all acknowledged", lambda serving=serving: waiting(serving) == 0)


def versions(serving: Serving, number: str) -> list[tuple[str, list[str]]]:
    return [told(version) for version in serving.history(plan_of(number))]


def newest(serving: Serving, number: str) -> tuple[str, list[str]]:
    return versions(serving, number)[-1]


def waiting(serving: Serving) -> int:
    found: int = serving.client.get("/deliveries/summary").json()["partners"][0]["waiting"]
    return found
