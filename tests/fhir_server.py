"""A little FHIR R4 server on loopback, written from the specification alone, with the defects met in the field.

It keeps everything in memory, knows a handful of search parameters and validates nothing. A test reaches into it as
whoever works on the partner's ward would: put, delete, and what lies there.
"""

from __future__ import annotations

import copy
import itertools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.fhir.json import dumps, loads
from tests.contract.loopback import served

Json = dict[str, Any]
_REFERENCE = re.compile(r'"reference":"(urn:uuid:[^"]+)"')


@dataclass
class Defects:
    """What a server does otherwise than one would wish. All are allowed, or at least met.

    pages: resources on a page, whatever is asked for. links: next links. total, offset, order: told or minded.
    if_match: heeded. conflict: the status where it does not match. uuids: version ids are no numbers. drops: elements
    that are not kept, anywhere in a resource. adds: elements that it puts into each. versions_equal: equal content
    makes a version. ahead: of its clock. history: kept. conditional: transactions with conditional creates are taken.
    rollback: a transaction that fails leaves nothing. down: the status that everything is answered with.
    """

    pages: int = 20
    links: bool = True
    total: bool = True
    offset: bool = True
    order: bool = True
    if_match: bool = True
    conflict: int = 412
    uuids: bool = False
    drops: frozenset[str] = frozenset()
    adds: Json = field(default_factory=dict)
    versions_equal: bool = True
    ahead: timedelta = timedelta()
    history: bool = True
    conditional: bool = True
    representation: bool = True
    down: int = 0


@dataclass
class Stored:
    """One version. body: None where it is a deletion."""

    kind: str
    name: str
    version: str
    updated: datetime
    body: Json | None


class Fault(Exception):
    """An answer that is none of 2xx."""

    def __init__(self, status: int, text: str = "Peter Pan of 9990000018 is not liked here") -> None:
        self.status, self.text = status, text


