"""What was written for the wrong person, over HTTP: retracting it, and opening what is sealed."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.api.access import Door
from fhir_mh.api.fhir_rest import Methods
from fhir_mh.api.searching import only_parameters
from fhir_mh.api.small_bodies import expected, members_of, text_in
from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext, in_role
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.retracting import ROLE, Sealed
from fhir_mh.sync.http import json_answer


class Seals:
    """The handlers of /records/{id}/retractions and /sealed."""

    def __init__(self, gateway: Gateway, door: Door) -> None:
        self.seals, self.door = gateway.seals, door

    def routes(self) -> list[Route]:
        """The routes, described for the OpenAPI document in api/seals_described.py."""
        return [
            Route("/records/{id}/retractions", Methods(POST=self.retract)),
            Route("/sealed", Methods(GET=self.listed)),
            Route("/sealed/{id}/approvals", Methods(POST=self.approve)),
            Route("/sealed/{id}/open", Methods(POST=self.open)),
        ]

    async def retract(self, request: Request) -> Response:
        context, body = self._context(request), await members_of(request, "items", "everything", "reason")
        if (body.get("everything") is True) == ("items" in body):
            raise expected("items", "a list of items, or everything: true")
        items = _items(body["items"]) if "items" in body else None
        count = await self.seals.retract(context, request.path_params["id"], items, text_in(body, "reason"))
        return json_answer(200, {"id": request.path_params["id"], "retracted": count})

    async def listed(self, request: Request) -> Response:
        return json_answer(200, {"seals": [_line(one) for one in await self.seals.listed(self._context(request))]})

    async def approve(self, request: Request) -> Response:
        context, body = self._context(request), await members_of(request, "reason")
        return json_answer(
            200, _line(await self.seals.approve(context, request.path_params["id"], text_in(body, "reason")))
        )

    async def open(self, request: Request) -> Response:
        texts = await self.seals.open(self._context(request), request.path_params["id"])
        shown = [{"kind": one.kind, "name": one.name, "version": one.version, "text": one.text} for one in texts]
        return json_answer(200, {"id": request.path_params["id"], "texts": shown})

    def _context(self, request: Request) -> AccessContext:
        only_parameters(request)
        return in_role(self.door.context(request), ROLE, everyone=self.door.open)


def _items(listed: Any) -> list[tuple[str, str]]:
    if not isinstance(listed, list) or not listed:
        raise expected("items", "a list of items")
    found = []
    for number, one in enumerate(listed):
        if not isinstance(one, dict) or not all(isinstance(one.get(name), str) for name in ("list", "id")):
            raise expected(f"items[{number}]", 'an item as {"list": ..., "id": ...}')
        found.append((one["list"], one["id"]))
    return found


def _line(one: Sealed) -> dict[str, Any]:
    """When, of whom and how many: nothing of what is under the seal, nor why it was sealed."""
    made = one.seal
    return {
        "id": made.id,
        "person": made.person,
        "custodian": made.custodian,
        "sealed": instant(made.sealed),
        "texts": made.texts,
        "approved_by": list(one.approved_by),
    }
