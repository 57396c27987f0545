"""Conflicts over HTTP: /conflicts. Texts stand in answers and bodies alone, never in an address."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.api.access import Door
from fhir_mh.api.faults import Refused
from fhir_mh.api.fhir_rest import Methods
from fhir_mh.api.headers import accepts_json, etag, json_body, version_named
from fhir_mh.api.searching import only_parameters
from fhir_mh.clock import instant
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.choosing import choices
from fhir_mh.gateway.deciding import ShownConflict
from fhir_mh.issues import issue
from fhir_mh.records.decisions import read_decision

JSON = "application/json"


class Conflicts:
    """The handlers of /conflicts."""

    def __init__(self, gateway: Gateway, door: Door) -> None:
        self.deciding, self.door = gateway.deciding, door

    def routes(self) -> list[Route]:
        """The routes, described for the OpenAPI document in api/conflicts_described.py."""
        return [
            Route("/conflicts", Methods(GET=self.listed)),
            Route("/conflicts/{id}", Methods(GET=self.get)),
            Route("/conflicts/{id}/decision", Methods(POST=self.decide)),
        ]

    async def listed(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        asked = only_parameters(request, "record", "owner")
        found = await self.deciding.waiting(context, record=asked.get("record"), owner=asked.get("owner"))
        return Response(dumps({"conflicts": [_named(one) for one in found]}), media_type=JSON)

    async def get(self, request: Request) -> Response:
        context = self.door.context(request)
        accepts_json(request)
        only_parameters(request)
        return _said(await self.deciding.read(context, request.path_params["id"]))

    async def decide(self, request: Request) -> Response:
        context = self.door.context(request)
        only_parameters(request)
        expected = version_named(request)
        if expected is None:
            raise Refused(428, issue("rest-if-match-missing", "http.if-match"))
        decision = read_decision(await json_body(request))
        return _said(await self.deciding.decide(context, request.path_params["id"], decision, if_match=expected))


def _named(one: ShownConflict) -> dict[str, Any]:
    """What a queue shows: which row of which record, without content."""
    held = one.stored
    return {
        "id": held.id,
        "record": one.record,
        "path": one.path,
        "reason": held.reason,
        "from": held.theirs_by,
        "owner": one.owner,
        "raised_at": instant(held.raised),
        "choices": list(choices(held)) if held.outcome is None else [],
    }


def _whole(one: ShownConflict) -> dict[str, Any]:
    """A conflict with every text: what its author was shown and wants, what stood here then and stands here now."""
    held = one.stored
    return {
        **_named(one),
        "version": one.version,
        "base": held.base,
        "ours": held.ours,
        "now": one.now,
        "theirs": held.theirs,
        "outcome": held.outcome,
        "decision": held.decision,
        "decided_at": None if held.decided is None else instant(held.decided),
    }


def _said(one: ShownConflict) -> Response:
    return Response(dumps(_whole(one)), headers={"ETag": etag(one.version)}, media_type=JSON)
