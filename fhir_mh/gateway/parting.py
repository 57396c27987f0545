"""What becomes of the entries of persons who are parted: sealed, said again as before, or the other's from now on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from fhir_mh.connectors.fhir_server.naming import references_in
from fhir_mh.fhir.parts import changed
from fhir_mh.fhir.urls import ITEM_ID, ODS_CODE
from fhir_mh.gateway.holding import Key, content, hold, name_apart
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.links import own_first
from fhir_mh.gateway.named import pinned
from fhir_mh.gateway.projection import redirected
from fhir_mh.gateway.provenance import is_ours, targets_of
from fhir_mh.gateway.sealing import take_back
from fhir_mh.gateway.stamping import VERSION, hashed, new_edition, restated
from fhir_mh.gateway.withholding import withheld_as, without
from fhir_mh.gateway.written_since import Before
from fhir_mh.placements.courses import ods_codes
from fhir_mh.profiles.bundle import SHARED_KINDS, identifier_of
from fhir_mh.store import PersonMerge, Tx

Body = dict[str, Any]
_CODE = "ods:"  # before a code, where an item's id may be that of another thing as well


@dataclass(slots=True)
class _Again:
    """What a resource said when the merge was made, and when each earlier one was that stays in force."""

    last: Body
    earlier: list[tuple[Before, Body | None]]


@dataclass(slots=True)
class _Side:
    """One person, and what is to be done to what is kept here about it.

    ours: everything kept here, as it was before anything was done. foreign: Type/id of what the others hold -> what it
    is called. stays: what was written since and stays. taken: what is sealed where it stands; of that, again: what is
    said as before, moved: what is the other's. ids: Type/id -> that which takes its place, or came from the other.
    items: what an entry that came from the other was called -> its item's id now.
    """

    person: str
    ours: Mapping[Key, Body]
    foreign: Mapping[str, str]
    stays: set[Key] = field(default_factory=set)
    taken: set[Key] = field(default_factory=set)
    again: dict[Key, _Again] = field(default_factory=dict)
    moved: dict[Key, Body] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)


class Parting:
    """Parts the sides of a merge, once each entry has been given an answer. earlier: the merges that stay in force."""

    def __init__(
        self, tx: Tx, home: Organisation, merge: PersonMerge, before: Before, earlier: Sequence[Before], reason: str
    ) -> None:
        self.tx, self.home, self.merge, self.reason = tx, home, merge, reason
        self.before, self.earlier = before, earlier
        self.sides = {one: self._side(one) for one in (*before.kept, *before.other)}
        self.codes: dict[str, str] = {}
        alike: set[str] = set()
        for one in self.sides:
            tree = hold(tx, one, home.ods).tree
            self.codes |= {name_apart(one, name): code for name, code in ods_codes(tree).items()}
            others = (items for field, items in tree.items() if field != "organisations" and isinstance(items, list))
            alike |= {name_apart(one, item["id"]) for items in others for item in items}
        self.coded = {f"{_CODE}{code}": code for code in self.codes.values()}
        self.coded |= {name: code for name, code in self.codes.items() if name not in alike}

    def _others(self, person: str) -> list[str]:
        return self.before.other if person in self.before.kept else self.before.kept

    def _side(self, person: str) -> _Side:
        ours = {(one.type, one.id): content(one.body()) for one in self.tx.person_resources(person, self.home.ods)}
        foreign = {
            f"{one.type}/{one.id}": name_apart(other, _item_of(one.body()))
            for other in self._others(person)
            for one in self.tx.person_resources(other)
            if one.type not in SHARED_KINDS
        }
        return _Side(person, ours, foreign)

    # --- the answers

    def stays(self, person: str, keys: Iterable[Key]) -> None:
        """These stay with the side they were written to."""
        self.sides[person].stays |= {*keys}

    def take(self, person: str, keys: Sequence[Key], *, moved: bool) -> None:
        """These are no more this side's. moved: they are the other's."""
        side = self.sides[person]
        side.taken |= {*keys}
        side.moved |= {key: pinned(self.tx, self.home.ods, key, side.ours[key]) for key in keys if moved}
        for key in keys:
            said = self._said(self.before, key)
            if said is not None:
                each = [(one, self._said(one, key)) for one in self.earlier if person in one.persons]
                side.again[key] = _Again(said, each)

    def _said(self, merge: Before, key: Key) -> Body | None:
        said = merge.said(self.tx, key)
        return None if said is None else pinned(self.tx, self.home.ods, key, said)

    # --- and what follows from them

    def part(self) -> None:
        """Do to every side what is to be done to it."""
        for side in self.sides.values():
            self._seal(side)
            self._say_again(side)
        for person, side in self.sides.items():
            if side.moved:
                self._move(side, self.sides[self._others(person)[0]])
        for side in self.sides.values():
            self._name_anew(side)

    def _seal(self, side: _Side) -> None:
        """Seal what is not its own, and what says since the merge how that came to be."""
        names = {"/".join(key) for key in side.taken}
        side.taken |= {
            key for key, body in side.ours.items()
            if is_ours(body) and "/".join(key) not in self.before.heads and names & {*targets_of(body)}
        }  # fmt: skip
        if side.taken:
            take_back(self.tx, self.home, side.person, side.taken, self.reason, self.merge)

    def _say_again(self, side: _Side) -> None:
        """Put what was changed since as it was, under new ids.

        Each new resource first says what the old one said when an earlier merge was made, for that may be undone too.
        """
        side.ids |= {"/".join(key): f"{key[0]}/{self.tx.new_id()}" for key in side.again}
        for key, again in side.again.items():
            old = "/".join(key)
            new = side.ids[old]
            version, said = 0, None
            for merge, body in again.earlier:
                if body is not None and body != said:
                    self._put(side.person, redirected({**body, "id": new.partition("/")[2]}, side.ids))
                    version, said = version + 1, body
                merge.note_again(self.tx, side.person, old, new, None if body is None else version)
            if again.last != said:
                self._put(side.person, redirected({**again.last, "id": new.partition("/")[2]}, side.ids))

    def _move(self, side: _Side, other: _Side) -> None:
        """Write to the other person, under new ids, what is theirs; of what else is this side's, its name at most.

        An item keeps its id, unless the other person has one of that id: then one of the two would not be seen.
        """
        bodies = {**side.moved, **{key: side.ours[key] for key in _counted(side)}}
        ids = {"/".join(key): f"{key[0]}/{self.tx.new_id()}" for key in bodies}
        there = hold(self.tx, other.person, self.home.ods)
        known = {found.item_id for found in there.reading.taken if found.table}
        names = self._names(other, known, bodies, ids)
        patients = [f"Patient/{one.id}" for one in own_first(self.tx, self.home, side.person)]
        theirs = [f"Patient/{one.id}" for one in own_first(self.tx, self.home, other.person)]
        about = dict.fromkeys(patients, theirs[0]) if theirs else {}
        left = {
            "/".join(key): name_apart(side.person, _item_of(body))
            for key, body in side.ours.items()
            if key[0] not in SHARED_KINDS and "/".join(key) not in {**ids, **about}
        }
        moved = []
        for key, body in bodies.items():
            named = redirected({**_named(body, names), "id": ids["/".join(key)].partition("/")[2]}, {**ids, **about})
            moved.append(self._hiding(named, left))
        for body in hashed(there, moved):
            self._put(other.person, body)
        other.ids |= ids
        other.items |= {name_apart(side.person, old): new for old, new in names.items()}

    def _names(
        self, other: _Side, taken: Collection[str], bodies: Mapping[Key, Body], ids: Mapping[str, str]
    ) -> dict[str, str]:
        """What items are called by the other, and by what refers to them. taken: the ids of those that are there."""
        names = {name_apart(other.person, item): item for item in taken}
        for key, body in bodies.items():
            if identifier_of(body) is None:  # it is called by the id of its resource
                names[key[1]] = ids["/".join(key)].partition("/")[2]
        for body in bodies.values():
            item = _item_of(body)
            if item in taken and item not in names:
                names[item] = self.tx.new_id()
        return names

    def _name_anew(self, side: _Side) -> None:
        """Have what is still there refer to what took the place of something, and to nothing that is another's."""
        gone = {"/".join(key): name_apart(side.person, _item_of(side.ours[key])) for key in side.taken}
        hidden = {name: called for name, called in {**side.foreign, **gone}.items() if name not in side.ids}
        anew = []
        for key in side.ours.keys() - side.taken:
            now = self.tx.get(*key)
            if now is None or now.deleted:
                continue
            said = content(now.body())
            named = redirected(said, side.ids)
            if key in side.stays:
                named = self._hiding(named, hidden, side.items)
            if named != said:
                anew.append(named)
        for body in hashed(hold(self.tx, side.person, self.home.ods), anew) if anew else ():
            self.tx.put(body, person=side.person, custodian=self.home.ods)

    def _hiding(self, body: Body, hidden: Mapping[str, str], items: Mapping[str, str] | None = None) -> Body:
        """A resource that refers to none of these: to an organisation by its code, to anything else by its item's id.

        hidden: Type/id -> what it is called. items: what that is called now. Several types may be called alike.
        """
        items = items or {}
        coded = {
            name: f"{_CODE}{self.codes[called]}"
            for name, called in hidden.items()
            if name.startswith("Organization/") and called in self.codes and called not in items
        }
        body = _coded(_named(without(body, withheld_as(coded)), items), self.coded)
        named = {name: called for name, called in hidden.items() if name not in coded}
        return cast(Body, _named(without(body, withheld_as(named)), items))

    def _put(self, person: str, body: Body) -> None:
        """Store a resource as new of a person; a plan carries the edition in which it came to be."""
        edition = new_edition(self.tx, self.home, person)
        self.tx.put(restated(body, VERSION, "valuePositiveInt", edition), person=person, custodian=self.home.ods)


