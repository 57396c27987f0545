"""What the FHIR system of a partner sends here itself, rather than have it asked for: Bundles, and single resources.

See docs/sync-protocol.md, 'What it sends itself', and docs/rest.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fhir_mh.api import bundles
from fhir_mh.api.faults import FHIR_JSON, Refused
from fhir_mh.api.headers import base_url, etag, version_named
from fhir_mh.api.places import placed, with_positions
from fhir_mh.api.transactions import TAKEN, expect_no_search, read_condition, whole
from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.fhir.outcome import outcome
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.partners import Directory
from fhir_mh.gateway.pushed import Pushed, Told
from fhir_mh.gateway.resources import TransactionEntry
from fhir_mh.gateway.servers import FromServer
from fhir_mh.issues import issue

ROLE = "fhir-server"
"""A client in this role is the FHIR system of its organisation, and speaks for what that holds."""
Json = dict[str, Any]
Sent = tuple[bytes, Json]
Entries = Sequence[tuple[str, Any]]


class Pushing:
    """Tells whose system a caller is, and takes in what it sends."""

    def __init__(self, gateway: Gateway, partners: Directory) -> None:
        self.gateway, self.partners = gateway, partners

    async def by(self, context: AccessContext) -> Sender | None:
        """The partner's system that a caller is; None for anybody else.

        It is one where its client is in the role `fhir-server`, and its organisation is a partner that is reached as
        one, by a connection that is on.
        """
        home = self.gateway.home
        if context.role != ROLE or context.organisation == home.ods:
            return None
        partner = await self.partners.find(context.organisation)
        if partner is None or partner.kind != "fhir-server" or not partner.usable:
            return None
        reading = FromServer(home, self.gateway.check, partner.ods, *partner.bases(partner.usable[0]))
        return Sender(self.gateway, Pushed(reading, self.gateway.exchange))


class Sender:
    """One partner's system, and what it sends."""

    def __init__(self, gateway: Gateway, pushed: Pushed) -> None:
        self.gateway, self.pushed = gateway, pushed

    async def transaction(self, fhir: str, entries: Entries, sent: Sent) -> bytes:
        """Take in all entries or none; a Bundle of what became of each. Raises InvalidResource, VersionConflict."""
        done = await self._take(whole(list(entries), pushed=True), fhir, sent)
        return bundles.responses("transaction-response", done)

    async def one_of(self, asked: TransactionEntry, fhir: str, sent: Sent) -> Json:
        """Take in one entry of a batch; what became of it."""
        expect_no_search(asked.body, asked.path)
        return (await self._take([asked], fhir, sent))[0]

    async def alone(self, request: Request, kind: str, name: str | None, sent: Sent) -> Response:
        """Take in one resource, created or updated by itself."""
        with placed(*sent):
            if kind not in TAKEN:
                raise InvalidResource(issues=[issue("server-pushed-type", kind, type=kind)])
            if name is not None and sent[1].get("id") != name:
                raise Refused(400, issue("rest-id-differs", f"{kind}.id"))
            expect_no_search(sent[1], kind)
            asked = request.headers.get("if-none-exist") if name is None else None
            condition = read_condition(asked, "http.if-none-exist") if asked is not None else None
            method = "POST" if name is None else "PUT"
            entry = TransactionEntry(method, sent[1], None, name, version_named(request), kind, condition)
            found = (await self._take([entry], f"{base_url(request)}/fhir", sent))[0]["response"]
        where = "Location" if found["status"] == "201 Created" else "Content-Location"
        named = {where: "location", "ETag": "etag"}
        headers = {header: found[said] for header, said in named.items() if said in found}
        status = int(found["status"].partition(" ")[0])
        return Response(dumps(found.get("outcome", outcome(()))), status, headers=headers, media_type=FHIR_JSON)

    async def _take(self, entries: Sequence[TransactionEntry], fhir: str, sent: Sent) -> list[Json]:
        def answer(became: Sequence[Told]) -> str:
            return dumps([_entry(fhir, one, sent) for one in became]).decode()

        text = await self.gateway.store.write(lambda tx: self.pushed.take(tx, entries, answer))
        found: list[Json] = loads(text)
        return found


def _entry(fhir: str, told: Told, sent: Sent) -> Json:
    """One entry of the answer. Of what is ours its version is not told: it may not be shared any more."""
    response: Json = {"status": told.status}
    stored = told.stored
    if stored is not None:
        place = f"{fhir}/{stored.type}/{stored.id}"
        response["location"] = f"{place}/_history/{stored.version}" if told.is_own else place
        if told.is_own:
            response |= {"etag": etag(stored.version), "lastModified": instant(stored.updated)}
    if told.issues:
        response["outcome"] = outcome(with_positions(told.issues, *sent))
    return {"response": response}
