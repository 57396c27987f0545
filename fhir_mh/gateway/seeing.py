"""What another organisation sees of a person: the record that is made of the resources which /fhir shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fhir_mh.consent import AccessContext, Decision
from fhir_mh.errors import ConsentDenied
from fhir_mh.gateway.holding import Holding, Tree, about_sides, each_once
from fhir_mh.gateway.projection import Sight
from fhir_mh.gateway.standing import now_of, standing_in
from fhir_mh.gateway.together import Together
from fhir_mh.issues import issue
from fhir_mh.profiles.bundle import TABLES
from fhir_mh.store import StoredResource, Tx

Sides = Mapping[str, list[StoredResource]]


@dataclass(frozen=True, slots=True)
class Seeing:
    """What is held of everybody who is one with a person, and what of it one caller sees."""

    sides: Sides
    decision: Decision
    sight: Sight

    def shown(self, stored: Iterable[StoredResource]) -> list[StoredResource]:
        """These resources as the caller sees them, without those that it does not see."""
        return [one for each in stored if (one := self.sight.of(each)) is not None]


def seeing(tx: Tx, context: AccessContext, person: str, own: str, path: str) -> Seeing:
    """What another organisation sees of a person; own: whose gateway this is.

    Raises ConsentDenied where that is nothing.
    """
    sides = about_sides(tx, person)
    decision = standing_in(tx, sides, own).decide(context, now_of(tx))
    if decision.nothing:
        raise ConsentDenied(decision.sentence, issues=[issue("consent-denied", path, sentence=decision.sentence)])
    return Seeing(sides, decision, Sight(each_once(sides), decision))


def visible(tx: Tx, context: AccessContext, held: Together, own: str) -> tuple[Together, Tree]:
    """What of a person another organisation may see, and the record that it makes; own: whose gateway this is.

    Nothing of our own changes that wait. Raises ConsentDenied where that is nothing.
    """
    found = seeing(tx, context, held.kept.person, own, "$")
    seen = held.holding_only({side: _shown_of(side, own, found) for side in found.sides})
    if not any(side.holding.bodies for side in seen.sides):
        raise ConsentDenied(issues=[issue("consent-not-shared", "$")])
    sections = {table.field: table.section for table in TABLES if table.primary}
    tree = seen.acknowledged.items()
    return seen, {name: value for name, value in tree if sections.get(name) in found.decision.permitted}


def _shown_of(person: str, own: str, found: Seeing) -> Holding:
    """What is shown of one side: nothing of somebody whose Patient is not."""
    holding, stored = Holding(person, own), found.sides[person]
    for one in found.shown(stored):
        holding.add(one)
    if holding.patients() or not any(one.type == "Patient" for one in stored):
        return holding
    return Holding(person, own)
