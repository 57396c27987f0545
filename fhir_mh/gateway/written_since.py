"""What was written about persons since they are one: of each entry, whose it can be when they are parted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fhir_mh.fhir.json import load_object
from fhir_mh.gateway.holding import Key, content, key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.provenance import is_ours
from fhir_mh.gateway.together import Side, Together
from fhir_mh.profiles.bundle import SHARED_KINDS
from fhir_mh.store import PersonMerge, Tx

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


def before_of(merge: PersonMerge) -> Mapping[str, Any]:
    """What was held when a merge was made."""
    return load_object(merge.before or "{}")


def written_since(tx: Tx, home: Organisation, merge: PersonMerge) -> list[Written]:
    """Everything of our own that was written since a merge was made, about anybody whom it made one.

    Who provides what is about nobody in particular, and what says how a resource came to be goes where that goes.
    """
    before = before_of(merge)
    held = Together(tx, merge.kept, home.ods)
    found: list[Written] = []
    for side in held.sides:
        if side.person in before["heads"]:
            found += _of_side(tx, home, held, side, before["heads"][side.person])
            found += _proposed(tx, side, before["proposals"])
    return found


def _of_side(tx: Tx, home: Organisation, held: Together, side: Side, heads: Mapping[str, int]) -> Iterator[Written]:
    places = _places(held, side)
    entries: dict[tuple[str, str], list[Key]] = {}
    for key, body in side.holding.bodies.items():
        ours = side.holding.custodians[key] == home.ods and key[0] not in SHARED_KINDS and not is_ours(body)
        if ours and body != said_then(tx, key, heads):
            entries.setdefault(places[key], []).append(key)
    before = {place for key, place in places.items() if "/".join(key) in heads}
    for (name, item), keys in entries.items():
        new = (name, item) not in before
        may: tuple[Whose, ...] = ("stays", "other", "apart") if new else ("stays", "apart")
        if name == "Patient" and new:
            may = ("stays",)  # it says itself whose it is
        yield Written(name, item, side.person, tuple(keys), new, may)


def said_then(tx: Tx, key: Key, heads: Mapping[str, int]) -> dict[str, Any] | None:
    """What a resource said when the merge was made; None for one that there was not, or that had been deleted."""
    version = heads.get("/".join(key))
    found = None if version is None else tx.get_version(*key, version)
    return None if found is None or found.deleted else content(found.body())


def _places(held: Together, side: Side) -> dict[Key, tuple[str, str]]:
    """Which entry of which list each resource is of; of what is in no list, and of a Patient, its own type and id."""
    places = {key: key for key in side.holding.bodies}
    for found in side.holding.reading.taken if side.holding.bodies else ():
        key = key_of(found.entry.resource)
        if key[0] != "Patient" and found.table is not None:
            places[key] = found.table.field, held.name(side, found.item_id)
    return places


def _proposed(tx: Tx, side: Side, known: list[str]) -> Iterator[Written]:
    for one in tx.proposals.find(side.person, direction="sent"):
        if one.id not in known:
            waiting = tx.outbox.get(one.id)
            unsent = waiting is not None and waiting.state == "pending" and not waiting.attempts
            yield Written(PROPOSALS, one.id, side.person, (), True, ("stays", "apart") if unsent else ("stays",))
