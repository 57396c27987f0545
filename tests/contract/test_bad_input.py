"""Bad input, over HTTP and on the command line: a stable code, the exact place, a way to mend it, and nothing stored.

The last test sends all of it to a gateway in a process of its own and searches everything that process then says and
keeps: answers, headers, addresses, log, and the bytes of its database.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_mh.cli import exits, main
from fhir_mh.consent import AccessContext
from fhir_mh.fhir.json import load_object, loads
from tests.contract.bad_inputs import BAD, CSV, MARKER, NUMBER, Bad
from tests.contract.rest_caller import FHIR, Caller, Json, plan, refused
from tests.contract.test_serve import serving

KINDS = ("Patient", "CarePlan", "Goal", "Organization", "Consent")


def request_of(bad: Bad) -> tuple[str, str]:
    """Where it is sent, and as which media type."""
    if bad.format == "fhir":
        return "/fhir", FHIR
    kind = "text/csv" if bad.format == CSV else "application/json"
    return "/records" + ("" if bad.format == "record" else f"?format={bad.format}"), kind


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_over_http_it_is_refused_with_its_place_and_nothing_is_stored(caller: Caller, bad: Bad) -> None:
    url, media = request_of(bad)
    answer = caller("POST", url, bad.text, content_type=media)
    found = refused(answer, 400 if bad.code.startswith("json-") else 422, bad.code, bad.place or None)
    assert found["diagnostics"]
    assert all(caller("GET", f"/fhir/{kind}").json()["total"] == 0 for kind in KINDS)
    assert caller("POST", "/records/find", {"nhs_number": NUMBER}).status_code == 404


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_on_the_command_line_it_is_refused_with_its_place_and_nothing_is_written(
    bad: Bad, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "sent"
    file.write_bytes(bad.text)
    asked = ["map", "--from", bad.format, "--to", "fhir", str(file), "--report", str(tmp_path / "report.json")]
    assert main(asked) == exits.BAD_INPUT
    said = capsysbinary.readouterr()
    text = said.err.decode()
    assert said.out == b""
    place = re.escape(f" at {bad.place}" if bad.place else "")
    assert re.search(rf"^{re.escape(str(file))}\S*: (error|fatal) {bad.code}{place}$", text, re.MULTILINE), text
    assert "    Fix: " in text
    assert not (tmp_path / "report.json").exists()
    assert MARKER not in text
    assert NUMBER not in text


def test_two_people_in_one_bundle_are_refused_by_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = [{"resource": {"resourceType": "Patient", "id": name}} for name in ("one", "two")]
    file = tmp_path / "two.json"
    file.write_text(str({"resourceType": "Bundle", "type": "collection", "entry": people}).replace("'", '"'))
    assert main(["map", "--from", "fhir", "--to", "record", str(file)]) == exits.BAD_INPUT
    said = capsys.readouterr().err
    assert "error map-two-people at Bundle.entry[1].resource" in said
    assert "Patient/one" in said
    assert "Patient/two" in said


def test_a_format_that_there_is_not_names_one_that_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x"
    file.write_text("{}")
    assert main(["map", "--from", "comunity-trust", "--to", "fhir", str(file)]) == exits.BAD_INPUT
    said = capsys.readouterr().err
    assert "error map-no-format at comunity-trust" in said
    assert "community-trust" in said


@pytest.mark.parametrize("url", ["/fhir/Patient/{id}", "/records/{record}"])
def test_a_stale_version_changes_nothing(caller: Caller, url: str) -> None:
    patient = caller.patient()
    record = caller("POST", "/records/find", {"nhs_number": NUMBER}).json()["id"]
    url = url.replace("{id}", patient).replace("{record}", record)
    body: Any = {"resourceType": "Patient", "id": patient, "gender": "other"} if "fhir" in url else {"goals": []}
    before = caller("GET", url).text
    refused(caller("PUT", url, body, if_match='W/"7"'), 412, "store-version-conflict")
    assert caller("GET", url).text == before


def test_what_is_about_one_person_is_not_moved_to_another(caller: Caller) -> None:
    first, second = caller.patient(), caller.patient(number=None)
    made = caller("POST", "/fhir/CarePlan", plan(first)).json()
    moved = {**made, "subject": {"reference": f"Patient/{second}"}}
    refused(caller("PUT", f"/fhir/CarePlan/{made['id']}", moved), 409, "rest-other-person", "CarePlan.subject")
    assert caller("GET", f"/fhir/CarePlan/{made['id']}").json()["subject"] == made["subject"]


def marked(text: str) -> bool:
    return MARKER.lower() in text.lower() or NUMBER in re.sub(r"[ -]|%20", "", text)


def test_nothing_of_a_person_leaves_a_gateway_that_was_sent_all_of_it() -> None:
    with tempfile.TemporaryDirectory(prefix="fmh") as name, serving(Path(name), "--port", "0") as gateway:
        for bad in BAD:
            url, media = request_of(bad)
            for sent in (url, f"/{MARKER}/{NUMBER}{url}", "/fhir/Patient", f"/records/{NUMBER}", "/sync/v1/messages"):
                for method in ("POST", "PUT"):
                    answer = httpx.request(
                        method, gateway.address + sent, content=bad.text, headers={"content-type": media}, timeout=60
                    )
                    assert 400 <= answer.status_code < 500, (bad.name, method, answer.text)
                    assert not marked(answer.text), (bad.name, sent, answer.text)
                    assert not any(marked(value) for value in answer.headers.values())
        code, log = gateway.stop()
        kept = b"".join(file.read_bytes() for file in Path(name).iterdir())
    assert code == 0
    assert log.count("\n") > len(BAD)
    assert not marked(log)
    assert "Traceback" not in log
    assert MARKER.encode() not in kept
    assert NUMBER.encode() not in kept


NUL = "json-null-character"
LOCAL = {"system": "urn:example:ward", "value": "A\x001"}


def test_the_character_nul_is_refused_at_its_place_on_either_database(caller_on_each: Caller) -> None:
    call = caller_on_each
    body = {"person": {"identifiers": [LOCAL]}}
    refused(call("POST", "/records", body), 400, NUL, "person.identifiers[0].value")
    refused(call("GET", "/fhir/Patient?identifier=urn:example:ward|A%001"), 400, NUL, "$")
    refused(call("GET", "/records/A%001"), 400, NUL, "$")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"person": {"identifiers": [LOCAL]}}, "person.identifiers[0].value"),
        ({"person": {"nhs_number": f"{NUMBER}\x00"}}, "person.nhs_number"),
        ({"bundle": {"resourceType": "Bundle", "type": "collection", "a\x00": 1}}, "bundle"),
        ({"sections": ["a", "\x00"]}, "sections[1]"),
    ],
)
def test_a_message_with_the_character_nul_is_set_aside_on_either_database(
    caller_on_each: Caller, change: Json, path: str
) -> None:
    call = caller_on_each
    bundle = {"resourceType": "Bundle", "type": "collection"}
    message = {"id": "odd", "verb": "snapshot", "person": {"nhs_number": NUMBER}, "custodian": "ZOA1", "edition": 1}
    odd = {**message, "bundle": bundle, "sections": [], **change}
    body = {"protocol": 1, "from": "ZOA1", "to": "ZCT1", "messages": [odd]}
    (receipt,) = call("POST", "/sync/v1/messages", body, x_fhir_mh_from="ZOA1").json()["receipts"]
    found = [(one["code"], one["path"]) for one in receipt["issues"]]
    assert (receipt["status"], found) == ("quarantined", [(NUL, f"$.messages[0].{path}")])
    (held,) = call.gateway.store.read_now(lambda tx: tx.quarantine.find())
    assert load_object(held.text) == odd
    again = asyncio.run(call.gateway.quarantine.replay(AccessContext("ZCT1", "operator"), held.id))
    found = [(one["code"], one["path"]) for one in loads(again.held.issues)]
    assert (again.receipt, again.held.state, found) == (None, "held", [(NUL, f"$.{path}")])
