"""After a change: who must be sent what. Runs in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_mh.consent import Decision
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway.identity import Organisation, nhs_number_of
from fhir_mh.gateway.standing import DECIDING, now_of, standing
from fhir_mh.store import Tx

ENDED_BY_CONSENT = "consent-withdrawn"


def spread(tx: Tx, home: Organisation, person: str, kinds: Iterable[str], *, own: bool) -> None:
    """Queue for each partner what a change means for it.

    kinds: the types of the resources that changed. own: whether any of them is ours to send. Where a decision
    may rest on what changed, every partner's standing is looked at anew; otherwise open lanes get the news.
    """
    if not home.partners:
        return
    if DECIDING.isdisjoint(kinds):
        if own:
            for lane in tx.lanes.find(person=person):
                if lane.state != "ended":
                    _queue(tx, home, person, lane.partner)
        return
    stands, now = standing(tx, person), now_of(tx)
    for partner in home.partners:
        _reconsider(tx, home, person, partner, stands.may_be_sent(partner, now), own=own)


def _reconsider(tx: Tx, home: Organisation, person: str, partner: str, decision: Decision, *, own: bool) -> None:
    lane = tx.lanes.get(partner, person)
    if decision.nothing:
        if lane is not None and lane.state != "ended":
            end_sharing(tx, home, person, partner, decision.sentence)
        return
    if lane is not None and lane.state == "ended":
        tx.lanes.open(partner, person)
        tx.currency.resume(partner, person, home.ods)
        own = True
    if own or (lane is None and tx.edition(person, home.ods)):
        _queue(tx, home, person, partner)


def _queue(tx: Tx, home: Organisation, person: str, partner: str) -> None:
    edition = tx.edition(person, home.ods)
    if edition and nhs_number_of(tx, person) is not None:
        tx.outbox.add(partner, person, "snapshot", edition=edition, replaces=True)


def end_sharing(tx: Tx, home: Organisation, person: str, partner: str, sentence: str) -> None:
    """Send nothing more about the person to this partner but the notice that says so."""
    held = [copy for copy in tx.currency.of(person, partner=partner) if copy.custodian == home.ods and copy.sent]
    tx.lanes.end(partner, person, ENDED_BY_CONSENT)
    if not held:
        return
    payload = {"notice": "sharing-ended", "custodian": home.ods, "reason": sentence}
    tx.outbox.add(partner, person, "notice", edition=tx.edition(person, home.ods), payload=dumps(payload).decode())
    tx.currency.end(partner, person, home.ods, sentence)
