"""Safety concerns over HTTP: /concerns. Nothing of them is ever under /fhir or /records."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.api.access import Door
from fhir_mh.api.faults import FHIR_JSON
from fhir_mh.api.fhir_rest import Methods
from fhir_mh.api.headers import base_url, etag, json_body
from fhir_mh.api.searching import only_parameters
from fhir_mh.consent import AccessContext, in_role
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.concerns import ROLE
from fhir_mh.issues import issue
from fhir_mh.profiles.concerns import concern_of, read_concern
from fhir_mh.records.concerns import SafetyConcern
from fhir_mh.store import StoredConcern

JSON = "application/json"


class Concerns:
    """The handlers of /concerns. Bodies and answers are plain JSON, or a Task where FHIR's media type says so."""

    def __init__(self, gateway: Gateway, door: Door) -> None:
        self.concerns, self.door = gateway.concerns, door

    def routes(self) -> list[Route]:
        """The routes, described for the OpenAPI document in api/concerns_described.py."""
        return [
            Route("/concerns", Methods(POST=self.post, GET=self.listed)),
            Route("/concerns/find", Methods(POST=self.find)),
            Route("/concerns/{id}", Methods(GET=self.get)),
            Route("/concerns/{id}/replies", Methods(POST=self.answer)),
        ]

    async def post(self, request: Request) -> Response:
        context = self._context(request)
        raised = await self.concerns.submit(context, _concern(await json_body(request)))
        said = {
            "id": raised.stored.id,
            "version": raised.stored.version,
            "receipt": raised.receipt,
            "warnings": [found.as_dict() for found in raised.warnings],
        }
        location = f"{base_url(request)}/concerns/{raised.stored.id}"
        return Response(
            dumps(said), 201, headers={"Location": location, "ETag": etag(raised.stored.version)}, media_type=JSON
        )

    async def listed(self, request: Request) -> Response:
        found = await self.concerns.waiting(self._context(request))
        return Response(dumps({"concerns": [_plain(one) for one in found]}), media_type=JSON)

    async def get(self, request: Request) -> Response:
        return _said(request, await self.concerns.read(self._context(request), request.path_params["id"]))

    async def find(self, request: Request) -> Response:
        context, body = self._context(request), await json_body(request)
        receipt = body.get("receipt")
        if not isinstance(receipt, str) or set(body) != {"receipt"}:
            problem, described = "A receipt is expected here", "docs/safety-concerns.md"
            found = issue("map-invalid-record", "receipt", problem=problem, described=described)
            raise InvalidResource(issues=[found])
        return _said(request, await self.concerns.find(context, receipt))

    async def answer(self, request: Request) -> Response:
        context, body = self._context(request), await json_body(request)
        return _said(request, await self.concerns.answer(context, request.path_params["id"], body), 201)

    def _context(self, request: Request) -> AccessContext:
        only_parameters(request)
        return in_role(self.door.context(request), ROLE, everyone=self.door.open)


def _concern(body: dict[str, Any]) -> SafetyConcern:
    return concern_of(body) if body.get("resourceType") == "Task" else read_concern(body)


def _plain(stored: StoredConcern) -> dict[str, Any]:
    item = concern_of(stored.body()).model_dump(exclude_none=True)
    kept = {name: value for name, value in item.items() if value not in ([], {})}
    return {**kept, "id": stored.id}


def _said(request: Request, stored: StoredConcern, status: int = 200) -> Response:
    headers = {"ETag": etag(stored.version)}
    if FHIR_JSON in request.headers.get("accept", ""):
        return Response(stored.text, status, headers=headers, media_type=FHIR_JSON)
    return Response(dumps(_plain(stored)), status, headers=headers, media_type=JSON)
