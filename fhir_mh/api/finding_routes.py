"""Find and pull over HTTP: /persons/find. Who is sought stands in the body alone, never in an address."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.api.access import Door
from fhir_mh.api.delivering import Connected
from fhir_mh.api.fhir_rest import Methods
from fhir_mh.api.headers import JSON_TYPES, accepts_json, media_type
from fhir_mh.api.places import placed
from fhir_mh.api.searching import only_parameters
from fhir_mh.fhir.json import load_object
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.finding import Found
from fhir_mh.records.asking import read_asking
from fhir_mh.sync.http import json_answer


class Finding:
    """The handler of /persons/find. transports: to the partners."""

    def __init__(self, gateway: Gateway, door: Door, transports: Connected) -> None:
        self.finding, self.door, self.transports = gateway.finding, door, transports

    def routes(self) -> list[Route]:
        """The route, described for the OpenAPI document in api/finding_described.py."""
        return [Route("/persons/find", Methods(POST=self.find))]

    async def find(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        only_parameters(request)
        media_type(request, *JSON_TYPES)
        text = await request.body()
        body = load_object(text)
        with placed(text, body):
            asking = read_asking(body)
            await self.transports.refresh()
            found = await self.finding.find(context, asking, self.transports)
        return json_answer(200, _told(found))


def _told(found: Found) -> dict[str, Any]:
    return {
        "asking": found.id,
        "record": found.record,
        "answers": [
            {"partner": one.partner, "said": one.said, "edition": one.edition, "code": one.code}
            for one in found.answers
        ],
    }
