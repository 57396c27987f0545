"""What goes on beside the application: it ends with it, and a fault of its own does not end it for good."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any

import pytest

from fhir_mh.api import build_gateway, delivering, lasting, notifying
from fhir_mh.api.servers import to_server
from fhir_mh.clock import SystemClock
from fhir_mh.errors import FhirMhError
from fhir_mh.exchange.messages import Envelope
from fhir_mh.gateway import Gateway
from fhir_mh.settings import Settings, load
from tests.databases import sqlite_database

PARTNERS = [{"ods": "ZOA1", "name": "Out-of-area provider", "base_url": "http://127.0.0.1:9"}]


def ways(gateway: Gateway, settings: Settings) -> delivering.Connected:
    return delivering.Connected(delivering.directory(gateway, settings), SystemClock(), to_server(gateway))


class Failing:
    """A part of the delivering that fails once, and then runs until it is told to stop."""

    runs = 0

    def __init__(self, *around: object) -> None:
        self.around = around

    async def run(self, stop: asyncio.Event) -> None:
        Failing.runs += 1
        if Failing.runs == 1:
            raise ValueError("Zebedee 9990000018")
        await stop.wait()


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[Failing]:
    monkeypatch.setattr(lasting, "_REST", 0)
    Failing.runs = 0
    return Failing


@pytest.mark.parametrize("part", ["Dispatch", "Watch", "Lapsing", "Polls"])
def test_each_part_is_begun_again_after_a_fault_and_says_nothing_of_what_was_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failing: type[Failing], part: str
) -> None:
    monkeypatch.setattr(delivering, part, lambda *around, **more: failing(*around))

    async def live(address: str) -> None:
        settings = load(store=address, ods="ZCT1", partners=PARTNERS)
        gateway = build_gateway(settings)
        with gateway.store:
            async with delivering.delivering(gateway, settings, Counter(), set(), "here", ways(gateway, settings)):
                while failing.runs < 2:
                    await asyncio.sleep(0)

    with sqlite_database() as address, caplog.at_level(logging.INFO):
        asyncio.run(live(address))
    assert failing.runs == 2
    (said,) = [one.getMessage() for one in caplog.records if one.name == "fhir_mh.api.lasting"]
    assert "ValueError" in said
    assert "Zebedee" not in said


def test_the_notifier_is_begun_again_too(monkeypatch: pytest.MonkeyPatch, failing: type[Failing]) -> None:
    monkeypatch.setattr(notifying, "Dispatch", failing)
    told = {
        "token": "t" * 40,
        "organisation": "ZCT1",
        "role": "clinician",
        "name": "ehr",
        "endpoints": ["http://127.0.0.1:9"],
    }

    async def live(address: str) -> None:
        settings = load(store=address, ods="ZCT1", clients=[told])
        gateway = build_gateway(settings)
        with gateway.store:
            async with notifying.notifying(gateway, settings, "here", SystemClock()):
                while failing.runs < 2:
                    await asyncio.sleep(0)

    with sqlite_database() as address:
        asyncio.run(live(address))
    assert failing.runs == 2


def test_an_organisation_without_a_code_has_no_courier(monkeypatch: pytest.MonkeyPatch, failing: type[Failing]) -> None:
    monkeypatch.setattr(delivering, "Dispatch", failing)

    async def live(address: str) -> None:
        settings = load(store=address)
        gateway = build_gateway(settings)
        with gateway.store:
            async with delivering.delivering(gateway, settings, Counter(), set(), "here", ways(gateway, settings)):
                await asyncio.sleep(0.01)

    with sqlite_database() as address:
        asyncio.run(live(address))
    assert failing.runs == 0


def test_transports_are_those_of_the_partners_as_they_are_now() -> None:
    unit: dict[str, Any] = {"ods": "ZIU1", "name": "Unit", "connections": [{"base_url": "http://127.0.0.1:9"}]}

    async def live(address: str) -> None:
        settings = load(store=address, ods="ZCT1", partners=PARTNERS)
        gateway = build_gateway(settings)
        with gateway.store:
            transports, elsewhere = ways(gateway, settings), delivering.directory(gateway, settings)
            partners = transports.partners
            await transports.refresh()
            assert list(transports) == ["ZOA1"]
            (kept,) = transports.values()
            added = await elsewhere.add(unit)  # as another process would
            await transports.refresh()
            assert set(transports) == {"ZOA1", "ZIU1"}
            first = transports["ZIU1"]
            assert transports.skipping == set()
            assert transports["ZOA1"] is kept, "what did not change is not made anew"
            off_now = {**unit, "dead_letters": "skip", "connections": [{**unit["connections"][0], "on": False}]}
            await elsewhere.change("ZIU1", off_now,
                                   version=added.version)  # fmt: skip
            await transports.refresh()
            assert transports["ZIU1"] is not first
            assert transports.skipping == {"ZIU1"}
            with pytest.raises(FhirMhError) as off:
                await transports["ZIU1"].send(Envelope("ZCT1", "ZIU1", ()))
            assert off.value.issues[0].code == "partner-off"
            await elsewhere.remove("ZIU1")
            await transports.refresh()
            assert set(transports) == {"ZOA1", "ZIU1"}, "it is owed its notices"
            assert await partners.find("ZIU1") is None, "and nothing of its is taken"
            await transports.close()

    with sqlite_database() as address:
        asyncio.run(live(address))


def test_to_a_plain_fhir_server_one_request_goes_at_a_time() -> None:
    """Two plans at once would make twice what both refer to."""
    server: dict[str, Any] = {
        "ods": "ZPS1", "name": "Server", "connections": [{"kind": "fhir-server", "base_url": "http://127.0.0.1:9/fhir"}],
    }  # fmt: skip

    async def live(address: str) -> None:
        settings = load(store=address, ods="ZCT1", partners=PARTNERS)
        gateway = build_gateway(settings)
        with gateway.store:
            transports = ways(gateway, settings)
            await delivering.directory(gateway, settings).add(server)
            await transports.refresh()
            assert transports.serial == {"ZPS1"}
            await transports.close()

    with sqlite_database() as address:
        asyncio.run(live(address))
