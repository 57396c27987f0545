"""`fhir-mh serve` as a process: it says where it is, answers over a real connection, and stops when it is told to."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.contract.rest_caller import NHS, NUMBER

ENOUGH = 30  # seconds for a process to end


class Serving:
    """A gateway in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "fhir_mh.cli", "serve", "--ods", "ZCT1"]
        command += ["--store", f"sqlite:///{folder}/store.sqlite3", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and what it logged."""
        self.process.send_signal(how)
        _, log = self.process.communicate(timeout=ENOUGH)
        return self.process.returncode, log


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Serving]:
    found = Serving(folder, *arguments)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.process.kill()
        found.process.communicate()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fmh") as name:
        yield Path(name)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_answers_and_stops(folder: Path, how: signal.Signals) -> None:
    with serving(folder, "--port", "0") as gateway:
        assert gateway.address.startswith("http://127.0.0.1:")
        made = httpx.post(f"{gateway.address}/fhir/Patient", json={"resourceType": "Patient"})
        assert made.status_code == 201, made.text
        assert made.headers["location"].startswith(f"{gateway.address}/fhir/Patient/")
        assert "server" not in made.headers
        assert httpx.get(made.headers["location"]).json() == made.json()
        code, log = gateway.stop(how)
    assert code == 0, log
    assert "Traceback" not in log


def test_a_role_that_may_be_misspelt_is_said_at_the_start(folder: Path) -> None:
    config = folder / "gateway.toml"
    token = "not-made-at-random-but-long-enough-0000"
    config.write_text(f'[[clients]]\ntoken = "{token}"\norganisation = "ZCT1"\nrole = "operater"\n')
    with serving(folder, "--port", "0", "--config", str(config)) as gateway:
        code, log = gateway.stop()
    assert code == 0, log
    assert f"{config}: warning config-role-near at clients[0].role\n" in log
    assert token not in log


def test_what_it_stored_is_there_when_it_is_started_again(folder: Path) -> None:
    with serving(folder, "--port", "0") as gateway:
        name = httpx.post(f"{gateway.address}/fhir/Patient", json={"resourceType": "Patient"}).json()["id"]
        gateway.process.kill()
        gateway.process.wait(ENOUGH)
    with serving(folder, "--port", "0") as gateway:
        assert httpx.get(f"{gateway.address}/fhir/Patient/{name}").json()["id"] == name


def test_its_log_holds_neither_query_nor_ids_nor_what_was_sent(folder: Path) -> None:
    with serving(folder, "--port", "0") as gateway:
        person = {"resourceType": "Patient", "name": [{"family": "Zebedee"}]}
        httpx.post(f"{gateway.address}/fhir/Patient", json=person)
        httpx.get(f"{gateway.address}/fhir/Patient?identifier={NHS}|{NUMBER}")
        httpx.get(f"{gateway.address}/fhir/Patient/{NUMBER}?name=Zebedee")
        address = urlsplit(gateway.address)
        for raw in (
            f"GET /{NUMBER} HTTP/9\r\n\r\n",
            f"{NUMBER}\r\n\r\n",
            f"GET / HTTP/1.1\r\nZebedee {NUMBER}\r\n\r\n",
        ):
            with socket.create_connection((address.hostname, address.port or 0), timeout=ENOUGH) as connection:
                connection.sendall(raw.encode())
                assert NUMBER not in connection.recv(10_000).decode()
        _, log = gateway.stop()
    assert "GET /fhir/Patient 400" in log
    assert "GET /fhir/Patient/* 400" in log
    assert "Zebedee" not in log
    assert NUMBER not in log


def test_a_port_that_is_taken_is_said_so(folder: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        serving(folder, "--port", str(taken.getsockname()[1])) as gateway,
    ):
        _, log = gateway.process.communicate(timeout=ENOUGH)
    assert gateway.process.returncode == 2
    assert "--port" in log
    assert "Traceback" not in log


def test_a_second_gateway_on_the_same_store_is_refused(folder: Path) -> None:
    with serving(folder, "--port", "0"), serving(folder, "--port", "0") as second:
        _, log = second.process.communicate(timeout=ENOUGH)
    assert second.process.returncode != 0
    assert "store-in-use" in log


def test_without_clients_it_listens_on_this_machine_only(folder: Path) -> None:
    with serving(folder, "--port", "0", "--host", "0.0.0.0") as gateway:
        _, log = gateway.process.communicate(timeout=ENOUGH)
    assert gateway.process.returncode == 2
    assert "config-client-needed" in log
