"""Partners' plain FHIR servers joined to the gateway: what lies there is received, and sending looks at it first."""

from __future__ import annotations

from fhir_mh.connectors.fhir_server.naming import Names
from fhir_mh.connectors.fhir_server.taking_in import TakingIn
from fhir_mh.connectors.fhir_server.transport import ServerTransport
from fhir_mh.exchange.messages import Envelope, Message, Unreadable
from fhir_mh.exchange.transport import ToServer, Transport
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.servers import FromServer
from fhir_mh.partner import Connection, Partner
from fhir_mh.sync.receiver import receive


def taking_in(gateway: Gateway, partner: str, *bases: str) -> TakingIn:
    """How what lies on a partner's server comes in, whether it is asked for or met while sending; bases: see Names."""

    async def take(message: Message | Unreadable) -> bool:
        envelope = Envelope(partner, gateway.home.ods, (message,))
        return bool(await receive(gateway.store, gateway.exchange, partner, envelope))

    return TakingIn(gateway.store, FromServer(gateway.home, gateway.check, partner, *bases), take)


def to_server(gateway: Gateway) -> ToServer:
    """How this gateway reaches a partner's FHIR server."""

    def reached(partner: Partner, connection: Connection, patience: float) -> Transport:
        bases = partner.bases(connection)
        home, names = taking_in(gateway, partner.ods, *bases), Names(partner.ods, bases)
        return ServerTransport(connection, names, gateway.home.ods, gateway.store, home, patience=patience)

    return reached
