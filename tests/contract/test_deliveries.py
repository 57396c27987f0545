"""`fhir-mh deliveries` against a gateway that runs: a process of its own, asked over loopback."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from fhir_mh.cli import delivery_tables, exits, main
from fhir_mh.cli.deliveries import find_gateway
from fhir_mh.fhir.urls import NHS_NUMBER
from fhir_mh.store import Outcome, Tx, open_store
from tests.contract.rest_caller import NUMBER, OTHER_NUMBER
from tests.contract.test_serve import Serving, serving
from tests.databases import empty_store

PARTNER, OTHER = "ZOA1", "ZOA2"
OPERATOR, CLERK = "the operator's token, long enough to be one", "the clerk's token, long enough to be one, too"
CONFIG = f"""
ods = "ZCT1"
port = {{port}}
[[partners]]
ods = "{PARTNER}"
name = "Out-of-area provider"
base_url = "http://127.0.0.1:9"
[[partners]]
ods = "{OTHER}"
name = "Another"
base_url = "http://127.0.0.1:9"
[[clients]]
token = "{CLERK}"
organisation = "ZCT1"
role = "care-team"
[[clients]]
token = "{OPERATOR}"
organisation = "ZCT1"
role = "operator"
"""


@dataclass
class Running:
    """A gateway with one halted lane, which holds a dead letter, and another in which something waits."""

    gateway: Serving
    folder: Path
    halted: str
    waiting: str

    def ask(self, *arguments: str) -> int:
        return main(["deliveries", *arguments, "--config", str(self.folder / "gateway.toml")])

    def token(self, text: str) -> Path:
        file = self.folder / "token"
        file.write_text(f"{text}\n")
        return file


def prepared(folder: Path) -> tuple[str, str]:
    """A store with what the gateway is to find; the persons of the halted and of the waiting lane."""

    def fill(tx: Tx) -> tuple[str, str]:
        persons = []
        for number, partner in ((NUMBER, PARTNER), (OTHER_NUMBER, OTHER)):
            persons.append(tx.add_person())
            tx.identify(persons[-1], NHS_NUMBER, number)
            tx.outbox.add(partner, persons[-1], "notice", edition=3, payload='{"notice":"sharing-ended"}')
        (lane, _) = tx.lanes.claim("before", timedelta(minutes=5), 10)
        refused = tx.outbox.pending(lane)[0].message
        tx.lanes.finish(lane, [Outcome(refused, "dead", "sync-refused")], halt="sync-refused")
        return persons[0], persons[1]

    with open_store(empty_store(folder / "store.sqlite3")) as store:
        return store.write_now(fill)


@contextmanager
def started() -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="fmh") as name, socket.socket() as held:
        folder = Path(name)
        held.bind(("127.0.0.1", 0))
        (folder / "gateway.toml").write_text(CONFIG.format(port=held.getsockname()[1]))
        halted, waiting = prepared(folder)
        held.close()
        with serving(folder, "--config", str(folder / "gateway.toml")) as gateway:
            yield Running(gateway, folder, halted, waiting)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """One that is only asked."""
    with started() as gateway:
        yield gateway


@pytest.fixture
def changing() -> Iterator[Running]:
    """One of the test's own, which it may change or stop."""
    with started() as gateway:
        yield gateway


def test_what_is_listed_is_what_waits_and_what_was_refused(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert running.ask("list") == exits.DONE
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[:4] for line in lines if line[0] == "lane"] == [
        ["lane", PARTNER, running.halted, "halted"],
        ["lane", OTHER, running.waiting, "open"],
    ]
    assert [line[1:7] for line in lines if line[0] == "dead"] == [
        ["1", PARTNER, running.halted, "notice", "3", "sync-refused"]
    ]
    assert running.ask("list", "--partner", OTHER) == exits.DONE
    told = capsys.readouterr().out
    assert PARTNER not in told
    (lane,) = [line for line in told.splitlines() if line.startswith("lane")]
    assert running.ask("show", lane.split("\t")[-1]) == exits.DONE
    assert capsys.readouterr().out.split("\t")[2:4] == [OTHER, running.waiting]


