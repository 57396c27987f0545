"""The messages of a lane, as a plain FHIR server can be told them (docs/sync-protocol.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from fhir_mh.connectors.fhir_server import answers
from fhir_mh.connectors.fhir_server.answers import Answered
from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.connectors.fhir_server.found import Found, hash_of, version_of
from fhir_mh.connectors.fhir_server.looking import Looking, Place, by_key
from fhir_mh.connectors.fhir_server.naming import Body, Key, Names
from fhir_mh.connectors.fhir_server.ports import Home
from fhir_mh.connectors.fhir_server.rendering import (
    bears,
    called,
    mark_of,
    placeholder,
    rendered,
    says_the_same,
    targets_of,
)
from fhir_mh.connectors.fhir_server.writing import Written, entry_of, write
from fhir_mh.errors import NotAuthenticated, UpstreamUnavailable, VersionConflict
from fhir_mh.exchange.messages import Message
from fhir_mh.exchange.transport import Refused
from fhir_mh.issues import issue
from fhir_mh.profiles.bundle import SHARED_KINDS
from fhir_mh.store import ServerCopy, Store, Tx

_WITHDRAWN = "What may be shared has changed since this was composed."


class Snapshot:
    """One snapshot on its way to one server. Each method is a step; deliver is all of them."""

    def __init__(self, client: FhirClient, names: Names, store: Store, home: Home, message: Message) -> None:
        self.client, self.store, self.home, self.message = client, store, home, message
        self.partner = names.partner
        self.looking = Looking(client, names)
        entries = message.content["bundle"]["entry"]
        self.bodies = by_key(entry["resource"] for entry in entries)

    async def deliver(self) -> None:
        """Write what is new. Raises what FhirClient does, and VersionConflict where it is to be tried again.

        Refused says that people have to look: what is there is about somebody else.
        """
        noted = await self.store.read(self._noted)
        patient = await self._patient(noted)
        others = {key: body for key, body in self.bodies.items() if key[0] != "Patient"}
        places = [patient, *await self.looking.places(others, noted)]
        places = [await self._without_deleted(place) for place in places]
        self._only_of(patient, places)
        named = self._named(places, noted)
        changes = await asyncio.gather(*(self._changes(place, named) for place in places))
        if any(changes):
            changed = [pair for pair in zip(places, changes, strict=True) if pair[1]]
            await self._take_in(patient.body or {}, _lying(places, noted), changed)
            raise VersionConflict(issues=[issue("server-changed", "$")])
        moved = {place.key for place in places if place.noted is None and place.key in noted}
        await self._write(places, named, _lying(places, noted), moved)

    # --- what is there

    def _noted(self, tx: Tx) -> dict[Key, ServerCopy]:
        """What is known of where these resources lie, and those that they refer to."""
        named = {target for body in self.bodies.values() for target in targets_of(body)}
        return tx.server_copies.some(self.partner, [*self.bodies, *(named - self.bodies.keys())])

    async def _patient(self, noted: Mapping[Key, ServerCopy]) -> Place:
        """The person there. Raises Refused where the server's Patient cannot be the same person."""
        keys = [key for key in self.bodies if key[0] == "Patient"]
        if not keys:
            raise Refused(issue("sync-unreadable", "$.bundle"))
        made = {noted[key].remote_id for key in keys if key in noted and noted[key].sent is not None}
        marks = [mark_of(self.bodies[key]) for key in keys]  # where the answer was lost it is not noted as ours

        def ours(body: Body) -> bool:
            return body.get("id") in made or any(bears(body, *mark) for mark in marks)

        there = await self.looking.patient(called(self.message), ours)
        if there is None:
            return Place(keys[0], self.bodies[keys[0]], None, None)
        doubts = (self.home.contradiction(self.bodies[key], there) for key in keys)
        doubt = next((found for found in doubts if found is not None), None)
        if doubt is not None:
            raise Refused(doubt)
        lying = {key: noted[key] for key in keys if key in noted and noted[key].remote_id == there.get("id")}
        key = next(iter(lying), keys[0])
        return Place(key, self.bodies[key], lying.get(key), there)

    def _only_of(self, patient: Place, places: Iterable[Place]) -> None:
        """Raise Refused where what lies there is about somebody else, or two of ours would be one there."""
        taken: set[Key] = set()
        for place in places:
            if place.body is not None and (place.key[0], place.there) in taken:
                raise Refused(issue("server-twice", f"$.bundle.{place.key[0]}"))
            taken.add((place.key[0], place.there))
            if place.body is not None and self.looking.is_about_another(place.body, patient.there or None):
                raise Refused(issue("sync-identity", f"$.bundle.{place.key[0]}", what="Patient"))

    async def _without_deleted(self, place: Place) -> Place:
        """Where somebody there has deleted a copy, people are told, and it is written anew."""
        if not place.is_deleted or place.noted is None:
            return place
        await self.home.deleted(place.key[0], place.noted.remote_id)
        anew = await self.looking.marked(place.key[0], place.ours)
        if anew is not None:  # else what lies there goes on referring to what it was
            await self.store.write(lambda tx: tx.server_copies.forget(self.partner, *place.key))
        return Place(place.key, place.ours, None, anew)

    def _named(self, places: Sequence[Place], noted: Mapping[Key, ServerCopy]) -> dict[Key, str]:
        """By what each resource is referred to there."""
        named = {key: f"{key[0]}/{copy.remote_id}" for key, copy in noted.items() if key not in self.bodies}
        for place in places:
            there = f"{place.key[0]}/{place.there}"
            named[place.key] = there if place.body is not None else placeholder(place.key, self.message.id)
        (patient,) = [place.key for place in places if place.key[0] == "Patient"]
        return {**named, **{key: named[patient] for key in self.bodies if key[0] == "Patient"}}

    def _is_theirs(self, place: Place) -> bool:
        """Whether it is referred to and not written: the server's own Patient, and who provides what, as it was made
        there for the record of another person.
        """
        if place.body is None or (place.noted is not None and place.noted.sent is not None):
            return False
        return place.key[0] == "Patient" or (place.key[0] in SHARED_KINDS and place.noted is None)

    async def _changes(self, place: Place, named: Mapping[Key, str]) -> list[Body]:
        """What somebody there has made of a copy of ours since it was seen last, the oldest first.

        What says just what is to be sent is no change: it is our own writing, whose answer was lost. What that wrote
        over is one, also where it says what was seen last.
        """
        if place.body is None or self._is_theirs(place):
            return []
        since = await self.looking.since(place)
        return since[:-1] if says_the_same(place.body, rendered(place.ours, named)) else since

    async def _take_in(
        self, patient: Body, lying: Mapping[Key, str], changes: Sequence[tuple[Place, list[Body]]]
    ) -> None:
        """Have received what was changed there; what lies there is seen from then on.

        lying: see _lying.
        """
        for place, bodies in changes:
            for body in bodies:
                if not await self.home.take_in(Found(patient, (body,), named=lying, unseen=body is place.body)):
                    return
            if place.body is not None:
                await self._note([self._seen(place, place.body, None)])

    # --- writing

    async def _write(
        self, places: Sequence[Place], named: Mapping[Key, str], lying: Mapping[Key, str], moved: Collection[Key]
    ) -> None:
        """Write what is not there as it is to be, and note what lies there from now on.

        lying: see _lying. moved: what lies elsewhere than it did, for it was deleted there.
        """
        seen: list[ServerCopy] = []
        due: list[Place] = []
        for place in places:
            if place.body is not None and self._is_theirs(place):
                seen.append(self._seen(place, place.body, None))
            elif place.body is not None and not self._is_due(place, named, moved):
                seen.append(self._ours(place, place.body))
            else:
                due.append(place)
        await self._note(seen)
        if not due:
            return
        if not await self.home.may_go(self.message):
            raise VersionConflict(issues=[issue("consent-denied", "$", sentence=_WITHDRAWN)])
        written = await self._written(due, named)
        settled = [self._settled(place, answered, lying) for place, answered in written.done]
        found = await asyncio.gather(*settled, return_exceptions=True)
        await self._note([one for one in found if isinstance(one, ServerCopy)])
        for fault in (written.fault, *found):
            if isinstance(fault, BaseException):
                raise fault

    async def _written(self, due: Sequence[Place], named: Mapping[Key, str]) -> Written:
        """What the server says of it. That it leaves is noted before, and taken back where nothing came of it."""
        keys, edition = [place.key for place in due], int(self.message.edition or 0)
        left = await self.store.write(lambda tx: tx.server_copies.leaves(self.partner, keys, edition))

        async def stay_away(keys: Collection[Key]) -> None:
            await self.store.write(
                lambda tx: tx.server_copies.stays_away(self.partner, left.intersection(keys), edition)
            )

        try:
            written = await write(self.client, due, [entry_of(place, named, called(self.message)) for place in due])
        except (Refused, NotAuthenticated):  # what has changed there may be what we wrote: a request may come twice
            await stay_away(left)
            raise
        if written.refused:
            await stay_away([place.key for place in written.refused])
        return written

    def _is_due(self, place: Place, named: Mapping[Key, str], moved: Collection[Key]) -> bool:
        """Whether it has to be written: it says something else than what was sent last, and than what lies there.

        What refers to something that was deleted there, and is written anew, has to refer to that.
        """
        as_sent = place.noted is not None and place.noted.sent == hash_of(place.ours)
        if as_sent and not any(target in moved for target in targets_of(place.ours)):
            return False
        return place.body is None or not says_the_same(place.body, rendered(place.ours, named))

    async def _settled(self, place: Place, answered: Answered, lying: Mapping[Key, str]) -> ServerCopy:
        """What lies there after it was written. What was written over by it is taken in before."""
        there = place.there or answered.name
        held = await self.looking.held(place.key[0], there, place.ours, answered.body)
        if held is None:
            raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=answered.status)])
        told = answers.version_of(held)
        since = bool(answered.version) and bool(told) and told != answered.version  # somebody has changed it by now
        own = answered.version if since else version_of(held)
        await self._take_in_since(place, await self.looking.overwritten(place, own), lying)
        if not since:
            return self._ours(place, held, answered.version)
        await self._note([replace(self._ours(place, held, answered.version), held="")])  # it was made of this
        await self._take_in_since(place, [held], lying)
        return self._seen(place, held, None)

    async def _take_in_since(self, place: Place, bodies: Sequence[Body], lying: Mapping[Key, str]) -> None:
        patient = await self.looking.patient(called(self.message)) if bodies else None
        for body in bodies:
            if not await self.home.take_in(Found(patient or {}, (body,), named=lying, unseen=True)):
                raise VersionConflict(issues=[issue("server-changed", "$")])

    def _ours(self, place: Place, body: Body, version: str = "") -> ServerCopy:
        """What lies there is what was to be written. version: that which this made, where the server says it."""
        noted = version or version_of(body)
        return replace(self._seen(place, body, hash_of(place.ours)), remote_version=noted, edition=self.message.edition)

    def _seen(self, place: Place, body: Body, sent: str | None) -> ServerCopy:
        there = str(body.get("id"))
        return ServerCopy(self.partner, *place.key, there, version_of(body), hash_of(body), sent)

    async def _note(self, copies: Sequence[ServerCopy]) -> None:
        def note(tx: Tx) -> None:
            for copy in copies:
                other = tx.server_copies.at(self.partner, copy.type, copy.remote_id)
                if other is not None and other.name != copy.name:
                    if copy.type in SHARED_KINDS:
                        continue  # it is noted as another record's, and found by its mark again
                    if copy.type == "Patient":  # one person, by another Patient of ours
                        tx.server_copies.forget(self.partner, other.type, other.name)
                tx.server_copies.keep(copy)

        await self.store.write(note)


def _lying(places: Sequence[Place], noted: Mapping[Key, ServerCopy]) -> dict[Key, str]:
    """type and id there -> id here of what lies or lay there: what is read there refers to it.

    It may not be noted, where an answer was lost, and what is deleted there may still be referred to.
    """
    found = {(key[0], copy.remote_id): key[1] for key, copy in noted.items()}
    return {**found, **{(place.key[0], place.there): place.key[1] for place in places if place.body is not None}}
