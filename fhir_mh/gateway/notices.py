"""What a client is sent: a notification of the backport, or what R4 has a rest-hook carry.

See https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html and
https://hl7.org/fhir/R4/subscription.html#channels
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from fhir_mh.clock import instant
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.outcome import coding_of
from fhir_mh.gateway.wanted import Content, Wanted
from fhir_mh.store import Event, StoredResource, StoredSubscription

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
NotificationType = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]
_JSON = "application/fhir+json"
_NAMESPACE = uuid.UUID("0f2f5b0e-7a4e-5c43-9a63-8a4b6a1d9c11")


@dataclass(frozen=True, slots=True)
class Focus:
    """What an event is about, as its client may see it now; stored is None where it is deleted."""

    kind: str
    name: str
    stored: StoredResource | None


Told = tuple[Event, Focus | None]
"""An event with its number, and its focus: None where that is withheld."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One request to a client. events: those that it tells of; fresh: those of them that were given a number for it."""

    method: Literal["POST", "PUT"]
    url: str
    headers: tuple[str, ...]
    body: bytes
    timeout: int
    events: tuple[Event, ...] = ()
    fresh: tuple[Event, ...] = ()


def plain(wanted: Wanted, stored: StoredResource, events: Sequence[Event]) -> Notice:
    """As R4 has it: with the resource an update of it at the endpoint, else a POST of nothing.

    events: all that it tells of.
    """
    told = tuple(events)
    if not wanted.payload:
        return Notice("POST", wanted.endpoint, wanted.headers, b"", wanted.timeout, told)
    url = f"{wanted.endpoint.rstrip('/')}/{stored.type}/{stored.id}"
    headers = (*wanted.headers, f"Content-Type: {_JSON}")
    return Notice("PUT", url, headers, stored.text, wanted.timeout, told)


def notification(
    held: StoredSubscription, wanted: Wanted, kind: NotificationType, told: Sequence[Told], now: datetime,
    fresh: Sequence[Event] = (),
) -> Notice:  # fmt: skip
    """A POST of a Bundle."""
    body = dumps(bundle(held, wanted, kind, told, now))
    headers = (*wanted.headers, f"Content-Type: {_JSON}")
    events = tuple(event for event, _ in told)
    return Notice("POST", wanted.endpoint, headers, body, wanted.timeout, events, tuple(fresh))


def bundle(
    held: StoredSubscription, wanted: Wanted, kind: NotificationType, told: Sequence[Told], now: datetime,
    content: Content | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A notification: a Bundle of type history, the status of the subscription first. content: other than asked for."""
    content = content or wanted.content
    entries = [status_entry(held, wanted, kind, told, now, content)]
    if content == "full-resource":
        found = {(focus.kind, focus.name): focus for _, focus in told if focus is not None}
        entries += [_entry(held, focus) for focus in found.values()]
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [BACKPORT + "backport-subscription-notification-r4"]},
        "type": "history",
        "timestamp": instant(now),
        "entry": entries,
    }


def statuses(held: Sequence[tuple[StoredSubscription, Wanted]], now: datetime) -> dict[str, Any]:
    """What $status answers: a Bundle of type searchset with the status of each."""
    entries = []
    for one, wanted in held:
        entry = status_entry(one, wanted, "query-status", (), now, wanted.content)
        entries.append({"fullUrl": entry["fullUrl"], "resource": entry["resource"], "search": {"mode": "match"}})
    found = {"resourceType": "Bundle", "type": "searchset", "timestamp": instant(now), "total": len(entries)}
    return {**found, "entry": entries} if entries else found


def status_entry(
    held: StoredSubscription, wanted: Wanted, kind: NotificationType, told: Sequence[Told], now: datetime,
    content: Content,
) -> dict[str, Any]:  # fmt: skip
    """The entry of a Bundle that says how a subscription stands."""
    address = f"{held.base}/Subscription/{held.id}"
    numbers = [str(event.number) for event, _ in told]
    name = str(uuid.uuid5(_NAMESPACE, "/".join([held.id, kind, instant(now), *numbers])))
    parameters = [
        {"name": "subscription", "valueReference": {"reference": address}},
        *([{"name": "topic", "valueCanonical": wanted.topic}] if wanted.topic and content != "empty" else []),
        {"name": "status", "valueCode": held.status},
        {"name": "type", "valueCode": kind},
    ]
    if wanted.topic:
        parameters.append({"name": "events-since-subscription-start", "valueString": str(held.events)})
    parameters += [{"name": "notification-event", "part": _event(held, event, focus, content)} for event, focus in told]
    if held.error is not None:
        parameters.append({"name": "error", "valueCodeableConcept": coding_of(held.error)})
    return {
        "fullUrl": f"urn:uuid:{name}",
        "resource": {
            "resourceType": "Parameters",
            "id": name,
            "meta": {"profile": [BACKPORT + "backport-subscription-status-r4"]},
            "parameter": parameters,
        },
        "request": {"method": "GET", "url": f"{address}/$status"},
        "response": {"status": "200"},
    }


def _event(held: StoredSubscription, event: Event, focus: Focus | None, content: Content) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"name": "event-number", "valueString": str(event.number)}]
    if focus is None:
        return parts
    parts.append({"name": "timestamp", "valueInstant": instant(event.occurred)})
    if content != "empty":
        reference = f"{held.base}/{focus.kind}/{focus.name}"
        parts.append({"name": "focus", "valueReference": {"reference": reference}})
    return parts


def _entry(held: StoredSubscription, focus: Focus) -> dict[str, Any]:
    name = f"{focus.kind}/{focus.name}"
    entry: dict[str, Any] = {"fullUrl": f"{held.base}/{name}"}
    if focus.stored is None:
        return {**entry, "request": {"method": "DELETE", "url": name}, "response": {"status": "204"}}
    response = {
        "status": "200", "etag": f'W/"{focus.stored.version}"', "lastModified": instant(focus.stored.updated)
    }  # fmt: skip
    resource = orjson.Fragment(focus.stored.text)
    return {**entry, "resource": resource, "request": {"method": "PUT", "url": name}, "response": response}
