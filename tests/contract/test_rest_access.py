"""Who may come in, and what never leaves: tokens, hosts, origins, sizes, and the canary."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.gateway.paging import LASTS
from fhir_mh.settings import Settings, load
from fhir_mh.store import open_store
from tests.contract.rest_caller import NHS, NUMBER, Caller, calling, plan, refused, sharing_rule
from tests.databases import sqlite_database
from tests.unit.gateway.pair import person_with_a_plan

OWN, OTHER, OPERATOR = "own-" + "x" * 40, "other-" + "y" * 40, "operator-" + "z" * 40


@pytest.fixture
def guarded() -> Iterator[Caller]:
    """A gateway with clients: this organisation's clinicians, its operator, and another organisation."""
    clients = [
        {"token": OWN, "organisation": "ZCT1", "role": "clinician"},
        {"token": OPERATOR, "organisation": "ZCT1", "role": "operator"},
        {"token": OTHER, "organisation": "ZOA1", "role": "clinician"},
    ]
    with sqlite_database() as address, calling(load(store=address, ods="ZCT1", name="Trust", clients=clients)) as found:
        yield found


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/fhir/Patient/x"),
        ("GET", "/fhir/Patient"),
        ("POST", "/fhir/Patient/_search"),
        ("POST", "/fhir/Patient"),
        ("PUT", "/fhir/Patient/x"),
        ("POST", "/fhir"),
        ("GET", "/fhir/Patient/x/$everything"),
        ("POST", "/fhir/Patient/$validate"),
        ("GET", "/fhir/Patient/x/$validate"),
        ("POST", "/fhir/Patient/x/$validate"),
        ("GET", "/fhir/Subscription"),
        ("POST", "/fhir/Subscription"),
        ("GET", "/fhir/Subscription/x"),
        ("PUT", "/fhir/Subscription/x"),
        ("DELETE", "/fhir/Subscription/x"),
        ("GET", "/fhir/Subscription/$status"),
        ("GET", "/fhir/Subscription/x/$status"),
        ("POST", "/fhir/Subscription/x/$events"),
        ("POST", "/records"),
        ("GET", "/fhir/Patient/x/_history"),
        ("GET", "/fhir/Patient/x/_history/1"),
        ("POST", "/records/find"),
        ("GET", "/records/x"),
        ("PUT", "/records/x"),
        ("GET", "/records/x/currency"),
        ("POST", "/records/x/copies/marks"),
        ("POST", "/records/x/open"),
        ("GET", "/fhir/Patient/x/$currency"),
        ("POST", "/fhir/Patient/x/$currency"),
        ("GET", "/deliveries"),
        ("POST", "/deliveries/1/replay"),
        ("POST", "/deliveries/resume"),
        ("POST", "/deliveries/send-again"),
        ("GET", "/conflicts"),
        ("GET", "/conflicts/x"),
        ("POST", "/conflicts/x/decision"),
    ],
)
@pytest.mark.parametrize("token", [None, "Bearer wrong", f"Basic {OWN}", "Bearer", OWN])
def test_without_the_token_of_a_client_nothing_is_told(
    guarded: Caller, method: str, url: str, token: str | None
) -> None:
    answer = guarded(method, url, {}, **({"authorization": token} if token else {}))
    refused(answer, 401, "rest-token", "http.authorization")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("url", ["/fhir/metadata", "/docs", "/openapi.json"])
def test_what_explains_the_interface_is_open(guarded: Caller, url: str) -> None:
    assert guarded("GET", url).status_code == 200


