"""`fhir-mh partners check`: each fault of a connection is told at its step, with real servers at the other end."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from fhir_mh import shipped
from fhir_mh.cli import exits, main
from fhir_mh.clock import Clock, ManualClock, SystemClock
from fhir_mh.exchange import checking, proving, reaching, transport
from fhir_mh.exchange.checking import STEPS, made_up
from fhir_mh.exchange.messages import Message
from fhir_mh.exchange.proving import Checked
from fhir_mh.exchange.signing import sign_answer
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.gateway.checking import check
from fhir_mh.partner import Partner
from fhir_mh.profiles.concerns import read_concern, task_of
from tests.contract.loopback import CERTIFICATES, gateway_of, web_server
from tests.validators import shared_validator

SECRET, NEWER = "a secret of this pair, quite long enough", "the next secret of this pair, long enough too"
PAGE_STEPS = [name for name in STEPS if name != "certificate"]


def us(secret: str | None = SECRET, ods: str = "ZCT1", **more: Any) -> list[dict[str, Any]]:
    """We, as the partner's settings name us."""
    named = {"secret": secret} if secret else {}
    return [{"ods": ods, "name": "Community trust", "base_url": "http://127.0.0.1:9", **named, **more}]


def them(url: str, secret: str | None = SECRET, ods: str = "ZOA1", **more: Any) -> Partner:
    named = {"secret": secret} if secret else {}
    connection = {"base_url": url, **named, **more}
    return Partner.model_validate({"ods": ods, "name": "Out-of-area provider", "connections": [connection]})


def checked(partner: Partner, clock: Clock | None = None) -> Checked:
    return asyncio.run(check(partner, "ZCT1", clock or SystemClock()))


def results(found: Checked) -> dict[str, str]:
    """Of each step what came of it: ok, not-checked, or the code of what was found."""
    ((_, steps),) = found.connections
    return {step.name: step.found.code if step.found else step.result for step in steps}


def wrong(found: Checked) -> list[tuple[str, str]]:
    """The steps that are wrong, and the code of each; all that come after are not checked."""
    ((_, steps),) = found.connections
    named = [(step.name, step.found.code) for step in steps if step.result == "wrong" and step.found]
    assert found.holds is (not named)
    if named:
        after = [step.result for step in steps if STEPS.index(step.name) > STEPS.index(named[0][0])]
        assert set(after) <= {"not-checked"}
        assert named[0][1] and steps[0].name == "name"
    return named


@pytest.mark.parametrize("secret", [SECRET, None])
def test_where_all_is_well_every_step_says_so(secret: str | None) -> None:
    with gateway_of("ZOA1", partners=us(secret)) as url:
        found = checked(them(url, secret))
    assert results(found) == dict.fromkeys(PAGE_STEPS, "ok")
    assert found.holds


def test_the_check_leaves_nothing_behind() -> None:
    with gateway_of("ZOA1", partners=us()) as url:
        assert checked(them(url)).holds
        assert "entry" not in httpx.get(f"{url}/fhir/Patient").json()
        assert httpx.get(f"{url}/deliveries?all=true").json()["lanes"] == []


def test_the_made_up_person_is_one_whom_every_gateway_would_take() -> None:
    for entry in made_up("ZCT1").content["bundle"]["entry"]:
        assert entry["resource"]["id"]
        assert [one.code for one in shared_validator().validate(entry["resource"]).issues if one.is_error] == []


def judged(monkeypatch: pytest.MonkeyPatch, *resources: Any) -> str:
    """What a real gateway says of a snapshot with these resources."""
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    message = Message("check", "snapshot", "9990000018", "ZCT1", 1, {"bundle": bundle})
    monkeypatch.setattr(checking, "made_up", lambda own: message)
    with gateway_of("ZOA1", partners=us()) as url:
        ((_, steps),) = checked(them(url)).connections
    (step,) = [step for step in steps if step.name == "dry-run"]
    return step.said


