"""Whom a placement, stay, episode or sharing rule is about, whatever an organisation makes of what it keeps itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_mh.fhir.parts import changed
from fhir_mh.fhir.urls import ODS_CODE
from fhir_mh.gateway.holding import Holding, Key, Tree
from fhir_mh.placements.courses import ods_codes, ods_named
from fhir_mh.store import StoredResource, Tx

_REFS = {
    "placements": ("provider", "requested_by", "placing_commissioner", "host_commissioner"),
    "stays": ("provider",),
    "episodes": ("organisation",),
}
_DECISIONS = {"sharing": ("party",)}
"""What the person has decided is named as it is first stored, and not written to."""


def named(tx: Tx, holding: Holding, tree: Tree) -> Tree:
    """A person's record with the ODS code in what we keep where it refers to an organisation that another keeps.

    Of what is stored without it, it is the code that stood when it was stored; of a new reference that which stands
    now. The same record where nothing is to be added.
    """
    return _Naming(tx, holding, tree, written=True).named() if _has_anothers(holding) else tree


def named_to_decide(tx: Tx, holding: Holding) -> Tree:
    """The same of what is held of a person, with every sharing rule."""
    tree = holding.tree
    return _Naming(tx, holding, tree).named() if _has_anothers(holding) else tree


def pinned(tx: Tx, own: str, key: Key, body: dict[str, Any]) -> dict[str, Any]:
    """What is said in a resource of ours, to be stored under another id: with the code that each organisation of others
    that it refers to had when it was stored.
    """

    def told(value: dict[str, Any]) -> dict[str, Any]:
        kind, _, name = str(value.get("reference")).partition("/")
        stored = tx.get(kind, name) if kind == "Organization" and "identifier" not in value else None
        if stored is not None and stored.custodian != own and (code := _code_at(tx, (kind, name), key)):
            return {**value, "identifier": {"system": ODS_CODE, "value": code}}
        return value

    said: dict[str, Any] = changed(body, told)
    return said


def _has_anothers(holding: Holding) -> bool:
    return any(keeper != holding.own for (field, _), keeper in holding.keepers.items() if field == "organisations")


class _Naming:
    """Names organisations in one record. written: it is to be stored, and not only to decide by."""

    def __init__(self, tx: Tx, holding: Holding, tree: Tree, *, written: bool = False) -> None:
        self.tx, self.holding, self.tree, self.written = tx, holding, tree, written
        self.keys, self.now = holding.primaries, ods_codes(tree)

    def named(self) -> Tree:
        anew = dict(self.tree)
        for field, names in {**_REFS, **_DECISIONS}.items():
            stored = _by_id(self.holding.tree, field)
            items = self.tree.get(field) or ()
            told = [self._of_item(field, item, stored.get(item["id"]), names) for item in items]
            if told != list(items):
                anew[field] = told
        return anew if anew != self.tree else self.tree

    def _of_item(self, field: str, item: Tree, stored: Tree | None, names: tuple[str, ...]) -> Tree:
        if self.holding.keepers.get((field, item["id"]), self.holding.own) != self.holding.own:
            return item
        was = {ref["id"]: ods_named(ref, {}) for ref in _refs(stored, names)}

        def code(ref: Mapping[str, Any]) -> str:
            name = ref["id"]
            if name not in was:
                return self.now.get(name, "")
            if was[name] or (self.written and field in _DECISIONS):
                return was[name]
            return _code_at(self.tx, self.keys["organisations", name], self.keys[field, item["id"]])

        def told(value: Tree) -> Tree:
            said = {name: code(value[name]) for name in names if self._is_anothers(value.get(name))}
            coded = {
                name: {**value[name], "identifier": {"system": ODS_CODE, "value": one}}
                for name, one in said.items()
                if one
            }
            return {**value, **coded} if coded else value

        named: Tree = changed(item, told)
        return named

    def _is_anothers(self, ref: Any) -> bool:
        """Whether this refers to an organisation that another keeps, and does not say its code."""
        keeper = self.holding.keepers.get(("organisations", ref.get("id", ""))) if isinstance(ref, dict) else None
        return keeper not in (None, self.holding.own) and not ods_named(ref, {})


def _refs(value: Any, names: tuple[str, ...]) -> Iterator[Tree]:
    """Every reference of one of these names, at any depth, that has an id."""
    for inner in value if isinstance(value, list) else ():
        yield from _refs(inner, names)
    for name, inner in value.items() if isinstance(value, dict) else ():
        if name in names and isinstance(inner, dict) and "id" in inner:
            yield inner
        yield from _refs(inner, names)


def _by_id(tree: Tree, field: str) -> dict[str, Tree]:
    return {item["id"]: item for item in tree.get(field) or ()}


def _code_at(tx: Tx, organisation: Key, referring: Key) -> str:
    """The ODS code that an organisation had when a resource was first stored with the reference to it."""
    reference, since = "/".join(organisation).encode(), tx.now
    for stored in versions(tx, referring):
        if reference not in stored.text:
            break
        since = stored.updated
    each = list(versions(tx, organisation))
    known = next((one for one in each if one.updated <= since), each[-1] if each else None)
    return "" if known is None or known.deleted else _code_in(known.body())


def versions(tx: Tx, key: Key) -> Iterator[StoredResource]:
    """Every version of a resource, a deletion included, the newest first."""
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
