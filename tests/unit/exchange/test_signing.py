"""Who is asking, and who answers."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir_mh.errors import NotAuthenticated
from fhir_mh.exchange.signing import FROM, SIGNATURE, TIME, check_answer, check_request, sign_answer, sign_request

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SECRET = "a secret of this pair, quite long enough"
BODY = b'{"protocol":1}'


def code_of(refused: pytest.ExceptionInfo[NotAuthenticated]) -> str:
    return refused.value.issues[0].code


def request(**changes: str) -> dict[str, str]:
    return {**sign_request(SECRET, "ZCT1", "ZOA1", BODY, NOW), **changes}


def test_the_signature_is_the_one_the_protocol_writes_down() -> None:
    text = f"v1\nZCT1\nZOA1\n2026-11-24T09:30:00.000Z\n{hashlib.sha256(BODY).hexdigest()}"
    digest = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert request() == {FROM: "ZCT1", TIME: "2026-11-24T09:30:00.000Z", SIGNATURE: f"v1={digest}"}


def test_what_was_signed_passes() -> None:
    for late in (timedelta(0), timedelta(minutes=5), timedelta(minutes=-5)):
        check_request(SECRET, request(), "ZCT1", "ZOA1", BODY, NOW + late)


@pytest.mark.parametrize(
    "changes",
    [
        {FROM: "ZIU1"},
        {SIGNATURE: ""},
        {SIGNATURE: "v2=00"},
        {SIGNATURE: "v1=" + "0" * 64},
        {SIGNATURE: "v1=\u00e9"},
        {TIME: "2026-11-24T09:30:00.001Z"},
        {TIME: "yesterday"},
    ],
)
def test_a_changed_header_does_not_pass(changes: dict[str, str]) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        check_request(SECRET, request(**changes), "ZCT1", "ZOA1", BODY, NOW)
    assert code_of(refused) == "sync-unsigned"


@pytest.mark.parametrize(
    ("secret", "sender", "to", "body"),
    [
        ("another secret of another pair of gateways", "ZCT1", "ZOA1", BODY),
        (SECRET, "ZIU1", "ZOA1", BODY),
        (SECRET, "ZCT1", "ZIU1", BODY),
        (SECRET, "ZCT1", "ZOA1", BODY + b" "),
    ],
)
def test_it_holds_for_this_pair_this_way_round_and_this_body_only(
    secret: str, sender: str, to: str, body: bytes
) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        check_request(secret, request(), sender, to, body, NOW)
    assert code_of(refused) == "sync-unsigned"


@pytest.mark.parametrize("off", [timedelta(minutes=5, seconds=1), timedelta(minutes=-5, seconds=-1)])
def test_a_time_too_far_off_is_refused(off: timedelta) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        check_request(SECRET, request(), "ZCT1", "ZOA1", BODY, NOW + off)
    assert code_of(refused) == "sync-clock"


def test_a_signed_time_that_is_no_time_is_refused() -> None:
    for time in ("soon", "2026-11-24T09:30:00"):  # the second has no zone
        text = f"v1\nZCT1\nZOA1\n{time}\n{hashlib.sha256(BODY).hexdigest()}"
        signature = "v1=" + hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        with pytest.raises(NotAuthenticated) as refused:
            check_request(SECRET, {FROM: "ZCT1", TIME: time, SIGNATURE: signature}, "ZCT1", "ZOA1", BODY, NOW)
        assert code_of(refused) == "sync-clock"


def test_without_a_secret_a_request_only_says_who_asks() -> None:
    assert set(sign_request(None, "ZCT1", "ZOA1", BODY, NOW)) == {FROM, TIME}


ANSWER = b'{"receipts":[]}'


def answer() -> dict[str, str]:
    return sign_answer(SECRET, "ZOA1", "ZCT1", 200, ANSWER, NOW, request=request())


def check(headers: dict[str, str], status: int = 200, body: bytes = ANSWER, to: dict[str, str] | None = None) -> None:
    check_answer(SECRET, headers, "ZOA1", "ZCT1", status, body, NOW, request=to or request())


def test_an_answer_is_bound_to_its_request_its_status_and_its_body() -> None:
    check(answer())
    other = sign_request(SECRET, "ZCT1", "ZOA1", b"another request", NOW)
    changed: list[dict[str, Any]] = [
        {"headers": answer(), "to": other},
        {"headers": answer(), "status": 400},
        {"headers": answer(), "body": b'{"receipts":[1]}'},
        {"headers": {**answer(), FROM: "ZIU1"}},
        {"headers": {}},
    ]
    for attempt in changed:
        with pytest.raises(NotAuthenticated) as refused:
            check(**attempt)
        assert code_of(refused) == "sync-answer-unproven"


def test_a_request_played_back_is_no_answer() -> None:
    mirrored = sign_request(SECRET, "ZOA1", "ZCT1", ANSWER, NOW)
    with pytest.raises(NotAuthenticated):
        check(mirrored)


def test_an_old_answer_is_refused() -> None:
    with pytest.raises(NotAuthenticated) as refused:
        check_answer(SECRET, answer(), "ZOA1", "ZCT1", 200, ANSWER, NOW + timedelta(minutes=6), request=request())
    assert code_of(refused) == "sync-clock"
