"""What a client is told is decided when it is sent: another organisation's is told its share, and nothing withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.gateway import notifying
from fhir_mh.sync.retry import Retry
from tests.contract.subscribing import EHR, NURSE, WARD, Client, clients, eventually, gateway, search, topic
from tests.receivers import Receiver, receiver, told_by
from tests.unit.gateway.pair import person_with_a_plan

PARTNERS = [{"ods": "ZOA1", "name": "Ward far away", "base_url": "http://127.0.0.1:9"}]
WITHDRAWN = {
    "id": "deny",
    "made_at": "2026-11-24",
    "terms": {"exceptions": [{"decision": "deny", "actors": [{"party": {"id": "org-ward"}}]}]},
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again sooner than it would."""
    soon = Retry(first=timedelta(milliseconds=40), longest=timedelta(milliseconds=200))
    monkeypatch.setattr(notifying, "Retry", lambda: soon)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def other() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def records(call: Client, **more: Any) -> str:
    return str(call.made("/records", {**person_with_a_plan(), **more})["id"])


def write(call: Client, record: str, **tree: Any) -> None:
    """A change to a record, by its id."""
    held = call("GET", f"/records/{record}")
    answer = call("PUT", f"/records/{record}", tree, if_match=held.headers["etag"])
    assert answer.is_success, answer.text


def crisis(sign: str) -> dict[str, Any]:
    return {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "sleep", "sign": {"text": sign}}]}]}


def test_another_organisation_is_told_its_share_alone(store_url: str, hook: Receiver, other: Receiver) -> None:
    """Of one person it may see the plan, of another nothing; its numbers have no gaps that would tell of more."""
    with gateway(store_url, hook, other) as client:
        home, ward = client(EHR), client(WARD)
        for call, receiving in ((home, hook), (ward, other)):
            for name in ("crisis-plan-changed", "sharing-preference-changed", "task-raised"):
                call.until(call.subscribe(topic(receiving.url, name, "full-resource")), "active")
        stranger = {"person": {"nhs_number": "9990000026"}, "crisis_plans": [{"id": "mine", "warning_signs": [
            {"id": "s", "sign": {"text": "zebra"}}]}]}  # fmt: skip
        home.made("/records", stranger)
        record = records(home)
        write(home, record, **crisis("quagga"))
        hook.until(lambda: len(hook.events) == 3)
        other.until(lambda: len(other.events) == 2)
        home.made("/records", {**stranger, "crisis_plans": [{"id": "mine", "title": "Later"}]})
        write(home, record, **crisis("okapi"))
        hook.until(lambda: len(hook.events) == 5)
        other.until(lambda: len(other.events) == 3)
        assert [event["event-number"] for event in hook.events] == [1, 2, 3, 4, 5]
        assert [event["event-number"] for event in other.events] == [1, 2, 3]
        assert len({event["focus"] for event in other.events}) == 1
        everything = b"".join(one.body for one in other.requests)
        assert b"zebra" not in everything
        assert b"okapi" in everything
        seen = ward("GET", other.events[0]["focus"].partition("/fhir")[2].join(["/fhir", ""])).json()
        assert other.of_type("event-notification")[-1].json["entry"][1]["resource"] == seen


def test_what_waits_is_dropped_once_consent_is_withdrawn(store_url: str, hook: Receiver, other: Receiver) -> None:
    """What cannot have arrived leaves no trace; of what may have, only that it was."""
    with gateway(store_url, hook, other) as client:
        home, ward = client(EHR), client(WARD)
        named = {name: ward.subscribe(topic(other.url, name, "full-resource", max_count=1))
                 for name in ("crisis-plan-changed", "placement-changed")}  # fmt: skip
        plain = ward.subscribe(search(other.url, "CarePlan"))
        for name in named.values():
            ward.until(name, "active")
        other.go()
        record = records(home)
        write(home, record, **crisis("quagga"))
        for name in (plain, *named.values()):
            ward.until(name, "error")
        write(home, record, sharing=[WITHDRAWN])
        write(home, record, **crisis("okapi"))
        other.requests.clear()
        other.come()
        second = {**person_with_a_plan(), "person": {"nhs_number": "9990000026"}}
        home.made("/records", second)
        other.until(lambda: len(other.requests) >= 4)  # two plans to the search, and an event of each topic
        for name in (plain, *named.values()):
            ward.until(name, "active")
        assert sorted(event["event-number"] for event in other.events) == [1, 1]
        assert b"quagga" not in b"".join(one.body for one in other.requests)
        theirs = {one["resource"]["id"] for kind in ("CarePlan", "ServiceRequest")
                  for one in ward("GET", f"/fhir/{kind}").json()["entry"]}  # fmt: skip
        told = {one.path.rpartition("/")[2] for one in other.requests if one.method == "PUT"}
        assert told | {event["focus"].rpartition("/")[2] for event in other.events} == theirs
        assert len(other.requests) == 4


