"""Taking texts of the wrong person out of everything that is shown, searched or sent; they are kept under a seal.

A text may stand in more places than its resource: in proposals about it, in messages that wait or were set aside, in
the projections that were sent, in conflicts and the Tasks that ask of them. All of them go under the same seal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from fhir_mh.connectors.fhir_server.rendering import tagged
from fhir_mh.exchange.messages import Message
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.holding import Holding, Key, hold, key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.pending import Pending
from fhir_mh.gateway.proposals import bodies_of
from fhir_mh.gateway.spreading import copy_at
from fhir_mh.gateway.together import Side, Together
from fhir_mh.mapping.row_paths import is_within
from fhir_mh.profiles.bundle import SHARED_KINDS, identifier_of
from fhir_mh.store import PersonMerge, StoredConflict, Tx

NOT_SEALED = frozenset({*SHARED_KINDS, "Patient"})
"""Who somebody is and who provides what is put right, not sealed."""
_MANY = 100_000
_STOOD = {
    "pending": "waited to be sent",
    "withheld": "was withheld",
    "accepted": "had been taken there",
    "partly": "was in conflict in part",
    "conflict": "was in conflict",
    "decided": "had been decided on there",
    "refused": "had been refused",
    "quarantined": "had been set aside there",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What went under a seal. kinds: the types of the resources. anything: whether anything did, be it no resource.

    changes: of each change of ours that the record did not show as it was written, what it was to and where it stood.
    """

    kinds: set[str]
    anything: bool
    changes: Sequence[str] = ()

    def told(self) -> str:
        """For whoever wrote the changes that went with it; empty where there are none."""
        if not self.changes:
            return ""
        many = len(self.changes) > 1
        said = f"{len(self.changes)} changes of ours went" if many else "A change of ours went"
        return f" {said} under the seal with it: {'; '.join(self.changes)}. Write again what of it was right."


def seal(
    tx: Tx, home: Organisation, person: str | None, custodian: str, keys: Collection[Key], reason: str | None = None,
    undone: PersonMerge | None = None,
) -> Taken:  # fmt: skip
    """Seal these resources of one custodian about a person, and whatever else here holds their text.

    keys: those that are not here, or are somebody else's, are passed over: what another keeps is not this one's to
    retract, nor are the changes to it. undone: the merge by whose undoing they are
    sealed: what is older than it holds nothing but the text of before, and people have said of each Task whose it is.
    The custodian's edition is the caller's to set or raise.
    """
    made = _Sealing(partial(_make, tx, person, custodian, reason, undone))
    since = None if undone is None else undone.made
    kinds: set[str] = set()
    changes: list[str] = []
    if person is not None:
        changes = _changes_of_ours(tx, home, person, custodian, keys)
        holding = hold(tx, person, home.ods)
        held = [key for key in sorted(keys) if holding.custodians.get(key) == custodian and key[0] not in NOT_SEALED]
        places = _places(holding, held)
        tasks = [] if undone else _tasks_about(holding, home.ods, held, places)
        conflicts = [one for one in tx.conflicts.of(person) if _is_about(one, [*held, *tasks], places, since)]
        asking = [("Task", one.id) for one in conflicts if ("Task", one.id) in holding.bodies]
        for kind, name in dict.fromkeys([*held, *tasks, *asking]):
            tx.seals.take_resource(made.seal, kind, name)
            kinds.add(kind)
        _take_proposals(tx, made, person, custodian, keys, since)
        for conflict in conflicts:
            tx.seals.take_conflict(made.seal, conflict.id)
        if custodian == home.ods:
            _clear_projections(tx, person, custodian, keys)
    else:  # what left before and arrives after this must find the seal: no edition is known of nobody
        keepers = _keepers(tx, keys)
        named = (key for key in keys if key[0] not in NOT_SEALED and keepers.get(key, custodian) == custodian)
        for kind, name in sorted(named):
            tx.seals.keep(made.seal, kind, name, "")
    _take_quarantined(tx, made, person, custodian, keys, since)
    return Taken(kinds, made.is_made, changes)