def _counted(side: _Side) -> list[Key]:
    """Who provides what that is moved, where an id that this record counts by itself says it."""
    found: dict[Key, None] = {}
    names = [name for key in side.moved for name in references_in(side.ours[key])]
    while names:
        kind, _, name = names.pop().partition("/")
        body = side.ours.get((kind, name)) if kind in SHARED_KINDS and (kind, name) not in found else None
        if body is not None and name_apart(side.person, _item_of(body)) != _item_of(body):
            found[kind, name] = None
            names += references_in(body)
    return [*found]


def _item_of(body: Mapping[str, Any]) -> str:
    return identifier_of(body) or str(body["id"])


def _named(value: Any, names: Mapping[str, str]) -> Any:
    """The JSON with the identifiers of these items, and of what refers to them, as they are named here."""

    def one(said: Body) -> Body:
        item = said.get("value") if said.get("system") == ITEM_ID else None
        return {**said, "value": names[item]} if isinstance(item, str) and item in names else said

    return changed(value, one)


def _coded(value: Any, codes: Mapping[str, str]) -> Any:
    """The JSON with the ODS code of each organisation that it names by an item's id of another's record."""

    def one(said: Body) -> Body:
        code = codes.get(str(said.get("value"))) if said.get("system") == ITEM_ID else None
        return said if code is None else {**said, "system": ODS_CODE, "value": code}

    return changed(value, one)
