"""What a plain FHIR server can be told beside plans: that sharing has ended, and what was about the wrong person."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from fhir_mh.clock import instant
from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.connectors.fhir_server.found import Found, hash_of, version_of
from fhir_mh.connectors.fhir_server.looking import Looking, Place
from fhir_mh.connectors.fhir_server.naming import Body, Key, Names
from fhir_mh.connectors.fhir_server.ports import Home
from fhir_mh.connectors.fhir_server.rendering import called, placeholder
from fhir_mh.connectors.fhir_server.writing import entry_of, write
from fhir_mh.errors import VersionConflict
from fhir_mh.exchange.messages import Message
from fhir_mh.exchange.transport import Refused
from fhir_mh.fhir.urls import ITEM_ID, ODS_CODE
from fhir_mh.issues import issue
from fhir_mh.store import ServerCopy, Store, Tx

_ENDED = "The plan is no longer kept up to date here: the organisation that keeps it shares it no more."
_CATEGORY = "http://terminology.hl7.org/CodeSystem/communication-category"


class Notices:
    """Tells one partner's server. own: our ODS code."""

    def __init__(self, client: FhirClient, names: Names, store: Store, home: Home, own: str) -> None:
        self.client, self.store, self.home, self.own = client, store, home, own
        self.partner = names.partner
        self.looking = Looking(client, names)

    async def ended(self, message: Message) -> None:
        """Say once that the plan of a person is no longer kept up to date; where the person is not there, to nobody."""
        patient = await self.looking.patient(called(message))
        if patient is None:
            return
        key, there = ("Communication", message.id), f"Patient/{patient['id']}"
        body = await self.store.read(lambda tx: self._communication(tx, message.id, there))
        held = await self.looking.marked(key[0], body)
        if held is None:
            place, named = Place(key, body, None, None), {key: placeholder(key, message.id), _key(there): there}
            written = await write(self.client, [place], [entry_of(place, named, called(message))])
            if written.fault is not None:
                raise written.fault
            ((_, answered),) = written.done
            held = await self.looking.held(key[0], answered.name, body, answered.body)
        if held is not None:
            copy = ServerCopy(self.partner, *key, str(held["id"]), version_of(held), hash_of(held), hash_of(body))
            await self.store.write(lambda tx: tx.server_copies.keep(copy))

    async def retracted(self, message: Message) -> None:
        """Delete what was recorded for the wrong person. Raises Refused where something else there still needs it.

        What somebody there has made of it since it was seen last is taken in: it comes under the seal. Where the answer
        to its writing was lost, that is whatever lies there.
        """
        keys = [_key(name) for name in message.content["items"]]
        noted = await self.store.read(lambda tx: tx.server_copies.some(self.partner, keys))
        there = [(key, name) for key in keys for name in await self._there(key, noted.get(key))]
        places = [await self._place(key, name, noted.get(key)) for key, name in there]
        await self._take_in(message, places, [body for place in places for body in await self.looking.since(place)])
        await self._note(places)
        await self._delete([(key[0], name) for key, name in there])
        await self._take_in(message, places, [body for place in places for body in await self.looking.deleted(place)])
        for key in keys:
            await self.store.write(lambda tx, key=key: tx.server_copies.forget(self.partner, *key))  # type: ignore[misc]

    async def _delete(self, left: list[Key]) -> None:
        """Delete these, by type and id there. Raises Refused where something else there still needs one."""
        while left:
            kept = []
            for key in left:
                try:
                    await self.client.delete(*key)
                except VersionConflict:  # what refers to it may be among those that follow
                    kept.append(key)
            if len(kept) == len(left):
                raise Refused(issue("server-refused", "$.items", status=409))
            left = kept

    async def _take_in(self, message: Message, places: list[Place], unseen: list[Body]) -> None:
        """Have received what nobody here has seen yet. Raises VersionConflict where it was not."""
        if not unseen:
            return
        named = {(place.key[0], place.there): place.key[1] for place in places}
        patient, held = await self._patient(message)
        for body in unseen:
            if not await self.home.take_in(Found(patient, (body,), held=held, named=named, unseen=True)):
                raise VersionConflict(issues=[issue("server-changed", "$")])

    async def _note(self, places: Iterable[Place]) -> None:
        """Note where lies what was written without an answer: once it is deleted it is found by that alone."""

        def note(tx: Tx) -> None:
            for place in places:
                if place.body is not None and tx.server_copies.get(self.partner, *place.key) is None:
                    version, held = version_of(place.body), hash_of(place.body)
                    tx.server_copies.keep(ServerCopy(self.partner, *place.key, place.there, version, held, None))

        await self.store.write(note)

    async def _patient(self, message: Message) -> tuple[Body, bool]:
        """The Patient there; True with none, where none, or more than one, can be the person."""
        with suppress(Refused):
            patient = await self.looking.patient(called(message))
            if patient is not None:
                return patient, False
        return {"resourceType": "Patient", "id": message.id}, True

    async def _there(self, key: Key, noted: ServerCopy | None) -> list[str]:
        """The ids there of a resource of ours: also where it lies there twice, as its writing was not answered."""
        known = [] if noted is None else [noted.remote_id]
        return list(dict.fromkeys([*known, *await self.looking.bearing(*key)]))

    async def _place(self, key: Key, name: str, noted: ServerCopy | None) -> Place:
        known = noted if noted is not None and noted.remote_id == name else None
        return Place(key, {}, known, await self.client.read(key[0], name))

    def _communication(self, tx: Tx, name: str, patient: str) -> Body:
        def organisation(ods: str) -> Body:
            return {"type": "Organization", "identifier": {"system": ODS_CODE, "value": ods}}

        return {
            "resourceType": "Communication",
            "id": name,
            "identifier": [{"system": ITEM_ID, "value": name}],
            "status": "completed",
            "category": [{"coding": [{"system": _CATEGORY, "code": "notification"}]}],
            "subject": {"reference": patient},
            "sent": instant(tx.now),
            "recipient": [organisation(self.partner)],
            "sender": organisation(self.own),
            "reasonCode": [{"text": _ENDED}],
        }


def _key(name: str) -> Key:
    kind, _, rest = name.partition("/")
    return kind, rest
