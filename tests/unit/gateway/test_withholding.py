"""What is withheld is named in no form: neither where it stands nor what was written beside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fhir_mh.consent import Decision
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.urls import ITEM_ID
from fhir_mh.gateway.projection import Sight, project
from fhir_mh.gateway.provenance import POLICY
from fhir_mh.gateway.withholding import withheld_of, without
from fhir_mh.records.sections import SECTIONS
from fhir_mh.store import StoredResource

CONSENT = "8302b39c-636c-4c8d-8e2c-4a62cc744ce8"
PLAN = "9ac665b8-9111-4715-bb44-2f11a5cd7ce9"
ITEM = "b1d8a0f6-2a2e-4f0c-9a52-0a4f7d2f8c11"
LOCAL = {"system": "https://trust.example/consents", "value": "C-17"}
ALL_BUT_SHARING = Decision(frozenset(SECTIONS) - {"sharing", "tasks"})
CALLED = {"system": ITEM_ID, "value": ITEM}
DIRECTIVE: dict[str, Any] = {
    "resourceType": "Consent",
    "id": CONSENT,
    "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
    "identifier": [CALLED, LOCAL],
}


def stored(body: dict[str, Any], version: int = 1) -> StoredResource:
    return StoredResource(
        body["resourceType"], body["id"], version, "p", "ZCT1", False, datetime(2026, 11, 27, tzinfo=UTC), dumps(body)
    )


def care_plan(**more: Any) -> dict[str, Any]:
    return {"resourceType": "CarePlan", "id": PLAN, "status": "active", "intent": "plan", **more}


def seen_both_ways(body: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    """A resource as /fhir shows it and as a partner is sent it, which is the same."""
    held = [stored(one) for one in (body, DIRECTIVE, *others)]
    served = Sight(held, ALL_BUT_SHARING).of(held[0])
    assert served is not None
    (sent,) = [one for one in project(held, ALL_BUT_SHARING).shown if one["id"] == body["id"]]
    assert served.body() == sent
    return sent


FORMS = [
    f"Consent/{CONSENT}",
    f"Consent/{CONSENT}/_history/1",
    f"http://127.0.0.1:8080/fhir/Consent/{CONSENT}",
    f"https://host.example/a/b/Consent/{CONSENT}/_history/7",
    f"https://host.example/fhir/Consent/{CONSENT}?_format=json",
    f"https://host.example/fhir/Consent/{CONSENT}/",
    f"Consent/{CONSENT}#part",
    f"Consent/{CONSENT}|2",
    f"/Consent/{CONSENT}",
    f"Consent%2F{CONSENT}",
    f" Consent/{CONSENT}",
    f"Consent/{CONSENT.upper()}",
    f"urn:uuid:{CONSENT}",
    f"urn:uuid:{ITEM}",
    f"URN:UUID:{CONSENT.upper()}",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_reference_in_any_form_becomes_the_identifier_and_keeps_no_text(form: str) -> None:
    beside = {
        "reference": form,
        "type": "Consent",
        "display": "What was decided",
        "_display": {"extension": [{"url": "https://x.example/said", "valueString": "What was decided"}]},
        "extension": [{"url": "https://x.example/said", "valueString": "What was decided"}],
        "identifier": LOCAL,
    }
    shown = seen_both_ways(care_plan(supportingInfo=[beside]))
    assert shown["supportingInfo"] == [{"type": "Consent", "identifier": CALLED}]


@pytest.mark.parametrize("form", FORMS)
def test_so_it_does_in_extensions_and_in_contained_resources(form: str) -> None:
    reference = {"reference": form, "display": "What was decided"}
    nested = {"url": "https://x.example/outer", "extension": [{"url": "in", "valueReference": reference}]}
    shown = seen_both_ways(
        care_plan(
            extension=[nested],
            contained=[{"resourceType": "Goal", "id": "g", "addresses": [reference]}],
            _status={"extension": [{"url": "https://x.example/why", "valueReference": reference}]},
        )
    )
    said = dumps(shown).decode()
    assert said.count(ITEM) == 3
    assert CONSENT not in said.lower()
    assert "What was decided" not in said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("member", ["valueUri", "valueUrl", "valueCanonical"])
def test_an_address_that_is_no_reference_leads_nowhere_either(member: str, form: str) -> None:
    shown = seen_both_ways(care_plan(extension=[{"url": "https://x.example/see", member: form}]))
    assert shown["extension"] == [{"url": "https://x.example/see", member: f"{ITEM_ID}/{ITEM}"}]


@pytest.mark.parametrize("identifier", [CALLED, LOCAL, {**LOCAL, "use": "official"}])
@pytest.mark.parametrize("literal", [{}, {"reference": "https://elsewhere.example/fhir/Consent/9"}])
def test_a_reference_by_its_identifier_keeps_no_text(literal: dict[str, Any], identifier: dict[str, Any]) -> None:
    said = {**literal, "identifier": identifier, "display": "What was decided"}
    assert seen_both_ways(care_plan(supportingInfo=[said]))["supportingInfo"] == [{"identifier": CALLED}]


def test_what_is_shown_is_referred_to_as_it_was_and_text_stays() -> None:
    body = care_plan(
        identifier=[{"system": ITEM_ID, "value": "care"}],
        title="About Consent/x, and more",
        description=f"See Consent/{CONSENT} of last week",
        goal=[{"reference": "Goal/1", "display": "Sleep"}],
        instantiatesUri=["https://x.example/Consent/other"],
        author={
            "identifier": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "ZCT1"},
            "display": "T",
        },
    )
    assert seen_both_ways(body) == body


def test_an_organisation_is_named_by_its_code_though_it_is_withheld() -> None:
    code = {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "ZCT1"}
    trust = {
        "resourceType": "Organization",
        "id": "o",
        "identifier": [code],
        "modifierExtension": [{"url": "https://x"}],
    }
    said = {"identifier": code, "display": "Trust"}
    assert seen_both_ways(care_plan(author=said), trust)["author"] == said


def test_a_resource_that_has_one_identifier_is_no_reference() -> None:
    answers = {"resourceType": "QuestionnaireResponse", "id": "q", "identifier": LOCAL, "status": "completed"}
    assert seen_both_ways(answers) == answers


def test_an_earlier_version_is_not_shown_of_what_is_withheld_now() -> None:
    goal = {"resourceType": "Goal", "id": "g", "lifecycleStatus": "active"}
    now = stored({**goal, "modifierExtension": [{"url": "https://x.example/not", "valueBoolean": True}]}, 2)
    assert Sight([now], ALL_BUT_SHARING).of(stored(goal)) is None


@pytest.mark.parametrize("form", FORMS)
def test_what_was_sent_says_what_is_held_but_for_what_is_withheld_of_it(form: str) -> None:
    held = care_plan(supportingInfo=[{"reference": form, "display": "What was decided"}])
    known = withheld_of([(held, "ZCT1"), (DIRECTIVE, "ZCT1")])
    assert without(seen_both_ways(held), known) == without(held, known)


# --- how something came to be


def provenance(*targets: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Provenance", "id": "told", "policy": [POLICY], "target": list(targets)}


def test_how_something_came_to_be_goes_where_it_goes() -> None:
    told = provenance({"reference": f"CarePlan/{PLAN}"})
    assert seen_both_ways(told, care_plan()) == told


@pytest.mark.parametrize(
    "targets",
    [
        *([{"reference": form}] for form in FORMS),
        [{"reference": f"CarePlan/{PLAN}"}, {"reference": f"https://host.example/fhir/Consent/{CONSENT}"}],
        [{"identifier": LOCAL}],
        [{"reference": "CarePlan/not-here"}],
        [],
    ],
)
def test_how_something_came_to_be_goes_nowhere_unless_all_that_it_is_about_is_shown(targets: list[Any]) -> None:
    held = [stored(one) for one in (provenance(*targets), care_plan(), DIRECTIVE)]
    assert Sight(held, ALL_BUT_SHARING).of(held[0]) is None
    assert [one["id"] for one in project(held, ALL_BUT_SHARING).shown] == [PLAN]
