"""Who keeps what of a record, and whose plan it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Keepers = Mapping[tuple[str, str], str]


class Beside(NamedTuple):
    """What is held of another who is one with the person, each entry by a name that is none of the person's own.

    keepers: as Whose has it. before: the same before the change. later: whether it is asked about the two by the
    person's record, and not by this one. dead: whether it is held there that they have died.
    """

    tree: Mapping[str, Any]
    keepers: Keepers
    before: Mapping[str, Any]
    later: bool
    dead: bool


@dataclass(frozen=True, slots=True)
class Whose:
    """own: the ODS code of the organisation whose gateway this is. keepers: (list, item id) -> ODS code.

    beside: of a person who is one with others, what is held of each of those.
    """

    own: str
    keepers: Keepers
    beside: Sequence[Beside] = ()

    def keeps(self, field: str, item: Mapping[str, Any] | None) -> bool:
        """Whether an item is this organisation's, or would be."""
        return item is not None and self.keeper(field, item) == self.own

    def keeper(self, field: str, item: Mapping[str, Any]) -> str:
        """Who keeps an item, whatever it says of that itself: who would keep it, of one that is new."""
        each = (self.keepers, *(one.keepers for one in self.beside))
        return next((found[field, item["id"]] for found in each if (field, item["id"]) in found), self.own)

    def leads(self, tree: Mapping[str, Any]) -> bool:
        """Whether the plan is this organisation's; or nobody's, and the person is in its care.

        Of those who are one, a plan of any is a plan of all.
        """
        each = [(tree, self.keepers), *((one.tree, one.keepers) for one in self.beside)]
        keepers = [
            keepers.get((field, plan["id"]), self.own)
            for held, keepers in each
            for field in ("care_plans", "crisis_plans")
            for plan in held.get(field) or ()
        ]
        return self.own in keepers if keepers else any(self._has_in_care(held) for held, _ in each)

    def _has_in_care(self, tree: Mapping[str, Any]) -> bool:
        ours = {item["id"] for item in tree.get("organisations") or () if item.get("ods") == self.own}
        return any(
            episode.get("status", "active") == "active" and (episode.get("organisation") or {}).get("id") in ours
            for episode in tree.get("episodes") or ()
        )


def is_dead(tree: Mapping[str, Any]) -> bool:
    """Whether a record says that the person has died."""
    person = tree.get("person") or {}
    return bool(person.get("deceased") or person.get("deceased_at"))
