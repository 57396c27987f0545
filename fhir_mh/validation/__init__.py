"""Validation: a resource or Bundle in, a Report out. See Validator."""

from fhir_mh.validation.report import Report
from fhir_mh.validation.rule_sets import RULE_SETS
from fhir_mh.validation.validator import Validator

__all__ = ["RULE_SETS", "Report", "Validator"]