class FhirServer:
    """The resources of one server, and its address once it is served. asked: method and path of each request."""

    def __init__(self, defects: Defects, token: str | None) -> None:
        self.defects, self.token = defects, token
        self.versions: list[Stored] = []
        self.asked: list[str] = []
        self.transactions: list[Json] = []
        self.url = ""
        self.between: list[Any] = []  # called once each, after what was read and before the next write
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)

    # --- what tests do

    def put(self, body: Json) -> Json:
        """Keep a resource as it is given, as somebody there would; without an id a new one. What is now held."""
        with self._lock:
            return self._store(body["resourceType"], body.get("id") or self._name(), body)

    def delete(self, kind: str, name: str) -> None:
        with self._lock:
            self._append(kind, name, None)

    def all(self, kind: str) -> list[Json]:
        """What lies there of a type, in the order in which it came."""
        names = dict.fromkeys(one.name for one in self.versions if one.kind == kind)
        found = (self.held(kind, name) for name in names)
        return [one for one in found if one is not None]

    def held(self, kind: str, name: str) -> Json | None:
        newest = self._newest(kind, name)
        return None if newest is None or newest.body is None else copy.deepcopy(newest.body)

    def item(self, kind: str, value: str) -> Json:
        """The one resource with this item identifier, or so tagged."""
        (found,) = [
            one
            for one in self.all(kind)
            if value in [i.get("value") for i in one.get("identifier", [])]
            or value in [t.get("code") for t in one.get("meta", {}).get("tag", [])]
        ]
        return found

    # --- storing

    def _newest(self, kind: str, name: str) -> Stored | None:
        return next((one for one in reversed(self.versions) if (one.kind, one.name) == (kind, name)), None)

    def mint(self) -> str:
        """A name that is no number."""
        return str(uuid4())

    def now(self) -> datetime:
        """The time on the server's own clock, but for what it is ahead."""
        return datetime.now(UTC)

    def _name(self) -> str:
        return self.mint() if self.defects.uuids else str(next(self._numbers) + 1000)

    def _now(self) -> datetime:
        return self.now() + self.defects.ahead

    def _append(self, kind: str, name: str, body: Json | None) -> Stored:
        count = sum((one.kind, one.name) == (kind, name) for one in self.versions)
        version = self.mint() if self.defects.uuids else str(count + 1)
        stored = Stored(kind, name, version, self._now(), body)
        if body is not None:
            told = {"versionId": version, "lastUpdated": stored.updated.isoformat().replace("+00:00", "Z")}
            body["meta"] = {**body.get("meta", {}), **told}
        self.versions.append(stored)
        return stored

    def kept(self, body: Json) -> Json:
        """What the server makes of a resource that it is given."""
        kept: Json = _without(body, self.defects.drops)
        return kept

    def _store(self, kind: str, name: str, body: Json) -> Json:
        kept = {**self.kept(copy.deepcopy(body)), "id": name, **copy.deepcopy(self.defects.adds)}
        held = self.held(kind, name)
        if held is not None and not self.defects.versions_equal and _content(held) == _content(kept):
            return held
        return copy.deepcopy(self._append(kind, name, kept).body or {})

    # --- asking

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        self.asked.append(f"{request.method} {request.url.path}?{request.url.query}")
        if self.defects.down:
            return Response("<html>Peter Pan</html>", self.defects.down)
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return _said(401, _outcome("who are you"))
        asked = list(request.query_params.multi_items())
        return _said(*self.respond(request.method, request.url.path.strip("/"), asked, body))

    def respond(self, method: str, path: str, query: list[tuple[str, str]], body: bytes) -> tuple[int, Any]:
        """The status of the answer to a request, and what stands in it. path: below the server's base."""
        try:
            with self._lock:
                return self._do(method, path, query, body)
        except Fault as fault:
            return fault.status, _outcome(fault.text)

    def _do(self, method: str, path: str, query: list[tuple[str, str]], body: bytes) -> tuple[int, Any]:
        match method, path.split("/") if path else []:
            case "GET", ["metadata"]:
                return 200, self.capability()
            case "POST", []:
                return 200, self._bundle(loads(body))
            case "POST", [kind, "_search"]:
                from urllib.parse import parse_qsl

                return 200, self._search(kind, parse_qsl(body.decode()))
            case "GET", [kind, "_history"]:
                return 200, self._history(kind, None, dict(query))
            case "GET", [kind] if query:
                return 200, self._search(kind, query)
            case "GET", [kind, name, "_history"]:
                return 200, self._history(kind, name, dict(query))
            case "GET", [kind, name]:
                return 200, self._read(kind, name)
            case "DELETE", [kind, name]:
                self._read(kind, name)
                self._append(kind, name, None)
                return 204, None
        raise Fault(404)

    def capability(self) -> Json:
        return {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [
                {
                    "mode": "server",
                    "interaction": [{"code": "transaction"}],
                    "resource": [
                        {
                            "type": kind,
                            "conditionalCreate": True,
                            "interaction": [{"code": code} for code in ("read", "update", "delete", "search-type")]
                            + ([{"code": "history-instance"}] if self.defects.history else []),
                        }
                        for kind in ("Patient", "CarePlan")
                    ],
                }
            ],
        }

    def _read(self, kind: str, name: str) -> Json:
        newest = self._newest(kind, name)
        if newest is None:
            raise Fault(404)
        if newest.body is None:
            raise Fault(410)
        return copy.deepcopy(newest.body)

    def _history(self, kind: str, name: str | None, query: dict[str, str]) -> Json:
        if not self.defects.history:
            raise Fault(405)
        since = datetime.fromisoformat(query["_since"]) if "_since" in query else None
        if name is not None and self._newest(kind, name) is None:
            raise Fault(404)
        found = [
            one
            for one in reversed(self.versions)
            if one.kind == kind and name in (None, one.name) and (since is None or one.updated >= since)
        ]
        offset = int(query.get("_offset", "0"))
        page = found[offset : offset + self.defects.pages]
        bundle: Json = {"resourceType": "Bundle", "type": "history", "entry": [_version(one) for one in page]}
        if offset + len(page) < len(found):
            from urllib.parse import urlencode

            asked = urlencode({**query, "_offset": offset + len(page)})
            path = f"{kind}/{name}" if name else kind
            bundle["link"] = [{"relation": "next", "url": f"{self.url}/{path}/_history?{asked}"}]
        return bundle

    def _search(self, kind: str, query: list[tuple[str, str]]) -> Json:
        asked = dict(query)
        found = [one for one in self.all(kind) if all(_matches(one, key, value) for key, value in query)]
        if self.defects.order and asked.get("_sort") == "_lastUpdated":
            found.sort(key=lambda one: str(one["meta"]["lastUpdated"]))
        offset = int(asked.get("_offset", "0")) if self.defects.offset else 0
        page = found[offset : offset + min(self.defects.pages, int(asked.get("_count", "1000")))]
        bundle: Json = {"resourceType": "Bundle", "type": "searchset"}
        if self.defects.total:
            bundle["total"] = len(found)
        if page:
            bundle["entry"] = [{"resource": one, "search": {"mode": "match"}} for one in page]
        if self.defects.links and offset + len(page) < len(found):
            from urllib.parse import urlencode

            again = urlencode({**asked, "_offset": offset + len(page)})
            bundle["link"] = [{"relation": "next", "url": f"{self.url}/{kind}?{again}"}]
        return bundle

    # --- transactions and batches

    def _bundle(self, bundle: Json) -> Json:
        whole = bundle["type"] == "transaction"
        if whole:
            self.transactions.append(copy.deepcopy(bundle))
            while self.between:
                self.between.pop(0)()
        kept = list(self.versions)
        try:
            answers = [self._entry(entry, whole) for entry in self._resolved(bundle, whole)]
        except Fault:
            self.versions[:] = kept
            raise
        return {"resourceType": "Bundle", "type": f"{bundle['type']}-response", "entry": answers}

    def _resolved(self, bundle: Json, whole: bool) -> list[Json]:
        """The entries with the ids that they will have in the place of their fullUrls."""
        named: dict[str, str] = {}
        for entry in bundle["entry"] if whole else ():
            asked = entry["request"]
            if asked["method"] != "POST":
                continue
            if "ifNoneExist" in asked and not self.defects.conditional:
                raise Fault(400)
            found = self._matching(asked["url"], asked["ifNoneExist"]) if "ifNoneExist" in asked else []
            if len(found) > 1:
                raise Fault(412)
            entry["there"] = found[0]["id"] if found else None
            entry["name"] = entry["there"] or self._name()
            named[entry["fullUrl"]] = f"{asked['url']}/{entry['name']}"
        text = dumps(bundle["entry"]).decode()
        entries: list[Json] = loads(_REFERENCE.sub(lambda m: f'"reference":"{named.get(m[1], m[1])}"', text))
        return entries

    def _matching(self, kind: str, condition: str) -> list[Json]:
        from urllib.parse import parse_qsl

        query = parse_qsl(condition)
        return [one for one in self.all(kind) if all(_matches(one, key, value) for key, value in query)]

    def _entry(self, entry: Json, whole: bool) -> Json:
        asked = entry["request"]
        try:
            match asked["method"]:
                case "POST" if entry["there"]:
                    return self._told("200 OK", self._read(asked["url"], entry["there"]))
                case "POST":
                    return self._told("201 Created", self._store(asked["url"], entry["name"], entry["resource"]))
                case "PUT":
                    kind, name = asked["url"].split("/")
                    if entry["resource"].get("id") != name:
                        raise Fault(400)
                    newest = self._newest(kind, name)
                    tag = asked.get("ifMatch")
                    expected = None if newest is None else f'W/"{newest.version}"'
                    if self.defects.if_match and tag is not None and tag != expected:
                        raise Fault(self.defects.conflict)
                    return self._told("200 OK", self._store(kind, name, entry["resource"]))
            path, _, query = asked["url"].partition("?")
            status, found = self._do(asked["method"], path, [tuple(q.split("=")) for q in query.split("&") if q], b"")  # type: ignore[misc]
        except Fault as fault:
            if whole:
                raise
            return {"response": {"status": str(fault.status), "outcome": _outcome(fault.text)}}
        answer: Json = {"response": {"status": f"{status} OK"}}
        return answer if found is None else {**answer, "resource": found}

    def _told(self, status: str, body: Json) -> Json:
        meta = body["meta"]
        location = f"{self.url}/{body['resourceType']}/{body['id']}/_history/{meta['versionId']}"
        response = {"status": status, "location": location, "etag": f'W/"{meta["versionId"]}"'}
        answer: Json = {"response": {**response, "lastModified": meta["lastUpdated"]}}
        return {**answer, "resource": body} if self.defects.representation else answer


