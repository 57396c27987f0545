"""What operators see of the deliveries, and may do to them: routes that the application mounts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.errors import InvalidResource, NotFound
from fhir_mh.fhir.json import load_object
from fhir_mh.issues import issue
from fhir_mh.store import Store, Tx
from fhir_mh.sync.backlog import Counts, exposition, summary
from fhir_mh.sync.deliveries import inspect, listing, replay, replay_all, resume, send_again
from fhir_mh.sync.http import body_of, json_answer

Allow = Callable[[Request], Awaitable[None]]
"""Raises NotAuthenticated or ConsentDenied unless the caller may look after the deliveries."""

_LARGEST = 2**63 - 1  # of a database's integers
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def delivery_routes(
    store: Store, allow: Allow, partners: Collection[str], *, counts: Counts | None = None, alarm_after: int = 15
) -> list[Route]:
    """`/deliveries` and what is below it, and `GET /metrics`, for those whom allow lets pass.

    partners: the ODS codes of those that the settings name. counts: what the courier counts. alarm_after: minutes.
    What is refused is raised, for the application to answer: what allow raises, NotFound, InvalidResource, TooLarge.
    """
    desk = _Desk(store, allow, frozenset(partners), Counts() if counts is None else counts, alarm_after)
    return [
        Route("/deliveries", desk.look, methods=["GET"]),
        Route("/deliveries/summary", desk.sum_up, methods=["GET"]),
        Route("/deliveries/resume", desk.let_pass, methods=["POST"]),
        Route("/deliveries/send-again", desk.send_again, methods=["POST"]),
        Route("/deliveries/replay", desk.replay_all, methods=["POST"]),
        Route("/deliveries/{seq:int}", desk.inspect, methods=["GET"]),
        Route("/deliveries/{seq:int}/replay", desk.replay, methods=["POST"]),
        Route("/metrics", desk.measure, methods=["GET"]),
    ]


class _Desk:
    """Where operators come."""

    def __init__(self, store: Store, allow: Allow, partners: frozenset[str], counts: Counts, alarm_after: int) -> None:
        self.store, self.allow, self.partners = store, allow, partners
        self.counts, self.alarm_after = counts, alarm_after

    def _known(self, tx: Tx, partner: str | None) -> None:
        if partner is None or partner in self.partners or tx.partners.get(partner) is not None:
            return
        if not tx.lanes.find(partner=partner):
            raise NotFound(issues=[issue("sync-unknown-partner", "partner")])

    def _all(self, tx: Tx) -> frozenset[str]:
        """The partners of the settings and those kept in the store."""
        return self.partners.union(tx.partners.codes())

    async def look(self, request: Request) -> Response:
        await self.allow(request)
        partner, everything = request.query_params.get("partner"), request.query_params.get("all", "") == "true"

        def listed(tx: Tx) -> dict[str, Any]:
            self._known(tx, partner)
            return listing(tx, partner=partner, everything=everything)

        return json_answer(200, await self.store.read(listed))

    async def sum_up(self, request: Request) -> Response:
        await self.allow(request)
        told = await self.store.read(lambda tx: summary(tx, self._all(tx), self.counts, self.alarm_after))
        return json_answer(200, told)

    async def measure(self, request: Request) -> Response:
        await self.allow(request)
        text = await self.store.read(lambda tx: exposition(tx, self._all(tx), self.counts))
        return Response(text, headers={"content-type": _PROMETHEUS})

    async def inspect(self, request: Request) -> Response:
        await self.allow(request)
        seq = _number(request)
        return json_answer(200, await self.store.read(lambda tx: inspect(tx, seq)))

    async def replay(self, request: Request) -> Response:
        await self.allow(request)
        seq = _number(request)
        return json_answer(200, await self.store.write(lambda tx: replay(tx, seq)))

    async def replay_all(self, request: Request) -> Response:
        await self.allow(request)
        wanted = await _wanted(request, "partner", "code")
        partner, code = _partner(wanted), _text(wanted, "code", "a code such as sync-refused")

        def again(tx: Tx) -> dict[str, Any]:
            self._known(tx, partner)
            return replay_all(tx, partner, code)

        return json_answer(200, await self.store.write(again))

    async def send_again(self, request: Request) -> Response:
        await self.allow(request)
        partner = _partner(await _wanted(request, "partner"))

        def again(tx: Tx) -> dict[str, Any]:
            self._known(tx, partner)
            return send_again(tx, partner)

        return json_answer(200, await self.store.write(again))

    async def let_pass(self, request: Request) -> Response:
        await self.allow(request)
        wanted = await _wanted(request, "partner", "person")
        partner, person = _partner(wanted), _text(wanted, "person", "a person's id")

        def pass_again(tx: Tx) -> dict[str, Any]:
            self._known(tx, partner)
            return resume(tx, partner, person)

        return json_answer(200, await self.store.write(pass_again))


def _number(request: Request) -> int:
    seq: int = request.path_params["seq"]
    if seq > _LARGEST:
        raise NotFound(issues=[issue("store-unknown-message", "seq")])
    return seq


async def _wanted(request: Request, *names: str) -> dict[str, Any]:
    """The body. Another member than these is refused: passed over, what was to be narrowed would be of all."""
    wanted = load_object(await body_of(request))
    for name in wanted:
        if name not in names:
            raise InvalidResource(issues=[issue("rest-body", name, expected=" or ".join(names))])
    return wanted


def _partner(wanted: dict[str, Any]) -> str:
    partner = wanted.get("partner")
    if not isinstance(partner, str):
        raise InvalidResource(issues=[issue("rest-body", "partner", expected="an ODS code")])
    return partner


def _text(wanted: dict[str, Any], name: str, expected: str) -> str | None:
    found = wanted.get(name)
    if not (found is None or isinstance(found, str)):
        raise InvalidResource(issues=[issue("rest-body", name, expected=expected)])
    return found
