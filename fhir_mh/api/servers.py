"""Partners' plain FHIR servers, as this gateway reads and writes them."""

from __future__ import annotations

from fhir_mh.connectors.fhir_server.taking_in import TakingIn
from fhir_mh.connectors.fhir_server.transport import ServerTransport
from fhir_mh.exchange.messages import Envelope, Message, Unreadable
from fhir_mh.exchange.transport import ToServer, Transport
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.servers import FromServer
from fhir_mh.partner import Connection, Partner
from fhir_mh.sync.receiver import receive


def taking_in(gateway: Gateway, partner: str, connection: Connection) -> TakingIn:
    """How what lies on a partner's server comes in: as messages of that partner."""

    async def take(message: Message | Unreadable) -> bool:
        envelope = Envelope(partner, gateway.home.ods, (message,))
        return bool(await receive(gateway.store, gateway.exchange, partner, envelope))

    reading = FromServer(gateway.home, gateway.check, partner, connection.base_url)
    return TakingIn(gateway.store, reading, take)


def to_server(gateway: Gateway) -> ToServer:
    """How a partner's server is written to: what was changed there comes in first."""

    def reached(partner: Partner, connection: Connection, patience: float) -> Transport:
        home, own = taking_in(gateway, partner.ods, connection), gateway.home.ods
        return ServerTransport(connection, partner.ods, own, gateway.store, home, patience=patience)

    return reached
