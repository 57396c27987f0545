"""kill -9 between an asking and its answer, of the ward or of the home team: asking again gives the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.pair import Serving, pair, until
from tests.faults.people import HOME, WARD, person, plan_of

SLOW = pytest.mark.slow
NUMBER = "9990000026"
ASKING: dict[str, Any] = {
    "person": {"nhs_number": NUMBER, "birth_date": "1984-02-03", "names": [{"family": "Example"}]},
    "admitted_at": "2026-11-24T02:10:00Z",
    "purpose": "ETREAT",
    "reason": "Brought in at night.",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def gateways(
    request: pytest.FixtureRequest, tmp_path: Path, fresh: Callable[[str], AbstractContextManager[str]]
) -> Iterator[dict[str, Serving]]:
    """Both gateways; the home team holds a plan of somebody whom nobody has placed."""
    with ExitStack() as stack:
        stores = {ods: stack.enter_context(fresh(request.param)) for ods in (HOME, WARD)}
        running = stack.enter_context(pair(tmp_path, stores))
        running[HOME].insist({key: value for key, value in person(NUMBER, "Plan").items() if key != "placements"})
        yield running


def ask(ward: Serving) -> dict[str, Any]:
    found: dict[str, Any] = ward.client.post("/persons/find", json=ASKING).json()
    return found


@pytest.mark.parametrize("pause", [pytest.param(0.05, marks=SLOW), 0.3, pytest.param(0.6, marks=SLOW)])
@pytest.mark.parametrize("victim", [HOME, WARD])
def test_asking_again_after_a_kill_gives_the_plan_once(gateways: dict[str, Serving], victim: str, pause: float) -> None:
    def first() -> None:
        with suppress(httpx.HTTPError, ValueError):
            ask(gateways[WARD])

    asking = threading.Thread(target=first)
    asking.start()
    time.sleep(pause)
    gateways[victim].kill()
    gateways[victim].start()
    asking.join()

    def came() -> dict[str, Any] | None:
        found = ask(gateways[WARD])
        return found if [one["said"] for one in found["answers"]] == ["came"] else None

    found = until("the plan", came)
    assert until("the same", came)["record"] == found["record"]
    held = gateways[WARD].record(NUMBER)
    assert [plan["id"] for plan in held["crisis_plans"]] == [plan_of(NUMBER)]
    asked = [task for task in gateways[HOME].record(NUMBER)["tasks"] if "asked for their plan" in task["description"]]
    assert len(asked) == 1, "the team is told once in a day"
