"""FHIR R4 over HTTP: plain Starlette routes over stored text, for these are the hot ones.

See https://hl7.org/fhir/R4/http.html and docs/rest.md, which says what is supported and what is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fhir_mh.api import bundles
from fhir_mh.api.access import Door
from fhir_mh.api.capability import capability
from fhir_mh.api.faults import FHIR_JSON, Refused, answer_to, outcome_response
from fhir_mh.api.headers import (
    JSON_TYPES,
    accepts_json,
    base_url,
    media_type,
    preferences,
    version_named,
)
from fhir_mh.api.places import placed
from fhir_mh.api.pushing import Pushing, Sender
from fhir_mh.api.references import plain
from fhir_mh.api.searching import (
    Asked,
    Pairs,
    no_nhs_number,
    pairs_of,
    query_of,
    read_search,
    refuse_unknown,
)
from fhir_mh.api.transactions import Reading, expect_no_search, read_bundle, read_entry, whole
from fhir_mh.api.types import known_type
from fhir_mh.api.validating import Validating
from fhir_mh.consent import AccessContext
from fhir_mh.errors import FhirMhError, NotFound
from fhir_mh.fhir.json import dumps
from fhir_mh.fhirpath.unread import load_resource
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.paging import is_kept, keep_search, kept_search
from fhir_mh.gateway.partners import Directory
from fhir_mh.gateway.resources import Kept
from fhir_mh.issues import Issue, issue
from fhir_mh.store import StoredResource
from fhir_mh.validation import Validator

Handler = Callable[[Request], Awaitable[Response]]
_FORM = "application/x-www-form-urlencoded"


class Methods:
    """One address and what it takes, as an ASGI application. HEAD comes here as GET: see api/front.py."""

    def __init__(self, **handlers: Handler) -> None:
        self.handlers = handlers
        self.allowed = ", ".join(sorted({*handlers, *(["HEAD"] if "GET" in handlers else [])}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self.handlers.get(scope["method"])
        if handler is None:
            found = issue("rest-method", "", method="this method", allowed=self.allowed)
            raise Refused(405, found, headers={"Allow": self.allowed})
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)


class FhirRest:
    """The handlers of /fhir."""

    def __init__(self, gateway: Gateway, door: Door, validator: Validator, partners: Directory) -> None:
        self.gateway, self.door = gateway, door
        self.pushing = Pushing(gateway, partners)
        self.validating = Validating(gateway, door, validator)

    def routes(self, own: Sequence[Route] = ()) -> list[Route]:
        """The hottest first: Starlette tries them in order. own: of types that are kept in a way of their own."""
        one = "/fhir/{type}/{id}"
        return [
            Route("/fhir/metadata", Methods(GET=self.metadata)),
            Route("/fhir/{type}/_search", Methods(POST=self.search_by_post)),
            Route("/fhir/{type}/$validate", Methods(POST=self.validating.on_type)),
            *own,
            Route(one, Methods(GET=self.read, PUT=self.update)),
            Route("/fhir/{type}", Methods(POST=self.create, GET=self.search)),
            Route("/fhir", Methods(POST=self.process)),
            Route("/fhir/", Methods(POST=self.process)),
            Route("/fhir/Patient/{id}/$everything", Methods(GET=self.everything)),
            Route(one + "/$validate", Methods(GET=self.validating.on_instance, POST=self.validating.on_instance)),
            Route(one + "/_history", Methods(GET=self.history)),
            Route(one + "/_history/{version}", Methods(GET=self.read_version)),
        ]

    # --- one resource

    async def read(self, request: Request) -> Response:
        context = self.door.context(request)
        _plain(request)
        kind = known_type(request.path_params["type"])
        stored = await self.gateway.read(context, kind, request.path_params["id"])
        if "if-none-match" in request.headers and version_named(request, "if-none-match") == stored.version:
            return Response(status_code=304, headers=bundles.stored_headers(stored))
        return _of(stored)

    async def read_version(self, request: Request) -> Response:
        context = self.door.context(request)
        _plain(request)
        kind, number = known_type(request.path_params["type"]), request.path_params["version"]
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise NotFound(issues=[issue("store-not-found", kind, type=f"version of this {kind}")])
        return _of(await self.gateway.read(context, kind, request.path_params["id"], int(number)))

    async def create(self, request: Request) -> Response:
        context = self.door.context(request)
        kind = known_type(request.path_params["type"])
        pushed = await self.pushing.by(context)
        _without(request, "If-None-Match", *(["If-None-Exist"] if pushed is None else []))
        text, body = await fhir_body(request, kind)
        if pushed is not None:
            return await pushed.alone(request, kind, None, (text, body))
        with placed(text, body):
            kept = await self.gateway.create(context, _written(request, body))
        return self._kept(request, kept)

    async def update(self, request: Request) -> Response:
        context = self.door.context(request)
        kind, name = known_type(request.path_params["type"]), request.path_params["id"]
        _without(request, "If-None-Match")
        expected = version_named(request)
        text, body = await fhir_body(request, kind)
        pushed = await self.pushing.by(context)
        if pushed is not None:
            return await pushed.alone(request, kind, name, (text, body))
        try:
            with placed(text, body):
                if body.get("id") != name:
                    raise Refused(400, issue("rest-id-differs", f"{kind}.id"))
                kept = await self.gateway.update(context, _written(request, body), expected)
        except NotFound:
            found = issue("rest-no-update-create", kind, type=kind)
            raise Refused(405, found, headers={"Allow": "GET"}) from None
        return self._kept(request, kept)

    def _kept(self, request: Request, kept: Kept) -> Response:
        """The answer to a write, in the form that Prefer asks for; the resource itself where it asks for none."""
        told = _told(kept)
        stored = kept.stored
        if stored is None:
            return outcome_response(200 if kept.proposal is None else 202, told)
        headers = bundles.stored_headers(stored)
        path = f"{base_url(request)}/fhir/{stored.type}/{stored.id}/_history/{stored.version}"
        headers["Location" if kept.created else "Content-Location"] = path
        status = 201 if kept.created else 200
        wanted = return_wanted(request, "representation")
        if wanted == "minimal":
            return Response(b"", status, headers=headers)
        if wanted == "OperationOutcome":
            return outcome_response(status, told, headers)
        return Response(stored.text, status, headers=headers, media_type=FHIR_JSON)

    async def history(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        kind, name = known_type(request.path_params["type"]), request.path_params["id"]
        pairs = pairs_of(request.url.query)
        refuse_unknown(pairs, ["_cursor"], lenient=is_lenient(request))
        before = dict(pairs).get("_cursor")
        if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
            raise Refused(400, issue("store-bad-cursor", "http._cursor"))
        page = await self.gateway.history(context, kind, name, int(before) if before else None)
        if not page.entries:
            raise NotFound(issues=[issue("store-not-found", kind, type=kind)])
        fhir = f"{base_url(request)}/fhir"
        here = f"{fhir}/{kind}/{name}/_history"
        links = [bundles.link("self", here, [("_cursor", before)] if before else [])]
        if page.next is not None:
            links.append(bundles.link("next", here, [("_cursor", page.next)]))
        return _bundle(bundles.history(fhir, page, links))

    # --- searches

    async def search(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        kind = known_type(request.path_params["type"])
        pairs = query_of(request)
        no_nhs_number(pairs, f"/fhir/{kind}/_search")
        asked = read_search(kind, pairs, lenient=is_lenient(request))
        if is_kept(name := asked.search.cursor):
            found = await kept_search(self.gateway.store, context.organisation, kind, str(name))
            return await self._kept_page(request, context, Asked(found, [("_cursor", str(name))], []))
        page = await self.gateway.search(context, asked.search)
        fhir = f"{base_url(request)}/fhir"
        here = f"{fhir}/{kind}"
        cursor = asked.search.cursor
        links = [bundles.link("self", here, [*asked.parameters, *([("_cursor", cursor)] if cursor else [])])]
        if page.next is not None and not asked.only_count:
            links.append(bundles.link("next", here, [*asked.parameters, ("_cursor", page.next)]))
        found_here = () if asked.only_count else page.entries
        return _bundle(bundles.searchset(fhir, found_here, links, page.total, asked.warnings))

    async def search_by_post(self, request: Request) -> Response:
        """The same by form. Its links say nothing of what was asked: further pages go by a name that means nothing."""
        context = self.door.context(request)
        accepts_json(request)
        kind = known_type(request.path_params["type"])
        in_url = query_of(request)
        no_nhs_number(in_url, f"/fhir/{kind}/_search")
        media_type(request, _FORM)
        asked = read_search(kind, in_url + _form(await request.body()), lenient=is_lenient(request))
        return await self._kept_page(request, context, replace(asked, parameters=[]))

    async def _kept_page(self, request: Request, context: AccessContext, asked: Asked) -> Response:
        page = await self.gateway.search(context, asked.search)
        fhir = f"{base_url(request)}/fhir"
        here = f"{fhir}/{asked.search.kind}"
        links = [bundles.link("self", here if asked.parameters else f"{here}/_search", asked.parameters)]
        if page.next is not None and not asked.only_count:
            name = await keep_search(self.gateway.store, context.organisation, asked.search, page.next)
            links.append(bundles.link("next", here, [("_cursor", name)]))
        found = () if asked.only_count else page.entries
        return _bundle(bundles.searchset(fhir, found, links, page.total, asked.warnings))

    async def everything(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        name = request.path_params["id"]
        warnings = refuse_unknown(pairs_of(request.url.query), [], lenient=is_lenient(request))
        found = await self.gateway.everything(context, name)
        fhir = f"{base_url(request)}/fhir"
        links = [bundles.link("self", f"{fhir}/Patient/{name}/$everything")]
        return _bundle(bundles.searchset(fhir, found, links, len(found), warnings))

    # --- the server itself

    async def metadata(self, request: Request) -> Response:
        accepts_json(request)
        fhir = f"{base_url(request)}/fhir"
        return Response(dumps(capability(fhir, self.gateway.home.name)), media_type=FHIR_JSON)

    async def process(self, request: Request) -> Response:
        context = self.door.context(request)
        media_type(request, *JSON_TYPES)
        text = await request.body()
        body = load_resource(text)
        wanted = return_wanted(request, "minimal")
        fhir = f"{base_url(request)}/fhir"
        with placed(text, body):
            kind, entries = read_bundle(body)
            pushed = await self.pushing.by(context)
            if pushed is not None and kind == "transaction":
                return _bundle(await pushed.transaction(fhir, entries, (text, body)))
            if kind == "transaction":
                asked = whole(entries)
                beside = {one.full_url for one in asked if one.full_url}
                asked = [replace(one, body=plain(one.body, fhir, beside)) for one in asked]
                kept = await self.gateway.transaction(context, asked)
                done = [bundles.response_entry(fhir, one, _told(one), wanted) for one in kept]
                return _bundle(bundles.responses("transaction-response", done))
        batch = _Batch(context, fhir, wanted, (text, body), pushed)
        done = [await self._one(batch, place, entry) for place, entry in entries]
        return _bundle(bundles.responses("batch-response", done))

    async def _one(self, batch: _Batch, place: str, entry: Any) -> dict[str, Any]:
        """One entry of a batch: each stands for itself, and may fail by itself."""
        context, fhir, wanted, pushed = batch.context, batch.fhir, batch.wanted, batch.pushed
        try:
            with placed(*batch.sent):
                asked = read_entry(place, entry, reading=True, pushed=pushed is not None)
                if isinstance(asked, Reading):
                    stored = await self.gateway.read(context, asked.kind, asked.name)
                    return bundles.response_entry(fhir, Kept(stored, False), [], "representation")
                if pushed is not None:
                    return await pushed.one_of(asked, fhir, batch.sent)
                expect_no_search(asked.body, asked.path)
                alone = replace(asked, full_url=None, body=plain(asked.body, fhir))
                kept = (await self.gateway.transaction(context, [alone]))[0]
        except (FhirMhError, Refused) as fault:
            answer = answer_to(fault)
            return {"response": {"status": str(answer.status_code), "outcome": orjson.Fragment(bytes(answer.body))}}
        return bundles.response_entry(fhir, kept, _told(kept), wanted)


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch that came in. wanted: what Prefer asks to be returned. pushed: the partner's system that sends it."""

    context: AccessContext
    fhir: str
    wanted: str
    sent: tuple[bytes, dict[str, Any]]
    pushed: Sender | None


