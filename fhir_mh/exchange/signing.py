"""Who is asking, and who answers: HMAC over the bytes that travel (docs/sync-protocol.md, 'Who is asking').

A request is bound to both organisations, to its time and to its body; an answer moreover to the request it answers
and to its status, so that neither an acknowledgement nor a refusal can be forged or played back. A repeated request
needs no guard of its own: receiving is idempotent.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from fhir_mh.clock import instant
from fhir_mh.errors import NotAuthenticated
from fhir_mh.issues import issue

FROM = "X-FHIR-MH-From"
TIME = "X-FHIR-MH-Time"
SIGNATURE = "X-FHIR-MH-Signature"
WINDOW = timedelta(minutes=5)
_VERSION = "v1"


def sign_request(secret: str | None, sender: str, to: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a request; without a secret they only say who asks."""
    time = instant(now)
    return _headers(secret, sender, time, [sender, to, time], body)


def sign_answer(
    secret: str | None, sender: str, to: str, status: int, body: bytes, now: datetime, *, request: Mapping[str, str]
) -> dict[str, str]:
    """The headers of the answer to the request with these headers. sender is who answers."""
    time = instant(now)
    return _headers(secret, sender, time, [sender, to, time, _signature(request), str(status)], body)


def check_request(
    secret: str | None, headers: Mapping[str, str], sender: str, to: str, body: bytes, now: datetime
) -> None:
    """Raise NotAuthenticated (sync-unsigned, sync-clock) unless sender sent this to us a short while ago.

    headers must find names whatever their case. Without a secret there is nothing to check here: whether the peer may
    go without one is the caller's decision.
    """
    if secret is not None:
        problem = _problem(secret, headers, [sender, to, headers.get(TIME, "")], body)
        if problem:
            raise NotAuthenticated(issues=[issue("sync-unsigned", SIGNATURE, problem=problem)])
        _check_time(headers.get(TIME, ""), now)


def check_answer(
    secret: str | None,
    headers: Mapping[str, str],
    sender: str,
    to: str,
    status: int,
    body: bytes,
    now: datetime,
    *,
    request: Mapping[str, str],
) -> None:
    """Raise NotAuthenticated (sync-answer-unproven) unless sender gave this answer, of this status, to that request."""
    if secret is None:
        return
    problem = _problem(secret, headers, [sender, to, headers.get(TIME, ""), _signature(request), str(status)], body)
    if problem:
        raise NotAuthenticated(issues=[issue("sync-answer-unproven", SIGNATURE, problem=problem)])
    _check_time(headers.get(TIME, ""), now)


def _headers(secret: str | None, sender: str, time: str, parts: list[str], body: bytes) -> dict[str, str]:
    headers = {FROM: sender, TIME: time}
    if secret is not None:
        headers[SIGNATURE] = f"{_VERSION}={_digest(secret, parts, body)}"
    return headers


def _digest(secret: str, parts: list[str], body: bytes) -> str:
    text = "\n".join([_VERSION, *parts, hashlib.sha256(body).hexdigest()])
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _signature(headers: Mapping[str, str]) -> str:
    return headers.get(SIGNATURE, "")


def _problem(secret: str, headers: Mapping[str, str], parts: list[str], body: bytes) -> str | None:
    """What is wrong with a signature; None where nothing is. Compared in constant time."""
    if headers.get(FROM, "") != parts[0]:
        return "the sender is not the one expected"
    signature = _signature(headers)
    if not signature:
        return "there is no signature"
    version, _, given = signature.partition("=")
    if version != _VERSION:
        return "the signature is of an unknown kind"
    if not hmac.compare_digest(given.encode(), _digest(secret, parts, body).encode()):
        return "the signature does not fit"
    return None


def _check_time(text: str, now: datetime) -> None:
    try:
        sent = datetime.fromisoformat(text)
        off = abs(now - sent)
    except (ValueError, TypeError):
        off = WINDOW * 2
    if off > WINDOW:
        raise NotAuthenticated(issues=[issue("sync-clock", TIME, minutes=WINDOW.seconds // 60)])
