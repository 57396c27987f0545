"""What was set aside, for people: seen as a list without content, read whole, tried again, or thrown out.

Nothing is tried again by itself when a person becomes known later: what was set aside was in doubt, and a doubt about
whom a text is about is settled by people. Trying again is receiving: custody, editions and consent are looked at as if
the message had just come, so that it can put nothing old over anything newer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir_mh.connectors.fhir_server.naming import Names, references_at
from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, ConsentDenied, FhirMhError, InvalidResource, NotFound
from fhir_mh.exchange.messages import Message, Receipt, read_message
from fhir_mh.fhir.json import dumps, load_object, loads
from fhir_mh.gateway.auditing import needed, note_act
from fhir_mh.gateway.holding import content, key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.proposals import bodies_of
from fhir_mh.gateway.receiving import Receiving
from fhir_mh.gateway.setting_aside import Replay, close_tasks_about, close_tasks_of_each
from fhir_mh.gateway.writing import Check
from fhir_mh.issues import Issue, issue
from fhir_mh.profiles.addresses import Entry
from fhir_mh.profiles.bundle import read_entries
from fhir_mh.store import Quarantined, Store, Tx
from fhir_mh.store.values import QuarantineState

ROLE = "quarantine"
PAGE = 200  # listed at once
_MAY_REPLAY = (ROLE, "operator")
_WHY = "It was set aside."  # where nobody says why


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of trying one again. receipt: None where it still cannot be read as a message."""

    held: Quarantined
    receipt: Receipt | None


class QuarantineUseCases:
    """What was set aside here. Operators see that it is there; the role `quarantine` sees what it is."""

    def __init__(self, store: Store, home: Organisation, check: Check) -> None:
        self.store, self.home, self.check = store, home, check

    async def listed(
        self, context: AccessContext, *, state: QuarantineState = "held", partner: str | None = None,
        after: str | None = None, limit: int = PAGE,
    ) -> list[Quarantined]:  # fmt: skip
        """What stands in a state, the oldest first; after: only what came after this one, by its id.

        Raises ConsentDenied, and NotFound where there is no such one.
        """
        self._only(context, *_MAY_REPLAY)

        def read(tx: Tx) -> list[Quarantined]:
            if after is not None and tx.quarantine.get(after) is None:
                raise NotFound(issues=[issue("store-unknown-message", "after")])
            return tx.quarantine.find(state=state, partner=partner, after=after, limit=limit)

        return await self.store.read(read)

    async def read(self, context: AccessContext, name: str) -> Quarantined:
        """One, whole; that it was read is audited. Raises ConsentDenied, and NotFound also for what is sealed."""
        self._only(context, ROLE)

        def work(tx: Tx) -> Quarantined:
            held = _found(tx, name)
            self._note(tx, context, held, "open")
            return held

        return await self.store.write(work)

    async def replay(self, context: AccessContext, name: str) -> Replayed:
        """Take one in as if it had just come. What fails again stays held, with the new reason.

        Raises ConsentDenied, NotFound for what is not held.
        """
        self._only(context, *_MAY_REPLAY)
        try:
            return await self.store.write(lambda tx: self._noted(tx, context, self._again(tx, context, name)))
        except FhirMhError as fault:
            found = fault.issues
            if fault.status >= 500 or not found or found[0].code in ("store-unknown-message", "store-contradiction"):
                raise
        return await self.store.write(lambda tx: self._noted(tx, context, _still_held(tx, context, name, found)))

    async def replay_all(self, context: AccessContext, *, partner: str | None = None) -> list[Replayed]:
        """Try everything again that is held, the oldest first, each in a transaction of its own.

        What somebody else has dealt with meanwhile is passed over; what contradicts what is stored stays as it was.
        """
        done = list[Replayed]()
        for one in await self.listed(context, partner=partner, limit=10_000):
            try:
                done.append(await self.replay(context, one.id))
            except NotFound:
                continue
            except Conflict:
                done.append(Replayed(one, None))
        return done

    def _again(self, tx: Tx, context: AccessContext, name: str) -> Replayed:
        held, by = _held(tx, name), _by(context)
        try:
            message = read_message(load_object(held.text))
        except InvalidResource as fault:
            return _still_held(tx, context, name, fault.issues)
        loose = _loose(tx, held, message)
        if loose:
            return _still_held(tx, context, name, loose)
        replay = Replay(held.id, dumps(by).decode(), held.received)
        receipt = Receiving(self.home, self.check, replay).receive(tx, held.partner, message)
        if receipt.status == "refused":
            return _still_held(tx, context, name, receipt.issues, receipt)
        if receipt.status != "quarantined":
            tx.quarantine.settle(held.id, "replayed", dumps({**by, "receipt": receipt.as_json()}).decode())
            self._done(tx, held, "completed")
        return Replayed(tx.quarantine.get(name) or held, receipt)  # it may have come under a seal

    async def discard(self, context: AccessContext, name: str, reason: str) -> Quarantined:
        """Take one out of what is to be looked at; its text is kept, with who threw it out and why.

        Raises ConsentDenied, NotFound for what is not held, InvalidResource without a reason.
        """
        self._only(context, ROLE)
        needed(reason)

        def throw_out(tx: Tx) -> Quarantined:
            held = _held(tx, name)
            tx.quarantine.settle(name, "discarded", dumps({**_by(context), "reason": reason}).decode())
            self._done(tx, held, "cancelled")
            self._note(tx, context, held, "discard", reason)
            return _found(tx, name)

        return await self.store.write(throw_out)

    def _noted(self, tx: Tx, context: AccessContext, done: Replayed) -> Replayed:
        self._note(tx, context, done.held, "replay")
        return done

    def _note(self, tx: Tx, context: AccessContext, held: Quarantined, act: str, why: str = _WHY) -> None:
        note_act(tx, self.home, context, held.person, "message", act, f"message {held.id}", why)

    def _done(self, tx: Tx, held: Quarantined, status: Any) -> None:
        if held.message is None:
            return
        close_tasks_about(tx, self.home, self.check, held, status)
        close_tasks_of_each(tx, self.home, self.check, held, status)

    def _only(self, context: AccessContext, *roles: str) -> None:
        if context.organisation != self.home.ods or context.role not in roles:
            raise ConsentDenied(issues=[issue("sync-quarantine-role", "")])


