"""What another organisation sees of a person: the record that is made of the resources which /fhir shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fhir_mh.consent import AccessContext, Decision
from fhir_mh.errors import ConsentDenied, NotFound
from fhir_mh.gateway.holding import Holding, Tree, about_sides, each_once
from fhir_mh.gateway.projection import Sight
from fhir_mh.gateway.standing import now_of, standing_in
from fhir_mh.gateway.together import Together
from fhir_mh.gateway.topics import living
from fhir_mh.issues import Issue, issue
from fhir_mh.profiles.bundle import TABLES
from fhir_mh.store import StoredResource, Tx

PUBLIC_KINDS = frozenset({"Organization", "HealthcareService"})
"""What other organisations may read though it is about no person: who provides what, as published in any directory."""
Sides = Mapping[str, list[StoredResource]]


@dataclass(frozen=True, slots=True)
class Seeing:
    """What is held of everybody who is one with a person, and what of it one caller sees.

    sight: None where that is nothing. has_part: whether the caller knows anyway that the person is known here.
    """

    sides: Sides
    decision: Decision
    sight: Sight | None
    has_part: bool

    def shown(self, stored: Iterable[StoredResource]) -> list[StoredResource]:
        """These resources as the caller sees them, without those that it does not see."""
        return [] if self.sight is None else [one for each in stored if (one := self.sight.of(each)) is not None]

    def expect_known(self, unknown: Issue) -> None:
        """Raises NotFound, as for what is not here, where a caller without a part sees nothing."""
        if self.sight is None and not self.has_part:
            raise NotFound(issues=[unknown])

    def expect_some(self, unknown: Issue) -> None:
        """Raises NotFound as above, and ConsentDenied where the caller sees nothing and has a part."""
        self.expect_known(unknown)
        if self.sight is None:
            told = issue("consent-denied", unknown.path, sentence=self.decision.sentence)
            raise ConsentDenied(self.decision.sentence, issues=[told])


def seeing(tx: Tx, context: AccessContext, person: str, own: str) -> Seeing:
    """What another organisation sees of a person; own: whose gateway this is."""
    sides = about_sides(tx, person)
    stands = standing_in(tx, sides, own)
    decision = stands.decide(context, now_of(tx))
    sight = None if decision.nothing else Sight(each_once(sides), decision)
    return Seeing(sides, decision, sight, stands.has_part(context.organisation))


class Onlooker:
    """What another organisation sees of resources of anybody, as of one transaction. own: whose gateway this is."""

    def __init__(self, tx: Tx, context: AccessContext, own: str) -> None:
        self.tx, self.context, self.own = tx, context, own
        self._seen: dict[str, Seeing] = {}

    @property
    def people(self) -> int:
        """Of how many people it was decided by now."""
        return len(self._seen)

    def of_person(self, person: str) -> Seeing:
        """What is seen of a person."""
        if person not in self._seen:
            self._seen[person] = seeing(self.tx, self.context, person, self.own)
        return self._seen[person]

    def shown(self, stored: StoredResource) -> StoredResource | None:
        """The resource as it is seen; None where it is not.

        What is about a person, as the person's decisions have it. What is about nobody in particular only where it
        says who provides what: a professional, a place or anything else may tell of somebody's care. A deletion where
        the last version before it is seen.
        """
        if stored.person is None:
            return stored if stored.type in PUBLIC_KINDS else None
        seen = self.of_person(stored.person)
        if not stored.deleted:
            return next(iter(seen.shown([stored])), None)
        last = None if seen.sight is None else living(self.tx, stored.type, stored.id, stored.version - 1)
        return stored if last is not None and seen.shown([last]) else None

    def shown_of(self, found: Iterable[StoredResource]) -> list[StoredResource]:
        """These as they are seen, without those that are not."""
        return [one for each in found if (one := self.shown(each)) is not None]


def visible(tx: Tx, context: AccessContext, held: Together, own: str, unknown: Issue) -> tuple[Together, Tree]:
    """What of a person another organisation may see, and the record that it makes; own: whose gateway this is.

    Nothing of our own changes that wait. unknown: what is said of somebody who is not known here. Raises NotFound or
    ConsentDenied where nothing is seen.
    """
    found = seeing(tx, context, held.kept.person, own)
    found.expect_some(unknown)
    seen = held.holding_only({side.person: _shown_of(side.holding, found) for side in held.sides})
    if not any(side.holding.bodies for side in seen.sides):
        raise ConsentDenied(issues=[issue("consent-not-shared", unknown.path)])
    sections = {table.field: table.section for table in TABLES if table.primary}
    tree = seen.acknowledged.items()
    return seen, {name: value for name, value in tree if sections.get(name) in found.decision.permitted}


def _shown_of(held: Holding, found: Seeing) -> Holding:
    """What is shown of one side: nothing of somebody whose Patient is not."""
    holding, stored = Holding(held.person, held.own, retracted=held.retracted), found.sides[held.person]
    for one in found.shown(stored):
        holding.add(one)
    if holding.patients() or not any(one.type == "Patient" for one in stored):
        return holding
    return Holding(held.person, held.own)
