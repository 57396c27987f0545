"""Examples that are requests: asked of a gateway in this process, whose clock stands and whose ids are counted.

A request is {METHOD ADDRESS: body}, with `headers` and `as` beside: the client whose token is sent. What `keep` names
is taken from the answer, for {name} in later requests; `etag` is the header of that name. body: text, or an object that
is written as JSON.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any

import httpx

from fhir_mh.api import build_gateway, create_app
from fhir_mh.clock import ManualClock
from fhir_mh.issue_codes import CODES
from fhir_mh.issues import Issue
from fhir_mh.settings import Settings, load
from fhir_mh.store import open_store
from fhir_mh.validation import Validator

CLIENTS = {
    "clinician": ("ZCT1", "clinician"), "operator": ("ZCT1", "operator"), "concerns": ("ZCT1", "concerns"),
    "quarantine": ("ZCT1", "quarantine"),
    "seals": ("ZCT1", "seals"),
    "second": ("ZCT1", "seals"),
    "seals-unnamed": ("ZCT1", "seals"),
    "merges": ("ZCT1", "merges"),
    "guardian": ("ZCT1", "merges"),
    "merges-unnamed": ("ZCT1", "merges"),
    "ward": ("ZOA1", "clinician"), "advocate": ("ZADV1", "clinician"),
}  # fmt: skip
"""Who asks: the organisation that each acts for, and its role there. ZCT1 is the gateway's own."""
_ENDPOINTS = {"clinician": ["https://ehr.example/hook"]}
_PARTNERS = [{"ods": "ZOA1", "name": "Ward far away", "base_url": "http://127.0.0.1:9"}]
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")

Request = dict[str, Any]


def answers(example: Mapping[str, Any]) -> tuple[list[Issue], list[Issue], int]:
    """What the request of an example was answered with, and the mended one, asked after it; the status of the first.

    Raises LookupError where a request before it was refused.
    """
    asked = [*example.get("before", ()), example["send"], *([example["mended"]] if "mended" in example else [])]
    clients = any("as" in one for one in asked)
    told = asyncio.run(_ask(asked, _settings(clients)))
    number = len(example.get("before", ()))
    for one in told[:number]:
        if not one.is_success:
            raise LookupError(f"what comes before an example was refused: {one.text}")
    wrong, *right = [list(_issues(_json(one))) for one in told[number:]]
    return wrong, right[0] if right else [], told[number].status_code


def line_of(request: Request) -> tuple[str, Any]:
    """A request's method with its address, and its body."""
    ((line, body),) = [(key, value) for key, value in request.items() if key.startswith(_METHODS)]
    return line, body


async def _ask(asked: list[Request], settings: Settings) -> list[httpx.Response]:
    clock, numbers = ManualClock(datetime(2026, 11, 24, 9, tzinfo=UTC)), count(1)
    store = open_store("sqlite://", clock=clock, inline=True, new_id=lambda: f"id-{next(numbers)}")
    with store:
        gateway = build_gateway(settings, clock=clock, store=store, validator=_validator())
        app = create_app(gateway, settings, validator=_validator())
        through = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=through, base_url="http://127.0.0.1:8080") as client:
            kept: dict[str, str] = {}
            return [await _one(client, request, kept) for request in asked]


async def _one(client: httpx.AsyncClient, request: Request, kept: dict[str, str]) -> httpx.Response:
    line, body = line_of(request)
    method, _, url = _filled(line, kept).partition(" ")
    headers = {name: _filled(value, kept) for name, value in request.get("headers", {}).items()}
    if "as" in request:
        headers["Authorization"] = f"Bearer {token(request['as'])}"
    if body is not None:
        headers = {"Content-Type": media_of(url), **headers}
    content = body if body is None or isinstance(body, str) else json.dumps(_all_filled(body, kept))
    answer = await client.request(method, url, headers=headers, content=content)
    for name, where in request.get("keep", {}).items():
        kept[name] = answer.headers["etag"] if where == "etag" else _at(answer.json(), where)
    return answer


def token(name: str) -> str:
    """The token of one of the clients."""
    return f"the-token-of-the-{name}-".ljust(40, "x")


def media_of(url: str) -> str:
    """What a body is sent as, where the example does not say."""
    if "/_search" in url:
        return "application/x-www-form-urlencoded"
    return "application/fhir+json" if url.startswith("/fhir") else "application/json"


def _filled(text: str, kept: Mapping[str, str]) -> str:
    for name, value in kept.items():
        text = text.replace("{" + name + "}", value)
    return text


def _all_filled(body: Any, kept: Mapping[str, str]) -> Any:
    if isinstance(body, dict):
        return {key: _all_filled(value, kept) for key, value in body.items()}
    if isinstance(body, list):
        return [_all_filled(value, kept) for value in body]
    return _filled(body, kept) if isinstance(body, str) else body


def _at(body: Any, path: str) -> str:
    for step in path.split("."):
        body = body[int(step)] if isinstance(body, list) else body[step]
    return str(body)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _issues(body: Any) -> Iterator[Issue]:
    """The issues anywhere in an answer: of an OperationOutcome, or in our own JSON."""
    if isinstance(body, list):
        for part in body:
            yield from _issues(part)
    elif isinstance(body, dict):
        coding = (body.get("details") or {}).get("coding") if isinstance(body.get("details"), dict) else None
        if coding:
            yield _of_outcome(body, coding[0]["code"])
        elif body.get("code") in CODES and "message" in body:
            yield Issue(**body)
        else:
            for part in body.values():
                yield from _issues(part)


def _of_outcome(body: dict[str, Any], code: str) -> Issue:
    spec = CODES[code].spec
    fix = str(body.get("diagnostics", "")).removesuffix(f"See {spec}").strip() if spec else body.get("diagnostics", "")
    line, column = [one["valueInteger"] for one in body.get("extension", ())] or (None, None)
    return Issue(code, body["severity"], "".join(body.get("expression", ())), body["details"]["text"], fix, spec,
                 line, column)  # fmt: skip


@cache
def _validator() -> Validator:
    return Validator()


@cache
def _settings(clients: bool) -> Settings:
    named = [
        {"token": token(name), "organisation": ods, "role": role, "name": None if "unnamed" in name else name,
         "endpoints": _ENDPOINTS.get(name, [])}
        for name, (ods, role) in CLIENTS.items()
    ]  # fmt: skip
    return load(ods="ZCT1", name="Community trust", partners=_PARTNERS, clients=named if clients else [])
