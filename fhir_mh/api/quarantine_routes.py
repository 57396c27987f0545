"""What was set aside, over HTTP: /quarantine. Lists say who sent what when and why, never what it says."""

from __future__ import annotations

from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.api.access import Door
from fhir_mh.api.fhir_rest import Methods
from fhir_mh.api.searching import only_parameters
from fhir_mh.api.small_bodies import expected, members_of, text_in
from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext, in_role
from fhir_mh.fhir.json import load_object, loads
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.quarantine import PAGE, ROLE, Replayed, in_plain_words
from fhir_mh.store import Quarantined
from fhir_mh.store.values import QuarantineState
from fhir_mh.sync.http import json_answer

_STATES = get_args(QuarantineState)


class Quarantine:
    """The handlers of /quarantine."""

    def __init__(self, gateway: Gateway, door: Door) -> None:
        self.quarantine, self.door = gateway.quarantine, door

    def routes(self) -> list[Route]:
        """The routes, described for the OpenAPI document in api/quarantine_described.py."""
        return [
            Route("/quarantine", Methods(GET=self.listed)),
            Route("/quarantine/replay", Methods(POST=self.replay_all)),
            Route("/quarantine/{id}", Methods(GET=self.get)),
            Route("/quarantine/{id}/replay", Methods(POST=self.replay)),
            Route("/quarantine/{id}/discard", Methods(POST=self.discard)),
        ]

    async def listed(self, request: Request) -> Response:
        context = self._context(request, "state", "partner", "after")
        asked = request.query_params
        state: Any = asked.get("state", "held")
        if state not in _STATES:
            raise expected("state", "one of " + ", ".join(_STATES))
        among: Any = {"state": state, "partner": asked.get("partner"), "after": asked.get("after")}
        found = await self.quarantine.listed(context, **among, limit=PAGE + 1)
        shown, more = found[:PAGE], len(found) > PAGE
        return json_answer(200, {"messages": [_line(one) for one in shown], "next": shown[-1].id if more else None})

    async def get(self, request: Request) -> Response:
        held = await self.quarantine.read(self._context(request), request.path_params["id"])
        outcome = load_object(held.outcome) if held.outcome else None
        said = {"findings": loads(held.issues), "original": held.text, "record": in_plain_words(held)}
        return json_answer(200, {**_line(held), **said, "outcome": outcome})

    async def replay(self, request: Request) -> Response:
        return json_answer(
            200, _replayed(await self.quarantine.replay(self._context(request), request.path_params["id"]))
        )

    async def replay_all(self, request: Request) -> Response:
        context, body = self._context(request), await _body(request, "partner")
        found = await self.quarantine.replay_all(context, partner=body.get("partner"))
        return json_answer(200, {"replayed": [_replayed(one) for one in found]})

    async def discard(self, request: Request) -> Response:
        context, body = self._context(request), await _body(request, "reason")
        return json_answer(
            200, _line(await self.quarantine.discard(context, request.path_params["id"], body.get("reason") or ""))
        )

    def _context(self, request: Request, *known: str) -> AccessContext:
        only_parameters(request, *known)
        return in_role(self.door.context(request), ROLE, everyone=self.door.open)


async def _body(request: Request, name: str) -> dict[str, Any]:
    """A body that may hold one text. Raises InvalidResource for anything else in it."""
    body = await members_of(request, name)
    if name in body:
        text_in(body, name)
    return body


def _line(held: Quarantined) -> dict[str, Any]:
    """Who sent it, when, and what speaks against it by code and place: nothing of what it says."""
    return {
        "id": held.id,
        "partner": held.partner,
        "person": held.person,
        "message": held.message,
        "received": instant(held.received),
        "state": held.state,
        "changed": None if held.changed is None else instant(held.changed),
        "issues": [{"code": one["code"], "path": one["path"]} for one in loads(held.issues)],
    }


def _replayed(one: Replayed) -> dict[str, Any]:
    receipt = one.receipt
    edition, status = (None, None) if receipt is None else (receipt.edition, receipt.status)
    warnings = [] if receipt is None else [found for found in receipt.issues if not found.is_error]
    told = [{"code": found.code, "path": found.path} for found in warnings]
    return {**_line(one.held), "status": status, "edition": edition, "warnings": told}
