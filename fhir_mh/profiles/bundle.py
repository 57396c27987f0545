"""CareRecord <-> Bundle, through the mapping tables. Internally a record is its JSON tree."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.urls import EXTENSION, ITEM_ID
from fhir_mh.issues import Issue, issue
from fhir_mh.mapping.nodes import Item
from fhir_mh.profiles import (
    agreements,
    choices,
    crisis_plans,
    goals,
    legal,
    people,
    placements,
    plans,
    reviews,
    tasks,
    wishes,
)
from fhir_mh.profiles.addresses import Addresses, Entry, own_url
from fhir_mh.profiles.concerns import holds_concern
from fhir_mh.profiles.subjects import person_of
from fhir_mh.profiles.table import Table
from fhir_mh.records.called import CALLED, called_by_keeper, is_uuid, of_whom

SHARED_KINDS = ("Organization", "PractitionerRole", "Practitioner", "HealthcareService", "Location")
"""Who provides what: about no person, and many people's records may refer to one."""

TABLES: tuple[Table, ...] = (
    *people.TABLES, *goals.TABLES, *plans.TABLES, *crisis_plans.TABLES, *agreements.TABLES, *tasks.TABLES,
    *wishes.TABLES, *choices.TABLES, *legal.TABLES, *placements.TABLES, *reviews.TABLES,
)  # fmt: skip
_PLACE = {table.name: place for place, table in enumerate(TABLES)}
_BY_KIND: dict[str, list[Table]] = {}
for _table in sorted(TABLES, key=lambda table: table.name == "care-plan"):
    _BY_KIND.setdefault(_table.kind, []).append(_table)
_OF_ONE_LIST = frozenset(kind for kind, tables in _BY_KIND.items() if len({table.field for table in tables}) == 1)
"""Of these a resource's type and what its item is called say which item is meant; of others there may be two."""

Tree = dict[str, Any]
Place = tuple[str, str]
"""One of the record's lists, and the id of an item in it."""
_APART = uuid.UUID("6f1f9c52-8a0e-5d0c-9c1b-1f6a2f0f7d11")


