"""A home team's gateway and a far ward's, each `fhir-mh serve` in a process of its own, which can be struck down."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.faults.people import HOME, WARD

PATIENCE = 330.0  # seconds, before a test is given up: longer than a gateway waits between two tries
_SECRET = "the secret of this pair, for tests only"


def until(what: str, holds: Callable[[], Any]) -> Any:
    """What `holds` gives once it gives anything; while nobody answers it is asked again."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            found = holds()
        except httpx.HTTPError:
            found = None
        if found:
            return found
        assert time.monotonic() < end, f"it never came to be: {what}"
        time.sleep(0.02)


class Serving:
    """One gateway, by the same settings each time that it is started."""

    def __init__(self, config: Path, port: int) -> None:
        self.config = config
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "fhir_mh.cli", "serve", "--config", str(self.config)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        assert self.process.stdout.readline(), "it did not start"

    def kill(self) -> None:
        """As by kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def post(self, tree: Mapping[str, Any]) -> httpx.Response:
        return self.client.post("/records", json=tree)

    def insist(self, tree: Mapping[str, Any]) -> None:
        """Send a change until it is acknowledged, as a system does whose gateway may be away."""
        until("an acknowledgement", lambda: self.post(tree).is_success)

    def record(self, number: str) -> dict[str, Any]:
        answer = self.client.post("/records/find", json={"nhs_number": number})
        found: dict[str, Any] = answer.json()["record"] if answer.is_success else {}
        return found

    def history(self, plan: str) -> list[dict[str, Any]]:
        """Every version of a plan, oldest first."""
        (entry,) = self.client.get("/fhir/CarePlan", params={"identifier": plan}).json()["entry"]
        address, found = f"/fhir/CarePlan/{entry['resource']['id']}/_history", []
        while address:
            page = self.client.get(address).json()
            found += [entry["resource"] for entry in page.get("entry", ())]
            address = next((link["url"] for link in page.get("link", ()) if link["relation"] == "next"), "")
        return found[::-1]


@contextmanager
def pair(folder: Path, stores: Mapping[str, str]) -> Iterator[dict[str, Serving]]:
    """Both, running, by their ODS codes."""
    with ExitStack() as held:
        sockets = {ods: held.enter_context(socket.socket()) for ods in (HOME, WARD)}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        ports = {ods: one.getsockname()[1] for ods, one in sockets.items()}
    found = {}
    for ods, other in ((HOME, WARD), (WARD, HOME)):
        said = {"ods": ods, "port": ports[ods], "store": stores[ods]}
        partner = {"ods": other, "name": other, "base_url": f"http://127.0.0.1:{ports[other]}", "secret": _SECRET}
        lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()] + ["[[partners]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in partner.items()]
        file = folder / f"{ods}.toml"
        file.write_text("\n".join(lines))
        found[ods] = Serving(file, ports[ods])
    try:
        for one in found.values():
            one.start()
        yield found
    finally:
        for one in found.values():
            one.kill()
            one.client.close()
