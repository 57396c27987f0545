"""What was written about persons since they are one: of each entry, whose it can be when they are parted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.holding import Key, content, key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.projection import redirected
from fhir_mh.gateway.provenance import is_ours
from fhir_mh.gateway.together import Side, Together
from fhir_mh.profiles.bundle import SHARED_KINDS
from fhir_mh.store import OutboxMessage, PersonMerge, Tx

Body = dict[str, Any]
Whose = Literal["stays", "other", "apart"]
PROPOSALS = "proposals"


@dataclass(frozen=True, slots=True)
class Written:
    """An entry of the record that was written since, or a proposal.

    list, id: as the one record has it; of what is in no list the resource's type and id. person: the side it stands on.
    keys: its resources that are new or changed. new: nothing of it was there before. may: the answers open for it.
    """

    list: str
    id: str
    person: str
    keys: tuple[Key, ...]
    new: bool
    may: tuple[Whose, ...]


class Before:
    """What was held of the persons of a merge when it was made.

    kept, other: the sides of each. heads: Type/id of every resource there was -> its version then. links: of our own
    Patients, the version that the merge made. raised, asked: the conflicts, and the Task, that it raised. proposals:
    the ids of our own that there were.
    """

    def __init__(self, merge: PersonMerge) -> None:
        self._merge, self._said = merge.id, load_object(merge.before or "{}")
        self.kept: list[str] = self._said["sides"]["kept"]
        self.other: list[str] = self._said["sides"]["other"]
        self.persons = frozenset(self._said["heads"])
        self.heads: dict[str, int] = {name: at for each in self._said["heads"].values() for name, at in each.items()}
        self.links: Mapping[str, int] = self._said["links"]
        self.raised: list[str] = self._said["conflicts"]
        self.asked: str | None = self._said["asked"]
        self.proposals = frozenset[str](self._said["proposals"])
        self._again: dict[str, str] = self._said.get("again") or {}

    def said(self, tx: Tx, key: Key) -> Body | None:
        """What a resource said then; None for one that there was not, or that had been deleted.

        What it refers to is named as it is by now, where it was put back under another id since.
        """
        version = self.heads.get("/".join(key))
        found = None if version is None else tx.get_version(*key, version)
        if found is None or found.deleted:
            return None
        body = content(found.body())
        return redirected(body, self._again) if self._again else body

    def note_again(self, tx: Tx, person: str, old: str, new: str, version: int | None) -> None:
        """Note that Type/id of a resource is another by now, and in which version that says what the old one said."""
        self._again = {**{name: new if now == old else now for name, now in self._again.items()}, old: new}
        heads = {**self._said["heads"][person], **({} if version is None else {new: version})}
        self._said = {**self._said, "again": self._again, "heads": {**self._said["heads"], person: heads}}
        self.heads |= heads
        tx.merges.note(self._merge, dumps(self._said).decode())


def written_since(tx: Tx, home: Organisation, merge: PersonMerge) -> list[Written]:
    """Everything of our own that was written since a merge was made, about anybody whom it made one.

    Who provides what is about nobody in particular, and what says how a resource came to be goes where that goes.
    """
    before = Before(merge)
    held = Together(tx, merge.kept, home.ods)
    found: list[Written] = []
    for side in held.sides:
        if side.person in before.persons:
            found += _of_side(tx, home, held, side, before)
            found += _proposed(tx, side, before)
    return found


def _of_side(tx: Tx, home: Organisation, held: Together, side: Side, before: Before) -> Iterator[Written]:
    places = _places(held, side)
    entries: dict[tuple[str, str], list[Key]] = {}
    for key, body in side.holding.bodies.items():
        ours = side.holding.custodians[key] == home.ods and key[0] not in SHARED_KINDS and not is_ours(body)
        if ours and body != before.said(tx, key):
            entries.setdefault(places[key], []).append(key)
    known = {place for key, place in places.items() if "/".join(key) in before.heads}
    for (name, item), keys in entries.items():
        new = (name, item) not in known
        may: tuple[Whose, ...] = ("stays", "other", "apart") if new else ("stays", "apart")
        if name == "Patient" and new:
            may = ("stays",)  # it says itself whose it is
        yield Written(name, item, side.person, tuple(keys), new, may)


def _places(held: Together, side: Side) -> dict[Key, tuple[str, str]]:
    """Which entry of which list each resource is of; of what is in no list, and of a Patient, its own type and id."""
    places = {key: key for key in side.holding.bodies}
    for found in side.holding.reading.taken if side.holding.bodies else ():
        key = key_of(found.entry.resource)
        if key[0] != "Patient" and found.table is not None:
            places[key] = found.table.field, held.name(side, found.item_id)
    return places


def _proposed(tx: Tx, side: Side, before: Before) -> Iterator[Written]:
    for one in tx.proposals.find(side.person, direction="sent"):
        if one.id not in before.proposals:
            may: tuple[Whose, ...] = ("stays", "apart") if _is_unsent(tx, tx.outbox.get(one.id)) else ("stays",)
            yield Written(PROPOSALS, one.id, side.person, (), True, may)


def _is_unsent(tx: Tx, waiting: OutboxMessage | None) -> bool:
    """Whether a message has certainly not left: while its lane is held it may be on its way."""
    if waiting is None or waiting.state != "pending" or waiting.attempts:
        return False
    lane = tx.lanes.get(waiting.partner, waiting.person)
    return lane is None or lane.leased_until is None or lane.leased_until <= tx.now
