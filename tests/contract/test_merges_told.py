"""A merge over REST and `fhir-mh merges`, with a partner's gateway beside it that is told: two servers on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from fhir_mh.cli import exits, main, merges
from tests.contract.loopback import gateway_of

ONE, OTHER = "9990000018", "9990000026"
SECRET = "the secret of this pair, for tests only"
NURSE, FIRST, SECOND = (f"{name}-{'x' * 40}" for name in ("nurse", "one", "two"))
CLIENTS = [
    {"token": NURSE, "organisation": "ZCT1", "role": "clinician"},
    {"token": FIRST, "organisation": "ZCT1", "role": "merges", "name": "records-lead"},
    {"token": SECOND, "organisation": "ZCT1", "role": "merges", "name": "guardian"},
]
CANARY = "zebra allotment"


def partner(ods: str, url: str) -> list[dict[str, Any]]:
    return [{"ods": ods, "name": ods, "base_url": url, "secret": SECRET}]


def record(number: str, word: str) -> dict[str, Any]:
    return {
        "person": {"nhs_number": number},
        "organisations": [{"id": "home", "ods": "ZCT1", "name": "Home"}, {"id": "ward", "ods": "ZOA1", "name": "Ward"}],
        "care_plans": [{"id": "care", "title": word, "status": "active"}],
        "placements": [{"id": "p", "requested_by": {"id": "home"}, "provider": {"id": "ward"}, "level": "2"}],
    }


def until(what: str, holds: Callable[[], Any]) -> Any:
    for _ in range(600):
        found = holds()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"it never came to be: {what}")


def test_the_partner_is_told_and_merges_nothing_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (
        gateway_of("ZOA1", partners=partner("ZCT1", "http://127.0.0.1:9")) as ward,
        gateway_of("ZCT1", partners=partner("ZOA1", ward), clients=CLIENTS) as home,
    ):
        told(home, ward, tmp_path, capsys)


def told(home: str, ward: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nurse = httpx.Client(base_url=home, headers={"authorization": f"Bearer {NURSE}"}, trust_env=False)
    at_ward = httpx.Client(base_url=ward, trust_env=False)
    kept = nurse.post("/records", json=record(ONE, "Care plan")).json()["id"]
    other = nurse.post("/records", json=record(OTHER, CANARY)).json()["id"]

    def held(number: str) -> dict[str, Any] | None:
        answer = at_ward.post("/records/find", json={"nhs_number": number})
        found: dict[str, Any] | None = answer.json() if answer.is_success else None
        return found

    def tasks(number: str, word: str) -> list[str]:
        shown = ((held(number) or {}).get("record") or {}).get("tasks", [])
        return [task["description"] for task in shown if task["kind"] == "identity" and word in task["description"]]

    until("both are at the ward", lambda: held(ONE) and held(OTHER))
    tokens = [folder / name for name in ("first", "second")]
    for file, token in zip(tokens, (FIRST, SECOND), strict=True):
        file.write_text(token)
        file.chmod(0o600)
    why = folder / "why.txt"
    why.write_text("Registered twice.")

    def ask(token: int, *arguments: str) -> Any:
        capsys.readouterr()
        where = ["--gateway", home, "--token-file", str(tokens[token])]
        assert main(["merges", *arguments, *where]) == exits.DONE
        return capsys.readouterr().out

    assert CANARY not in ask(0, "preview", kept, other)
    name = json.loads(ask(0, "ask", kept, other, "--reason-file", str(why)))["id"]
    assert json.loads(ask(1, "approve", name, "--reason-file", str(why)))["state"] == "made"
    assert ask(0, "list").split("\t")[:4] == [name, kept, other, "made"]
    until("the ward has a Task of each", lambda: tasks(ONE, "as one") and tasks(OTHER, "as one"))
    for number, word in ((ONE, "Care plan"), (OTHER, CANARY)):
        found = held(number)
        assert found is not None
        assert ([plan["title"] for plan in found["record"]["care_plans"]], found["merged"]) == ([word], [])
    goals = [{"id": "theirs", "description": "of the other"}]
    assert nurse.post("/records", json={"person": {"nhs_number": ONE}, "goals": goals}).is_success
    until("the ward holds the goal", lambda: "goals" in (held(ONE) or {})["record"])
    answers = folder / "answers.json"
    written = json.loads(ask(0, "show", name))["written_since"]
    whose = {"goals": "other", "tasks": "stays"}  # they are placed twice at the ward, and people are asked about it
    said = [{"list": one["list"], "id": one["id"], "whose": whose[one["list"]]} for one in written]
    answers.write_text(json.dumps({"reason": "They are twins.", "answers": said}))
    assert json.loads(ask(0, "undo", name, str(answers)))["moved"] == 1
    until("it is the other's at the ward", lambda: "goals" in (held(OTHER) or {})["record"])
    until("the ward is told", lambda: tasks(ONE, "undone") and tasks(OTHER, "undone"))
    assert "goals" not in (held(ONE) or {})["record"]
    nurse.close()
    at_ward.close()


def test_that_there_is_no_merge_is_said_on_a_terminal() -> None:
    console = Console(width=80, force_terminal=True, no_color=True, record=True)
    merges.show_list({"merges": []}, console)
    assert len(console.export_text().splitlines()) == 1