def test_another_organisation_neither_writes_nor_reads_what_is_not_shared(guarded: Caller) -> None:
    made = guarded(
        "POST",
        "/records",
        {"person": {"nhs_number": NUMBER}, "goals": [{"description": "x", "status": "active"}]},
        **bearer(OWN),
    )
    assert made.status_code == 201, made.text
    name = made.json()["id"]
    refused(guarded("GET", f"/records/{name}", **bearer(OTHER)), 404, "rest-unknown-record")
    refused(guarded("POST", "/records", {"person": {}}, **bearer(OTHER)), 403, "consent-not-own")
    refused(guarded("GET", "/conflicts", **bearer(OTHER)), 403, "consent-not-own")
    refused(guarded("POST", "/fhir/Patient", {"resourceType": "Patient"}, **bearer(OTHER)), 403, "consent-not-own")
    goals = guarded("GET", "/fhir/Goal", **bearer(OWN)).json()["entry"]
    refused(guarded("GET", f"/fhir/Goal/{goals[0]['resource']['id']}", **bearer(OTHER)), 404, "store-not-found")
    assert "entry" not in guarded("GET", "/fhir/Goal", **bearer(OTHER)).json()


# --- what another organisation sees of what is about nobody, or only partly shared


def test_a_reference_to_what_is_withheld_leads_nowhere_and_says_nothing(guarded: Caller) -> None:
    made = guarded("POST", "/records", person_with_a_plan(), **bearer(OWN))
    assert made.status_code == 201, made.text
    patient = guarded("GET", "/fhir/Patient", **bearer(OWN)).json()["entry"][0]["resource"]["id"]
    decision = sharing_rule(patient)
    consent = guarded("POST", "/fhir/Consent", decision, **bearer(OWN))
    assert consent.status_code == 201, consent.text
    withheld = f"Consent/{consent.json()['id']}"
    held = plan(patient, supportingInfo=[{"reference": withheld, "display": "What was decided"}])
    care = guarded("POST", "/fhir/CarePlan", held, **bearer(OWN))
    assert care.status_code == 201, care.text
    address = f"/fhir/CarePlan/{care.json()['id']}"
    refused(guarded("GET", f"/fhir/{withheld}", **bearer(OTHER)), 403, "consent-not-shared", "Consent")
    assert withheld in guarded("GET", address, **bearer(OWN)).text
    for place in (address, f"{address}/_history/1", f"{address}/_history", "/fhir/CarePlan",
                  f"/fhir/Patient/{patient}/$everything"):  # fmt: skip
        answer = guarded("GET", place, **bearer(OTHER))
        assert answer.status_code == 200, answer.text
        assert care.json()["id"] in answer.text
        assert withheld not in answer.text
        assert "What was decided" not in answer.text


DIRECTORY = ("Organization", "HealthcareService")
NOT_PUBLIC = ("Practitioner", "PractitionerRole", "Location", "Questionnaire", "List")
MINIMAL: dict[str, Any] = {
    "Questionnaire": {"status": "active"},
    "List": {"status": "current", "mode": "working"},
    "Organization": {"name": "Trust"},
}


@pytest.mark.parametrize("kind", [*DIRECTORY, *NOT_PUBLIC])
def test_what_is_about_nobody_is_for_the_organisation_itself_unless_it_says_who_provides_what(
    guarded: Caller, kind: str
) -> None:
    made = guarded("POST", f"/fhir/{kind}", {"resourceType": kind, **MINIMAL.get(kind, {})}, **bearer(OWN))
    assert made.status_code == 201, made.text
    address = f"/fhir/{kind}/{made.json()['id']}"
    assert guarded("GET", address, **bearer(OWN)).status_code == 200
    for place in (address, f"{address}/_history/1", f"{address}/_history"):
        answer = guarded("GET", place, **bearer(OTHER))
        if kind in DIRECTORY:
            assert answer.status_code == 200
        else:
            refused(answer, 403, "consent-no-person", kind)
    found = guarded("GET", f"/fhir/{kind}", **bearer(OTHER)).json()
    assert len(found.get("entry", [])) == (kind in DIRECTORY)


def test_everything_of_a_person_who_does_not_share_names_nobody(guarded: Caller) -> None:
    patient = guarded("POST", "/fhir/Patient", {"resourceType": "Patient"}, **bearer(OWN)).json()["id"]
    trust = guarded("POST", "/fhir/Organization", {"resourceType": "Organization", "name": "Trust"}, **bearer(OWN))
    held = plan(patient, author={"reference": f"Organization/{trust.json()['id']}"})
    assert guarded("POST", "/fhir/CarePlan", held, **bearer(OWN)).status_code == 201
    answer = guarded("GET", f"/fhir/Patient/{patient}/$everything", **bearer(OTHER))
    refused(answer, 404, "store-not-found", "Patient")
    assert "Organization" not in answer.text


