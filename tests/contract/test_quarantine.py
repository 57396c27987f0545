"""What was set aside, over HTTP and on the command line: who sees what of it, and what comes of trying it again."""

from __future__ import annotations

import io
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fhir_mh.api import quarantine_routes
from fhir_mh.cli import exits, main, quarantine
from fhir_mh.consent import AccessContext
from fhir_mh.gateway.quarantine import QuarantineUseCases
from fhir_mh.settings import load
from tests.contract.rest_caller import NHS, NUMBER, OTHER_NUMBER, Caller, Json, calling, refused
from tests.contract.test_serve import serving
from tests.databases import empty_store

KEEPER, OPERATOR, NURSE, WARD = (f"{name}-{'x' * 40}" for name in ("keeper", "operator", "nurse", "ward"))
CLIENTS = [
    {"token": KEEPER, "organisation": "ZCT1", "role": "quarantine"},
    {"token": OPERATOR, "organisation": "ZCT1", "role": "operator"},
    {"token": NURSE, "organisation": "ZCT1", "role": "clinician"},
    {"token": WARD, "organisation": "ZOA1", "role": "quarantine"},
]
PARTNERS = [{"ods": "ZOA1", "name": "Ward far away", "base_url": "http://127.0.0.1:9"}]
CANARY = "zebra allotment"
PERSON = {"person": {"nhs_number": NUMBER, "birth_date": "1984-02-03"}, "goals": [{"description": "The sea"}]}


@pytest.fixture
def call(store_url: str) -> Iterator[Caller]:
    options: Any = {"clients": CLIENTS, "partners": PARTNERS}
    with calling(load(store=store_url, ods="ZCT1", name="Community trust", **options)) as found:
        yield found


