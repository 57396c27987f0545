"""Conflicts over HTTP: listed, read and decided, on SQLite and PostgreSQL; and by `fhir-mh conflicts`."""

from __future__ import annotations

import copy
import io
import json
import logging
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from fhir_mh.cli import conflicts, exits, main
from fhir_mh.exchange.messages import Message
from fhir_mh.fhir.json import dumps
from tests.contract.rest_caller import NUMBER, Caller, Json, refused
from tests.contract.test_serve import Serving, serving
from tests.unit.gateway.pair import normal, person_with_a_plan
from tests.validators import shared_validator

WARD = "ZOA1"
BASE, OURS, THEIRS = "walk", "words of the home team", "words of the ward"
BY = {"display": "Duty manager"}


def coping(text: str) -> Json:
    signs = [{"id": "sleep", "coping": text}]
    return {"person": {"nhs_number": NUMBER}, "crisis_plans": [{"id": "crisis", "warning_signs": signs}]}


def sent_to_the_ward(call: Caller) -> Message:
    """What the ward is sent now."""
    gateway = call.gateway
    (lane,) = gateway.store.write_now(lambda tx: tx.lanes.claim("test", timedelta(minutes=1), 10))
    (waiting,) = gateway.store.read_now(lambda tx: tx.outbox.pending(lane))
    composed = gateway.store.write_now(lambda tx: gateway.exchange.compose(tx, waiting))
    assert isinstance(composed, Message)
    gateway.store.write_now(lambda tx: tx.lanes.finish(lane, []))
    return composed


@pytest.fixture
def disputed(caller_on_each: Caller) -> tuple[Caller, str]:
    """The ward proposes other words for what the home team has changed as well; the conflict's id."""
    call = caller_on_each
    plan = normal(person_with_a_plan())
    assert call("POST", "/records", plan).status_code == 201
    shown = sent_to_the_ward(call)
    assert call("POST", "/records", coping(OURS)).status_code == 200
    before = [one["resource"] for one in shown.content["bundle"]["entry"] if BASE in str(one["resource"])]
    after = json.loads(dumps(before).decode().replace(f'"{BASE}"', f'"{THEIRS}"'))
    said = {"base": shown.edition, "before": bundle(before), "bundle": bundle(after)}
    proposal = Message(str(uuid.uuid4()), "proposal", NUMBER, "ZCT1", shown.edition, said)
    receipt = call.gateway.store.write_now(lambda tx: call.gateway.exchange.receive(tx, WARD, proposal))
    assert receipt.status == "conflict", receipt
    (found,) = call("GET", "/conflicts").json()["conflicts"]
    return call, found["id"]


def bundle(bodies: list[Json]) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": body} for body in bodies]}


def record(call: Caller) -> Json:
    found: Json = call("POST", "/records/find", {"nhs_number": NUMBER}).json()
    return found


def sign(call: Caller) -> Json:
    (plan,) = record(call)["record"]["crisis_plans"]
    found: Json = next(one for one in plan["warning_signs"] if one["id"] == "sleep")
    return found


def test_the_list_says_what_waits_and_no_text(disputed: tuple[Caller, str]) -> None:
    call, name = disputed
    answer = call("GET", "/conflicts")
    (found,) = answer.json()["conflicts"]
    assert (found["path"], found["reason"], found["from"]) == (
        "crisis_plans[crisis].warning_signs[sleep].coping", "both-changed", WARD,
    )  # fmt: skip
    assert found["owner"] == {"id": "lead"}
    assert found["choices"] == ["accept", "keep", "write"]
    assert OURS not in answer.text
    assert THEIRS not in answer.text
    assert [one["id"] for one in call("GET", "/conflicts?owner=lead").json()["conflicts"]] == [name]
    assert call("GET", "/conflicts?owner=").json() == {"conflicts": []}
    refused(call("GET", "/conflicts?record=nobody"), 404, "rest-unknown-record", "record")
    refused(call("GET", "/conflicts?whose=lead"), 400, "rest-unknown-parameter")