def test_deliveries_are_for_operators(guarded: Caller) -> None:
    refused(guarded("GET", "/deliveries", **bearer(OWN)), 403, "rest-operators-only")
    refused(guarded("GET", "/deliveries", **bearer(OTHER)), 403, "rest-operators-only")
    assert guarded("GET", "/deliveries", **bearer(OPERATOR)).status_code == 200


def test_pages_of_a_posted_search_are_only_for_who_asked_in_any_process_and_not_for_ever(guarded: Caller) -> None:
    for _ in "12":
        guarded("POST", "/fhir/Patient", {"resourceType": "Patient"}, **bearer(OWN))
    form = b"_count=1"
    kind = {"content_type": "application/x-www-form-urlencoded"}
    bundle = guarded("POST", "/fhir/Patient/_search", form, **kind, **bearer(OWN)).json()
    following = next(link["url"] for link in bundle["link"] if link["relation"] == "next")
    refused(guarded("GET", following, **bearer(OTHER)), 410, "rest-page-expired")
    refused(guarded("GET", following.replace("/Patient?", "/CarePlan?"), **bearer(OWN)), 410, "rest-page-expired")
    assert guarded("GET", following, **bearer(OWN)).status_code == 200
    another = Caller(guarded.gateway, guarded.settings)  # as a second process over the same database
    assert another("GET", following, **bearer(OWN)).json()["entry"]
    another.close()
    later = ManualClock(guarded.gateway.clock.now() + LASTS)
    with open_store(guarded.settings.store.get_secret_value() + "-later", clock=later) as store:
        store.write_now(lambda tx: tx.pages.keep("s1", "ZCT1", "{}", LASTS))
        later.advance(LASTS)
        assert store.write_now(lambda tx: tx.pages.find("s1", "ZCT1")) is None
        store.write_now(lambda tx: tx.pages.keep("s2", "ZCT1", "{}", LASTS))
        assert store.write_now(lambda tx: tx.session.all("SELECT name FROM pages")) == [("s2",)]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", "", "a b", "127.0.0.1:x"])
def test_a_name_that_is_not_ours_is_not_answered_to(caller: Caller, host: str) -> None:
    refused(caller("GET", "/fhir/metadata", host=host), 421, "rest-host", "http.host")


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080"])
def test_the_names_of_this_machine_are_answered_to(caller: Caller, host: str) -> None:
    assert f"http://{host}/fhir" in caller("GET", "/fhir/metadata", host=host).text


def test_web_pages_of_other_sites_are_kept_out(caller: Caller) -> None:
    refused(caller("GET", "/fhir/Patient", origin="https://evil.example"), 403, "rest-origin", "http.origin")
    refused(caller("GET", "/fhir/Patient", origin="null"), 403, "rest-origin", "http.origin")
    assert caller("GET", "/fhir/Patient", origin="http://127.0.0.1:8080").status_code == 200


def test_with_tokens_any_host_may_stand_in_front(guarded: Caller) -> None:
    answer = guarded("GET", "/fhir/Patient", host="gateway.example.nhs.uk", **bearer(OWN))
    assert answer.json()["link"][0]["url"].startswith("http://gateway.example.nhs.uk/fhir/")


def test_a_body_beyond_the_limit_is_refused_declared_or_not(settings: Settings) -> None:
    with calling(settings, max_body=1000) as call:
        refused(call("POST", "/fhir/Patient", b" " * 1001), 413, "rest-too-large")

        async def trickle() -> Any:
            for _ in range(20):
                yield b" " * 100

        sent = call.client.post("/fhir/Patient", content=trickle(), headers={"content-type": "application/json"})
        refused(call._loop.run_until_complete(sent), 413, "rest-too-large")
        assert call("POST", "/fhir/Patient", b'{"resourceType":"Patient"}').status_code == 201


