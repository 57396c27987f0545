"""What every look at a connection has in common: its steps, and the way down to where a partner answers.

Each step says what was seen, or gives an Issue with what is wrong and how it is mended; what cannot be looked at after
a step that failed is not checked, and so said.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, NoReturn
from urllib.parse import urlsplit

from fhir_mh.clock import Clock
from fhir_mh.issues import Issue, issue
from fhir_mh.partner import Connection, Partner

Result = Literal["ok", "warning", "wrong", "not-checked"]

BELOW = ("name", "reached", "certificate")
"""The steps before anything is asked, in this order."""

_PATIENCE = 5  # seconds for a step below HTTP
_SOON = timedelta(days=30)
_PROBLEMS = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is signed by itself",
    19: "it is signed by an authority that this machine does not trust",
    20: "it is signed by an authority that this machine does not trust",
    62: "it is for another name",
    64: "it is for another address",
}  # of OpenSSL's X509_V_ERR_*


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at. said: what was seen, without data; found: what is wrong or to be known."""

    name: str
    result: Result
    said: str = ""
    found: Issue | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-ready; issue only where there is one."""
        shown: dict[str, Any] = {"step": self.name, "result": self.result, "said": self.said}
        return shown if self.found is None else {**shown, "issue": self.found.as_dict()}


@dataclass(frozen=True, slots=True)
class Checked:
    """A partner's connections in their order, each with its address and the steps taken.

    issues: why the partner cannot be used at all as it is kept here.
    """

    ods: str
    name: str
    connections: tuple[tuple[str, tuple[Step, ...]], ...]
    issues: tuple[Issue, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.issues and all(step.result != "wrong" for _, steps in self.connections for step in steps)

    def as_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "ods": self.ods,
            "name": self.name,
            "ok": self.holds,
            "connections": [
                {"base_url": url, "steps": [step.as_json() for step in steps]} for url, steps in self.connections
            ],
            "issues": [one.as_dict() for one in self.issues],
        }


class Stop(Exception):
    """Nothing beyond this step can be looked at."""


@dataclass
class Look(ABC):
    """At one connection. place: where it stands, for people. names: of all steps, in their order."""

    names: ClassVar[tuple[str, ...]]

    partner: Partner
    connection: Connection
    place: str
    own: str
    clock: Clock
    steps: list[Step] = field(default_factory=list)

    @abstractmethod
    async def beyond(self) -> None:
        """The steps of this kind of connection. Raises Stop where nothing after one can be looked at."""

    async def all(self) -> tuple[Step, ...]:
        """Every step, in order, those too that could not be looked at."""
        with suppress(Stop):
            if not self.connection.on:
                self._wrong("name", issue("partner-off", f"{self.place}.on"), "not-checked")
            await self._below()
            await self.beyond()
        taken = {step.name for step in self.steps}
        self.steps += [Step(name, "not-checked") for name in self.names if name not in taken and self._applies(name)]
        return tuple(sorted(self.steps, key=lambda step: self.names.index(step.name)))

    def _applies(self, name: str) -> bool:
        return name != "certificate" or self.connection.base_url.startswith("https:")

    def _ok(self, name: str, said: str) -> None:
        self.steps.append(Step(name, "ok", said))

    def _note(self, name: str, found: Issue) -> None:
        """Something to be known that stops nothing."""
        result: Result = "warning" if found.severity == "warning" else "not-checked"
        self.steps.append(Step(name, result, found.message, found))

    def _wrong(self, name: str, found: Issue, result: Result = "wrong") -> NoReturn:
        self.steps.append(Step(name, result, found.message, found))
        raise Stop

    # --- below HTTP

    async def _below(self) -> None:
        address = urlsplit(self.connection.base_url)
        host, secure = address.hostname or "", address.scheme == "https"
        port = address.port or (443 if secure else 80)
        at = f"{self.place}.base_url"
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            self._wrong("name", issue("partner-unresolved", at))
        self._ok("name", ", ".join(sorted({str(one[4][0]) for one in found})))
        try:
            await _close(await _opened(host, port))
        except OSError as fault:
            self._wrong("reached", issue("partner-unreachable", at, reason=type(fault).__name__))
        self._ok("reached", f"port {port}")
        if secure:
            await self._certificate(host, port, at)

    async def _certificate(self, host: str, port: int, at: str) -> None:
        try:
            writer = await _opened(host, port, ssl.create_default_context())
        except ssl.SSLCertVerificationError as fault:
            problem = _PROBLEMS.get(fault.verify_code, "it cannot be verified")
            self._wrong("certificate", issue("partner-certificate", at, problem=problem))
        except (OSError, ValueError) as fault:
            problem = f"no TLS is spoken there ({type(fault).__name__})"
            self._wrong("certificate", issue("partner-certificate", at, problem=problem))
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(writer.get_extra_info("peercert")["notAfter"]), UTC)
        await _close(writer)
        left = ends - self.clock.now()
        if left < _SOON:
            found = issue("partner-certificate-ends", at, days=max(0, left.days), date=ends.date().isoformat())
            self._note("certificate", found)
        else:
            self._ok("certificate", f"valid until {ends.date().isoformat()}, for {left.days} days")


async def _opened(host: str, port: int, context: ssl.SSLContext | None = None) -> asyncio.StreamWriter:
    async with asyncio.timeout(_PATIENCE):
        _, writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname=host if context is not None else None
        )
        return writer


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await writer.wait_closed()
