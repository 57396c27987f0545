"""Profiles on profiles: what they lead to, slices told apart by types and profiles, and two claimed at once."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import Validator
from tests.unit.validation.test_profile_faults import URL, patient, profile

Json = dict[str, Any]
HOME, CORE = "https://example.org/", "http://hl7.org/fhir/StructureDefinition/"
OBSERVED: Json = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


def told(resource: Json, *held: Json, profiles: tuple[str, ...] = (URL,), **options: Any) -> set[tuple[str, str]]:
    report = Validator(resources=held, **options).validate(resource, profiles)
    return {(one.code, one.path) for one in (*report.issues, *report.not_checked) if one.severity != "warning"}


def named(name: str, *elements: Json, kind: str = "Patient") -> Json:
    return profile(*elements, kind=kind, url=HOME + name)


def leads(path: str, *urls: str, **more: Any) -> Json:
    return {"path": path, "type": [{"code": "Reference", "targetProfile": list(urls)}], **more}


def members(kind: str, *targets: tuple[str, str], rules: str = "open") -> Json:
    """Observation.hasMember sliced by what it leads to; each target is the name of a slice and a profile."""
    told = {"discriminator": [{"type": kind, "path": "resolve()"}], "rules": rules}
    found: list[Json] = [{"path": "Observation.hasMember", "slicing": told}]
    for name, url in targets:
        found.append(
            leads("Observation.hasMember", url, id=f"Observation.hasMember:{name}", sliceName=name, min=1, max="1")
        )
    return profile(*found, kind="Observation")


def bundle(*resources: Json) -> Json:
    entries = [
        {"fullUrl": f"https://ehr.example/{one['resourceType']}/{one['id']}", "resource": one} for one in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def observed(name: str, *members: str, **more: Any) -> Json:
    held = {"hasMember": [{"reference": member} for member in members]} if members else {}
    return {**OBSERVED, "id": name, **held, **more}


CODED, NOTED = ({"path": f"Observation.{name}", "min": 1} for name in ("method", "note"))
FIRST, SECOND = named("first", CODED, kind="Observation"), named("second", NOTED, kind="Observation")


def test_slices_by_the_type_of_what_is_referred_to() -> None:
    sliced = members("type", ("answers", CORE + "QuestionnaireResponse"), rules="closed")
    response = {"resourceType": "QuestionnaireResponse", "id": "r", "status": "completed"}
    one = observed("a", "QuestionnaireResponse/r", meta={"profile": [URL]})
    other = observed("a", "Observation/b", meta={"profile": [URL]})
    assert told(bundle(one, response), sliced, profiles=()) == set()
    assert told(one, sliced, profiles=()) == set()  # its URL says the type
    found = {code for code, _ in told(bundle(other, observed("b")), sliced, profiles=())}
    assert found == {"validate-slice-none", "validate-required"}


def test_slices_by_the_profile_of_what_is_referred_to() -> None:
    sliced = members("profile", ("first", HOME + "first"), ("second", HOME + "second"), rules="closed")
    whole = bundle(
        observed("a", "Observation/b", "Observation/c", meta={"profile": [URL]}),
        observed("b", note=[{"text": "x"}]),
        observed("c", method={"text": "x"}),
    )
    assert told(whole, sliced, FIRST, SECOND, profiles=()) == set()


@pytest.mark.parametrize("reference", ["Observation/elsewhere", "https://ehr.example/opaque"])
def test_what_is_referred_to_and_not_here_cannot_be_told_apart(reference: str) -> None:
    sliced = members("profile", ("first", HOME + "first"), rules="closed")
    found = told(observed("a", reference), sliced, FIRST)
    assert found == {("validate-unchecked-slice", "Observation.hasMember")}


def test_profiles_that_lead_in_circles_end() -> None:
    sliced = members("profile", ("again", URL))
    sliced["differential"]["element"][-1] |= {"min": 0}
    chain = [
        observed(f"o{n}", f"Observation/o{n + 1}", f"Observation/o{n + 1}", meta={"profile": [URL]}) for n in range(30)
    ]
    whole = bundle(*chain, observed("o30", "Observation/o0", meta={"profile": [URL]}))
    assert {code for code, _ in told(whole, sliced, profiles=())} <= {"validate-too-many", "validate-unchecked-slice"}
    itself = observed("a", "Observation/a", meta={"profile": [URL]})
    assert told(bundle(itself), sliced, profiles=()) == set()


def test_slices_of_a_list_by_the_form_of_a_choice_within() -> None:
    slicing = {"discriminator": [{"type": "type", "path": "value"}], "rules": "closed"}
    component = "Observation.component"
    sliced = profile(
        {"path": component, "slicing": slicing},
        {"id": component + ":q", "path": component, "sliceName": "q", "min": 1},
        {"id": component + ":q.value[x]", "path": component + ".value[x]", "type": [{"code": "Quantity"}]},
        kind="Observation",
    )
    right = {**OBSERVED, "component": [{"code": {"text": "x"}, "valueQuantity": {"value": 1}}]}
    wrong = {**OBSERVED, "component": [{"code": {"text": "x"}, "valueString": "x"}]}
    assert told(right, sliced) == set()
    assert {code for code, _ in told(wrong, sliced)} >= {"validate-slice-none", "validate-required"}


def test_a_choice_sliced_by_what_it_says() -> None:
    value = "Observation.value[x]"
    sliced = profile(
        {"path": value, "slicing": {"discriminator": [{"type": "value", "path": "coding.system"}], "rules": "open"}},
        {"id": value + ":a", "path": value, "sliceName": "a", "type": [{"code": "CodeableConcept"}]},
        {"id": value + ":a.coding.system", "path": value + ".coding.system", "fixedUri": "urn:a"},
        {"id": value + ":a.text", "path": value + ".text", "min": 1},
        kind="Observation",
    )
    for system, wrong in (("urn:b", False), ("urn:a", True)):
        found = told({**OBSERVED, "valueCodeableConcept": {"coding": [{"system": system, "code": "x"}]}}, sliced)
        assert bool(found) is wrong


def test_elements_of_a_resource_within_are_held_to_what_a_profile_says_of_them() -> None:
    whole = profile({"path": "Bundle.entry.resource.birthDate", "min": 1}, kind="Bundle")
    whole["differential"]["element"].insert(
        1, {"id": "Bundle.entry.resource", "path": "Bundle.entry.resource", "type": [{"code": "Patient"}]}
    )
    assert told(bundle(patient(id="a", birthDate="1984")), whole) == set()
    assert told(bundle(patient(id="a")), whole) == {("validate-required", "Bundle.entry[0].resource")}


def test_two_profiles_of_which_one_says_the_type_of_a_resource_within() -> None:
    typed = named("typed", {"path": "Bundle.entry.resource", "type": [{"code": "Patient"}]}, kind="Bundle")
    other = named("plain", {"path": "Bundle.entry", "min": 1}, kind="Bundle")
    both = (HOME + "typed", HOME + "plain")
    assert told(bundle(patient(id="a")), typed, other, profiles=both) == set()
    assert told(bundle(observed("a")), typed, other, profiles=both) == {
        ("validate-type-not-allowed", "Bundle.entry[0].resource")
    }


def test_a_profile_of_a_resource_within_that_is_not_at_hand_is_said_not_to_be_checked() -> None:
    typed = {
        "path": "Bundle.entry.resource",
        "type": [{"code": "Patient", "profile": [HOME + "nobody-has", HOME + "nor"]}],
    }
    found = told(bundle(patient(id="a")), profile(typed, kind="Bundle"))
    assert {code for code, _ in found} == set()
    report = Validator(resources=[profile(typed, kind="Bundle")]).validate(bundle(patient(id="a")), [URL])
    assert "validate-unchecked-profile" in {one.code for one in report.not_checked}


@pytest.mark.parametrize("name", ["Resource", "DomainResource"])
def test_what_every_resource_follows_may_be_claimed(name: str) -> None:
    assert told(patient(active=True, meta={"profile": [CORE + name]}), profiles=(CORE + name,)) == set()


def test_the_type_that_a_target_is_of_says_which_profiles_count() -> None:
    linked = profile(leads("Patient.link.other", HOME + "born", CORE + "RelatedPerson"))
    born = named("born", {"path": "Patient.birthDate", "min": 1})
    link = {"link": [{"type": "seealso", "other": {"reference": "Patient/b"}}], "meta": {"profile": [URL]}}
    right, wrong = (bundle(patient(id="a", **link), patient(id="b", **more)) for more in ({"birthDate": "1984"}, {}))
    assert told(right, linked, born, profiles=()) == set()
    assert {code for code, _ in told(wrong, linked, born, profiles=())} == {"validate-reference-profile"}


def test_another_profiles_demand_is_not_told_of_the_reference() -> None:
    linked = profile(leads("Patient.link.other", HOME + "born"))
    born, photo = (
        named("born", {"path": "Patient.birthDate", "min": 1}),
        named("photo", {"path": "Patient.photo", "min": 1}),
    )
    link = {"link": [{"type": "seealso", "other": {"reference": "Patient/b"}}], "meta": {"profile": [URL]}}
    other = patient(id="b", birthDate="1984", meta={"profile": [HOME + "photo"]})
    found = told(bundle(patient(id="a", **link), other), linked, born, photo, profiles=())
    assert found == {("validate-required", "Bundle.entry[1].resource")}


def test_what_a_closed_slicing_refuses_a_profile_on_it_refuses_too() -> None:
    slicing = {"discriminator": [{"type": "value", "path": "system"}], "rules": "closed"}
    base = profile(
        {"path": "Patient.telecom", "slicing": slicing},
        {"id": "Patient.telecom:a", "path": "Patient.telecom", "sliceName": "a"},
        {"id": "Patient.telecom:a.system", "path": "Patient.telecom.system", "fixedCode": "phone"},
        url=HOME + "closed",
    )
    open_again = profile({"path": "Patient.telecom", "slicing": {**slicing, "rules": "open"}})
    open_again["baseDefinition"] = HOME + "closed"
    assert ("validate-slice-none", "Patient.telecom[0]") in told(patient(telecom=[{"system": "fax"}]), base, open_again)


@pytest.mark.parametrize(("element", "held"), [
    ({"path": "Patient.birthDate", "max": "0"}, {"_birthDate": {"id": "x"}}),
    ({"path": "Patient.name.given", "max": "1"}, {"name": [{"_given": [{"id": "x"}, {"id": "y"}]}]}),
])  # fmt: skip
def test_what_has_extensions_alone_counts(element: Json, held: Json) -> None:
    assert "validate-too-many" in {code for code, _ in told(patient(**held), profile(element))}


def test_r4s_own_rules_count_alone_where_a_profile_asks_for_more_of_the_same() -> None:
    narrow = profile(leads("Observation.subject", CORE + "Patient"), kind="Observation")
    wrong = {**OBSERVED, "subject": {"reference": "Medication/1"}}
    assert told(wrong, narrow, rules=["base"]) == {("validate-reference-type", "Observation.subject")}
    assert told({**OBSERVED, "subject": {"reference": "Group/1"}}, narrow, rules=["base"]) == set()


@pytest.mark.parametrize("text", ["2020T10:00:00Z", "2020-01T10:00:00Z", "2020T23:59:00Z"])
def test_a_time_stands_on_a_whole_day(text: str) -> None:
    found = told({**OBSERVED, "effectiveDateTime": text}, profiles=())
    assert found == {("validate-primitive", "Observation.effective.ofType(dateTime)")}