def test_as_json_it_is_what_the_gateway_says(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert running.ask("list", "--json", "--partner", PARTNER) == exits.DONE
    told = json.loads(capsys.readouterr().out)
    assert [lane["state"] for lane in told["lanes"]] == ["halted"]
    assert [letter["seq"] for letter in told["dead"]] == [1]


def test_a_refused_message_is_replayed_and_its_lane_resumed(
    changing: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert changing.ask("replay", "1", "--json") == exits.DONE
    replayed = json.loads(capsys.readouterr().out)
    assert (replayed["partner"], replayed["person"], replayed["lane"]) == (PARTNER, changing.halted, "halted")
    assert changing.ask("resume", PARTNER, "--person", changing.halted) == exits.DONE
    assert changing.halted in capsys.readouterr().out
    assert changing.ask("list", "--json", "--partner", PARTNER) == exits.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["dead"], [(lane["state"], lane["waiting"]) for lane in told["lanes"]]) == ([], [("open", 1)])
    assert changing.ask("resume", PARTNER) == exits.DONE
    assert PARTNER in capsys.readouterr().out
    assert changing.ask("list", "--all", "--json", "--partner", PARTNER) == exits.DONE


def test_everything_is_sent_again_to_a_partner(changing: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert changing.ask("send-again", PARTNER, "--json") == exits.DONE
    assert json.loads(capsys.readouterr().out) == {"partner": PARTNER, "people": 0, "notices": 0, "halted": 1}
    assert changing.ask("send-again", PARTNER) == exits.DONE
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_one_message_and_the_summary_are_shown(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert running.ask("show", "1") == exits.DONE
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split("\t")[:8] == ["delivery", "1", PARTNER, running.halted, "notice", "3", "dead", "sync-refused"]
    assert running.ask("summary") == exits.NOT_HELD, "something was refused for good"
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(line[1], line[2], line[4], line[5]) for line in lines] == [
        (PARTNER, "0", "1", "1"),
        (OTHER, "1", "0", "0"),
    ]


def test_while_an_alarm_stands_the_summary_ends_with_1(
    running: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running.ask("summary", "--json")
    answer = json.loads(capsys.readouterr().out)
    said = f"A message for {OTHER} has waited."
    found = {"code": "sync-backlog-old", "path": OTHER, "message": said, "fix": "See."}
    answer["alarms"] = [found]
    answer["partners"][1]["alarm"] = "2026-03-02T09:15:01.000Z"
    monkeypatch.setattr("fhir_mh.cli.deliveries.ask", lambda *_, **__: answer)
    assert running.ask("summary") == exits.NOT_HELD
    console = Console(width=80, force_terminal=True, no_color=True, record=True)
    delivery_tables.show("summary", answer, console)
    shown = console.export_text()
    assert f"A message for {OTHER} has waited." in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_until_all_that_a_partner_refused_is_sent_again_the_summary_names_it(
    changing: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert changing.ask("summary", "--json") == exits.NOT_HELD
    answer = json.loads(capsys.readouterr().out)
    assert [(one["code"], one["path"]) for one in answer["alarms"]] == [("sync-refused", PARTNER)]
    console = Console(width=120, force_terminal=True, no_color=True, record=True)
    delivery_tables.show("summary", answer, console)
    assert f"{PARTNER}: The partner refused this for good." in console.export_text()
    assert changing.ask("replay", "--partner", PARTNER) == exits.DONE
    capsys.readouterr()
    assert changing.ask("summary") == exits.DONE


def test_all_that_a_partner_refused_is_replayed(changing: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert changing.ask("replay", "--partner", PARTNER, "--code", "sync-unreadable") == exits.DONE
    assert capsys.readouterr().out.startswith("0 messages")
    assert changing.ask("replay", "--partner", PARTNER, "--code", "sync-refused") == exits.DONE
    assert capsys.readouterr().out.splitlines() == [
        f"1 message waits again for {PARTNER}.",
        "1 lane is halted: nothing leaves it until it is resumed.",
    ]


@pytest.mark.parametrize(
    "arguments", [[], ["1", "--partner", PARTNER], ["1", "--code", "sync-refused"], ["--code", "x"]]
)
def test_what_is_to_be_replayed_is_said_in_one_way(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deliveries", "replay", *arguments]) == exits.BAD_INPUT
    assert "--partner" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "place"),
    [
        (["show", "77"], "store-unknown-message", "seq"),
        (["replay", "--partner", "ZXX1"], "sync-unknown-partner", "partner"),
        (["replay", "77"], "store-unknown-message", "seq"),
        (["replay", "9223372036854775807"], "store-unknown-message", "seq"),
        (["resume", PARTNER, "--person", "nobody"], "sync-no-such-lane", "person"),
        (["resume", "ZXX1"], "sync-unknown-partner", "partner"),
        (["list", "--partner", "ZXX1"], "sync-unknown-partner", "partner"),
    ],
)
def test_what_is_not_there_is_said(
    running: Running, arguments: list[str], code: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert running.ask(*arguments) == exits.BAD_INPUT
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error {code} at {place}\n")
    assert "Fix: " in said.err


@pytest.mark.parametrize(("token", "code"), [(CLERK, "rest-operators-only"), ("nobody's", "rest-token")])
def test_only_operators_are_let_in(running: Running, token: str, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert running.ask("list", "--token-file", str(running.token(token))) == exits.BAD_INPUT
    said = capsys.readouterr()
    assert f"error {code}" in said.err
    assert token not in said.err + said.out


def test_one_elsewhere_is_named_by_its_address(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["deliveries", "list", "--gateway", running.gateway.address]
    assert main(asked) == exits.BAD_INPUT
    assert "error rest-token" in capsys.readouterr().err
    assert main([*asked, "--token-file", str(running.token(OPERATOR))]) == exits.DONE
    assert running.halted in capsys.readouterr().out


def test_no_nhs_number_is_shown_and_no_token_logged(changing: Running, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["list", "--all"], ["list", "--json"], ["summary"], ["show", "1"], ["replay", "1"], ["replay", NUMBER],
        ["replay", "--partner", PARTNER], ["resume", PARTNER],
    ):  # fmt: skip
        changing.ask(*arguments)
    said = capsys.readouterr()
    _, log = changing.gateway.stop()
    for text in (said.out, said.err, log):
        for hidden in (NUMBER, OTHER_NUMBER, OPERATOR):
            assert hidden not in text


def test_on_a_terminal_it_is_tables(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    running.ask("list", "--all", "--json")
    answer = json.loads(capsys.readouterr().out)
    console = Console(width=80, force_terminal=True, no_color=True, record=True)
    delivery_tables.show("list", answer, console)
    shown = console.export_text()
    assert running.halted in shown, "ids are whole, so that they can be copied"
    assert "fhir-mh deliveries replay" in shown
    (seq,) = [lane["seq"] for lane in answer["lanes"] if lane["seq"]]
    assert f"{seq}  {running.waiting}" in shown
    assert "fhir-mh deliveries show SEQ" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    console = Console(width=80, force_terminal=True, no_color=True, record=True)
    delivery_tables.show("list", {"lanes": [], "more": 0, "dead": [], "breakers": []}, console)
    assert len(console.export_text().splitlines()) == 1


def test_on_a_terminal_the_ids_of_persons_are_whole_whatever_stands_beside_them() -> None:
    person, why = "2f9d3c1e-6a57-4b0e-9a53-0c1de2f45a67", "sync-a-long-code-of-what-holds-it-up"
    lane = {"partner": PARTNER, "person": person, "state": "halted", "waiting": 100, "attempts": 1, "reason": why,
            "seq": 12345, "due": None, "error": None, "copies": [{"custodian": PARTNER}]}  # fmt: skip
    dead = {"seq": 1, "partner": PARTNER, "person": person, "kind": "snapshot", "edition": 3, "error": why}
    for width in (80, 60):
        console = Console(width=width, force_terminal=True, no_color=True, record=True)
        delivery_tables.show("list", {"lanes": [lane], "more": 0, "dead": [dead], "breakers": []}, console)
        assert console.export_text().count(person) == 2, width


def test_one_is_not_said_as_many() -> None:
    assert delivery_tables.counted(1, "person", "people") == "1 person"
    assert [delivery_tables.counted(number, "person", "people") for number in (0, 2)] == ["0 people", "2 people"]


# --- no gateway, or not the one that was meant


def test_where_nobody_answers_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: nobody else may take it meanwhile
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        assert main(["deliveries", "list", "--gateway", address]) == exits.NOT_HELD
    said = capsys.readouterr().err
    assert "error cli-no-gateway" in said
    assert address in said


class Stranger(BaseHTTPRequestHandler):
    """Something else that speaks HTTP."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>It works</html>")

    def log_message(self, *_: object) -> None: ...


def test_what_is_no_gateway_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        assert main(["deliveries", "list", "--gateway", f"http://127.0.0.1:{server.server_port}"]) == exits.NOT_HELD
        answering.join()
    assert "error cli-not-a-gateway" in capsys.readouterr().err


def test_of_two_clients_in_a_role_the_first_asks(tmp_path: Path) -> None:
    roles = ["operator", "merges", "operator", "merges"]
    clients = [
        f'[[clients]]\ntoken = "{role}-{number}-not-made-at-random-0000"\norganisation = "ZCT1"\nrole = "{role}"\n'
        for number, role in enumerate(roles)
    ]
    config = tmp_path / "gateway.toml"
    config.write_text('ods = "ZCT1"\n' + "".join(clients))
    for role, asked in (("operator", ("operator",)), ("merges", ("seals", "merges"))):
        token = find_gateway(config, None, None, asked).token
        assert token == f"{role}-{roles.index(role)}-not-made-at-random-0000"


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "place"),
    [
        (["--gateway", "gateway.example"], "", "config-invalid", "--gateway"),
        (["--gateway", "http://[::1"], "", "config-invalid", "--gateway"),
        (["--gateway", "https://gateway.example?token=1"], "", "config-invalid", "--gateway"),
        (["--gateway", "http://gateway.example"], "", "config-insecure-url", "--gateway"),
        (["--gateway", "http://127.0.0.1:9", "--token-file", "nowhere"], "", "config-secret-file", "--token-file"),
        ([], "port = 0", "config-invalid", "port"),
        (
            [],
            f'[[clients]]\ntoken = "{CLERK}"\norganisation = "ZCT1"\nrole = "care-team"',
            "cli-no-operator",
            "clients",
        ),
        ([], "prot = 1", "config-unknown-key", "prot"),
    ],
)
def test_what_was_told_wrongly_is_said_before_anything_is_asked(
    arguments: list[str], settings: str, code: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(settings)
    assert main(["deliveries", "list", *arguments, "--config", str(config)]) == exits.BAD_INPUT
    said = capsys.readouterr().err
    assert f"error {code} at {place}\n" in said
    assert said.startswith("error" if place.startswith("--") else f"{config}: error")
