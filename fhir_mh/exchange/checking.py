"""Proving the connections to a partner's gateway, without anybody's data (docs/sync-protocol.md, 'Asking first')."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from fhir_mh import shipped
from fhir_mh.errors import InvalidResource, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.messages import CODE, PROTOCOL, Envelope, Message
from fhir_mh.exchange.proving import BELOW, Look, Step
from fhir_mh.exchange.signing import FROM, TIME, WINDOW
from fhir_mh.exchange.transport import Answer, HttpTransport, prove
from fhir_mh.fhir.json import load_object
from fhir_mh.issues import issue
from fhir_mh.profiles import to_bundle
from fhir_mh.records import CareRecord

STEPS = (*BELOW, "gateway", "clock", "secret", "protocol", "formats", "dry-run")
"""What is looked at, in this order."""

_OF_THE_PROTOCOL = (200, 400, 401, 413)
_DRIFT = timedelta(seconds=60)
_MADE_UP = "people/parent-placed-far-away/1-community.json"


def made_up(own: str) -> Message:
    """The snapshot that would be sent of somebody who does not exist."""
    record = CareRecord.model_validate(load_object((shipped.path("examples") / _MADE_UP).read_bytes()))
    content = {"sections": ["care-plan"], "bundle": to_bundle(record)}
    return Message("check", "snapshot", record.person.nhs_number or "", own, 1, content)


class GatewayLook(Look):
    """At one connection to a gateway, over the sync protocol."""

    names = STEPS

    async def beyond(self) -> None:
        """See Look."""
        self._judge(*await self._asked())

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
