"""Whoever records a sharing rule that no decision looks into is warned, for it comes to more or less than it says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhir_mh.consent import AccessContext, directives_of
from fhir_mh.gateway.unclear_rules import unclear_rules
from fhir_mh.profiles import to_bundle
from fhir_mh.records import CareRecord
from tests.unit.gateway.pair import HOME, NHS_NUMBER, Pair

Tree = dict[str, Any]
UNCLEAR: dict[str, Tree] = {
    "data": {"data": [{"meaning": "instance", "item": {"id": "letter", "display": "The letter of May"}}]},
    "dataPeriod": {"data_period": {"end": "2020-01-01"}},
    "code": {"codes": [{"text": "Letters"}]},
    "securityLabel": {"labels": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]},
    "class": {"classes": [{"system": "urn:ietf:bcp:13", "code": "text/plain"}]},
    "action": {
        "actions": [{"codings": [{"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": "correct"}]}]
    },
}
CLEAR: Tree = {
    "sections": ["crisis-plan"],
    "purposes": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}],
    "actors": [{"party": {"id": "org-ward"}}],
    "period": {"start": "2026-01-01"},
    "actions": [{"codings": [{"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": "access"}]}],
}


def preference(rule: Tree, decision: str) -> Tree:
    return {"id": "decision", "made_at": "2026-11-24", "terms": {"exceptions": [{"decision": decision, **rule}]}}


def consent_of(rule: Tree, decision: str) -> Tree:
    record = {"person": {"nhs_number": NHS_NUMBER}, "sharing": [preference(rule, decision)]}
    entries = to_bundle(CareRecord.model_validate(record))["entry"]
    return next(one["resource"] for one in entries if one["resource"]["resourceType"] == "Consent")


@pytest.mark.parametrize("decision", ["permit", "deny"])
@pytest.mark.parametrize("name", UNCLEAR)
def test_what_makes_a_rule_unclear_to_a_decision_is_warned_of_where_it_stands(name: str, decision: str) -> None:
    (directive,) = directives_of([preference(UNCLEAR[name], decision)], {})
    assert [rule.unclear for rule in directive.rules] == [True]
    (warning,) = unclear_rules(consent_of(UNCLEAR[name], decision))
    assert (warning.code, warning.severity) == ("consent-rule-unclear", "warning")
    assert warning.path == f"Consent.provision.provision[0].{name}"


def test_a_rule_that_a_decision_looks_into_is_not_warned_of() -> None:
    (directive,) = directives_of([preference(CLEAR, "deny")], {"org-ward": "ZOA1"})
    assert [rule.unclear for rule in directive.rules] == [False]
    assert not unclear_rules(consent_of(CLEAR, "deny"))


def test_what_the_person_refuses_is_no_rule_about_sharing() -> None:
    refusal = {"id": "r", "made_at": "2026-01-05", "refuses": [{"id": "ect", "treatment": "ECT"}]}
    record = CareRecord.model_validate({"person": {"nhs_number": NHS_NUMBER}, "refusals": [refusal]})
    consents = [one["resource"] for one in to_bundle(record)["entry"] if one["resource"]["resourceType"] == "Consent"]
    assert consents
    assert not any(map(unclear_rules, consents))


def test_whoever_records_it_is_told_by_record_and_by_fhir(pair: Pair) -> None:
    gateway, context = pair.gateways[HOME], AccessContext(HOME)
    record = {"person": {"nhs_number": NHS_NUMBER}, "sharing": [preference(UNCLEAR["data"], "deny")]}
    saved = asyncio.run(gateway.save(context, record))
    (warning,) = [one for one in saved.warnings if one.code == "consent-rule-unclear"]
    assert warning.path.endswith(": Consent.provision.provision[0].data")
    held = asyncio.run(gateway.record(context, saved.id))
    consent = consent_of(UNCLEAR["data"], "deny")
    consent["patient"] = {"identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NHS_NUMBER}}
    kept = asyncio.run(gateway.create(context, consent))
    assert held.tree["sharing"]
    assert [one.path for one in kept.warnings] == ["Consent.provision.provision[0].data"]


@pytest.mark.parametrize("code", [{"a": 1}, ["access"], None])
def test_an_action_whose_code_is_no_text_is_refused_as_any_such_element_is(code: Any) -> None:
    consent = consent_of(CLEAR, "deny")
    (rule,) = consent["provision"]["provision"]
    rule["action"][0]["coding"][0]["code"] = code
    assert [one.path for one in unclear_rules(consent)] == ["Consent.provision.provision[0].action"]