def test_a_conflict_is_read_with_every_text_and_decided(disputed: tuple[Caller, str]) -> None:
    call, name = disputed
    answer = call("GET", f"/conflicts/{name}")
    found = answer.json()
    texts = [found[part]["text"] for part in ("base", "ours", "now", "theirs")]
    assert texts == [BASE, OURS, OURS, THEIRS]
    assert answer.headers["etag"] == f'W/"{found["version"]}"' == f'W/"{record(call)["version"]}"'
    said = {"decision": "write", "text": "both", "by": {"id": "lead"}, "why": "she agreed"}
    decided = call("POST", f"/conflicts/{name}/decision", said, if_match=answer.headers["etag"])
    assert decided.status_code == 200, decided.text
    assert (decided.json()["outcome"], decided.json()["now"]["text"]) == ("rewritten", "both")
    assert decided.json()["decision"] == {**said, "by": {"id": "lead"}}
    assert decided.json()["choices"] == []
    assert decided.headers["etag"] == f'W/"{record(call)["version"]}"'
    assert sign(call)["coping"]["text"] == "both"
    assert call("GET", "/conflicts").json() == {"conflicts": []}
    assert call("GET", f"/conflicts/{name}").json() == decided.json()
    again = call("POST", f"/conflicts/{name}/decision", said, if_match=answer.headers["etag"])
    assert again.json() == decided.json()
    other = {**said, "text": "neither"}
    refused(call("POST", f"/conflicts/{name}/decision", other, if_match='W/"1"'), 409, "conflict-decided", "decision")


def test_the_outcome_leaves_with_the_next_snapshot_and_how_it_came_about(disputed: tuple[Caller, str]) -> None:
    call, name = disputed
    seen = call("GET", f"/conflicts/{name}").headers["etag"]
    call("POST", f"/conflicts/{name}/decision", {"decision": "accept", "by": {"id": "lead"}}, if_match=seen)
    message = sent_to_the_ward(call)
    (told,) = message.content["decided"]
    assert (told["path"], told["outcome"]) == ("crisis_plans[crisis].warning_signs[sleep].coping", "accepted")
    bodies = [one["resource"] for one in message.content["bundle"]["entry"]]
    (provenance,) = [body for body in bodies if body["resourceType"] == "Provenance"]
    report = shared_validator().validate(dumps(provenance))
    assert report.valid, report.issues


@pytest.mark.parametrize(
    ("body", "headers", "status", "code", "place"),
    [
        ({"decision": "keep", "by": BY}, {}, 428, "rest-if-match-missing", "http.if-match"),
        ({"decision": "keep", "by": BY}, {"if_match": 'W/"1"'}, 412, "store-version-conflict", "If-Match"),
        ({"decision": "keep", "by": BY}, {"if_match": "*"}, 400, "rest-bad-etag", "http.if-match"),
        ({"decision": "add", "by": BY}, {"if_match": "now"}, 422, "conflict-choice", "decision"),
        ({"decision": "keep", "by": {"id": "nobody"}}, {"if_match": "now"}, 422, "conflict-decider", "by"),
        ({"decision": "keep"}, {"if_match": "now"}, 422, "map-invalid-record", "by"),
        ({"decision": "keep", "by": BY, "whom": "x"}, {"if_match": "now"}, 422, "map-unknown-field", "$"),
        (
            {"decision": "keep", "by": BY, "asked_persn": True},
            {"if_match": "now"},
            422,
            "map-unknown-field",
            "asked_persn",
        ),
        ({"decision": "write", "by": BY}, {"if_match": "now"}, 422, "map-invalid-record", "text"),
        ({"decision": "write", "by": BY, "text": [1]}, {"if_match": "now"}, 422, "map-invalid-record", "text"),
    ],
)
def test_what_is_no_decision_changes_nothing(
    disputed: tuple[Caller, str], body: Json, headers: dict[str, str], status: int, code: str, place: str
) -> None:
    call, name = disputed
    before = record(call)
    if headers.get("if_match") == "now":
        headers = {"if_match": call("GET", f"/conflicts/{name}").headers["etag"]}
    refused(call("POST", f"/conflicts/{name}/decision", body, **headers), status, code, place)
    assert record(call) == before


def test_it_is_said_where_a_decision_is_described(caller: Caller) -> None:
    answer = caller("POST", "/conflicts/nothing/decision", {"decision": "keep", "bye": BY}, if_match='W/"1"')
    assert answer.status_code == 422
    assert all("docs/rest.md" in one["diagnostics"] for one in answer.json()["issue"])


def test_what_has_moved_on_is_refused_until_it_was_seen(disputed: tuple[Caller, str]) -> None:
    call, name = disputed
    call("POST", "/records", coping("newer words"))
    found = call("GET", f"/conflicts/{name}")
    address, said = f"/conflicts/{name}/decision", {"decision": "accept", "by": BY}
    refused(call("POST", address, said, if_match=found.headers["etag"]), 409, "conflict-moved-on", "instead_of")
    seen = {**said, "instead_of": found.json()["now"]}
    assert call("POST", address, seen, if_match=found.headers["etag"]).status_code == 200
    assert sign(call)["coping"]["text"] == THEIRS