def test_what_the_partner_would_set_aside_is_told_by_its_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    said = judged(monkeypatch, {"resourceType": "Patient", "id": "a", "gender": "x"}, {"resourceType": "Patient"})
    assert "store-id-missing" in said
    assert "validate-" in said


def test_a_concern_is_refused_by_whoever_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    concern = read_concern(loads((shipped.path("examples") / "concerns/safety-concern.json").read_bytes()))
    assert "concern-not-a-record" in judged(monkeypatch, task_of(concern))


def test_another_secret_is_told() -> None:
    with gateway_of("ZOA1", partners=us(NEWER)) as url:
        assert wrong(checked(them(url))) == [("secret", "partner-secret")]


@pytest.mark.parametrize("there", [us(ods="ZXX1"), us(secret=None)])
def test_that_we_are_not_known_there_is_told(there: list[dict[str, Any]]) -> None:
    with gateway_of("ZOA1", partners=there) as url:
        found = checked(them(url))
    assert [step for step, _ in wrong(found)] == (["secret"])


def test_not_being_known_is_told_apart_from_a_wrong_secret() -> None:
    with gateway_of("ZOA1", partners=us(ods="ZXX1")) as url:
        assert wrong(checked(them(url))) == [("secret", "partner-not-known-there")]


@pytest.mark.parametrize("secret", [SECRET, None])
def test_the_gateway_of_another_organisation_is_told(secret: str | None) -> None:
    with gateway_of("ZOA2", partners=us(secret)) as url:
        assert wrong(checked(them(url, secret))) == [("gateway", "partner-other-organisation")]


def test_a_closed_port_is_told() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        found = checked(them(f"http://127.0.0.1:{held.getsockname()[1]}"))
    assert wrong(found) == [("reached", "partner-unreachable")]


def test_a_name_that_nobody_has_is_told() -> None:
    assert wrong(checked(them("https://gateway.invalid"))) == [("name", "partner-unresolved")]


def test_a_web_server_that_is_no_gateway_is_told() -> None:
    with web_server() as url:
        assert wrong(checked(them(url))) == [("gateway", "partner-not-a-gateway")]


def test_an_address_below_the_gateway_is_told() -> None:
    with gateway_of("ZOA1", partners=us()) as url:
        assert wrong(checked(them(f"{url}/sync"))) == [("gateway", "partner-not-a-gateway")]


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(minutes=-10)])
def test_a_clock_off_by_ten_minutes_is_told(ahead: timedelta) -> None:
    with gateway_of("ZOA1", partners=us(), ahead=ahead) as url:
        found = checked(them(url))
    assert wrong(found) == [("clock", "partner-clock")]
    ((_, steps),) = found.connections
    (clock,) = [step for step in steps if step.name == "clock"]
    assert clock.said.startswith(("The two clocks are 10 min", "The two clocks are 9 min 59 s"))


def test_a_clock_off_by_two_minutes_is_warned_of() -> None:
    with gateway_of("ZOA1", partners=us(), ahead=timedelta(minutes=2)) as url:
        found = checked(them(url))
    assert results(found) == {**dict.fromkeys(PAGE_STEPS, "ok"), "clock": "partner-clock"}
    assert found.holds


def test_while_a_secret_is_changed_the_side_that_is_behind_is_told() -> None:
    until = datetime(2126, 1, 1, tzinfo=UTC)
    with gateway_of("ZOA1", partners=us()) as url:
        found = checked(them(url, NEWER, previous_secret=SECRET, previous_until=until))
    assert results(found)["secret"] == "partner-older-secret"
    assert found.holds
    with gateway_of("ZOA1", partners=us(NEWER, previous_secret=SECRET, previous_until=until)) as url:
        assert results(checked(them(url)))["secret"] == "ok"
    with gateway_of(
        "ZOA1", partners=us(NEWER, previous_secret=SECRET, previous_until=datetime(2020, 1, 1, tzinfo=UTC))
    ) as url:
        assert wrong(checked(them(url))) == [("secret", "partner-secret")]


