"""Asking a FHIR server what has changed there (docs/sync-protocol.md, 'Asking a server').

How far each type was read is said in the server's own time, never in ours, and only once all that was found is dealt
with. What is found again, in another order, or in between, does no harm: receiving knows what it has seen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from fhir_mh.clock import instant, moment_of
from fhir_mh.connectors.fhir_server.answers import updated_of
from fhir_mh.connectors.fhir_server.client import is_of_one
from fhir_mh.connectors.fhir_server.found import Found, hash_of, key_there
from fhir_mh.connectors.fhir_server.looking import Looking
from fhir_mh.connectors.fhir_server.naming import Body, Key, Names
from fhir_mh.connectors.fhir_server.offered import KINDS, offers
from fhir_mh.connectors.fhir_server.ports import Server
from fhir_mh.connectors.fhir_server.rounds import Read, Unread
from fhir_mh.connectors.fhir_server.taking_in import TakingIn
from fhir_mh.connectors.fhir_server.turns import Lost, Turn
from fhir_mh.errors import FhirMhError, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.transport import Refused
from fhir_mh.store import Checkpoint, Tx

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=5)
"""How long before the last change that was seen is read again: what a server commits late has an earlier time."""
_READ, _DUE = "read", "due"  # whether all that a Patient there had was read, of who is known here
_KNOWN = "known"  # who was known here when all Patients there were read
_ALL_AGAIN = timedelta(hours=1)  # between two readings of all Patients there, however many are registered here
_PEOPLE = 50  # read from the beginning in one round
_ASTRAY = timedelta(days=1)
"""How far a server's clock may be from ours, where it is not known."""
_DEPTH = 3  # a professional of a service of an organisation


