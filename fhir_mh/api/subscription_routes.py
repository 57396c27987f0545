"""Subscriptions over HTTP: /fhir/Subscription, and what the backport lets a client ask of one.

See https://hl7.org/fhir/R4/subscription.html and docs/rest.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.api.access import Door
from fhir_mh.api.bundles import bundle_of, link
from fhir_mh.api.faults import FHIR_JSON, Refused
from fhir_mh.api.fhir_rest import Methods, fhir_body, is_lenient, return_wanted
from fhir_mh.api.headers import JSON_TYPES, accepts_json, base_url, etag, http_date, media_type, version_named
from fhir_mh.api.places import placed
from fhir_mh.api.searching import Pairs, bad_parameter, query_of, refuse_unknown
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.subscriptions import SubscriptionUseCases, shown
from fhir_mh.gateway.wanted import CONTENTS, Content, Wanted
from fhir_mh.issues import issue
from fhir_mh.store import StoredSubscription

KIND = "Subscription"
_ONE = "/fhir/Subscription/{id}"
_LARGEST = 2**63 - 1


class Subscriptions:
    """The handlers of /fhir/Subscription."""

    def __init__(self, subscriptions: SubscriptionUseCases, door: Door) -> None:
        self.subscriptions, self.door = subscriptions, door

    def routes(self) -> list[Route]:
        """They stand before those for any type."""
        return [
            Route("/fhir/Subscription", Methods(POST=self.create, GET=self.search)),
            Route("/fhir/Subscription/$status", Methods(GET=self.statuses, POST=self.statuses)),
            Route(_ONE, Methods(GET=self.read, PUT=self.update, DELETE=self.delete)),
            Route(f"{_ONE}/$status", Methods(GET=self.status, POST=self.status)),
            Route(f"{_ONE}/$events", Methods(GET=self.events, POST=self.events)),
        ]

    async def create(self, request: Request) -> Response:
        context = self.door.context(request)
        text, body = await fhir_body(request, KIND)
        with placed(text, body):
            held = await self.subscriptions.create(context, body, _base(request))
        return _kept(request, held, 201)

    async def read(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        refuse_unknown(query_of(request), [], lenient=is_lenient(request))
        held = await self.subscriptions.read(context, request.path_params["id"])
        return Response(shown(held), media_type=FHIR_JSON, headers=_headers(held))

    async def update(self, request: Request) -> Response:
        context = self.door.context(request)
        expected = version_named(request)
        text, body = await fhir_body(request, KIND)
        with placed(text, body):
            if body.get("id") != request.path_params["id"]:
                raise Refused(400, issue("rest-id-differs", f"{KIND}.id"))
            held = await self.subscriptions.update(context, body, _base(request), expected)
        return _kept(request, held, 200)

    async def delete(self, request: Request) -> Response:
        await self.subscriptions.delete(self.door.context(request), request.path_params["id"])
        return Response(status_code=204)

    async def search(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        pairs = query_of(request)
        refuse_unknown(pairs, ["_id", "status", "url"], lenient=is_lenient(request))
        found = _among(await self.subscriptions.listed(context), pairs, ids="_id")
        here = f"{_base(request)}/{KIND}"
        entries = [
            {"fullUrl": f"{here}/{one.id}", "resource": orjson.Fragment(shown(one)), "search": {"mode": "match"}}
            for one in found
        ]
        told = bundle_of("searchset", entries, [link("self", here, pairs)], len(entries))
        return Response(told, media_type=FHIR_JSON)

    # --- operations of the backport

    async def status(self, request: Request) -> Response:
        context = self.door.context(request)
        await _asked(request, "id", "status")  # of one alone they say nothing
        held = await self.subscriptions.read(context, request.path_params["id"])
        return _json(await self.subscriptions.statuses([held]))

    async def statuses(self, request: Request) -> Response:
        context = self.door.context(request)
        pairs = await _asked(request, "id", "status")
        found = _among(await self.subscriptions.listed(context), pairs, ids="id")
        return _json(await self.subscriptions.statuses(found))

    async def events(self, request: Request) -> Response:
        context = self.door.context(request)
        asked = dict(await _asked(request, "eventsSinceNumber", "eventsUntilNumber", "content"))
        since = _number(asked, "eventsSinceNumber", 1)
        until = _number(asked, "eventsUntilNumber", _LARGEST)
        content = _content(asked.get("content"))
        return _json(await self.subscriptions.events(context, request.path_params["id"], since, until, content))


def _base(request: Request) -> str:
    return f"{base_url(request)}/fhir"


def _headers(held: StoredSubscription) -> dict[str, str]:
    return {"ETag": etag(held.version), "Last-Modified": http_date(held.updated)}


def _kept(request: Request, held: StoredSubscription, status: int) -> Response:
    headers = _headers(held)
    if status == 201:
        headers["Location"] = f"{_base(request)}/{KIND}/{held.id}"
    if return_wanted(request, "representation") == "minimal":
        return Response(b"", status, headers=headers)
    return Response(shown(held), status, headers=headers, media_type=FHIR_JSON)


def _json(content: dict[str, Any]) -> Response:
    return Response(dumps(content), media_type=FHIR_JSON)


async def _asked(request: Request, *known: str) -> Pairs:
    """The parameters of an operation: in the address, and in a body of Parameters."""
    accepts_json(request)
    pairs = query_of(request)
    refuse_unknown(pairs, known, lenient=is_lenient(request))
    text = await request.body() if request.method == "POST" else b""
    if not text:
        return pairs
    media_type(request, *JSON_TYPES)
    body = load_object(text)
    with placed(text, body):
        return pairs + _parameters(body, known)


def _parameters(body: dict[str, Any], known: Sequence[str]) -> Pairs:
    """The name and value of each of the parameters. Raises Refused."""
    if body.get("resourceType") != "Parameters":
        raise Refused(400, issue("rest-type-differs", "resourceType"))
    found: Pairs = []
    listed = body.get("parameter", [])
    for number, one in enumerate(listed if isinstance(listed, list) else [None]):
        name = one.get("name") if isinstance(one, dict) else None
        values = [value for key, value in one.items() if key.startswith("value")] if isinstance(one, dict) else []
        if not isinstance(name, str) or name not in known or len(values) != 1 or not isinstance(values[0], str | int):
            fix = f"Send {', '.join(known)}, each with one value."
            place = f"Parameters.parameter[{number}]"
            raise Refused(400, issue("rest-bad-parameter", place, problem="it is not understood", fix=fix))
        found.append((name, str(values[0])))
    return found


def _among(found: list[StoredSubscription], pairs: Pairs, *, ids: str) -> list[StoredSubscription]:
    """Those that match; several values, and values joined by commas, are alternatives."""
    wanted: dict[str, set[str]] = {}
    for name, value in pairs:
        wanted.setdefault(name, set()).update(value.split(","))

    def matches(one: StoredSubscription) -> bool:
        said = {ids: one.id, "status": one.status, "url": Wanted.read(one.wanted).endpoint}
        return all(said[name] in values for name, values in wanted.items() if name in said)

    return [one for one in found if matches(one)]


def _number(asked: dict[str, str], name: str, otherwise: int) -> int:
    text = asked.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise bad_parameter(name, "it is not a number", "Send a whole number, as event-number has it.")
    return int(text)


def _content(text: str | None) -> Content | None:
    if text is not None and text not in CONTENTS:
        raise bad_parameter("content", "there is nothing of this name", f"Send one of {', '.join(CONTENTS)}.")
    return None if text is None else CONTENTS[CONTENTS.index(text)]