def test_a_connection_that_is_off_is_not_looked_at() -> None:
    found = checked(them("http://127.0.0.1:9", on=False))
    assert results(found) == {**dict.fromkeys(PAGE_STEPS, "not-checked"), "name": "partner-off"}
    assert found.holds


# --- certificates


@pytest.mark.parametrize(
    ("certificate", "trusted", "problem"),
    [("good.pem", False, "signed by itself"), ("ended.pem", True, "expired")],
)
def test_a_certificate_that_proves_nothing_is_told(
    certificate: str, trusted: bool, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / certificate))
    with web_server(certificate) as url:
        found = checked(them(url))
    assert wrong(found) == [("certificate", "partner-certificate")]
    ((_, steps),) = found.connections
    assert problem in next(step.said for step in steps if step.name == "certificate")


def test_a_certificate_for_another_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "good.pem"))
    with web_server("good.pem") as url:
        assert wrong(checked(them(url.replace("127.0.0.1", "127.0.0.2")))) in (
            [("certificate", "partner-certificate")],
            [("reached", "partner-unreachable")],  # where loopback is one address only
        )
        assert results(checked(them(url)))["certificate"] == "ok"


def test_where_no_tls_is_spoken_it_is_told() -> None:
    with web_server() as url:
        assert wrong(checked(them(url.replace("http:", "https:")))) == [("certificate", "partner-certificate")]


def test_a_certificate_that_ends_soon_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "good.pem"))
    with web_server("good.pem") as url:
        ends = ManualClock(_end_of("good.pem") - timedelta(days=9, minutes=1))
        found = checked(them(url), ends)
    ((_, steps),) = found.connections
    (step,) = [step for step in steps if step.name == "certificate"]
    assert step.found is not None
    assert (step.result, step.found.code) == ("warning", "partner-certificate-ends")
    assert " 9 days" in step.said


def _end_of(name: str) -> datetime:
    import ssl

    decoded: dict[str, Any] = ssl._ssl._test_decode_cert(str(CERTIFICATES / name))  # type: ignore[attr-defined]
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(decoded["notAfter"]), UTC)


