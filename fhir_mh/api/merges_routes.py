"""Two persons who are one, over HTTP: /persons/merges. Records are named by their ids, in the body."""

from __future__ import annotations

from typing import Any, cast

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
from fhir_mh.gateway.merges import ROLE, Preview, ShownMerge, SideSeen
from fhir_mh.gateway.undoing import Answer
from fhir_mh.gateway.written_since import Whose, Written
from fhir_mh.store import PersonMerge
from fhir_mh.sync.http import json_answer

_WHOSE = ("stays", "other", "apart")


class Merges:
    """The handlers of /persons/merges."""

    def __init__(self, gateway: Gateway, door: Door) -> None:
        self.merges, self.door = gateway.merges, door

    def routes(self) -> list[Route]:
        """The routes, described for the OpenAPI document in api/merges_described.py."""
        return [
            Route("/persons/merges", Methods(GET=self.listed, POST=self.ask)),
            Route("/persons/merges/preview", Methods(POST=self.preview)),
            Route("/persons/merges/{id}", Methods(GET=self.read)),
            Route("/persons/merges/{id}/approvals", Methods(POST=self.approve)),
            Route("/persons/merges/{id}/undoing", Methods(POST=self.undo)),
        ]

    async def listed(self, request: Request) -> Response:
        found = await self.merges.listed(self._context(request))
        return json_answer(200, {"merges": [_line(one) for one in found]})

    async def preview(self, request: Request) -> Response:
        context, body = self._context(request), await members_of(request, "kept", "superseded")
        return json_answer(
            200, _previewed(await self.merges.preview(context, text_in(body, "kept"), text_in(body, "superseded")))
        )

    async def ask(self, request: Request) -> Response:
        context, body = self._context(request), await members_of(request, "kept", "superseded", "reason")
        kept, superseded = text_in(body, "kept"), text_in(body, "superseded")
        made = await self.merges.ask(context, kept, superseded, text_in(body, "reason"))
        return json_answer(201, _shown(made))

    async def read(self, request: Request) -> Response:
        return json_answer(200, _shown(await self.merges.read(self._context(request), request.path_params["id"])))

    async def approve(self, request: Request) -> Response:
        context, body = self._context(request), await members_of(request, "reason")
        return json_answer(
            200, _shown(await self.merges.approve(context, request.path_params["id"], text_in(body, "reason")))
        )

    async def undo(self, request: Request) -> Response:
        context, body = self._context(request), await members_of(request, "reason", "answers")
        done = await self.merges.undo(
            context, request.path_params["id"], text_in(body, "reason"), _answers(body.get("answers", []))
        )
        told = {"stayed": done.stayed, "moved": done.moved, "apart": done.apart}
        return json_answer(200, {**_line(done.merge), **told})

    def _context(self, request: Request) -> AccessContext:
        only_parameters(request)
        return in_role(self.door.context(request), ROLE, everyone=self.door.open)


def _answers(listed: Any) -> list[Answer]:
    if not isinstance(listed, list):
        raise expected("answers", "a list of answers")
    return [_answer(one, f"answers[{number}]") for number, one in enumerate(listed)]


def _answer(one: Any, place: str) -> Answer:
    names = ("list", "id", "whose")
    if not isinstance(one, dict) or one.keys() != set(names) or not all(isinstance(one[name], str) for name in names):
        raise expected(place, 'an answer as {"list": ..., "id": ..., "whose": ...}')
    if one["whose"] not in _WHOSE:
        raise expected(f"{place}.whose", " or ".join(_WHOSE))
    return Answer(one["list"], one["id"], cast(Whose, one["whose"]))


def _line(one: PersonMerge) -> dict[str, Any]:
    """Who said what of whom, and when; why stands in the audit log."""
    return {
        "id": one.id,
        "kept": one.kept,
        "superseded": one.superseded,
        "state": one.state,
        "asked_by": one.asked_by,
        "asked": instant(one.asked),
        "approved_by": one.approved_by,
        "made": None if one.made is None else instant(one.made),
        "undone_by": one.undone_by,
        "undone": None if one.undone is None else instant(one.undone),
    }


def _shown(one: ShownMerge) -> dict[str, Any]:
    return {**_line(one.merge), "written_since": [_written(found) for found in one.written]}


def _written(one: Written) -> dict[str, Any]:
    """What may be asked about: which entry of which side, and nothing that it says."""
    resources = [f"{kind}/{name}" for kind, name in one.keys]
    return {
        "list": one.list, "id": one.id, "person": one.person, "resources": resources, "new": one.new,
        "may": list(one.may),
    }  # fmt: skip


def _previewed(one: Preview) -> dict[str, Any]:
    return {
        "kept": _side(one.kept),
        "superseded": _side(one.superseded),
        "refused": [found.as_dict() for found in one.refused],
        "differ": list(one.differ),
    }


def _side(one: SideSeen) -> dict[str, Any]:
    return {
        "id": one.person,
        "version": one.version,
        "entries": dict(one.entries),
        "lanes": list(one.lanes),
        "conflicts": one.conflicts,
        "proposals": one.proposals,
        "quarantined": one.quarantined,
    }
