"""Plain records as a vendor without FHIR uses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fhir_mh import shipped
from fhir_mh.store import Tx
from tests.contract.bad_inputs import EXAMPLES
from tests.contract.rest_caller import NHS, NUMBER, OTHER_NUMBER, Caller, Json, refused

PERSON = {"nhs_number": NUMBER, "names": [{"family": "Changes-Their-Plan"}], "birth_date": "1984-02-03"}
CRISIS = {
    "id": "crisis",
    "title": "Crisis plan",
    "status": "active",
    "warning_signs": [{"id": "sign", "sign": {"text": "no sleep"}, "coping": {"text": "a walk"}}],
}


def save(call: Caller, **parts: Any) -> Json:
    answer = call("POST", "/records", {"person": PERSON, **parts})
    assert answer.status_code in (200, 201), answer.text
    found: Json = answer.json()
    return found


def record(call: Caller, record_id: str) -> Json:
    found: Json = call("GET", f"/records/{record_id}").json()["record"]
    return found


def test_a_new_person_is_created_and_a_known_one_changed(caller_on_each: Caller) -> None:
    call = caller_on_each
    made = call("POST", "/records", {"person": PERSON, "crisis_plans": [CRISIS]})
    assert made.status_code == 201, made.text
    name = made.json()["id"]
    assert made.headers["location"] == f"http://127.0.0.1:8080/records/{name}"
    assert made.headers["etag"] == f'W/"{made.json()["version"]}"'
    again = call("POST", "/records", {"person": PERSON, "goals": [{"description": "To garden", "status": "active"}]})
    assert (again.status_code, again.json()["id"]) == (200, name)
    assert again.json()["version"] > made.json()["version"]
    assert "location" not in again.headers
    held = record(call, name)
    assert held["crisis_plans"][0]["warning_signs"][0]["coping"]["text"] == "a walk"
    assert held["goals"][0]["description"]["text"] == "To garden"


def test_what_is_held_says_who_keeps_it_and_how_current_it_is(caller: Caller) -> None:
    name = save(caller, crisis_plans=[CRISIS])["id"]
    answer = caller("GET", f"/records/{name}")
    held = answer.json()
    assert set(held) == {
        "id",
        "version",
        "record",
        "merged",
        "retracted",
        "custodians",
        "pending",
        "decided",
        "copies",
        "agreements",
        "plans",
        "cautions",
        "asked_by_law",
    }
    assert answer.headers["etag"] == f'W/"{held["version"]}"'
    assert held["custodians"]["crisis_plans"] == {"crisis": "ZCT1"}
    assert held["pending"] == held["decided"] == held["copies"] == []


def test_an_agreement_older_than_the_plan_is_shown_as_such(caller: Caller) -> None:
    who = {"id": "agreed", "plan": {"id": "crisis"}, "plan_version": 1, "party": "person", "who": {"display": "person"},
           "decision": "agreed", "recorded_at": "2026-11-24"}  # fmt: skip
    name = save(caller, crisis_plans=[CRISIS], agreements=[who])["id"]
    (found,) = caller("GET", f"/records/{name}").json()["agreements"]
    assert found == {"agreement": "agreed", "plan": "crisis", "agreed_version": 1, "plan_version": 1, "current": True}
    save(caller, crisis_plans=[{**CRISIS, "title": "Changed"}])
    (found,) = caller("GET", f"/records/{name}").json()["agreements"]
    assert (found["agreed_version"], found["plan_version"], found["current"]) == (1, 2, False)


def test_a_plan_carries_the_hash_of_its_version_whatever_a_vendor_sends(caller: Caller) -> None:
    name = save(caller, crisis_plans=[{**CRISIS, "content_hash": "0" * 64}])["id"]
    (first,) = caller("GET", f"/records/{name}").json()["plans"]
    assert (first["plan"], first["same"]) == ("crisis", True)
    save(caller, crisis_plans=[{"id": "crisis", "title": "Another title"}])
    (second,) = caller("GET", f"/records/{name}").json()["plans"]
    assert second["same"] is True
    assert second["version"] > first["version"] and second["content_hash"] != first["content_hash"]


def test_a_refusal_is_shown_with_what_to_check_and_that_the_person_is_detained(caller: Caller) -> None:
    refusal = {"id": "refusal", "refuses": [{"treatment": "ECT"}]}
    name = save(caller, refusals=[refusal])["id"]
    (caution,) = caller("GET", f"/records/{name}").json()["cautions"]
    assert caution == {"refusal": "refusal", "text": "Recorded refusal: check validity and applicability."}
    save(caller, legal_statuses=[{"kind": "detained", "section": "3", "period": {"start": "2020-01-01"}}])
    (caution,) = caller("GET", f"/records/{name}").json()["cautions"]
    assert caution["text"].endswith("The person is detained: the Mental Health Act may govern the treatment.")


def test_a_copy_that_is_no_longer_kept_up_to_date_says_why(caller: Caller) -> None:
    name = save(caller, crisis_plans=[CRISIS])["id"]

    def mark(tx: Tx) -> None:
        tx.currency.mark("ZOA1", name, "ZCT1", "sent", 2)
        tx.currency.mark("ZOA1", name, "ZCT1", "stored", 1)
        tx.currency.end("ZOA1", name, "ZCT1", "They asked for it.")

    caller.gateway.store.write_now(mark)
    (copy,) = caller("GET", f"/records/{name}").json()["copies"]
    assert (copy["partner"], copy["custodian"], copy["edition"]) == ("ZOA1", "ZCT1", 1)
    assert (copy["sent"]["edition"], copy["stored"]["edition"], copy["opened"]) == (2, 1, None)
    assert (copy["kept_up_to_date"], copy["reason"]) == (False, "They asked for it.")


def test_people_are_found_by_nhs_number_in_the_body(caller: Caller) -> None:
    name = save(caller)["id"]
    for text in (NUMBER, "999 000 0018", "999-000-0018"):
        found = caller("POST", "/records/find", {"nhs_number": text})
        assert (found.status_code, found.json()["id"]) == (200, name)
        assert found.headers["etag"]
    refused(caller("POST", "/records/find", {"nhs_number": OTHER_NUMBER}), 404, "rest-unknown-person", "nhs_number")
    for body in ({"nhs_number": "9990000019"}, {"nhs_number": 9990000018}, {}, {"nhs_number": NUMBER, "name": "x"}):
        refused(caller("POST", "/records/find", body), 422, "rest-bad-nhs-number", "nhs_number")


# --- changing


def test_a_put_needs_the_version_it_is_a_change_of(caller_on_each: Caller) -> None:
    call = caller_on_each
    made = save(call, crisis_plans=[CRISIS])
    url, change = f"/records/{made['id']}", {"person": {"gender": "female"}}
    refused(call("PUT", url, change), 428, "rest-if-match-missing", "http.if-match")
    refused(call("PUT", url, change, if_match="*"), 400, "rest-bad-etag", "http.if-match")
    refused(call("PUT", url, change, if_match='W/"999"'), 412, "store-version-conflict")
    tag = f'W/"{made["version"]}"'
    saved = call("PUT", url, change, if_match=tag)
    assert (saved.status_code, saved.json()["changed"]) == (200, ["person.gender"])
    refused(call("PUT", url, change, if_match=tag), 412, "store-version-conflict")
    refused(call("PUT", "/records/none", change, if_match=tag), 404, "rest-unknown-record")
    refused(call("GET", "/records/none"), 404, "rest-unknown-record")


def test_a_put_need_not_name_the_person(caller: Caller) -> None:
    made = save(caller)
    body = {"goals": [{"description": "To garden", "status": "active"}]}
    answer = caller("PUT", f"/records/{made['id']}", body, if_match=f'W/"{made["version"]}"')
    assert answer.status_code == 200, answer.text
    assert record(caller, made["id"])["person"]["birth_date"] == "1984-02-03"


def test_unknown_content_survives_a_change_that_does_not_mention_it(caller: Caller) -> None:
    text = (
        f'{{"resourceType":"Patient","identifier":[{{"system":"{NHS}","value":"{NUMBER}"}}],"birthDate":"1984-02-03",'
        '"extension":[{"url":"urn:example:vendor","valueDecimal":1.50}]}'
    )
    patient = caller("POST", "/fhir/Patient", text.encode()).json()["id"]
    found = caller("POST", "/records/find", {"nhs_number": NUMBER})
    assert "1.50" in found.text
    url, tag = f"/records/{found.json()['id']}", found.headers["etag"]
    assert caller("PUT", url, {"person": {"gender": "female"}}, if_match=tag).status_code == 200
    stored = caller("GET", f"/fhir/Patient/{patient}")
    assert b'"extension":[{"url":"urn:example:vendor","valueDecimal":1.50}]' in stored.content
    assert stored.json()["gender"] == "female"
    assert stored.json()["meta"]["versionId"] == "2"


def test_the_record_as_it_was_read_changes_nothing(caller: Caller) -> None:
    made = save(caller, crisis_plans=[CRISIS])
    answer = caller("GET", f"/records/{made['id']}")
    from fhir_mh.fhir.json import dumps, loads

    body = dumps(loads(answer.content)["record"])
    back = caller("PUT", f"/records/{made['id']}", body, if_match=answer.headers["etag"]).json()
    assert (back["changed"], back["version"]) == ([], answer.json()["version"])


def test_null_clears_and_silence_keeps(caller: Caller) -> None:
    made = save(caller, crisis_plans=[CRISIS])
    held = caller("GET", f"/records/{made['id']}")
    change = {
        "person": {"birth_date": None},
        "crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "sign", "coping": "ring my sister"}]}],
    }
    answer = caller("PUT", f"/records/{made['id']}", change, if_match=held.headers["etag"])
    assert answer.status_code == 200, answer.text
    now = record(caller, made["id"])
    assert "birth_date" not in now["person"]
    assert now["person"]["nhs_number"] == NUMBER
    (sign,) = now["crisis_plans"][0]["warning_signs"]
    assert (sign["sign"]["text"], sign["coping"]["text"]) == ("no sleep", "ring my sister")
    assert now["crisis_plans"][0]["title"] == "Crisis plan"


def test_another_person_cannot_be_written_over_this_one(caller: Caller) -> None:
    made = save(caller)
    tag = f'W/"{made["version"]}"'
    body = {"person": {"nhs_number": OTHER_NUMBER}}
    refused(caller("PUT", f"/records/{made['id']}", body, if_match=tag), 422, "sync-identity")
    refused(caller("POST", "/records", {"person": {**PERSON, "birth_date": "1999-01-01"}}), 422, "sync-identity")


# --- bad input


@pytest.mark.parametrize(
    ("body", "code", "place", "hint"),
    [
        ({"person": {}, "crisis_plan": []}, "map-unknown-field", "crisis_plan", "'crisis_plans'"),
        (
            {"person": {}, "crisis_plans": [{"warning_sings": []}]},
            "map-unknown-field",
            "crisis_plans[0].warning_sings",
            "'warning_signs'",
        ),
        ({"person": {"nhs_number": "9990000019"}}, "map-invalid-record", "person.nhs_number", ""),
        ({"person": {}, "goals": {}}, "map-invalid-record", "goals", ""),
        (
            {"person": {}, "crisis_plans": [{"warning_signs": [{"coping": "x"}]}]},
            "map-invalid-record",
            "crisis_plans[0].warning_signs[0].sign",
            "",
        ),
        (
            {"person": PERSON, "care_plans": [{"needs": [{"id": "n"}]}]},
            "map-invalid-record",
            "care_plans[0].needs[0]",
            "",
        ),
        ({"person": {}, "care_plans": [{"activities": [{}]}]}, "map-invalid-record", "care_plans[0].activities[0]", ""),
        ({"person": {"gender": "F"}}, "map-invalid-record", "person.gender", ""),
        ({"goals": []}, "map-no-person", "person", ""),
        ({"person": None}, "map-invalid-record", "person", ""),
    ],
)
def test_a_field_that_does_not_fit_is_named(caller: Caller, body: Json, code: str, place: str, hint: str) -> None:
    answer = caller("POST", "/records", body)
    found = refused(answer, 422, code, place)
    assert hint in found["diagnostics"]
    assert caller("GET", "/fhir/Patient?_count=0").json()["total"] == 0


def test_what_is_missing_from_an_item_that_is_not_here_is_still_missing(caller: Caller) -> None:
    body = {"person": PERSON, "crisis_plans": [{"id": "new", "warning_signs": [{"id": "new", "coping": "x"}]}]}
    refused(caller("POST", "/records", body), 422, "map-invalid-record")
    assert caller("GET", "/fhir/Patient?_count=0").json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"person": {}, "person": {}}', "json-duplicate-key"),
        (b'{"person": ', "json-unreadable"),
        (b'"person"', "json-not-an-object"),
        (b"\xff\xfe{", "json-encoding"),
    ],
)
@pytest.mark.parametrize("url", ["/records", "/records/find"])
def test_json_that_is_none_is_refused_with_its_place(caller: Caller, url: str, body: bytes, code: str) -> None:
    refused(caller("POST", url, body), 400, code)


# --- providers' own formats


def test_a_community_trusts_extract_is_taken_in_and_given_back(caller: Caller) -> None:
    extract = (shipped.path("examples") / "community-extract.json").read_bytes()
    made = caller("POST", "/records?format=community-trust", extract)
    assert made.status_code == 201, made.text
    again = caller("POST", "/records?format=community-trust", extract)
    assert (again.status_code, again.json()["changed"]) == (200, []), again.text
    back = caller("GET", f"/records/{made.json()['id']}?format=community-trust")
    assert back.headers["content-type"] == "application/json"
    assert back.headers["etag"]
    assert back.json()["patient"]["nhs_no"] == NUMBER


def test_somebody_new_is_taken_in_with_their_roles(caller: Caller) -> None:
    new = [{"name": "Lead", "roles": [{"text": "Care co-ordinator"}]}]
    (held,) = record(caller, save(caller, professionals=new)["id"])["professionals"]
    assert held["roles"] == [{"text": "Care co-ordinator"}]


def test_two_originals_of_one_title_are_two(caller: Caller) -> None:
    first, second = ({"title": "Letter", "url": f"https://example.org/{name}", "created": "2026-11"} for name in "ab")
    name = save(caller, documents=[first])["id"]
    assert save(caller, documents=[second])["id"] == name
    assert save(caller, documents=[first, second])["changed"] == []
    held = record(caller, name)["documents"]
    assert [one["url"] for one in held] == [first["url"], second["url"]]
    save(caller, documents=[{**second, "id": held[0]["id"]}])
    assert [one["url"] for one in record(caller, name)["documents"]] == [second["url"]] * 2


def test_the_shipped_wards_file_is_taken_in_where_nobody_is_known(caller: Caller) -> None:
    file = (EXAMPLES / "ward.csv").read_bytes()
    made = caller("POST", "/records?format=out-of-area-csv", file, content_type="text/csv")
    assert made.status_code == 201, made.text
    roles = [one.get("roles") for one in record(caller, made.json()["id"])["professionals"]]
    assert [{"text": "Consultant psychiatrist"}] in roles


def test_a_wards_csv_is_given_out_and_taken_back(caller: Caller) -> None:
    made = save(caller, crisis_plans=[CRISIS])
    url = f"/records/{made['id']}?format=out-of-area-csv"
    answer = caller("GET", url)
    assert answer.headers["content-type"].startswith("text/csv")
    changed = answer.content.replace(b"a walk", b"a bath")
    assert changed != answer.content
    back = caller("PUT", url, changed, content_type="text/csv", if_match=answer.headers["etag"])
    assert back.status_code == 200, back.text
    held = record(caller, made["id"])["crisis_plans"][0]["warning_signs"][0]
    assert (held["id"], held["coping"]["text"]) == ("sign", "a bath")


def test_a_file_without_the_nhs_number_is_of_whom_its_own_id_is(caller: Caller) -> None:
    made = save(caller, crisis_plans=[CRISIS])
    file = caller("GET", f"/records/{made['id']}?format=out-of-area-csv").content
    blank = file.replace(NUMBER.encode(), b"")
    again = caller("POST", "/records?format=out-of-area-csv", blank, content_type="text/csv")
    assert (again.status_code, again.json()["id"], again.json()["changed"]) == (200, made["id"], [])
    own = record(caller, made["id"])["person"]["id"]
    plain = caller("POST", "/records", {"person": {"id": own, "gender": "female"}})
    assert (plain.status_code, plain.json()["id"]) == (200, made["id"])
    other = caller("POST", "/records", {"person": {"nhs_number": OTHER_NUMBER, "names": PERSON["names"]}})
    assert other.status_code == 201, other.text
    body = {"person": {"id": own, "nhs_number": OTHER_NUMBER}}
    refused(caller("POST", "/records", body), 409, "sync-identity", "person.id")
    unknown = blank.replace(own.encode(), b"5f0c1f5e-3c1f-4b6a-9f57-2f7f1f4be5a1")
    answer = caller("POST", "/records?format=out-of-area-csv", unknown, content_type="text/csv")
    refused(answer, 422, "rest-unnamed-person", "person")


@pytest.mark.parametrize("person", [{}, {"nhs_number": None}, {"names": [{"family": "Example"}], "identifiers": []}])
def test_a_record_that_names_nobody_makes_nobody(caller: Caller, person: Json) -> None:
    refused(caller("POST", "/records", {"person": person}), 422, "rest-unnamed-person", "person")


def test_a_person_without_an_nhs_number_is_made_and_found_by_a_local_identifier(caller: Caller) -> None:
    who = {"person": {"identifiers": [{"system": "urn:example:prison", "value": "A1"}], "birth_date": "1984-02-03"}}
    made = caller("POST", "/records", who)
    assert made.status_code == 201, made.text
    again = caller("POST", "/records", who)
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace(b"RECORD_TYPE", b"RECORD_KIND"), "map-"),
        (lambda text: text + b"SIGN,,\x81\n", "map-"),
        (lambda _: b"", "map-"),
    ],
)
def test_a_csv_that_cannot_be_read_is_refused(caller: Caller, change: Callable[[bytes], bytes], code: str) -> None:
    made = save(caller, crisis_plans=[CRISIS])
    text = caller("GET", f"/records/{made['id']}?format=out-of-area-csv").content
    answer = caller("POST", "/records?format=out-of-area-csv", change(text), content_type="text/csv")
    assert answer.status_code in (400, 422), answer.text
    for found in answer.json()["issue"]:
        assert found["details"]["coding"][0]["code"].startswith(code)
        assert found["diagnostics"]
        assert found["expression"]


@pytest.mark.parametrize("name", ["nothing", "../mappings/community-trust.yaml", "/etc/passwd", ""])
def test_a_format_that_is_not_here_is_refused(caller: Caller, name: str) -> None:
    found = refused(caller("POST", f"/records?format={name}", b"{}"), 400, "rest-unknown-format", "http.format")
    assert "out-of-area-csv" in found["diagnostics"]
    refused(caller("POST", "/records?fromat=x", b"{}"), 400, "rest-unknown-parameter")


def test_a_body_of_another_type_than_its_format_is_refused(caller: Caller) -> None:
    refused(caller("POST", "/records?format=out-of-area-csv", b"{}"), 415, "rest-media-type")
    refused(caller("POST", "/records", b"a,b", content_type="text/csv"), 415, "rest-media-type")
