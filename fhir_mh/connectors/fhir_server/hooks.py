"""Having a FHIR server say that something has changed, so that it is asked at once (R4 Subscription, rest-hook).

What arrives is never believed, and never even read: it only wakes the asking. A call that is lost costs nothing, for
the server is asked all the same.

See https://hl7.org/fhir/R4/subscription.html
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any, Protocol
from uuid import uuid4

from fhir_mh.connectors.fhir_server.answers import Answered
from fhir_mh.connectors.fhir_server.naming import Body
from fhir_mh.connectors.fhir_server.turns import Turn
from fhir_mh.errors import VersionConflict
from fhir_mh.exchange.transport import Refused
from fhir_mh.partner import Connection

log = logging.getLogger(__name__)

HOOK = "hook/"
"""What the sources of checkpoints begin with that say which Subscriptions are ours: `id address`."""
HEADER = "X-FHIR-MH-Hook"
PATH = "/hooks/fhir"
_WORKING = ("requested", "active")
_REASON = "To keep shared mental-health plans in step."


class Subscribing(Protocol):
    """A server that can be asked for Subscriptions: FhirClient."""

    async def read(self, kind: str, name: str) -> Body | None: ...

    async def transaction(self, entries: Sequence[Body]) -> list[Answered]: ...

    async def delete(self, kind: str, name: str) -> None: ...


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
    """The Subscriptions that we have on one partner's server, for the worker whose turn it is.

    bases: the addresses of that server, beginning with the one over which it is asked.
    """

    def __init__(self, server: Subscribing, turn: Turn, *bases: str) -> None:
        self.server, self.turn, self.bases = server, turn, bases
        self.store, self.partner = turn.store, turn.partner

    async def keep(self, kinds: Collection[str], endpoint: str, secret: str) -> int:
        """Have one for each type: make those that are missing, and anew those that the server has given up.

        How many were made. Raises what FhirClient does, and Lost.
        """
        done, noted = 0, await self._noted()
        for kind in sorted(kinds):
            await self.turn.hold()
            wanted, there = subscription(kind, endpoint, secret), noted.get(HOOK + kind, "")
            held = await self.server.read("Subscription", there) if there else None
            if held is not None and _works(held, wanted):
                continue
            name = await self._write(wanted, there if held is not None else "")
            await self._note(HOOK + kind, name)
            done += 1
        return done

    async def drop(self) -> int:
        """Delete all of them; how many were. One that the server will not delete stays there, and the log says so.

        Raises UpstreamUnavailable and NotAuthenticated (it is to be tried again), and Lost.
        """
        done = 0
        for source, there in (await self._noted()).items():
            await self.turn.hold()
            try:
                await self.server.delete("Subscription", there)
                done += 1
            except (Refused, VersionConflict):
                log.warning("%s does not delete our Subscription/%s: it goes on calling", self.partner, there)
            await self.store.write(lambda tx, s=source: tx.checkpoints.forget(self.partner, s))  # type: ignore[misc]
        return done

    async def _noted(self) -> dict[str, str]:
        """source -> id there, of those that can be reached; of others, on a server that was left, people are told."""
        found = {}
        for one in await self.store.read(lambda tx: tx.checkpoints.below(HOOK, self.partner)):
            there, _, base = one.position.partition(" ")
            if base in ("", *self.bases):
                found[one.source] = there
                continue
            log.warning("%s is not reached at %s any more: our Subscription/%s stays there", self.partner, base, there)
            await self.store.write(lambda tx, s=one.source: tx.checkpoints.forget(self.partner, s))  # type: ignore[misc]
        return found

    async def _note(self, source: str, there: str) -> None:
        position = f"{there} {self.bases[0]}"
        await self.store.write(lambda tx: tx.checkpoints.set(self.partner, source, position))

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
