"""Telling partners that two persons are one here, or are no longer, and being told: nothing is merged by a message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway.identity import Organisation, find_person, nhs_number_of
from fhir_mh.gateway.setting_aside import raise_task
from fhir_mh.gateway.spreading import partners_of
from fhir_mh.gateway.writing import Check
from fhir_mh.issues import issue
from fhir_mh.store import Tx

Told = Literal["patient-merged", "merge-undone"]
TOLD: tuple[Told, ...] = ("patient-merged", "merge-undone")
_SAID = {
    "patient-merged": "{partner} now holds this person and another one as one: {other}. Nothing was changed here. Look "
    "whether they are one, and merge what is held here of both if they are.",
    "merge-undone": "{partner} had held this person and another one as one, and has undone that: {other}. Nothing was "
    "changed here. If they were merged here too, look whether that is to be undone.",
}


def tell(tx: Tx, home: Organisation, sides: Iterable[str], notice: Told, kept: str, superseded: str) -> None:
    """Tell each partner that was ever sent anything of one of these persons, in that person's lane."""
    numbers = nhs_number_of(tx, kept), nhs_number_of(tx, superseded)
    if None in numbers:
        return  # of somebody without a number nothing was ever sent
    payload = {"notice": notice, "custodian": home.ods, "in_use": numbers[0], "superseded": numbers[1]}
    for side in sides:
        edition = tx.edition(side, home.ods)
        for partner in _were_sent(tx, home, side):
            tx.outbox.add(partner, side, "notice", edition=edition, payload=dumps(payload).decode())


def _were_sent(tx: Tx, home: Organisation, person: str) -> Iterator[str]:
    partners = set(partners_of(tx, home))
    for copy in tx.currency.of(person):
        if copy.custodian == home.ods and copy.sent is not None and copy.partner in partners:
            yield copy.partner


def take_notice(
    tx: Tx, home: Organisation, check: Check, partner: str, person: str | None, message: Message
) -> Receipt:
    """Have people look at what a partner says of two persons. Of somebody not known here nothing is done."""
    numbers = [message.content.get(name) for name in ("in_use", "superseded")]
    if message.custodian != partner or not all(isinstance(one, str) and one for one in numbers):
        return Receipt(message.id, "refused", issues=(issue("sync-unknown-verb", "$.notice", verb="notice"),))
    if person is None:
        return Receipt(message.id, "stored", 0)
    known = [find_person(tx, str(one)) for one in numbers]
    others = [f"the record {one}" for one in known if one is not None and one != person]
    said = _SAID[str(message.content["notice"])].format(
        partner=partner, other=others[0] if others else "nothing is held here of that one"
    )
    raise_task(tx, home, check, person, message.id, "identity", said)
    return Receipt(message.id, "stored", tx.edition(person, partner))
