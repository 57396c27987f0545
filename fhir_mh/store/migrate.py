"""Bringing a database to the schema this code expects, when a store is opened. Alembic is imported only when there is
something to do. Two that open one store at the same time wait for each other."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from fhir_mh.errors import Conflict
from fhir_mh.issues import issue
from fhir_mh.store.schema import REVISION

_LOCK = 0x66686972  # any number of our own, for PostgreSQL's advisory locks


def revision_of(connection: Connection) -> str | None:
    """The migration a database stands at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def upgrade(engine: Engine) -> None:
    """Bring the database to REVISION, all of it or nothing. Raises Conflict when it is ahead of this code."""
    with engine.connect() as connection, connection.begin():
        if revision_of(connection) == REVISION:
            return
    if engine.dialect.name == "postgresql":  # the lock is taken before the view of the data is
        engine = engine.execution_options(isolation_level="READ COMMITTED")
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _run(connection, revision_of(connection))


def _run(connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise Conflict(issues=[issue("store-newer", "--store", found=found, known=REVISION)])
    command.upgrade(config, REVISION)
