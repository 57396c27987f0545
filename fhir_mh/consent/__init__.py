"""Directives -> decision -> explanation. Pure: no clock, no storage."""

from fhir_mh.consent.access import AccessContext, in_role
from fhir_mh.consent.decide import AccessRequest, Decision, Policy, decide, strictest
from fhir_mh.consent.directives import Directive, directives_of
from fhir_mh.consent.law import asked_by_law
from fhir_mh.consent.policies import laws, shipped_policies

__all__ = [
    "AccessContext",
    "AccessRequest",
    "Decision",
    "Directive",
    "Policy",
    "asked_by_law",
    "decide",
    "directives_of",
    "in_role",
    "laws",
    "shipped_policies",
    "strictest",
]
