"""Mutations: one small fault put into any FHIR resource as JSON. They know words of FHIR, and nothing of a validator.

A mutation is tried on spots of a resource, in an order that a seed sets, until one takes it. Not each makes a resource
wrong: what stays right tells as much of two validators as what does not.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fhir_mh.fhir.json import dumps
from tests.conformance import mutations_of_meaning, mutations_of_shape
from tests.conformance.spots import Spot, spots

Mutation = Callable[[Spot, random.Random], bool]
MUTATIONS: dict[str, Mutation] = {**mutations_of_shape.MUTATIONS, **mutations_of_meaning.MUTATIONS}
TWICE = 8  # every so manieth mutant gets a second mutation


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed copy of a document. name: of which document, and by which mutations."""

    name: str
    kinds: tuple[str, ...]
    resource: dict[str, Any]


def mutated(resource: dict[str, Any], kind: str, rng: random.Random) -> dict[str, Any] | None:
    """A copy with one mutation in it; None where no spot takes it or it changes nothing."""
    changed = copy.deepcopy(resource)
    waiting = list(spots(changed))
    rng.shuffle(waiting)
    taken = any(MUTATIONS[kind](spot, rng) for spot in waiting)
    return changed if taken and dumps(changed) != dumps(resource) else None  # 1 and true are equal in Python


def mutants(name: str, resource: dict[str, Any], count: int, made: Counter[str]) -> Iterator[Mutant]:
    """As many mutants of a document as asked for, or as can be made, each of another kind; the same ones each time.

    made: how many of each kind there are already. The kinds made least are tried first, and counted.
    """
    rng = random.Random(name)
    kinds = list(MUTATIONS)
    rng.shuffle(kinds)
    kinds.sort(key=lambda kind: made[kind])
    for kind in kinds:
        if count == 0:
            return
        changed = mutated(resource, kind, rng)
        if changed is None:
            continue
        count -= 1
        named: tuple[str, ...] = (kind,)
        if count % TWICE == 0:
            other = rng.choice(kinds)
            again = mutated(changed, other, rng)
            if again is not None:
                changed, named = again, (kind, other)
        made.update(named)
        yield Mutant(f"{name}: {' + '.join(named)}", named, changed)
