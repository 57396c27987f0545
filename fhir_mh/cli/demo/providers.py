"""Three providers, each a process of its own with its own database, on free ports of this machine."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from fhir_mh.cli.demo.ending import undisturbed
from fhir_mh.clock import elapsed

HOME, UNIT, AWAY = "ZCT1", "ZCT2", "ZOA1"
NAMES = {HOME: "Community trust", UNIT: "Its inpatient unit", AWAY: "Out-of-area provider"}
_READY_WITHIN = 60.0


class NotHeld(Exception):
    """A step was not seen to hold where it should have arrived."""


@dataclass
class Provider:
    """One gateway process."""

    ods: str
    name: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on its own port and its own database."""
        log = (self.folder / f"{self.ods}.log").open("ab")
        command = [sys.executable, "-m", "fhir_mh.cli", "serve", "--config", str(self.folder / f"{self.ods}.toml")]
        with undisturbed():
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)  # noqa: S603
        log.close()

    def ready(self) -> None:
        """Wait until it answers."""
        deadline = elapsed() + _READY_WITHIN
        while elapsed() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise NotHeld(f"the gateway of {self.name} stopped: {self._last_words()}")
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.address}/fhir/metadata", timeout=5).is_success:
                    return
            time.sleep(0.05)
        raise NotHeld(f"the gateway of {self.name} did not start within {_READY_WITHIN:.0f} s")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to stop; end it where it does not."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def _last_words(self) -> str:
        lines = (self.folder / f"{self.ods}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


class Providers:
    """The three, sharing a secret for each pair."""

    def __init__(self, folder: Path) -> None:
        ports = _free_ports(len(NAMES))
        self.by_ods = {
            ods: Provider(ods, name, port, folder) for (ods, name), port in zip(NAMES.items(), ports, strict=True)
        }
        pairs = {frozenset((a, b)): secrets.token_urlsafe(32) for a in NAMES for b in NAMES if a < b}
        for provider in self.by_ods.values():
            (folder / f"{provider.ods}.toml").write_text(self._settings(provider, pairs), encoding="utf-8")

    def _settings(self, provider: Provider, pairs: dict[frozenset[str], str]) -> str:
        # a JSON string is a TOML string, too
        said = json.dumps
        lines = [
            f"ods = {said(provider.ods)}",
            f"name = {said(provider.name)}",
            f"port = {provider.port}",
            f"store = {said(f'sqlite:///{provider.folder / provider.ods}.sqlite3')}",
        ]
        for other in self.by_ods.values():
            if other is not provider:
                lines += [
                    "[[partners]]",
                    f"ods = {said(other.ods)}",
                    f"name = {said(other.name)}",
                    f"base_url = {said(other.address)}",
                    f"secret = {said(pairs[frozenset((provider.ods, other.ods))])}",
                ]
        return "\n".join(lines) + "\n"

    def __getitem__(self, ods: str) -> Provider:
        return self.by_ods[ods]

    def __iter__(self) -> Iterator[Provider]:
        return iter(self.by_ods.values())

    def __enter__(self) -> Self:
        try:
            for provider in self:
                provider.start()
            for provider in self:
                provider.ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        with undisturbed():
            for provider in self:
                provider.stop()

    def wait(self) -> None:
        """Until Ctrl-C, or what counts as that."""
        with contextlib.suppress(KeyboardInterrupt):
            while all(provider.process and provider.process.poll() is None for provider in self):
                time.sleep(0.5)


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago: held together, so that they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
