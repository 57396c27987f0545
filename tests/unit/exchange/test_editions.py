"""Over the wire every snapshot has an edition; only what is read from a plain server has none until it is received."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.exchange.messages import Message, Unreadable, read_envelope, read_message

BODY: dict[str, Any] = {
    "id": "m",
    "verb": "snapshot",
    "person": {"nhs_number": "9990000018"},
    "custodian": "ZOA1",
    "bundle": {"resourceType": "Bundle", "type": "collection"},
}


def received(body: dict[str, Any]) -> Message | Unreadable:
    (message,) = read_envelope({"protocol": 1, "from": "ZOA1", "to": "ZCT1", "messages": [body]}).messages
    return message


def test_a_gateways_snapshot_without_an_edition_is_not_understood() -> None:
    message = received(BODY)
    assert isinstance(message, Unreadable)
    assert [(one.code, one.path) for one in message.issues] == [("sync-envelope", "$.messages[0].edition")]


@pytest.mark.parametrize("verb", ["notice", "marked"])
def test_other_messages_may_have_none(verb: str) -> None:
    assert isinstance(received({**BODY, "verb": verb}), Message)


def test_what_was_set_aside_without_one_can_be_read_again() -> None:
    assert read_message(BODY).edition is None
