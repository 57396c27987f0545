"""What a custodian mints on what it keeps: who keeps it, and of a plan its version and hash, however it was changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from fhir_mh.fhir.urls import EXTENSION, ODS_CODE
from fhir_mh.gateway.holding import Holding, Key, Tree, content, hold, key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.profiles.bundle import TABLES, Written, table_of
from fhir_mh.profiles.subjects import subjects_in
from fhir_mh.profiles.table import Table
from fhir_mh.records.called import called_in
from fhir_mh.records.content_hash import PLANS, content_hash
from fhir_mh.records.trees import record_of, tree_of
from fhir_mh.store import StoredResource, Tx

Body = dict[str, Any]
CUSTODIAN, VERSION, HASH = (EXTENSION + name for name in ("custodian", "plan-version", "content-hash"))
_STAMPS = (CUSTODIAN, VERSION, HASH)
_NONE_YET = "0" * 64
_PART_KINDS = frozenset(table.kind for table in TABLES if table.field in PLANS and not table.primary)


def new_edition(tx: Tx, home: Organisation, person: str) -> int:
    """The edition that this transaction makes of what is kept here about a person."""
    tx.touch(person, home.ods)
    return tx.edition(person, home.ods)


# --- on a record


def stamp(tx: Tx, home: Organisation, holding: Holding, tree: Tree, ours: Sequence[Written]) -> bool:
    """Say on each item of ours that changed who keeps it, and on a plan which version it is now and its hash."""
    changed = {(written.table.field, written.item_id) for written in ours}
    edition, called, stamped = new_edition(tx, home, holding.person), called_in(tree), False
    for table in _stamped_tables():
        for item in tree.get(table.field) or ():
            if (table.field, item["id"]) not in changed:
                continue
            item["custodian"] = home.ods
            if table.field in PLANS:
                item["version"] = edition
                item["content_hash"] = content_hash(item, called)
            stamped = True
    return stamped


@cache
def _stamped_tables() -> list[Table]:
    """The tables whose items say who keeps them."""
    primary = [table for table in TABLES if table.primary and table.field != "person"]
    return [table for table in primary if any(name == "custodian" for name, _ in table.group.rows())]


# --- on a resource


def is_plan(body: Mapping[str, Any]) -> bool:
    """Whether a resource is a plan of a record."""
    table = table_of(dict(body))
    return table is not None and table.primary and table.field in PLANS


def stamped(
    tx: Tx, home: Organisation, person: str | None, body: Body, known: StoredResource | None, beside: Iterable[Body]
) -> Body:
    """A plan of ours as it is stored where a system sends it by itself; anything else as it is.

    What it says in those elements counts for nothing. One that says what the known one does, itself and in its parts,
    keeps that one's: so whatever else the same transaction brings is stored before. beside: the plans that it brings.
    """
    if person is None or not is_plan(body):
        return body
    others = [content(one) for one in beside if _is_about(tx, person, one)]
    holding = hold(tx, person, home.ods).with_bodies(others)
    was = None if known is None or known.deleted else content(known.body())
    if was is not None and _unstamped(content(body)) == _unstamped(was):
        kept = _with(body, {one["url"]: one for one in was.get("extension") or () if _is_stamp(one)})
        if key_of(body) not in _stale(holding.with_bodies([content(kept)])):
            return kept
    return _minted(tx, home, holding, body)


def _is_about(tx: Tx, person: str, body: Body) -> bool:
    return any(
        tx.person_of(*reference.split("/", 1)) == person for _, reference in subjects_in(body) if "/" in reference
    )


def stamp_rest(tx: Tx, home: Organisation, person: str, changed: Iterable[Key]) -> None:
    """Store as a new version each plan of ours that says something else now that other resources have changed.

    One whose parts say what they did stays the version that was agreed to.
    """
    if _PART_KINDS.isdisjoint(kind for kind, _ in changed):
        return
    holding = hold(tx, person, home.ods)
    for plan in sorted(_stale(holding)):
        if holding.custodians[plan] == home.ods:
            tx.put(_minted(tx, home, holding, holding.bodies[plan]), person=person, custodian=home.ods)


def _stale(holding: Holding) -> set[Key]:
    """The plans that say something else than the hash that they bear, in which their parts count."""
    return {plan for plan, made in _hashes(holding).items() if _hash_in(holding.bodies[plan]) != made}


def _hash_in(plan: Body) -> Any:
    listed = plan.get("extension") or ()
    return next((one.get("valueString") for one in listed if isinstance(one, dict) and one.get("url") == HASH), None)


def _minted(tx: Tx, home: Organisation, holding: Holding, body: Body) -> Body:
    keeper = {"url": CUSTODIAN, "valueIdentifier": {"system": ODS_CODE, "value": home.ods}}
    version = {"url": VERSION, "valuePositiveInt": new_edition(tx, home, holding.person)}
    made = _with(body, {CUSTODIAN: keeper, VERSION: version, HASH: {"url": HASH, "valueString": _NONE_YET}})
    (made,) = hashed(holding, [made])
    return made


def hashed(holding: Holding, bodies: Sequence[Body]) -> list[Body]:
    """Resources of a person that are to be stored, each plan with the hash of what it says then."""
    said = _hashes(holding.with_bodies([content(body) for body in bodies]))
    return [restated(body, HASH, "valueString", said.get(key_of(body))) for body in bodies]


def _hashes(holding: Holding) -> dict[Key, str]:
    """The hash of what each plan says that is held."""
    tree = tree_of(record_of(holding.tree))
    called = called_in(tree)
    plans = {(name, plan["id"]): content_hash(plan, called) for name in PLANS for plan in tree.get(name) or ()}
    return {holding.primaries[place]: made for place, made in plans.items()}


def restated(body: Body, url: str, form: str, value: Any) -> Body:
    """A resource with the value of an extension that it has; as it is where it has none, or there is no value."""
    listed = body.get("extension")
    if value is None or not isinstance(listed, list) or not any(one.get("url") == url for one in listed):
        return body
    return {**body, "extension": [{**one, form: value} if one.get("url") == url else one for one in listed]}


def _with(body: Body, stamps: Mapping[str, Body]) -> Body:
    """The resource with these stamps and no others, each where its own stands, else behind the rest."""
    waiting, listed = dict(stamps), []
    for one in body.get("extension") or ():
        if not _is_stamp(one):
            listed.append(one)
        elif one["url"] in waiting:
            listed.append(waiting.pop(one["url"]))
    listed += waiting.values()
    rest = {name: value for name, value in body.items() if name != "extension" or listed}
    return {**rest, "extension": listed} if listed else rest


def _unstamped(body: Body) -> Body:
    return _with(body, {})


def _is_stamp(extension: Any) -> bool:
    return isinstance(extension, dict) and extension.get("url") in _STAMPS
