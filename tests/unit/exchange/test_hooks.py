"""A request to a client's endpoint: what is sent, what counts as taken, and where nothing is sent at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from fhir_mh.exchange import hooks as module
from fhir_mh.exchange.hooks import Failed, Hooks
from tests.receivers import Receiver, receiver

CANARY = "quagga"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def send(url: str, patience: float = 10, times: int = 1) -> None:
    async def run() -> None:
        hooks = Hooks()
        try:
            for _ in range(times):
                await hooks.send("POST", url, [("X-Key", CANARY), ("X-Key", "2")], CANARY.encode(), patience)
        finally:
            await hooks.close()

    asyncio.run(run())


def refused(url: str, **how: Any) -> tuple[str, bool]:
    with pytest.raises(Failed) as failed:
        send(url, **how)
    assert CANARY not in str(failed.value)
    return failed.value.code, failed.value.arrived


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_taken(hook: Receiver, status: int) -> None:
    hook.answer = status
    send(hook.url)
    (one,) = hook.requests
    assert (one.method, one.path, one.body) == ("POST", "/hook", CANARY.encode())
    assert one.headers["accept-encoding"] == "identity"
    assert one.headers["x-key"]


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422, 429, 500, 503])
def test_any_other_answer_is_not(hook: Receiver, status: int) -> None:
    hook.answer = status
    assert refused(hook.url) == ("subscription-answer", True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(hook: Receiver, status: int) -> None:
    with receiver() as elsewhere:
        hook.answer, hook.location = status, elsewhere.url
        assert refused(hook.url) == ("subscription-redirect", True)
        assert (elsewhere.requests, elsewhere.refused) == ([], [])


def test_who_is_away_was_sent_nothing_and_who_does_not_answer_may_have_read_it(hook: Receiver) -> None:
    hook.gate.clear()
    assert refused(hook.url, patience=0.3) == ("subscription-unreachable", True)
    hook.gate.set()
    hook.go()
    assert refused(hook.url) == ("subscription-unreachable", False)


def test_no_cookie_comes_back(hook: Receiver) -> None:
    hook.cookie = "a=b"
    send(hook.url, times=2)
    assert len(hook.requests) == 2
    assert not [one for one in hook.requests if "cookie" in one.headers]


def test_nothing_leaves_this_machine_unencrypted() -> None:
    assert refused("http://ehr.example/hook") == ("subscription-failed", False)


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "fe80::1%1", "::ffff:127.0.0.1"])
def test_a_name_that_leads_to_this_machine_or_to_no_other_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    async def resolve(*_: Any) -> list[dict[str, Any]]:
        return [{"hostname": "x", "host": address, "port": 1, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    assert refused("https://ehr.example:1/hook") == ("subscription-unreachable", False)


def test_a_name_may_lead_into_a_private_network() -> None:
    """Trusts' own systems are there; which of them may be called the settings say."""
    assert not module._is_a_surprise("10.1.2.3")
    assert not module._is_a_surprise("192.0.2.7")


def test_localhost_is_this_machine(hook: Receiver) -> None:
    send(hook.url.replace("127.0.0.1", "localhost"))
    assert len(hook.requests) == 1


def test_nothing_of_it_is_logged(hook: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    send(hook.url)
    hook.answer = 500
    refused(hook.url)
    assert not [one for one in caplog.records if CANARY in one.getMessage()]
