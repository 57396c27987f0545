"""Telling partners that two persons are one here, or are no longer, and being told: nothing is merged by a message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from fhir_mh.errors import Conflict
from fhir_mh.exchange.messages import Message, Receipt, read_person
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway.identity import Organisation, find_named, local_identifiers_of, nhs_number_of
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
    two = {"in_use": kept, "superseded": superseded}
    sent = {person: [*_were_sent(tx, home, person)] for person in {*sides, *two.values()}}
    for side in sides:
        edition = tx.edition(side, home.ods)
        for partner in sent[side]:
            called = {name: _called(tx, person, partner in sent[person]) for name, person in two.items()}
            named = {name: value for name, value in called.items() if value is not None}
            payload = {"notice": notice, "custodian": home.ods, **named}
            tx.outbox.add(partner, side, "notice", edition=edition, payload=dumps(payload).decode())


def _called(tx: Tx, person: str, sent: bool) -> Any:
    """A person's NHS number; without one, to whom anything of theirs was sent, what systems of providers call them."""
    number = nhs_number_of(tx, person)
    names = local_identifiers_of(tx, person) if number is None and sent else ()
    return {"identifiers": [{"system": system, "value": value} for system, value in names]} if names else number


def _were_sent(tx: Tx, home: Organisation, person: str) -> Iterator[str]:
    partners = set(partners_of(tx, home))
    for copy in tx.currency.of(person):
        if copy.custodian == home.ods and copy.sent is not None and copy.partner in partners:
            yield copy.partner


def take_notice(
    tx: Tx, home: Organisation, check: Check, partner: str, person: str | None, message: Message
) -> Receipt:
    """Have people look at what a partner says of two persons. Of somebody not known here nothing is done."""
    two = [read_person(message.content[name]) for name in ("in_use", "superseded") if name in message.content]
    if message.custodian != partner or None in two:
        return Receipt(message.id, "refused", issues=(issue("sync-unknown-verb", "$.notice", verb="notice"),))
    if person is None:
        return Receipt(message.id, "stored", 0)
    known = [_find(tx, *one) for one in two if one is not None]
    others = [f"the record {one}" for one in known if one is not None and one != person]
    said = _SAID[str(message.content["notice"])].format(
        partner=partner, other=others[0] if others else "nothing is held here of that one"
    )
    raise_task(tx, home, check, person, message.id, "identity", said)
    return Receipt(message.id, "stored", tx.edition(person, partner))


def _find(tx: Tx, number: str | None, identifiers: Sequence[tuple[str, str]]) -> str | None:
    """Whom a notice names; nobody where that may be two people."""
    try:
        return find_named(tx, number, identifiers)
    except Conflict:
        return None
