"""A resource that another organisation keeps, changed through FHIR again before the first change is shown."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict
from fhir_mh.gateway.resources import Kept, Search
from tests.unit.gateway.pair import HOME, WARD, Pair


def held(pair: Pair) -> dict[str, Any]:
    """The home team's care plan as the ward's own systems read it."""
    page = asyncio.run(pair.gateways[WARD].search(AccessContext(WARD), Search("CarePlan")))
    bodies: list[dict[str, Any]] = [one.body() for one in page.entries]
    return next(body for body in bodies if "activity" in body and "Allotment" in str(body))


def put(pair: Pair, **change: Any) -> Kept:
    pair.clock.advance(timedelta(seconds=1))
    return asyncio.run(pair.gateways[WARD].update(AccessContext(WARD), {**held(pair), **change}))


def title(pair: Pair, ods: str) -> str:
    return str(pair.item(ods, "care_plans", "care")["title"])


@pytest.mark.parametrize("merged", [False, True], ids=["waiting", "merged but not shown"])
def test_the_later_text_is_the_one_that_comes_to_be(placed: Pair, merged: bool) -> None:
    assert put(placed, title="First").proposal is not None
    if merged:
        placed.deliver(only=WARD)
        assert (title(placed, HOME), held(placed)["title"]) == ("First", "Care plan")
    assert put(placed, title="Second").proposal is not None
    assert title(placed, WARD) == "Second"
    placed.deliver()
    assert (title(placed, HOME), title(placed, WARD), placed.conflicts(HOME)) == ("Second", "Second", [])
    assert placed.record(WARD).pending == []


@pytest.mark.parametrize("merged", [False, True], ids=["waiting", "merged but not shown"])
def test_what_was_there_before_is_not_called_unchanged(placed: Pair, merged: bool) -> None:
    put(placed, title="First")
    if merged:
        placed.deliver(only=WARD)
    with pytest.raises(Conflict) as fault:
        put(placed)
    assert [one.code for one in fault.value.issues] == ["rest-change-waits"]
    placed.deliver()
    assert put(placed, title="Care plan").proposal is not None, "the keeper has answered: it is a change like any other"


def test_a_change_that_waits_is_not_undone_by_a_change_of_something_else(placed: Pair) -> None:
    put(placed, title="First")
    kept = put(placed, description="More")
    assert "rest-partly-proposed" in [one.code for one in kept.warnings]
    placed.deliver()
    shown = placed.item(HOME, "care_plans", "care")
    assert (shown["title"], shown["description"]["text"]) == ("First", "More")
