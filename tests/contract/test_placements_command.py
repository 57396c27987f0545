"""`fhir-mh placements` against a gateway that runs: no NHS number and no reason on a command line."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from fhir_mh.cli import exits, main, placements
from tests.contract.rest_caller import NUMBER
from tests.contract.test_serve import Serving, serving

OPEN = {"by": "Placing team", "provider": "ZOA1", "level": "2"}
END = {"by": "Placing team", "reason": "A bed near home", "outcome": "cancelled", "at": "2026-11-24"}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path, "--ods", "ZCT1") as found:
        yield found


def said(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


def test_a_placement_is_opened_listed_and_ended(
    gateway: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = httpx.post(f"{gateway.address}/records", json={"person": {"nhs_number": NUMBER}}).json()["id"]
    where = ["--gateway", gateway.address]
    facts = {name: tmp_path / f"{name}.json" for name in ("open", "end")}
    facts["open"].write_text(json.dumps(OPEN))
    facts["end"].write_text(json.dumps(END))

    monkeypatch.setattr("sys.stdin", io.StringIO(NUMBER))
    assert main(["placements", "open", "-", str(facts["open"]), *where]) == exits.DONE
    (opened, *_) = said(capsys)
    assert opened[0] == "recorded"
    placement = opened[1]

    assert main(["placements", "list", record, *where]) == exits.DONE
    ((name, state, provider, *_, possible, since),) = said(capsys)
    assert (name, state, provider, since) == (placement, "planned", "ZOA1", "")
    assert "transfer" in possible.split()

    for word in ("recorded", "repeated"):
        assert main(["placements", "end", record, placement, str(facts["end"]), *where]) == exits.DONE
        assert said(capsys)[0] == [word, placement]
    assert main(["placements", "list", record, "--json", *where]) == exits.DONE
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    reasons = {entry["term"]: entry["reason"] for entry in told["placements"][0]["history"]}
    assert reasons["status"] == "A bed near home"

    facts["end"].write_text(json.dumps({**END, "at": "2026-11-23"}))
    assert main(["placements", "end", record, placement, str(facts["end"]), *where]) == exits.BAD_INPUT
    assert "placement-told-otherwise" in capsys.readouterr().err


def test_the_list_shows_the_date_of_discharge_that_was_recorded_last(
    gateway: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [("2027-02-01", "2026-11-24T10:00:00Z"), ("2027-01-10", "2026-11-24T09:00:00Z")]
    dates = [
        {"id": value, "value": value, "recorded_at": at, "reason": "As it is.", "recorded_by": "Somebody"}
        for value, at in told
    ]
    tree = {"person": {"nhs_number": NUMBER}, "stays": [{"id": "stay", "estimated_discharge": dates}]}
    record = httpx.post(f"{gateway.address}/records", json=tree).json()["id"]
    assert main(["placements", "list", record, "--gateway", gateway.address]) == exits.DONE
    assert [row[4] for row in said(capsys)] == ["2027-02-01"]


def test_on_a_terminal_the_id_that_the_next_command_asks_for_is_whole() -> None:
    name = "2f9d3c1e-6a57-4b0e-9a53-0c1de2f45a67"
    stay = {"period": {"start": "2026-11-24T09:00:00Z"}, "estimated_discharge": [{"value": "2027-02-01"}]}
    steps = ["change", "transfer", "leave", "delay", "end"]
    ended = {"not_kept_up_to_date": {"placement": {"since": "2026-11-25T09:30:00.000Z", "reason": "It has ended."}}}
    row = {"id": name, "state": "admitted", "provider": "ZOA1", "stay": stay, "possible": steps, **ended}
    console = Console(width=80, force_terminal=True, no_color=True, record=True)
    placements.show_list({"placements": [row]}, console)
    shown = console.export_text()
    assert name in shown
    *table, last = shown.splitlines()
    assert max(len(line) for line in table) <= 80
    assert last == f"{name} may have changed: nothing of it has come since 2026-11-25T09:30:00.000Z."
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown


def test_standard_input_is_read_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["placements", "open", "-", "-", "--gateway", "http://127.0.0.1:9"]) == exits.BAD_INPUT
    assert "cli-one-input" in capsys.readouterr().err
