"""The client of a FHIR server against one on loopback: nothing is lost, nothing goes on for ever, nobody is named."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from fhir_mh.connectors.fhir_server import client as module
from fhir_mh.connectors.fhir_server.answers import Version
from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.errors import FhirMhError, NotAuthenticated, UpstreamUnavailable, VersionConflict
from fhir_mh.exchange.transport import Refused
from fhir_mh.partner import Connection
from tests.fhir_server import FhirServer, Json, fhir_server

T = TypeVar("T")
NHS = "https://fhir.nhs.uk/Id/nhs-number"
NUMBER = "9990000018"
START = datetime(2026, 11, 26, 9, tzinfo=UTC)


def asking(url: str, ask: Callable[[FhirClient], Awaitable[T]], token: str | None = None) -> T:
    async def run() -> T:
        connection = Connection.model_validate({"kind": "fhir-server", "base_url": url, "token": token})
        client = FhirClient(connection)
        try:
            return await ask(client)
        finally:
            await client.close()

    return asyncio.run(run())


def search(url: str, kind: str = "Goal", query: Sequence[tuple[str, str]] = (), since: str | None = None) -> list[Json]:
    async def ask(client: FhirClient) -> list[Json]:
        return [one async for one in client.search(kind, query, since=since)]

    return asking(url, ask)


def history(url: str, kind: str, name: str | None = None, since: str | None = None) -> list[Version]:
    async def ask(client: FhirClient) -> list[Version]:
        return [one async for one in client.history(kind, name, since=since)]

    return asking(url, ask)


def goal(name: str, **more: Any) -> Json:
    return {"resourceType": "Goal", "id": name, **more}


def filled(server: FhirServer, count: int, *, apart: timedelta = timedelta(seconds=1)) -> list[str]:
    """That many Goals, changed that far apart; their ids."""
    for number in range(count):
        server.put(goal(f"g{number}"))
        server.versions[-1].updated = START + number * apart
        server.versions[-1].body["meta"]["lastUpdated"] = server.versions[-1].updated.isoformat()  # type: ignore[index]
    return [f"g{number}" for number in range(count)]


def code(fault: pytest.ExceptionInfo[FhirMhError]) -> str:
    assert "Peter" not in str(fault.value)
    assert NUMBER not in str(fault.value)
    return fault.value.issues[0].code


# --- searching


@pytest.mark.parametrize("count", [0, 1, 9, 10, 20, 21, 45])
@pytest.mark.parametrize("apart", [timedelta(), timedelta(milliseconds=90), timedelta(seconds=1)])
@pytest.mark.parametrize(
    "defects",
    [
        {},
        {"links": False},
        {"links": False, "total": False},
        {"links": False, "total": False, "pages": 10},
        {"links": False, "total": False, "pages": 5},
        {"links": False, "pages": 5},
    ],
)
def test_everything_is_found_once_whatever_the_server_s_pages_are(
    count: int, apart: timedelta, defects: dict[str, Any]
) -> None:
    with fhir_server(**defects) as server:
        names = filled(server, count, apart=apart)
        assert [one["id"] for one in search(server.url)] == names
        assert len(server.asked) <= count // 4 + 3


@pytest.mark.parametrize("apart", [timedelta(), timedelta(seconds=1)])
@pytest.mark.parametrize("links", [True, False])
def test_what_changes_meanwhile_makes_nothing_be_missed(apart: timedelta, links: bool) -> None:
    with fhir_server(links=links, total=False) as server:
        names = filled(server, 50, apart=apart)
        asked, real = [], server._search

        def disturbed(kind: str, query: list[tuple[str, str]]) -> Json:
            asked.append(query)
            page = real(kind, query)
            if len(asked) in (1, 2):
                server.put(goal(names[len(asked)], note=[{"text": "changed"}]))
            return page

        server._search = disturbed  # type: ignore[method-assign]
        found = search(server.url)
    assert {one["id"] for one in found} == set(names)
    assert [one["id"] for one in found if "note" in one] == names[1:3]


def test_what_is_deleted_meanwhile_makes_nothing_be_missed() -> None:
    with fhir_server() as server:
        names = filled(server, 50, apart=timedelta())
        asked, real = [], server._search

        def disturbed(kind: str, query: list[tuple[str, str]]) -> Json:
            asked.append(query)
            page = real(kind, query)
            if len(asked) == 1:
                server.delete("Goal", names[0])
            return page

        server._search = disturbed  # type: ignore[method-assign]
        assert {one["id"] for one in search(server.url)} == set(names)


def test_where_what_is_read_by_links_never_stays_that_is_a_fault() -> None:
    with fhir_server(links=True) as server:
        names = filled(server, 50, apart=timedelta())
        real = server._search

        def disturbed(kind: str, query: list[tuple[str, str]]) -> Json:
            page = real(kind, query)
            server.delete("Goal", names.pop(0))
            return page

        server._search = disturbed  # type: ignore[method-assign]
        with pytest.raises(UpstreamUnavailable) as fault:
            search(server.url)
        assert code(fault) == "server-pages"


def test_a_total_that_counts_the_page_alone_is_not_believed() -> None:
    with fhir_server(links=False, pages=12) as server:
        names, real = filled(server, 30), server._search

        def page(kind: str, query: list[tuple[str, str]]) -> Json:
            found = real(kind, query)
            return {**found, "total": len(found["entry"])}

        server._search = page  # type: ignore[method-assign]
        assert [one["id"] for one in search(server.url)] == names


@pytest.mark.parametrize("base", ["", "/fhir"])
def test_a_link_below_the_root_of_the_server_is_followed(base: str) -> None:
    with fhir_server() as server:
        server.url += base
        names, real = filled(server, 45, apart=timedelta()), server.respond

        def respond(method: str, path: str, *rest: Any) -> tuple[int, Any]:
            status, found = real(method, path.removeprefix("fhir/"), *rest)
            for link in found.get("link", ()):
                link["url"] = "/" + link["url"].split("/", 3)[3]
            return status, found

        server.respond = respond  # type: ignore[method-assign]
        assert [one["id"] for one in search(server.url)] == names


def test_since_finds_what_was_changed_then_or_later() -> None:
    with fhir_server(links=False, total=False) as server:
        names = filled(server, 45)
        found = search(server.url, since=(START + timedelta(seconds=12, milliseconds=300)).isoformat())
        assert [one["id"] for one in found] == names[12:]


@pytest.mark.parametrize("defects", [{"offset": False}, {"order": False}])
def test_where_more_may_be_there_than_can_be_asked_for_that_is_a_fault(defects: dict[str, Any]) -> None:
    with fhir_server(links=False, total=False, **defects) as server:
        filled(server, 45, apart=timedelta(seconds=-1 if "order" in defects else 0))
        with pytest.raises(UpstreamUnavailable) as fault:
            search(server.url)
        assert code(fault) == "server-pages"
        assert len(server.asked) < 20


@pytest.mark.parametrize("end", [None, 3])
def test_a_server_whose_pages_lead_in_a_circle_or_never_end_is_left(
    end: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGES", 50)
    with fhir_server() as server:
        count = iter(range(10_000))

        def page(kind: str, query: list[tuple[str, str]]) -> Json:
            number = next(count) if end is None else next(count) % end
            return {"resourceType": "Bundle", "link": [{"relation": "next", "url": f"{server.url}/Goal?page={number}"}]}

        server._search = page  # type: ignore[method-assign]
        with pytest.raises(UpstreamUnavailable) as fault:
            search(server.url)
        assert code(fault) == "server-pages"
        assert len(server.asked) <= 51


@pytest.mark.parametrize("link", ["https://elsewhere.example/Goal?page=2", "/Goal?page=2", "//elsewhere.example/Goal"])
def test_the_token_goes_nowhere_else(link: str) -> None:
    with fhir_server() as server:
        page = {"resourceType": "Bundle", "link": [{"relation": "next", "url": link}]}
        server._search = lambda kind, query: page  # type: ignore[method-assign]
        with pytest.raises(UpstreamUnavailable) as fault:
            search(server.url)
        assert code(fault) == "server-pages"


def test_who_is_asked_for_never_stands_in_a_url() -> None:
    with fhir_server(pages=2) as server:
        for name in ("a", "b", "c", "d", "e"):
            body = {"resourceType": "Patient", "id": name, "identifier": [{"system": NHS, "value": NUMBER}]}
            server.put(body)
        found = search(server.url, "Patient", [("identifier", f"{NHS}|{NUMBER}")])
        assert [one["id"] for one in found] == ["a", "b", "c", "d", "e"]
        assert server.asked == ["POST /Patient/_search?"] * 3


def test_a_server_may_call_a_patient_by_the_nhs_number() -> None:
    with fhir_server() as server:
        server.put({"resourceType": "Patient", "id": NUMBER})

        async def ask(client: FhirClient) -> Json | None:
            there = await client.read("Patient", NUMBER)
            assert there is not None
            assert [one.name async for one in client.history("Patient", NUMBER)] == [NUMBER]
            await client.delete("Patient", NUMBER)
            return await client.read("Patient", NUMBER)

        assert asking(server.url, ask) is None
        assert not [one for one in server.asked if NUMBER in one]


@pytest.mark.parametrize("name", ["../Patient/1", "..", "a/b", "a?b", "", "x" * 65])
def test_what_is_no_id_is_put_into_no_url(name: str) -> None:
    with fhir_server() as server:
        with pytest.raises(UpstreamUnavailable) as fault:
            asking(server.url, lambda client: client.read("Goal", name))
        assert (code(fault), server.asked) == ("server-strange-id", [])


# --- reading


def test_what_is_not_there_is_told_from_what_does_not_answer() -> None:
    with fhir_server() as server:
        server.put(goal("here"))
        server.put(goal("gone"))
        server.delete("Goal", "gone")
        there = asking(server.url, lambda client: client.read("Goal", "here"))
        assert there is not None
        assert there["id"] == "here"
        for name in ("gone", "never"):
            assert asking(server.url, lambda client, name=name: client.read("Goal", name)) is None  # type: ignore[misc]
        server.defects.down = 404  # a front door that knows no such path
        with pytest.raises(UpstreamUnavailable) as fault:
            asking(server.url, lambda client: client.read("Goal", "here"))
        assert code(fault) == "sync-unexpected-answer"


@pytest.mark.parametrize("uuids", [False, True])
def test_every_version_is_told_also_that_it_was_deleted(uuids: bool) -> None:
    with fhir_server(uuids=uuids, pages=2) as server:
        for number in range(5):
            server.put(goal("a", note=[{"text": str(number)}]))
        server.put(goal("b"))
        server.delete("Goal", "a")
        one = history(server.url, "Goal", "a")
        assert [version.body and version.body["note"][0]["text"] for version in one] == [None, *"43210"]
        assert {(version.kind, version.name) for version in one} == {("Goal", "a")}
        assert [version.version for version in one] == [v.version for v in reversed(server.versions) if v.name == "a"]
        assert len(history(server.url, "Goal")) == 7
        since = server.versions[-2].updated.isoformat()
        assert len(history(server.url, "Goal", since=since)) == 2
        assert history(server.url, "Goal", "never") == []


# --- writing


def plan(expected: str | None = None) -> list[Json]:
    return [
        {
            "fullUrl": "urn:uuid:2f6b2b0a-7a63-4c3c-9d7e-0f8f4c1f5a11",
            "resource": {"resourceType": "Patient", "identifier": [{"system": NHS, "value": NUMBER}]},
            "request": {"method": "POST", "url": "Patient", "ifNoneExist": f"identifier={NHS}|{NUMBER}"},
        },
        {
            "fullUrl": "Goal/g1",
            "resource": goal("g1", subject={"reference": "urn:uuid:2f6b2b0a-7a63-4c3c-9d7e-0f8f4c1f5a11"}),
            "request": {"method": "PUT", "url": "Goal/g1", **({"ifMatch": expected} if expected else {})},
        },
    ]


@pytest.mark.parametrize("representation", [True, False])
def test_a_transaction_tells_of_each_entry_what_it_is_called_and_holds(representation: bool) -> None:
    with fhir_server(representation=representation) as server:
        patient, written = asking(server.url, lambda client: client.transaction(plan()))
        assert (patient.status, written.status, written.name, written.version) == (201, 200, "g1", "1")
        held = server.held("Goal", "g1")
        assert held is not None
        assert held["subject"] == {"reference": f"Patient/{patient.name}"}
        assert (written.body == held) is representation
        again, _ = asking(server.url, lambda client: client.transaction(plan()))
        assert (again.status, again.name) == (200, patient.name)
        assert not [one for one in server.asked if NUMBER in one]


@pytest.mark.parametrize("status", [409, 412])
def test_that_something_was_changed_meanwhile_is_told_either_way(status: int) -> None:
    with fhir_server(conflict=status) as server:
        server.put(goal("g1"))
        with pytest.raises(VersionConflict) as fault:
            asking(server.url, lambda client: client.transaction(plan('W/"7"')))
        assert code(fault) == "server-changed"
        assert server.all("Patient") == []


def test_what_is_deleted_twice_is_done() -> None:
    with fhir_server() as server:
        server.put(goal("g1"))
        for name in ("g1", "g1", "never"):
            asking(server.url, lambda client, name=name: client.delete("Goal", name))  # type: ignore[misc]
        assert server.all("Goal") == []


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, Refused, "server-refused"),
        (422, Refused, "server-refused"),
        (413, Refused, "sync-too-large"),
        (401, NotAuthenticated, "server-token"),
        (403, NotAuthenticated, "server-token"),
        (408, UpstreamUnavailable, "sync-unexpected-answer"),
        (429, UpstreamUnavailable, "sync-unexpected-answer"),
        (500, UpstreamUnavailable, "sync-unexpected-answer"),
        (503, UpstreamUnavailable, "sync-unexpected-answer"),
    ],
)
def test_what_the_server_says_becomes_one_of_ours_without_its_words(
    status: int, kind: type[FhirMhError], expected: str
) -> None:
    from tests.fhir_server import Fault

    with fhir_server() as server:

        def refuse(_: Json) -> Json:
            raise Fault(status)

        server._bundle = refuse  # type: ignore[method-assign]
        with pytest.raises(kind) as fault:
            asking(server.url, lambda client: client.transaction(plan()))
        assert code(fault) == expected


@pytest.mark.parametrize("status", [301, 307, 400, 404, 422, 502])
def test_what_stands_before_the_server_refuses_nothing_for_it(status: int) -> None:
    with fhir_server(down=status) as server:
        with pytest.raises(UpstreamUnavailable) as fault:
            asking(server.url, lambda client: client.transaction(plan()))
        assert code(fault) == "sync-unexpected-answer"


def test_the_token_is_shown_and_another_is_told_of() -> None:
    with fhir_server(token="the-right-one") as server:
        assert asking(server.url, lambda client: client.capability(), "the-right-one")["fhirVersion"] == "4.0.1"
        for wrong in ("another-one", None):
            with pytest.raises(NotAuthenticated) as fault:
                asking(server.url, lambda client: client.capability(), wrong)
            assert code(fault) == "server-token"
