"""What an asking opens by itself, how often a partner may ask, when an asking lapses: policies/find-and-pull.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from fhir_mh.consent.policies import shipped_policies


@dataclass(frozen=True, slots=True)
class AskingPolicy:
    """per_hour: askings of one partner that are looked into. kept_hours: after which an asking lapses.

    opens: by purpose, the sections that an asking opens where the person has said nothing.
    """

    per_hour: int
    kept_hours: int
    opens: Mapping[str, frozenset[str]]


@cache
def find_and_pull() -> AskingPolicy:
    """The policy that ships."""
    held = next(policy for policy in shipped_policies() if policy.id == "find-and-pull")
    opens = {purpose: frozenset(sections) for purpose, sections in held.values["opens"].items()}
    return AskingPolicy(held.values["per_hour"], held.values["kept_hours"], opens)
