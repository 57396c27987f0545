"""Opening a store: addresses, migrations, releases, the one writer of a file, and faults without personal data."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, exc

from fhir_mh.errors import Conflict, FhirMhError, InvalidResource, UpstreamUnavailable
from fhir_mh.store import Store, engines, faults, migrate, open_store
from fhir_mh.store.schema import REVISION, metadata
from tests.databases import sqlite_database

ROOT = Path(__file__).parents[2]


def test_the_migrations_lead_to_the_schema_the_code_uses(empty_url: str) -> None:
    open_store(empty_url).close()
    engine = create_engine(engines.address(empty_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_code_expects_the_newest_migration() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [REVISION]


def test_a_store_opened_again_is_as_it_was(empty_url: str) -> None:
    with open_store(empty_url) as store:
        store.write_now(lambda tx: tx.add_person("p-1"))
    with open_store(empty_url) as store:
        assert store.read_now(lambda tx: tx.persons()) == ["p-1"]


def test_what_waits_in_a_store_of_before_marks_goes_on_waiting(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine(engines.address(empty_url))
    monkeypatch.setattr(migrate, "REVISION", "0004")
    migrate.upgrade(engine)
    row = (
        "INSERT INTO outbox (message, partner, person, kind, urgent, payload, state, attempts, created)"
        " VALUES ('{0}', 'W', '1', '{1}', {2}, '{{}}', 'pending', 0, 5)"
    )
    with engine.begin() as connection:
        for message, kind in (("m1", "notice"), ("m2", "proposal"), ("m3", "notice")):
            connection.exec_driver_sql(row.format(message, kind, "false"))
        connection.exec_driver_sql("DELETE FROM outbox WHERE message = 'm3'")
        connection.exec_driver_sql(
            "INSERT INTO currency (partner, person, custodian, stored_edition, stored_at) VALUES ('W', '1', 'H', 4, 5)"
        )
        with pytest.raises(exc.IntegrityError), connection.begin_nested():
            connection.exec_driver_sql(row.format("m4", "filed", "true"))
    monkeypatch.undo()
    with open_store(empty_url) as store:
        kept = store.read_now(lambda tx: tx.outbox.find())
        assert [(one.seq, one.message, one.kind, one.payload) for one in kept] == [
            (1, "m1", "notice", "{}"), (2, "m2", "proposal", "{}"),
        ]  # fmt: skip
        added = store.write_now(lambda tx: tx.outbox.add("W", "1", "filed", edition=4, urgent=True))
        assert added.seq > 3, "a number is never given twice"
        (copy,) = store.read_now(lambda tx: tx.currency.of("1"))
        assert copy.stored is not None
        assert (copy.stored.edition, copy.lapsed) == (4, {})
        with pytest.raises(Conflict):
            store.write_now(lambda tx: tx.outbox.add("W", "1", "burnt"))  # type: ignore[arg-type]
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_whoever_had_sharing_rules_before_turnings_were_kept_is_looked_at_once(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(engines.address(empty_url))
    monkeypatch.setattr(migrate, "REVISION", "0015")
    migrate.upgrade(engine)
    row = (
        "INSERT INTO resources (type, id, version, person, custodian, deleted, updated)"
        " VALUES ('{0}', '{1}', 1, {2}, 'H', false, 5)"
    )
    with engine.begin() as connection:
        for person in ("p", "q"):
            connection.exec_driver_sql(f"INSERT INTO persons (id, version, created) VALUES ('{person}', 1, 5)")
        for kind, name, person in (
            ("Consent", "c1", "'p'"), ("Consent", "c2", "'p'"), ("Patient", "x", "'q'"), ("Consent", "c3", "NULL"),
        ):  # fmt: skip
            connection.exec_driver_sql(row.format(kind, name, person))
    monkeypatch.undo()
    with open_store(empty_url) as store:
        assert store.read_now(lambda tx: tx.turnings.due(10)) == ["p"]
    engine.dispose()


def test_what_was_under_way_before_it_was_noted_may_have_left(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine(engines.address(empty_url))
    monkeypatch.setattr(migrate, "REVISION", "0018")
    migrate.upgrade(engine)
    whose, sent = {"person": "p", "custodian": "H"}, {"sent": "", "withheld": "", "inexpressible": "", "made": 5}
    with engine.begin() as connection:
        for table, row in (
            ("persons", {"id": "p", "version": 1, "created": 5}),
            ("resources", {"type": "Goal", "id": "g", "version": 1, "deleted": False, "updated": 5, **whose}),
            ("currency", {"partner": "W", "stored_edition": 2, **whose}),
            *(("projections", {"partner": "W", "edition": edition, **sent, **whose}) for edition in (1, 2, 3, 4)),
        ):
            connection.execute(metadata.tables[table].insert().values(row))
        there = {"remote_id": "1", "remote_version": "1", "held": "x", "seen": 5}
        copy = {"partner": "W", "type": "Goal", "name": "g", **there}
        connection.execute(metadata.tables["server_copies"].insert().values(copy))
    monkeypatch.undo()
    with open_store(empty_url) as store:
        assert store.read_now(lambda tx: tx.server_copies.unanswered("W", "Goal", "g")) == {3, 4}
    engine.dispose()


def test_a_store_of_a_newer_release_is_refused_and_left_alone(empty_url: str) -> None:
    open_store(empty_url).close()
    engine = create_engine(engines.address(empty_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Conflict) as refused:
        open_store(empty_url)
    assert refused.value.issues[0].code == "store-newer"
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"
    engine.dispose()
    with pytest.raises(Conflict):  # and nothing was left locked
        open_store(empty_url)


def test_two_that_open_an_empty_postgresql_store_at_once(request: pytest.FixtureRequest) -> None:
    from tests.databases import postgres_database

    with postgres_database(request.getfixturevalue("postgres")) as address:
        opened: list[Store] = []
        threads = [threading.Thread(target=lambda: opened.append(open_store(address, workers=1))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(opened) == 4
        opened[0].write_now(lambda tx: tx.add_person("p-1"))
        assert opened[3].read_now(lambda tx: tx.persons()) == ["p-1"]
        for store in opened:
            store.close()


def test_one_process_writes_to_a_file() -> None:
    with sqlite_database() as address:
        with open_store(address):
            script = "import sys; from fhir_mh.store import open_store; open_store(sys.argv[1])"
            other = subprocess.run(
                [sys.executable, "-c", script, address], capture_output=True, text=True, cwd=ROOT, check=False
            )
            assert "Another process has this store open" in other.stderr
            with pytest.raises(Conflict) as refused:
                open_store(address)
            assert refused.value.issues[0].code == "store-in-use"
        open_store(address).close()


@pytest.mark.parametrize(
    "address", ["", "store.sqlite3", "mysql://root:secret@db/x", "sqlite://", "sqlite:///:memory:", "://secret"]
)
def test_what_is_not_an_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        open_store(address)
    assert refused.value.issues[0].code == "store-bad-address"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("address", ["postgresql://u:secret@127.0.0.1:1/x", "sqlite:////nonexistent/folder/x.sqlite3"])
def test_a_database_that_does_not_answer_is_unavailable(address: str) -> None:
    if address.startswith("postgresql"):
        pytest.importorskip("psycopg")
    with pytest.raises(UpstreamUnavailable) as refused:
        open_store(address)
    assert refused.value.issues[0].code == "store-unavailable"
    assert "secret" not in str(refused.value)


def test_a_statement_that_is_wrong_in_itself_is_a_fault_of_ours(store: Store) -> None:
    with pytest.raises(FhirMhError) as refused:
        store.read_now(lambda tx: tx.session.all("SELECT ?", "9990000018", "9990000026"))
    assert type(refused.value) is FhirMhError
    assert [(one.code, one.path) for one in refused.value.issues] == [("store-fault", "$")]
    assert "999" not in f"{refused.value!s} {refused.value.issues}"


def test_postgresql_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(FhirMhError) as refused:
        open_store("postgresql://u:secret@127.0.0.1:1/x")
    assert [(one.code, one.path) for one in refused.value.issues] == [("store-no-driver", "--store")]
    assert "secret" not in str(refused.value)


def test_an_sqlite_that_is_too_old_is_refused_before_a_database_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines.sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(FhirMhError) as refused:
        open_store(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    assert [(one.code, one.path) for one in refused.value.issues] == [("store-sqlite-too-old", "$")]
    assert not (tmp_path / "x.sqlite3").exists()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(FhirMhError) as refused:
        open_store(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    assert refused.value.issues[0].code == "store-unavailable"


def test_a_contradiction_names_no_value(store: Store) -> None:
    store.write_now(lambda tx: tx.outbox.add("W", "9990000018", "notice", message="m1"))
    with pytest.raises(Conflict) as refused:
        store.write_now(lambda tx: tx.outbox.add("W", "9990000018", "notice", message="m1"))
    shown = f"{refused.value!s} {refused.value!r} {refused.value.issues} {refused.value.__cause__}"
    assert refused.value.issues[0].code == "store-contradiction"
    assert "m1" not in shown
    assert "9990000018" not in shown


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (exc.IntegrityError("sql 999", {}, Exception("999")), Conflict, "store-contradiction"),
        (exc.OperationalError("sql 999", {}, Exception("999")), UpstreamUnavailable, "store-unavailable"),
        (exc.InterfaceError("sql 999", {}, Exception("999")), UpstreamUnavailable, "store-unavailable"),
        (exc.TimeoutError("999"), UpstreamUnavailable, "store-unavailable"),
        (exc.DataError("sql 999", {}, Exception("999")), FhirMhError, "store-fault"),
        (exc.InvalidRequestError("999"), FhirMhError, "store-fault"),
    ],
)
def test_every_fault_of_the_database_becomes_one_of_ours(
    fault: exc.SQLAlchemyError, kind: type[FhirMhError], code: str
) -> None:
    with pytest.raises(FhirMhError) as raised, faults.translating():
        raise fault
    assert type(raised.value) is kind
    assert [(one.code, one.path) for one in raised.value.issues] == [(code, "$")]
    assert "999" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_opening_a_store_that_is_up_to_date_does_not_import_alembic() -> None:
    with sqlite_database() as address:
        open_store(address).close()
        script = (
            "import sys; from fhir_mh.store import open_store; open_store(sys.argv[1]).close();"
            "sys.exit('alembic' in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", script, address], check=True, cwd=ROOT)
