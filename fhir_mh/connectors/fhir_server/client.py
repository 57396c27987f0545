"""Requests to a FHIR R4 server that others wrote. Nothing that names a person stands in a URL.

See https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from fhir_mh.connectors.fhir_server.answers import (
    Answered,
    Version,
    answered,
    entries_of,
    is_refusal,
    versions_in,
)
from fhir_mh.connectors.fhir_server.searching import Query, Search, next_link
from fhir_mh.errors import FhirMhError, InvalidResource, NotAuthenticated, UpstreamUnavailable, VersionConflict
from fhir_mh.exchange.reaching import NOT_FOLDED, client_of, read_whole, within
from fhir_mh.exchange.transport import MAX_REQUEST, Refused
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.fhir.nhs_numbers import ten_digits_in
from fhir_mh.fhir.parts import objects_in
from fhir_mh.issues import issue
from fhir_mh.partner import Connection

Body = dict[str, Any]
_JSON = "application/fhir+json"
_FORM = "application/x-www-form-urlencoded"
_PATIENCE = 30.0  # seconds for one request
_MAX_ANSWER = 2 * MAX_REQUEST  # bytes: what was sent comes back, with what the server says of it
_PAGES = 10_000  # of one search or history: more than any server holds of what is asked for, and an end
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_ID = re.compile(r"(?!\.+\Z)[A-Za-z0-9\-.]{1,64}")
_GONE = (404, 410)
_BUSY = (408, 429, 503)
_NO_SUCH = (405, 501)  # there is no such interaction
_CHANGED = (409, 412)


@dataclass(frozen=True, slots=True)
class _Said:
    """One answer. body: the resource in it, if it is one."""

    status: int
    body: Body | None

    @property
    def is_outcome(self) -> bool:
        """Whether the server itself says this, and not something that stands before it."""
        return self.body is not None and self.body.get("resourceType") == "OperationOutcome"


class Busy(UpstreamUnavailable):
    """The server answers that it is asked too much, or that it is not to be asked now."""


class FhirClient:
    """One FHIR server over one connection, with one client for it.

    Every method raises UpstreamUnavailable and NotAuthenticated (try again later) and Refused (never, as it is asked);
    nothing else but what it says itself. What a server says in words is kept nowhere.
    present: the server's own time at its last answer, where it said one. patience: seconds for one request.
    through: another transport, for tests.
    """

    def __init__(
        self, connection: Connection, *, patience: float = _PATIENCE, through: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._base = connection.base_url.rstrip("/")
        self._patience = patience
        token = connection.token
        self._known = {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}
        self._client = client_of(through)
        self.present: datetime | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    # --- reading

    async def capability(self) -> Body:
        """The server's CapabilityStatement, or what it gives for one."""
        return _resource(_fine(await self._ask("GET", "metadata")))

    async def read(self, kind: str, name: str) -> Body | None:
        """A resource by its id there; None where the server says that there is none, or none any more."""
        said = await self._get(_path(kind, name))
        if said.status in _GONE and said.is_outcome:
            return None
        found = _resource(_fine(said))
        if (found["resourceType"], found.get("id")) != (kind, name):
            raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=said.status)])
        return found

    async def search(self, kind: str, query: Query, *, since: str | None = None) -> AsyncIterator[Body]:
        """Every resource of a type that a query finds, those changed last at the end; each version once.

        since: an instant as the server wrote it; what was changed then or later is found. Where it cannot be known
        that all were found, the fault is UpstreamUnavailable (server-pages).
        """
        path = _path(kind)

        async def page(asked: Query) -> Body:
            return _bundle(await self._post(f"{path}/_search", urlencode(asked).encode(), _FORM))

        async def follow(link: str) -> Body:
            if any(value and _said_in(link, value) for _, value in query):
                return await page(self._asked_by(link, path))
            return _bundle(await self._ask("GET", self._of_ours(link)))

        async for found in Search(page, follow, query, since, _PAGES).found():
            yield found

    async def history(self, kind: str, name: str | None = None, *, since: str | None = None) -> AsyncIterator[Version]:
        """The versions of one resource, or of all of a type, in no order that can be relied on.

        since: an instant as the server wrote it. What the server does not keep is not found: an empty history says
        nothing.
        """
        asked = "" if since is None else "?" + urlencode({"_since": since})
        said = await self._get(f"{_path(kind, name)}/_history{asked}")
        if said.status in _NO_SUCH or (said.status in _GONE and said.is_outcome):
            return
        seen: set[str] = set()
        page = _bundle(said)
        for _ in range(_PAGES):
            for version in versions_in(page):
                yield version
            link = next_link(page)
            if link is None:
                return
            if link in seen:
                break
            seen.add(link)
            page = _bundle(await self._get(self._of_ours(link)))
        raise UpstreamUnavailable(issues=[issue("server-pages", "$")])

    # --- writing

    async def transaction(self, entries: Sequence[Body]) -> list[Answered]:
        """What the server says of each entry of a transaction, in their order.

        Raises VersionConflict where the server says that something is not as an entry expects: nothing was stored.
        """
        body = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
        said = await self._post("", _fitting(body), _JSON, prefer="return=representation")
        if said.status in _CHANGED:
            raise VersionConflict(issues=[issue("server-changed", "$")])
        found = [answered(entry) for entry in entries_of(_bundle(said))]
        if len(found) != len(entries):
            raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=said.status)])
        return found

    async def delete(self, kind: str, name: str) -> None:
        """Delete a resource; one that is not there, or not any more, is done.

        Raises VersionConflict where the server says that something else still needs it.
        """
        path = _path(kind, name)
        if _names_somebody(path):
            said = await self._inside("DELETE", path)
        else:
            said = await self._ask("DELETE", path)
        if said.status in _CHANGED:
            raise VersionConflict(issues=[issue("server-changed", "$")])
        if not (said.status in _GONE and said.is_outcome):
            _fine(said)

    async def validate(self, body: Body) -> bool | None:
        """Whether the server would take a resource, by $validate; None where it does not say."""
        path = f"{_path(str(body.get('resourceType')))}/$validate"
        said = await self._post(path, _fitting(body), _JSON)
        if said.status in (400, 404, *_NO_SUCH) or not said.is_outcome:
            return None
        severities = {one.get("severity") for one in objects_in((said.body or {}).get("issue"))}
        return severities.isdisjoint(("error", "fatal"))

    # --- below

    async def _get(self, path: str) -> _Said:
        """GET, or where the path names somebody (a server may use the NHS number as an id) the same inside a body."""
        return await (self._inside("GET", path) if _names_somebody(path) else self._ask("GET", path))

    async def _inside(self, method: str, path: str) -> _Said:
        entry = {"request": {"method": method, "url": path}}
        body = dumps({"resourceType": "Bundle", "type": "batch", "entry": [entry]})
        listed = entries_of(_bundle(await self._post("", body, _JSON)))
        if len(listed) != 1:
            raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=200)])
        status, inner = answered(listed[0]).status, listed[0].get("resource")
        told = listed[0].get("response")
        outcome = told.get("outcome") if isinstance(told, dict) else None
        return _Said(status, inner if isinstance(inner, dict) else outcome if isinstance(outcome, dict) else None)

    async def _post(self, path: str, body: bytes, kind: str, *, prefer: str = "") -> _Said:
        headers = {"Content-Type": kind, **({"Prefer": prefer} if prefer else {})}
        return await self._ask("POST", path, body, headers)

    async def _ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> _Said:  # fmt: skip
        sent = {"Accept": _JSON, **NOT_FOLDED, **self._known, **(headers or {})}
        url = path if path.startswith(self._base) else f"{self._base}/{path}".rstrip("/")
        async with (
            within(self._patience),
            self._client.stream(method, url, content=body or None, headers=sent) as response,
        ):
            text = await read_whole(response, _MAX_ANSWER)
        self.present = _told(response.headers.get("Date")) or self.present
        try:
            return _Said(response.status_code, load_object(text) if text.strip() else None)
        except InvalidResource:
            return _Said(response.status_code, None)

    def _of_ours(self, link: str) -> str:
        """The link of a page, where it leads to this server: the token goes nowhere else."""
        if not urlsplit(link).netloc and not link.startswith("/"):
            return f"{self._base}/{link}"
        if link.startswith("/") and not link.startswith("//"):  # RFC 3986, 4.2: below the root of the same server
            link = urljoin(f"{self._base}/", link)
        if link.startswith((self._base + "/", self._base + "?")):
            return link
        raise UpstreamUnavailable(issues=[issue("server-pages", "$")])

    def _asked_by(self, link: str, path: str) -> Query:
        """What a link asks, to be asked in a body, for it repeats what may name somebody."""
        where, _, asked = self._of_ours(link).partition("?")
        if where not in (f"{self._base}/{path}", f"{self._base}/{path}/_search"):
            raise UpstreamUnavailable(issues=[issue("server-pages", "$")])
        return list(httpx.QueryParams(asked).multi_items())


