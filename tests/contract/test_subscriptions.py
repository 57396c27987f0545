"""Subscriptions over HTTP: what a client may ask for, what it is answered, and that nobody else finds it."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_mh import Validator
from fhir_mh.gateway import subscriptions
from fhir_mh.gateway.notices import BACKPORT
from fhir_mh.gateway.subscriptions import MASK
from fhir_mh.gateway.topics import TOPIC, TOPICS
from fhir_mh.gateway.wanted import Wanted
from fhir_mh.settings import load
from tests.contract.rest_caller import NUMBER, Caller, calling, refused
from tests.contract.subscribing import search, topic
from tests.databases import sqlite_database

EHR, NURSE, WARD, NAMELESS = (f"{name}-{'x' * 40}" for name in ("ehr", "nurse", "ward", "nobody"))
HOOK = "https://ehr.example/hooks/one"
ENDPOINTS = ["https://ehr.example/hooks/", "http://127.0.0.1:9"]
CLIENTS = [
    {"token": EHR, "organisation": "ZCT1", "role": "clinician", "name": "ehr", "endpoints": ENDPOINTS},
    {"token": NURSE, "organisation": "ZCT1", "role": "clinician", "name": "nurse", "endpoints": ENDPOINTS},
    {"token": WARD, "organisation": "ZOA1", "role": "clinician", "name": "ehr", "endpoints": ENDPOINTS},
    {"token": NAMELESS, "organisation": "ZCT1", "role": "clinician"},
]
SECRET = "quagga-of-the-record-system"


@pytest.fixture
def call(store_url: str) -> Iterator[Caller]:
    options: Any = {"clients": CLIENTS}
    with calling(load(store=store_url, ods="ZCT1", name="Community trust", **options)) as found:
        yield found


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    """One that keeps nothing: what it is sent is refused."""
    options: Any = {"clients": CLIENTS}
    with sqlite_database() as address, calling(load(store=address, ods="ZCT1", **options)) as found:
        yield found


def as_(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def made(call: Caller, body: Any, token: str = EHR) -> dict[str, Any]:
    answer = call("POST", "/fhir/Subscription", body, **as_(token))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"].endswith(f"/fhir/Subscription/{found['id']}")
    assert answer.headers["etag"] == 'W/"1"'
    return found


def test_it_is_read_changed_listed_and_ended(call: Caller, validator: Validator) -> None:
    held = made(call, search(HOOK, "CarePlan?patient=Patient/x"))
    address = f"/fhir/Subscription/{held['id']}"
    assert call("GET", address, **as_(EHR)).json() == held
    assert held["status"] == "active"
    assert [one for one in validator.validate(held).issues if one.is_error] == []
    other = made(call, topic(HOOK + "/two", "plan-changed"))
    assert other["status"] == "requested"
    ids = [one["resource"]["id"] for one in call("GET", "/fhir/Subscription", **as_(EHR)).json()["entry"]]
    assert sorted(ids) == sorted([held["id"], other["id"]])
    for query, found in (
        (f"_id={held['id']}", held),
        ("status=requested", other),
        (f"url={HOOK}", held),
        ("status=active,off&_id=" + held["id"], held),
    ):
        bundle = call("GET", f"/fhir/Subscription?{query}", **as_(EHR)).json()
        assert [one["resource"] for one in bundle["entry"]] == [found]
        assert [one for one in validator.validate(bundle).issues if one.is_error] == []
    assert "entry" not in call("GET", "/fhir/Subscription?status=off", **as_(EHR)).json()

    off = call("PUT", address, {**held, "status": "off"}, if_match='W/"1"', **as_(EHR))
    assert (off.status_code, off.json()["status"], off.headers["etag"]) == (200, "off", 'W/"2"')
    refused(call("PUT", address, off.json(), if_match='W/"1"', **as_(EHR)), 412, "store-version-conflict")
    refused(call("PUT", address, held, **as_(EHR)), 422, "subscription-status", "Subscription.status")
    unsaid = changed(changed(held, "status", None), "_status", UNSAID)
    refused(call("PUT", address, unsaid, **as_(EHR)), 422, "subscription-status", "Subscription.status")
    again = call("PUT", address, {**held, "status": "requested"}, **as_(EHR)).json()
    assert (again["status"], again["meta"]["versionId"]) == ("active", "3")
    assert call("DELETE", address, **as_(EHR)).status_code == 204
    refused(call("GET", address, **as_(EHR)), 404, "subscription-not-found")
    refused(call("DELETE", address, **as_(EHR)), 404, "subscription-not-found")
    refused(call("PUT", address, held, **as_(EHR)), 404, "subscription-not-found")


def test_nobody_else_finds_it(call: Caller) -> None:
    held = made(call, topic(HOOK, "plan-changed"))
    address = f"/fhir/Subscription/{held['id']}"
    for token in (NURSE, WARD, NAMELESS):
        for method, url in (
            ("GET", address), ("PUT", address), ("DELETE", address), ("GET", f"{address}/$status"),
            ("GET", f"{address}/$events"),
        ):  # fmt: skip
            answer = call(method, url, held if method == "PUT" else None, **as_(token))
            if token == NAMELESS and method == "PUT":
                refused(answer, 403, "subscription-no-endpoints")
            else:
                refused(answer, 404, "subscription-not-found")
        assert "entry" not in call("GET", "/fhir/Subscription", **as_(token)).json()
        assert "entry" not in call("GET", "/fhir/Subscription/$status", **as_(token)).json()
    refused(call("GET", address), 401, "rest-token")
    assert call("GET", address, **as_(EHR)).status_code == 200


def test_the_secrets_of_a_channel_are_kept_and_never_shown(call: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    headers = [f"Authorization: Bearer {SECRET}", f"X-Key: {SECRET}-2"]
    held = made(call, search(HOOK, header=headers))
    masked = [f"Authorization: {MASK}", f"X-Key: {MASK}"]
    assert held["channel"]["header"] == masked
    address = f"/fhir/Subscription/{held['id']}"

    def stored() -> Any:
        (row,) = call.gateway.store.read_now(lambda tx: tx.subscriptions.of("ZCT1", "ehr"))
        assert SECRET not in row.text
        return row.wanted

    assert all(one in stored() for one in headers)
    held["channel"]["header"] = [masked[1], masked[0], "X-More: 1"]
    again = call("PUT", address, held, **as_(EHR))
    assert again.json()["channel"]["header"] == [*masked[::-1], f"X-More: {MASK}"]
    assert all(one in stored() for one in [*headers, "X-More: 1"])
    held["channel"]["header"] = [f"X-Key: {SECRET}-3", masked[0]]
    assert call("PUT", address, held, **as_(EHR)).status_code == 200
    assert f"{SECRET}-3" in stored() and f"{SECRET}-2" not in stored() and headers[0] in stored()
    held["channel"]["header"] = [masked[1], masked[1]]
    refused(call("PUT", address, held, **as_(EHR)), 422, "subscription-header", "Subscription.channel.header[0]")
    shown = [call("GET", url, **as_(EHR)).text for url in (address, "/fhir/Subscription", f"{address}/$status")]
    assert SECRET not in "".join([*shown, again.text])
    assert not [one for one in caplog.records if SECRET in one.getMessage()]


def test_the_topics_are_listed_where_a_client_looks(call: Caller, validator: Validator) -> None:
    statement = call("GET", "/fhir/metadata").json()
    (found,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Subscription"]
    listed = [one["valueCanonical"] for one in found["extension"]]
    assert listed == list(TOPICS)
    assert {one["url"] for one in found["extension"]} == {BACKPORT + "capabilitystatement-subscriptiontopic-canonical"}
    assert [one for one in validator.validate(statement).issues if one.is_error] == []
    for url in listed:
        made(call, topic(HOOK, url.removeprefix(TOPIC)))


def changed(body: Any, path: str, value: Any) -> Any:
    """A copy with another value at a.b.0; None takes it out."""
    found = copy.deepcopy(body)
    here, *steps = found, *path.split(".")
    for step in steps[:-1]:
        here = here.setdefault(step, {}) if isinstance(here, dict) else here[int(step)]
    last = steps[-1] if isinstance(here, dict) else int(steps[-1])
    if value is None:
        del here[last]
    else:
        here[last] = value
    return found


R4, TOPICAL = search(HOOK), topic(HOOK, "plan-changed", "id-only", "CarePlan?patient=Patient/x", timeout=20)
FILTER = "_criteria.extension.0.valueString"
SETTING = "channel.extension"
UNSAID = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


def test_of_several_headers_of_one_name_all_come_back_masked_or_none(call: Caller) -> None:
    """Which of them a single one stands for is not known: it might send one system's secret in another's place."""
    first, second = f"X-Key: {SECRET}", f"x-key: {SECRET}-2"
    held = made(call, search(HOOK, header=[first, second]))
    address = f"/fhir/Subscription/{held['id']}"

    def put(*headers: str) -> Any:
        held["channel"]["header"] = [*headers]
        return call("PUT", address, held, **as_(EHR))

    def stored() -> Any:
        (row,) = call.gateway.store.read_now(lambda tx: tx.subscriptions.of("ZCT1", "ehr"))
        return Wanted.read(row.wanted).headers

    for headers, place in (([f"x-key: {MASK}"], 0), (["X-Key: new", f"X-Key: {MASK}"], 1)):
        refused(put(*headers), 422, "subscription-header", f"Subscription.channel.header[{place}]")
    assert put(f"X-Key: {MASK}", "X-More: 1", f"X-Key: {MASK}").status_code == 200
    assert stored() == (first, "X-More: 1", second)
    assert put(second).status_code == 200
    assert stored() == (second,)


@pytest.mark.parametrize(
    ("body", "status", "code", "place"),
    [
        (changed(R4, "channel.type", "websocket"), 422, "subscription-channel", "Subscription.channel.type"),
        (changed(R4, "channel.endpoint", None), 422, "subscription-channel", "Subscription.channel.endpoint"),
        *(
            (changed(R4, "channel.endpoint", url), 422, "subscription-channel", "Subscription.channel.endpoint")
            for url in (
                "http://ehr.example/hooks/one", "https://ehr.example/hooks/../admin", "https://ehr.example/hooks/%2e%2e",
                "https://me@ehr.example/hooks/one", "https://ehr.example/hooks/one?x=y", "ftp://ehr.example/hooks/one",
                "https://EHR.example/hooks/one", "https://ehr.example/hooks/one#x",
            )
        ),
        *(
            (changed(R4, "channel.endpoint", url), 403, "subscription-endpoint", "Subscription.channel.endpoint")
            for url in (
                "https://ehr.example/hook", "https://ehr.example/hooksome", "https://ehr.example:444/hooks/one",
                "https://elsewhere.example/hooks/one", "https://ehr.example.elsewhere.example/hooks/one",
                "http://127.0.0.1:99/", "https://169.254.169.254/",
            )
        ),
        (changed(R4, "channel.payload", "application/fhir+xml"), 422, "subscription-payload",
         "Subscription.channel.payload"),
        *(
            (changed(R4, "channel.header", ["X: y", text]), 422, "subscription-header",
             "Subscription.channel.header[1]")
            for text in ("Host: x", "content-length: 3", "no header", "X : y", "X: a\r\nY: b", f"X-Key: {MASK}", "X:")
        ),
        (changed(R4, SETTING, [{"url": BACKPORT + "backport-timeout", "valueUnsignedInt": 9}]), 422,
         "subscription-setting", "Subscription.channel.extension[0]"),
        *(
            (changed(R4, "criteria", text), 422, "subscription-criteria", "Subscription.criteria")
            for text in (
                "Careplan", "Bundle", "Subscription?status=active", "CarePlan?status=active", "CarePlan?patient=",
                "CarePlan?_id=,",
                "CarePlan?_lastUpdated=ge2026", "CarePlan?patient=a&patient=b", "Patient?patient=x", "/CarePlan",
                f"Patient?identifier={NUMBER}", f"Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|{NUMBER}",
                "CarePlan?_format=json", "CarePlan?patient:Patient=x", "CarePlan?_count=3",
            )
        ),
        (changed(changed(R4, "channel.header", ["X: y", None]), "channel._header", [None, UNSAID]), 422,
         "subscription-header", "Subscription.channel.header[1]"),
        (changed(changed(R4, "criteria", None), "_criteria", UNSAID), 422, "subscription-criteria",
         "Subscription.criteria"),
        (changed(changed(R4, "status", None), "_status", UNSAID), 422, "subscription-status", "Subscription.status"),
        (changed(R4, "status", "active"), 422, "subscription-status", "Subscription.status"),
        (changed(R4, "end", "2020-01-01T00:00:00Z"), 422, "subscription-end", "Subscription.end"),
        (changed(R4, "end", "2030-06-30T23:59:60Z"), 422, "subscription-end", "Subscription.end"),
        (changed(R4, "end", "9999-12-31T23:59:59-05:00"), 422, "subscription-end", "Subscription.end"),
        (changed(R4, "reason", None), 422, "validate-required", "Subscription"),
        (changed(TOPICAL, "criteria", TOPIC + "plan-change"), 422, "subscription-topic", "Subscription.criteria"),
        *(
            (changed(TOPICAL, FILTER, text), 422, "subscription-criteria", "Subscription.criteria.extension[0]")
            for text in ("Task?patient=Patient/x", "patient=Patient/x", "CarePlan?status=active")
        ),
        (changed(topic(HOOK, "sharing-ended", "empty", "x"), FILTER, "Patient?identifier=x|y"), 422,
         "subscription-criteria", "Subscription.criteria.extension[0]"),
        (changed(TOPICAL, "channel.payload", None), 422, "subscription-payload", "Subscription.channel.payload"),
        (changed(TOPICAL, "channel._payload.extension.0.valueCode", "all"), 422, "subscription-payload",
         "Subscription.channel.payload"),
        (changed(TOPICAL, "channel._payload", None), 422, "subscription-payload", "Subscription.channel.payload"),
        *(
            (topic(HOOK, "plan-changed", "empty", **setting), 422, "subscription-setting",
             "Subscription.channel.extension[0]")
            for setting in ({"timeout": 0}, {"timeout": 46}, {"heartbeat_period": 9}, {"max_count": 101})
        ),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_with_its_place(
    shared: Caller, body: Any, status: int, code: str, place: str
) -> None:
    refused(shared("POST", "/fhir/Subscription", body, **as_(EHR)), status, code, place)
    assert "entry" not in shared("GET", "/fhir/Subscription", **as_(EHR)).json()


def test_a_client_without_a_name_or_endpoints_is_told_so(call: Caller, caller: Caller) -> None:
    place = "Subscription.channel.endpoint"
    refused(call("POST", "/fhir/Subscription", R4, **as_(NAMELESS)), 403, "subscription-no-endpoints", place)
    refused(caller("POST", "/fhir/Subscription", R4), 403, "subscription-no-endpoints", place)


def test_a_client_has_only_so_many(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST", 2)
    for _ in "12":
        made(call, R4)
    refused(call("POST", "/fhir/Subscription", R4, **as_(EHR)), 403, "subscription-too-many")
    made(call, R4, NURSE)


def test_it_is_kept_nowhere_else(call: Caller) -> None:
    held = made(call, R4)
    address = f"/fhir/Subscription/{held['id']}"
    for url in (f"{address}/_history", f"{address}/_history/1"):
        refused(call("GET", url, **as_(EHR)), 404, "rest-type-not-kept")
    refused(call("POST", "/fhir/Subscription/_search", b"", **as_(EHR)), 404, "rest-type-not-kept")
    entry = {"resource": R4, "request": {"method": "POST", "url": "Subscription"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    refused(call("POST", "/fhir", bundle, **as_(EHR)), 422, "rest-bundle-entry", "Bundle.entry[0].request.url")
    refused(call("PUT", address, {**held, "id": "x"}, **as_(EHR)), 400, "rest-id-differs")
    refused(call("POST", "/fhir/Subscription", {"resourceType": "Patient"}, **as_(EHR)), 400, "rest-type-differs")
    assert call("POST", "/fhir/Subscription/$validate", R4, **as_(EHR)).status_code == 200


def test_the_operations_read_their_parameters(call: Caller, validator: Validator) -> None:
    first, second = made(call, TOPICAL), made(call, R4)
    address = f"/fhir/Subscription/{first['id']}"

    def told(answer: Any) -> list[str]:
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        assert bundle["type"] == "searchset"
        assert [one for one in validator.validate(bundle).issues if one.is_error] == []
        found = [one["resource"]["parameter"][0]["valueReference"]["reference"] for one in bundle.get("entry", [])]
        return [one.rpartition("/")[2] for one in found]

    everything = "/fhir/Subscription/$status"
    assert told(call("GET", f"{address}/$status", **as_(EHR))) == [first["id"]]
    assert told(call("POST", f"{address}/$status", **as_(EHR))) == [first["id"]]
    assert sorted(told(call("GET", everything, **as_(EHR)))) == sorted([first["id"], second["id"]])
    assert told(call("GET", f"{everything}?id={second['id']}", **as_(EHR))) == [second["id"]]
    assert told(call("GET", f"{everything}?status=off", **as_(EHR))) == []
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "status", "valueCode": "requested"}]}
    assert told(call("POST", everything, parameters, **as_(EHR))) == [first["id"]]

    events = call("GET", f"{address}/$events", **as_(EHR)).json()
    assert (events["type"], len(events["entry"])) == ("history", 1)
    assert [one for one in validator.validate(events).issues if one.is_error] == []
    refused(call("GET", f"/fhir/Subscription/{second['id']}/$events", **as_(EHR)), 422, "subscription-no-numbers")
    for query, place in (("eventsSinceNumber=x", "http.eventsSinceNumber"), ("content=all", "http.content")):
        refused(call("GET", f"{address}/$events?{query}", **as_(EHR)), 400, "rest-bad-parameter", place)
    refused(call("GET", f"{address}/$events?since=1", **as_(EHR)), 400, "rest-unknown-parameter", "http.since")
    strange = {"resourceType": "Parameters", "parameter": [{"name": "since", "valueString": "1"}]}
    told_of = refused(call("POST", f"{address}/$events", strange, **as_(EHR)), 400, "rest-bad-parameter")
    assert told_of["extension"], "line and column, as of every other body"
    refused(call("POST", f"{address}/$events", R4, **as_(EHR)), 400, "rest-type-differs")
    refused(call("GET", "/fhir/Subscription?criteria=x", **as_(EHR)), 400, "rest-unknown-parameter")
