"""A way of reaching a partner that is a plain FHIR server: each message as such a server can be told it."""

from __future__ import annotations

import asyncio

import httpx

from fhir_mh.connectors.fhir_server.client import FhirClient, is_of_one
from fhir_mh.connectors.fhir_server.naming import Names
from fhir_mh.connectors.fhir_server.notices import Notices
from fhir_mh.connectors.fhir_server.ports import Home
from fhir_mh.connectors.fhir_server.sending import Snapshot
from fhir_mh.errors import NotAuthenticated, UpstreamUnavailable, VersionConflict
from fhir_mh.exchange.finding import Sought, Status
from fhir_mh.exchange.messages import Envelope, Message, Receipt, Unreadable
from fhir_mh.exchange.transport import Refused
from fhir_mh.issues import issue
from fhir_mh.partner import Connection
from fhir_mh.store import Store


class ServerTransport:
    """The messages of the sync protocol to one FHIR server, over one connection. See Transport.

    names: those of the partner's server; own: our ODS code. patience: seconds for a whole envelope; what was not dealt
    with by then has no receipt. through: another transport of HTTP, for tests.
    """

    def __init__(
        self, connection: Connection, names: Names, own: str, store: Store, home: Home, *,
        patience: float, through: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self.own, self.store, self.home = own, store, home
        self._patience = patience
        self._client = FhirClient(connection, through=through)
        self._names = names
        self._one = asyncio.Lock()  # two plans at once would make twice what both refer to

    async def send(self, envelope: Envelope) -> list[Receipt]:
        """See Transport. One message after the other; a server that fails in between has dealt with those before."""
        receipts: list[Receipt] = []
        try:
            async with asyncio.timeout(self._patience):
                for message in envelope.messages:
                    receipts.append(await self._receipt(message))  # noqa: PERF401 - those before a fault count
        except (UpstreamUnavailable, NotAuthenticated):
            if not receipts:
                raise
        except TimeoutError as fault:
            if not receipts:
                found = issue("sync-unreachable", "$", reason=type(fault).__name__)
                raise UpstreamUnavailable(issues=[found]) from None
        return receipts

    async def find(self, sought: Sought) -> Status | None:
        """See Transport: a plain server knows of no askings."""
        return None

    async def close(self) -> None:
        """See Transport."""
        await self._client.close()

    async def _receipt(self, message: Message | Unreadable) -> Receipt:
        try:
            return await self._tell(message)
        except VersionConflict as fault:
            return Receipt(message.id, "later", issues=fault.issues)
        except Refused as fault:
            return Receipt(message.id, "refused" if fault.final else "later", issues=fault.issues)
        except UpstreamUnavailable as fault:
            if not is_of_one(fault):  # else it says nothing of the server as a whole: the other messages go on
                raise
            return Receipt(message.id, "later", issues=fault.issues)

    async def _tell(self, message: Message | Unreadable) -> Receipt:
        if isinstance(message, Unreadable) or message.verb in ("proposal", "marked"):
            verb = "" if isinstance(message, Unreadable) else message.verb
            return Receipt(message.id, "refused", issues=(issue("server-takes-none", "$", verb=verb),))
        notices = Notices(self._client, self._names, self.store, self.home, self.own)
        if message.verb == "snapshot":
            async with self._one:
                await Snapshot(self._client, self._names, self.store, self.home, message).deliver()
        elif message.content.get("notice") == "entered-in-error":
            await notices.retracted(message)
        elif message.content.get("notice") == "sharing-ended":
            await notices.ended(message)
        return Receipt(message.id, "stored", message.edition)
