"""What the courier needs of the gateway: what to send, what came of it, and what to do with what arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fhir_mh.exchange.finding import Sought, Status
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.issues import Issue

if TYPE_CHECKING:  # exchange and store stand beside each other; only the port's types speak of both
    from fhir_mh.store import OutboxMessage, Outcome, Tx


@dataclass(frozen=True, slots=True)
class Withheld:
    """A message that may not be sent any more; reason is a stable code. It counts as settled."""

    reason: str


class Exchange(Protocol):
    """The gateway as sync sees it. Every method runs inside a write transaction and is quick."""

    def compose(self, tx: Tx, waiting: OutboxMessage) -> Message | Withheld:
        """What to send for a message that waits, as of now: consent is decided anew, the projection is kept."""

    def settle(self, tx: Tx, sent: OutboxMessage, receipt: Receipt) -> Outcome:
        """Note what the partner did with a message, and say what becomes of it in the outbox."""

    def refusal(self, body: Mapping[str, Any]) -> Issue | None:
        """Why a message, as it came, is not even to be set aside; None for any that may be kept here."""

    def findings(self, message: Message) -> Sequence[Issue]:
        """What speaks against a message by itself, its resources too. Nothing is kept and nobody looked up."""

    def receive(self, tx: Tx, partner: str, message: Message) -> Receipt:
        """Take in one message of an authenticated partner; the receipt is kept with it in the inbox."""

    def find(self, tx: Tx, partner: str, sought: Sought) -> Status:
        """What an authenticated partner is told that asks for somebody's plan; what may be shared is queued."""
