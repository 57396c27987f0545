"""Plain records for systems that do not speak FHIR: /records. The routes are FastAPI's, the JSON is read by ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_mh.api import records_json
from fhir_mh.api.access import Door
from fhir_mh.api.faults import Refused
from fhir_mh.api.formats import CSV, body_types, change_by, known_formats, named_format
from fhir_mh.api.headers import JSON_TYPES, accepts_json, base_url, etag, media_type, version_named
from fhir_mh.api.places import placed
from fhir_mh.api.searching import only_parameters
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.fhir.parts import null_character_in
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.gateway import Change, HeldRecord, Saved
from fhir_mh.issues import issue
from fhir_mh.mapping.formats import Format
from fhir_mh.records.partial import read_partial

JSON = "application/json"


class Records:
    """The handlers of /records."""

    def __init__(self, gateway: Gateway, door: Door) -> None:
        self.gateway, self.door = gateway, door

    def router(self) -> APIRouter:
        """The routes, described for the OpenAPI document in api/described.py."""
        router = APIRouter(tags=["records"])
        add = router.add_api_route
        add("/records", self.post, methods=["POST"], operation_id="post_record")
        add("/records/find", self.find, methods=["POST"], operation_id="find_record")
        add("/records/{id}", self.get, methods=["GET"], operation_id="get_record")
        add("/records/{id}/losses", self.losses, methods=["GET"], operation_id="get_losses")
        add("/records/{id}", self.put, methods=["PUT"], operation_id="put_record")
        return router

    async def post(self, request: Request) -> Response:
        context = self.door.context(request)
        expected = version_named(request)
        sent = await _sent(request)
        if not isinstance(sent.change, Change) and not isinstance(sent.change.get("person"), dict):
            raise InvalidResource(issues=[issue("map-no-person", "person", line=1, column=1)])
        with placed(sent.text, sent.body):
            result = await self.gateway.save(context, sent.change, if_match=expected)
        return self._saved(request, result)

    async def put(self, request: Request, id: str) -> Response:  # noqa: A002 - as the address names it
        context = self.door.context(request)
        expected = version_named(request)
        if expected is None:
            raise Refused(428, issue("rest-if-match-missing", "http.if-match"))
        sent = await _sent(request)
        with placed(sent.text, sent.body):
            result = await self.gateway.save(context, sent.change, record_id=id, if_match=expected)
        return self._saved(request, result)

    def _saved(self, request: Request, result: Saved) -> Response:
        headers = {"ETag": etag(result.version)}
        if result.created:
            headers["Location"] = f"{base_url(request)}/records/{result.id}"
        return _json(records_json.saved(result), 201 if result.created else 200, headers)

    async def get(self, request: Request, id: str) -> Response:  # noqa: A002
        context = self.door.context(request)
        format_ = _format(request)
        if format_ is None:
            accepts_json(request)
            return _record(await self.gateway.record(context, id))
        record = await self.gateway.record(context, id)
        headers = {"ETag": etag(record.version)}
        if format_.losses(record.tree):
            losses = f"/records/{record.id}/losses?format={format_.name}"
            headers["Link"] = f'<{losses}>; rel="describedby"; title="What this file could not say"'
        return Response(format_.write(record.tree), headers=headers, media_type=CSV if format_.kind == "csv" else JSON)

    async def losses(self, request: Request, id: str) -> Response:  # noqa: A002
        context = self.door.context(request)
        accepts_json(request)
        format_ = _format(request)
        if format_ is None:
            raise Refused(400, issue("rest-unknown-format", "http.format", known=", ".join(known_formats())))
        record = await self.gateway.record(context, id)
        told = {
            "id": record.id,
            "version": record.version,
            "format": format_.name,
            "losses": [loss.as_dict() for loss in format_.losses(record.tree)],
        }
        return _json(told, 200, {"ETag": etag(record.version)})

    async def find(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        media_type(request, *JSON_TYPES)
        body = load_object(await request.body())
        number = body.get("nhs_number")
        if not isinstance(number, str) or set(body) != {"nhs_number"}:
            raise InvalidResource(issues=[issue("rest-bad-nhs-number", "nhs_number")])
        return _record(await self.gateway.find(context, number))


@dataclass(frozen=True, slots=True)
class _Sent:
    """A change as the gateway takes it, and for plain records the body that it was: its text and what that reads as."""

    change: dict[str, Any] | Change
    text: bytes = b""
    body: dict[str, Any] = field(default_factory=dict)


async def _sent(request: Request) -> _Sent:
    """The record in the body, or what a file in a provider's own format makes of the one held."""
    format_ = _format(request)
    text = await request.body()
    if format_ is not None:
        media_type(request, *body_types(format_))
        return _Sent(change_by(format_, text))
    media_type(request, *JSON_TYPES)
    body = load_object(text)
    with placed(text, body):
        change = read_partial(body)
        if (at := null_character_in(body, "$")) is not None:
            raise InvalidResource(issues=[issue("json-null-character", at.removeprefix("$."))])
        return _Sent(change, text, body)


def _format(request: Request) -> Format | None:
    """The format that the caller names. Raises Refused(400) for an unknown one, and for any other parameter."""
    name = only_parameters(request, "format").get("format")
    return None if name is None else named_format(name)


def _record(record: HeldRecord) -> Response:
    return _json(records_json.held(record), 200, {"ETag": etag(record.version)})


def _json(value: Any, status: int, headers: dict[str, str]) -> Response:
    return Response(dumps(value), status, headers=headers, media_type=JSON)