def test_a_failure_nobody_expected_shows_a_reference_and_nothing_else(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise KeyError(f"Zebedee {NUMBER}")

    monkeypatch.setattr(caller.gateway, "read", fail)
    with caplog.at_level(logging.DEBUG):
        answer = caller("GET", "/fhir/Patient/x")
    text = refused(answer, 500, "rest-unexpected")["details"]["text"]
    (said,) = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
    reference = text.rpartition(" ")[2].rstrip(".")
    assert reference in said
    assert reference.isalpha(), "digits might be taken for an NHS number, and hidden"
    assert "KeyError" in said
    assert not any("Zebedee" in one.getMessage() or one.exc_info for one in caplog.records)
    assert "Zebedee" not in answer.text


# --- the canary: neither a name nor an NHS number may leave except in an answer that serves it. Keys of JSON and names
# of parameters are shown where they are at fault, for they are structure; an NHS number is not shown even there.

MARKER = "Zebedee"


def _requests(call: Caller, patient: str, version: str) -> Iterator[tuple[str, str, Any, dict[str, str]]]:
    """(method, url, body, headers): good and bad requests of every kind, each with the marker and the number in it."""
    person = {"nhs_number": NUMBER, "names": [{"family": MARKER}]}
    fhir = {"resourceType": "Patient", "name": [{"family": MARKER}], "identifier": [{"system": NHS, "value": NUMBER}]}
    for body in (
        {"person": person},
        {"person": {**person, "birth_date": MARKER}},
        {"person": {**person, "nickname": MARKER}},
        {"person": {**person, "gender": NUMBER}},
        {"person": {**person, NUMBER: 1}},
        {"who": person},
        [MARKER, NUMBER],
        {"person": person, "care_plans": [{"title": [MARKER]}]},
        {"person": person, "goals": [{"id": f"{MARKER} {NUMBER}"}]},
    ):
        yield "POST", "/records", body, {}
        yield "PUT", f"/records/{version}", body, {"if_match": 'W/"1"'}
        yield "POST", f"/records?format={MARKER}{NUMBER}", body, {}
        yield "POST", "/records?format=community-trust", body, {}
    for raw in (b'{"a": "%s %s", "a": "%s"}', b'{"a": "%s %s" %s}', b"%s %s %s", b'{"a": ["%s", "%s", "%s\xff"]}'):
        marks = (MARKER.encode(), NUMBER.encode(), MARKER.encode())
        for url in ("/records", "/records/find", "/fhir", "/fhir/Patient"):
            yield "POST", url, raw % marks, {}
        yield "POST", "/records?format=out-of-area-csv", raw % marks, {"content_type": "text/csv"}
    yield (
        "POST",
        "/records?format=out-of-area-csv",
        f"RECORD_TYPE,{MARKER},{NUMBER}\n{MARKER},1,2".encode(),
        {"content_type": "text/csv"},
    )
    for body in (
        fhir,
        {**fhir, "birthDate": MARKER},
        {**fhir, NUMBER: MARKER},
        {**fhir, "gender": NUMBER},
        {**fhir, "id": NUMBER},
        {**fhir, "generalPractitioner": [{"reference": f"#{MARKER}{NUMBER}"}]},
        {**fhir, "meta": {"profile": [f"urn:{MARKER}:{NUMBER}"]}},
        {**fhir, "extension": [{"url": f"urn:{MARKER}", "valueString": NUMBER}]},
        {**fhir, "birthDate": "1901-01-01"},
    ):
        yield "POST", "/fhir/Patient", body, {}
        yield "PUT", f"/fhir/Patient/{patient}", {**body, "id": patient}, {}
        yield "PUT", f"/fhir/Patient/{NUMBER}", {**body, "id": NUMBER}, {}
        yield (
            "POST",
            "/fhir",
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [
                    {
                        "fullUrl": f"urn:uuid:{MARKER}",
                        "resource": body,
                        "request": {"method": "POST", "url": f"Patient?{NUMBER}"},
                    }
                ],
            },
            {},
        )
        yield (
            "POST",
            "/fhir",
            {
                "resourceType": "Bundle",
                "type": "batch",
                "entry": [
                    {"fullUrl": f"urn:uuid:{MARKER}", "resource": body, "request": {"method": "POST", "url": "Patient"}}
                ],
            },
            {},
        )
    for reference in (
        f"Patient/{MARKER}{NUMBER}",
        f"Patient?identifier={NUMBER}&name={MARKER}",
        f"urn:uuid:{MARKER}-{NUMBER}",
    ):
        yield "POST", "/fhir/CarePlan", {**plan("x"), "subject": {"reference": reference, "display": MARKER}}, {}
    for place in (
        f"/{MARKER}/{NUMBER}",
        f"/fhir/{MARKER}/{NUMBER}",
        f"/fhir/Patient/{NUMBER}",
        f"/records/{NUMBER}",
        f"/fhir/Patient/{NUMBER}/$everything",
        f"/fhir/Patient/{NUMBER}/_history/{MARKER}",
        f"/docs/{MARKER}{NUMBER}",
        f"/fhir/Patient?identifier={NUMBER}",
        f"/fhir/Patient?identifier={NHS}|{NUMBER}",
        f"/fhir/Patient?name={MARKER}{NUMBER}",
        f"/fhir/Patient?_lastUpdated={NUMBER}",
        f"/fhir/Patient?_cursor={MARKER}{NUMBER}",
        f"/fhir/Patient?_count={MARKER}",
        f"/fhir/Patient?patient:{NUMBER}=1",
        f"/fhir/?{NUMBER}",
        f"/deliveries?partner={MARKER}",
        f"/conflicts/{MARKER}{NUMBER}",
        f"/conflicts?owner={MARKER}",
        f"/conflicts/{NUMBER}/decision?x={MARKER}",
        f"/?{NUMBER}={MARKER}",
    ):
        yield "GET", place, None, {}
        yield "POST", place, {"x": [MARKER, NUMBER]}, {}
        yield "DELETE", place, None, {}
    yield "POST", "/records/find", {"nhs_number": NUMBER[:-1] + "9", "name": MARKER}, {}
    yield "POST", "/sync/v1/messages", {"from": MARKER, "messages": [{"person": {"nhs_number": NUMBER}}]}, {}
    for name in ("if_match", "prefer", "accept", "content_type", "authorization", "origin", "if_none_exist", "host"):
        yield "POST", "/fhir/Patient", fhir, {name: f"{MARKER} {NUMBER}"}
        yield "PUT", f"/fhir/Patient/{patient}", {**fhir, "id": patient}, {name: f"{MARKER} {NUMBER}"}


