"""A gateway as it is served, whose clients subscribe: what they ask for, and how they are asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from fhir_mh.gateway.notices import BACKPORT
from fhir_mh.gateway.topics import TOPIC
from tests.contract.loopback import gateway_of
from tests.contract.rest_caller import FHIR
from tests.receivers import PATIENCE, Receiver

EHR, NURSE, WARD = (f"{name}-{'x' * 40}" for name in ("ehr", "nurse", "ward"))
Json = dict[str, Any]


def clients(*receivers: Receiver) -> list[Json]:
    """The home team's record system and another client of it, and the ward's: all may be notified by all of these."""
    may = {"endpoints": [one.url for one in receivers]}
    return [
        {"token": EHR, "organisation": "ZCT1", "role": "clinician", "name": "ehr", **may},
        {"token": NURSE, "organisation": "ZCT1", "role": "clinician", "name": "nurse", **may},
        {"token": WARD, "organisation": "ZOA1", "role": "clinician", "name": "ward", **may},
    ]


def search(endpoint: str, criteria: str = "CarePlan", **more: Any) -> Json:
    """A Subscription of R4, with the resource as its payload; more: of its channel."""
    channel = {"type": "rest-hook", "endpoint": endpoint, "payload": FHIR, **more}
    return {
        "resourceType": "Subscription", "status": "requested", "reason": "A test", "criteria": criteria,
        "channel": {name: value for name, value in channel.items() if value is not None},
    }  # fmt: skip


def topic(endpoint: str, name: str, content: str = "id-only", *filters: str, **settings: int) -> Json:
    """A Subscription of the backport. settings: of its channel, max_count for backport-max-count."""
    kinds = {"max_count": "valuePositiveInt"}
    extensions = [
        {"url": f"{BACKPORT}backport-{key.replace('_', '-')}", kinds.get(key, "valueUnsignedInt"): value}
        for key, value in settings.items()
    ]
    body = search(endpoint, TOPIC + name)
    body["channel"]["_payload"] = {"extension": [{"url": BACKPORT + "backport-payload-content", "valueCode": content}]}
    if extensions:
        body["channel"]["extension"] = extensions
    if filters:
        url = BACKPORT + "backport-filter-criteria"
        body["_criteria"] = {"extension": [{"url": url, "valueString": one} for one in filters]}
    return body


class Client:
    """Speaks to a gateway as one of its clients."""

    def __init__(self, address: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        )

    def __call__(self, method: str, url: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named.setdefault("content-type", FHIR if url.startswith("/fhir") else "application/json")
        return self.http.request(method, url, json=body, headers=named)

    def made(self, url: str, body: Json) -> Json:
        """What a POST was answered with, which must have been taken."""
        answer = self("POST", url, body)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    def subscribe(self, body: Json) -> str:
        return str(self.made("/fhir/Subscription", body)["id"])

    def subscription(self, name: str) -> Json:
        found: Json = self("GET", f"/fhir/Subscription/{name}").json()
        return found

    def until(self, name: str, status: str) -> None:
        """Until a Subscription has this status."""
        eventually(lambda: self.subscription(name)["status"] == status)


def eventually(holds: Callable[[], Any]) -> None:
    """Until it holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


@contextmanager
def gateway(store: str, *receivers: Receiver, **settings: Any) -> Iterator[Callable[[str], Client]]:
    """A gateway over this store; a client of it, by its token."""
    named = {"clients": clients(*receivers), **settings}
    with gateway_of("ZCT1", store=store, **named) as address:
        made: list[Client] = []

        def client(token: str) -> Client:
            made.append(Client(address, token))
            return made[-1]

        try:
            yield client
        finally:
            for one in made:
                one.http.close()
