"""Records, mapping tables and profiles say the same: what records say in FHIR is what the profiles allow."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fhir_mh import from_bundle, to_bundle
from fhir_mh.fhir.json import load_object
from fhir_mh.fhir.urls import BASE, CODE_SYSTEM, EXTENSION, UK_CORE
from fhir_mh.packages.definitions import TYPE_URL, Definitions
from fhir_mh.packages.source import read_package
from fhir_mh.profiles.bundle import TABLES, table_of
from fhir_mh.profiles.concerns import CONCERN, task_of
from fhir_mh.records import CareRecord
from fhir_mh.records.concerns import SafetyConcern
from fhir_mh.records.sections import SECTIONS
from fhir_mh.records.trees import record_of
from fhir_mh.validation import Report, Validator
from tests.unit.profiles_package.generated import Generator

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "examples" / "records").glob("*.json"))


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return to_bundle(record_of(load_object((ROOT / "examples/records/whole-person.json").read_bytes())))


def concern() -> dict[str, Any]:
    """The example of a safety concern, as a Task."""
    example = load_object((ROOT / "examples/concerns/safety-concern.json").read_bytes())
    return task_of(SafetyConcern.model_validate(example))


def errors(report: Report) -> list[str]:
    return sorted(
        f"{found.code} @ {found.path}: {found.message}" for found in report.issues if found.severity != "warning"
    )


def walk(json: Any) -> Iterator[dict[str, Any]]:
    """Every object in the JSON."""
    if isinstance(json, dict):
        yield json
    for inner in json.values() if isinstance(json, dict) else json if isinstance(json, list) else ():
        yield from walk(inner)


# --- tables and package


@pytest.mark.parametrize("table", [*TABLES, CONCERN], ids=lambda table: table.name)
def test_each_table_has_its_profile_on_the_right_type(table: Any) -> None:
    facts = Definitions().structure(table.profile)
    assert facts is not None
    assert facts["type"] == table.kind
    parent = facts["baseDefinition"]
    assert parent == UK_CORE + f"UKCore-{table.kind}" if table.kind != "Goal" else parent == TYPE_URL + "Goal"


def test_each_profile_has_its_table() -> None:
    profiles = {found["url"] for found in read_package(ROOT / "profiles" / "package")
                if found["resourceType"] == "StructureDefinition" and found["type"] != "Extension"}  # fmt: skip
    assert profiles == {table.profile for table in (*TABLES, CONCERN)}


def test_the_whole_person_uses_every_profile_and_extension_of_ours(whole: dict[str, Any]) -> None:
    everything = [whole, concern()]
    claimed = {url for held in walk(everything) for url in held.get("meta", {}).get("profile", ())}
    used = {held["url"] for held in walk(everything) if str(held.get("url", "")).startswith(EXTENSION)}
    by_formats = {EXTENSION + "item-number", EXTENSION + "kept-content"}
    defined = {url for url in Definitions().profiles() if url.startswith(BASE)}
    assert claimed | used == defined - by_formats


def test_every_local_code_that_an_example_says_is_defined(whole: dict[str, Any]) -> None:
    definitions, seen = Definitions(), 0
    for example in EXAMPLES:
        for held in walk(to_bundle(record_of(load_object(example.read_bytes())))):
            if str(held.get("system", "")).startswith(CODE_SYSTEM):
                facts = definitions.code_system(held["system"])
                assert facts is not None
                assert held["code"] in facts["concept"]
                seen += 1
    assert seen


def test_each_section_of_a_record_has_a_code_and_a_table() -> None:
    facts = Definitions().code_system(CODE_SYSTEM + "section")
    assert facts is not None
    assert set(facts["concept"]) == set(SECTIONS)
    assert {table.section for table in TABLES} == set(SECTIONS)


# --- what records say is valid


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_and_each_resource_claims_its_profile(example: Path, validator: Validator) -> None:
    bundle = to_bundle(record_of(load_object(example.read_bytes())))
    assert errors(validator.validate(bundle)) == []
    for entry in bundle["entry"]:
        table = table_of(entry["resource"])
        assert table is not None
        assert entry["resource"]["meta"]["profile"] == [table.profile]


def test_the_whole_person_comes_back_whole(whole: dict[str, Any]) -> None:
    record = record_of(load_object((ROOT / "examples/records/whole-person.json").read_bytes()))
    assert from_bundle(whole) == record
    assert not [held for held in walk(record.model_dump()) if held.get("unknown")]


def allowed(seed: int) -> CareRecord | None:
    try:
        return CareRecord.model_validate(Generator(random.Random(seed)).record())
    except ValidationError:
        return None


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_a_record_holds_it_is_valid_fhir_and_comes_back(seed: int, validator: Validator) -> None:
    record = allowed(seed)
    if record is None:
        return
    bundle = to_bundle(record)
    assert errors(validator.validate(bundle)) == []
    assert from_bundle(bundle) == record


def test_most_generated_records_are_allowed() -> None:
    assert sum(allowed(seed) is not None for seed in range(40)) > 15


# --- what would do harm if it were read wrong is an error; what is incomplete is a warning

Change = Callable[[dict[str, Any]], object]


def of(bundle: dict[str, Any], profile: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        entry["resource"] for entry in bundle["entry"]
        if entry["resource"]["meta"]["profile"] == [f"{EXTENSION}mh-{profile}"]
    )  # fmt: skip
    return found


ENGLAND = "https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland"
WITHDRAWN = {"url": EXTENSION + "withdrawal", "extension": [{"url": "at", "valueDateTime": "2026-02-01"}]}


def part_of(resource: dict[str, Any], name: str) -> dict[str, Any]:
    """The first of our extensions of this name."""
    return next(held for held in walk(resource) if held.get("url") == EXTENSION + name)


def said(resource: dict[str, Any], part: str) -> dict[str, Any]:
    """The first part of this name in any of our extensions."""
    return next(held for held in walk(resource) if held.get("url") == part)


HARM: dict[str, tuple[str, Change]] = {
    "a wish with a provision": ("advance-statement", lambda r: r.update(provision={"type": "permit"})),
    "a statement under another policy": (
        "advance-statement",
        lambda r: r.update(policyRule={"coding": [{"system": CODE_SYSTEM + "policy", "code": "recorded-refusal"}]}),
    ),
    "a nomination that permits": ("nomination", lambda r: r.update(provision={"type": "permit"})),
    "a power of attorney that permits": ("power-of-attorney", lambda r: r.update(provision={"type": "permit"})),
    "a choice document that refuses": ("advance-choice-document", lambda r: r.update(provision={"type": "deny"})),
    "a statement of no kind": (
        "advance-choice-document", lambda r: part_of(r, "choice-statement")["extension"].pop(0)
    ),
    "a power over property that refuses treatment": (
        "power-of-attorney",
        lambda r: (
            said(r, "scope").update(valueCode="property-and-financial-affairs"),
            said(r, "may-refuse-life-sustaining").update(valueBoolean=True),
        ),
    ),
    "a community treatment order with the code of a guardianship": (
        "legal-status", lambda r: r["code"]["coding"].append({"system": ENGLAND, "code": "35"})
    ),
    "a legal status of no kind": ("legal-status", lambda r: r["code"]["coding"].pop(0)),
    "a refusal that was withdrawn and is in force": (
        "recorded-refusal", lambda r: r["extension"].append(WITHDRAWN)
    ),
    "a preference that was withdrawn and is in force": (
        "sharing-preference", lambda r: r["extension"].append(WITHDRAWN)
    ),
    "wishes as an order": ("advance-wishes", lambda r: r.update(intent="order")),
    "a wish under way": ("advance-wishes", lambda r: r["activity"][0]["detail"].update(status="in-progress")),
    "a wish turned into a refusal": ("advance-wishes", lambda r: r["activity"][0]["detail"].update(doNotPerform=True)),
    "a refusal that permits": ("recorded-refusal", lambda r: r["provision"]["provision"][0].update(type="permit")),
    "a refusal with a permit inside": (
        "recorded-refusal", lambda r: r["provision"]["provision"][0].update(provision=[{"type": "permit"}])
    ),
    "a refusal without its type": ("recorded-refusal", lambda r: r["provision"]["provision"][0].pop("type")),
    "a next review that nobody planned": ("care-plan", lambda r: next_review(r, "2027-01-01")),
    "a next review after another one": ("care-plan", lambda r: next_review(r, "2026-12-31", planned=True)),
    "a crisis plan that is not called one": ("crisis-plan", lambda r: r.update(category=[{"text": "plan"}])),
    "an agreement that does not say what was said": (
        "agreement", lambda r: r["extension"][0]["extension"].__delitem__(1)
    ),
    "nothing to see to, and yet a cat": ("crisis-plan", lambda r: nothing_for(r, "practical-needs")),
    "nobody to turn to, and yet contacts": ("crisis-plan", lambda r: nothing_for(r, "contacts")),
    "a visit by nobody": ("visit", lambda r: r["code"]["coding"].pop()),
    "a treatment review of no kind": ("treatment-review", lambda r: r["code"]["coding"].pop()),
    "a meeting that is an order": ("follow-up", lambda r: r.update(intent="order")),
    "an activity of an unknown kind": ("care-plan", lambda r: included(r).update(valueCode="work")),
    "a support need of an unknown kind": (
        "support-need", lambda r: r["code"]["coding"][0].update(code="dyslexia")
    ),
    "a role that nobody knows": (
        "contact", lambda r: r["extension"][0]["extension"][0].update(valueCode="guardian-angel")
    ),
    "a hash that is none": (
        "document", lambda r: r["content"][0]["attachment"]["extension"][0].update(valueString="0")),
}  # fmt: skip


def next_review(plan: dict[str, Any], date: str, *, planned: bool = False) -> None:
    for extension in plan["extension"]:
        if extension["url"] == EXTENSION + "next-review":
            extension["valueDateTime"] = date
    if planned:
        review = {"coding": [{"system": "http://snomed.info/sct", "code": "425268008"}]}
        detail = {"code": review, "status": "scheduled", "scheduledPeriod": {"start": date}}
        plan["activity"].append({"detail": detail})


def nothing_for(plan: dict[str, Any], item: str) -> None:
    plan["extension"].append({"url": EXTENSION + "nothing-for", "valueCode": item})


def included(plan: dict[str, Any]) -> dict[str, Any]:
    """The extension that says which activity of social inclusion one is."""
    return next(held for held in walk(plan) if held.get("url") == EXTENSION + "social-inclusion")


def without(resource: dict[str, Any], name: str) -> None:
    """Without the extensions of this name, wherever they stand."""
    for held in list(walk(resource)):
        if "extension" in held:
            kept = [one for one in held.pop("extension") if one["url"] not in (name, EXTENSION + name)]
            held.update({"extension": kept} if kept else {})


def estimates(stay: dict[str, Any]) -> dict[str, Any]:
    """What the estimated date of discharge was and is."""
    return {"all": [one for one in stay["extension"] if one["url"] == EXTENSION + "estimated-discharge-date"]}


def only_activities(plan: dict[str, Any], keep: Callable[[str], bool]) -> None:
    """With those activities alone whose coded kind is to be kept."""
    plan["activity"] = [held for held in plan["activity"] if keep(str(held["detail"].get("code")))]


def scheduled(plan: dict[str, Any]) -> dict[str, Any]:
    """The detail of the review that is still to be held."""
    found: dict[str, Any] = next(
        held["detail"] for held in plan["activity"]
        if held["detail"]["status"] == "scheduled" and "425268008" in str(held["detail"].get("code"))
    )  # fmt: skip
    return found


@pytest.mark.parametrize("name", HARM)
def test_harm_is_refused(name: str, whole: dict[str, Any], validator: Validator) -> None:
    profile, change = HARM[name]
    resource = copy.deepcopy(of(whole, profile))
    change(resource)
    assert errors(validator.validate(resource))


INCOMPLETE: dict[str, tuple[str, Change, str]] = {
    "a death told, and not said": (
        "patient",
        lambda r: r["extension"].append(
            {
                "url": UK_CORE + "Extension-UKCore-DeathNotificationStatus",
                "extension": [
                    {
                        "url": "deathNotificationStatus",
                        "valueCodeableConcept": {
                            "coding": [
                                {
                                    "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus",
                                    "code": "2",
                                }
                            ]
                        },
                    }
                ],
            }
        ),
        "mh-death-told",
    ),
    "a refusal of nothing": ("recorded-refusal", lambda r: r.pop("provision"), "mh-refusal-said"),
    "a refusal that nobody verified": ("recorded-refusal", lambda r: without(r, "verified-by"), "mh-refusal-verified"),
    "a refusal without its original": ("recorded-refusal", lambda r: r.pop("sourceReference"), "mh-original"),
    "a nomination of nobody": ("nomination", lambda r: without(r, "nominee"), "mh-nominee"),
    "a nominee whom nobody asked": ("nomination", lambda r: without(r, "accepted"), "mh-nominee"),
    "a nomination without its original": ("nomination", lambda r: r.pop("sourceReference"), "mh-original"),
    "a power that nobody looked up": ("power-of-attorney", lambda r: without(r, "registered"), "mh-power-known"),
    "a power that is silent on life": (
        "power-of-attorney",
        lambda r: without(r, "may-refuse-life-sustaining"),
        "mh-power-known",
    ),
    "a power of nobody": ("power-of-attorney", lambda r: without(r, "attorney"), "mh-power-attorney"),
    "a power without its original": ("power-of-attorney", lambda r: r.pop("sourceReference"), "mh-original"),
    "choices made on an unknown day": ("advance-choice-document", lambda r: r.pop("dateTime"), "mh-choice-made"),
    "choices without a choice": ("advance-choice-document", lambda r: without(r, "choice-statement"), "mh-choice-said"),
    "a choice that stands nowhere": (
        "advance-choice-document",
        lambda r: part_of(r, "choice-statement")["extension"].pop(1),
        "mh-choice-said",
    ),
    "shared with anybody": (
        "sharing-preference",
        lambda r: r["provision"]["provision"][0].pop("actor"),
        "mh-sharing-terms",
    ),
    "shared for anything": (
        "sharing-preference",
        lambda r: r["provision"]["provision"][0].pop("purpose"),
        "mh-sharing-terms",
    ),
    "shared for ever": (
        "sharing-preference",
        lambda r: r["provision"]["provision"][0]["period"].pop("end"),
        "mh-sharing-terms",
    ),
    "an original that nobody can check": ("document", lambda r: without(r, "sha-256"), "mh-document-hash"),
    "a status since nobody knows when": ("legal-status", lambda r: r["period"].pop("start"), "mh-legal-dated"),
    "a status ended, nobody knows why": ("legal-status", lambda r: without(r, "ended-because"), "mh-legal-ended"),
    "an order without conditions": ("legal-status", lambda r: without(r, "legal-condition"), "mh-legal-conditions"),
    "a detention that nobody imposed": (
        "legal-status",
        lambda r: (without(r, "imposed-by"), r["code"]["coding"][0].update(code="detained")),
        "mh-legal-known",
    ),
    "an adjustment that asks for nothing": (
        "support-need",
        lambda r: (r["code"].pop("text"), r["code"].pop("_text")),
        "mh-adjustment-said",
    ),
    "no named contact": ("crisis-plan", lambda r: r.pop("careTeam"), "mh-contact-named"),
    "a sign without an answer": ("crisis-plan", lambda r: None, "mh-sign-answered"),
    "an empty list of contacts": ("crisis-contacts", lambda r: r.pop("participant"), "mh-contact-listed"),
    "no warning sign": (
        "crisis-plan",
        lambda r: (without(r, "unanswered-sign"), only_activities(r, lambda c: "coping" not in c)),
        "mh-crisis-signs",
    ),
    "no support": (
        "crisis-plan",
        lambda r: only_activities(r, lambda c: "prevention" not in c),
        "mh-crisis-prevention",
    ),
    "nobody asked where to": ("crisis-plan", lambda r: without(r, "admission-preference"), "mh-crisis-admission"),
    "nobody asked after the cat": (
        "crisis-plan",
        lambda r: only_activities(r, lambda c: "practical-need" not in c),
        "mh-crisis-needs",
    ),
    "no advance wishes": (
        "crisis-plan",
        lambda r: r.update(supportingInfo=[{"type": "HealthcareService", "display": "line"}]),
        "mh-crisis-wishes",
    ),
    "nobody at any hour": (
        "crisis-plan",
        lambda r: r.update(supportingInfo=[{"type": "Consent", "display": "wishes"}]),
        "mh-crisis-services",
    ),
    "nothing of the family": ("crisis-plan", lambda r: without(r, "carer-involvement"), "mh-crisis-involvement"),
    "no review to come": (
        "care-plan",
        lambda r: (without(r, "next-review"), scheduled(r).update(status="cancelled")),
        "mh-review-planned",
    ),
    "a review without a date": (
        "care-plan",
        lambda r: (without(r, "next-review"), scheduled(r).pop("scheduledPeriod")),
        "mh-review-dated",
    ),
    "a review that nobody owns": ("care-plan", lambda r: scheduled(r).pop("performer"), "mh-review-owner"),
    "a crisis plan's review that nobody owns": (
        "crisis-plan",
        lambda r: scheduled(r).pop("performer"),
        "mh-review-owner",
    ),
    "a review held, nobody knows when": ("care-plan", lambda r: without(r, "review-held"), "mh-review-held"),
    "a goal in codes alone": (
        "goal",
        lambda r: r.update(description={"coding": [{"system": "urn:x", "code": "1"}]}),
        "mh-goal-words",
    ),
    "a goal without an outcome": ("goal", lambda r: without(r, "preferred-outcome"), "mh-goal-outcome"),
    "agreed to an unknown version": ("agreement", lambda r: without(r, "plan-version"), "mh-agreement-version"),
    "declined without a reason": (
        "agreement",
        lambda r: r["extension"][0]["extension"][1].update(valueCode="declined"),
        "mh-agreement-reason",
    ),
    "a copy refused without a reason": ("copy-given", lambda r: r.update(status="not-done"), "mh-copy-reason"),
    "a copy of an unknown version": ("copy-given", lambda r: without(r, "plan-version"), "mh-copy-dated"),
    "a copy of an unknown day": ("copy-given", lambda r: r.pop("sent"), "mh-copy-dated"),
    "a placement at no level": ("placement", lambda r: r["code"]["coding"].pop(), "mh-placement-level"),
    "nobody places": ("placement", lambda r: without(r, "placing-commissioner"), "mh-placement-commissioner"),
    "a placement for nothing": ("placement", lambda r: r.pop("reasonCode"), "mh-placement-purpose"),
    "out of area for no reason": ("placement", lambda r: without(r, "out-of-area-reason"), "mh-placement-reason"),
    "a level that its history does not know": (
        "placement",
        lambda r: r["code"]["coding"][1].update(code="1"),
        "mh-term-history",
    ),
    "a reason that its history does not know": (
        "placement",
        lambda r: without(r, "out-of-area-reason"),
        "mh-term-history",
    ),
    "a term that changed for no reason": ("placement", lambda r: without(r, "reason"), "mh-term-reason"),
    "an estimate that moved for no reason": ("stay", lambda r: without(estimates(r), "reason"), "mh-term-reason"),
    "an estimate that nobody moved": ("stay", lambda r: without(r, "recorded-by"), "mh-term-reason"),
    "a stay without an end in sight": ("stay", lambda r: without(r, "estimated-discharge-date"), "mh-stay-estimate"),
    "a stay that ended nowhere": (
        "stay",
        lambda r: (r.update(status="finished"), r.pop("hospitalization", None)),
        "mh-stay-ended",
    ),
    "a review by no day": ("treatment-review", lambda r: r.pop("restriction"), "mh-meeting-planned"),
    "a visit that nobody owns": ("visit", lambda r: r.pop("owner"), "mh-meeting-owner"),
    "a visit held, nobody knows when": ("visit", lambda r: r.pop("executionPeriod"), "mh-meeting-held"),
    "a visit that is the last": ("visit", lambda r: without(r, "next-due"), "mh-meeting-next"),
    "a treatment review that is the last": ("treatment-review", lambda r: without(r, "next-due"), "mh-meeting-next"),
    "a follow-up that came to nothing": ("follow-up", lambda r: r.pop("output"), "mh-meeting-outcome"),
    "a type at the root": ("sharing-preference", lambda r: r["provision"].update(type="deny"), "mh-no-root-type"),
}


@pytest.mark.parametrize("name", INCOMPLETE)
def test_incompleteness_warns(name: str, whole: dict[str, Any], validator: Validator) -> None:
    profile, change, key = INCOMPLETE[name]
    resource = copy.deepcopy(of(whole, profile))
    change(resource)
    report = validator.validate(resource)
    assert errors(report) == []
    assert any(key in found.message for found in report.issues)


def test_reviews_agree_whatever_else_is_scheduled(whole: dict[str, Any], validator: Validator) -> None:
    plan = copy.deepcopy(of(whole, "care-plan"))
    plan["activity"].append({"detail": {"status": "scheduled", "scheduledPeriod": {"start": "2026-01-01"}}})
    assert errors(validator.validate(plan)) == []


def test_a_superseded_nhs_number_is_not_a_second_one(validator: Validator) -> None:
    record = CareRecord.model_validate({"person": {"nhs_number": "9990000018", "former_nhs_numbers": ["9990000026"]}})
    bundle = to_bundle(record)
    assert errors(validator.validate(bundle)) == []
    assert from_bundle(bundle) == record
