"""How current copies are, over HTTP and on the command line; and what marks them."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from fhir_mh import Validator
from fhir_mh.cli import currency_tables, exits, main
from fhir_mh.exchange.messages import Envelope, Message
from fhir_mh.fhir.json import load_object
from fhir_mh.store import Tx
from scripts.pages.definitions import ROOT
from tests.contract.rest_caller import NUMBER, OTHER_NUMBER, Caller, Json, refused
from tests.contract.test_serve import Serving, serving

WARD_CRISIS = "5f1f1e0a-2b1c-4c5e-9a41-7d0e3c9b5a01"
CRISIS = {"id": "crisis", "title": "Crisis plan", "status": "active"}
OWN, PARTNER = "ZCT1", "ZOA1"
DEFINITION = load_object((ROOT / "profiles/package/OperationDefinition-currency.json").read_bytes())


def snapshot(edition: int = 3, title: str = "Of the ward") -> Json:
    """What a partner sends of a crisis plan that it keeps."""
    plan = {
        "resourceType": "CarePlan",
        "id": WARD_CRISIS,
        "status": "active",
        "intent": "plan",
        "title": title,
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "736253002"}]}],
        "subject": {"reference": "Patient/of-the-ward"},
    }
    patient = {"resourceType": "Patient", "id": "of-the-ward"}
    said = {"sections": ["crisis-plan", "demographics"],
            "bundle": {"resourceType": "Bundle", "type": "collection",
                       "entry": [{"resource": patient}, {"resource": plan}]}}  # fmt: skip
    message = Message(f"snapshot-{edition}", "snapshot", NUMBER, PARTNER, edition, said)
    return Envelope(PARTNER, OWN, (message,)).as_json()


def with_two_plans(ask: Any) -> tuple[str, str]:
    """A person with a crisis plan of ours and a copy of the ward's; the record's id and the Patient's."""
    made = ask("POST", "/records", {"person": {"nhs_number": NUMBER}, "crisis_plans": [CRISIS]})
    assert made.status_code == 201, made.text
    answer = ask("POST", "/sync/v1/messages", snapshot(), x_fhir_mh_from=PARTNER)
    assert [one["status"] for one in answer.json()["receipts"]] == ["stored"], answer.text
    record = made.json()["id"]
    patients = ask("GET", "/fhir/Patient").json()["entry"]
    return record, next(one["resource"]["id"] for one in patients if one["resource"]["id"] != "of-the-ward")


@pytest.fixture
def held(caller_on_each: Caller) -> tuple[Caller, str, str]:
    return caller_on_each, *with_two_plans(caller_on_each)


def test_each_copy_and_the_current_plan_are_told_in_plain_json(held: tuple[Caller, str, str]) -> None:
    call, record, _ = held
    told = call("GET", f"/records/{record}/currency").json()
    assert told["id"] == record
    assert (told["current_crisis_plan"]["plan"], told["current_crisis_plan"]["reason"]) == (None, "not-told")
    ours, theirs = sorted(told["plans"], key=lambda plan: str(plan["custodian"]))
    assert (ours["id"], ours["title"], ours["version"], ours["copies"]) == ("crisis", "Crisis plan", 1, [])
    (copy,) = theirs["copies"]
    assert (theirs["custodian"], copy["partner"], copy["stored"]["edition"], copy["newest"]) == (PARTNER, OWN, 3, True)
    assert (copy["kept_up_to_date"], copy["since"], copy["reason"], copy["filed"]) == (True, None, None, None)
    refused(call("GET", "/records/nobody/currency"), 404, "rest-unknown-record", "id")
    refused(call("GET", f"/records/{record}/currency?all=true"), 400, "rest-unknown-parameter")


def parts(found: list[Json]) -> dict[str, list[Json]]:
    named: dict[str, list[Json]] = {}
    for one in found:
        named.setdefault(one["name"], []).append(one)
    return named


def conforms(found: list[Json], defined: list[Json], place: str = "") -> None:
    """Whether parameters are those that the definition says, as often and of the type that it says."""
    named = parts(found)
    assert named.keys() <= {one["name"] for one in defined}, place
    for one in defined:
        here, given = f"{place}.{one['name']}", named.get(one["name"], [])
        assert len(given) >= one["min"], here
        assert one["max"] == "*" or len(given) <= int(one["max"]), here
        for value in given:
            if "part" in one:
                conforms(value["part"], one["part"], here)
            else:
                assert "value" + one["type"][0].upper() + one["type"][1:] in value, here


