"""What of each plan a partner was sent, and whether that is what the plan says now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fhir_mh.fhir.json import load_object, loads
from fhir_mh.fhir.urls import EXTENSION
from fhir_mh.gateway.holding import Holding, Key, Tree, key_of
from fhir_mh.gateway.withholding import Withheld, withheld_of, without
from fhir_mh.records.append_only import APPEND_ONLY
from fhir_mh.records.called import called_in
from fhir_mh.records.content_hash import PLANS, content_hash
from fhir_mh.store import Mark, Projection, Tx

Body = Mapping[str, Any]
LISTS = (*PLANS, *(name for name in APPEND_ONLY if name != "sharing"))
"""The lists of a record whose items are plans, or directives; whom the person shares with is no plan."""


@dataclass(frozen=True, slots=True)
class Part:
    """A plan or a directive: an item of the record and the resources of its custodian that say it.

    kind: its profile's name. primary: the resource that stands for it. said: what each of them says, all that is here
    called in it as it is where it is withheld (names). stamped: whether its version and hash are of what it says.
    """

    list: str
    id: str
    kind: str
    section: str
    custodian: str
    title: str | None
    version: int | None
    content_hash: str | None
    stamped: bool
    primary: Key
    said: Mapping[Key, Any]
    names: Withheld


@dataclass(frozen=True, slots=True)
class Reached:
    """An edition that reached a stage, and what of the plan it brought, or left from before.

    newest: whether that is the plan as it is now; None where that cannot be known here.
    """

    edition: int
    at: datetime
    version: int | None
    content_hash: str | None
    newest: bool | None


def parts_of(holding: Holding, tree: Tree) -> Iterator[Part]:
    """The plans and directives of a person that this record tree shows, plans first."""
    names = withheld_of((body, holding.custodians[key]) for key, body in holding.bodies.items())
    called = called_in(holding.tree)
    resources: dict[tuple[str, str], list[tuple[Key, Body]]] = {}
    primary: dict[tuple[str, str], tuple[Key, str, str]] = {}
    for found in holding.reading.taken if holding.bodies else ():
        if found.table is None or found.table.field not in LISTS:
            continue
        body, item = found.entry.resource, (found.table.field, found.item_id)
        key = key_of(body)
        if found.table.primary:
            primary[item] = (key, found.table.name, found.table.section)
        resources.setdefault(item, []).append((key, body))
    for name in LISTS:
        for entry in tree.get(name) or ():
            item = (name, entry["id"])
            key, kind, section = primary[item]
            custodian = holding.custodians[key]
            said = {one: without(body, names) for one, body in resources[item] if holding.custodians[one] == custodian}
            hash_ = entry.get("content_hash")
            yield Part(
                name, entry["id"], kind, section, custodian, entry.get("title"), entry.get("version"), hash_,
                hash_ is not None and hash_ == content_hash(entry, called), key, said, names,
            )  # fmt: skip


@dataclass(slots=True)
class _Shown:
    """One projection, read: the resources that were sent, and the names of those that were withheld."""

    bodies: dict[Key, Body]
    withheld: frozenset[str]


@dataclass
class SentTo:
    """What one partner was sent of what one custodian keeps about a person."""

    tx: Tx
    person: str
    custodian: str
    partner: str
    _read: dict[int, _Shown] = field(default_factory=dict)

    def reached(self, part: Part, mark: Mark | None) -> Reached | None:
        """What a stage has brought of a plan; None where nothing of it was ever sent by then."""
        if mark is None:
            return None
        for projection in self._back_from(mark.edition):
            shown = self._shown(projection, part)
            if shown is not None:
                version, hash_ = stamps_of(shown.bodies[part.primary])
                return Reached(mark.edition, mark.at, version, hash_, _is_now(shown, part))
        return None

    def withheld_since(self, part: Part, edition: int) -> datetime | None:
        """Since when what is sent leaves the plan out, as of this edition; None where it does not."""
        since = None
        for projection in self._back_from(edition):
            if f"{part.primary[0]}/{part.primary[1]}" not in _withheld(projection):
                break
            since = projection.made
        return since

    def _back_from(self, edition: int) -> Iterator[Projection]:
        return self.tx.projections.newest_first(self.partner, self.person, self.custodian, edition)

    def _shown(self, projection: Projection, part: Part) -> _Shown | None:
        """The projection, read, if it shows the plan."""
        if f'"{part.primary[1]}"' not in projection.sent:
            return None
        if projection.edition not in self._read:
            entries = load_object(projection.sent).get("entry") or ()
            bodies = {key_of(entry["resource"]): entry["resource"] for entry in entries}
            self._read[projection.edition] = _Shown(bodies, _withheld(projection))
        found = self._read[projection.edition]
        return found if part.primary in found.bodies else None


def _withheld(projection: Projection) -> frozenset[str]:
    """Type/id of each resource that a projection leaves out."""
    return frozenset(loads(projection.withheld))


def _is_now(shown: _Shown, part: Part) -> bool:
    """Whether what was shown is what the plan says now, but for what is withheld of it."""
    return all(
        f"{key[0]}/{key[1]}" in shown.withheld
        or (key in shown.bodies and without(shown.bodies[key], part.names) == said)
        for key, said in part.said.items()
    )


def stamps_of(body: Body) -> tuple[int | None, str | None]:
    """The plan version and the content hash that a resource carries."""
    carried = {one.get("url"): one for one in body.get("extension") or () if isinstance(one, dict)}
    version = carried.get(EXTENSION + "plan-version", {}).get("valuePositiveInt")
    hash_ = carried.get(EXTENSION + "content-hash", {}).get("valueString")
    return (version if type(version) is int else None), (hash_ if isinstance(hash_, str) else None)
