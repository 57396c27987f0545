"""One step under way: the record it works on, who records it, and the refusals that steps have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_mh.errors import Conflict, ConsentDenied, InvalidResource
from fhir_mh.issues import issue
from fhir_mh.placements.courses import Course, Tree, is_to_come, later
from fhir_mh.placements.terms import Mint
from fhir_mh.placements.whose import Beside, Whose

PLACER = "the home team that places"
PROVIDER = "the provider where the person is"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a step came to. id: the placement it is about; after a transfer, the new one. repeated: nothing changed."""

    tree: Tree
    id: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """tree: a copy of the record, to be changed in place. own: ODS code. keepers: (list, item id) -> ODS code.

    now: an instant, UTC. mint: gives ids to new items. beside: as Whose has it.
    """

    tree: Tree
    own: str
    keepers: Mapping[tuple[str, str], str]
    now: str
    mint: Mint
    beside: Sequence[Beside] = ()

    def places(self, course: Course) -> bool:
        """Whether the placement is this organisation's, or would be: it keeps it, or the plan of who is claimed."""
        if course.placement is not None:
            return self._whose.keeps("placements", course.placement)
        return not self.provides(course) and self._whose.leads(self.tree)

    def keeps(self, field: str, item: Mapping[str, Any] | None) -> bool:
        """Whether an item of a list is this organisation's, or would be."""
        return self._whose.keeps(field, item)

    def keeper(self, field: str, item: Mapping[str, Any]) -> str:
        """Who keeps an item, or would keep it: ODS code."""
        return self._whose.keeper(field, item)

    def provides(self, course: Course) -> bool:
        """Whether the person is with this organisation, or is to come to it."""
        return self.keeps("stays", course.stay) or course.provider == self.own

    @property
    def _whose(self) -> Whose:
        return Whose(self.own, self.keepers, self.beside)

    def done(self, name: str) -> Taken:
        """The record as the step has made it."""
        return Taken(self.tree, name)

    def again(self, name: str, *, same: bool, step: str) -> Taken:
        """A step that was recorded before: nothing happens. Raises Conflict where its facts are not the same."""
        if not same:
            raise Conflict(issues=[issue("placement-told-otherwise", "$", step=step)])
        return Taken(self.tree, name, repeated=True)


def not_yours(step: str, who: str) -> ConsentDenied:
    """The refusal of a step that somebody else records."""
    return ConsentDenied(issues=[issue("placement-not-yours", "$", step=step, who=who)])


def missing(part: str) -> Conflict:
    """The refusal of facts about a placement or a stay that is not there."""
    return Conflict(issues=[issue("placement-part-missing", "$", part=part)])


def unfit(path: str, problem: str) -> InvalidResource:
    """The refusal of a fact that cannot be so, as the record stands."""
    return InvalidResource(issues=[issue("map-invalid-record", path, problem=problem, described="docs/placements.md")])


def is_before(told: str | None, since: str | None) -> bool:
    """Whether a moment lies before another, for certain, and by more than clocks and days in England may differ by."""
    if told is None or since is None:
        return False
    return is_to_come(since, told) if "T" in told else bool(later(since, told))
