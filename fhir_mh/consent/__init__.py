"""Directives -> decision -> explanation. Pure: no clock, no storage."""

from fhir_mh.consent.access import EMERGENCY, AccessContext, in_role
from fhir_mh.consent.asking import AskingPolicy, find_and_pull
from fhir_mh.consent.decide import AccessRequest, Decision, Policy, Tie, decide, direct_care, strictest, together
from fhir_mh.consent.directives import DIRECT, Directive, directives_of
from fhir_mh.consent.law import asked_by_law
from fhir_mh.consent.policies import laws, shipped_policies
from fhir_mh.consent.turning import turns_next

__all__ = [
    "DIRECT",
    "EMERGENCY",
    "AccessContext",
    "AccessRequest",
    "AskingPolicy",
    "Decision",
    "Directive",
    "Policy",
    "Tie",
    "asked_by_law",
    "decide",
    "direct_care",
    "directives_of",
    "find_and_pull",
    "in_role",
    "laws",
    "shipped_policies",
    "strictest",
    "together",
    "turns_next",
]
