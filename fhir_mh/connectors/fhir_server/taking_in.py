"""What was found on a server is received as from any partner, message by message, and noted as dealt with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fhir_mh.connectors.fhir_server.found import Found, Made, Own
from fhir_mh.connectors.fhir_server.naming import Body, Key
from fhir_mh.exchange.messages import Message, Unreadable
from fhir_mh.issues import Issue
from fhir_mh.store import ServerCopy, Store, Tx

Take = Callable[[Message | Unreadable], Awaitable[bool]]
"""Has one message received as from the partner; whether it was dealt with."""


class Reading(Protocol):
    """What the gateway makes of what is found. Every method with a Tx runs inside a transaction."""

    @property
    def partner(self) -> str: ...

    @property
    def bases(self) -> tuple[str, ...]: ...

    def knows(self, tx: Tx, patient: Body) -> bool: ...

    def is_being_written(self, tx: Tx, patient: Body) -> bool: ...

    def firsts(self, tx: Tx, patient: Body, bodies: Iterable[Body]) -> list[ServerCopy]: ...

    def wanted(self, tx: Tx, bodies: Iterable[Body]) -> set[Key]: ...

    def written(self, tx: Tx, bodies: Iterable[Body]) -> list[ServerCopy]: ...

    def uncounted(self, tx: Tx, bodies: Iterable[Body]) -> list[Body]: ...

    def behind(self, tx: Tx, bodies: Iterable[Body]) -> list[tuple[Body, ServerCopy]]: ...

    def messages(self, tx: Tx, found: Found) -> list[Made | Own]: ...

    def dealt_with(self, tx: Tx, made: Made) -> None: ...

    def recognised(self, tx: Tx, own: Own) -> None: ...

    def is_in_doubt(self, tx: Tx, made: Made) -> bool: ...

    def set_aside(self, tx: Tx, made: Made) -> dict[str, Any] | None: ...

    def gone(self, tx: Tx, kind: str, there: str) -> None: ...

    def may_go(self, tx: Tx, message: Message) -> bool: ...

    def contradiction(self, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Issue | None: ...


@dataclass
class Received:
    """What became of what was found. done: how many messages were dealt with; whole: whether all were.

    doubted: whether something is set aside until it is known whose it is, and is to be read again.
    """

    done: int = 0
    whole: bool = True
    doubted: bool = False


class TakingIn:
    """One partner's server, as what it holds comes in."""

    def __init__(self, store: Store, reading: Reading, take: Take) -> None:
        self.store, self.reading, self.take = store, reading, take

    async def receive(self, found: Found) -> Received:
        """Have everything received that comes of what was found."""
        became = Received()
        for made in await self.store.read(lambda tx: self.reading.messages(tx, found)):
            if isinstance(made, Own):
                await self.store.write(lambda tx, own=made: self.reading.recognised(tx, own))  # type: ignore[misc]
            elif await self._is_set_aside(made) or await self.take(made.message):
                became.done += 1
                if not found.unseen and await self.store.read(lambda tx, one=made: self.reading.is_in_doubt(tx, one)):  # type: ignore[misc]
                    became.doubted = True
                else:
                    await self._dealt_with(made)
            else:
                became.whole = False
        return became

    async def take_in(self, found: Found) -> bool:
        """Receive what somebody there has changed or made; whether all was dealt with."""
        return (await self.receive(found)).whole

    async def may_go(self, message: Message) -> bool:
        """Whether a message that was composed for the partner may be sent still: consent is decided anew."""
        return await self.store.read(lambda tx: self.reading.may_go(tx, message))

    async def deleted(self, kind: str, there: str) -> None:
        """Tell people, once, that a resource was deleted there, by its id there."""
        await self.store.write(lambda tx: self.reading.gone(tx, kind, there))

    def contradiction(self, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Issue | None:
        """Why two Patients cannot be one person; None where they can."""
        return self.reading.contradiction(ours, theirs)

    async def _is_set_aside(self, made: Made) -> bool:
        return bool(made.why) and await self.store.write(lambda tx: self.reading.set_aside(tx, made)) is not None

    async def _dealt_with(self, made: Made) -> None:
        await self.store.write(lambda tx: self.reading.dealt_with(tx, made))