class Polling:
    """One partner's server, asked by the worker whose turn it is."""

    def __init__(self, server: Server, into: TakingIn, turn: Turn) -> None:
        self.server, self.into, self.turn = server, into, turn
        self.store, self.reading = into.store, into.reading
        self.names = Names(self.reading.partner, self.reading.bases)
        self.looking = Looking(server, self.names)

    async def round(self) -> int:
        """Ask for what has changed, and have it received; the number of messages that were dealt with.

        The turn is taken. One type or resource that cannot be read, or one message that fails here, keeps only its own
        from being done with. Raises the first fault of the server or of a type once the rest is done; Lost once another
        worker is at it.
        """
        read = Read(self.server, self.names, self._is_known, self.turn.hold)
        try:
            await self._read(read)
        except (UpstreamUnavailable, NotAuthenticated) as fault:  # what was read until then is received
            read.faults.append(fault)
        await self._meet(read)
        done = await self._receive(read)
        await self._note(read)
        if read.unread:
            many, of = len(read.unread), ", ".join(sorted({kind for kind, _ in read.unread}))
            log.warning("%s does not show %d resources (%s): what needs them waits", self.reading.partner, many, of)
        if read.faults:
            raise read.faults[0]
        return done

    # --- reading

    async def _read(self, read: Read) -> None:
        """Everything that has changed, and everything about people who were written there since."""
        offered = offers(await self.server.capability())
        for kind in sorted(offered.keys() & KINDS):
            await self.turn.hold()
            await self._read_type(read, kind, deletions="history-type" in offered[kind])
        if read.faults and not read.newest:
            return  # nothing at all could be read
        for patient in await self._new_people(read):
            await self._read_person(read, patient, offered)

    async def _read_type(self, read: Read, kind: str, *, deletions: bool) -> None:
        """What has changed of a type since it was read last; another fault than of the type itself is the round's."""
        noted, present = await self._noted(kind), await self._present()
        position = None if noted is None else noted.position
        since = gone_since = None if position is None else _before(position)
        read.since = read.since or since is not None
        known = await self._known_by_now() if kind == "Patient" else None
        if known is not None:
            since = None  # somebody may be among them who was passed over: nobody here knew them
        if noted is not None and _is_after(position, present + OVERLAP):
            position = since = None  # what was passed over because of it is not known
            gone_since = instant(noted.at - _ASTRAY)
        try:
            async for body in self.server.search(kind, [], since=since):
                if body.get("resourceType") == kind:
                    position = _later(position, updated_of(body))
                    await read.keep(body)
            if deletions and gone_since is not None:
                await self._read_deletions(read, kind, gone_since)
        except (UpstreamUnavailable, NotAuthenticated, Refused) as fault:
            await self._pass_over(read, kind, fault)
            read.refused.add(kind)
            return
        if position is not None:
            read.newest[kind] = instant(present) if _is_after(position, present) else position
        if known is not None:
            read.newest[_KNOWN] = known

    async def _pass_over(self, read: Read, kind: str, fault: FhirMhError) -> None:
        """Go on without a type that cannot be read. Raises a fault that is not of the type alone."""
        await read.go_on_after(fault)
        log.info("%s of %s cannot be read: %s", kind, self.reading.partner, _code(fault))
        read.faults.append(fault)

    async def _read_deletions(self, read: Read, kind: str, since: str) -> None:
        async for version in self.server.history(kind, since=since):
            if version.body is None and version.kind == kind:
                read.gone.append((kind, version.name))

    async def _meet(self, read: Read) -> None:
        """Look up who was met for the first time; of them all is to be read, where only what has changed was.

        Nothing else was passed over of who is known where everything is read. Nothing is noted of a stranger.
        """
        if read.met is not None:
            return
        partner, known = self.reading.partner, [there for there, one in read.patients.items() if one is not None]

        def met(tx: Tx) -> set[str]:
            written = tx.server_copies.unread(partner, "Patient")  # it is known of them already
            noted = {one.source for one in tx.checkpoints.below("Patient/", partner)}
            return {f"Patient/{there}" for there in set(known) - set(written)} - noted

        read.met = await self.store.read(met)
        strangers = {f"Patient/{there}" for there in read.strangers}
        read.newest.update({one: _DUE if read.since or one in strangers else _READ for one in read.met})

    async def _new_people(self, read: Read) -> list[Body]:
        """The Patients there of people who were written or first met there, and of whom not all was read since."""
        await self._meet(read)

        def due(tx: Tx) -> list[str]:
            written = tx.server_copies.unread(self.reading.partner, "Patient")
            noted = sorted(tx.checkpoints.below("Patient/", self.reading.partner), key=lambda one: one.at)
            return [*written, *(one.source.partition("/")[2] for one in noted if one.position == _DUE)]

        waiting = dict.fromkeys(await self.store.read(due))
        waiting |= {one.partition("/")[2]: None for one, position in read.newest.items() if position == _DUE}
        found = []
        for there in [*waiting][:_PEOPLE]:
            read.newest[f"Patient/{there}"] = _DUE  # noted anew: where it stays so, the others come first
            with suppress(Unread):  # with another round
                patient = await read.patient(there)
                if patient is not None:
                    found.append(patient)
                else:  # nobody known here any more, or nobody there
                    del read.newest[f"Patient/{there}"]
                    read.forgotten.add(f"Patient/{there}")
        return found

    async def _read_person(self, read: Read, patient: Body, offered: Mapping[str, Any]) -> None:
        """Everything about one person, from the beginning: what was passed over while nobody here knew them.

        Where a type cannot be read, what is read of the others is received, and all are asked for again. One that
        cannot be asked for by whom it is about is read from the beginning itself, of everybody, with the next round.
        """
        there, whole = str(patient["id"]), True
        for kind in sorted(offered.keys() & KINDS - {"Patient"}):
            await self.turn.hold()
            if kind in read.refused:
                read.forgotten.add(kind)  # it is read from the beginning, once it can be
                continue
            try:
                async for body in self.server.search(kind, [("patient", f"Patient/{there}")]):
                    await read.keep(body)
            except Refused as fault:
                log.info("%s of %s cannot be asked for by patient: %s", kind, self.reading.partner, _code(fault))
                read.forgotten.add(kind)
            except (UpstreamUnavailable, NotAuthenticated) as fault:
                await self._pass_over(read, kind, fault)
                whole = False
        read.about.setdefault(there, {})
        if whole:
            read.newest[f"Patient/{there}"] = _READ

    async def _beside(self, read: Read, there: str, bodies: Iterable[Body]) -> list[Body]:
        """Whom and what resources name that stands on the same server, and was not read: of no person, or of this one.

        there: the Patient's id. A copy of ours may lie there whose writing was not answered: it is known by its mark.
        """
        found: dict[Key, Body] = {}
        fresh = list(bodies)
        had = {key_there(body) for body in fresh}
        for _ in range(_DEPTH):
            keys = await self.store.read(lambda tx, some=tuple(fresh): self.reading.wanted(tx, some))  # type: ignore[misc]
            fresh = []
            for key in sorted(keys - found.keys() - had):
                body = await self._if_shown(read, key)
                if body is not None and (key[0] not in KINDS or await read.subject(body) == there):
                    found[key] = body
                    fresh.append(body)
        return list(found.values())

    async def _if_shown(self, read: Read, key: Key) -> Body | None:
        """What stands beside; None also where the server does not show it. Raises Unread where it may later."""
        try:
            return await read.other(key)
        except Unread as fault:
            if not fault.denied:
                raise
            return None

    async def _is_known(self, patient: Body) -> bool:
        return await self.store.read(lambda tx: self.reading.knows(tx, patient))

    # --- having it received

    async def _receive(self, read: Read) -> int:
        """How many messages were dealt with. Of whom not everything was, nothing counts as read."""
        done = 0
        for there in read.about:
            await self.turn.hold()
            try:
                some, whole = await self._receive_of(read, there)
            except (UpstreamUnavailable, NotAuthenticated) as fault:
                await read.go_on_after(fault)
                log.info("what %s holds of one person cannot be read: %s", self.reading.partner, _code(fault))
                some, whole = 0, False
            except Unread:
                some, whole = 0, False
            except (FhirMhError, Lost):
                raise
            except Exception as fault:  # noqa: BLE001 - what is read may be anything; its text may be anybody's
                log.error("what %s holds of one person failed here: %s", self.reading.partner, type(fault).__name__)
                some, whole = 0, False
            done += some
            if not whole:
                read.hold_back(there)
        found = {key for about in read.about.values() for key in about}
        for key in read.gone:
            if key not in found:  # or it has been made again since
                await self.into.deleted(*key)
        return done

    async def _receive_of(self, read: Read, there: str) -> tuple[int, bool]:
        """The same of one person, by the Patient's id there; later, while something is on its way there about them."""
        patient = read.patients.get(there)
        if patient is None:
            return 0, True
        if await self.store.read(lambda tx: self.reading.is_being_written(tx, patient)):
            return 0, False
        resources = await self._as_they_lie(read, read.about[there].values())
        if await self.store.read(lambda tx: self.reading.is_being_written(tx, patient)):
            return 0, False
        await self._forget_deleted(patient, resources)
        answered = await self._answered(resources)
        earlier, late = await self._receive_earlier(read, patient, resources, answered)
        resources = tuple(body for body in resources if key_there(body) not in late)
        beside = await self._beside(read, there, resources)
        became = await self.into.receive(Found(patient, (*resources, *beside), answered, earlier=earlier))
        if became.doubted:  # once that is settled, all of it may say what was not taken in
            read.newest[f"Patient/{there}"] = _DUE
        return became.done, became.whole and not late

    async def _receive_earlier(
        self, read: Read, patient: Body, resources: Iterable[Body], answered: Mapping[Key, Body]
    ) -> tuple[dict[Key, Body], set[Key]]:
        """What copies of ours said between what was seen last and now: our own writing may have gone over it.

        Returns the last of that of each, and those of which not all was dealt with: what is later waits for it.
        """
        seen, late = dict[Key, Body](), set[Key]()
        for body, noted in await self.store.read(lambda tx: self.reading.behind(tx, resources)):
            try:
                between = await self.looking.between(noted, body)
            except (Refused, NotAuthenticated):  # it keeps no history, or does not show it
                continue
            except UpstreamUnavailable as fault:
                if not is_of_one(fault):
                    raise
                continue
            for earlier in between:
                beside = await self._beside(read, str(patient["id"]), [earlier])
                found = Found(patient, (earlier, *beside), answered, earlier={**seen})
                if not await self.into.take_in(found):
                    late.add(key_there(body))
                    break
                seen[key_there(body)] = earlier
        return seen, late

    async def _as_they_lie(self, read: Read, resources: Iterable[Body]) -> tuple[Body, ...]:
        """What was read, and of what may have been dealt with in a newer version since, what lies there now.

        What cannot be read now is left out, and its type is read again.
        """
        found = {key_there(body): body for body in resources}
        unsure = await self.store.read(lambda tx: self.reading.uncounted(tx, found.values()))
        for key in map(key_there, unsure):
            try:
                now = await self.server.read(*key)
            except (Refused, NotAuthenticated):  # it does not say: as it was read
                continue
            except UpstreamUnavailable as fault:
                await read.go_on_after(fault)
                now = None
                read.held.add(key[0])
            if now is None:
                del found[key]
            else:
                found[key] = now
        return tuple(found.values())

    async def _forget_deleted(self, patient: Body, resources: Iterable[Body]) -> None:
        """Where a copy was deleted there and written anew, and that was not answered, the new one is the copy."""
        for first in await self.store.read(lambda tx: self.reading.firsts(tx, patient, resources)):
            try:
                held = await self.server.read(first.type, first.remote_id)
            except (Refused, NotAuthenticated):  # it does not say: the new one is a second copy
                continue
            if held is None:
                await self.store.write(
                    lambda tx, one=first: tx.server_copies.forget(one.partner, one.type, one.name)  # type: ignore[misc]
                )

    async def _answered(self, resources: Iterable[Body]) -> dict[Key, Body]:
        """What the server held of copies of ours when they were written last, where it keeps a history."""
        found: dict[Key, Body] = {}
        for copy in await self.store.read(lambda tx: self.reading.written(tx, resources)):
            try:
                async for one in self.server.history(copy.type, copy.remote_id):
                    if one.version == copy.remote_version and one.body is not None and hash_of(one.body) == copy.held:
                        found[copy.type, copy.remote_id] = one.body
                        break
            except (Refused, NotAuthenticated):
                continue
            except UpstreamUnavailable as fault:
                if not is_of_one(fault):
                    raise
        return found

    async def _note(self, read: Read) -> None:
        def note(tx: Tx) -> None:
            for source in sorted(read.forgotten):
                tx.checkpoints.forget(self.reading.partner, source)
            for source in sorted((read.met or set()) & read.held):
                tx.checkpoints.set(self.reading.partner, source, _DUE)
            for source in sorted(read.newest.keys() - read.held - read.forgotten):
                tx.checkpoints.set(self.reading.partner, source, read.newest[source])

        await self.store.write(note)

    async def _present(self) -> datetime:
        """What time it is by the server, else by ourselves."""
        told = self.server.present
        return told if told is not None else await self.store.read(lambda tx: tx.now)

    async def _known_by_now(self) -> str | None:
        """Who is known here, where that is not as it was when all Patients there were read, an hour ago; else None."""
        noted = await self._noted(_KNOWN)
        if noted is not None and await self.store.read(lambda tx: tx.now) < noted.at + _ALL_AGAIN:
            return None  # without counting everybody
        known = await self.store.read(lambda tx: tx.known_by_now())
        return None if noted is not None and noted.position == known else known

    async def _noted(self, source: str) -> Checkpoint | None:
        return await self.store.read(lambda tx: tx.checkpoints.get(self.reading.partner, source))


def _later(position: str | None, updated: str) -> str | None:
    """The later of two instants of the server; one that is none is passed over."""
    moment = moment_of(updated)
    if moment is None:
        return position
    known = None if position is None else moment_of(position)
    return updated if known is None or moment > known else position


def _is_after(position: str | None, present: datetime) -> bool:
    moment = None if position is None else moment_of(position)
    return moment is not None and moment > present


def _before(position: str) -> str | None:
    """The instant from which is read again; None where the position is none, or there is nothing before it."""
    moment = moment_of(position)
    try:
        return None if moment is None else (moment - OVERLAP).isoformat(timespec="milliseconds")
    except OverflowError:
        return None


def _code(fault: FhirMhError) -> str:
    return fault.issues[0].code if fault.issues else type(fault).__name__
