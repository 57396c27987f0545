"""Fixtures that every room may use. store_url and store run each test once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.databases import NoPostgres, postgres_database, postgres_server, sqlite_database

if TYPE_CHECKING:
    from fhir_mh.store import Store


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server for this session."""
    try:
        with postgres_server() as address:
            yield address
    except NoPostgres as reason:
        pytest.skip(str(reason))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh, empty database."""
    if request.param == "sqlite":
        with sqlite_database() as address:
            yield address
    else:
        with postgres_database(request.getfixturevalue("postgres")) as address:
            yield address


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A fresh, empty store."""
    from fhir_mh.store import open_store

    with open_store(store_url) as opened:
        yield opened