def _told(date: str | None) -> datetime | None:
    """The time that a Date header tells; see https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1"""
    try:
        found = None if date is None else parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return None if found is None or found.tzinfo is None else found


def _path(kind: str, name: str | None = None) -> str:
    """The path of a type or a resource. What a server calls its own may be anything, and is not put into a URL."""
    if not _TYPE.fullmatch(kind) or not (name is None or _ID.fullmatch(name)):
        raise UpstreamUnavailable(issues=[issue("server-strange-id", "$")])
    return kind if name is None else f"{kind}/{name}"


def _names_somebody(path: str) -> bool:
    return next(ten_digits_in(path), None) is not None


def _said_in(link: str, value: str) -> bool:
    """Whether a link repeats a value that was asked for, or what of it follows the system."""
    told = value.rpartition("|")[2]
    return len(told) >= 4 and any(told in said for _, said in httpx.QueryParams(urlsplit(link).query).multi_items())


def _fine(said: _Said) -> _Said:
    """The answer, where it is what was asked for."""
    status = said.status
    if 200 <= status < 300:
        return said
    if status in (401, 403):
        raise NotAuthenticated(issues=[issue("server-token", "$")])
    if status == 413:
        raise Refused(issue("sync-too-large", "$", limit=MAX_REQUEST), final=said.is_outcome)
    if is_refusal(status) and said.is_outcome:
        raise Refused(issue("server-refused", "$", status=status))
    kind = Busy if status in _BUSY else UpstreamUnavailable
    raise kind(issues=[issue("sync-unexpected-answer", "$", status=status)])


def _resource(said: _Said) -> Body:
    if said.body is None or not isinstance(said.body.get("resourceType"), str):
        raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=said.status)])
    return said.body


def _bundle(said: _Said) -> Body:
    found = _resource(_fine(said))
    if found["resourceType"] != "Bundle":
        raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=said.status)])
    return found


def _fitting(body: Body) -> bytes:
    text = dumps(body)
    if len(text) > MAX_REQUEST:
        raise Refused(issue("sync-too-large", "$", limit=MAX_REQUEST))
    return text


def is_of_one(fault: FhirMhError) -> bool:
    """Whether a fault says nothing of the server as a whole: it is of one resource, or of one search."""
    return bool(fault.issues) and fault.issues[0].code in ("server-pages", "server-strange-id")
