"""What FHIR says of a person, and of those around them, in ways that a record must not misread."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import from_bundle, to_bundle
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.urls import EXTENSION
from fhir_mh.records import CareRecord

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


def bundle(**patient: Any) -> dict[str, Any]:
    resource = {"resourceType": "Patient", "id": "p", "birthDate": "1984-02-03", **patient}
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]}


def labelled(*codes: str) -> dict[str, Any]:
    return bundle(meta={"security": [{"system": CONFIDENTIALITY, "code": code} for code in codes]})


@pytest.mark.parametrize(("code", "said"), [("N", "normal"), ("R", "restricted"), ("V", "very-restricted")])
def test_the_security_label_is_the_confidentiality(code: str, said: str) -> None:
    record = from_bundle(labelled(code))
    assert record.person.confidentiality == said
    assert to_bundle(record) == labelled(code)


def test_a_label_that_the_record_has_no_word_for_is_kept_and_says_nothing() -> None:
    record = from_bundle(labelled("U", "R"))
    assert record.person.confidentiality == "restricted"
    assert to_bundle(record) == labelled("U", "R")
    assert from_bundle(labelled("U")).person.confidentiality is None


def test_another_confidentiality_leaves_other_labels_where_they_are() -> None:
    record = from_bundle(labelled("U", "R"))
    record.person.confidentiality = "very-restricted"
    assert to_bundle(record) == labelled("U", "V")


def test_the_language_to_use_is_one_of_those_the_person_has() -> None:
    tag = {"system": "urn:ietf:bcp:47", "code": "cy"}
    came = bundle(communication=[
        {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}},
        {"language": {"coding": [tag]}, "preferred": True},
    ])  # fmt: skip
    record = from_bundle(came)
    assert [language.preferred for language in record.person.languages] == [None, True]
    assert to_bundle(record) == came


def test_a_death_status_that_is_not_in_the_national_list_is_refused_at_its_place() -> None:
    status = {"coding": [{"system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus", "code": "9"}]}
    url = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus"
    parts = [{"url": "deathNotificationStatus", "valueCodeableConcept": status}]
    with pytest.raises(InvalidResource) as refused:
        from_bundle(bundle(extension=[{"url": url, "extension": parts}]))
    (found,) = refused.value.issues
    assert found.code == "map-unknown-code"
    assert found.path == (
        "Bundle.entry[0].resource.extension[0].extension[0].valueCodeableConcept.coding[0].code"
    )  # fmt: skip


def test_a_role_says_since_when_and_on_what_basis() -> None:
    record = CareRecord.model_validate({
        "person": {"birth_date": "1984-02-03"},
        "contacts": [{"id": "c", "roles": [
            {"id": "r1", "kind": "nearest-relative", "period": {"start": "2024", "end": "2026-01-05"}},
            {"id": "r2", "kind": "nominated-person", "period": {"start": "2026-01-05"}, "basis": "Named by the person"},
        ]}],
    })  # fmt: skip
    (contact,) = [e["resource"] for e in to_bundle(record)["entry"] if e["resource"]["resourceType"] == "RelatedPerson"]
    assert [one["id"] for one in contact["extension"] if one["url"] == EXTENSION + "contact-role"] == ["r1", "r2"]
    assert from_bundle(to_bundle(record)) == record


def test_somebody_elses_flag_is_no_support_need() -> None:
    came = bundle()
    flag = {"resourceType": "Flag", "id": "f", "status": "active", "code": {"text": "Falls"}, "subject": {
        "reference": "Patient/p"}}  # fmt: skip
    came["entry"].append({"resource": flag})
    record = from_bundle(came)
    assert record.support_needs == []
    assert to_bundle(record) == came
