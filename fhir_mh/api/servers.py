"""What sending to partners' plain FHIR servers needs of the gateway: what was changed there is received first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_mh.connectors.fhir_server.found import Found
from fhir_mh.connectors.fhir_server.transport import ServerTransport
from fhir_mh.exchange.messages import Envelope
from fhir_mh.exchange.transport import ToServer, Transport
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.sameness import contradiction
from fhir_mh.gateway.servers import FromServer
from fhir_mh.issues import Issue
from fhir_mh.partner import Connection, Partner
from fhir_mh.sync.receiver import receive


class TakenIn:
    """One gateway, as the transport to one partner's server sees it: connectors.fhir_server.ports.Home."""

    def __init__(self, gateway: Gateway, partner: str, base_url: str) -> None:
        self.gateway, self.partner = gateway, partner
        self.reading = FromServer(gateway.home, gateway.check, partner, base_url)

    async def take_in(self, found: Found) -> bool:
        """See Home."""
        store, exchange = self.gateway.store, self.gateway.exchange
        for made in await store.read(lambda tx: self.reading.messages(tx, found)):
            envelope = Envelope(self.partner, self.gateway.home.ods, (made.message,))
            if not await receive(store, exchange, self.partner, envelope):
                return False
            await store.write(lambda tx, made=made: self.reading.dealt_with(tx, made))  # type: ignore[misc]
        return True

    async def deleted(self, kind: str, there: str) -> None:
        """See Home."""
        await self.gateway.store.write(lambda tx: self.reading.gone(tx, kind, there))

    def contradiction(self, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Issue | None:
        """See Home."""
        return contradiction(ours, [theirs], "$.bundle")


def to_server(gateway: Gateway) -> ToServer:
    """How this gateway reaches a partner's FHIR server."""

    def reached(partner: Partner, connection: Connection, patience: float) -> Transport:
        home = TakenIn(gateway, partner.ods, connection.base_url)
        return ServerTransport(
            connection, partner.ods, gateway.home.ods, gateway.store, home, patience=patience
        )  # fmt: skip

    return reached
