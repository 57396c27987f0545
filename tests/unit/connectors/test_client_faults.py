"""What a FHIR server's odd answers become: one of ours, bounded, and the token goes to nobody else."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import respx

from fhir_mh.connectors.fhir_server import client as module
from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.errors import FhirMhError, UpstreamUnavailable
from fhir_mh.exchange.transport import Refused
from fhir_mh.fhir.json import dumps
from fhir_mh.partner import Connection

BASE = "https://fhir.example.test/r4"
PLAN = {"resourceType": "CarePlan", "id": "a", "title": "what the person said"}


def read(effect: Any, *, patience: float = 30) -> Any:
    """What comes of reading a plan where HTTP gives this."""

    async def run() -> Any:
        router = respx.MockRouter(assert_all_called=False)
        router.route().mock(side_effect=effect)
        connection = Connection.model_validate({"kind": "fhir-server", "base_url": BASE + "/", "token": "a-token"})
        through = httpx.MockTransport(router.async_handler)
        client = FhirClient(connection, patience=patience, through=through)
        try:
            return await client.read("CarePlan", "a")
        finally:
            await client.close()

    return asyncio.run(run())


def code(effect: Any, kind: type[FhirMhError] = UpstreamUnavailable, **how: Any) -> str:
    with pytest.raises(kind) as fault:
        read(effect, **how)
    assert "person" not in str(fault.value)
    return fault.value.issues[0].code


def answering(status: int = 200, content: bytes = b"", **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, headers=headers, content=content)


def test_what_is_asked_is_fhir_json_with_the_token() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=dumps(PLAN))

    assert read(answer) == PLAN
    (request,) = seen
    assert str(request.url) == f"{BASE}/CarePlan/a"
    assert (request.headers["accept"], request.headers["authorization"]) == ("application/fhir+json", "Bearer a-token")
    assert request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("person"), httpx.ReadTimeout("person"), OSError("person"), ValueError("person")]
)
def test_what_goes_wrong_below_is_that_nobody_answers(fault: Exception) -> None:
    assert code(fault) == "sync-unreachable"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_followed_elsewhere(status: int) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(status, headers={"Location": "https://elsewhere.example/CarePlan/a"})

    assert code(answer) == "sync-unexpected-answer"
    assert seen == ["fhir.example.test"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"a": 1, "a": 2}',
        b'{"title": "person"}',
        b"<a/>",
        b'{"resourceType": "CarePlan", "id": "another"}',
        b'{"resourceType": "Goal", "id": "a"}',
    ],
)
def test_what_is_no_resource_is_no_answer(content: bytes) -> None:
    assert code(answering(content=content)) == "sync-unexpected-answer"


def test_an_endless_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_ANSWER", 1000)
    assert code(answering(content=b" " * 1001)) == "sync-too-large"


def test_a_compressed_answer_is_not_unfolded() -> None:
    folded = answering(content=gzip.compress(dumps(PLAN)), **{"Content-Encoding": "gzip"})
    assert code(folded) == "sync-unexpected-answer"


def test_a_server_that_drips_is_given_up() -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.01)

    assert code(lambda request: httpx.Response(200, stream=Drip()), patience=0.2) == "sync-unreachable"


def test_what_is_larger_than_is_taken_in_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REQUEST", 100)

    async def run() -> None:
        client = FhirClient(Connection.model_validate({"kind": "fhir-server", "base_url": BASE, "token": "a"}))
        try:
            await client.transaction([{"resource": {**PLAN, "title": "x" * 200}}])
        finally:
            await client.close()

    with pytest.raises(Refused) as fault:
        asyncio.run(run())
    assert fault.value.issues[0].code == "sync-too-large"
