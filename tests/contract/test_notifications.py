"""Clients are told what they subscribed to: by a gateway as it is served, at endpoints that are real servers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh import Validator
from fhir_mh.gateway import notifying
from fhir_mh.sync.retry import Retry
from tests.contract.rest_caller import NHS, NUMBER, OTHER_NUMBER, plan
from tests.contract.subscribing import EHR, Client, eventually, gateway, search, topic
from tests.databases import sqlite_database
from tests.receivers import Receiver, receiver, told_by

CANARY = "zebra allotment"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again sooner than it would."""
    soon = Retry(first=timedelta(milliseconds=40), longest=timedelta(milliseconds=200))
    monkeypatch.setattr(notifying, "Retry", lambda: soon)


def patient(call: Client, number: str = NUMBER) -> str:
    body = {"resourceType": "Patient", "identifier": [{"system": NHS, "value": number}]}
    return str(call.made("/fhir/Patient", body)["id"])


def change(call: Client, held: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = call("PUT", f"/fhir/{held['resourceType']}/{held['id']}", {**held, **more})
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


# --- R4


def test_a_search_is_told_of_each_change_with_the_resource(store_url: str, hook: Receiver) -> None:
    with gateway(store_url, hook) as client:
        call = client(EHR)
        person, other = patient(call), patient(call, OTHER_NUMBER)
        name = call.subscribe(search(hook.url, f"CarePlan?patient=Patient/{person}", header=["X-Key: secret"]))
        call.made("/fhir/CarePlan", plan(other))
        held = call.made("/fhir/CarePlan", plan(person, title="One"))
        hook.until(lambda: len(hook.requests) == 1)
        held = change(call, held, title="Two")
        hook.until(lambda: len(hook.requests) == 2)
        assert [(one.method, one.path) for one in hook.requests] == [("PUT", f"/hook/CarePlan/{held['id']}")] * 2
        assert [one.json["title"] for one in hook.requests] == ["One", "Two"]
        assert hook.requests[1].json == call("GET", f"/fhir/CarePlan/{held['id']}").json()
        assert {one.headers["x-key"] for one in hook.requests} == {"secret"}
        assert {one.headers["content-type"] for one in hook.requests} == {"application/fhir+json"}
        assert call.subscription(name)["status"] == "active"


def test_without_payload_it_is_a_post_of_nothing(store_url: str, hook: Receiver) -> None:
    with gateway(store_url, hook) as client:
        call = client(EHR)
        call.subscribe(search(hook.url, "Patient", payload=None))
        patient(call)
        hook.until(lambda: hook.requests)
        (one,) = hook.requests
        assert (one.method, one.path, one.body) == ("POST", "/hook", b"")


@pytest.mark.parametrize("criteria", ["CarePlan?identifier=urn:x|7", "CarePlan?identifier=7", "CarePlan?_id={id}"])
def test_a_search_finds_what_searches_find(store_url: str, hook: Receiver, criteria: str) -> None:
    with gateway(store_url, hook) as client:
        call = client(EHR)
        person = patient(call)
        call.made("/fhir/CarePlan", plan(person))
        held = call.made("/fhir/CarePlan", plan(person, identifier=[{"system": "urn:x", "value": "7"}]))
        call.subscribe(search(hook.url, criteria.replace("{id}", held["id"])))
        call.made("/fhir/CarePlan", plan(person, identifier=[{"system": "urn:x", "value": "8"}]))
        change(call, held, title="Told")
        hook.until(lambda: hook.requests)
        assert [one.json["title"] for one in hook.requests] == ["Told"]


def test_a_client_that_was_away_over_a_restart_is_told_the_newest_once_it_is_back(
    store_url: str, hook: Receiver
) -> None:
    hook.go()
    with gateway(store_url, hook) as client:
        call = client(EHR)
        name = call.subscribe(search(hook.url))
        held = call.made("/fhir/CarePlan", plan(patient(call), title="0"))
        for title in "123":
            held = change(call, held, title=title)
        call.until(name, "error")
        assert call.subscription(name)["error"] == "subscription-unreachable"
    with gateway(store_url, hook) as client:
        call = client(EHR)
        hook.come()
        hook.until(lambda: hook.requests)
        call.until(name, "active")
        assert [one.json["title"] for one in hook.requests] == ["3"]
        assert "error" not in call.subscription(name)


# --- the backport


def test_a_topic_is_greeted_and_then_told_by_number(store_url: str, hook: Receiver, validator: Validator) -> None:
    with gateway(store_url, hook) as client:
        call = client(EHR)
        made = call.made("/fhir/Subscription", topic(hook.url, "plan-changed", "full-resource"))
        assert made["status"] == "requested"
        call.until(made["id"], "active")
        held = call.made("/fhir/CarePlan", plan(patient(call), title="One"))
        hook.until(lambda: hook.events)
        held = change(call, held, title="Two")
        change(call, held)  # says the same
        goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "x"}}
        goal["subject"] = held["subject"]
        goal_id = call.made("/fhir/Goal", goal)["id"]
        hook.until(lambda: len(hook.events) == 3)
        (greeting,) = hook.of_type("handshake")
        assert (greeting.status["status"], greeting.status["events-since-subscription-start"]) == ("requested", "0")
        base = str(call.http.base_url).rstrip("/") + "/fhir"
        focus = f"{base}/CarePlan/{held['id']}"
        assert [event["event-number"] for event in hook.events] == [1, 2, 3]
        assert [event["focus"] for event in hook.events] == [focus, focus, f"{base}/Goal/{goal_id}"]
        first = hook.of_type("event-notification")[0]
        assert (first.method, first.path) == ("POST", "/hook")
        assert first.status["subscription"] == f"{base}/Subscription/{made['id']}"
        assert first.status["topic"] == made["criteria"]
        assert first.json["entry"][1]["resource"]["title"] == "One"
        for one in hook.requests:
            assert [found for found in validator.validate(one.json).issues if found.is_error] == []
            assert one.json["type"] == "history"


