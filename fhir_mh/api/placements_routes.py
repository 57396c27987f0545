"""Placements in plain JSON: /records/{id}/placements. A step is one POST with its facts."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.api import placements_json
from fhir_mh.api.access import Door
from fhir_mh.api.faults import Refused
from fhir_mh.api.headers import JSON_TYPES, accepts_json, base_url, etag, media_type, version_named
from fhir_mh.api.places import placed
from fhir_mh.api.searching import only_parameters
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway import Gateway
from fhir_mh.issues import issue
from fhir_mh.placements import STEPS, read_step

_OPENING = ("open", "claim")
LATER = tuple(name for name in STEPS if name not in _OPENING)
"""The steps that a placement takes once it is there."""


class Placements:
    """The handlers of /records/{id}/placements."""

    def __init__(self, gateway: Gateway, door: Door) -> None:
        self.gateway, self.door = gateway, door

    def routes(self) -> list[Route]:
        """The routes, described for the OpenAPI document in api/placements_described.py."""
        each = "/records/{id}/placements"
        return [
            Route(each, self.listed, methods=["GET"]),
            Route(each, self.opened, methods=["POST"]),
            Route(each + "/{placement}/{step}", self.taken, methods=["POST"]),
        ]

    async def listed(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        only_parameters(request)
        record = await self.gateway.record(context, request.path_params["id"])
        body = dumps(placements_json.listed(record, self.gateway.home.ods))
        return Response(body, headers={"ETag": etag(record.version)}, media_type="application/json")

    async def opened(self, request: Request) -> Response:
        """Open a placement; or claim one, where the body names no provider to place the person with."""
        return await self._record(request, None, None)

    async def taken(self, request: Request) -> Response:
        name = request.path_params["step"]
        if name not in LATER:
            raise Refused(404, issue("rest-unknown-path", "http.path"))
        return await self._record(request, request.path_params["placement"], name)

    async def _record(self, request: Request, placement: str | None, name: str | None) -> Response:
        context = self.door.context(request)
        expected = version_named(request)
        only_parameters(request)
        media_type(request, *JSON_TYPES)
        text = await request.body()
        body = load_object(text)
        if name is None:
            name = body.pop("step", "open")
            if name not in _OPENING:
                problem, described = "Say open or claim", "docs/placements.md"
                found = issue("map-invalid-record", "step", problem=problem, described=described)
                raise InvalidResource(issues=[found])
        record_id = request.path_params["id"]
        with placed(text, body):
            step = read_step(name, body)
            result = await self.gateway.placements.record(context, record_id, placement, step, expected)
        new = not result.repeated and result.placement != placement
        headers = {"ETag": etag(result.version)}
        if new:
            headers["Location"] = f"{base_url(request)}/records/{result.record}/placements"
        answer = dumps(placements_json.recorded(result))
        return Response(answer, 201 if new else 200, headers=headers, media_type="application/json")
