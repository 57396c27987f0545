"""Partners kept through the API and by `fhir-mh partners`: who may, what is refused, and that it counts at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from rich.console import Console

from fhir_mh.cli import exits, main, partner_tables
from fhir_mh.cli.partner_commands import DeadLetters, Kind, Role
from fhir_mh.clock import SystemClock, instant
from fhir_mh.partner import OF_KIND, ROLES, Partner
from fhir_mh.settings import load
from fhir_mh.store import Breaker, Outcome, Tx
from tests.contract.loopback import gateway_of
from tests.contract.rest_caller import NUMBER, Caller, Json, calling, refused
from tests.databases import postgres_database, sqlite_database

CRISIS = "5f1f1e0a-2b1c-4c5e-9a41-7d0e3c9b5a03"
SECRET, NEWER = "a secret of this pair, quite long enough", "the next secret of this pair, long enough too"
TOKEN = "a-token-that-the-server-issued"
LOCAL = {"base_url": "http://127.0.0.1:9"}
SERVER = {"kind": "fhir-server", "base_url": "https://fhir.unit.example/r4"}
UNIT = {"ods": "ZIU1", "name": "Inpatient unit", "roles": ["inpatient-unit"], "connections": [LOCAL]}
TOKENS = {role: f"the token of the {role}".ljust(40, "x") for role in ("administrator", "operator", "care-team")}
ENOUGH = 30  # seconds for what another gateway does by itself


def added(call: Caller, body: Json = UNIT) -> str:
    """Its ETag, once it is a partner."""
    answer = call("POST", "/partners", body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith(f"/partners/{body['ods']}")
    return answer.headers["etag"]


def stored(call: Caller) -> list[str]:
    return call.gateway.store.read_now(lambda tx: [one.text for one in tx.partners.all()])


# --- what the API does


def test_a_partner_is_added_listed_changed_and_removed(caller_on_each: Caller) -> None:
    call = caller_on_each
    tag = added(call)
    listed = call("GET", "/partners").json()["partners"]
    assert [(one["ods"], one["kept"]) for one in listed] == [("ZIU1", "api"), ("ZOA1", "file")]
    read = call("GET", "/partners/ZIU1")
    assert (read.json()["partner"], read.headers["etag"]) == (UNIT, tag)
    changed = call("PUT", "/partners/ZIU1", {**UNIT, "name": "Another name"}, if_match=tag)
    assert changed.status_code == 200, changed.text
    assert call("GET", "/partners/ZIU1").json()["partner"]["name"] == "Another name"
    removed = call("DELETE", "/partners/ZIU1")
    assert removed.json() == {"lanes": 0, "notices": 0, "proposals": 0}
    refused(call("GET", "/partners/ZIU1"), 404, "sync-unknown-partner", "ods")
    refused(call("DELETE", "/partners/ZIU1"), 404, "sync-unknown-partner", "ods")
    assert added(call) > tag, "it may come back, as a later version"


def test_of_two_who_change_a_partner_the_second_looks_again(caller_on_each: Caller) -> None:
    call = caller_on_each
    tag = added(call)
    refused(call("PUT", "/partners/ZIU1", UNIT), 428, "rest-if-match-missing", "http.if-match")
    assert call("PUT", "/partners/ZIU1", {**UNIT, "name": "First"}, if_match=tag).status_code == 200
    refused(call("PUT", "/partners/ZIU1", UNIT, if_match=tag), 412, "store-version-conflict", "If-Match")
    refused(call("DELETE", "/partners/ZIU1", if_match=tag), 412, "store-version-conflict", "If-Match")
    assert call("GET", "/partners/ZIU1").json()["partner"]["name"] == "First"


def test_what_the_settings_file_says_is_changed_there(caller: Caller) -> None:
    body = {**UNIT, "ods": "ZOA1"}
    for answer in (
        caller("POST", "/partners", body),
        caller("PUT", "/partners/ZOA1", body, if_match='W/"0"'),
        caller("DELETE", "/partners/ZOA1"),
    ):
        assert refused(answer, 409, "partner-in-file", "ods")["diagnostics"]
    assert stored(caller) == []
    assert "etag" not in caller("GET", "/partners/ZOA1").headers


def test_an_odS_code_is_one_partner_s_and_stays_so(caller: Caller) -> None:
    tag = added(caller)
    refused(caller("POST", "/partners", UNIT), 409, "partner-known", "ods")
    refused(caller("POST", "/partners", {**UNIT, "ods": "ZCT1"}), 409, "partner-known", "ods")
    refused(caller("PUT", "/partners/ZIU1", {**UNIT, "ods": "ZIU2"}, if_match=tag), 422, "partner-other-code", "ods")
    refused(caller("PUT", "/partners/ZIU9", {**UNIT, "ods": "ZIU9"}, if_match=tag), 404, "sync-unknown-partner", "ods")


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        ({"ods": "lower"}, "config-invalid", "ods"),
        ({"name": ""}, "config-invalid", "name"),
        ({"roles": ["neighbours"]}, "config-invalid", "roles[0]"),
        ({"surname": "x"}, "config-unknown-key", "surname"),
        ({"base_url": "x"}, "config-unknown-key", "base_url"),
        ({"connections": []}, "config-missing", "connections"),
        ({"connections": "x"}, "config-invalid", "connections"),
        ({"connections": ["x"]}, "config-invalid", "connections[0]"),
        ({"connections": [{}]}, "config-missing", "connections[0].base_url"),
        ({"connections": [{**LOCAL, "kind": "pigeon"}]}, "config-invalid", "connections[0].kind"),
        ({"connections": [{**LOCAL, "formats": ["record"]}]}, "config-invalid", "connections[0].formats"),
        ({"connections": [{**LOCAL, "poll": 5}]}, "config-other-kind", "connections[0].poll"),
        ({"connections": [LOCAL, {**LOCAL, "kind": "fhir-server"}]}, "config-mixed-kinds", "connections[1].kind"),
        ({"connections": [SERVER]}, "config-token-needed", "connections[0].token_file"),
        ({"connections": [{**SERVER, "token": SECRET}]}, "partner-secret-told", "connections[0].token"),
        *(
            ({"connections": [{**LOCAL, "base_url": url}]}, "config-invalid", "connections[0].base_url")
            for url in ("http://127.0.0.1:80x", "http://127.0.0.1:99999", f"http://me:{SECRET}@127.0.0.1")
        ),
        ({"connections": [LOCAL, {"base_url": "http://a.example"}]}, "config-insecure-url", "connections[1].base_url"),
        (
            {"connections": [{"base_url": "https://a.example"}]},
            "config-secret-needed",
            "connections[0].secret_file",
        ),
        ({"connections": [{**LOCAL, "secret": SECRET}]}, "partner-secret-told", "connections[0].secret"),
        ({"connections": [{**LOCAL, "secret_file": "unit.key"}]}, "partner-no-folder", "connections[0].secret_file"),
    ],
)
def test_what_is_wrong_is_named_and_placed_and_nothing_kept(
    caller: Caller, change: Json, code: str, place: str
) -> None:
    answer = caller("POST", "/partners", {**UNIT, **change})
    refused(answer, 422, code, place)
    assert SECRET not in answer.text
    assert stored(caller) == []


def test_an_nhs_number_is_no_organisation_s_code_and_is_not_repeated(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    number = {**UNIT, "ods": "9990000018"}
    for answer in (
        caller("POST", "/partners", number),
        caller("PUT", f"/partners/{number['ods']}", number, if_match='W/"1"'),
    ):
        assert refused(answer, 422, "config-invalid", "ods")["diagnostics"]
        assert "9990000018" not in answer.text + caplog.text
    assert stored(caller) == []
    added(caller, {**UNIT, "ods": "9990000019"})  # no check digit fits: it is nobody's


def test_a_plain_fhir_server_sends_no_messages_here(caller: Caller) -> None:
    """A partner that has no secret, on this machine, would be believed unsigned."""
    greeting = {"protocol": 1, "from": "ZIU1", "to": "ZCT1", "messages": []}
    signed = {"X_FHIR_MH_From": "ZIU1", "X_FHIR_MH_Time": instant(SystemClock().now())}
    tag = added(caller)
    assert caller("POST", "/sync/v1/messages", greeting, **signed).status_code == 200
    server = {**UNIT, "connections": [{**LOCAL, "kind": "fhir-server"}]}
    assert caller("PUT", "/partners/ZIU1", server, if_match=tag).status_code == 200
    assert caller("POST", "/sync/v1/messages", greeting, **signed).status_code == 401


def test_an_organisation_without_a_code_has_no_partners() -> None:
    with sqlite_database() as address, calling(load(store=address)) as call:
        refused(call("POST", "/partners", UNIT), 422, "config-ods-needed", "ods")


def test_after_a_change_what_waits_is_tried_at_once(caller_on_each: Caller) -> None:
    call = caller_on_each
    tag = added(call)

    def fail(tx: Tx) -> None:
        tx.outbox.add("ZIU1", tx.add_person("p-1"), "notice", payload="{}")
        (lane,) = tx.lanes.claim("us", timedelta(minutes=1), 1)
        tx.lanes.finish(lane, retry_at=tx.now + timedelta(minutes=5))
        tx.lanes.set_breaker(Breaker("ZIU1", "open", 9, tx.now, tx.now + timedelta(minutes=5)))

    call.gateway.store.write_now(fail)
    assert call.gateway.store.write_now(lambda tx: tx.lanes.claim("us", timedelta(minutes=1), 1)) == []
    assert call("PUT", "/partners/ZIU1", UNIT, if_match=tag).status_code == 200
    (lane,) = call.gateway.store.write_now(lambda tx: tx.lanes.claim("us", timedelta(minutes=1), 1))
    assert lane.partner == "ZIU1"


@pytest.mark.parametrize(
    ("connections", "again"),
    [
        ([{"base_url": "http://127.0.0.1:9/"}], False),
        ([{**LOCAL, "on": False}], False),
        ([{"base_url": "http://127.0.0.1:10"}], True),
        ([LOCAL, {"base_url": "http://127.0.0.1:10"}], True),
        ([{**LOCAL, "kind": "fhir-server"}], True),
    ],
)
def test_what_another_system_is_thought_to_hold_is_sent_again(
    caller: Caller, connections: list[Json], again: bool
) -> None:
    tag = added(caller)

    def acknowledged(tx: Tx) -> None:
        sent = tx.outbox.add("ZIU1", tx.add_person("p-1"), "snapshot", edition=3)
        for stage in ("sent", "stored"):
            tx.currency.mark("ZIU1", "p-1", "ZCT1", stage, 3)
        (lane,) = tx.lanes.claim("us", timedelta(minutes=1), 1)
        tx.lanes.finish(lane, [Outcome(sent.message, "acked")])

    caller.gateway.store.write_now(acknowledged)
    changed = caller("PUT", "/partners/ZIU1", {**UNIT, "connections": connections}, if_match=tag)
    assert changed.status_code == 200, changed.text
    waiting = caller.gateway.store.read_now(lambda tx: tx.outbox.find(partner="ZIU1", state="pending"))
    (copy,) = caller.gateway.store.read_now(lambda tx: tx.currency.of("p-1"))
    assert ([one.kind for one in waiting], copy.stored is None) == (["snapshot"] if again else [], again)


def test_what_waits_for_one_that_stood_in_the_file_goes_once_it_is_added(caller: Caller) -> None:
    def fail(tx: Tx) -> None:
        tx.outbox.add("ZIU1", tx.add_person("p-1"), "notice", payload="{}")
        (lane,) = tx.lanes.claim("us", timedelta(minutes=1), 1)
        tx.lanes.finish(lane, retry_at=tx.now + timedelta(minutes=5))

    caller.gateway.store.write_now(fail)
    added(caller)
    assert caller.gateway.store.write_now(lambda tx: tx.lanes.claim("us", timedelta(minutes=1), 1))


def test_a_misspelt_member_does_not_check_all(caller: Caller) -> None:
    added(caller)
    refused(caller("POST", "/partners/check", {"odss": ["ZIU1"]}), 422, "rest-body", "odss")


# --- secrets


@pytest.fixture
def with_folder(tmp_path: Path) -> Iterator[Caller]:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "unit.key").write_text(SECRET + "\n")
    (tmp_path / "secrets" / "weak.key").write_text("weak")
    (tmp_path / "outside.key").write_text(SECRET)
    with sqlite_database() as address, calling(load(store=address, ods="ZCT1", secrets=tmp_path / "secrets")) as call:
        yield call


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("../outside.key", "config-invalid"),
        ("/etc/hostname", "config-invalid"),
        (".", "config-invalid"),
        ("..", "config-invalid"),
        ("", "config-invalid"),
        (7, "config-invalid"),
        ("none.key", "config-secret-file"),
        ("weak.key", "config-secret-weak"),
    ],
)
def test_a_secret_is_a_file_of_the_folder_and_no_other(with_folder: Caller, file: Any, code: str) -> None:
    body = {**UNIT, "connections": [{**LOCAL, "secret_file": file}]}
    refused(with_folder("POST", "/partners", body), 422, code, "connections[0].secret_file")
    body = {**UNIT, "connections": [{**LOCAL, "secret_file": "unit.key", "previous_secret_file": file,
                                     "previous_until": "2126-01-01T00:00:00Z"}]}  # fmt: skip
    refused(with_folder("POST", "/partners", body), 422, code, "connections[0].previous_secret_file")


def test_a_secret_is_neither_shown_nor_stored_nor_logged(with_folder: Caller, caplog: pytest.LogCaptureFixture) -> None:
    body = {**UNIT, "connections": [{**LOCAL, "secret_file": "unit.key"}]}
    tag = added(with_folder, body)
    shown = [with_folder("GET", "/partners"), with_folder("GET", "/partners/ZIU1")]
    shown.append(with_folder("PUT", "/partners/ZIU1", body, if_match=tag))
    shown.append(with_folder("POST", "/partners/check", {}))
    assert all(SECRET not in one.text for one in shown)
    assert SECRET not in "".join(stored(with_folder)) + caplog.text
    assert "unit.key" in shown[1].text


def test_a_token_is_a_file_of_the_folder_too_and_never_shown(with_folder: Caller) -> None:
    (with_folder.settings.secrets / "server.key").write_text(TOKEN + "\n")  # type: ignore[operator]
    body = {**UNIT, "connections": [{**SERVER, "token_file": "server.key", "poll": 5}]}
    added(with_folder, body)
    shown = [with_folder("GET", "/partners"), with_folder("GET", "/partners/ZIU1")]
    assert TOKEN not in "".join([one.text for one in shown] + stored(with_folder))
    assert shown[1].json()["partner"] == body
    missing = {**UNIT, "connections": [{**SERVER, "token_file": "none.key"}]}
    found = refused(with_folder("POST", "/partners", missing), 422, "config-secret-file", "connections[0].token_file")
    assert str(with_folder.settings.secrets) in found["details"]["text"], "where it was looked for"


def test_a_partner_whose_secret_has_gone_is_told_of_and_let_in_by_nobody(with_folder: Caller) -> None:
    added(with_folder, {**UNIT, "connections": [{**LOCAL, "secret_file": "unit.key"}]})
    assert with_folder.settings.secrets is not None
    (with_folder.settings.secrets / "unit.key").unlink()
    with calling_again(with_folder) as call:
        (found,) = call("GET", "/partners").json()["partners"]
        assert [one["code"] for one in found["issues"]] == ["config-secret-file"]
        (told,) = call("POST", "/partners/check", {}).json()["partners"]
        assert (told["ok"], [one["code"] for one in told["issues"]]) == (False, ["config-secret-file"])
        greeting = {"protocol": 1, "from": "ZIU1", "to": "ZCT1", "messages": []}
        assert call("POST", "/sync/v1/messages", greeting, X_FHIR_MH_From="ZIU1").status_code == 401
        (with_folder.settings.secrets / "unit.key").write_text(SECRET)
        assert "issues" not in call("GET", "/partners/ZIU1").json(), "it is put right without a restart"


@contextmanager
def calling_again(call: Caller) -> Iterator[Caller]:
    """The same gateway after a restart, on the same store."""
    again = Caller(call.gateway, call.settings)
    try:
        yield again
    finally:
        again.close()


# --- who may


@pytest.fixture
def with_clients() -> Iterator[Caller]:
    clients = [{"token": token, "organisation": "ZCT1", "role": role} for role, token in TOKENS.items()]
    clients.append({"token": "the token of the ward far away, an administrator", "organisation": "ZOA1",
                    "role": "administrator"})  # fmt: skip
    with sqlite_database() as address, calling(load(store=address, ods="ZCT1", clients=clients)) as call:
        yield call


def test_administrators_change_operators_look_and_nobody_else(with_clients: Caller) -> None:
    asked: list[tuple[str, str, Any]] = [
        ("GET", "/partners", None), ("GET", "/partners/ZIU1", None), ("POST", "/partners/check", {"ods": []}),
        ("PUT", "/partners/ZIU1", UNIT), ("DELETE", "/partners/ZIU1", None), ("POST", "/partners", UNIT),
    ]  # fmt: skip
    for method, url, body in asked:
        changes = method in ("PUT", "DELETE") or (method, url) == ("POST", "/partners")
        for token in ("care-team", *(["operator"] if changes else [])):
            answer = with_clients(method, url, body, authorization=f"Bearer {TOKENS[token]}")
            refused(answer, 403, "rest-administrators-only")
        away = "Bearer the token of the ward far away, an administrator"
        refused(with_clients(method, url, body, authorization=away), 403, "rest-administrators-only")
        refused(with_clients(method, url, body), 401, "rest-token")
    admin = {"authorization": f"Bearer {TOKENS['administrator']}"}
    assert with_clients("POST", "/partners", UNIT, **admin).status_code == 201
    looked = with_clients("GET", "/partners", authorization=f"Bearer {TOKENS['operator']}")
    assert [one["ods"] for one in looked.json()["partners"]] == ["ZIU1"]


# --- gateways that run


def until(done: Callable[[], Any]) -> Any:
    """What is answered at last. The gateways do their work meanwhile; only one that never does is waited out."""
    deadline = time.monotonic() + ENOUGH
    while not (found := done()):
        assert time.monotonic() < deadline, "this never came to be"
    return found


def placed() -> Json:
    """Somebody of the community trust who is placed far away."""
    return {
        "person": {"nhs_number": NUMBER, "birth_date": "1984-02-03", "names": [{"family": "Far"}]},
        "organisations": [{"id": f"org-{ods.lower()}", "ods": ods, "name": ods} for ods in ("ZCT1", "ZOA1")],
        "crisis_plans": [{"id": CRISIS, "title": "Crisis plan", "status": "active"}],
        "placements": [{"id": "placement", "status": "active", "level": "2", "requested_by": {"id": "org-zct1"},
                        "provider": {"id": "org-zoa1"}}],
    }  # fmt: skip


def held(url: str) -> Json | None:
    answer = httpx.post(f"{url}/records/find", json={"nhs_number": NUMBER})
    return answer.json() if answer.status_code == 200 else None


def title_at(url: str) -> str | None:
    found = held(url)
    plans = found["record"].get("crisis_plans") if found else None
    return plans[0]["title"] if plans else None


def connection(url: str, secret: str = "pair.key", **more: Any) -> Json:
    return {"base_url": url, "secret_file": secret, **more}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    (tmp_path / "pair.key").write_text(SECRET)
    (tmp_path / "next.key").write_text(NEWER)
    return tmp_path


def retitled(url: str, title: str) -> None:
    change = {"person": {"nhs_number": NUMBER}, "crisis_plans": [{"id": CRISIS, "title": title}]}
    assert httpx.post(f"{url}/records", json=change).status_code == 200


def test_a_partner_added_while_the_gateway_runs_is_sent_whom_it_cares_for(keys: Path) -> None:
    with gateway_of("ZCT1", secrets=keys) as home, gateway_of("ZOA1", secrets=keys) as away:
        assert httpx.post(f"{home}/records", json=placed()).status_code == 201
        us = {"ods": "ZCT1", "name": "Community trust", "connections": [connection(home)]}
        assert httpx.post(f"{away}/partners", json=us).status_code == 201
        them = {"ods": "ZOA1", "name": "Away", "roles": ["out-of-area-provider"], "connections": [connection(away)]}
        assert httpx.post(f"{home}/partners", json=them).status_code == 201
        until(lambda: title_at(away) == "Crisis plan")
        retitled(home, "Second")
        until(lambda: title_at(away) == "Second")
        retitled(away, "Proposed by the ward")
        until(lambda: title_at(home) == "Proposed by the ward")


@contextmanager
def joined(keys: Path) -> Iterator[tuple[str, str]]:
    """Home and ward, each a partner of the other through the API; the ward holds the plan."""
    with gateway_of("ZCT1", secrets=keys) as home, gateway_of("ZOA1", secrets=keys) as away:
        for url, ods, there in ((away, "ZCT1", home), (home, "ZOA1", away)):
            body = {"ods": ods, "name": ods, "connections": [connection(there)]}
            assert httpx.post(f"{url}/partners", json=body).status_code == 201
        assert httpx.post(f"{home}/records", json=placed()).status_code == 201
        until(lambda: title_at(away) == "Crisis plan")
        yield home, away


def test_a_partner_that_is_removed_is_told_and_what_it_holds_not_forgotten(keys: Path) -> None:
    with joined(keys) as (home, away):
        until(lambda: httpx.get(f"{home}/deliveries").json()["lanes"] == [])
        left = httpx.delete(f"{home}/partners/ZOA1").json()
        assert (left["lanes"], left["notices"]) == (1, 1)

        def ended() -> bool:
            return any(not copy["kept_up_to_date"] for copy in (held(away) or {})["copies"])

        until(ended)
        (one,) = httpx.get(f"{home}/partners").json()["partners"]
        assert (one["ods"], one["removed"], one["holds"]) == ("ZOA1", True, 1)
        (lane,) = httpx.get(f"{home}/deliveries?all=true").json()["lanes"]
        assert (lane["state"], lane["reason"]) == ("ended", "partner-removed")
        retitled(home, "Not for the ward any more")
        told = httpx.post(f"{away}/partners/check", json={}).json()["partners"][0]["connections"][0]["steps"]
        assert [step["issue"]["code"] for step in told if step["result"] == "wrong"] == ["partner-not-known-there"]
        assert title_at(away) == "Crisis plan"


def test_a_secret_is_changed_without_a_gap(keys: Path) -> None:
    with joined(keys) as (home, away):
        until_when = "2126-01-01T00:00:00Z"
        tag = httpx.get(f"{home}/partners/ZOA1").headers["etag"]
        both = connection(away, "next.key", previous_secret_file="pair.key", previous_until=until_when)
        body = {"ods": "ZOA1", "name": "Away", "connections": [both]}
        assert httpx.put(f"{home}/partners/ZOA1", json=body, headers={"If-Match": tag}).status_code == 200
        retitled(home, "While only we know the new one")
        until(lambda: title_at(away) == "While only we know the new one")
        retitled(away, "And back")
        until(lambda: title_at(home) == "And back")
        tag = httpx.get(f"{away}/partners/ZCT1").headers["etag"]
        body = {"ods": "ZCT1", "name": "Home", "connections": [connection(home, "next.key")]}
        assert httpx.put(f"{away}/partners/ZCT1", json=body, headers={"If-Match": tag}).status_code == 200
        retitled(away, "Now both know it")
        until(lambda: title_at(home) == "Now both know it")
        for url in (home, away):
            (told,) = httpx.post(f"{url}/partners/check", json={}).json()["partners"]
            assert told["ok"], told


def test_where_the_preferred_way_leads_nowhere_the_next_is_taken(keys: Path) -> None:
    with joined(keys) as (home, away):
        tag = httpx.get(f"{home}/partners/ZOA1").headers["etag"]
        ways = [connection("http://127.0.0.1:9"), connection("http://127.0.0.1:8", on=False), connection(away)]
        body = {"ods": "ZOA1", "name": "Away", "connections": ways}
        assert httpx.put(f"{home}/partners/ZOA1", json=body, headers={"If-Match": tag}).status_code == 200
        retitled(home, "By the other way")
        until(lambda: title_at(away) == "By the other way")


def test_off_nothing_is_sent_and_nothing_taken_until_it_is_on_again(keys: Path) -> None:
    with joined(keys) as (home, away):

        def switch(on: bool) -> None:
            body = {"ods": "ZOA1", "name": "Away", "connections": [connection(away, on=on)]}
            tag = httpx.get(f"{home}/partners/ZOA1").headers["etag"]
            assert httpx.put(f"{home}/partners/ZOA1", json=body, headers={"If-Match": tag}).status_code == 200

        switch(False)
        retitled(home, "While it is off")
        until(lambda: [one["error"] for one in httpx.get(f"{home}/deliveries").json()["lanes"]] == ["partner-off"])
        (told,) = httpx.post(f"{away}/partners/check", json={}).json()["partners"]
        assert not told["ok"]
        assert title_at(away) == "Crisis plan"
        switch(True)
        until(lambda: title_at(away) == "While it is off")


def test_of_several_processes_on_one_store_each_knows_at_once(keys: Path, postgres: str) -> None:
    with (
        postgres_database(postgres) as store,
        gateway_of("ZCT1", secrets=keys, store=store) as first,
        gateway_of("ZCT1", secrets=keys, store=store) as second,
        gateway_of("ZOA1", secrets=keys) as away,
    ):
        for url, ods, there in ((away, "ZCT1", second), (first, "ZOA1", away)):
            body = {"ods": ods, "name": ods, "connections": [connection(there)]}
            assert httpx.post(f"{url}/partners", json=body).status_code == 201
        assert httpx.get(f"{second}/partners").json()["partners"][0]["ods"] == "ZOA1"
        (told,) = httpx.post(f"{away}/partners/check", json={}).json()["partners"]
        assert told["ok"], told
        assert httpx.post(f"{second}/records", json=placed()).status_code == 201
        until(lambda: title_at(away) == "Crisis plan")
        assert httpx.delete(f"{first}/partners/ZOA1").status_code == 200
        (told,) = httpx.post(f"{away}/partners/check", json={}).json()["partners"]
        assert not told["ok"]


# --- the commands


def test_the_commands_ask_the_gateway_that_runs(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (keys / "ward.key").write_text(TOKEN)
    with gateway_of("ZCT1", secrets=keys) as url:

        def ask(*arguments: str) -> Any:
            assert main(["partners", *arguments, "--gateway", url, "--format", "json"]) == exits.DONE
            return json.loads(capsys.readouterr().out)

        ask("add", "ZOA1", "--name", "Away", "--url", "http://127.0.0.1:9", "--secret", "pair.key", "--role", "gp")
        ask("change", "ZOA1", "--secret", "next.key", "--previous-until", "2126-01-01T00:00:00Z", "--name", "Far")
        ask("change", "ZOA1", "--connection", "2", "--url", "http://127.0.0.1:8", "--off")
        (found,) = ask("list")["partners"]
        assert found["partner"] == {
            "ods": "ZOA1",
            "name": "Far",
            "roles": ["gp"],
            "connections": [
                {
                    "base_url": "http://127.0.0.1:9",
                    "secret_file": "next.key",
                    "previous_secret_file": "pair.key",
                    "previous_until": "2126-01-01T00:00:00Z",
                },
                {"base_url": "http://127.0.0.1:8", "on": False},
            ],
        }
        for chosen in ("skip", "halt"):
            ask("change", "ZOA1", "--dead-letters", chosen)
            (found,) = ask("list")["partners"]
            assert (found["partner"]["dead_letters"], found["partner"]["name"]) == (chosen, "Far")
        ward = ["ZOA2", "--name", "Ward", "--url", "http://127.0.0.1:7", "--kind", "fhir-server", "--poll", "9"]
        assert ask("add", *ward, "--dead-letters", "skip")["partner"]["dead_letters"] == "skip"
        ask("change", "ZOA2", "--token", "ward.key", "--poll", "5")
        found = next(one for one in ask("list")["partners"] if one["ods"] == "ZOA2")["partner"]["connections"]
        server = {"base_url": "http://127.0.0.1:7", "kind": "fhir-server", "token_file": "ward.key", "poll": 5}
        assert found == [server]
        ask("remove", "ZOA2")
        assert main(["partners", "change", "ZOA1", "--connection", "9", "--off", "--gateway", url]) == exits.BAD_INPUT
        assert main(["partners", "check", "--gateway", url]) == exits.NOT_HELD
        capsys.readouterr()
        assert ask("remove", "ZOA1")["lanes"] == 0
        assert main(["partners", "remove", "ZOA1", "--gateway", url]) == exits.BAD_INPUT
        assert "error sync-unknown-partner at ods\n" in capsys.readouterr().err
        assert main(["partners", "list", "--gateway", url]) == exits.DONE
        assert capsys.readouterr().out == ""


def test_it_needs_an_administrator_to_change_and_an_operator_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(
        f'ods = "ZCT1"\nport = 9\n[[clients]]\ntoken = "{TOKENS["operator"]}"\norganisation = "ZCT1"\nrole = "operator"'
    )
    assert main(["partners", "list", "--config", str(config)]) == exits.NOT_HELD
    assert "cli-no-gateway" in capsys.readouterr().err
    assert main(["partners", "remove", "ZOA1", "--config", str(config)]) == exits.BAD_INPUT
    said = capsys.readouterr().err
    assert "cli-no-operator" in said
    assert "administrator" in said


def test_what_the_command_lets_choose_from_is_what_there_is() -> None:
    assert tuple(Role) == ROLES
    assert tuple(Kind) == tuple(OF_KIND)
    assert tuple(DeadLetters) == get_args(Partner.model_fields["dead_letters"].annotation)


def test_on_a_terminal_it_is_lines_for_people() -> None:
    console = Console(width=200, force_terminal=True, no_color=True, record=True)
    step = {"step": "secret", "result": "wrong", "said": "no", "issue": {"code": "partner-secret", "fix": "Agree."}}
    way = {"base_url": "https://a.example", "steps": [step]}
    answer = {"partners": [{"ods": "ZOA1", "ok": False, "issues": [], "connections": [way]}]}
    partner_tables.show("check", answer, console)
    assert console.export_text().split("  ") == [
        "ZOA1", "https://a.example", "secret", "wrong", "partner-secret", "no", "Agree.\n",
    ]  # fmt: skip


def test_that_there_is_no_partner_is_said_on_a_terminal() -> None:
    console = Console(width=80, force_terminal=True, no_color=True, record=True)
    partner_tables.show("list", {"partners": []}, console)
    assert len(console.export_text().splitlines()) == 1
