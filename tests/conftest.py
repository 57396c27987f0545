"""Fixtures that every room may use. store_url and store run each test once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.databases import NoPostgres, postgres_database, postgres_server, sqlite_database

if TYPE_CHECKING:
    from fhir_mh import Validator
    from fhir_mh.clock import ManualClock
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
def empty_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh, empty database, in which no store has been made yet."""
    if request.param == "sqlite":
        with sqlite_database(made=False) as address:
            yield address
    else:
        with postgres_database(request.getfixturevalue("postgres")) as address:
            yield address


@pytest.fixture(scope="session")
def made_on_postgres(postgres: str) -> Iterator[str]:
    """The name of a database with a store that holds nothing, to be copied: that is sooner done than to make one."""
    from sqlalchemy import make_url

    from fhir_mh.store import open_store

    with postgres_database(postgres) as address:
        open_store(address).close()
        yield str(make_url(address).database)


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> Callable[[str], AbstractContextManager[str]]:
    """Gives the address of a fresh store with nothing in it, on sqlite or postgresql."""

    @contextmanager
    def on(kind: str) -> Iterator[str]:
        if kind == "sqlite":
            with sqlite_database() as address:
                yield address
        else:
            made = request.getfixturevalue("made_on_postgres")
            with postgres_database(request.getfixturevalue("postgres"), like=made) as address:
                yield address

    return on


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, fresh: Callable[[str], AbstractContextManager[str]]) -> Iterator[str]:
    """The address of a fresh store with nothing in it."""
    with fresh(request.param) as address:
        yield address


@pytest.fixture
def clock() -> ManualClock | None:
    """The clock of the store: the machine's, but where a module has one that it turns itself."""
    return None


@pytest.fixture
def store(store_url: str, clock: ManualClock | None) -> Iterator[Store]:
    """A fresh, empty store."""
    from fhir_mh.store import open_store

    with open_store(store_url, clock=clock) as opened:
        yield opened
