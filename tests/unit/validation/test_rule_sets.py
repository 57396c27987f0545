"""Whose rule a finding is about, and validations held to some of the rules."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import Validator
from fhir_mh.validation import RULE_SETS
from fhir_mh.validation.rule_sets import rule_set

CRISIS_PLAN = "https://w3id.org/fhir-mh/StructureDefinition/mh-crisis-plan"
FAULTY: dict[str, Any] = {
    "resourceType": "CarePlan",
    "meta": {"profile": [CRISIS_PLAN]},
    "status": "nonsense",  # base
    "intent": "order",  # profile
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "736253002"}]}],
    "subject": {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000019"}},  # clinical
}  # and it lacks most of what a crisis plan is for, which is clinical too
CODES = {"base": "validate-binding", "profile": "validate-pattern", "clinical": "validate-nhs-number"}


@pytest.mark.parametrize("rules", [("base",), ("profile",), ("clinical",), ("base", "clinical"), RULE_SETS])
def test_only_the_rules_asked_for_count(rules: tuple[str, ...]) -> None:
    report = Validator(rules=rules).validate(FAULTY)
    assert {rule_set(found) for found in (*report.issues, *report.not_checked)} <= set(rules)
    assert {CODES[name] for name in rules} <= {found.code for found in report.issues}


def test_together_they_are_all_there_is() -> None:
    apart = [found for name in RULE_SETS for found in Validator(rules=[name]).validate(FAULTY).issues]
    assert sorted(map(str, apart)) == sorted(map(str, Validator().validate(FAULTY).issues))


def test_where_only_errors_count_no_rule_that_advises_is_looked_at() -> None:
    whole, alone = (Validator().validate(FAULTY, errors_only=only).issues for only in (False, True))
    assert [found for found in whole if found.code == "validate-invariant" and not found.is_error]
    assert not [found for found in alone if found.code == "validate-invariant" and not found.is_error]
    assert [found for found in alone if found.is_error] == [found for found in whole if found.is_error]


def test_what_is_incomplete_is_clinical_and_what_is_malformed_is_not() -> None:
    issues = Validator().validate(FAULTY).issues
    ours = [found for found in issues if found.profile.startswith("https://w3id.org/fhir-mh/")]
    assert {(found.severity, rule_set(found)) for found in ours} >= {("warning", "clinical"), ("error", "profile")}


def test_a_profile_of_r4_itself_is_base() -> None:
    wrong = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueString": "noon"}
    report = Validator(rules=["base"]).validate({"resourceType": "Patient", "_birthDate": {"extension": [wrong]}})
    (found,) = [one for one in report.issues if one.is_error]
    assert (found.code, found.profile) == ("validate-type-not-allowed", wrong["url"])


def test_a_rule_set_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="no rule set clincal"):
        Validator(rules=["clincal"])
