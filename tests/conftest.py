"""Fixtures that every room may use. store_url and store run each test once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.databases import NoPostgres, postgres_database, postgres_server, sqlite_database

if TYPE_CHECKING:
    from fhir_mh import Validator
    from fhir_mh.store import Store

# `make test` looks at the same examples each time, so that a change is judged by what it changed; `make verify` looks
# at new and more ones. No test is about time.
_SLOW = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]
hypothesis.settings.register_profile(
    "same", max_examples=25, derandomize=True, deadline=None, suppress_health_check=_SLOW
)
hypothesis.settings.register_profile("search", max_examples=200, deadline=None, suppress_health_check=_SLOW)
hypothesis.settings.load_profile("same")


@pytest.fixture(scope="session")
def validator() -> Validator:
    """The one that every test of this session shares."""
    from tests.validators import shared_validator

    return shared_validator()


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
