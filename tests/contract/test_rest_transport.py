"""What HTTP itself asks: HEAD, compression, and where in a text a fault stands."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest

from fhir_mh.api.app import LARGE
from tests.contract.rest_caller import FHIR, NHS, NUMBER, Caller, plan, refused

LINE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"
COLUMN = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col"
PERSON = {"person": {"nhs_number": NUMBER}, "goals": [{"id": "g", "status": "active", "description": "To sleep"}]}


# --- HEAD


@pytest.mark.parametrize(
    "url", ["/fhir/Patient/{id}", "/fhir/Patient", "/fhir/metadata", "/docs", "/openapi.json", "/fhir/Patient/none"]
)
def test_head_is_get_without_the_body(caller: Caller, url: str) -> None:
    url = url.replace("{id}", caller.patient())
    get, head = caller("GET", url), caller("HEAD", url)
    assert head.content == b""
    assert (head.status_code, dict(head.headers)) == (get.status_code, dict(get.headers))


def test_head_of_a_record_says_its_version(caller: Caller) -> None:
    name = caller("POST", "/records", PERSON).json()["id"]
    head = caller("HEAD", f"/records/{name}")
    assert (head.status_code, head.headers["etag"], head.content) == (200, 'W/"1"', b"")


def test_what_takes_no_get_takes_no_head(caller: Caller) -> None:
    assert caller("HEAD", "/fhir").status_code == 405
    assert "HEAD" in caller("DELETE", "/fhir/Patient/x").headers["allow"]


# --- compression


def large(call: Caller) -> str:
    patient = call.patient()
    activity = {"detail": {"status": "in-progress", "description": "A walk with my sister. " * 8}}
    made = call("POST", "/fhir/CarePlan", plan(patient, activity=[activity] * 60))
    assert made.status_code == 201, made.text
    assert len(made.content) > LARGE
    return f"/fhir/CarePlan/{made.json()['id']}"


def raw(call: Caller, url: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer and its bytes as they travelled."""

    async def ask() -> tuple[httpx.Response, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with call.client.stream("GET", url, headers=named) as answer:
            return answer, b"".join([chunk async for chunk in answer.aiter_raw()])

    return call._loop.run_until_complete(ask())


def test_a_large_answer_is_compressed_for_who_takes_it(caller: Caller) -> None:
    url = large(caller)
    plain, text = raw(caller, url, accept_encoding="identity")
    packed, squeezed = raw(caller, url, accept_encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert gzip.decompress(squeezed) == text
    assert len(squeezed) < len(text) / 5
    assert packed.headers["etag"] == plain.headers["etag"]


def test_a_small_answer_is_not(caller: Caller) -> None:
    answer, _ = raw(caller, f"/fhir/Patient/{caller.patient()}", accept_encoding="gzip")
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("url", ["/fhir/Patient", "/records", "/records/find", "/fhir", "/sync/v1/messages"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
def test_a_compressed_body_is_refused(caller: Caller, url: str, encoding: str) -> None:
    answer = caller("POST", url, gzip.compress(b'{"resourceType":"Patient"}'), content_encoding=encoding)
    refused(answer, 415, "rest-content-encoding", "http.content-encoding")
    assert answer.headers["accept-encoding"] == "identity"
    assert caller("GET", "/fhir/Patient").json()["total"] == 0


# --- places in the text


def where(answer: httpx.Response, code: str) -> tuple[str, int | None, int | None]:
    """The place, line and column of the finding of this code."""
    for one in answer.json()["issue"]:
        if one["details"]["coding"][0]["code"] == code:
            at = {entry["url"]: entry["valueInteger"] for entry in one.get("extension", ())}
            return one["expression"][0], at.get(LINE), at.get(COLUMN)
    raise AssertionError(answer.text)


PATIENT = b"""{
  "resourceType": "Patient",
  "gender": "somebody",
  "_birthDate": {"extension": [{"url": "urn:example:x", "valueDate": "soon"}]},
  "deceasedDateTime": "later",
  "contact": [
    {}, {"gender": 7}
  ]
}"""


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ("Patient.gender", 3, 13),
        ("Patient.birthDate.extension[0].value.ofType(date)", 4, 70),
        ("Patient.deceased.ofType(dateTime)", 5, 23),
        ("Patient.contact[1].gender", 7, 20),
    ],
)
def test_a_fault_of_a_resource_says_line_and_column(caller: Caller, path: str, line: int, column: int) -> None:
    answer = caller("POST", "/fhir/Patient", PATIENT)
    assert answer.status_code == 422, answer.text
    places = {
        one["expression"][0]: [entry["valueInteger"] for entry in one["extension"]] for one in answer.json()["issue"]
    }
    assert places[path] == [line, column]
    assert caller("GET", "/fhir/Patient").json()["total"] == 0


def test_so_does_one_in_an_entry_of_a_bundle(caller: Caller) -> None:
    body = b"""{"resourceType": "Bundle", "type": "%s", "entry": [
  {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
  {"resource": {"resourceType": "Patient",
                "gender": "somebody"}, "request": {"method": "POST", "url": "Patient"}}
]}"""
    answer = caller("POST", "/fhir", body % b"transaction")
    assert answer.status_code == 422
    assert where(answer, "validate-binding") == ("Bundle.entry[1].resource.gender", 4, 27)
    assert caller("GET", "/fhir/Patient").json()["total"] == 0
    second = caller("POST", "/fhir", body % b"batch").json()["entry"][1]["response"]
    assert [entry["valueInteger"] for entry in second["outcome"]["issue"][0]["extension"]] == [4, 27]


def test_so_does_one_in_an_update(caller: Caller) -> None:
    name = caller.patient()
    body = b'{"resourceType": "Patient",\n "id": "%s",\n "gender": "x"}' % name.encode()
    assert where(caller("PUT", f"/fhir/Patient/{name}", body), "validate-binding") == ("Patient.gender", 3, 12)
    answer = caller("PUT", "/fhir/Patient/other", body)
    assert where(answer, "rest-id-differs") == ("Patient.id", 2, 8)


@pytest.mark.parametrize(
    ("body", "code", "place", "line", "column"),
    [
        (b'{"person": {\n  "nickname": 1}}', "map-unknown-field", "person.nickname", 2, 15),
        (b'{"person": {},\n "goals": [{"description": ["x"]}]}', "map-invalid-record", "goals[0].description", 2, 28),
        (b'{"goals": []}', "map-no-person", "person", 1, 1),
        (b'{"person": {"nhs_number": "9990000019"}}', "map-invalid-record", "person.nhs_number", 1, 27),
    ],
)
def test_so_does_one_in_a_record(caller: Caller, body: bytes, code: str, place: str, line: int, column: int) -> None:
    answer = caller("POST", "/records", body)
    assert answer.status_code == 422, answer.text
    assert where(answer, code) == (place, line, column)


def test_what_is_about_no_place_in_the_text_has_no_line(caller: Caller) -> None:
    answer = caller("POST", "/fhir/Patient", b"{}", content_type="text/plain")
    assert where(answer, "rest-media-type") == ("http.content-type", None, None)


def test_reading_and_writing_speak_fhir(caller: Caller) -> None:
    identifier: Any = [{"system": NHS, "value": NUMBER}]
    made = caller("POST", "/fhir/Patient", {"resourceType": "Patient", "identifier": identifier})
    assert made.headers["content-type"] == FHIR


# --- what a format cannot say


def test_a_file_that_cannot_say_all_leads_to_what_is_missing(caller: Caller) -> None:
    name = caller("POST", "/records", {**PERSON, "care_plans": [{"title": "Care plan"}]}).json()["id"]
    file = caller("GET", f"/records/{name}?format=out-of-area-csv")
    assert file.status_code == 200, file.text
    address = file.headers["link"].split(">")[0].removeprefix("<")
    assert 'rel="describedby"' in file.headers["link"]
    told = caller("GET", address).json()
    assert (told["id"], told["version"], told["format"]) == (name, 1, "out-of-area-csv")
    assert {loss["what"] for loss in told["losses"]}
    assert "care_plans[].version" in {loss["path"] for loss in told["losses"]}
    assert "To sleep" not in str(told)


def test_a_file_that_says_all_has_no_such_link(caller: Caller) -> None:
    name = caller("POST", "/records", {"person": {"nhs_number": NUMBER}}).json()["id"]
    assert caller("GET", f"/records/{name}/losses?format=community-trust").json()["losses"] == []
    assert "link" not in caller("GET", f"/records/{name}?format=community-trust").headers


@pytest.mark.parametrize("query", ["", "?format=none", "?format=../secrets"])
def test_losses_are_those_of_a_format_that_is_known(caller: Caller, query: str) -> None:
    name = caller("POST", "/records", {"person": {"nhs_number": NUMBER}}).json()["id"]
    refused(caller("GET", f"/records/{name}/losses{query}"), 400, "rest-unknown-format", "http.format")