def _by(context: AccessContext) -> dict[str, Any]:
    return {"by": context.organisation, "role": context.role}


def _found(tx: Tx, name: str) -> Quarantined:
    found = tx.quarantine.get(name)
    if found is None or found.state == "sealed":
        raise NotFound(issues=[issue("store-unknown-message", "id")])
    return found


def _held(tx: Tx, name: str) -> Quarantined:
    found = _found(tx, name)
    if found.state != "held":
        raise NotFound(issues=[issue("store-unknown-message", "id")])
    return found


def _loose(tx: Tx, held: Quarantined, message: Message) -> tuple[Issue, ...]:
    """Of what was set aside because what it refers to was: a finding for each reference to what is not held yet."""
    if not any(one["code"] == "server-refers-aside" for one in loads(held.issues)):
        return ()
    found, bodies = list[Issue](), bodies_of(message)
    names, beside = Names(held.partner, ()), {key_of(body) for body in bodies}
    for number, body in enumerate(bodies):
        kind, _ = key_of(body)
        for path, reference in references_at(body, kind) if kind != "Patient" else ():
            key = names.target(reference)
            stored = None if key is None or key in beside else tx.get(*key)
            if key is not None and key not in beside and (stored is None or stored.deleted):
                found.append(issue("server-refers-aside", f"$.bundle.entry[{number}].resource: {path}"))
    return tuple(found)


def _still_held(
    tx: Tx, context: AccessContext, name: str, found: tuple[Issue, ...], receipt: Receipt | None = None
) -> Replayed:
    listed = dumps([one.as_dict() for one in found]).decode()
    tx.quarantine.renew(name, listed, dumps(_by(context)).decode())
    return Replayed(_found(tx, name), receipt)


def in_plain_words(held: Quarantined) -> dict[str, Any] | None:
    """What a message's Bundle says as a plain record; None where it has none, or none that can be read."""
    try:
        message: Message = read_message(load_object(held.text))
        bodies = [content(body) for body in bodies_of(message)]
        entries = [Entry(body, f"{body.get('resourceType')}/{body.get('id')}") for body in bodies]
        return read_entries(entries, same_person=True).tree if entries else None
    except FhirMhError:
        return None
