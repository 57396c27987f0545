"""`fhir-mh partners check` of a partner that is a plain FHIR server: each fault at its step."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhir_mh.clock import SystemClock
from fhir_mh.connectors.fhir_server.checking import STEPS
from fhir_mh.exchange.proving import Checked
from fhir_mh.gateway.checking import check
from fhir_mh.partner import Partner
from tests.contract.loopback import gateway_of, web_server
from tests.fhir_server import FhirServer, Json, fhir_server

TOKEN = "a-token-that-the-server-issued"
HERE = [name for name in STEPS if name != "certificate"]


def checked(url: str, token: str | None = TOKEN) -> Checked:
    connection = {"kind": "fhir-server", "base_url": url, **({"token": token} if token else {})}
    partner = Partner.model_validate({"ods": "ZOA1", "name": "Ward far away", "connections": [connection]})
    return asyncio.run(check(partner, "ZCT1", SystemClock()))


def results(found: Checked) -> dict[str, str]:
    """Of each step what came of it: ok, not-checked, or the code of what was found."""
    ((_, steps),) = found.connections
    return {step.name: step.found.code if step.found else step.result for step in steps}


def wrong(found: Checked) -> list[tuple[str, str]]:
    ((_, steps),) = found.connections
    assert found.holds is all(step.result != "wrong" for step in steps)
    return [(step.name, step.found.code) for step in steps if step.result == "wrong" and step.found]


def validating(server: FhirServer, severity: str) -> None:
    """The server offers $validate, and finds that in each CarePlan."""
    real = server._do

    def answer(method: str, path: str, query: Any, body: bytes) -> Any:
        if path.endswith("$validate"):
            found = {"severity": severity if path.startswith("CarePlan") else "information", "code": "invalid"}
            return 200, {"resourceType": "OperationOutcome", "issue": [found]}
        return real(method, path, query, body)

    server._do = answer  # type: ignore[method-assign]


def test_where_all_is_well_every_step_says_so_and_nothing_is_left_there() -> None:
    with fhir_server(token=TOKEN) as server:
        validating(server, "information")
        found = checked(server.url)
        assert results(found) == dict.fromkeys(HERE, "ok")
        assert server.versions == []
    assert found.holds


def test_what_it_does_not_say_is_not_checked() -> None:
    with fhir_server() as server:
        assert results(checked(server.url, None)) == {**dict.fromkeys(HERE, "ok"), "dry-run": "not-checked"}


def test_what_it_would_refuse_is_told_by_type_and_not_in_its_words() -> None:
    with fhir_server() as server:
        validating(server, "error")
        found = checked(server.url)
        assert results(found)["dry-run"] == "partner-would-refuse"
        assert found.holds
        ((_, steps),) = found.connections
        assert steps[-1].said.endswith("CarePlan.")


@pytest.mark.parametrize("token", ["another-token", None])
def test_another_token_is_told(token: str | None) -> None:
    with fhir_server(token=TOKEN) as server:
        assert wrong(checked(server.url, token)) == [("token", "server-token")]


def test_a_server_that_is_asked_for_a_token_only_for_what_it_holds_is_asked_for_that() -> None:
    with fhir_server(token=TOKEN) as server:
        real, server.token = server._search, None

        def asked(kind: str, query: list[tuple[str, str]]) -> Json:
            from tests.fhir_server import Fault

            raise Fault(403)

        server._search = asked  # type: ignore[method-assign]
        assert wrong(checked(server.url)) == [("token", "server-token")]
        server._search = real  # type: ignore[method-assign]


def test_what_is_no_fhir_server_is_told() -> None:
    with web_server() as url:
        assert wrong(checked(url)) == [("server", "partner-not-a-server")]
    with gateway_of("ZOA1") as url:
        assert wrong(checked(url)) == [("server", "partner-not-a-server")]
    with gateway_of("ZOA1") as url:
        assert ("server", "ok") in results(checked(f"{url}/fhir")).items()


@pytest.mark.parametrize("version", ["5.0.0", "3.0.2", None, 4])
def test_another_version_of_fhir_is_told(version: Any) -> None:
    with fhir_server() as server:
        server.capability = lambda: {"resourceType": "CapabilityStatement", "fhirVersion": version}  # type: ignore[method-assign]
        assert wrong(checked(server.url)) == [("fhir", "partner-fhir-version")]


def test_a_server_that_searches_for_something_else_is_told() -> None:
    with fhir_server() as server:
        server.put({"resourceType": "CarePlan"})
        real = server._search
        server._search = lambda kind, query: real(kind, [])  # type: ignore[method-assign]
        assert wrong(checked(server.url)) == [("search", "partner-search")]


def test_a_server_that_cannot_be_written_to_whole_is_told() -> None:
    with fhir_server() as server:
        said = server.capability()
        del said["rest"][0]["interaction"]
        server.capability = lambda: said  # type: ignore[method-assign]
        assert wrong(checked(server.url)) == [("transaction", "partner-no-transaction")]


def test_a_server_without_history_is_warned_of() -> None:
    with fhir_server(history=False) as server:
        found = checked(server.url)
        assert (results(found)["history"], found.holds) == ("partner-no-history", True)