def as_(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def snapshot(name: str, edition: int, born: str, words: str = CANARY, number: str = NUMBER) -> Json:
    bodies: list[Json] = [
        {"resourceType": "Patient", "id": f"ward-{number}", "birthDate": born,
         "identifier": [{"system": NHS, "value": number}]},
        {"resourceType": "CarePlan", "id": f"plan-{number}", "status": "active", "intent": "plan", "title": words,
         "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "736254008"}]}],
         "subject": {"reference": f"Patient/ward-{number}"}},
    ]  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": body} for body in bodies]}
    person = {"nhs_number": number}
    return {"id": name, "verb": "snapshot", "person": person, "custodian": "ZOA1", "edition": edition, "bundle": bundle}


def deliver(call: Caller, *messages: Json) -> list[Json]:
    """The ward sends these; their receipts."""
    envelope = {"protocol": 1, "from": "ZOA1", "to": "ZCT1", "messages": messages}
    answer = call("POST", "/sync/v1/messages", envelope, x_fhir_mh_from="ZOA1")
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["receipts"]
    return found


def listed(call: Caller, state: str = "held") -> list[Json]:
    found: list[Json] = call("GET", f"/quarantine?state={state}", **as_(OPERATOR)).json()["messages"]
    return found


def record(call: Caller) -> Json:
    found: Json = call("POST", "/records/find", {"nhs_number": NUMBER}, **as_(NURSE)).json()
    return found


def tasks(call: Caller) -> list[tuple[str, str]]:
    return [(one["kind"], one["status"]) for one in record(call)["record"].get("tasks", [])]


def doubtful(call: Caller) -> str:
    """A snapshot that says another date of birth than the one held; its id in the quarantine."""
    assert call("POST", "/records", PERSON, **as_(NURSE)).status_code == 201
    (receipt,) = deliver(call, snapshot("m1", 4, "1985-02-03"))
    assert receipt["status"] == "quarantined"
    return str(listed(call)[0]["id"])


def several_doubtful(call: Caller, count: int) -> None:
    assert call("POST", "/records", PERSON, **as_(NURSE)).status_code < 300
    deliver(call, *(snapshot(f"{n}1111111-1111-4111-8111-111111111111", n, "1990-01-01") for n in range(1, count + 1)))


def test_the_list_says_who_when_and_why_and_nothing_else(call: Caller) -> None:
    name = doubtful(call)
    answer = call("GET", "/quarantine", **as_(OPERATOR))
    (line,) = answer.json()["messages"]
    assert (line["id"], line["partner"], line["message"], line["state"]) == (name, "ZOA1", "m1", "held")
    assert line["issues"] == [{"code": "sync-identity", "path": "$.bundle.birthDate"}]
    assert line["person"] == record(call)["id"]
    for hidden in (CANARY, NUMBER, "1985"):
        assert hidden not in answer.text
    assert tasks(call) == [("identity", "requested")]


def test_a_long_list_is_read_page_by_page(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine_routes, "PAGE", 2)
    several_doubtful(call, 5)
    found, after = list[str](), ""
    while after is not None:
        answer = call("GET", f"/quarantine?after={after}" if after else "/quarantine", **as_(OPERATOR)).json()
        found, after = [*found, *(one["id"] for one in answer["messages"])], answer["next"]
        assert len(answer["messages"]) <= 2
    assert len(found) == len(set(found)) == 5
    refused(call("GET", "/quarantine?after=nothing", **as_(OPERATOR)), 404, "store-unknown-message")


def test_what_somebody_throws_out_while_all_is_tried_again_is_passed_over(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    several_doubtful(call, 3)
    first, gone, last = (one["id"] for one in listed(call))
    listing = QuarantineUseCases.listed

    async def just_before(self: QuarantineUseCases, context: AccessContext, **asked: Any) -> list[Any]:
        found = await listing(self, context, **asked)
        await self.discard(AccessContext("ZCT1", "quarantine"), gone, "Not ours.")
        return found

    monkeypatch.setattr(QuarantineUseCases, "listed", just_before)
    answer = call("POST", "/quarantine/replay", {}, **as_(KEEPER))
    assert [one["id"] for one in answer.json()["replayed"]] == [first, last]


def test_only_the_role_reads_one_whole(call: Caller) -> None:
    name = doubtful(call)
    whole = call("GET", f"/quarantine/{name}", **as_(KEEPER)).json()
    assert json.loads(whole["original"]) == snapshot("m1", 4, "1985-02-03")
    assert whole["record"]["care_plans"][0]["title"] == CANARY
    assert whole["findings"][0]["fix"]
    for token in (OPERATOR, NURSE, WARD):
        refused(call("GET", f"/quarantine/{name}", **as_(token)), 403, "sync-quarantine-role")
    refused(call("GET", "/quarantine", **as_(NURSE)), 403, "sync-quarantine-role")
    refused(call("GET", "/quarantine/nothing", **as_(KEEPER)), 404, "store-unknown-message")


def test_what_fails_again_stays_held_with_the_new_reason_and_its_task(call: Caller) -> None:
    name = doubtful(call)
    assert call("POST", "/records", {"person": {"nhs_number": OTHER_NUMBER}}, **as_(NURSE)).status_code == 201
    (again,) = call("POST", "/quarantine/replay", {}, **as_(OPERATOR)).json()["replayed"]
    assert (again["id"], again["state"], again["status"]) == (name, "held", "quarantined")
    assert again["changed"] is not None
    assert [one["id"] for one in listed(call)] == [name], "it is not set aside a second time"
    assert tasks(call) == [("identity", "requested")]


def test_replayed_once_the_doubt_is_settled_it_is_taken_in_and_the_task_closed(call: Caller) -> None:
    name = doubtful(call)
    held = record(call)
    put = call("PUT", f"/records/{held['id']}", {"person": {"birth_date": "1985-02-03"}},
               **as_(NURSE), if_match=f'W/"{held["version"]}"')  # fmt: skip
    assert put.status_code == 422, "nobody corrects a date of birth by the way"
    correct(call, "1985-02-03")
    answer = call("POST", f"/quarantine/{name}/replay", **as_(OPERATOR)).json()
    assert (answer["state"], answer["status"], answer["edition"]) == ("replayed", "stored", 4)
    shown = record(call)
    assert [one["title"] for one in shown["record"]["care_plans"]] == [CANARY]
    assert tasks(call) == [("identity", "completed")]
    assert listed(call) == []
    whole = call("GET", f"/quarantine/{name}", **as_(KEEPER)).json()
    assert whole["outcome"]["receipt"] == {"id": "m1", "status": "stored", "edition": 4}
    assert (whole["outcome"]["by"], whole["outcome"]["role"]) == ("ZCT1", "operator")
    refused(call("POST", f"/quarantine/{name}/replay", **as_(OPERATOR)), 404, "store-unknown-message")


def correct(call: Caller, born: str) -> None:
    """Somebody has found out that the date of birth held here was the wrong one, and puts it right in the store."""

    def put(tx: Any) -> None:
        (patient,) = tx.search("Patient").entries
        tx.put({**patient.body(), "birthDate": born}, person=patient.person, custodian=patient.custodian)

    call.gateway.store.write_now(put)


def test_a_replay_never_puts_an_older_edition_over_a_newer(call: Caller) -> None:
    name = doubtful(call)
    correct(call, "1985-02-03")
    (receipt,) = deliver(call, snapshot("m2", 5, "1985-02-03", "newer words"))
    assert receipt["status"] == "stored"
    answer = call("POST", f"/quarantine/{name}/replay", **as_(OPERATOR)).json()
    assert (answer["state"], answer["status"]) == ("replayed", "superseded")
    assert [one["title"] for one in record(call)["record"]["care_plans"]] == ["newer words"]


def test_what_is_thrown_out_is_kept_with_its_reason_and_closes_its_task(call: Caller) -> None:
    name = doubtful(call)
    url = f"/quarantine/{name}/discard"
    refused(call("POST", url, {"reason": "x"}, **as_(OPERATOR)), 403, "sync-quarantine-role")
    refused(call("POST", url, {"reason": "  "}, **as_(KEEPER)), 422, "rest-body", "reason")
    refused(call("POST", url, {"why": "x"}, **as_(KEEPER)), 422, "rest-body", "why")
    assert call("POST", url, {"reason": "Meant for another trust."}, **as_(KEEPER)).json()["state"] == "discarded"
    assert tasks(call) == [("identity", "cancelled")]
    whole = call("GET", f"/quarantine/{name}", **as_(KEEPER)).json()
    assert whole["outcome"]["reason"] == "Meant for another trust."
    assert CANARY in whole["original"]
    assert "Meant" not in json.dumps(listed(call, "discarded"))
    refused(call("POST", url, {"reason": "again"}, **as_(KEEPER)), 404, "store-unknown-message")
    refused(call("GET", "/quarantine?state=lost", **as_(OPERATOR)), 422, "rest-body", "state")


def test_who_reads_tries_again_or_throws_out_is_audited(call: Caller) -> None:
    name = doubtful(call)
    call("GET", f"/quarantine/{name}", **as_(KEEPER))
    call("POST", f"/quarantine/{name}/replay", **as_(OPERATOR))
    call("POST", f"/quarantine/{name}/discard", {"reason": "Meant for another trust."}, **as_(KEEPER))
    rows = call.gateway.store.read_now(lambda tx: tx.audit.find())[-3:]
    events = [json.loads(row.text) for _, row in rows]
    assert [(one["type"]["code"], one["subtype"][0]["code"], one["action"]) for one in events] == [
        ("message", "open", "R"), ("message", "replay", "E"), ("message", "discard", "E"),
    ]  # fmt: skip
    assert [one["agent"][0]["who"]["display"] for one in events] == [
        "ZCT1 quarantine", "ZCT1 operator", "ZCT1 quarantine",
    ]  # fmt: skip
    assert all(name in one["entity"][0]["what"]["identifier"]["value"] for one in events)
    assert events[-1]["purposeOfEvent"][0]["text"] == "Meant for another trust."
    assert CANARY not in str(events) and NUMBER not in str(events)


def test_what_is_no_message_stays_held(call: Caller) -> None:
    deliver(call, {"id": "odd", "verb": "telepathy", "person": {"nhs_number": NUMBER}})
    (line,) = listed(call)
    again = call("POST", f"/quarantine/{line['id']}/replay", **as_(OPERATOR)).json()
    assert (again["state"], again["status"], again["issues"][0]["code"]) == ("held", None, "sync-envelope")
    assert call("GET", f"/quarantine/{line['id']}", **as_(KEEPER)).json()["record"] is None


def test_a_message_for_somebody_who_becomes_known_later_waits_for_people(call: Caller) -> None:
    """Its own Patient contradicts its number, so nobody was made of it; once that is mended, it is still people's."""
    odd = snapshot("m1", 1, "1984-02-03")
    odd["person"] = {"nhs_number": OTHER_NUMBER}
    (receipt,) = deliver(call, odd)
    assert receipt["status"] == "quarantined"
    assert call("POST", "/records", {**PERSON, "person": {"nhs_number": OTHER_NUMBER}}, **as_(NURSE)).status_code == 201
    (line,) = listed(call)
    assert (line["person"], line["state"]) == (None, "held")
    again = call("POST", f"/quarantine/{line['id']}/replay", **as_(OPERATOR)).json()
    assert again["state"] == "held"
    assert again["person"] is not None, "and now it is theirs"


# --- the command


def test_the_command_asks_the_gateway_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    from fhir_mh.store import open_store

    file = tmp_path / "gateway.toml"
    with open_store(empty_store(tmp_path / "store.sqlite3")) as store:
        text, listed = json.dumps(snapshot("m1", 4, "1985-02-03")), '[{"code": "sync-identity", "severity": "error", '
        listed += '"path": "$.bundle", "message": "Another date of birth.", "fix": ""}]'
        first, second = (store.write_now(lambda tx: tx.quarantine.add("ZOA1", text, listed)).id for _ in range(2))
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        clients = "".join(
            f'[[clients]]\ntoken = "{one["token"]}"\norganisation = "{one["organisation"]}"\nrole = "{one["role"]}"\n'
            for one in CLIENTS
        )
        file.write_text(f'ods = "ZCT1"\nport = {held.getsockname()[1]}\n{clients}')
    with serving(tmp_path, "--config", str(file)) as gateway:

        def ask(*arguments: str) -> str:
            assert main(["quarantine", *arguments, "--config", str(file)]) == exits.DONE
            return capsys.readouterr().out

        assert [line.split("\t")[0] for line in ask("list").splitlines()] == [first, second]
        assert "sync-identity at $.bundle" in ask("list")
        assert CANARY not in ask("list", "--json")
        shown = ask("show", first)
        assert "In plain words:" in shown
        assert "As it came:" in shown
        assert CANARY in shown
        assert "replayed (stored)" in ask("replay", first)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Twice.\n")))
        assert "discarded" in ask("discard", second, "--reason-file", "-")
        assert ask("replay", "--all") == ""
        assert main(["quarantine", "replay", "--config", str(file)]) == exits.BAD_INPUT
        _, log = gateway.stop()
    for hidden in (CANARY, NUMBER, KEEPER, "Twice"):
        assert hidden not in log


def test_on_a_terminal_it_is_a_table() -> None:
    line = {"id": "q1", "partner": "ZOA1", "person": None, "received": "2026-11-24T09:00:00.000Z", "state": "held",
            "issues": [{"code": "sync-identity", "path": "$.bundle.birthDate"}]}  # fmt: skip
    console = Console(width=100, force_terminal=True, no_color=True, record=True)
    quarantine.write_lines([line], console)
    assert "sync-identity" in console.export_text()
    console = Console(width=100, force_terminal=True, no_color=True, record=True)
    quarantine.write_lines([], console)
    assert len(console.export_text().splitlines()) == 1


def test_on_a_terminal_the_id_that_the_next_command_asks_for_is_whole() -> None:
    name, person = "2f9d3c1e-6a57-4b0e-9a53-0c1de2f45a67", "7a4b19f0-1de2-4f45-8c01-5b8c6e02d913"
    line = {"id": name, "partner": "ZOA1", "person": person, "received": "2026-11-24T09:00:00.000Z", "state": "held",
            "issues": [{"code": "sync-identity", "path": "$.bundle.birthDate"}]}  # fmt: skip
    console = Console(width=80, force_terminal=True, no_color=True, record=True)
    quarantine.write_lines([line], console)
    assert name in console.export_text()
