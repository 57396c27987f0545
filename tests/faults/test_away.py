"""A full disk, and a database that is restarted: what was acknowledged stays, the rest is refused with a code."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.databases import Server, own_server
from tests.faults.pair import Serving, pair, until
from tests.faults.people import HOME, WARD, person, plan_of

NUMBER = "9990000026"
limits = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="this system limits no other process")


def titled(title: str) -> dict[str, Any]:
    return {"person": {"nhs_number": NUMBER}, "crisis_plans": [{"id": plan_of(NUMBER), "title": title}]}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    found = answer.json()
    if "issues" in found:
        return answer.status_code, found["issues"][0]["code"]
    return answer.status_code, found["issue"][0]["details"]["coding"][0]["code"]


def title_at(serving: Serving) -> str:
    return str((serving.record(NUMBER).get("crisis_plans") or [{}])[0].get("title"))


def arrives(gateways: dict[str, Serving], title: str) -> None:
    until(f"{title} at the ward", lambda: title_at(gateways[WARD]) == title)


def limited(serving: Serving, size: int | None) -> None:
    """How large this process may make a file; None: as large as it could from the beginning."""
    assert serving.process is not None
    _, most = resource.prlimit(serving.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(serving.process.pid, resource.RLIMIT_FSIZE, (most if size is None else size, most))


def filled(serving: Serving) -> None:
    """No file of this process can grow any more, as on a disk without room."""
    limited(serving, 0)


def emptied(serving: Serving) -> None:
    limited(serving, None)


@pytest.fixture
def gateways(tmp_path: Path) -> Iterator[dict[str, Serving]]:
    """Both on SQLite, with one person whose plan is at both."""
    with pair(tmp_path, {ods: f"sqlite:///{tmp_path}/{ods}.sqlite3" for ods in (HOME, WARD)}) as found:
        found[HOME].insist(person(NUMBER, "first"))
        arrives(found, "first")
        yield found


@limits
def test_a_full_disk_of_the_sender_refuses_what_is_new_and_keeps_what_was_acknowledged(
    gateways: dict[str, Serving],
) -> None:
    home = gateways[HOME]
    home.insist(titled("acknowledged"))
    filled(home)
    assert code_of(home.post(titled("refused"))) == (503, "store-unavailable")
    assert title_at(home) == "acknowledged", "what is there is still read"
    emptied(home)
    home.kill()
    home.start()
    assert title_at(home) == "acknowledged"
    arrives(gateways, "acknowledged")
    home.insist(titled("later"))
    arrives(gateways, "later")


@limits
def test_once_there_is_room_again_the_same_process_goes_on(gateways: dict[str, Serving]) -> None:
    for ods in (HOME, WARD):
        filled(gateways[ods])
        assert code_of(gateways[ods].post(titled("refused"))) == (503, "store-unavailable")
        emptied(gateways[ods])
    gateways[HOME].insist(titled("later"))
    arrives(gateways, "later")
    assert "refused" not in [version["title"] for version in gateways[HOME].history(plan_of(NUMBER))]


@limits
def test_what_a_full_disk_of_the_receiver_could_not_take_is_sent_again(gateways: dict[str, Serving]) -> None:
    filled(gateways[WARD])
    gateways[HOME].insist(titled("while it was full"))

    def tried() -> bool:
        told = gateways[HOME].client.get("/deliveries").json()
        return any(lane["error"] == "sync-unexpected-answer" for lane in told["lanes"])

    until("a try that was answered 503", tried)
    assert title_at(gateways[WARD]) == "first"
    emptied(gateways[WARD])
    arrives(gateways, "while it was full")
    assert gateways[HOME].client.get("/deliveries").json()["dead"] == []


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A PostgreSQL server that this test alone uses, and may stop."""
    with own_server() as found:
        yield found


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_database_that_is_restarted_loses_nothing(server: Server, tmp_path: Path, how: str) -> None:
    stores = {ods: server.database(ods.lower()) for ods in (HOME, WARD)}
    with pair(tmp_path, stores) as gateways:
        home = gateways[HOME]
        home.insist(person(NUMBER, "first"))
        arrives(gateways, "first")
        home.insist(titled("acknowledged"))
        server.stop(how)
        assert code_of(home.post(titled("refused"))) == (503, "store-unavailable")
        assert code_of(home.client.get("/deliveries")) == (503, "store-unavailable")
        server.start()
        until("the home team's answer", lambda: title_at(home) == "acknowledged")
        arrives(gateways, "acknowledged")
        home.insist(titled("later"))
        arrives(gateways, "later")
        told = [version["title"] for version in home.history(plan_of(NUMBER))]
        assert told == ["first", "acknowledged", "later"]
