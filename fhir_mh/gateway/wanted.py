"""What a Subscription asks for, read: which events are its own, and in which form its client is sent them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from fhir_mh.consent import AccessContext
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.paging import as_json, of_json
from fhir_mh.gateway.searching import Search
from fhir_mh.gateway.topics import SHARING_ENDED, TOPICS, Topic, versions_of
from fhir_mh.store import Event, StoredResource, Tx
from fhir_mh.store.noting import SHARING_ENDED as OF_SHARING
from fhir_mh.store.resources import identifiers_in

Content = Literal["empty", "id-only", "full-resource"]
CONTENTS: tuple[Content, ...] = ("empty", "id-only", "full-resource")


@dataclass(frozen=True, slots=True)
class Listener:
    """A client that may be notified: as whom it is told, and below which addresses."""

    context: AccessContext
    endpoints: tuple[str, ...]


Listeners = Mapping[tuple[str, str], Listener]
"""By organisation and name, as the settings have them now."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """topic: its URL; None: searches[0] is the criteria of R4. searches: of a topic its filters.

    headers: "Name: value", with their secrets. payload: of R4, whether the resource is sent. most: events in one
    request. heartbeat, timeout: seconds.
    """

    topic: str | None
    searches: tuple[Search, ...]
    endpoint: str
    headers: tuple[str, ...]
    payload: bool
    content: Content
    most: int
    timeout: int
    heartbeat: int | None

    @property
    def of_topic(self) -> Topic | None:
        return None if self.topic is None else TOPICS[self.topic]

    @property
    def kinds(self) -> str:
        """What the store is to note for it."""
        topic = self.of_topic
        named = [search.kind for search in self.searches] if topic is None else topic.kinds
        return f" {' '.join([OF_SHARING] if topic is SHARING_ENDED else sorted(set(named)))} "

    def text(self) -> str:
        """As it is kept."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return dumps({**said, "searches": [as_json(search) for search in self.searches]}).decode()

    @classmethod
    def read(cls, text: str) -> Wanted:
        """What text() wrote."""
        said: dict[str, Any] = load_object(text)
        searches = tuple(of_json(one) for one in said["searches"])
        return cls(**{**said, "searches": searches, "headers": tuple(said["headers"])})

    def beat_after(self, moment: datetime) -> datetime | None:
        """When a heartbeat is due, counted from then; None where none is asked for."""
        return None if self.heartbeat is None else moment + timedelta(seconds=self.heartbeat)

    def is_about(self, tx: Tx, event: Event) -> bool:
        """Whether an event is one of those asked for, whoever may see it."""
        topic = self.of_topic
        if (event.what == OF_SHARING) != (topic is SHARING_ENDED):
            return False  # it waits from when something else was asked for
        if topic is SHARING_ENDED:
            return all(_matches(tx, search, event, None) for search in self.searches)  # none by identifier
        before, after = versions_of(tx, event.type, event.id, event.version)
        if topic is None:
            return after is not None and _matches(tx, self.searches[0], event, after)
        gone = before is None and after is None
        counts = topic.counts_gone(event.type) if gone else topic.counts(_body(before), _body(after))
        wanted = [search for search in self.searches if search.kind == event.type]
        return counts and all(_matches(tx, search, event, after or before) for search in wanted)


def _body(stored: StoredResource | None) -> dict[str, Any] | None:
    return None if stored is None else stored.body()


def _matches(tx: Tx, search: Search, event: Event, stored: StoredResource | None) -> bool:
    """Whether what an event is about is what a search would find. A patient stands for the person."""
    if search.kind != event.type:
        return False
    if search.patients is not None and event.person not in _persons(tx, search.patients):
        return False
    if search.ids is not None:
        found = event.id in search.ids if event.id else event.person in _persons(tx, search.ids)
        if not found:
            return False
    if search.identifiers is None:
        return True
    held = set() if stored is None else identifiers_in(stored.body())
    return any(
        value == wished and named in (None, system) for value, system in held for named, wished in search.identifiers
    )


def _persons(tx: Tx, patients: Sequence[str]) -> set[str]:
    """Of these patients, with everybody who is one with them."""
    found = (tx.person_of("Patient", name) for name in patients)
    return {side for person in found if person is not None for side in tx.merges.sides(person)}
