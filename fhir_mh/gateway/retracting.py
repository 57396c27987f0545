"""What was written for the wrong person: retracted, sealed everywhere, and opened only by two people together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fhir_mh.consent import AccessContext
from fhir_mh.errors import ConsentDenied, InvalidResource, NotFound
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway.auditing import Audited, audit
from fhir_mh.gateway.holding import Holding, Key, hold, key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.sealing import NOT_SEALED, keys_sent, seal
from fhir_mh.gateway.spreading import copy_at, spread
from fhir_mh.gateway.standing import expect_record
from fhir_mh.issues import issue
from fhir_mh.store import Seal, SealedText, Store, Tx

ROLE = "seals"
PEOPLE = 2
GOOD_FOR = timedelta(hours=24)
"""How long an approval counts: those who open a seal look at it together."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A seal, and which clients have approved of its being opened."""

    seal: Seal
    approved_by: tuple[str, ...]


class SealUseCases:
    """Retracting, and opening what was sealed. All of it is for this organisation's clients with the role `seals`."""

    def __init__(self, store: Store, home: Organisation) -> None:
        self.store, self.home = store, home

    async def retract(self, context: AccessContext, record_id: str, items: Sequence[tuple[str, str]] | None,
                      reason: str) -> int:  # fmt: skip
        """Take what this organisation keeps about a person out of the record, for it is about somebody else.

        items: (list, item id) as the record has them; None for all of it, but who the person is. Every partner that
        was sent any of it is told. Returns how many resources were retracted. Raises ConsentDenied, NotFound,
        InvalidResource for an item that is not here or not ours, or without a reason.
        """
        self._only(context)
        _needed(reason)

        def work(tx: Tx) -> int:
            expect_record(tx, record_id)
            keys = self._keys(hold(tx, record_id, self.home.ods), items)
            told = keys_sent(tx, record_id, self.home.ods, keys)
            for partner, sent in told.items():
                self._notify(tx, record_id, partner, sent)
            kinds = seal(tx, self.home, record_id, self.home.ods, keys, reason)
            tx.touch(record_id, self.home.ods)
            self._audit(tx, context, record_id, "retract", f"record {record_id}", reason)
            spread(tx, self.home, record_id, kinds, own=True)
            return len(keys)

        return await self.store.write(work)

    def _keys(self, holding: Holding, items: Sequence[tuple[str, str]] | None) -> set[Key]:
        ours: dict[tuple[str, str], set[Key]] = {}
        for found in holding.reading.taken if holding.bodies else ():
            key = key_of(found.entry.resource)
            place = (found.table.field, found.item_id) if found.table is not None else ("", key[1])
            if holding.custodians[key] == self.home.ods and key[0] not in NOT_SEALED:
                ours.setdefault(place, set()).add(key)
        if items is None:
            return set().union(*ours.values())
        for number, item in enumerate(items):
            if item not in ours:
                raise InvalidResource(issues=[issue("seal-item", f"items[{number}]")])
        return set().union(*(ours[item] for item in items))

    def _notify(self, tx: Tx, person: str, partner: str, keys: Sequence[Key]) -> None:
        copy = copy_at(tx, person, partner, self.home.ods)
        edition = copy.sent.edition if copy is not None and copy.sent is not None else tx.edition(person, self.home.ods)
        names = [f"{kind}/{name}" for kind, name in keys]
        payload = {"notice": "entered-in-error", "custodian": self.home.ods, "items": names}
        tx.outbox.add(partner, person, "notice", edition=edition, payload=dumps(payload).decode())

    async def listed(self, context: AccessContext) -> list[Sealed]:
        """What is sealed: when, of whom, how many; nothing of what it says. Raises ConsentDenied."""
        self._only(context)
        return await self.store.read(lambda tx: [_with_approvals(tx, one) for one in tx.seals.find()])

    async def approve(self, context: AccessContext, name: str, reason: str) -> Sealed:
        """Say that a seal should be opened, and why. It counts for a day and for one opening.

        Raises ConsentDenied, also for a client without a name, NotFound, InvalidResource without a reason.
        """
        self._only(context)
        _needed(reason)
        if context.client is None:
            raise ConsentDenied(issues=[issue("seal-unnamed", "")])
        client = context.client

        def work(tx: Tx) -> Sealed:
            found = _found(tx, name)
            tx.seals.approve(name, client, reason)
            self._audit(tx, context, found.person, "approve", f"seal {name}", reason)
            return _with_approvals(tx, found)

        return await self.store.write(work)

    async def open(self, context: AccessContext, name: str) -> list[SealedText]:
        """What is under a seal, once two different clients have approved; that uses the approvals up.

        The texts stay under the seal. Raises ConsentDenied, NotFound.
        """
        self._only(context)

        def work(tx: Tx) -> list[SealedText]:
            found = _with_approvals(tx, _found(tx, name))
            if len(found.approved_by) < PEOPLE:
                raise ConsentDenied(issues=[issue("seal-second-person", "")])
            tx.seals.use_up(name)
            self._audit(tx, context, found.seal.person, "open", f"seal {name}", ", ".join(found.approved_by))
            return tx.seals.texts(name)

        return await self.store.write(work)

    def _only(self, context: AccessContext) -> None:
        if context.organisation != self.home.ods or context.role != ROLE:
            raise ConsentDenied(issues=[issue("seal-role", "")])

    def _audit(self, tx: Tx, context: AccessContext, person: str | None, act: str, what: str, why: str) -> None:
        who = f"{context.organisation} {context.client or context.role}"
        action = "R" if act == "open" else "E"
        audit(tx, self.home, person, Audited("seal", act, action, who, {"text": why}, ("seal", what)))


def _needed(reason: str) -> None:
    if not reason.strip():
        raise InvalidResource(issues=[issue("sync-envelope", "reason", expected="a text")])


def _found(tx: Tx, name: str) -> Seal:
    found = tx.seals.get(name)
    if found is None:
        raise NotFound(issues=[issue("seal-not-found", "id")])
    return found


def _with_approvals(tx: Tx, found: Seal) -> Sealed:
    given = tx.seals.approvals(found.id, tx.now - GOOD_FOR)
    return Sealed(found, tuple(one.client for one in given))
