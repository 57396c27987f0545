"""How far a copy came beyond its store: filed in a system here, opened by a person; and the same, told by partners.

See docs/sync-protocol.md, 'marked'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from fhir_mh.clock import moment_of
from fhir_mh.errors import InvalidResource, NotFound
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.spreading import copy_at, partners_of, queue_mark
from fhir_mh.issues import issue
from fhir_mh.store import Currency, Mark, Tx

Reading = Literal["filed", "opened"]
STAGES: tuple[Reading, ...] = ("filed", "opened")
_NAMES = ("custodian", "stage", "edition", "at", "person")
_WHOSE = "Whose copy it is, as `copies` of the record has it,"


@dataclass(frozen=True, slots=True)
class Marked:
    """What a system here says of its copy of what a custodian keeps. at: None for now.

    person: whose copy, of a merged record; None where there is but one that it can be.
    """

    custodian: str
    stage: Reading
    edition: int
    at: datetime | None = None
    person: str | None = None


def read_marked(body: Mapping[str, Any]) -> Marked:
    """A mark in plain JSON. Raises InvalidResource (rest-bad-mark), naming the place."""
    for name in body.keys() - {*_NAMES}:
        raise _bad(name, "Nothing of this name")
    custodian, stage, edition, at, person = map(body.get, _NAMES)
    if not isinstance(custodian, str):
        raise _bad("custodian", "An ODS code")
    found = next((known for known in STAGES if known == stage), None)
    if found is None:
        raise _bad("stage", "filed or opened")
    if type(edition) is not int or edition < 1:
        raise _bad("edition", "An edition, from 1 on")
    moment = None if at is None else moment_of(at)
    if at is not None and moment is None:
        raise _bad("at", "An instant, such as 2026-11-24T09:30:00Z")
    if person is not None and not isinstance(person, str):
        raise _bad("person", _WHOSE)
    return Marked(custodian, found, edition, moment, person)


def _bad(path: str, expected: str) -> InvalidResource:
    return InvalidResource(issues=[issue("rest-bad-mark", path, expected=expected)])


def whose(tx: Tx, home: Organisation, sides: Sequence[str], marked: Marked) -> str:
    """Which of persons who are one a mark is about: the one it names, or the only one whose copy reached that edition.

    Of none that did, one whose copy is nearest to it. Raises InvalidResource (rest-bad-mark) where it may be several's,
    NotFound (rest-no-copy) for somebody else.
    """
    if marked.person is not None:
        if marked.person not in sides:
            raise NotFound(issues=[issue("rest-no-copy", "person")])
        return marked.person
    copies = [copy_at(tx, side, home.ods, marked.custodian) for side in sides]
    stored = {copy.person: copy.stored.edition for copy in copies if copy is not None and copy.stored is not None}
    reached = [side for side, edition in stored.items() if edition >= marked.edition]
    if len(reached) > 1:
        raise _bad("person", _WHOSE)
    return max(reached or stored, key=lambda side: stored[side], default=sides[0])


def mark_copy(tx: Tx, home: Organisation, person: str, marked: Marked) -> Currency:
    """Note a mark on a copy held here, and queue it for its custodian; where the copy stands now.

    A stage only moves forward, and a time to come counts as now. Raises NotFound (rest-no-copy) where nothing of this
    custodian's is held as a copy, InvalidResource (rest-ahead-of-copy) for an edition above the one held.
    """
    copy = None if marked.custodian == home.ods else copy_at(tx, person, home.ods, marked.custodian)
    if copy is None or copy.stored is None:
        raise NotFound(issues=[issue("rest-no-copy", "custodian")])
    if marked.edition > copy.stored.edition:
        raise InvalidResource(issues=[issue("rest-ahead-of-copy", "edition", held=copy.stored.edition)])
    at = min(marked.at or tx.now, tx.now)
    if not tx.currency.mark(home.ods, person, marked.custodian, marked.stage, marked.edition, at):
        return copy
    if marked.custodian in partners_of(tx, home):
        queue_mark(tx, person, marked.custodian, marked.stage, Mark(marked.edition, at))
    return copy_at(tx, person, home.ods, marked.custodian) or copy


def mark_opened(tx: Tx, home: Organisation, person: str) -> None:
    """Mark every copy held here about a person as opened, at the edition that is held."""
    for copy in tx.currency.of(person, partner=home.ods):
        if copy.stored is not None and copy.custodian != home.ods:
            mark_copy(tx, home, person, Marked(copy.custodian, "opened", copy.stored.edition))


def take_mark(tx: Tx, home: Organisation, partner: str, person: str, message: Message) -> Receipt:
    """Note what a partner marks on its copy of what is kept here; the receipt.

    None above the newest that it was sent. Whoever has filed or opened an edition has stored it.
    """
    stage = next((known for known in STAGES if known == message.content.get("stage")), None)
    if stage is None or message.edition is None:
        return Receipt(message.id, "refused", issues=(issue("sync-unknown-verb", "$.stage", verb="mark"),))
    if message.custodian != home.ods:
        return Receipt(message.id, "refused", issues=(issue("sync-custody", "$.custodian", reference="This copy"),))
    at = moment_of(message.content.get("at"))
    if at is None:
        return Receipt(message.id, "refused", issues=(issue("sync-envelope", "$.at", expected="an instant"),))
    newest = tx.projections.get(partner, person, home.ods)
    if newest is None or message.edition > newest.edition:
        return Receipt(message.id, "refused", issues=(issue("sync-not-sent", "$.edition"),))
    tx.currency.mark(partner, person, home.ods, "stored", message.edition, min(at, tx.now))
    tx.currency.mark(partner, person, home.ods, stage, message.edition, min(at, tx.now))
    return Receipt(message.id, "stored", message.edition)