def test_a_number_that_may_have_arrived_is_kept_though_its_focus_is_withheld(
    store_url: str, hook: Receiver, other: Receiver
) -> None:
    with gateway(store_url, hook, other) as client:
        home, ward = client(EHR), client(WARD)
        name = ward.subscribe(topic(other.url, "crisis-plan-changed", "full-resource"))
        ward.until(name, "active")
        other.answer = 503
        record = records(home)
        other.until(lambda: other.refused)
        write(home, record, sharing=[WITHDRAWN])
        before = len(other.refused)
        other.until(lambda: len(other.refused) > before + 1)  # what was on its way by then has come
        other.requests.clear()
        other.answer = 200
        other.until(lambda: other.events)
        (event,) = other.events
        assert event == {"event-number": 1}
        (one,) = other.of_type("event-notification")
        assert len(one.json["entry"]) == 1
        again = ward("GET", f"/fhir/Subscription/{name}/$events?content=full-resource").json()
        assert told_by(again["entry"][0]["resource"])["notification-event"] == [{"event-number": 1}]
        assert len(again["entry"]) == 1


def test_events_are_told_again_as_consent_has_it_now(store_url: str, hook: Receiver, other: Receiver) -> None:
    with gateway(store_url, hook, other) as client:
        home, ward = client(EHR), client(WARD)
        name = ward.subscribe(topic(other.url, "crisis-plan-changed"))
        record = records(home)
        write(home, record, **crisis("quagga"))
        write(home, record, **crisis("okapi"))
        other.until(lambda: len(other.events) == 3)

        def told(query: str = "") -> list[dict[str, Any]]:
            answer = ward("GET", f"/fhir/Subscription/{name}/$events{query}").json()
            found: list[dict[str, Any]] = told_by(answer["entry"][0]["resource"])["notification-event"]
            return found

        assert told() == other.events
        assert told("?eventsSinceNumber=2&eventsUntilNumber=2") == other.events[1:2]
        full = ward("GET", f"/fhir/Subscription/{name}/$events?content=full-resource&eventsSinceNumber=3").json()
        assert "okapi" in str(full["entry"][1]["resource"])
        write(home, record, sharing=[WITHDRAWN])
        assert told() == [{"event-number": number} for number in (1, 2, 3)]


def test_a_client_that_the_settings_no_longer_have_is_sent_nothing_more(
    store_url: str, hook: Receiver, other: Receiver
) -> None:
    """Nor one that now acts for another organisation, or an endpoint that is no longer one of its client's."""
    with gateway(store_url, hook, other) as client:
        removed, moved, elsewhere = client(EHR), client(WARD), client(NURSE)
        for call in (removed, moved, elsewhere):
            call.subscribe(search(other.url, "Patient"))
        gone = elsewhere.subscribe(topic(other.url, "plan-changed"))
        elsewhere.until(gone, "active")
    other.requests.clear()
    named = {one["name"]: one for one in clients(hook)}
    left = [{**named["ward"], "organisation": "ZIC1"}, named["nurse"], {**named["ehr"], "name": "another"}]
    with gateway(store_url, hook, clients=left) as client:
        call = client(EHR)
        mine = call.subscribe(search(hook.url, "Patient"))
        call.made("/fhir/Patient", {"resourceType": "Patient"})
        hook.until(lambda: hook.requests)
        nurse = client(NURSE)
        eventually(lambda: "error" in told_by(status(nurse, nurse_subscription(nurse, gone))))
        assert [one["resource"]["id"] for one in call("GET", "/fhir/Subscription").json()["entry"]] == [mine]
        assert "entry" not in client(WARD)("GET", "/fhir/Subscription").json()
    assert other.requests == []


def nurse_subscription(nurse: Client, other_than: str) -> str:
    (found,) = [
        one["resource"]["id"]
        for one in nurse("GET", "/fhir/Subscription").json()["entry"]
        if one["resource"]["id"] != other_than
    ]
    return str(found)


def status(call: Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = call("GET", f"/fhir/Subscription/{name}/$status").json()["entry"][0]["resource"]
    return found
