"""What the entries of a transaction or batch ask for: the resource of their address, and in a transaction once."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import Validator

Json = dict[str, Any]
PATIENT: Json = {"resourceType": "Patient", "gender": "female"}
ONE: Json = {**PATIENT, "id": "one"}
URL = "Bundle.entry[0].request.url"


def entry(method: str, url: str, resource: Json | None = None) -> Json:
    return ({} if resource is None else {"resource": resource}) | {"request": {"method": method, "url": url}}


def judged(validator: Validator, kind: str, *entries: Json) -> list[tuple[str, str]]:
    report = validator.validate({"resourceType": "Bundle", "type": kind, "entry": list(entries)})
    return [(one.code, one.path) for one in report.issues if one.is_error]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
@pytest.mark.parametrize(
    ("asked", "place"),
    [
        (entry("PUT", "Patient/one", PATIENT), "Bundle.entry[0].resource"),
        (entry("PUT", "Patient/two", ONE), "Bundle.entry[0].resource"),
        (entry("PUT", "Patient/one"), "Bundle.entry[0]"),
        (entry("PUT", "Patient?identifier=x"), "Bundle.entry[0]"),
        (entry("POST", "Patient"), "Bundle.entry[0]"),
        (entry("POST", "Observation", PATIENT), URL),
        (entry("PUT", "Observation/one", ONE), URL),
        (entry("PUT", "Observation?identifier=x", ONE), URL),
    ],
)
def test_what_no_server_could_do_is_an_error(validator: Validator, kind: str, asked: Json, place: str) -> None:
    assert judged(validator, kind, asked) == [("validate-bundle-request", place)]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
@pytest.mark.parametrize(
    "asked",
    [
        entry("POST", "Patient", PATIENT),
        entry("POST", "Patient", ONE),
        entry("PUT", "Patient/one", ONE),
        entry("PUT", "Patient?identifier=x", PATIENT),
        entry("PUT", "Patient?identifier=x", ONE),
        entry("DELETE", "Patient/one"),
        entry("GET", "Patient?name=x"),
        entry("POST", "Patient/$match", {"resourceType": "Parameters"}),
        entry("POST", "Patient/_search"),
        entry("POST", "$process"),
    ],
)
def test_what_a_server_may_do_stands(validator: Validator, kind: str, asked: Json) -> None:
    assert judged(validator, kind, asked) == []


@pytest.mark.parametrize(
    "again", [entry("PUT", "Patient/one", ONE), entry("DELETE", "Patient/one"), entry("PUT", "/Patient/one", ONE)]
)
def test_a_transaction_changes_a_resource_once_a_batch_as_it_likes(validator: Validator, again: Json) -> None:
    first = entry("PUT", "Patient/one", ONE)
    assert judged(validator, "transaction", first, again) == [
        ("validate-bundle-identity", "Bundle.entry[1].request.url")
    ]
    assert judged(validator, "batch", first, again) == []


def test_what_a_transaction_reads_or_creates_it_may_change_too(validator: Validator) -> None:
    first = entry("PUT", "Patient/one", ONE)
    others = entry("GET", "Patient/one"), entry("POST", "Patient", ONE), entry("DELETE", "Patient/two")
    assert judged(validator, "transaction", first, *others) == []


def test_a_history_tells_what_was_done_and_may_tell_it_twice(validator: Validator) -> None:
    done = entry("PUT", "Patient/one", ONE) | {"response": {"status": "200"}}
    assert judged(validator, "history", done, done) == []
