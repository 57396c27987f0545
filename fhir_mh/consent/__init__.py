"""Directives -> decision -> explanation. Pure: no clock, no storage."""

from fhir_mh.consent.access import AccessContext
from fhir_mh.consent.decide import AccessRequest, Decision, Policy, decide
from fhir_mh.consent.directives import Directive, directives_of

__all__ = ["AccessContext", "AccessRequest", "Decision", "Directive", "Policy", "decide", "directives_of"]
