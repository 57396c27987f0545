"""kill -9 of each of the demo's three gateways, in the middle of a stream of changes: nothing accepted is lost."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from fhir_mh.cli.demo.providers import AWAY, HOME, UNIT, NotHeld, Providers
from fhir_mh.cli.demo.steps import open_a_placement, read_the_extract
from fhir_mh.cli.demo.story import Story
from fhir_mh.cli.demo.telling import Telling

CHANGES = 25


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The demo, up to where the plan has reached everybody."""
    folder: Path = tmp_path_factory.mktemp("providers")
    with Providers(folder) as providers:
        told = Story(providers, Telling(Console(file=io.StringIO())))
        read_the_extract(told)
        open_a_placement(told)
        yield told


def insist(story: Story, ods: str, name: str, text: str) -> None:
    """Send a change until it is acknowledged, as a system does whose gateway may be restarting."""
    change = {"id": story_plan(story), "prevention": [{"id": name, "description": text}]}
    deadline = time.monotonic() + 60
    while True:
        try:
            story.change(ods, crisis_plans=[change])
        except (httpx.HTTPError, NotHeld):
            assert time.monotonic() < deadline, "never acknowledged"
            time.sleep(0.05)
        else:
            return


def story_plan(story: Story) -> str:
    """The id of the crisis plan, the same everywhere."""
    if story.nhs_number not in PLANS:
        PLANS[story.nhs_number] = str(story.crisis_plan(UNIT)["id"])
    return PLANS[story.nhs_number]


PLANS: dict[str, str] = {}


@pytest.mark.parametrize("victim", [HOME, *(pytest.param(one, marks=pytest.mark.slow) for one in (UNIT, AWAY))])
def test_nothing_acknowledged_is_lost(story: Story, victim: str) -> None:
    story_plan(story)
    provider = story.providers[victim]

    def strike() -> None:
        for pause in (0.15, 0.4):
            time.sleep(pause)
            provider.kill()
            provider.start()
            provider.ready()

    striking = threading.Thread(target=strike)
    striking.start()
    names = []
    for number in range(CHANGES):
        ods = (HOME, AWAY)[number % 2]
        names.append(f"{victim.lower()}-{number}")
        insist(story, ods, names[-1], f"Change {number} while {victim} is struck")
    striking.join()

    def held(ods: str) -> list[str]:
        return [entry["id"] for entry in story.crisis_plan(ods)["prevention"] if entry["id"] in names]

    for ods in (HOME, UNIT, AWAY):
        story.until(f"all changes at {ods}", lambda ods=ods: set(held(ods)) == set(names))
        assert len(held(ods)) == len(names), "each once"
    for ods in (HOME, AWAY):
        own = [name for name in names if names.index(name) % 2 == (HOME, AWAY).index(ods)]
        assert [name for name in held(HOME) if name in own] == own, "in the order they were made"
    story.until(
        "the same version everywhere", lambda: len({story.crisis_plan(o)["version"] for o in (HOME, UNIT, AWAY)}) == 1
    )