def _told(kept: Kept) -> list[Issue]:
    """What the sender of a resource is told beside its fate."""
    if kept.stored is not None:
        return list(kept.warnings)
    if kept.proposal is None:
        return [issue("rest-unchanged", ""), *kept.warnings]
    return [issue("rest-proposed", "", custodian=kept.custodian, proposal=kept.proposal), *kept.warnings]


def _of(stored: StoredResource) -> Response:
    return Response(stored.text, media_type=FHIR_JSON, headers=bundles.stored_headers(stored))


def _bundle(text: bytes) -> Response:
    return Response(text, media_type=FHIR_JSON)


def _without(request: Request, *headers: str) -> None:
    """Refuse what would be a condition of a write, and is none here."""
    for header in headers:
        if header.lower() in request.headers:
            raise Refused(400, issue("rest-unsupported-header", f"http.{header.lower()}", header=header))


def _plain(request: Request) -> None:
    """What every read checks: that JSON is wanted, and that no parameter is overlooked."""
    accepts_json(request)
    if request.scope["query_string"]:
        refuse_unknown(query_of(request), [], lenient=is_lenient(request))


def is_lenient(request: Request) -> bool:
    """Whether Prefer asks for unknown parameters to be ignored."""
    return preferences(request).get("handling") == "lenient"


def return_wanted(request: Request, otherwise: str) -> str:
    """What Prefer asks to be returned, where it says so."""
    found = preferences(request).get("return", otherwise) if "prefer" in request.headers else otherwise
    return found if found in ("minimal", "representation", "OperationOutcome") else otherwise


async def fhir_body(request: Request, kind: str) -> tuple[bytes, dict[str, Any]]:
    """The body as it was sent, and the resource in it, of the type in the address."""
    media_type(request, *JSON_TYPES)
    text = await request.body()
    body = load_resource(text)
    with placed(text, body):
        if body.get("resourceType") != kind:
            raise Refused(400, issue("rest-type-differs", "resourceType"))
    return text, body


def _written(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """A resource that this organisation's own system sends by itself, with plain references. Raises InvalidResource."""
    expect_no_search(body, str(body["resourceType"]))
    return plain(body, f"{base_url(request)}/fhir")


def _form(body: bytes) -> Pairs:
    try:
        return pairs_of(body.decode("ascii"))
    except UnicodeDecodeError:
        raise Refused(400, issue("json-encoding", "http.body")) from None