def _matches(one: Json, key: str, value: str) -> bool:
    if key == "_id":
        return bool(one["id"] == value)
    if key == "_lastUpdated":
        assert value.startswith("ge")
        return datetime.fromisoformat(one["meta"]["lastUpdated"]) >= datetime.fromisoformat(value[2:])
    if key in ("identifier", "_tag"):
        system, _, code = value.partition("|")
        held = one.get("identifier", []) if key == "identifier" else one.get("meta", {}).get("tag", [])
        return (system, code) in [(each.get("system"), each.get("value") or each.get("code")) for each in held]
    return True


def _version(one: Stored) -> Json:
    place = f"{one.kind}/{one.name}/_history/{one.version}"
    told = {"lastModified": one.updated.isoformat(), "etag": f'W/"{one.version}"', "location": place}
    if one.body is None:
        return {"request": {"method": "DELETE", "url": f"{one.kind}/{one.name}"}, "response": {"status": "204", **told}}
    request = {"method": "PUT", "url": f"{one.kind}/{one.name}"}
    return {"resource": copy.deepcopy(one.body), "request": request, "response": {"status": "200", **told}}


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_without(inner, names) for inner in value]
    if not isinstance(value, dict):
        return value
    return {key: _without(inner, names) for key, inner in value.items() if key not in names}


def _content(body: Json) -> Json:
    return {key: value for key, value in body.items() if key != "meta"}


def _outcome(text: str) -> Json:
    issue = {"severity": "error", "code": "processing", "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _said(status: int, body: Any) -> Response:
    return Response(b"" if body is None else dumps(body), status, media_type="application/fhir+json")


@contextmanager
def fhir_server(*, token: str | None = None, **defects: Any) -> Iterator[FhirServer]:
    """A server of our own on a free port, for as long as it is needed."""
    server = FhirServer(Defects(**defects), token)
    methods = ["GET", "POST", "PUT", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])
    with served(app) as url:
        server.url = url
        yield server