@pytest.mark.parametrize("content", ["empty", "id-only"])
def test_no_more_is_sent_than_was_asked_for(store_url: str, hook: Receiver, content: str, validator: Validator) -> None:
    with gateway(store_url, hook) as client:
        call = client(EHR)
        call.subscribe(topic(hook.url, "plan-changed", content))
        held = call.made("/fhir/CarePlan", plan(patient(call), title=CANARY))
        hook.until(lambda: hook.events)
        (one,) = hook.of_type("event-notification")
        assert CANARY.encode() not in one.body
        assert len(one.json["entry"]) == 1
        assert (held["id"] in str(one.json)) == (content == "id-only")
        assert ("focus" in hook.events[0]) == ("topic" in one.status) == (content == "id-only")
        assert [found for found in validator.validate(one.json).issues if found.is_error] == []


def test_numbers_have_no_gaps_though_the_client_was_away_and_refused(store_url: str, hook: Receiver) -> None:
    with gateway(store_url, hook) as client:
        call = client(EHR)
        name = call.subscribe(topic(hook.url, "plan-changed", max_count=3))
        call.until(name, "active")
        held = call.made("/fhir/CarePlan", plan(patient(call), title="0"))
        hook.until(lambda: hook.events)
        hook.go()
        for title in "1234":
            held = change(call, held, title=title)
        eventually(lambda: "error" in told_by(status(call, name)))
        hook.answer = 500
        hook.come()
        hook.until(lambda: hook.refused)
        hook.answer = 200
        hook.until(lambda: len(hook.events) == 5)
        assert [event["event-number"] for event in hook.events] == [1, 2, 3, 4, 5]
        assert max(len(one.numbers) for one in hook.of_type("event-notification")) == 3
        eventually(lambda: "error" not in told_by(status(call, name)))
        assert told_by(status(call, name))["events-since-subscription-start"] == "5"