def test_the_operation_answers_as_its_definition_says(held: tuple[Caller, str, str]) -> None:
    call, record, patient = held
    call("POST", f"/records/{record}/copies/marks", {"custodian": PARTNER, "stage": "filed", "edition": 3})
    address = f"/fhir/Patient/{patient}/$currency"
    got = call("GET", address)
    assert (got.status_code, got.headers["content-type"]) == (200, "application/fhir+json")
    for body in (b"", {"resourceType": "Parameters"}):
        posted = call("POST", address, body)
        assert posted.status_code == 200, posted.text
        assert posted.json()["parameter"][1:] == got.json()["parameter"][1:]
    conforms(got.json()["parameter"], DEFINITION["parameter"])
    plans = [parts(one["part"]) for one in parts(got.json()["parameter"])["plan"]]
    stages = [parts(one["part"]) for plan in plans for one in plan.get("copy", [])]
    assert [{"stored", "filed"} <= one.keys() for one in stages] == [True]
    assert [one for one in Validator().validate(got.json()).issues if one.is_error] == []
    theirs = call("GET", "/fhir/Patient/of-the-ward/$currency")
    assert theirs.json()["parameter"][1:] == got.json()["parameter"][1:], "each Patient stands for the person"


def test_what_the_operation_cannot_do_is_refused(held: tuple[Caller, str, str]) -> None:
    call, _, patient = held
    address = f"/fhir/Patient/{patient}/$currency"
    refused(call("GET", "/fhir/Patient/nobody/$currency"), 404, "store-not-found", "Patient")
    refused(call("POST", address, {"resourceType": "Patient"}), 400, "rest-type-differs", "resourceType")
    asked = {"resourceType": "Parameters", "parameter": [{"name": "plan", "valueString": "x"}]}
    refused(call("POST", address, asked), 400, "rest-bad-parameter", "Parameters.parameter[0].name")
    refused(call("GET", f"{address}?plan=x"), 400, "rest-unknown-parameter")
    refused(call("PUT", address, {}), 405, "rest-method")


