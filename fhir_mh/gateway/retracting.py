"""What was written for the wrong person: retracted, sealed everywhere, and opened only by two people together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from fhir_mh.consent import AccessContext
from fhir_mh.errors import ConsentDenied, InvalidResource, NotFound
from fhir_mh.gateway.auditing import needed, note_act
from fhir_mh.gateway.holding import Key, key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.sealing import NOT_SEALED, take_back
from fhir_mh.gateway.spreading import spread
from fhir_mh.gateway.standing import expect_kept, expect_record
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.together import Together
from fhir_mh.gateway.writing import Check
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

    def __init__(self, store: Store, home: Organisation, check: Check) -> None:
        self.store, self.home, self.check = store, home, check

    async def retract(self, context: AccessContext, record_id: str, items: Sequence[tuple[str, str]] | None,
                      reason: str) -> int:  # fmt: skip
        """Take what this organisation keeps about a person out of the record, for it is about somebody else.

        items: (list, item id) as the record has them; None for all of it, but who the person is. Every partner that
        was sent any of it is told. Returns how many resources were retracted. Raises ConsentDenied, NotFound,
        InvalidResource for an item that is not here or not ours, or without a reason.
        """
        self._only(context)
        needed(reason)

        def work(tx: Tx) -> int:
            expect_record(tx, record_id)
            expect_kept(tx, record_id, "id")
            keys = self._keys(Together(tx, record_id, self.home.ods), items)
            for person, theirs in keys.items():
                kinds = take_back(tx, self.home, person, theirs, reason).kinds
                note_act(tx, self.home, context, person, "seal", "retract", f"record {record_id}", reason)
                spread(tx, self.home, person, kinds, own=True)
                ask_about_ties(tx, self.home, self.check, person, kinds)
            return sum(len(theirs) for theirs in keys.values())

        return await self.store.write(work)

    def _keys(self, held: Together, items: Sequence[tuple[str, str]] | None) -> dict[str, set[Key]]:
        """person -> the resources to be taken back of that side of the record."""
        ours: dict[tuple[str, str], tuple[str, set[Key]]] = {}
        for side in held.sides:
            holding = side.holding
            for found in holding.reading.taken if holding.bodies else ():
                key = key_of(found.entry.resource)
                place = (found.table.field, held.name(side, found.item_id)) if found.table is not None else ("", key[1])
                if holding.custodians[key] == self.home.ods and key[0] not in NOT_SEALED:
                    ours.setdefault(place, (side.person, set()))[1].add(key)
        for number, item in enumerate(items or ()):
            if item not in ours:
                raise InvalidResource(issues=[issue("seal-item", f"items[{number}]")])
        chosen: dict[str, set[Key]] = {} if items is not None else {held.kept.person: set()}
        for item in ours if items is None else items:
            person, keys = ours[item]
            chosen.setdefault(person, set()).update(keys)
        return chosen

    async def listed(self, context: AccessContext) -> list[Sealed]:
        """What is sealed: when, of whom, how many; nothing of what it says. Raises ConsentDenied."""
        self._only(context)
        return await self.store.read(lambda tx: [_with_approvals(tx, one) for one in tx.seals.find()])

    async def approve(self, context: AccessContext, name: str, reason: str) -> Sealed:
        """Say that a seal should be opened, and why. It counts for a day and for one opening.

        Raises ConsentDenied, also for a client without a name, NotFound, InvalidResource without a reason.
        """
        self._only(context)
        needed(reason)
        if context.client is None:
            raise ConsentDenied(issues=[issue("seal-unnamed", "")])
        client = context.client

        def work(tx: Tx) -> Sealed:
            found = _found(tx, name)
            tx.seals.approve(name, client, reason)
            note_act(tx, self.home, context, found.person, "seal", "approve", f"seal {name}", reason)
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
            by = ", ".join(found.approved_by)
            note_act(tx, self.home, context, found.seal.person, "seal", "open", f"seal {name}", by)
            return tx.seals.texts(name)

        return await self.store.write(work)

    def _only(self, context: AccessContext) -> None:
        if context.organisation != self.home.ods or context.role != ROLE:
            raise ConsentDenied(issues=[issue("seal-role", "")])


def _found(tx: Tx, name: str) -> Seal:
    found = tx.seals.get(name)
    if found is None:
        raise NotFound(issues=[issue("seal-not-found", "id")])
    return found


def _with_approvals(tx: Tx, found: Seal) -> Sealed:
    given = tx.seals.approvals(found.id, tx.now - GOOD_FOR)
    return Sealed(found, tuple(one.client for one in given))
