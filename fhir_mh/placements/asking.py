"""The Tasks in which people are asked: each under an id of its own, once; taken back, and asked again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field

from fhir_mh.placements.courses import Tree
from fhir_mh.placements.whose import Whose

_NAMESPACE = uuid.UUID("5d0c7a3e-6a9f-5c55-8a61-0f4d6f0b7e13")


def name_of(*parts: str) -> str:
    """The id of a Task, of what it is about: the same whenever it is made."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def held_as(name: str, known: Container[str], is_taken: Callable[[str], bool]) -> str:
    """The id under which the Task of this id is in a record, or may come to be: the next is made of the last.

    known: the ids of the Tasks in the record. is_taken: whether one that is not there may not have this id.
    """
    while name not in known and is_taken(name):
        name = name_of(name)
    return name


def task(kind: str, name: str, now: str, about: Tree, words: str) -> Tree:
    """A Task that asks for something. about: a reference."""
    made = {"id": name_of(name), "kind": kind, "status": "requested", "about": about, "description": words}
    return {**made, "raised_at": now}


def never_taken(_name: str) -> bool:
    """Of a record that stands alone: any id may be used."""
    return False


@dataclass(slots=True)
class Asking:
    """tree: a record, whose Tasks are changed in place. owner: who is asked.

    is_taken: whether a Task that is not in the record may not have this id, as it is under a seal or somebody else's.
    """

    tree: Tree
    whose: Whose
    owner: Tree | None
    is_taken: Callable[[str], bool]
    _known: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._known = {one["id"] for one in self.tree.get("tasks") or ()}

    def held_as(self, name: str) -> str:
        """The id under which the Task of this id is in the record, or may come to be."""
        return held_as(name, self._known, self.is_taken)

    def is_asked(self, name: str) -> bool:
        """Whether the Task of this id is in the record."""
        return self.held_as(name) in self._known

    def ask(self, asked: Iterable[Tree]) -> None:
        """Add the Tasks that are not there yet."""
        for one in asked:
            name = self.held_as(one["id"])
            if name not in self._known:
                owned = {"owner": self.owner} if self.owner else {}
                self.tree.setdefault("tasks", []).append({**one, "id": name, **owned})
                self._known.add(name)

    def look(self, asked: Iterable[Tree]) -> None:
        """Ask what is to be looked at; take back what is no longer so, and ask again where it is so once more."""
        due = {self.held_as(one["id"]): one for one in asked}
        for one in self.tree.get("tasks") or ():
            if one.get("kind") != "placement" or "about" not in one or not self.whose.keeps("tasks", one):
                continue
            status = one.get("status", "requested")
            if one["id"] not in due and status == "requested":
                one["status"] = "cancelled"
            elif one["id"] in due and status == "cancelled":
                one["status"] = "requested"
        self.ask(due.values())