def test_it_is_defined_and_declared_and_changes_nothing(caller: Caller) -> None:
    statement = caller("GET", "/fhir/metadata").json()
    (patient,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Patient"]
    assert {"name": "currency", "definition": DEFINITION["url"]} in patient["operation"]
    assert [DEFINITION[name] for name in ("code", "resource", "system", "type", "instance", "affectsState")] == [
        "currency", ["Patient"], False, False, True, False,
    ]  # fmt: skip
    assert [one for one in Validator().validate(DEFINITION).issues if one.is_error] == []


# --- marks


def opened(call: Caller, record: str) -> Any:
    (copy,) = [one for one in call("GET", f"/records/{record}").json()["copies"] if one["custodian"] == PARTNER]
    return copy["opened"]


def test_a_mark_is_answered_with_the_copy_and_queued_once(held: tuple[Caller, str, str]) -> None:
    call, record, _ = held
    body = {"custodian": PARTNER, "stage": "opened", "edition": 3, "at": "2026-11-24T10:30:00+01:00"}
    for _ in range(2):
        answer = call("POST", f"/records/{record}/copies/marks", body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["opened"] == {"edition": 3, "at": "2026-11-24T09:30:00.000Z"}
    kinds = call.gateway.store.read_now(lambda tx: [one.kind for one in tx.outbox.find() if one.kind == "opened"])
    assert kinds == ["opened"]


@pytest.mark.parametrize(
    ("change", "status", "code", "place"),
    [
        ({"stage": "burnt"}, 422, "rest-bad-mark", "stage"),
        ({"stage": None}, 422, "rest-bad-mark", "stage"),
        ({"custodian": 7}, 422, "rest-bad-mark", "custodian"),
        ({"edition": 0}, 422, "rest-bad-mark", "edition"),
        ({"edition": True}, 422, "rest-bad-mark", "edition"),
        ({"edition": 10**30}, 422, "rest-bad-mark", "edition"),
        ({"edition": "3"}, 422, "rest-bad-mark", "edition"),
        ({"at": "2026-11-24"}, 422, "rest-bad-mark", "at"),
        ({"at": "2026-11-24T10:30:00"}, 422, "rest-bad-mark", "at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, 422, "rest-bad-mark", "at"),
        ({"person": 7}, 422, "rest-bad-mark", "person"),
        ({"person": "nobody"}, 404, "rest-no-copy", "person"),
        ({"by": "me"}, 422, "rest-bad-mark", "by"),
        ({"edition": 4}, 422, "rest-ahead-of-copy", "edition"),
        ({"custodian": OWN}, 404, "rest-no-copy", "custodian"),
    ],
)
def test_a_mark_that_cannot_be_is_refused(caller: Caller, change: Json, status: int, code: str, place: str) -> None:
    record, _ = with_two_plans(caller)
    body = {"custodian": PARTNER, "stage": "filed", "edition": 3, **change}
    refused(caller("POST", f"/records/{record}/copies/marks", body), status, code, place)
    refused(caller("POST", "/records/nobody/copies/marks", {**body, **change}), *(
        (404, "rest-unknown-record") if code in ("rest-ahead-of-copy", "rest-no-copy") else (status, code)
    ))  # fmt: skip
    (copy,) = [one for one in caller("GET", f"/records/{record}").json()["copies"] if one["custodian"] == PARTNER]
    assert copy["filed"] is None


def test_only_the_way_of_reading_that_says_so_marks_a_copy_as_opened(caller: Caller) -> None:
    record, patient = with_two_plans(caller)
    for url in (f"/records/{record}", f"/records/{record}/currency", f"/fhir/Patient/{patient}/$everything",
                f"/fhir/CarePlan/{WARD_CRISIS}"):  # fmt: skip
        assert caller("GET", url).status_code == 200
    caller("POST", "/records/find", {"nhs_number": NUMBER})
    assert opened(caller, record) is None
    answer = caller("POST", f"/records/{record}/open")
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == caller("GET", f"/records/{record}").headers["etag"]
    assert opened(caller, record)["edition"] == 3
    refused(caller("POST", "/records/nobody/open"), 404, "rest-unknown-record", "id")


# --- on the command line


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Serving, str]]:
    """A gateway in a process of its own, and the id of a record in it."""
    partner = f'[[partners]]\nods = "{PARTNER}"\nname = "Ward"\nbase_url = "http://127.0.0.1:9"\n'
    with tempfile.TemporaryDirectory(prefix="fmh") as name:
        config = Path(name) / "gateway.toml"
        config.write_text(f'ods = "{OWN}"\n{partner}')
        with serving(Path(name), "--config", str(config), "--port", "0") as gateway, httpx.Client() as client:

            def ask(method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
                named = {key.replace("_", "-"): value for key, value in headers.items()}
                return client.request(method, gateway.address + path, json=body, headers=named)

            record, _ = with_two_plans(ask)
            mark = {"custodian": PARTNER, "stage": "filed", "edition": 3}
            assert ask("POST", f"/records/{record}/copies/marks", mark).status_code == 200
            yield gateway, record


def test_the_command_writes_lines_for_a_pipe_and_the_gateways_own_json(
    running: tuple[Serving, str], capsys: pytest.CaptureFixture[str]
) -> None:
    gateway, record = running
    assert main(["currency", record, "--gateway", gateway.address]) == exits.DONE
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert sorted({line[0] for line in lines}) == ["copy", "current", "plan"]
    (copy,) = [line for line in lines if line[:2] == ["copy", WARD_CRISIS]]
    assert (copy[1:3], copy[6], copy[9], copy[15:17]) == ([WARD_CRISIS, OWN], "3", "3", ["newest", "kept"])
    assert main(["currency", record, "--gateway", gateway.address, "--format", "json"]) == exits.DONE
    told = json.loads(capsys.readouterr().out)
    assert {plan["id"] for plan in told["plans"]} == {"crisis", WARD_CRISIS}


def test_an_nhs_number_comes_by_standard_input_and_never_as_an_argument(
    running: tuple[Serving, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, record = running
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NUMBER}\n"))
    assert main(["currency", "-", "--gateway", gateway.address, "--format", "json"]) == exits.DONE
    assert json.loads(capsys.readouterr().out)["id"] == record
    for text in (NUMBER, "999 000 0018", "999-000-0018"):
        assert main(["currency", text, "--gateway", gateway.address]) == exits.BAD_INPUT
        said = capsys.readouterr()
        assert "error cli-nhs-number at RECORD" in said.err
        assert text not in said.err + said.out
    monkeypatch.setattr("sys.stdin", io.StringIO(OTHER_NUMBER))
    assert main(["currency", "-", "--gateway", gateway.address]) == exits.BAD_INPUT
    said = capsys.readouterr()
    assert "error rest-unknown-person" in said.err
    assert OTHER_NUMBER not in said.err + said.out


def test_what_is_not_there_is_said(running: tuple[Serving, str], capsys: pytest.CaptureFixture[str]) -> None:
    gateway, _ = running
    for name in ("nobody", "../deliveries", "a b?x=1"):
        assert main(["currency", name, "--gateway", gateway.address]) == exits.BAD_INPUT
        assert "error rest-unknown-" in capsys.readouterr().err


def test_on_a_terminal_it_is_tables_that_say_what_is_current(caller: Caller) -> None:
    record, _ = with_two_plans(caller)
    person = record

    def end(tx: Tx) -> None:
        tx.currency.mark(PARTNER, person, OWN, "sent", 1)
        tx.currency.end(OWN, person, PARTNER, "They asked for it.")

    caller.gateway.store.write_now(end)
    for width in (80, 200):
        console = Console(width=width, force_terminal=True, no_color=True, record=True, file=io.StringIO())
        currency_tables.show(caller("GET", f"/records/{record}/currency").json(), console)
        shown = " ".join(console.export_text().split())
        assert shown.startswith("Current crisis plan: 2 crisis plans are in force, and it cannot be told")
        assert "crisis-plan Crisis plan, kept by ZCT1, version 1" in shown
    assert "not kept up to date since" in shown
    assert "They asked for it." in shown
    assert "edition 3" in shown
    nobody = caller("POST", "/records", {"person": {"nhs_number": OTHER_NUMBER}}).json()["id"]
    console = Console(width=80, force_terminal=True, no_color=True, record=True, file=io.StringIO())
    currency_tables.show(caller("GET", f"/records/{nobody}/currency").json(), console)
    assert "No plan or directive" in console.export_text()