# --- gateways of other releases, and odd ones


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, content: Any, status: int = 200) -> Iterator[str]:
    """A gateway that signs this for an answer, behind a port that is open."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = dumps(content)
        clock = SystemClock()
        headers = sign_answer(SECRET, "ZOA1", "ZCT1", status, body, clock.now(), request=request.headers)
        return httpx.Response(status, headers=headers, content=body)

    router = respx.MockRouter(assert_all_called=False)
    router.post(path__regex=".*").mock(side_effect=answer)
    monkeypatch.setattr(reaching, "AiohttpTransport", lambda **_: httpx.MockTransport(router.async_handler))
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def of(check: Any) -> dict[str, Any]:
    return {"receipts": [], "check": check}


UNDERSTOOD: dict[str, Any] = {"protocols": [1], "formats": ["fhir"], "messages": [{"id": "check", "issues": []}]}


@pytest.mark.parametrize(
    ("content", "status", "step", "code"),
    [
        ({"receipts": []}, 200, "dry-run", "partner-cannot-be-asked"),  # an earlier release
        (of({**UNDERSTOOD, "messages": []}), 200, "dry-run", "partner-cannot-be-asked"),
        (of({**UNDERSTOOD, "messages": ["x"]}), 200, "dry-run", "partner-cannot-be-asked"),
        (of(UNDERSTOOD), 200, "dry-run", "ok"),
        (of({**UNDERSTOOD, "protocols": [2]}), 200, "protocol", "partner-protocol"),
        (of({**UNDERSTOOD, "protocols": 1}), 200, "protocol", "partner-protocol"),
        ({}, 200, "protocol", "partner-protocol"),
        ([], 200, "protocol", "partner-protocol"),
        ({"issues": [{"code": "sync-envelope"}]}, 400, "protocol", "partner-protocol"),
        ({"issues": [{"code": "sync-failed"}]}, 503, "gateway", "partner-not-a-gateway"),
        (of({**UNDERSTOOD, "formats": ["pigeon"]}), 200, "formats", "partner-format"),
        (
            of({**UNDERSTOOD, "messages": [{"issues": [{"code": "validate-binding", "message": "Zoe"}]}]}),
            200, "dry-run", "partner-dry-run",
        ),
    ],
)  # fmt: skip
def test_gateways_of_other_releases(
    content: Any, status: int, step: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(monkeypatch, content, status) as url:
        found = checked(them(url))
    assert results(found)[step] == code
    assert "Zoe" not in json.dumps(found.as_json())


def test_an_answer_that_is_not_proven_is_told() -> None:
    answer = transport.Answer(200, httpx.Headers({"X-FHIR-MH-From": "ZOA1"}), b'{"receipts": []}', {}, SECRET)
    look = checking.GatewayLook(
        them("http://127.0.0.1:9"), them("http://127.0.0.1:9").connections[0], "ZOA1", "ZCT1", SystemClock()
    )
    with pytest.raises(proving.Stop):
        look._judge(answer, None)
    assert [(step.name, step.found.code) for step in look.steps if step.found] == [("secret", "sync-answer-unproven")]


# --- the command


def written(folder: Path, url: str, secret: str = SECRET) -> str:
    file = folder / "gateway.toml"
    file.write_text(
        f'ods = "ZCT1"\n[[partners]]\nods = "ZOA1"\nname = "Away"\nbase_url = "{url}"\nsecret = "{secret}"\n'
        '[[partners]]\nods = "ZOA2"\nname = "Another"\n'
        '[[partners.connections]]\nbase_url = "http://127.0.0.1:9"\non = false\n'
    )
    return str(file)


def test_offline_the_settings_alone_are_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with gateway_of("ZOA1", partners=us()) as url:
        config = written(tmp_path, url)
        assert main(["partners", "check", "--offline", "--config", config]) == exits.DONE
        lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
        assert [line[2:4] for line in lines if line[0] == "ZOA1"] == [[step, "ok"] for step in PAGE_STEPS]
        assert main(["partners", "check", "ZOA1", "--offline", "--config", config, "--format", "json"]) == exits.DONE
        told = loads(capsys.readouterr().out.encode())
        assert [(one["ods"], one["ok"]) for one in told["partners"]] == [("ZOA1", True)]
        assert main(["partners", "check", "ZXX9", "--offline", "--config", config]) == exits.BAD_INPUT
        assert "sync-unknown-partner" in capsys.readouterr().err


def test_offline_settings_without_partners_say_where_others_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('ods = "ZCT1"\n')
    for form, out in (("text", ""), ("json", '{"partners":[]}\n')):
        assert main(["partners", "check", "--offline", "--config", str(config), "--format", form]) == exits.DONE
        told = capsys.readouterr()
        assert told.out == out
        assert told.err.startswith("No partner stands in these settings")
        assert "without --offline" in told.err


def test_what_is_wrong_is_told_with_its_fix_and_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with gateway_of("ZOA1", partners=us(NEWER)) as url:
        assert main(["partners", "check", "--offline", "--config", written(tmp_path, url)]) == exits.NOT_HELD
    said = capsys.readouterr()
    (line,) = [line.split("\t") for line in said.out.splitlines() if "\twrong\t" in line]
    assert line[2:5] == ["secret", "wrong", "partner-secret"]
    assert line[-1]
    assert SECRET not in said.out + said.err


def test_through_the_gateway_that_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with gateway_of("ZOA1", partners=us()) as away:
        there = [{"ods": "ZOA1", "name": "Away", "base_url": away, "secret": SECRET}]
        with gateway_of("ZCT1", partners=there) as url:
            assert main(["partners", "check", "--gateway", url]) == exits.DONE
            assert "\tdry-run\tok\t" in capsys.readouterr().out
            assert main(["partners", "check", "ZXX9", "--gateway", url]) == exits.BAD_INPUT