def test_no_text_or_name_is_logged(disputed: tuple[Caller, str], caplog: pytest.LogCaptureFixture) -> None:
    call, name = disputed
    seen = call("GET", f"/conflicts/{name}").headers["etag"]
    said = {"decision": "write", "text": "third words", "by": BY, "why": "a reason"}
    with caplog.at_level(logging.DEBUG):
        call("POST", f"/conflicts/{name}/decision", {**said, "decision": "add"}, if_match=seen)
        call("POST", f"/conflicts/{name}/decision", said, if_match=seen)
    logged = "".join(one.getMessage() for one in caplog.records if not one.name.startswith(("asyncio", "httpx")))
    assert "/conflicts/*/decision" in logged
    for text in ("third words", BY["display"], "a reason", THEIRS, OURS, name):
        assert text not in logged


def test_nothing_of_a_conflict_is_told_of_one_that_is_not_there(caller: Caller) -> None:
    refused(caller("GET", "/conflicts/nothing"), 404, "conflict-not-found", "id")
    answer = caller("POST", "/conflicts/nothing/decision", {"decision": "keep", "by": BY}, if_match='W/"1"')
    refused(answer, 404, "conflict-not-found", "id")


# --- on the command line


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Serving]:
    """A gateway in which it is not clear which of two signs a system meant."""
    import httpx

    with serving(tmp_path, "--port", "0") as gateway:
        plan = copy.deepcopy(coping("x"))
        plan["crisis_plans"][0]["warning_signs"] = [{"id": f"s{n}", "sign": "shouting"} for n in (1, 2)]
        more = coping("x")
        more["crisis_plans"][0]["warning_signs"] = [{"sign": "shouting", "coping": "a quiet room"}]
        for body in (plan, more):
            assert httpx.post(f"{gateway.address}/records", json=body).is_success
        yield gateway


def test_the_command_lists_shows_and_decides(
    running: Serving, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ["--gateway", running.address]
    assert main(["conflicts", "list", "--queue", *where]) == exits.DONE
    listed = capsys.readouterr().out
    assert "a quiet room" not in listed
    (line,) = listed.splitlines()
    name, record_id, path, reason, *_, choices = line.split("\t")
    assert (path, reason, choices) == ("crisis_plans[crisis].warning_signs[?]", "unclear-item", "accept,add,keep")
    assert main(["conflicts", "list", "--json", "--record", record_id, *where]) == exits.DONE
    assert json.loads(capsys.readouterr().out)["conflicts"][0]["id"] == name
    assert main(["conflicts", "show", name, *where]) == exits.DONE
    shown = json.loads(capsys.readouterr().out)
    assert shown["theirs"]["coping"]["text"] == "a quiet room"
    said = dumps({"decision": "accept", "item": "s2", "by": BY})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(said)))
    assert main(["conflicts", "decide", name, str(shown["version"]), "-", *where]) == exits.DONE
    assert json.loads(capsys.readouterr().out)["outcome"] == "accepted"
    assert main(["conflicts", "list", "--owner", "nobody", *where]) == exits.DONE
    assert capsys.readouterr().out == ""


def test_the_command_says_why_a_decision_is_refused(
    running: Serving, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    where, file = ["--gateway", running.address], tmp_path / "decision.json"
    assert main(["conflicts", "show", "nothing", *where]) == exits.BAD_INPUT
    assert "conflict-not-found" in capsys.readouterr().err
    file.write_text("[]")
    assert main(["conflicts", "decide", "nothing", "1", str(file), *where]) == exits.BAD_INPUT
    assert "json-not-an-object" in capsys.readouterr().err
    main(["conflicts", "list", *where])
    name = capsys.readouterr().out.split("\t")[0]
    file.write_text(json.dumps({"decision": "keep", "by": BY}))
    assert main(["conflicts", "decide", name, "0", str(file), *where]) == exits.BAD_INPUT
    error = capsys.readouterr().err
    assert "store-version-conflict" in error
    assert BY["display"] not in error


def test_that_nothing_waits_is_said_on_a_terminal() -> None:
    console = Console(width=80, force_terminal=True, no_color=True, record=True)
    conflicts.show_list({"conflicts": []}, console)
    assert len(console.export_text().splitlines()) == 1
