"""What every request passes first and last: host, size, the log line, and whatever nobody else caught."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fhir_mh.api.access import Door
from fhir_mh.api.faults import Refused, answer_to
from fhir_mh.issues import issue

access_log = logging.getLogger("fhir_mh.api.access")

MAX_BODY = 16 * 1024 * 1024
_SHIELD = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
]


class Front:
    """ASGI middleware around the whole application.

    HEAD is answered as GET is, without the body. A compressed body is refused: a small one may unfold huge.

    The log line is method, address, status and time. Of an address it shows only the words in `vocabulary`; ids,
    and whatever else a caller may have put there, become *; the query is never shown.
    """

    def __init__(self, app: ASGIApp, door: Door, vocabulary: Collection[str], max_body: int = MAX_BODY) -> None:
        self.app, self.door, self.vocabulary, self.max_body = app, door, frozenset(vocabulary), max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        began, answer = time.perf_counter(), _Answer(send, head)
        try:
            headers = Headers(scope=scope)
            self.door.let_in(headers)
            if headers.get("content-encoding", "identity") != "identity":
                found = issue("rest-content-encoding", "http.content-encoding")
                raise Refused(415, found, headers={"Accept-Encoding": "identity"})
            asked = {**scope, "method": "GET"} if head else scope
            await self.app(asked, self._limited(headers, receive), answer)
        except Exception as fault:  # noqa: BLE001 - the last line of defence: nothing beyond it may log or show it
            response = answer_to(fault)
            if answer.status == 0:
                await response(scope, receive, answer)
        if access_log.isEnabledFor(logging.INFO):
            spent = (time.perf_counter() - began) * 1000
            access_log.info("%s %s %d %.1f ms", _method(scope), self._address(scope["path"]), answer.status, spent)

    def _address(self, path: str) -> str:
        return "/".join(part if part in self.vocabulary else "*" for part in path.split("/")) if path != "/" else path

    def _limited(self, headers: Headers, receive: Receive) -> Receive:
        """The body of a request, which is refused once it is larger than is allowed."""
        declared = headers.get("content-length")
        if declared is not None:
            if not declared.isdigit() or int(declared) > self.max_body:
                raise _too_large(self.max_body)
            return receive
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_body:
                raise _too_large(self.max_body)
            return message

        return counted


class _Answer:
    """The way out, which notes the status and adds what every answer carries."""

    __slots__ = ("head", "send", "status")

    def __init__(self, send: Send, head: bool) -> None:
        self.send, self.status, self.head = send, 0, head

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            held = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(pair for pair in _SHIELD if pair[0] not in held)]
        elif self.head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self.send(message)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH") else "*"


def _too_large(limit: int) -> Refused:
    return Refused(413, issue("rest-too-large", "", limit=limit // (1024 * 1024)), headers={"Connection": "close"})
