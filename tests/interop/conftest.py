"""A FHIR server that others wrote: the one at FHIR_MH_TEST_FHIR_BASE, else Medplum's, in memory on a free port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from scripts.provide_tools import SERVER, STARTED_BY

_ENOUGH = 60  # seconds for it to start


@dataclass(frozen=True)
class Others:
    """Where it answers, and the token that it wants, if any."""

    url: str
    token: str | None


@pytest.fixture(scope="session")
def others() -> Iterator[Others]:
    named = os.environ.get("FHIR_MH_TEST_FHIR_BASE")
    if named:
        yield Others(named, os.environ.get("FHIR_MH_TEST_FHIR_TOKEN") or None)
        return
    node = shutil.which("node")
    if node is None or not (SERVER / STARTED_BY.name).exists():
        pytest.skip("no FHIR server of others' is here: name one, or run scripts/provide_tools.py server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [node, STARTED_BY.name, str(port)], cwd=SERVER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield Others(_answering(f"http://127.0.0.1:{port}/fhir", process), None)
    finally:
        process.kill()
        process.wait()


def _answering(url: str, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + _ENOUGH
    while time.monotonic() < end:
        assert process.poll() is None, "it has ended"
        try:
            if httpx.get(f"{url}/metadata").status_code == 200:
                return url
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("it does not answer")
