"""A caller over a fresh store: caller on SQLite, caller_on_each once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fhir_mh.settings import Settings, load
from tests.contract.rest_caller import Caller, calling
from tests.databases import sqlite_database


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Those of a community trust with one partner, over a fresh SQLite file."""
    with sqlite_database() as address:
        yield load(store=address, ods="ZCT1", name="Community trust", partners=PARTNERS)


PARTNERS = [{"ods": "ZOA1", "name": "Out-of-area provider", "base_url": "http://127.0.0.1:9"}]


@pytest.fixture
def caller(settings: Settings) -> Iterator[Caller]:
    with calling(settings) as found:
        yield found


@pytest.fixture
def caller_on_each(store_url: str) -> Iterator[Caller]:
    with calling(load(store=store_url, ods="ZCT1", name="Community trust", partners=PARTNERS)) as found:
        yield found
