"""The gateway as sync sees it: what to send for a waiting message, and what to do with one that arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.exchange.finding import Sought, Status
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.exchange.ports import Withheld
from fhir_mh.gateway.answering import answer
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.proposals import bodies_of
from fhir_mh.gateway.receiving import Receiving
from fhir_mh.gateway.sending import compose, settle
from fhir_mh.gateway.spreading import partners_of
from fhir_mh.gateway.writing import Check
from fhir_mh.issues import Issue, issue
from fhir_mh.profiles.concerns import holds_concern
from fhir_mh.store import OutboxMessage, Outcome, Tx


class GatewayExchange:
    """Sending and receiving for one organisation. Stateless: everything is in the transaction it is handed."""

    def __init__(self, home: Organisation, check: Check) -> None:
        self.home, self.check = home, check

    def compose(self, tx: Tx, waiting: OutboxMessage) -> Message | Withheld:
        """See Exchange."""
        return compose(tx, self.home, waiting)

    def settle(self, tx: Tx, sent: OutboxMessage, receipt: Receipt) -> Outcome:
        """See Exchange."""
        return settle(tx, self.home, self.check, sent, receipt)

    def refusal(self, body: Mapping[str, Any]) -> Issue | None:
        """See Exchange. A safety concern is not set aside: those it is about may be reading here."""
        return issue("concern-not-a-record", "$") if holds_concern(body) else None

    def findings(self, message: Message) -> Sequence[Issue]:
        """See Exchange. Whether the person is known here is not told: whoever may ask is not thereby in their care."""
        refused = self.refusal(message.as_json())
        if refused is not None:
            return [refused]
        found: list[Issue] = []
        for number, body in enumerate(bodies_of(message)):
            place = f"$.bundle.entry[{number}].resource"
            if not isinstance(body.get("resourceType"), str) or not isinstance(body.get("id"), str):
                found.append(issue("store-id-missing", place))
                continue
            found += [one.at(f"{place}: {one.path}") for one in self.check(body, errors_only=True) if one.is_error]
        return found

    def receive(self, tx: Tx, partner: str, message: Message) -> Receipt:
        """See Exchange. One that was removed as a partner since it was let in is not heard any more."""
        if partner not in self.home.partners and partner not in partners_of(tx, self.home):
            raise UpstreamUnavailable(issues=[issue("sync-unknown-partner", "partner")])
        return Receiving(self.home, self.check).receive(tx, partner, message)

    def find(self, tx: Tx, partner: str, sought: Sought) -> Status:
        """See Exchange."""
        return answer(tx, self.home, self.check, partner, sought)
