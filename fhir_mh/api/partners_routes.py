"""Partners over HTTP: /partners, for those who administer the gateway. No secret goes in or out here."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.api.access import Door
from fhir_mh.api.faults import Refused
from fhir_mh.api.fhir_rest import Methods
from fhir_mh.api.headers import base_url, etag, json_body, version_named
from fhir_mh.api.small_bodies import expected, members_of
from fhir_mh.clock import Clock
from fhir_mh.errors import ConsentDenied
from fhir_mh.exchange.proving import Checked
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway.checking import check
from fhir_mh.gateway.partners import Directory, Known
from fhir_mh.issues import issue
from fhir_mh.sync.http import json_answer

log = logging.getLogger(__name__)

JSON = "application/json"
_CHANGING, _LOOKING = ("administrator",), ("administrator", "operator")


class Partners:
    """The handlers of /partners. Who may look: operators and administrators of this organisation; who may change:
    administrators."""

    def __init__(self, directory: Directory, door: Door, clock: Clock) -> None:
        self.directory, self.door, self.clock = directory, door, clock

    def routes(self) -> list[Route]:
        """The routes, described for the OpenAPI document in api/partners_described.py."""
        return [
            Route("/partners", Methods(GET=self.listed, POST=self.add)),
            Route("/partners/check", Methods(POST=self.check)),
            Route("/partners/{ods}", Methods(GET=self.read, PUT=self.change, DELETE=self.remove)),
        ]

    async def listed(self, request: Request) -> Response:
        self._allow(request, _LOOKING)
        return json_answer(200, {"partners": [as_json(one) for one in await self.directory.listed()]})

    async def read(self, request: Request) -> Response:
        self._allow(request, _LOOKING)
        return _said(await self.directory.read(request.path_params["ods"]))

    async def add(self, request: Request) -> Response:
        who = self._allow(request, _CHANGING)
        added = await self.directory.add(await json_body(request))
        log.info("partner %s was added by a client in the role %s", added.ods, who)
        answer = _said(added, 201, Location=f"{base_url(request)}/partners/{added.ods}")
        answer.background = BackgroundTask(self.directory.share_with, added.ods)  # of many people it takes a while
        return answer

    async def change(self, request: Request) -> Response:
        who = self._allow(request, _CHANGING)
        version = version_named(request)
        if version is None:
            raise Refused(428, issue("rest-if-match-missing", "http.if-match"))
        changed = await self.directory.change(request.path_params["ods"], await json_body(request), version=version)
        log.info("partner %s was changed by a client in the role %s", changed.ods, who)
        return _said(changed)

    async def remove(self, request: Request) -> Response:
        who = self._allow(request, _CHANGING)
        left = await self.directory.remove(request.path_params["ods"], version=version_named(request))
        log.info("partner %s was removed by a client in the role %s", request.path_params["ods"], who)
        return json_answer(200, {"lanes": left.lanes, "notices": left.notices, "proposals": left.proposals})

    async def check(self, request: Request) -> Response:
        """Prove the connections of these partners, or of all."""
        self._allow(request, _LOOKING)
        wanted = (await members_of(request, "ods")).get("ods", [])
        if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
            raise expected("ods", "a list of ODS codes")
        known = [await self.directory.read(ods) for ods in wanted] or await self.directory.listed()
        own = self.directory.home.ods
        checked = await asyncio.gather(*(_checked(one, own, self.clock) for one in known if not one.removed))
        return json_answer(200, {"partners": [one.as_json() for one in checked]})

    def _allow(self, request: Request, roles: tuple[str, ...]) -> str:
        """The role in which somebody asks who may. Raises NotAuthenticated, ConsentDenied."""
        context = self.door.context(request)
        if context.organisation != self.directory.home.ods or not (self.door.open or context.role in roles):
            raise ConsentDenied(issues=[issue("rest-administrators-only", "", roles=" or ".join(roles))])
        return context.role


async def _checked(known: Known, own: str, clock: Clock) -> Checked:
    if known.partner is None:
        return Checked(known.ods, str(known.body.get("name", "")), (), known.issues)
    return await check(known.partner, own, clock)


def as_json(known: Known) -> dict[str, Any]:
    """A partner as it is told: what PUT takes under `partner`, and around it what is known of it."""
    found: dict[str, Any] = {"ods": known.ods, "kept": known.kept, "partner": known.body, "holds": known.holds}
    if known.kept == "api":
        found["version"] = known.version
    if known.removed:
        found["removed"] = True
    if known.issues:
        found["issues"] = [one.as_dict() for one in known.issues]
    return found


def _said(known: Known, status: int = 200, **headers: str) -> Response:
    tagged = {"ETag": etag(known.version), **headers} if known.kept == "api" else headers
    return Response(dumps(as_json(known)), status, headers=tagged, media_type=JSON)
