"""How current copies are, over HTTP: `Patient/{id}/$currency`, /records/{id}/currency; and what marks them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.api import records_json
from fhir_mh.api.access import Door
from fhir_mh.api.currency_forms import parameters, plain
from fhir_mh.api.faults import FHIR_JSON, Refused
from fhir_mh.api.fhir_rest import Methods
from fhir_mh.api.headers import JSON_TYPES, accepts_json, etag, media_type
from fhir_mh.api.places import placed
from fhir_mh.api.searching import only_parameters
from fhir_mh.consent import AccessContext
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.marking import read_marked
from fhir_mh.issues import issue

JSON = "application/json"


class CurrencyRoutes:
    """The handlers."""

    def __init__(self, gateway: Gateway, door: Door) -> None:
        self.gateway, self.door = gateway, door

    def routes(self) -> list[Route]:
        """The routes, described for the OpenAPI document in api/currency_described.py."""
        return [
            Route("/fhir/Patient/{id}/$currency", Methods(GET=self.on_patient, POST=self.on_patient)),
            Route("/records/{id}/currency", Methods(GET=self.of_record)),
            Route("/records/{id}/copies/marks", Methods(POST=self.mark)),
            Route("/records/{id}/open", Methods(POST=self.open)),
        ]

    async def on_patient(self, request: Request) -> Response:
        """The operation; it takes no parameters. A body may be empty, or Parameters without any."""
        context = self._context(request)
        if text := await request.body():
            media_type(request, *JSON_TYPES)
            body = load_object(text)
            with placed(text, body):
                if body.get("resourceType") != "Parameters":
                    raise Refused(400, issue("rest-type-differs", "resourceType"))
                if body.get("parameter"):
                    fix, place = "Send none: there is nothing to choose.", "Parameters.parameter[0].name"
                    raise Refused(
                        400, issue("rest-bad-parameter", place, problem="$currency takes no parameters", fix=fix)
                    )
        found = await self.gateway.currency.of_patient(context, request.path_params["id"])
        return Response(dumps(parameters(found)), media_type=FHIR_JSON)

    async def of_record(self, request: Request) -> Response:
        found = await self.gateway.currency.of_record(self._context(request), request.path_params["id"])
        return Response(dumps(plain(found)), media_type=JSON)

    async def mark(self, request: Request) -> Response:
        context = self._context(request)
        media_type(request, *JSON_TYPES)
        text = await request.body()
        body = load_object(text)
        with placed(text, body):
            copy = await self.gateway.currency.mark(context, request.path_params["id"], read_marked(body))
        return Response(dumps(records_json.copy(copy)), media_type=JSON)

    async def open(self, request: Request) -> Response:
        record = await self.gateway.open(self._context(request), request.path_params["id"])
        return Response(dumps(records_json.held(record)), headers={"ETag": etag(record.version)}, media_type=JSON)

    def _context(self, request: Request) -> AccessContext:
        context = self.door.context(request)
        accepts_json(request)
        only_parameters(request)
        return context
