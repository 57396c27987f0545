"""What lies on a server in the place of what is to be sent, before and after it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from fhir_mh.clock import moment_of
from fhir_mh.connectors.fhir_server.answers import Version, count_of, updated_of
from fhir_mh.connectors.fhir_server.found import hash_of, version_of
from fhir_mh.connectors.fhir_server.naming import Body, Key, Names
from fhir_mh.connectors.fhir_server.ports import Server
from fhir_mh.connectors.fhir_server.rendering import bears, mark_of
from fhir_mh.exchange.transport import Refused
from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhir.urls import ITEM_ID, NHS_NUMBER
from fhir_mh.issues import issue
from fhir_mh.profiles.bundle import SHARED_KINDS
from fhir_mh.store import ServerCopy

_AT_ONCE = 8  # requests under way for one message
_ABOUT = ("subject", "patient", "for", "beneficiary")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a resource of ours lies there. noted: what was known of it; body: what lies there now, if anything does."""

    key: Key
    ours: Body
    noted: ServerCopy | None
    body: Body | None

    @property
    def there(self) -> str:
        """Its id there; empty where it is not there."""
        return "" if self.body is None else str(self.body.get("id"))

    @property
    def is_as_seen(self) -> bool:
        """Whether what lies there is what was seen last, by what it says."""
        return self.noted is not None and self.body is not None and hash_of(self.body) == self.noted.held

    @property
    def is_deleted(self) -> bool:
        """Whether it lay there and does no more."""
        return self.noted is not None and self.body is None


class Looking:
    """Looks at one server. names: how it refers to its own."""

    def __init__(self, client: Server, names: Names) -> None:
        self.client, self.names = client, names
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def patient(self, called: str, made: Callable[[Body], bool] = lambda body: False) -> Body | None:
        """The Patient there with this identifier (system|value); None where there is none.

        One that was replaced by another, or is not in use any more, is nobody's, but where we made it ourselves: then
        it is we who say so. made: whether we made one. Raises Refused where there are two.
        """
        asked = ("identifier", called)
        bearing = [one async for one in self.client.search("Patient", [asked]) if bears(one, *asked)]
        found = [one for one in bearing if _is_in_use(one)] or [one for one in bearing if made(one)]
        if len(found) > 1:
            what = "NHS number" if called.startswith(f"{NHS_NUMBER}|") else "local identifier"
            raise Refused(issue("sync-identity", "$.person", what=what))
        return found[0] if found else None

    async def places(self, bodies: Mapping[Key, Body], noted: Mapping[Key, ServerCopy]) -> list[Place]:
        """Where these resources lie. Raises Refused where two bear one item's identifier."""
        return await asyncio.gather(*(self._place(key, body, noted.get(key)) for key, body in bodies.items()))

    async def _place(self, key: Key, ours: Body, noted: ServerCopy | None) -> Place:
        async with self._room:
            if noted is not None:
                return Place(key, ours, noted, await self.client.read(key[0], noted.remote_id))
            return Place(key, ours, None, await self.marked(key[0], ours))

    async def marked(self, kind: str, ours: Mapping[str, object]) -> Body | None:
        """The resource there that bears the mark of one of ours. Raises Refused where two do.

        Of who provides what the first: two workers may have made it at once, for two people.
        """
        asked = mark_of(ours)
        found = [one async for one in self.client.search(kind, [asked]) if bears(one, *asked)]
        if len(found) > 1 and kind not in SHARED_KINDS:
            raise Refused(issue("server-twice", f"$.bundle.{kind}"))
        return min(found, key=lambda one: str(one.get("id")), default=None)

    async def bearing(self, kind: str, name: str) -> list[str]:
        """The ids there of whatever bears the mark of the resource that has this id here."""
        found: set[str] = set()
        for asked in (("identifier", f"{ITEM_ID}|{name}"), ("_tag", f"{ITEM_ID}|{name}")):
            with suppress(Refused):  # not every type can be asked for either
                found |= {str(one["id"]) async for one in self.client.search(kind, [asked]) if bears(one, *asked)}
        return sorted(found)

    def is_about_another(self, body: Body, patient: str | None) -> bool:
        """Whether what lies there names another Patient of the server than this one as whom it is about."""
        for name in _ABOUT:
            subject = body.get(name)
            target = self.names.target(subject.get("reference")) if isinstance(subject, dict) else None
            if target is not None and target[0] == "Patient" and target[1] != patient:
                return True
        return False

    async def since(self, place: Place) -> list[Body]:
        """What somebody there has made of a resource since it was seen last, the oldest first and what lies there last.

        Nothing where it says what was seen last, and said nothing else meanwhile. Where there is no history, what lies
        there now alone.
        """
        noted, body = place.noted, place.body
        if body is None:
            return []
        if noted is None:
            return [body]
        between = await self.between(noted, body)
        return [*between, body] if between or not place.is_as_seen else []

    async def overwritten(self, place: Place, own: str) -> list[Body]:
        """What somebody there had made of a resource between what was read of it and our own version."""
        if place.body is None:
            return []
        kind, seen = place.key[0], version_of(place.body)
        return await self._between(kind, place.there, seen, own, hash_of(place.body))

    async def deleted(self, place: Place) -> list[Body]:
        """What somebody there had made of a resource by the time it was deleted, since it was read.

        Where it was gone by then, since it was seen last.
        """
        if place.body is not None:
            return await self.overwritten(place, "")
        if place.noted is None:
            return []
        noted = place.noted
        return await self._between(noted.type, noted.remote_id, noted.remote_version, "", noted.held)

    async def between(self, noted: ServerCopy, body: Body) -> list[Body]:
        """What somebody there had made of a resource since what was noted and before this, the oldest first."""
        return await self._between(noted.type, noted.remote_id, noted.remote_version, version_of(body), noted.held)

    async def _between(self, kind: str, there: str, start: str, end: str, seen: str) -> list[Body]:
        """The versions after the first and before the last, but for those that say what was seen already.

        None where the first is not in the history: what is older must not be taken for a change. Of one moment, they
        are in the order of https://hl7.org/fhir/R4/http.html#history, the oldest last.
        """
        if start == end:
            return []
        try:
            async with self._room:
                told = [one async for one in self.client.history(kind, there)]
        except Refused:
            return []
        told.reverse()
        found = sorted(told, key=_age)
        names = [one.version for one in found]
        if start not in names:
            return []
        between = found[names.index(start) + 1 : names.index(end) if end in names else None]
        return [one.body for one in between if one.body is not None and hash_of(one.body) != seen]

    async def held(self, kind: str, there: str, ours: Body, answered: Body | None) -> Body | None:
        """What the server holds of what it was just sent."""
        if answered is not None and isinstance(answered.get("id"), str):
            return answered
        async with self._room:
            return await (self.client.read(kind, there) if there else self.marked(kind, ours))


def _is_in_use(patient: Body) -> bool:
    replaced = [one.get("type") for one in objects_in(patient.get("link"))]
    return patient.get("active") is not False and "replaced-by" not in replaced


def _age(version: Version) -> tuple[float, int]:
    """By the server's time, then by its numbers, where it counts."""
    moment = moment_of(version.updated or updated_of(version.body or {}))
    return 0.0 if moment is None else moment.timestamp(), count_of(version.version) or 0


def by_key(bodies: Iterable[Body]) -> dict[Key, Body]:
    """The resources by type and id here."""
    return {(str(body.get("resourceType")), str(body.get("id"))): body for body in bodies}