def _marked(text: str) -> bool:
    bare = text.replace(" ", "").replace("-", "").replace("%20", "")
    return MARKER.lower() in text.lower() or NUMBER in bare


def test_the_canary_never_leaves(
    caller: Caller, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = caller.patient()
    name = caller("POST", "/records/find", {"nhs_number": NUMBER}).json()["id"]
    statuses: dict[int, int] = {}
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the caller's own log, not the gateway's
    with caplog.at_level(logging.DEBUG):
        for method, url, body, headers in _requests(caller, patient, name):
            answer = _tried(caller, method, url, body, headers)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            shown = f"{method} {url.partition('?')[0]} {answer.status_code}: {answer.text}"
            assert answer.status_code != 500, shown
            for header, value in answer.headers.items():
                assert not _marked(value), f"{header}: {value}"
            if answer.status_code >= 400:
                assert not _marked(answer.text), shown
            elif answer.headers.get("content-type") == "application/fhir+json" and body is not None:
                links = [link["url"] for link in answer.json().get("link", [])]
                assert not any(map(_marked, links))
    assert len(statuses) > 8, statuses
    assert statuses[201] > 2
    leaks = [f"{one.name}: {one.getMessage()}" for one in caplog.records if not one.name.startswith("asyncio")]
    assert not [line for line in leaks if _marked(line)]
    assert any(line.startswith("fhir_mh.api.access") for line in leaks)
    assert not [one for one in caplog.records if one.exc_info]


def _tried(call: Caller, method: str, url: str, body: Any, headers: dict[str, str]) -> httpx.Response:
    return call(method, url, body, **headers)
