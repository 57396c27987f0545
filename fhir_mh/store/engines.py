"""Engines: how each database is connected to, so that transactions begin and end where the store says."""

from __future__ import annotations

import sqlite3
from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, StaticPool

from fhir_mh.errors import FhirMhError, InvalidResource
from fhir_mh.issues import issue

_BUSY_MS = 10_000
_OLDEST_SQLITE = (3, 35)  # RETURNING


def address(url: str) -> URL:
    """The parts of a store's address. Raises InvalidResource for what is not one; the address is never repeated."""
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidResource(issues=[issue("store-bad-address", "--store")]) from None
    if found.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return found.set(drivername="postgresql+psycopg")
    if found.drivername in ("sqlite", "sqlite+pysqlite"):
        return found.set(drivername="sqlite+pysqlite")
    raise InvalidResource(issues=[issue("store-bad-address", "--store")])


def in_memory(url: URL) -> bool:
    """Whether an SQLite store lives in this process only."""
    return url.database in (None, "", ":memory:")


def sqlite_engine(
    url: URL, *, begin: str, query_only: bool = False, shared: bool = False, unlimited: bool = False
) -> Engine:
    """An engine whose transactions start with begin.

    shared: one connection for everybody, so that a store in memory is one store. unlimited: a new connection for
    whoever asks, to keep.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise FhirMhError(issues=[issue("store-sqlite-too-old", "$", found=sqlite3.sqlite_version)])
    more: dict[str, Any] = {"poolclass": StaticPool} if shared else {"poolclass": NullPool} if unlimited else {}
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={
            "isolation_level": None,
            "check_same_thread": False,
            "timeout": _BUSY_MS / 1000,
            "cached_statements": 512,
        },
        **more,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {_BUSY_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            "wal_autocheckpoint = 4000",  # pages: one that is written often is copied to the file less often
            "cache_size = -32000",
            f"query_only = {'ON' if query_only else 'OFF'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        raw = connection.connection.driver_connection if query_only else None
        if raw is not None:  # a deferred BEGIN cannot fail, and the short way round saves a third of a read
            raw.execute(begin)
        else:
            connection.exec_driver_sql(begin)

    return engine


def postgres_engine(url: URL, *, pool_size: int) -> Engine:
    """A pool of connections in SERIALIZABLE: what two transactions do is as if one had come after the other.

    Where one looks for what the other writes, and the other for what it writes, the later is run again, as of two that
    change one row: then a retraction, a withdrawal or a merge and a message under way see each other, whichever rows
    say so. See https://www.postgresql.org/docs/current/transaction-iso.html#XACT-SERIALIZABLE

    Raises FhirMhError where the driver is not installed.
    """
    if find_spec("psycopg") is None:
        raise FhirMhError(issues=[issue("store-no-driver", "--store")])
    return create_engine(
        url,
        hide_parameters=True,
        isolation_level="SERIALIZABLE",
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=30,
        connect_args={"connect_timeout": 10, "prepare_threshold": 2},
    )
