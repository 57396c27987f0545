"""What another organisation is told: of a record what /fhir shows, and of strangers not even that they are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fhir_mh.settings import load
from tests.contract.rest_caller import NUMBER, Caller, calling, plan, refused, sharing_rule
from tests.databases import sqlite_database
from tests.unit.gateway.pair import person_with_a_plan

OWN, WARD, STRANGER = ({"authorization": f"Bearer {name}-{'x' * 40}"} for name in ("own", "ward", "stranger"))
UNLIKE = [{"url": "https://x.example/not", "valueBoolean": True}]


@pytest.fixture
def held() -> Iterator[Caller]:
    """A gateway that holds somebody who is placed at ZOA1, asked by that organisation and by one that has no part."""
    clients = [
        {"token": told["authorization"].removeprefix("Bearer "), "organisation": ods, "role": "clinician"}
        for told, ods in ((OWN, "ZCT1"), (WARD, "ZOA1"), (STRANGER, "ZXX9"))
    ]
    with sqlite_database() as address, calling(load(store=address, ods="ZCT1", name="Trust", clients=clients)) as call:
        made = call("POST", "/records", person_with_a_plan(), **OWN)
        assert made.status_code == 201, made.text
        yield call


def patient_of(held: Caller) -> str:
    found = held("GET", "/fhir/Patient", **OWN).json()["entry"][0]["resource"]["id"]
    return str(found)


def record_of(held: Caller) -> str:
    return str(held("POST", "/records/find", {"nhs_number": NUMBER}, **OWN).json()["id"])


def kept(held: Caller, body: dict[str, Any]) -> str:
    """The id under which this organisation keeps a resource."""
    made = held("POST", f"/fhir/{body['resourceType']}", body, **OWN)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


# --- records are made of what /fhir shows


def test_records_name_what_is_withheld_as_little_as_fhir_does(held: Caller) -> None:
    patient, record = patient_of(held), record_of(held)
    withheld = f"Consent/{kept(held, sharing_rule(patient))}"
    kept(held, plan(patient, title="Beside", supportingInfo=[{"reference": withheld, "display": "What was decided"}]))
    for method, url, body in (("GET", f"/records/{record}", None), ("POST", "/records/find", {"nhs_number": NUMBER})):
        own, answer = held(method, url, body, **OWN), held(method, url, body, **WARD)
        assert answer.status_code == 200, answer.text
        assert "What was decided" in own.text
        assert withheld in own.text
        assert "Beside" in answer.text
        assert "What was decided" not in answer.text
        assert withheld not in answer.text


def test_what_fhir_shows_nobody_else_is_in_no_record_and_in_no_currency(held: Caller) -> None:
    patient, record = patient_of(held), record_of(held)
    subject = {"subject": {"reference": f"Patient/{patient}"}, "modifierExtension": UNLIKE}
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "Not so"}, **subject}
    unlike = [f"Goal/{kept(held, goal)}", f"CarePlan/{kept(held, plan(patient, title='Unlike', **subject))}"]
    for address in unlike:
        refused(held("GET", f"/fhir/{address}", **WARD), 403, "consent-not-shared")
    for url in (f"/records/{record}", f"/records/{record}/currency", f"/fhir/Patient/{patient}/$currency"):
        own, answer = held("GET", url, **OWN), held("GET", url, **WARD)
        assert answer.status_code == 200, answer.text
        assert unlike[1].partition("/")[2] in own.text
        for address in unlike:
            assert address.partition("/")[2] not in answer.text
        assert "Unlike" not in answer.text
        assert "Not so" not in answer.text
    seen, whole = (held("GET", f"/records/{record}", **who).json() for who in (WARD, OWN))
    assert len(seen["plans"]) == len(whole["plans"]) - 1
    assert [one["same"] for one in seen["plans"]] == [True, True]


def test_the_record_of_somebody_whose_patient_is_not_shown_is_not_shown(held: Caller) -> None:
    patient, record = patient_of(held), record_of(held)
    body = held("GET", f"/fhir/Patient/{patient}", **OWN).json()
    assert held("PUT", f"/fhir/Patient/{patient}", {**body, "modifierExtension": UNLIKE}, **OWN).status_code == 200
    refused(held("GET", f"/records/{record}", **WARD), 403, "consent-not-shared")
    refused(held("GET", f"/records/{record}/currency", **WARD), 403, "consent-not-shared")


# --- whoever has no part in somebody's care is answered as if the person were not known here

UNKNOWN = "9990000034"


def told(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def test_a_stranger_cannot_tell_a_known_nhs_number_from_an_unknown_one(held: Caller) -> None:
    known, unknown = (held("POST", "/records/find", {"nhs_number": one}, **STRANGER) for one in (NUMBER, UNKNOWN))
    refused(known, 404, "rest-unknown-person")
    assert told(known) == told(unknown)


@pytest.mark.parametrize("kind", ["Patient", "CarePlan", "Consent"])
def test_a_stranger_cannot_tell_what_is_held_from_what_is_not(held: Caller, kind: str) -> None:
    name = held("GET", f"/fhir/{kind}", **OWN).json()["entry"][0]["resource"]["id"]
    for rest in ("", "/_history", "/_history/1"):
        known, unknown = (held("GET", f"/fhir/{kind}/{one}{rest}", **STRANGER) for one in (name, "nobody"))
        refused(known, 404, "store-not-found", kind)
        assert told(known) == told(unknown)


WAYS = [
    "/records/{record}",
    "/records/{record}/currency",
    "/records/{record}/placements",
    "/fhir/Patient/{patient}/$everything",
    "/fhir/Patient/{patient}/$currency",
]


@pytest.mark.parametrize("url", WAYS)
def test_a_stranger_cannot_tell_who_is_known_by_any_other_way_to_a_person(held: Caller, url: str) -> None:
    names = {"record": record_of(held), "patient": patient_of(held)}
    known = held("GET", url.format(**names), **STRANGER)
    assert known.status_code == 404
    assert told(known) == told(held("GET", url.format(record="nobody", patient="nobody"), **STRANGER))


def test_who_has_a_part_and_sees_nothing_is_told_why(held: Caller) -> None:
    patient, record = patient_of(held), record_of(held)
    denied = {
        **sharing_rule(patient),
        "policyRule": {"coding": [{**sharing_rule(patient)["policyRule"]["coding"][0], "code": "OPTOUT"}]},
    }
    kept(held, {**denied, "provision": {"type": "deny"}})
    refused(held("GET", f"/records/{record}", **WARD), 403, "consent-denied", "id")
    refused(held("POST", "/records/find", {"nhs_number": NUMBER}, **WARD), 403, "consent-denied", "nhs_number")
    refused(held("GET", f"/fhir/Patient/{patient}/$everything", **WARD), 403, "consent-denied", "Patient")
    refused(held("GET", f"/fhir/Patient/{patient}", **WARD), 403, "consent-not-shared", "Patient")
    refused(held("GET", f"/fhir/Patient/{patient}/_history", **WARD), 403, "consent-not-shared", "Patient")


# --- searches


def pages(held: Caller, url: str, who: dict[str, str]) -> list[list[str]]:
    """The ids on each page, to the last."""
    found = []
    following: str | None = url
    while following is not None:
        bundle = held("GET", following, **who).json()
        assert "total" not in bundle
        found.append([entry["resource"]["id"] for entry in bundle.get("entry", [])])
        following = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
    return found


def searched(held: Caller, kind: str, form: str) -> Any:
    sent = held(
        "POST", f"/fhir/{kind}/_search", form.encode(), content_type="application/x-www-form-urlencoded", **STRANGER
    )
    assert sent.status_code == 200, sent.text
    return {name: value for name, value in sent.json().items() if name not in ("id", "meta")}


@pytest.mark.parametrize("kind", ["CarePlan", "Consent", "Patient"])
def test_no_page_follows_for_who_sees_nothing(held: Caller, kind: str) -> None:
    patient = patient_of(held)
    for _ in "123":
        kept(held, plan(patient))
    of_person = (
        f"/fhir/{kind}?_id={patient}&_count=1" if kind == "Patient" else f"/fhir/{kind}?patient={patient}&_count=1"
    )
    assert pages(held, of_person, STRANGER) == [[]]
    assert pages(held, f"/fhir/{kind}?_count=1", STRANGER) == [[]]


def test_a_stranger_learns_nothing_from_a_search_by_nhs_number_or_by_patient(held: Caller) -> None:
    number = {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NUMBER}
    kept(held, {"resourceType": "Patient", "identifier": [number]})
    for count in (0, 1, 50):
        known, unknown = (
            searched(held, "Patient", f"identifier={number['system']}%7C{one}&_count={count}")
            for one in (NUMBER, UNKNOWN)
        )
        assert known == unknown
        known, unknown = (
            searched(held, "CarePlan", f"patient={one}&_count={count}") for one in (patient_of(held), "x")
        )
        assert known == unknown


def test_pages_hold_what_is_seen_in_order_and_a_next_only_where_something_seen_follows(held: Caller) -> None:
    patient = patient_of(held)
    whole = [entry["resource"]["id"] for entry in held("GET", "/fhir/CarePlan", **OWN).json()["entry"]]
    for number in range(6):
        made = kept(held, plan(patient, **({"modifierExtension": UNLIKE} if number % 2 else {})))
        whole += [] if number % 2 else [made]
    for address in (f"/fhir/CarePlan?patient={patient}", "/fhir/CarePlan?_lastUpdated=ge2001"):
        for size in (1, 2, len(whole), 200):
            each = [whole[start : start + size] for start in range(0, len(whole), size)]
            assert pages(held, f"{address}&_count={size}", WARD) == each


def test_a_search_that_names_nobody_looks_through_a_part_at_a_time(
    held: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_mh.gateway.searching._LOOKED_THROUGH", 2)
    monkeypatch.setattr("fhir_mh.gateway.searching._PAGE", 2)
    patient = patient_of(held)
    names = [kept(held, plan(patient, **({} if number == 4 else {"modifierExtension": UNLIKE}))) for number in range(5)]
    found = pages(held, "/fhir/CarePlan?_lastUpdated=ge2001", WARD)
    assert [] in found
    assert found[-1] == names[4:]
    assert names[4:] in pages(held, f"/fhir/CarePlan?patient={patient}&_count=1", WARD)
    assert [] not in pages(held, f"/fhir/CarePlan?patient={patient}&_count=1", WARD)


@pytest.mark.parametrize(
    ("status", "answer"), [("completed", (403, "consent-denied")), ("entered-in-error", (404, "rest-unknown-record"))]
)
def test_who_had_a_part_is_told_why_it_sees_nothing_now(held: Caller, status: str, answer: tuple[int, str]) -> None:
    record = record_of(held)
    version = held("GET", f"/records/{record}", **OWN).headers["etag"]
    said = {"placements": [{"id": "place", "status": status}]}
    ended = held("PUT", f"/records/{record}", said, if_match=version, **OWN)
    assert ended.status_code == 200, ended.text
    refused(held("GET", f"/records/{record}", **WARD), *answer)
