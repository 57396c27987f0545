"""A caller of the application in its own process: requests in, answers out, no network."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from fhir_mh.api import build_gateway, create_app
from fhir_mh.gateway import Gateway
from fhir_mh.settings import Settings
from tests.validators import shared_validator

NUMBER = "9990000018"
OTHER_NUMBER = "9990000026"
NHS = "https://fhir.nhs.uk/Id/nhs-number"
FHIR = "application/fhir+json"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"

Json = dict[str, Any]


class Caller:
    """Speaks to one gateway's application."""

    def __init__(self, gateway: Gateway, settings: Settings, **options: Any) -> None:
        self.gateway, self.settings = gateway, settings
        self._loop = asyncio.new_event_loop()
        self._app = create_app(gateway, settings, validator=shared_validator(), **options)
        transport = httpx.ASGITransport(self._app, client=("127.0.0.1", 50000))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")

    def __call__(self, method: str, url: str, body: Any = None, **headers: str) -> httpx.Response:
        """body: bytes as they are, anything else as JSON. A header's _ stands for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent: Json = {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        if isinstance(body, bytes):
            named.setdefault("content-type", FHIR if url.startswith("/fhir") else "application/json")
        return self._loop.run_until_complete(self.client.request(method, url, headers=named, **sent))

    def run(self, several: Any) -> Any:
        """What several requests at once come to."""
        return self._loop.run_until_complete(several)

    def form(self, url: str, **fields: str) -> httpx.Response:
        """POST as a form."""
        return self._loop.run_until_complete(self.client.post(url, data=fields))

    def patient(self, number: str | None = NUMBER, **more: Any) -> str:
        """A new Patient's id."""
        body: Json = {"resourceType": "Patient", **more}
        if number:
            body["identifier"] = [{"system": NHS, "value": number}]
        answer = self("POST", "/fhir/Patient", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def close(self) -> None:
        self._loop.run_until_complete(self.client.aclose())
        self._loop.run_until_complete(self._app.state.transports.close())
        self._loop.close()


@contextmanager
def calling(settings: Settings, **options: Any) -> Iterator[Caller]:
    """A caller of a gateway over the store that the settings name."""
    gateway = build_gateway(settings, validator=shared_validator())
    with gateway.store:
        caller = Caller(gateway, settings, **options)
        try:
            yield caller
        finally:
            caller.close()


def plan(patient: str, **more: Any) -> Json:
    """A CarePlan about a patient."""
    return {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


def sharing_rule(patient: str) -> Json:
    """A sharing preference of a person that permits as the policy does."""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}]},
    }


def refused(answer: httpx.Response, status: int, code: str, place: str | None = None) -> Json:
    """The first issue of an OperationOutcome, after checking status, code and, where one is named, the place."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == FHIR
    outcome: Json = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    codes = [one["details"]["coding"][0]["code"] for one in outcome["issue"]]
    assert code in codes, outcome
    found: Json = outcome["issue"][codes.index(code)]
    if place is not None:
        assert place in found.get("expression", []), outcome
    return found