def take_back(
    tx: Tx, home: Organisation, person: str, keys: Collection[Key], reason: str, undone: PersonMerge | None = None
) -> Taken:
    """Seal resources that are kept here, as a new edition, and tell every partner that was sent any of them.

    The news is the caller's to spread.
    """
    for partner, sent in _keys_sent(tx, person, home.ods, keys).items():
        copy = copy_at(tx, person, partner, home.ods)
        edition = copy.sent.edition if copy is not None and copy.sent is not None else tx.edition(person, home.ods)
        names = [f"{kind}/{name}" for kind, name in sent]
        payload = {"notice": "entered-in-error", "custodian": home.ods, "items": names}
        tx.outbox.add(partner, person, "notice", edition=edition, payload=dumps(payload).decode())
    taken = seal(tx, home, person, home.ods, keys, reason, undone)
    tx.touch(person, home.ods)
    return taken


def _make(tx: Tx, person: str | None, custodian: str, reason: str | None, undone: PersonMerge | None) -> str:
    if person is not None:
        tx.raise_head(person)  # the record shows that something was retracted, be it but a proposal
    return tx.seals.make(person, custodian, reason, undone_merge=undone.id if undone else None)


class _Sealing:
    """One seal, made once there is something to put under it."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    @cached_property
    def seal(self) -> str:
        return self._make()

    @property
    def is_made(self) -> bool:
        return "seal" in self.__dict__


def _places(holding: Holding, keys: Iterable[Key]) -> set[str]:
    """Where in the record the items of these resources stand."""
    wanted = set(keys)
    return {
        f"{found.table.field}[{found.item_id}]"
        for found in (holding.reading.taken if holding.bodies else ())
        if found.table is not None and key_of(found.entry.resource) in wanted
    }


def _tasks_about(holding: Holding, own: str, keys: Iterable[Key], places: Collection[str]) -> list[Key]:
    """Our own Tasks about one of these resources, or about a row of one: they may hold its text."""
    wanted = set(keys)
    references = {f"{kind}/{name}" for kind, name in wanted}
    about = []
    for key, body in holding.bodies.items():
        if key[0] == "Task" and holding.custodians[key] == own and key not in wanted:
            texts = set(_texts(body))
            if references & texts or any(text.startswith(place) for text in texts for place in places):
                about.append(key)
    return about


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _is_about(one: StoredConflict, keys: Collection[Key], places: Collection[str], since: datetime | None) -> bool:
    """Whether a conflict has the text of one of these resources, or its Task is one of them."""
    if ("Task", one.id) in keys:
        return True
    return not _is_older(one.decided or one.raised, since) and any(is_within(one.path, place) for place in places)


def _is_older(moment: datetime, since: datetime | None) -> bool:
    return since is not None and moment < since


def _take_proposals(
    tx: Tx, made: _Sealing, person: str, custodian: str, keys: Collection[Key], since: datetime | None
) -> None:
    for proposal in tx.proposals.find(person):
        is_about = proposal.custodian == custodian and not _is_older(proposal.created, since)
        if is_about and touches(load_object(proposal.payload), keys):
            tx.seals.take_proposal(made.seal, proposal.id)
    for message in tx.outbox.find(partner=custodian, person=person, limit=_MANY):
        waits = message.kind == "proposal" and message.payload and not _is_older(message.created, since)
        if waits and touches(load_object(message.payload or "{}"), keys):
            tx.seals.take_outgoing(made.seal, message.message)


def _changes_of_ours(tx: Tx, home: Organisation, person: str, custodian: str, keys: Collection[Key]) -> list[str]:
    """What our changes are to that are about to go under a seal with these, but those that the record shows."""
    payloads = {
        one.id: payload
        for one in tx.proposals.find(person, direction="sent")
        if one.custodian == custodian and touches(payload := load_object(one.payload), keys)
    }
    if not payloads:
        return []
    held = Together(tx, person, home.ods)
    side = held.side_of(person)
    return [
        f"to {', '.join(_items_of(held, side, one, payloads[one.id]))} ({_stood(tx, person, one)})"
        for one in side.pending
        if one.id in payloads
    ]


def _items_of(held: Together, side: Side, change: Pending, payload: Mapping[str, Any]) -> Iterable[str]:
    """The items that a change was to, each as the record shows it."""
    read = side.holding.with_bodies([*payload["before"], *payload["after"]], change.custodian).reading
    items: dict[str, str] = {}
    for found in read.taken:
        if found.table is not None:
            field = found.table.field
            shown = field if field == "person" else f"{field}[{held.name(side, found.item_id)}]"
            items["/".join(key_of(found.entry.resource))] = shown
    return dict.fromkeys(items.get(path, path) for path in change.paths)


def _stood(tx: Tx, person: str, change: Pending) -> str:
    """What had become of a change. Of one that was tried, or is just being sent, nobody knows whether it arrived."""
    if change.state == "pending":
        row, lane = tx.outbox.get(change.id), tx.lanes.get(change.custodian, person)
        tried = lane is None or lane.attempts or lane.leased_until is not None
        if row is None or row.state != "pending" or row.attempts or tried:
            return "may have left"
    return _STOOD[change.state]


def _take_quarantined(
    tx: Tx, made: _Sealing, person: str | None, custodian: str, keys: Collection[Key], since: datetime | None
) -> None:
    """A custodian's own messages, and of others' about this person, or nobody, those that hold what it keeps here."""
    kept = {key for key, keeper in _keepers(tx, keys).items() if keeper == custodian}
    for held in tx.quarantine.find(state=None, limit=_MANY):
        if _is_older(held.received, since):
            continue
        wanted = keys if held.partner == custodian else kept if held.person in (None, person) else ()
        if wanted and held.state != "sealed" and touches(load_object(held.text), wanted):
            tx.seals.take_quarantined(made.seal, held.id)


def _keepers(tx: Tx, keys: Collection[Key]) -> dict[Key, str]:
    """Who keeps each of these resources that is held here, or was."""
    return {key: held.custodian for key, held in tx.get_all(sorted(keys)).items()}


def _clear_projections(tx: Tx, person: str, custodian: str, keys: Collection[Key]) -> None:
    """Take the resources out of what is kept of each edition that was sent.

    A text that differs from any that can be composed says that the partner does not hold what is left: it is sent.
    """
    for projection in tx.projections.of(person, custodian):
        bundle = load_object(projection.sent)
        kept = [entry for entry in bundle.get("entry") or () if key_of(entry["resource"]) not in keys]
        if len(kept) != len(bundle.get("entry") or ()):
            tx.projections.rewrite(projection, dumps({**bundle, "entry": kept}).decode() + " ")


def _keys_sent(tx: Tx, person: str, custodian: str, keys: Collection[Key]) -> dict[str, list[Key]]:
    """partner -> those of these resources that it was ever sent, by what is kept of each edition."""
    found: dict[str, set[Key]] = {}
    for projection in tx.projections.of(person, custodian):
        entries = load_object(projection.sent).get("entry") or ()
        sent = {key_of(entry["resource"]) for entry in entries} & set(keys)
        found.setdefault(projection.partner, set()).update(sent)
    return {partner: sorted(sent) for partner, sent in found.items() if sent}


def sealed_in(tx: Tx, message: Message) -> set[Key]:
    """The resources in a message's Bundles that are under a seal here."""
    if not tx.seals.any():  # as nearly everywhere: then nothing need be asked of each resource
        return set()
    named = {key_of(body) for name in ("bundle", "before") for body in bodies_of(message, name)}
    held = tx.get_all(sorted(named))
    return {key for key in named if (key not in held or held[key].deleted) and tx.seals.holds(*key)}


def touches(value: Any, keys: Collection[Key]) -> bool:
    """Whether any of these resources stands anywhere in a message or a proposal, be it a copy that bears its mark."""
    if isinstance(value, list):
        return any(touches(inner, keys) for inner in value)
    if not isinstance(value, dict):
        return False
    return any(name in keys for name in _names_of(value)) or any(touches(inner, keys) for inner in value.values())


def _names_of(value: Mapping[str, Any]) -> Iterator[Key]:
    """By which names here a resource goes: its id, and that in a tag or identifier of ours."""
    yield key_of(value)
    if "resourceType" in value:
        kind, item = str(value["resourceType"]), identifier_of(value)
        yield from ((kind, name) for name in (*tagged(value), *([] if item is None else [item])))
