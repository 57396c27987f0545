"""Proving a partner's connections step by step, whatever is at the other end."""

from __future__ import annotations

import asyncio

from fhir_mh.clock import Clock
from fhir_mh.connectors.fhir_server.checking import ServerLook
from fhir_mh.exchange.checking import GatewayLook
from fhir_mh.exchange.proving import Checked, Look
from fhir_mh.partner import Kind, Partner

_LOOKS: dict[Kind, type[Look]] = {"gateway": GatewayLook, "fhir-server": ServerLook}


async def check(partner: Partner, own: str, clock: Clock) -> Checked:
    """Look at every connection of a partner, all at once. own: the ODS code that asks. Raises nothing."""
    looks = [
        _LOOKS[connection.kind](partner, connection, f"{partner.ods}.connections[{index}]", own, clock).all()
        for index, connection in enumerate(partner.connections)
    ]
    steps = await asyncio.gather(*looks)
    urls = [connection.base_url for connection in partner.connections]
    return Checked(partner.ods, partner.name, tuple(zip(urls, steps, strict=True)))
