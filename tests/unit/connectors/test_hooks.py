"""Subscriptions on a server: made once, kept up, and made anew where the server has given one up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.connectors.fhir_server.hooks import HEADER, HOOK, Hooks, secrets_of, subscription
from fhir_mh.connectors.fhir_server.offered import takes_subscriptions
from fhir_mh.connectors.fhir_server.turns import Lost, Turn
from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.partner import Connection
from tests.fhir_server import Fault, FhirServer, fhir_server
from tests.unit.gateway.pair import HOME, WARD, Pair

ENDPOINT = "https://home.example/hooks/fhir/ZOA1"


def kept(pair: Pair, server: FhirServer, *kinds: str, endpoint: str = ENDPOINT, secret: str = "s") -> int:
    return done(pair, server, lambda hooks: hooks.keep(kinds, endpoint, secret))


def done(pair: Pair, server: FhirServer, what: Callable[[Hooks], Awaitable[int]]) -> int:
    async def do() -> int:
        client = FhirClient(Connection(kind="fhir-server", base_url=server.url))
        turn = Turn(pair.gateways[HOME].store, WARD, "worker")
        try:
            async with turn.taken():
                return await what(Hooks(client, turn, server.url))
        finally:
            await client.close()

    return asyncio.run(do())


def noted(pair: Pair) -> int:
    return len(pair.gateways[HOME].store.read_now(lambda tx: tx.checkpoints.below(HOOK, WARD)))


def test_one_for_each_type_is_made_once(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    with fhir_server() as server:
        assert kept(pair, server, "Goal", "CarePlan") == 2
        assert kept(pair, server, "Goal", "CarePlan") == 0
        found = server.all("Subscription")
        assert [one["criteria"] for one in found] == ["CarePlan?", "Goal?"]
        channel = {"type": "rest-hook", "endpoint": ENDPOINT, "header": [f"{HEADER}: s"]}
        assert all(one["channel"] == channel for one in found)
    pair.close()


@pytest.mark.parametrize("fate", ["error", "off", "deleted", "moved", "secret"])
def test_one_that_does_not_work_any_more_is_made_anew(tmp_path: Path, fate: str) -> None:
    pair = Pair(tmp_path)
    with fhir_server() as server:
        kept(pair, server, "Goal")
        (held,) = server.all("Subscription")
        asked: dict[str, Any] = {}
        if fate == "deleted":
            server.delete("Subscription", held["id"])
        elif fate == "moved":
            asked = {"endpoint": "https://elsewhere.example/hooks/fhir/ZOA1"}
        elif fate == "secret":
            asked = {"secret": "t"}
        else:
            server.put({**held, "status": fate})
        assert kept(pair, server, "Goal", **asked) == 1
        (now,) = server.all("Subscription")
        assert now["status"] == "requested"
        assert kept(pair, server, "Goal", **asked) == 0
    pair.close()


def test_those_that_were_made_are_deleted_and_no_other(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    with fhir_server() as server:
        theirs = server.put(subscription("Goal", "https://elsewhere.example/", "t"))
        kept(pair, server, "Goal", "CarePlan")
        assert done(pair, server, Hooks.drop) == 2
        assert [one["id"] for one in server.all("Subscription")] == [theirs["id"]]
        assert (noted(pair), done(pair, server, Hooks.drop)) == (0, 0)
    pair.close()


def test_what_could_not_be_deleted_is_tried_again(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    with fhir_server() as server:
        kept(pair, server, "Goal")
        server.defects.down = 503
        with pytest.raises(UpstreamUnavailable):
            done(pair, server, Hooks.drop)
        server.defects.down = 0
        assert (noted(pair), done(pair, server, Hooks.drop), server.all("Subscription")) == (1, 1, [])
    pair.close()


def test_what_the_server_will_not_delete_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pair = Pair(tmp_path)
    with fhir_server() as server:
        kept(pair, server, "Goal")
        (held,) = server.all("Subscription")

        def refuse(kind: str, name: str) -> Any:
            raise Fault(405)

        server._read = refuse  # type: ignore[method-assign]
        assert (done(pair, server, Hooks.drop), noted(pair)) == (0, 0)
        assert held["id"] in caplog.text
    pair.close()


def test_those_on_a_server_that_was_left_are_told_and_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pair = Pair(tmp_path)
    with fhir_server() as before, fhir_server() as server:
        kept(pair, before, "Goal")
        assert kept(pair, server, "Goal") == 1
        assert (len(server.all("Subscription")), len(before.all("Subscription"))) == (1, 1)
        assert before.url in caplog.text
    pair.close()


def test_whose_turn_it_is_not_makes_none(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    with fhir_server() as server:

        def taken_over(hooks: Hooks) -> Awaitable[int]:
            hooks.store.write_now(lambda tx: tx.checkpoints.set(WARD, "lease", "another"))
            return hooks.keep(["Goal"], ENDPOINT, "s")

        with pytest.raises(Lost):
            done(pair, server, taken_over)
        assert server.all("Subscription") == []
    pair.close()


def test_the_secret_is_another_for_each_pair_and_none_without_a_token() -> None:
    bare = Connection(kind="fhir-server", base_url="http://127.0.0.1:9")
    known = Connection.model_validate({**bare.model_dump(exclude_unset=True), "token": "a-token"})
    assert secrets_of(bare, "ZCT1", "ZOA1") is None
    secrets = {secrets_of(known, own, other) for own, other in (("ZCT1", "ZOA1"), ("ZOA1", "ZCT1"), ("ZCT1", "ZOA2"))}
    assert len(secrets) == 3
    assert not any("a-token" in str(secret) for secret in secrets)


@pytest.mark.parametrize(
    ("rest", "can"),
    [
        ([{"resource": [{"type": "Subscription", "interaction": [{"code": "create"}]}]}], True),
        ([{"resource": [{"type": "Subscription", "interaction": [{"code": "read"}]}]}], False),
        ([{"resource": [{"type": "Goal", "interaction": [{"code": "create"}]}]}], False),
        (["x", {"resource": [None, {"type": "Subscription"}]}], False),
        (None, False),
    ],
)
def test_whether_a_server_takes_subscriptions(rest: Any, can: bool) -> None:
    assert takes_subscriptions({"resourceType": "CapabilityStatement", "rest": rest}) is can