@dataclass(frozen=True, slots=True)
class Written:
    """A resource on its way out; rest is what its entry said beside it when it came in."""

    resource: Item
    table: Table
    item_id: str
    full_url: str | None = None
    rest: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Taken:
    """One entry and what became of it: its table and item, or neither where no table knows it.

    called: what its keeper calls the item, where another one here is called so.
    """

    entry: Entry
    table: Table | None = None
    item_id: str = ""
    item: Item | None = None
    called: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the resources say: the record tree, what became of each of them, and warnings."""

    tree: Tree
    taken: list[Taken]
    warnings: list[Issue]


def table_of(resource: Item) -> Table | None:
    """The table that reads a resource; None where no table does."""
    for table in _BY_KIND.get(resource.get("resourceType", ""), ()):
        if table.match(resource):
            return table
    return None


def identifier_of(resource: Mapping[str, Any]) -> str | None:
    """The item id that a resource carries as an identifier, if it does."""
    identifiers = resource.get("identifier")
    if resource.get("resourceType") == "Provenance":  # R4 gives it none
        extensions = resource.get("extension")
        listed = extensions if isinstance(extensions, list) else ()
        identifiers = [
            one.get("valueIdentifier")
            for one in listed
            if isinstance(one, dict) and one.get("url") == EXTENSION + "item"
        ]
    for identifier in identifiers if isinstance(identifiers, list) else ():
        if isinstance(identifier, dict) and identifier.get("system") == ITEM_ID:
            value = identifier.get("value")
            if isinstance(value, str) and value:
                return value
    return None


def _item_id(entry: Entry, ctx: Addresses) -> str:
    """The id of the item a resource stands for: its own identifier, else its id or address, else minted."""
    carried = identifier_of(entry.resource)
    if carried is not None:
        return carried
    if "id" in entry.resource:
        return str(entry.resource["id"])
    if entry.full_url and entry.full_url.startswith("urn:uuid:"):
        try:
            return str(uuid.UUID(entry.full_url[9:]))
        except ValueError:
            pass
    return ctx.mint(entry.resource.get("resourceType", ""), entry.resource)


def _literal(kind: str, item_id: str, resource_id: str | None, full_url: str | None, primary: bool) -> str:
    """How a resource is referred to: by its urn where it has one, else relative to the server it is on."""
    if full_url and full_url.startswith("urn:"):
        return full_url
    if resource_id:
        return f"{kind}/{resource_id}"
    return full_url or own_url(kind, item_id, primary)


def read_entries(
    entries: Sequence[Entry],
    *,
    same_person: bool = False,
    person: str = "",
    own: str = "",
    spoken_for: Callable[[], Collection[Place]] = frozenset,
) -> Reading:
    """The record that the resources say.

    same_person: the caller knows that several Patients are one person; the first stands for all. person: who that is to
    whoever reads. own: the ODS code of these. spoken_for: where ids stand for items of theirs though nothing is there.
    Raises InvalidResource: two people, nobody at all, or values that fit no field, each with its place.
    """
    faults = [fault for entry in entries for fault in _unnamed(entry)]
    if faults:
        raise InvalidResource(issues=faults)
    ctx = Addresses(own)
    taken = _recognise(entries, ctx, person, spoken_for)
    tree: Tree = {"person": person_of(entries, ctx, same_person=same_person)}
    index: dict[tuple[str, str], Item] = {}
    for found in taken:
        if found.table is not None:
            _read_one(found, found.table, tree, index, ctx)
    ctx.settle()
    if ctx.faults:
        raise InvalidResource(issues=ctx.issues())
    return Reading(tree, taken, ctx.warnings)


def _unnamed(entry: Entry) -> Iterator[Issue]:
    """What is wrong with the names that a resource goes by."""
    for name, expected in (("resourceType", "resource type"), ("id", "id")):
        value = entry.resource.get(name)
        if (name == "resourceType" or name in entry.resource) and (not isinstance(value, str) or not value):
            yield issue("map-wrong-type", f"{entry.path}.{name}", expected=expected)


def _recognise(
    entries: Sequence[Entry], ctx: Addresses, person: str, spoken_for: Callable[[], Collection[Place]]
) -> list[Taken]:
    taken = [Taken(entry, table_of(entry.resource)) for entry in entries]
    patients = [found for found in taken if found.table is not None and found.table.kind == "Patient"]
    for another in patients[1:]:
        another.table = None
    for found in taken:
        if found.table is not None:
            found.item_id = _item_id(found.entry, ctx)
    if any(entry.keeper for entry in entries):
        each = [found for found in taken if found.table is not None and found.table.field != "person"]
        _tell_apart(each, person, spoken_for())
    seen: set[tuple[str, str]] = set()
    for found in taken:
        if found.table is not None:
            name = (found.table.name, found.item_id)
            if name in seen:  # two resources that say they are the same: the first stands, the other is kept whole
                found.table = None
            seen.add(name)
    complete = {(f.table.field, f.item_id) for f in taken if f.table is not None and f.table.primary}
    for found in taken:
        table = found.table
        if table is None:
            continue
        if (table.field, found.item_id) not in complete:  # a part of an item that is not here is no item
            found.table = None
            continue
        resource_id, full_url = found.entry.resource.get("id"), found.entry.full_url
        literal = _literal(table.kind, found.item_id, resource_id, full_url, table.primary)
        others = [name for name in (full_url, resource_id and f"{table.kind}/{resource_id}") if name]
        ctx.add(table.kind, found.item_id, literal, *others)
        if found.called is not None and table.primary and table.kind in _OF_ONE_LIST:
            ctx.show(found.entry.keeper, table.kind, found.called, found.item_id)
    return taken


def _tell_apart(taken: Sequence[Taken], person: str, spoken_for: Collection[Place]) -> None:
    """Call an item of another keeper by a name of its own.

    So it is wherever its id is no UUID, whether or not an item of ours is called so yet: whoever reads may call the
    next one so. Of a UUID it is where an item of ours, or of one before, has it. What means an item of an organisation
    by its form is the name of none.
    """
    keepers: dict[Place, dict[str, None]] = {place: {"": None} for place in spoken_for}
    for found in taken:
        if found.table is not None and found.table.primary:
            keepers.setdefault((found.table.field, found.item_id), {})[found.entry.keeper] = None
    for found in taken:
        field, keeper = found.table.field if found.table is not None else "", found.entry.keeper
        those = keepers.get((field, found.item_id), {})
        first = "" if "" in those else next(iter(those), "")
        counted = bool(keeper) and not is_uuid(found.item_id)
        if counted or (keeper in those and keeper != first) or of_whom(found.item_id)[0] is not None:
            found.called = found.item_id
            found.item_id = told_apart(person, keeper, field, found.called)
            while (field, found.item_id) in keepers:
                found.item_id = told_apart(person, keeper, field, found.item_id)


def told_apart(person: str, keeper: str, field: str, called: str) -> str:
    """The name by which an item of another keeper is told from one that is called the same in this list."""
    return str(uuid.uuid5(_APART, f"{person}/{keeper}/{field}/{called}"))


def _read_one(found: Taken, table: Table, tree: Tree, index: dict[tuple[str, str], Item], ctx: Addresses) -> None:
    resource, item_id = found.entry.resource, found.item_id
    if table.field == "person":
        item: Item = tree["person"]
    else:
        held = index.get((table.field, item_id))
        item = {} if held is None else held
        if held is None:
            index[table.field, item_id] = item
            tree.setdefault(table.field, []).append(item)
    found.item = item
    ctx.enter(f"{table.kind}/{found.called or item_id}")
    ctx.keeper = found.entry.keeper
    before = len(ctx.faults)
    rest = table.group.read(resource, item, ctx) or {}
    ctx.prefix(before, found.entry.path)
    rest.pop("id", None)
    item["id"] = item_id
    if resource.get("id") != item_id:
        rest["id"] = resource.get("id")
    if found.called is not None:
        rest[CALLED] = found.called
    if rest:
        item.setdefault("unknown", {})[table.name] = rest


def write_entries(tree: Tree, *, relative: bool = False) -> list[Written]:
    """The resources that say the record, in the tables' order.

    relative: they refer to one another as Type/id, as on one server; else by the addresses they came with,
    or as urn:uuid.
    """
    ctx = Addresses()
    plan = list(_plan(tree))
    person = tree["person"]
    urls: list[str | None] = []
    for table, item, rest, entry in plan:
        resource_id = rest.get("id", item["id"])
        full_url = None if relative else _full_url(table, item, entry)
        urls.append(full_url)
        literal = _literal(table.kind, item["id"], resource_id, full_url, table.primary)
        ctx.add(table.kind, item["id"], literal, *([full_url] if full_url else []))
        if table.kind == "Patient":
            ctx.person = literal
    ctx.person = person.get("reference") or ctx.person
    written = []
    for (table, item, rest, entry), full_url in zip(plan, urls, strict=True):
        resource_id, called, ctx.item = rest.pop("id", item["id"]), called_by_keeper(item), item["id"]
        rest.pop(CALLED, None)
        body: Any = table.group.write(item if called is None else {**item, "id": called}, rest or None, ctx)
        resource = {"resourceType": table.kind, **({"id": resource_id} if resource_id else {}), **body}
        written.append(Written(resource, table, item["id"], full_url, entry))
    return written


def _full_url(table: Table, item: Item, entry: Mapping[str, Any] | None) -> str | None:
    return entry.get("fullUrl") if entry is not None else own_url(table.kind, item["id"], table.primary)


def _plan(tree: Tree) -> Iterator[tuple[Table, Item, Item, Mapping[str, Any] | None]]:
    """Each resource to be written: its table, item, residue (to be used up) and how its entry came."""
    for table in TABLES:
        items = [tree["person"]] if table.field == "person" else tree.get(table.field) or ()
        for item in items:
            rest = dict((item.get("unknown") or {}).get(table.name) or {})
            entry = rest.pop("~entry", None)
            if not table.primary and not rest and not any(item.get(field) for field in table.needs):
                continue
            if table.field == "person" and _only_named(item):
                continue
            yield table, item, rest, entry


def _only_named(person: Item) -> bool:
    """Whether the person is known by a reference alone: then there is no Patient to write."""
    return "reference" in person and not any(value for key, value in person.items() if key not in ("id", "reference"))


def read_bundle(bundle: Item) -> tuple[Tree, list[Issue]]:
    """The record tree of a Bundle, with everything in it; and warnings.

    Raises as read_entries, and where there is a safety concern, which is no part of a record.
    """
    listed = bundle.get("entry", [])
    if not isinstance(listed, list):
        raise InvalidResource(issues=[issue("map-wrong-type", "Bundle.entry", expected="list")])
    strange = [issue("map-wrong-type", place, expected=expected) for place, expected in _unframed(listed)]
    if strange:
        raise InvalidResource(issues=strange)
    entries = [
        Entry(entry["resource"], f"Bundle.entry[{n}].resource", entry.get("fullUrl"))
        for n, entry in enumerate(listed)
        if isinstance(entry.get("resource"), dict)
    ]
    concerns = [issue("concern-not-a-record", entry.path) for entry in entries if holds_concern(entry.resource)]
    if concerns:
        raise InvalidResource(issues=concerns)
    reading = read_entries(entries)
    tree = reading.tree
    _keep_entries(tree, listed, reading.taken)
    outer = {key: value for key, value in bundle.items() if key not in ("resourceType", "entry")}
    if outer != {"type": "collection"}:
        tree.setdefault("unknown", {})["bundle"] = outer
    return tree, reading.warnings


def _unframed(listed: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """(place, what is expected there) of entries that are none."""
    for number, entry in enumerate(listed):
        if not isinstance(entry, dict):
            yield f"Bundle.entry[{number}]", "object"
        elif not isinstance(entry.get("fullUrl", ""), str):
            yield f"Bundle.entry[{number}].fullUrl", "URL"


def _keep_entries(tree: Tree, listed: Sequence[Any], taken: Sequence[Taken]) -> None:
    """Note what each entry says beside its resource, and the order they came in, where it is not ours."""
    came = iter(taken)
    layout: list[Any] = []
    for entry in listed:
        found = next(came) if isinstance(entry, dict) and isinstance(entry.get("resource"), dict) else None
        if found is None or found.table is None or found.item is None:
            layout.append(entry)
            continue
        table, item = found.table, found.item
        layout.append(table.name)
        outside = {key: value for key, value in entry.items() if key != "resource"}
        if outside != {"fullUrl": own_url(table.kind, item["id"], table.primary)}:
            item.setdefault("unknown", {}).setdefault(table.name, {})["~entry"] = outside
    places = [_PLACE[slot] for slot in layout if isinstance(slot, str)]
    if places != sorted(places) or len(places) != len(layout):
        tree.setdefault("unknown", {})["entry"] = layout


def write_bundle(tree: Tree) -> Item:
    """The Bundle that says the record tree: a collection, unless it came as something else."""
    unknown = tree.get("unknown") or {}
    queues: dict[str, list[Item]] = {}
    for written in write_entries(tree):
        outside = written.rest if written.rest is not None else {"fullUrl": written.full_url}
        entry = {key: value for key, value in outside.items() if key == "fullUrl"}
        entry["resource"] = written.resource
        entry.update({key: value for key, value in outside.items() if key != "fullUrl"})
        queues.setdefault(written.table.name, []).append(entry)
    entries: list[Any] = []
    for slot in unknown.get("entry") or ():
        if not isinstance(slot, str):
            entries.append(slot)
        elif queues.get(slot):
            entries.append(queues[slot].pop(0))
    entries.extend(entry for queue in queues.values() for entry in queue)
    outer = unknown.get("bundle", {"type": "collection"})
    return {"resourceType": "Bundle", **outer, **({"entry": entries} if entries else {})}
