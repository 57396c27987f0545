"""One run of a format: what reading or writing one file knows beyond the place it stands at."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mh.fhir.urls import ODS_CODE
from fhir_mh.mapping.codecs import Unfit
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.formats.paths import RECORD, Tree, path_of, value_at
from fhir_mh.records.called import is_uuid

PEOPLE = ("contacts", "person")  # whose name is the text of the first of their names
_LOCAL = uuid.UUID("5c1c7a3e-9a64-5b51-8a35-3f0d4f6a9d11")


@dataclass(frozen=True)
class Naming:
    """What all runs of one format share."""

    format: str
    encoding: str = "utf-8"
    clear: Any = None


@dataclass
class _Pointer:
    """A reference that is settled once everything is read."""

    ref: Tree
    lists: tuple[str, ...]
    by: str
    value: str
    fault: Unfit


class Run(Context):
    """Reading or writing one file. known: the record held, whose items ids and names may mean."""

    mints = False

    def __init__(self, naming: Naming, *, tree: Tree | None = None, known: Tree | None = None,
                 scope: tuple[str, ...] | None = None,
                 ids: Mapping[int, list[str | None]] | None = None) -> None:  # fmt: skip
        super().__init__()
        self.naming, self.tree, self.known = naming, tree or {}, known or {}
        self.local_scope = scope
        self.written: dict[int, list[str | None]] = {}
        self._ids = {key: list(found) for key, found in (ids or {}).items()}
        self._pointers: list[_Pointer] = []
        self._known_ids = set(_ids_of(self.known)) if known else set()

    # --- ids

    def our_id(self, kind: str, theirs: str) -> str | None:
        """The item id that a file's own number for an item stands for; None where that cannot be told.

        An id of ours is itself; a local number becomes one that no other system or list can have.
        """
        if theirs in self._known_ids or is_uuid(theirs):
            return theirs
        if self.local_scope is None:
            return None
        return str(uuid.uuid5(_LOCAL, "\x1f".join((self.naming.format, *self.local_scope, kind, theirs))))

    def note_written(self, node: object, item_id: str | None) -> None:
        """Remember which item an entry was written for, so that reading the same file back knows it again."""
        self.written.setdefault(id(node), []).append(item_id)

    def mark(self) -> dict[int, int]:
        """How far writing has come."""
        return {key: len(found) for key, found in self.written.items()}

    def forget_since(self, mark: dict[int, int]) -> None:
        """Forget the entries written since: they were left out after all."""
        for key, found in self.written.items():
            del found[mark.get(key, 0) :]

    def known_id(self, node: object) -> str | None:
        """The id of the item that the next entry of this node was written for."""
        queue = self._ids.get(id(node))
        return queue.pop(0) if queue else None

    # --- references

    def point(self, ref: Tree, lists: tuple[str, ...], by: str, value: str) -> None:
        """Settle later whom a value means; until then it counts as a fault of this place."""
        fault = Unfit(f"{by} of an entry of {' or '.join(lists)}", "map-unknown-reference")
        self.fault(fault)
        self._pointers.append(_Pointer(ref, lists, by, value, fault))

    def unsettled(self) -> list[Unfit]:
        """The faults that are only references still to be settled."""
        return [pointer.fault for pointer in self._pointers]

    def settle_pointers(self, tree: Tree, mint: Callable[[], str] | None) -> None:
        """Put the ids of the items meant into the references."""
        for pointer in self._pointers:
            if self._settle(pointer, tree, mint):
                self.faults = [fault for fault in self.faults if fault is not pointer.fault]
        self._pointers.clear()

    def _settle(self, pointer: _Pointer, tree: Tree, mint: Callable[[], str] | None) -> bool:
        for name in pointer.lists:
            wanted = self.our_id(name, pointer.value) if pointer.by == "id" else pointer.value
            for source in (tree, self.known):
                found = [item for item in entries_of(source, name) if self._key(item, name, pointer.by) == wanted]
                if wanted is None or len(found) != 1:
                    continue
                if "id" not in found[0]:
                    known = [i for i in entries_of(self.known, name) if self._key(i, name, pointer.by) == wanted]
                    if len(known) == 1:
                        found = known
                    elif mint is not None:
                        found[0]["id"] = mint()
                if "id" in found[0]:
                    pointer.ref["id"] = found[0]["id"]
                    return True
        if pointer.by == "ods":
            pointer.ref["identifier"] = {"system": ODS_CODE, "value": pointer.value}
            return True
        if pointer.by == "id":
            if is_uuid(pointer.value):
                pointer.ref["id"] = pointer.value
            return is_uuid(pointer.value)
        pointer.ref["display"] = pointer.value
        return True

    def _key(self, item: Tree, name: str, by: str) -> Any:
        if by == "id":
            return item.get("id")
        kind = path_of(RECORD, name)[0].kind
        if by == "name" and name in PEOPLE:
            by = "names[first].text"
        return value_at(item, path_of(kind.model, by)) if kind.model is not None else None

    def token(self, ref: Tree, lists: tuple[str, ...], by: str) -> str | None:
        """What the format says for a reference; None where it cannot say whom it means."""
        target = ref.get("id")
        if target is None:
            identifier = ref.get("identifier") or {}
            if by == "ods":
                return identifier.get("value") if identifier.get("system") == ODS_CODE else None
            return None if by == "id" or set(ref) != {"display"} else ref["display"]
        for name in lists:
            entries = entries_of(self.tree, name)
            for item in entries:
                if item.get("id") == target:
                    if by == "id":
                        return self.their_id(item)
                    key = self._key(item, name, by)
                    return key if sum(self._key(other, name, by) == key for other in entries) == 1 else None
        return target if by == "id" and is_uuid(target) else None

    def their_id(self, item: Tree) -> str | None:
        """The format's own number for an item; our id where it has none."""
        return (item.get("numbers") or {}).get(self.naming.format) or item.get("id")

    def points_at(self, part: Tree) -> bool:
        """Whether this part is a reference that is still to be settled."""
        return any(pointer.ref is part for pointer in self._pointers)


def entries_of(tree: Tree, name: str) -> list[Tree]:
    """The items of one of the record's lists; the person is a list of one."""
    found = tree.get(name) or []
    return [found] if isinstance(found, dict) else found


def _ids_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["id"]] if isinstance(value.get("id"), str) else []
        return own + [found for key, inner in value.items() if key != "unknown" for found in _ids_of(inner)]
    return [found for inner in value for found in _ids_of(inner)] if isinstance(value, list) else []
