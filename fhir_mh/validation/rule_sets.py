"""The rule sets that a validation can be held to: whose rule it is that a finding is about.

base      FHIR R4 as it is published: its types, and the profiles and extensions that come with it
profile   what profiles and extensions of anybody else ask
clinical  what a plan, a placement or a wish lacks to be of use (the warnings of our own profiles), and what is odd in
          England: an NHS number or ODS code that is none, a legal status that reads two ways
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

from fhir_mh.issues import Issue
from fhir_mh.packages.base import base_facts

RULE_SETS = ("base", "profile", "clinical")
_OURS = "https://w3id.org/fhir-mh/StructureDefinition/"
_GUARDS = {"validate-nhs-number", "validate-ods-code", "validate-legal-status"}
_ABOUT_PROFILES = {
    "validate-profile-type",
    "validate-unchecked-profile",
    "validate-unusable-profile",
    "validate-unchecked-extension",
    "validate-unchecked-slice",
    "validate-unchecked-target",
    "validate-unchecked-context",
}
Found = TypeVar("Found")


def rule_set(found: Issue) -> str:
    """The set that a finding of the validator belongs to."""
    if found.code in _GUARDS:
        return "clinical"
    if found.profile.startswith(_OURS) and found.code == "validate-invariant" and not found.is_error:
        return "clinical"
    if found.code in _ABOUT_PROFILES or (found.profile and found.profile not in base_facts("profiles")):
        return "profile"
    return "base"


def held_to(rules: Collection[str], found: Iterable[tuple[Issue, Found]]) -> list[tuple[Issue, Found]]:
    """Of findings, each with something of its own, those of these sets."""
    return [entry for entry in found if len(rules) == len(RULE_SETS) or rule_set(entry[0]) in rules]
