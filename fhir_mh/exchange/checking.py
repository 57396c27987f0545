"""Proving a partner's connections step by step, without anybody's data (docs/sync-protocol.md, 'Asking first').

Each step says what was seen, or gives an Issue with what is wrong and how it is mended; what cannot be looked at after
a step that failed is not checked, and so said.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NoReturn
from urllib.parse import urlsplit

from fhir_mh import shipped
from fhir_mh.clock import Clock
from fhir_mh.errors import InvalidResource, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.messages import CODE, PROTOCOL, Envelope, Message
from fhir_mh.exchange.signing import FROM, TIME, WINDOW
from fhir_mh.exchange.transport import Answer, HttpTransport, prove
from fhir_mh.fhir.json import load_object
from fhir_mh.issues import Issue, issue
from fhir_mh.partner import Connection, Partner
from fhir_mh.profiles import to_bundle
from fhir_mh.records import CareRecord

Result = Literal["ok", "warning", "wrong", "not-checked"]
STEPS = ("name", "reached", "certificate", "gateway", "clock", "secret", "protocol", "formats", "dry-run")
"""What is looked at, in this order."""

_OF_THE_PROTOCOL = (200, 400, 401, 413)
_PATIENCE = 5  # seconds for a step below HTTP
_SOON = timedelta(days=30)
_DRIFT = timedelta(seconds=60)
_MADE_UP = "people/parent-placed-far-away/1-community.json"
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


async def check(partner: Partner, own: str, clock: Clock) -> Checked:
    """Look at every connection of a partner, all at once. own: the ODS code that asks. Raises nothing."""
    looks = [
        _Look(partner, connection, f"{partner.ods}.connections[{index}]", own, clock).all()
        for index, connection in enumerate(partner.connections)
    ]
    steps = await asyncio.gather(*looks)
    urls = [connection.base_url for connection in partner.connections]
    return Checked(partner.ods, partner.name, tuple(zip(urls, steps, strict=True)))


def made_up(own: str) -> Message:
    """The snapshot that would be sent of somebody who does not exist."""
    record = CareRecord.model_validate(load_object((shipped.path("examples") / _MADE_UP).read_bytes()))
    content = {"sections": ["care-plan"], "bundle": to_bundle(record)}
    return Message("check", "snapshot", record.person.nhs_number or "", own, 1, content)


class _Stop(Exception):
    """Nothing beyond this step can be looked at."""


@dataclass
class _Look:
    """At one connection. place: where it stands, for people."""

    partner: Partner
    connection: Connection
    place: str
    own: str
    clock: Clock
    steps: list[Step] = field(default_factory=list)

    async def all(self) -> tuple[Step, ...]:
        with suppress(_Stop):
            if not self.connection.on:
                self._wrong("name", issue("partner-off", f"{self.place}.on"), "not-checked")
            await self._below()
            self._judge(*await self._asked())
        taken = {step.name for step in self.steps}
        self.steps += [Step(name, "not-checked") for name in STEPS if name not in taken and self._applies(name)]
        return tuple(sorted(self.steps, key=lambda step: STEPS.index(step.name)))

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
        raise _Stop

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

    # --- the gateway

    async def _asked(self) -> tuple[Answer, timedelta | None]:
        """What is answered to an envelope that asks, and how far the other clock is ahead, where it says its time."""
        transport = HttpTransport(self.connection, self.partner.ods, self.own, self.clock)
        asking = Envelope(self.own, self.partner.ods, (), (made_up(self.own),))
        before = self.clock.now()
        try:
            answer = await transport.ask(asking.as_json())
        except UpstreamUnavailable as fault:
            reason = fault.issues[0].code
            self._wrong("gateway", issue("partner-unreachable", f"{self.place}.base_url", reason=reason))
        finally:
            await transport.close()
        now = self.clock.now()
        theirs = _time_of(answer.headers)
        return answer, None if theirs is None else theirs - (before + (now - before) / 2)

    def _judge(self, answer: Answer, ahead: timedelta | None) -> None:
        who = answer.headers.get(FROM)
        codes = _codes(answer)
        if (who is None and not codes) or answer.status not in _OF_THE_PROTOCOL:
            self._wrong("gateway", issue("partner-not-a-gateway", f"{self.place}.base_url", status=answer.status))
        if who not in (None, self.partner.ods) or "sync-not-addressed" in codes:
            self._wrong("gateway", issue("partner-other-organisation", f"{self.place}.base_url", ods=self.partner.ods))
        self._ok("gateway", f"it answers as {self.partner.ods}" if who else "it answers")
        self._clock(ahead, refused="sync-clock" in codes)
        self._secret(answer, codes)
        self._protocol(answer)

    def _clock(self, ahead: timedelta | None, *, refused: bool) -> None:
        off = abs(ahead) if ahead is not None else timedelta()
        minutes, seconds = divmod(int(off.total_seconds()), 60)
        said = f"{minutes} min {seconds} s"
        if refused or off > WINDOW:
            self._wrong("clock", issue("partner-clock", self.place, apart=said if ahead is not None else "too far"))
        if ahead is None:
            self.steps.append(Step("clock", "not-checked", "it does not say its time"))
        elif off > _DRIFT:
            self._note("clock", issue("partner-clock", self.place, "warning", apart=said))
        else:
            self._ok("clock", f"{said} apart")

    def _secret(self, answer: Answer, codes: Mapping[str, str]) -> None:
        at = f"{self.place}.secret"
        if answer.status == 401:
            unknown = codes.get("sync-unsigned") == FROM
            self._wrong("secret", issue("partner-not-known-there" if unknown else "partner-secret", at, ods=self.own))
        try:
            prove(answer, self.partner.ods, self.own, self.clock.now())
        except NotAuthenticated as fault:
            self._wrong("secret", fault.issues[0].at(at))
        now = self.clock.now()
        agreed = self.connection.secrets(now)
        if not agreed:
            self.steps.append(Step("secret", "ok", "none is agreed: both are on this machine"))
        elif answer.secret != agreed[0]:
            until = self.connection.previous_until
            self._note("secret", issue("partner-older-secret", at, until=until.isoformat() if until else ""))
        else:
            self._ok("secret", "the same on both sides")

    def _protocol(self, answer: Answer) -> None:
        if answer.status != 200:
            self._wrong("protocol", issue("partner-protocol", self.place, protocol=PROTOCOL))
        body = _body(answer) or {}
        told = body.get("check")
        if not isinstance(body.get("receipts"), list):
            self._wrong("protocol", issue("partner-protocol", self.place, protocol=PROTOCOL))
        if not isinstance(told, dict):  # an earlier release: it speaks the protocol, and cannot be asked
            self._ok("protocol", f"{PROTOCOL}")
            for name in ("formats", "dry-run"):
                self._note(name, issue("partner-cannot-be-asked", self.place))
            return
        if PROTOCOL not in _listed(told.get("protocols")):
            self._wrong("protocol", issue("partner-protocol", self.place, protocol=PROTOCOL))
        self._ok("protocol", f"{PROTOCOL}")
        lacking = [one for one in self.connection.formats if one not in _listed(told.get("formats"))]
        if lacking:
            found = issue("partner-format", f"{self.place}.formats", format=", ".join(lacking))
            self._wrong("formats", found)
        self._ok("formats", ", ".join(self.connection.formats))
        self._dry_run(told.get("messages"))

    def _dry_run(self, told: Any) -> None:
        first = next(iter(_listed(told)), None)
        if not isinstance(first, dict):
            self._note("dry-run", issue("partner-cannot-be-asked", self.place))
            return
        codes = _codes_in(first.get("issues"))
        if codes:
            self._wrong("dry-run", issue("partner-dry-run", self.place, codes=", ".join(sorted(codes))))
        self._ok("dry-run", "a made-up person's plan would be taken")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _body(answer: Answer) -> dict[str, Any] | None:
    try:
        return load_object(answer.body)
    except InvalidResource:
        return None


def _codes(answer: Answer) -> dict[str, str]:
    """The codes of sync that an answer gives, and at which place."""
    codes = _codes_in((_body(answer) or {}).get("issues"))
    return {code: path for code, path in codes.items() if code.startswith("sync-")}


def _codes_in(issues: Any) -> dict[str, str]:
    """The codes of a partner's findings and their places; its texts are not looked at, for they may say anything."""
    found = [one for one in _listed(issues) if isinstance(one, dict) and isinstance(one.get("code"), str)]
    return {one["code"]: str(one.get("path", "")) for one in found if CODE.fullmatch(one["code"])}


def _time_of(headers: Mapping[str, str]) -> datetime | None:
    """The time that an answer says: our own header, else HTTP's."""
    for name, read in ((TIME, datetime.fromisoformat), ("Date", parsedate_to_datetime)):
        with suppress(ValueError, TypeError):
            found = read(headers[name]) if name in headers else None
            if found is not None and found.tzinfo is not None:
                return found
    return None


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