def status(call: Client, name: str) -> dict[str, Any]:
    bundle = call("GET", f"/fhir/Subscription/{name}/$status").json()
    assert bundle["type"] == "searchset"
    found: dict[str, Any] = bundle["entry"][0]["resource"]
    return found


# --- topics


@pytest.fixture(scope="module")
def at_work() -> Iterator[tuple[Client, Receiver]]:
    """A gateway and its client, for many tests."""
    with sqlite_database() as store, receiver() as hook, gateway(store, hook) as client:
        yield client(EHR), hook


REFUSAL = {"id": "r", "made_at": "2026-01-05", "refuses": [{"id": "e", "treatment": "ECT"}]}
STATEMENT = {"id": "s", "made_at": "2026-01-06", "wishes": [{"id": "w", "words": {"text": "Tea"}}]}
PERMIT = {"id": "s1", "made_at": "2026-01-05", "terms": {"exceptions": [{"decision": "permit"}]}}
DENY = {"id": "s2", "made_at": "2026-01-06", "terms": {"exceptions": [{"decision": "deny"}]}}


def reviewed(day: str, **more: Any) -> dict[str, Any]:
    return {"care_plans": [{"id": "care", "reviews": [{"id": "r", "planned": day}], **more}]}


@pytest.mark.parametrize(
    ("name", "first", "then", "kinds"),
    [
        ("plan-changed", {"care_plans": [{"id": "care", "title": "1"}]}, {"care_plans": [{"id": "care", "title": "2"}]},
         ["CarePlan", "CarePlan"]),
        ("plan-changed", {"goals": [{"id": "g", "description": "1"}]}, {"goals": [{"id": "g", "description": "2"}]},
         ["Goal", "Goal"]),
        ("crisis-plan-changed", {"crisis_plans": [{"id": "c", "title": "1"}]},
         {"crisis_plans": [{"id": "c", "title": "2"}]}, ["CarePlan", "CarePlan"]),
        ("placement-changed", {"placements": [{"id": "p", "level": "2"}]}, {"placements": [{"id": "p", "level": "1"}]},
         ["ServiceRequest", "ServiceRequest"]),
        ("advance-wishes-changed", {"refusals": [REFUSAL]}, {"statements": [STATEMENT]},
         ["Consent", "CarePlan", "Consent"]),
        ("sharing-preference-changed", {"sharing": [PERMIT]}, {"sharing": [DENY]}, ["Consent", "Consent"]),
        ("review-date-changed", reviewed("2026-12-01", title="One"), reviewed("2026-12-08"), ["CarePlan", "CarePlan"]),
    ],
)  # fmt: skip
def test_a_topic_is_about_its_own_changes(
    at_work: tuple[Client, Receiver], name: str, first: dict[str, Any], then: dict[str, Any], kinds: list[str]
) -> None:
    """An event for what is new and one for what is changed; none for anything else, the title of a plan included."""
    call, hook = at_work
    hook.requests.clear()
    subscription = call.subscribe(topic(hook.url, name))
    example, another = ({"identifiers": [{"system": "urn:example:number", "value": value}]} for value in ("1", "2"))
    record = call.made("/records", {"person": {"names": [{"family": "Example"}], **example}, **first})["id"]
    other: dict[str, Any] = {"organisations": [{"id": "o", "name": "Somebody else"}]}
    if name == "review-date-changed":
        other = {"care_plans": [{"id": "care", "title": "Two"}]}
    for tree in (then, {"person": {"birth_date": "1984-02-03"}, **other}):
        held = call("GET", f"/records/{record}")
        answer = call("PUT", f"/records/{record}", tree, if_match=held.headers["etag"])
        assert answer.is_success, answer.text
    call.made("/records", {"person": {"names": [{"family": "Another"}], **another}, **first})
    hook.until(lambda: len(hook.events) > len(kinds))
    told = [event["focus"].split("/")[-2] for event in hook.events]
    assert sorted(told[: len(kinds)]) == sorted(kinds)
    assert told[len(kinds) :] == told[:1]
    call("DELETE", f"/fhir/Subscription/{subscription}")
