"""Having a FHIR server say that something has changed, so that it is asked at once (R4 Subscription, rest-hook).

What arrives is never believed, and never even read: it only wakes the asking. A call that is lost costs nothing, for
the server is asked all the same.

See https://hl7.org/fhir/R4/subscription.html
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any, Protocol
from uuid import uuid4

from fhir_mh.connectors.fhir_server.answers import Answered
from fhir_mh.connectors.fhir_server.naming import Body
from fhir_mh.partner import Connection
from fhir_mh.store import Store

HEADER = "X-FHIR-MH-Hook"
PATH = "/hooks/fhir"
_WORKING = ("requested", "active")
_REASON = "To keep shared mental-health plans in step."


class Subscribing(Protocol):
    """A server that can be asked for Subscriptions: FhirClient."""

    async def read(self, kind: str, name: str) -> Body | None: ...

    async def transaction(self, entries: Sequence[Body]) -> list[Answered]: ...


def secrets_of(connection: Connection, own: str, partner: str) -> str | None:
    """What a server has to say to be heard; None where it has no token of ours, from which it is made.

    It says nothing of the token, and is another for each pair.
    """
    if connection.token is None:
        return None
    said = f"hook/{own}/{partner}".encode()
    return hmac.new(connection.token.get_secret_value().encode(), said, sha256).hexdigest()


def subscription(kind: str, endpoint: str, secret: str) -> Body:
    """What asks a server to call us, without content, when a resource of a type has changed."""
    channel = {"type": "rest-hook", "endpoint": endpoint, "header": [f"{HEADER}: {secret}"]}
    return {
        "resourceType": "Subscription", "status": "requested", "reason": _REASON, "criteria": f"{kind}?",
        "channel": channel,
    }  # fmt: skip


class Hooks:
    """The Subscriptions on one partner's server: one for each type that is asked for."""

    def __init__(self, server: Subscribing, store: Store, partner: str) -> None:
        self.server, self.store, self.partner = server, store, partner

    async def keep(self, kinds: Collection[str], endpoint: str, secret: str) -> int:
        """Make those that are missing, and make anew those that the server has given up; how many these were.

        Raises what FhirClient does.
        """
        done = 0
        for kind in sorted(kinds):
            wanted = subscription(kind, endpoint, secret)
            source = f"hook/{kind}"
            noted = await self.store.read(lambda tx, s=source: tx.checkpoints.get(self.partner, s))  # type: ignore[misc]
            there = "" if noted is None else noted.position
            held = await self.server.read("Subscription", there) if there else None
            if held is not None and _works(held, wanted):
                continue
            name = await self._write(wanted, there if held is not None else "")
            await self.store.write(lambda tx, s=source, n=name: tx.checkpoints.set(self.partner, s, n))  # type: ignore[misc]
            done += 1
        return done

    async def _write(self, wanted: Body, there: str) -> str:
        if there:
            entry: Body = {
                "resource": {**wanted, "id": there},
                "request": {"method": "PUT", "url": f"Subscription/{there}"},
            }
        else:
            request = {"method": "POST", "url": "Subscription"}
            entry = {"fullUrl": f"urn:uuid:{uuid4()}", "resource": wanted, "request": request}
        (answered,) = await self.server.transaction([entry])
        return answered.name or there


def _works(held: Body, wanted: Body) -> bool:
    """Whether a Subscription is one that is kept up, and calls where it should with what it should say."""
    channel: Any = held.get("channel")
    channel = channel if isinstance(channel, dict) else {}
    told = [held.get("criteria"), channel.get("endpoint"), channel.get("header")]
    asked = [wanted["criteria"], wanted["channel"]["endpoint"], wanted["channel"]["header"]]
    return held.get("status") in _WORKING and told == asked
