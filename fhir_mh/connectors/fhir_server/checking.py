"""Proving a connection to a partner's plain FHIR server. Nothing is written there, and nobody is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.connectors.fhir_server.naming import Body
from fhir_mh.connectors.fhir_server.rendering import bears
from fhir_mh.errors import NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.checking import made_up
from fhir_mh.exchange.proving import BELOW, Look, Step
from fhir_mh.exchange.transport import Refused
from fhir_mh.fhir.urls import ITEM_ID
from fhir_mh.issues import issue

STEPS = (*BELOW, "server", "fhir", "token", "search", "transaction", "history", "dry-run")
"""What is looked at, in this order."""

_NOBODY = ("identifier", f"{ITEM_ID}|fhir-mh-check")
_SENT = "CarePlan"


class ServerLook(Look):
    """At one connection to a FHIR server, by its own interactions."""

    names = STEPS

    async def beyond(self) -> None:
        """See Look."""
        client = FhirClient(self.connection)
        try:
            offered = await self._capability(client)
            await self._search(client)
            self._offered(offered)
            await self._dry_run(client)
        finally:
            await client.close()

    async def _capability(self, client: FhirClient) -> Body:
        at = f"{self.place}.base_url"
        try:
            found = await client.capability()
        except NotAuthenticated:
            self._wrong("token", issue("server-token", f"{self.place}.token"))
        except (UpstreamUnavailable, Refused) as fault:
            self._wrong("server", issue("partner-not-a-server", at, reason=fault.issues[0].code))
        if found.get("resourceType") != "CapabilityStatement":
            self._wrong("server", issue("partner-not-a-server", at, reason="sync-unexpected-answer"))
        self._ok("server", "it says what it can do")
        version = found.get("fhirVersion")
        if not (isinstance(version, str) and version.startswith("4.0")):
            self._wrong("fhir", issue("partner-fhir-version", at))
        self._ok("fhir", "R4")
        return found

    async def _search(self, client: FhirClient) -> None:
        """Asked for what is nobody's: whether the token counts, and whether what is asked for is heeded."""
        try:
            found = [one async for one in client.search(_SENT, [_NOBODY])]
        except NotAuthenticated:
            self._wrong("token", issue("server-token", f"{self.place}.token"))
        except (UpstreamUnavailable, Refused) as fault:
            self._ok("token", "it is taken")
            self._wrong("search", issue("partner-search", self.place, reason=fault.issues[0].code))
        self._ok("token", "it is taken" if self.connection.token else "none is agreed: both are on this machine")
        if any(not bears(one, *_NOBODY) for one in found):
            self._wrong("search", issue("partner-search", self.place, reason="server-pages"))
        self._ok("search", "items are found by their identifiers")

    def _offered(self, capability: Body) -> None:
        rest = next(iter(_objects(capability.get("rest"))), {})
        if "transaction" not in _codes(rest):
            self._wrong("transaction", issue("partner-no-transaction", self.place))
        self._ok("transaction", "transactions are taken")
        kinds = [one for one in _objects(rest.get("resource")) if one.get("type") == _SENT]
        if any("history-instance" in _codes(one) for one in kinds):
            self._ok("history", "versions are kept")
        else:
            self._note("history", issue("partner-no-history", self.place))

    async def _dry_run(self, client: FhirClient) -> None:
        """The first of each type of a made-up plan, by $validate."""
        firsts: dict[str, Body] = {}
        for entry in made_up(self.own).content["bundle"]["entry"]:
            firsts.setdefault(entry["resource"]["resourceType"], entry["resource"])
        try:
            said = {kind: await client.validate(body) for kind, body in firsts.items()}
        except (UpstreamUnavailable, NotAuthenticated, Refused):
            said = {}
        wrong = sorted(kind for kind, taken in said.items() if taken is False)
        if wrong:
            self._note("dry-run", issue("partner-would-refuse", self.place, types=", ".join(wrong)))
        elif any(said.values()):
            self._ok("dry-run", "a made-up person's plan would be taken")
        else:
            self.steps.append(Step("dry-run", "not-checked", "it does not say what it would take"))


def _codes(of: Mapping[str, Any]) -> set[str]:
    return {str(one.get("code")) for one in _objects(of.get("interaction"))}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()
