"""Legal status over time: what it is said to be, when it holds, and what UK Core's Encounter can say of it."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import from_bundle, to_bundle
from fhir_mh.errors import InvalidResource
from fhir_mh.packages.definitions import Definitions
from fhir_mh.profiles.legal import _ENGLAND, ON_ENCOUNTER
from fhir_mh.records import CareRecord
from fhir_mh.records.legal import DETAINED, cautions_of, detained, in_force
from fhir_mh.records.trees import record_of
from fhir_mh.records.wishes import CAUTION
from fhir_mh.validation import Validator

DETENTIONS = [f"{n:02}" for n in (*range(2, 11), *range(12, 21), 31, 32, 37, 38)]
KIND_OF = {"01": "informal", **dict.fromkeys(DETENTIONS, "detained"), "35": "guardianship", "36": "guardianship",
           "98": "other", "99": "unknown"}  # fmt: skip


def tree(*statuses: dict[str, Any], **lists: Any) -> dict[str, Any]:
    held = [{"id": f"s{n}", **status} for n, status in enumerate(statuses)]
    return {"schema_version": "1", "person": {"id": "p", "birth_date": "1984-02-03"}, "legal_statuses": held, **lists}


@pytest.mark.parametrize("code", sorted(KIND_OF))
@pytest.mark.parametrize("kind", sorted({*KIND_OF.values(), "community-treatment-order", "conditional-discharge"}))
def test_kind_and_code_agree_in_the_record_and_in_fhir(kind: str, code: str) -> None:
    made = tree({"kind": kind, "classification": code})
    if kind == KIND_OF[code]:
        assert from_bundle(to_bundle(record_of(made))) == record_of(made)
        return
    with pytest.raises(InvalidResource) as refused:
        record_of(made)
    assert [(found.code, found.path) for found in refused.value.issues] == [("map-invalid-record", "legal_statuses[0]")]


@pytest.mark.parametrize("code", sorted(KIND_OF))
def test_the_profile_holds_to_the_same_list(code: str, validator: Validator) -> None:
    right = to_bundle(record_of(tree({"kind": KIND_OF[code], "classification": code})))
    assert not [found for found in validator.validate(right).issues if found.severity == "error"]
    (flag,) = [e["resource"] for e in right["entry"] if e["resource"]["resourceType"] == "Flag"]
    flag["code"]["coding"][0]["code"] = "community-treatment-order"
    assert any("mh-legal-kind" in found.message for found in validator.validate(right).issues)


def test_every_code_of_england_is_known_and_no_other() -> None:
    facts = Definitions().code_system(_ENGLAND)
    assert facts is not None
    assert set(facts["concept"]) == set(KIND_OF)


def test_a_code_of_wales_is_kept_and_read_as_nothing() -> None:
    bundle = to_bundle(record_of(tree({"kind": "community-treatment-order"})))
    (flag,) = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Flag"]
    wales = "https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationWales"
    flag["code"]["coding"].append({"system": wales, "code": "35"})
    record = from_bundle(bundle)
    assert (record.legal_statuses[0].kind, record.legal_statuses[0].classification) == (
        "community-treatment-order",
        None,
    )
    assert to_bundle(record) == bundle


def test_it_outlives_the_stay_and_needs_none() -> None:
    order = {"kind": "conditional-discharge", "section": "42", "period": {"start": "2026-03-01"}}
    record = record_of(tree(order))
    assert (record.stays, record.placements) == ([], [])
    assert from_bundle(to_bundle(record)).legal_statuses == record.legal_statuses


IN_FORCE = [
    ({}, "2026-03-01", True),
    ({"start": "2026-03-01"}, "2026-03-01T08:00:00Z", True),
    ({"start": "2026-03-02"}, "2026-03-01T23:00:00Z", False),
    ({"start": "2026", "end": "2026-03-01"}, "2026-03-01T23:00:00Z", True),
    ({"start": "2026", "end": "2026-03-01"}, "2026-03-02", False),
    ({"end": "2026-03"}, "2026-03-31", True),
]


@pytest.mark.parametrize(("period", "moment", "held"), IN_FORCE)
def test_a_status_holds_from_its_first_day_to_its_last(period: dict[str, str], moment: str, held: bool) -> None:
    assert in_force({"period": period}, moment) is held


@pytest.mark.parametrize(
    ("status", "is_detained"),
    [
        ({"kind": "detained", "period": {"start": "2026-02-24"}}, True),
        ({"kind": "detained", "period": {"start": "2026-02-24", "end": "2026-02-28"}}, False),
        ({"kind": "detained", "status": "inactive"}, False),
        ({"kind": "detained", "status": "entered-in-error"}, False),
        ({"kind": "community-treatment-order"}, False),
        ({"kind": "guardianship", "classification": "35"}, False),
        ({"kind": "informal"}, False),
    ],
)
def test_a_refusal_is_shown_with_the_act_only_while_the_person_is_detained(
    status: dict[str, Any], is_detained: bool
) -> None:
    held = tree(status, refusals=[{"id": "in-force"}, {"id": "gone", "status": "inactive"}])
    assert detained(held, "2026-03-01T12:00:00Z") is is_detained
    (caution,) = cautions_of(held, "2026-03-01T12:00:00Z")
    assert caution.refusal == "in-force"
    assert caution.text == f"{CAUTION}." + (DETAINED if is_detained else "")


STAY = {"id": "stay", "period": {"start": "2026-02-24T15:00:00Z", "end": "2026-06-30"}}
SECTION_2 = {"kind": "detained", "classification": "02", "period": {"start": "2026-02-24", "end": "2026-03-20"}}
SECTION_3 = {"kind": "detained", "classification": "03", "period": {"start": "2026-03-20", "end": "2026-06-30"}}
ORDER = {"kind": "community-treatment-order", "period": {"start": "2026-06-30"}}
VOID = {"kind": "informal", "classification": "01", "status": "entered-in-error", "period": {"start": "2026-02-24"}}


def on_encounter(record: CareRecord) -> list[tuple[str, str]]:
    bundle = to_bundle(record, legal_status_on_encounters=True)
    assert not [found for found in Validator().validate(bundle).issues if found.severity == "error"]
    (stay,) = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Encounter"]
    found = [one["extension"] for one in stay.get("extension", ()) if one["url"] == ON_ENCOUNTER]
    return [tuple(part["valueCodeableConcept"]["coding"][0]["code"] for part in parts) for parts in found]  # type: ignore[misc]


def test_an_encounter_says_the_status_at_admission_and_discharge_where_it_is_asked_for() -> None:
    record = record_of(tree(SECTION_2, SECTION_3, ORDER, VOID, stays=[STAY]))
    assert on_encounter(record) == [("admission", "02"), ("discharge", "03")]
    assert ON_ENCOUNTER not in str(to_bundle(record))


def test_a_stay_that_has_not_ended_says_no_discharge_and_an_order_has_no_code() -> None:
    going_on = {"id": "stay", "period": {"start": "2026-02-24"}}
    assert on_encounter(record_of(tree(SECTION_2, stays=[going_on]))) == [("admission", "02")]
    assert on_encounter(record_of(tree({**ORDER, "period": {"start": "2026-01-01"}}, stays=[going_on]))) == []


def test_what_is_derived_takes_the_place_of_what_came_with_the_stay() -> None:
    derived = from_bundle(to_bundle(record_of(tree(SECTION_2, stays=[STAY])), legal_status_on_encounters=True))
    derived.legal_statuses[0].classification = "04"
    assert on_encounter(derived) == [("admission", "04")]
