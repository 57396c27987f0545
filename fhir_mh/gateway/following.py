"""What a change of placements brings with it, in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

from fhir_mh.clock import instant
from fhir_mh.consent import shipped_policies
from fhir_mh.errors import Conflict
from fhir_mh.gateway.conflict_tasks import lead_of
from fhir_mh.gateway.holding import Holding, Key, Tree, is_taken
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.named import named
from fhir_mh.gateway.together import beside
from fhir_mh.placements import Terms, Whose, broken_terms, followed
from fhir_mh.store import Tx

KINDS = frozenset({"ServiceRequest", "Encounter", "Organization"})
"""The kinds of resource that a placement and a stay are, and of those whom they are with."""


@cache
def _follow_up_hours() -> int:
    held = next(policy for policy in shipped_policies() if policy.id == "placements")
    return int(held.values["follow_up_hours"])


def terms_of(home: Organisation, now: str) -> Terms:
    """What this gateway counts with, from the policies that ship and those that its settings turn on."""
    on = {policy.id for policy in shipped_policies() if policy.is_on(now, home.policies)}
    return Terms(_follow_up_hours(), "confirm-claims" in on)


def follow(
    tx: Tx, home: Organisation, holding: Holding, before: Tree, after: Tree, were: Mapping[str, Tree] | None = None
) -> Tree:
    """The record with what follows from its placements, which say whom they are with; the same one where nothing does.

    were: of others who are one with the person, and of whom something changed just now, the record as it was before.
    Who leads the care is asked where somebody must look. Raises Conflict where the change does to a placement or stay
    of ours what none may: part of a history is gone, what has ended goes on without a reason, or a stay is over too
    soon.
    """
    before, after = named(tx, holding, before), named(tx, holding, after)
    broken = broken_terms(before, after, home.ods, holding.keepers, instant(tx.now))
    if broken:
        raise Conflict(issues=broken)
    now, whose = instant(tx.now), Whose(home.ods, holding.keepers, beside(tx, holding, after, were or {}))
    taken = partial(is_taken, tx, holding.person)
    return followed(before, after, whose, terms_of(home, now), now, tx.new_id, lead_of(after, home.ods), taken)


def before_of(holding: Holding, were: Mapping[Key, Mapping[str, Any] | None]) -> Tree:
    """The record as it was before some of its resources came or changed. were: their former bodies, None for new."""
    bodies = {key: dict(body) for key, body in {**holding.bodies, **were}.items() if body is not None}
    return replace(holding, bodies=bodies).tree
