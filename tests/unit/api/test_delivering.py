"""The courier beside the application: it ends with it, and a fault of its own does not end it for good."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

import pytest

from fhir_mh.api import build_gateway, delivering
from fhir_mh.settings import load
from tests.databases import sqlite_database

PARTNERS = [{"ods": "ZOA1", "name": "Out-of-area provider", "base_url": "http://127.0.0.1:9"}]


class Failing:
    """A dispatch that fails once, and then runs until it is told to stop."""

    runs = 0

    def __init__(self, courier: object) -> None:
        self.courier = courier

    async def run(self, stop: asyncio.Event) -> None:
        Failing.runs += 1
        if Failing.runs == 1:
            raise ValueError("Zebedee 9990000018")
        await stop.wait()


def test_it_is_started_again_after_a_fault_and_says_nothing_of_what_was_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivering, "Dispatch", Failing)
    monkeypatch.setattr(delivering, "_REST", 0)
    Failing.runs = 0

    async def live(address: str) -> None:
        settings = load(store=address, ods="ZCT1", partners=PARTNERS)
        gateway = build_gateway(settings)
        with gateway.store:
            async with delivering.delivering(gateway, settings, Counter()):
                while Failing.runs < 2:
                    await asyncio.sleep(0)

    with sqlite_database() as address, caplog.at_level(logging.INFO):
        asyncio.run(live(address))
    assert Failing.runs == 2
    (said,) = [one.getMessage() for one in caplog.records if one.name == "fhir_mh.api.delivering"]
    assert "ValueError" in said
    assert "Zebedee" not in said


def test_without_partners_there_is_no_courier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "Dispatch", Failing)
    Failing.runs = 0

    async def live(address: str) -> None:
        settings = load(store=address, ods="ZCT1")
        gateway = build_gateway(settings)
        with gateway.store:
            async with delivering.delivering(gateway, settings, Counter()):
                await asyncio.sleep(0.01)

    with sqlite_database() as address:
        asyncio.run(live(address))
    assert Failing.runs == 0
