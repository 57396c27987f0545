"""Which organisation a placement, stay or episode is with, whatever another organisation makes of one that it keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_mh.fhir.urls import ODS_CODE
from fhir_mh.gateway.holding import Holding, Key, Tree, key_of
from fhir_mh.placements.courses import ods_codes, ods_named
from fhir_mh.store import StoredResource, Tx

_REFS = {
    "placements": ("provider", "requested_by", "placing_commissioner", "host_commissioner"),
    "stays": ("provider",),
    "episodes": ("organisation",),
}


def named(tx: Tx, holding: Holding, tree: Tree) -> Tree:
    """A person's record with the ODS code in what we keep where it refers to an organisation that another keeps.

    Of what is stored without it, it is the code that stood when it was stored; of a new reference that which stands
    now. The same record where nothing is to be added.
    """
    if not any(keeper != holding.own for (field, _), keeper in holding.keepers.items() if field == "organisations"):
        return tree
    stored, changed = {field: _by_id(holding.tree, field) for field in _REFS}, dict(tree)
    keys, now = _keys(holding), ods_codes(tree)
    for field, names in _REFS.items():
        for number, item in enumerate(tree.get(field) or ()):
            was = stored[field].get(item["id"]) or {}
            for name in names:
                ref = item.get(name) or {}
                if not _is_anothers(holding, field, item["id"], ref):
                    continue
                same = (was.get(name) or {}).get("id") == ref["id"]
                code = ods_named(was.get(name), {}) if same else now.get(ref["id"], "")
                if same and not code:
                    code = _code_at(tx, keys["organisations", ref["id"]], keys[field, item["id"]])
                if code:
                    changed[field] = [*changed[field]]
                    told = {**ref, "identifier": {"system": ODS_CODE, "value": code}}
                    changed[field][number] = {**changed[field][number], name: told}
    return changed if changed != tree else tree


def _is_anothers(holding: Holding, field: str, item: str, ref: Mapping[str, Any]) -> bool:
    """Whether what we keep refers to an organisation that another keeps, and does not say its code."""
    ours = holding.keepers.get((field, item), holding.own) == holding.own
    keeper = holding.keepers.get(("organisations", ref.get("id", "")), holding.own)
    return ours and keeper != holding.own and not ods_named(ref, {})


def _by_id(tree: Tree, field: str) -> dict[str, Tree]:
    return {item["id"]: item for item in tree.get(field) or ()}


def _keys(holding: Holding) -> dict[tuple[str, str], Key]:
    """(record list, item id) -> the item's primary resource."""
    return {
        (found.table.field, found.item_id): key_of(found.entry.resource)
        for found in holding.reading.taken
        if found.table is not None and found.table.primary
    }


def _code_at(tx: Tx, organisation: Key, referring: Key) -> str:
    """The ODS code that an organisation had when a resource that refers to it was stored."""
    stored = tx.get(*referring)
    versions = list(_versions(tx, organisation))
    since = tx.now if stored is None else stored.updated
    known = next((one for one in versions if one.updated <= since), versions[-1] if versions else None)
    return "" if known is None or known.deleted else _code_in(known.body())


def _versions(tx: Tx, key: Key) -> Iterator[StoredResource]:
    """Every version of a resource, the newest first."""
    before: int | None = None
    while True:
        page = tx.history(*key, before=before)
        yield from page.entries
        if page.next is None:
            return
        before = int(page.next)


def _code_in(organisation: Mapping[str, Any]) -> str:
    told = [one for one in organisation.get("identifier") or () if one.get("system") == ODS_CODE]
    return str(told[0].get("value", "")) if told else ""
