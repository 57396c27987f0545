"""Plain records for systems that do not speak FHIR: /records. The routes are FastAPI's, the JSON is read by ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from fhir_mh.api import records_json
from fhir_mh.api.access import Door
from fhir_mh.api.faults import Refused
from fhir_mh.api.headers import JSON_TYPES, accepts_json, base_url, etag, media_type, version_named
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.gateway import HeldRecord, Saved
from fhir_mh.issues import issue
from fhir_mh.records.partial import read_partial

JSON = "application/json"


class Records:
    """The handlers of /records. changed is called after each write that was committed."""

    def __init__(self, gateway: Gateway, door: Door, changed: Callable[[], None]) -> None:
        self.gateway, self.door, self.changed = gateway, door, changed

    def router(self) -> APIRouter:
        """The routes, described for the OpenAPI document in api/described.py."""
        router = APIRouter(tags=["records"])
        add = router.add_api_route
        add("/records", self.post, methods=["POST"], operation_id="post_record")
        add("/records/find", self.find, methods=["POST"], operation_id="find_record")
        add("/records/{id}", self.get, methods=["GET"], operation_id="get_record")
        add("/records/{id}", self.put, methods=["PUT"], operation_id="put_record")
        return router

    async def post(self, request: Request) -> Response:
        context = self.door.context(request)
        expected = version_named(request)
        tree = await _sent(request)
        if not isinstance(tree.get("person"), dict):
            raise InvalidResource(issues=[issue("map-no-person", "person")])
        result = await self.gateway.save(context, tree, if_match=expected)
        return self._saved(request, result)

    async def put(self, request: Request, id: str) -> Response:  # noqa: A002 - as the address names it
        context = self.door.context(request)
        expected = version_named(request)
        if expected is None:
            raise Refused(428, issue("rest-if-match-missing", "http.if-match"))
        tree = await _sent(request)
        result = await self.gateway.save(context, tree, record_id=id, if_match=expected)
        return self._saved(request, result)

    def _saved(self, request: Request, result: Saved) -> Response:
        self.changed()
        headers = {"ETag": etag(result.version)}
        if result.created:
            headers["Location"] = f"{base_url(request)}/records/{result.id}"
        return _json(records_json.saved(result), 201 if result.created else 200, headers)

    async def get(self, request: Request, id: str) -> Response:  # noqa: A002
        context = self.door.context(request)
        accepts_json(request)
        return _record(await self.gateway.record(context, id))

    async def find(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        media_type(request, *JSON_TYPES)
        body = load_object(await request.body())
        number = body.get("nhs_number")
        if not isinstance(number, str) or set(body) != {"nhs_number"}:
            raise InvalidResource(issues=[issue("rest-bad-nhs-number", "nhs_number")])
        return _record(await self.gateway.find(context, number))


async def _sent(request: Request) -> dict[str, Any]:
    """The record in the body."""
    media_type(request, *JSON_TYPES)
    return read_partial(load_object(await request.body()))


def _record(record: HeldRecord) -> Response:
    return _json(records_json.held(record), 200, {"ETag": etag(record.version)})


def _json(value: Any, status: int, headers: dict[str, str]) -> Response:
    return Response(dumps(value), status, headers=headers, media_type=JSON)
