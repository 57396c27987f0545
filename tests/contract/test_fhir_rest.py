"""FHIR REST as callers see it: what is stored is served as it was, and what is refused says why."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from fhir_mh.api.searching import MOST_VALUES
from tests.contract.rest_caller import FHIR, NHS, NUMBER, Caller, plan, refused

# --- one resource


def test_what_is_created_is_read_back_token_for_token(caller_on_each: Caller) -> None:
    call = caller_on_each
    patient = call.patient()
    text = (
        '{"resourceType":"CarePlan","status":"active","intent":"plan","title":"Plan \\u2013 ünï",'
        f'"subject":{{"reference":"Patient/{patient}"}},'
        '"extension":[{"url":"urn:example:dose","valueDecimal":1.50},{"url":"urn:example:big","valueDecimal":1E3}]}'
    )
    made = call("POST", "/fhir/CarePlan", text.encode())
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == 'W/"1"'
    name = made.json()["id"]
    assert made.headers["location"] == f"http://127.0.0.1:8080/fhir/CarePlan/{name}/_history/1"
    assert made.headers["last-modified"].endswith("GMT")
    read = call("GET", f"/fhir/CarePlan/{name}")
    assert read.content == made.content
    assert b'"valueDecimal":1.50' in read.content
    assert b'"valueDecimal":1E3' in read.content
    assert "Plan – ünï" in read.text
    assert read.headers["content-type"] == FHIR
    assert call("GET", f"/fhir/CarePlan/{name}", if_none_match='W/"1"').status_code == 304


def test_an_update_is_a_new_version_and_the_old_one_stays(caller_on_each: Caller) -> None:
    call = caller_on_each
    first = call("POST", "/fhir/CarePlan", plan(call.patient(), title="one")).json()
    url = f"/fhir/CarePlan/{first['id']}"
    second = call("PUT", url, {**first, "title": "two"}, if_match='W/"1"')
    assert (second.status_code, second.headers["etag"]) == (200, 'W/"2"')
    refused(call("PUT", url, {**first, "title": "three"}, if_match='W/"1"'), 412, "store-version-conflict")
    assert call("GET", url).json()["title"] == "two"
    assert call("GET", f"{url}/_history/1").json()["title"] == "one"
    past = call("GET", f"{url}/_history").json()
    assert [entry["resource"]["title"] for entry in past["entry"]] == ["two", "one"]
    assert [entry["request"]["method"] for entry in past["entry"]] == ["PUT", "POST"]


@pytest.mark.parametrize("tag", ["*", 'W/"1", W/"2"', "1", '"one"', 'W/"99999999999999999999"'])
def test_an_if_match_that_names_no_one_version_is_refused(caller: Caller, tag: str) -> None:
    first = caller("POST", "/fhir/CarePlan", plan(caller.patient())).json()
    answer = caller("PUT", f"/fhir/CarePlan/{first['id']}", first, if_match=tag)
    refused(answer, 400, "rest-bad-etag", "http.if-match")


def test_prefer_says_what_a_write_is_answered_with(caller: Caller) -> None:
    body = plan(caller.patient())
    minimal = caller("POST", "/fhir/CarePlan", body, prefer="return=minimal")
    assert (minimal.status_code, minimal.content) == (201, b"")
    assert minimal.headers["location"]
    outcome = caller("POST", "/fhir/CarePlan", body, prefer="return=OperationOutcome")
    assert (outcome.status_code, outcome.json()["resourceType"]) == (201, "OperationOutcome")
    assert caller("POST", "/fhir/CarePlan", body).json()["resourceType"] == "CarePlan"


def test_ids_are_the_servers(caller: Caller) -> None:
    patient = caller.patient()
    made = caller("POST", "/fhir/CarePlan", plan(patient, id="mine")).json()
    assert made["id"] != "mine"
    answer = caller("PUT", "/fhir/CarePlan/mine", plan(patient, id="mine"))
    refused(answer, 405, "rest-no-update-create", "CarePlan")
    refused(caller("PUT", f"/fhir/CarePlan/{made['id']}", plan(patient, id="other")), 400, "rest-id-differs")
    refused(caller("PUT", f"/fhir/CarePlan/{made['id']}", plan(patient)), 400, "rest-id-differs", "CarePlan.id")


@pytest.mark.parametrize(
    ("method", "url", "status", "code"),
    [
        ("GET", "/fhir/CarePlan/none", 404, "store-not-found"),
        ("GET", "/fhir/CarePlan/none/_history", 404, "store-not-found"),
        ("GET", "/fhir/CarePlan/none/_history/1", 404, "store-not-found"),
        ("GET", "/fhir/CarePlan/none/_history/x", 404, "store-not-found"),
        ("GET", "/fhir/CarePlan/none/_history/99999999999999999999", 404, "store-not-found"),
        ("GET", "/fhir/Careplan/none", 404, "rest-unknown-type"),
        ("GET", "/fhir/Resource/none", 404, "rest-unknown-type"),
        ("GET", "/fhir/Bundle/none", 404, "rest-type-not-kept"),
        ("GET", "/fhir/Patient/none/$everything", 404, "store-not-found"),
        ("GET", "/fhir/Patient/none/$nothing", 404, "rest-unknown-path"),
        ("GET", "/nothing", 404, "rest-unknown-path"),
        ("DELETE", "/fhir/CarePlan/none", 405, "rest-method"),
        ("PATCH", "/records/none", 405, "rest-method"),
        ("GET", "/fhir", 405, "rest-method"),
        ("GET", "/fhir/CarePlan/none?_summary=true", 400, "rest-unknown-parameter"),
    ],
)
def test_what_is_not_there_says_so(caller: Caller, method: str, url: str, status: int, code: str) -> None:
    answer = caller(method, url)
    refused(answer, status, code)
    assert (status == 405) == ("allow" in answer.headers)


def test_a_type_that_is_nearly_right_is_guessed(caller: Caller) -> None:
    found = refused(caller("GET", "/fhir/Careplan"), 404, "rest-unknown-type")
    assert "CarePlan" in found["diagnostics"]


# --- what a body must be


@pytest.mark.parametrize(
    ("body", "status", "code", "place", "at"),
    [
        (b'{"resourceType": "CarePlan",\n "status": }', 400, "json-unreadable", None, (2, 12)),
        (
            b'{"resourceType": "CarePlan", "status": "a", "status": "b"}',
            400,
            "json-duplicate-key",
            "CarePlan.status",
            (1, 45),
        ),
        (b'{"resourceType": "CarePlan", "title": "\xe9"}', 400, "json-encoding", None, (1, 40)),
        (b"", 400, "json-unreadable", None, None),
        (b"[]", 400, "json-not-an-object", None, None),
        (b'{"a":' * 300 + b"1" + b"}" * 300, 400, "json-too-deep", None, None),
        (b'{"resourceType": "Patient"}', 400, "rest-type-differs", "resourceType", None),
        (b'{"resourceType": "CarePlan", "intent": "plan"}', 422, "validate-required", None, None),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_its_place(
    caller: Caller, body: bytes, status: int, code: str, place: str | None, at: tuple[int, int] | None
) -> None:
    found = refused(caller("POST", "/fhir/CarePlan", body), status, code, place)
    if at is not None:
        assert tuple(extension["valueInteger"] for extension in found["extension"]) == at


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/fhir+xml",
        "application/json; charset=latin-1",
        "application/fhir+json; fhirVersion=3.0",
        "",
    ],
)
def test_another_media_type_is_refused(caller: Caller, kind: str) -> None:
    refused(caller("POST", "/fhir/Patient", b"{}", content_type=kind), 415, "rest-media-type", "http.content-type")


def test_the_media_types_of_fhir_are_taken(caller: Caller) -> None:
    body = b'{"resourceType":"Patient"}'
    for kind in ("application/json", "application/fhir+json; charset=UTF-8", "application/fhir+json; fhirVersion=4.0"):
        assert caller("POST", "/fhir/Patient", body, content_type=kind).status_code == 201


def test_who_cannot_read_json_is_told(caller: Caller) -> None:
    refused(caller("GET", "/fhir/metadata", accept="application/fhir+xml"), 406, "rest-not-acceptable")
    refused(caller("GET", "/fhir/Patient?_format=xml"), 406, "rest-not-acceptable", "http._format")
    assert caller("GET", "/fhir/Patient?_format=json").status_code == 200


def test_a_reference_that_leads_nowhere_inside_its_document_is_refused(caller: Caller) -> None:
    patient = caller.patient()
    contained = plan(patient, author={"reference": "#nobody"})
    refused(
        caller("POST", "/fhir/CarePlan", contained), 422, "validate-reference-unresolved", "CarePlan.author.reference"
    )
    urn = plan(patient, author={"reference": "urn:uuid:6c1f7a52-2f0e-4f5b-9b52-0d6f4a3f2a11"})
    refused(caller("POST", "/fhir/CarePlan", urn), 422, "validate-reference-unresolved", "CarePlan.author.reference")
    refused(caller("POST", "/fhir/CarePlan", plan("nobody")), 422, "rest-unknown-patient", "CarePlan.subject")
    assert caller("GET", "/fhir/CarePlan?_count=0").json()["total"] == 0


def test_another_date_of_birth_is_another_person(caller: Caller) -> None:
    caller.patient(birthDate="1984-02-03")
    same = {"resourceType": "Patient", "identifier": [{"system": NHS, "value": NUMBER}], "birthDate": "1985-02-03"}
    refused(caller("POST", "/fhir/Patient", same), 409, "sync-identity", "Patient.birthDate")


def test_conditional_create_is_refused_rather_than_ignored(caller: Caller) -> None:
    answer = caller("POST", "/fhir/Patient", {"resourceType": "Patient"}, if_none_exist="identifier=1")
    refused(answer, 400, "rest-unsupported-header")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_condition_of_a_write_that_is_none_here_is_refused(caller: Caller, method: str) -> None:
    name = caller.patient()
    path = "/fhir/Patient" + (f"/{name}" if method == "PUT" else "")
    answer = caller(method, path, {"resourceType": "Patient", "id": name}, if_none_match="*")
    refused(answer, 400, "rest-unsupported-header", "http.if-none-match")


# --- searches


def test_a_search_finds_by_patient_identifier_id_and_time(caller_on_each: Caller) -> None:
    call = caller_on_each
    mine, other = call.patient(), call.patient(None)
    kept = call("POST", "/fhir/CarePlan", plan(mine, identifier=[{"system": "urn:example", "value": "a,b"}])).json()
    call("POST", "/fhir/CarePlan", plan(other))

    def found(query: str) -> list[str]:
        answer = call("GET", f"/fhir/CarePlan?{query}")
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        assert bundle["type"] == "searchset"
        assert bundle["total"] == len(bundle.get("entry", []))
        return [entry["resource"]["id"] for entry in bundle.get("entry", [])]

    for query in (
        f"patient={mine}",
        f"patient=Patient/{mine}",
        f"subject=Patient/{mine}",
        "identifier=urn:example|a%5C,b",
        "identifier=a%5C,b",
        f"_id={kept['id']}",
        f"_id=none,{kept['id']}",
        f"patient={mine}&_lastUpdated=ge2020-01-01&_lastUpdated=le{kept['meta']['lastUpdated']}",
    ):
        assert found(query) == [kept["id"]], query
    for query in ("identifier=|a%5C,b", "identifier=urn:other|a", "_lastUpdated=lt2020", "patient=none", "_id=none"):
        assert found(query) == [], query
    assert len(found("_lastUpdated=ge2020-01")) == 2


def test_pages_lead_on_to_the_last(caller_on_each: Caller) -> None:
    call = caller_on_each
    patient = call.patient()
    made = [call("POST", "/fhir/CarePlan", plan(patient)).json()["id"] for _ in range(5)]
    url, seen = f"/fhir/CarePlan?patient={patient}&_count=2", []
    while url:
        bundle = call("GET", url).json()
        assert bundle["total"] == 5
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        url = links.get("next", "")
    assert seen == made


@pytest.mark.parametrize("parameter", ["identifier", "_id", "patient", "subject"])
def test_a_parameter_has_so_many_values_and_no_more(caller_on_each: Caller, parameter: str) -> None:
    name = caller_on_each("POST", "/fhir/Patient", {"resourceType": "Patient"}).json()["id"]
    body = plan(name, identifier=[{"system": "urn:a", "value": "last"}])
    held = caller_on_each("POST", "/fhir/CarePlan", body).json()["id"]
    sought = {"identifier": "urn:a|last", "_id": held}.get(parameter, name)
    others = [f"urn:a|{number}" if parameter == "identifier" else f"a{number}" for number in range(MOST_VALUES)]
    for most in (others[1:], ["urn:a|with\\,comma" if parameter == "identifier" else "a", *others[2:]]):
        found = caller_on_each.form("/fhir/CarePlan/_search", **{parameter: ",".join([*most, sought])})
        assert [entry["resource"]["id"] for entry in found.json()["entry"]] == [held]
    text = ",".join([*others, sought])
    for refusal in (
        caller_on_each.form("/fhir/CarePlan/_search", **{parameter: text}),
        caller_on_each("GET", f"/fhir/CarePlan?{parameter}={text}"),
        caller_on_each.form("/fhir/CarePlan/_search", **{parameter: ",".join(others * 200)}),
    ):
        refused(refusal, 400, "rest-bad-parameter", f"http.{parameter}")


def test_pages_of_a_posted_search_say_nothing_of_what_was_asked(caller: Caller) -> None:
    patient = caller.patient()
    made = [
        caller("POST", "/fhir/CarePlan", plan(patient, identifier=[{"system": NHS, "value": NUMBER}])) for _ in "123"
    ]
    assert {one.status_code for one in made} == {201}
    bundle = caller.form("/fhir/CarePlan/_search", identifier=f"{NHS}|{NUMBER}", _count="1").json()
    seen = []
    while True:
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        assert not any(NUMBER in url or "identifier" in url for url in links.values())
        if "next" not in links:
            break
        bundle = caller("GET", links["next"]).json()
    assert seen == [one.json()["id"] for one in made]
    cursor = urlsplit("/x?_cursor=sAnInventedName").query
    refused(caller("GET", f"/fhir/CarePlan?{cursor}"), 410, "rest-page-expired", "http._cursor")


@pytest.mark.parametrize(
    "query",
    [
        f"identifier={NHS}|{NUMBER}",
        f"identifier={NUMBER}",
        "identifier=999%20000%200018",
        f"{NUMBER}=1",
        f"_id=a&name={NUMBER}",
    ],
)
def test_an_nhs_number_in_a_url_is_refused_and_told_where_to_go(caller: Caller, query: str) -> None:
    answer = caller("GET", f"/fhir/Patient?{query}")
    assert "/fhir/Patient/_search" in refused(answer, 400, "rest-nhs-number-in-url")["diagnostics"]
    assert NUMBER not in answer.text
    assert caller("POST", f"/fhir/Patient/_search?{query}").status_code == 400


@pytest.mark.parametrize("parameter", ["_id", "patient", "subject"])
def test_an_id_with_ten_digits_in_a_row_is_searched_for(caller: Caller, parameter: str) -> None:
    name = f"0f1c3b5e-3c1f-4b6a-9f57-a{NUMBER}b"
    answer = caller("GET", f"/fhir/CarePlan?{parameter}={name}")
    assert (answer.status_code, answer.json()["total"]) == (200, 0)


def test_a_local_number_that_looks_like_an_nhs_number_may_be_searched_for(caller: Caller) -> None:
    assert caller("GET", f"/fhir/Patient?identifier=urn:local|{NUMBER}").status_code == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("_sort=date", "rest-unknown-parameter"),
        ("patient:Patient=x", "rest-unknown-parameter"),
        ("_id=a&_id=b", "rest-bad-parameter"),
        ("_id=a/b", "rest-bad-parameter"),
        ("patient=Group/x", "rest-bad-parameter"),
        ("identifier=urn:x|", "rest-bad-parameter"),
        ("_count=many", "rest-bad-parameter"),
        ("_lastUpdated=yesterday", "rest-bad-parameter"),
        ("_lastUpdated=ne2026", "rest-bad-parameter"),
        ("_lastUpdated=2026-02-30", "rest-bad-parameter"),
        ("_lastUpdated=9999", "rest-bad-parameter"),
        ("_lastUpdated=9999-12-31", "rest-bad-parameter"),
        ("patient=a&subject=a", "rest-bad-parameter"),
        ("&".join(["_id=1"] * 200), "rest-bad-parameter"),
    ],
)
def test_a_search_that_is_not_understood_is_refused(caller: Caller, query: str, code: str) -> None:
    refused(caller("GET", f"/fhir/CarePlan?{query}"), 400, code)


@pytest.mark.parametrize("cursor", ["k", "kx", "k-1", "k99999999999999999999", "x1"])
def test_a_cursor_of_somebody_elses_making_is_refused(caller: Caller, cursor: str) -> None:
    refused(caller("GET", f"/fhir/CarePlan?_cursor={cursor}"), 422, "store-bad-cursor")


def test_unknown_parameters_are_ignored_only_when_asked_and_then_with_a_warning(caller: Caller) -> None:
    answer = caller("GET", "/fhir/CarePlan?_sort=date", prefer="handling=lenient").json()
    assert [entry["search"]["mode"] for entry in answer["entry"]] == ["outcome"]
    assert answer["entry"][0]["resource"]["issue"][0]["details"]["coding"][0]["code"] == "rest-ignored-parameter"
    assert "_sort" not in answer["link"][0]["url"]


def test_everything_about_a_person(caller: Caller) -> None:
    patient = caller.patient()
    made = caller("POST", "/fhir/CarePlan", plan(patient)).json()["id"]
    caller("POST", "/fhir/CarePlan", plan(caller.patient(None)))
    bundle = caller("GET", f"/fhir/Patient/{patient}/$everything").json()
    assert {entry["resource"]["id"] for entry in bundle["entry"]} == {patient, made}
    refused(caller("GET", f"/fhir/Patient/{patient}/$everything?_type=Goal"), 400, "rest-unknown-parameter")


def test_the_capability_statement_is_valid_and_says_what_there_is(caller: Caller) -> None:
    from fhir_mh.validation import Validator

    statement = caller("GET", "/fhir/metadata").json()
    assert [found for found in Validator().validate(statement).issues if found.severity == "error"] == []
    kinds = {entry["type"]: entry for entry in statement["rest"][0]["resource"]}
    assert "Bundle" not in kinds
    for name in [one["name"] for one in kinds["CarePlan"]["searchParam"]]:
        value = {"_lastUpdated": "2026", "patient": "x"}.get(name, "x")
        assert caller("GET", f"/fhir/CarePlan?{name}={value}").status_code == 200
