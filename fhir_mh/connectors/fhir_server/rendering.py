"""A resource as a server is sent it: with references by the server's own names, and with a mark to find it by."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from fhir_mh.connectors.fhir_server.naming import Body, Key, references_in
from fhir_mh.exchange.messages import Message
from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhir.urls import ITEM_ID, NHS_NUMBER

_LOCAL = re.compile(r"([A-Z][A-Za-z]{2,63})/([A-Za-z0-9\-.]{1,64})")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMESPACE = uuid.UUID("e4f6d0b2-31c7-5a54-8d0f-90c1a7b5e6d3")


def mark_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """The search parameter and value by which a resource that was sent is found: its item identifier, else a tag.

    An item's id that is no UUID is counted by each record for itself: in another person's it is something else.
    """
    for one in objects_in(body.get("identifier")):
        value = one.get("value") if one.get("system") == ITEM_ID else None
        if isinstance(value, str) and (value == body["id"] or _UUID.fullmatch(value)):
            return "identifier", f"{ITEM_ID}|{value}"
    return "_tag", f"{ITEM_ID}|{body['id']}"


def called(message: Message) -> str:
    """By which identifier (system|value) a person is looked for: the NHS number, else the first that is known."""
    if message.nhs_number is not None:
        return f"{NHS_NUMBER}|{message.nhs_number}"
    return "|".join(message.identifiers[0])


def bears(body: Mapping[str, Any], parameter: str, value: str) -> bool:
    """Whether a resource has the identifier or the tag that was searched for."""
    if parameter == "identifier":
        held = [(one.get("system"), one.get("value")) for one in objects_in(body.get("identifier"))]
    else:
        meta = body.get("meta")
        held = [
            (one.get("system"), one.get("code"))
            for one in objects_in(meta.get("tag") if isinstance(meta, dict) else ())
        ]
    system, _, code = value.partition("|")
    return (system, code) in held


def tagged(body: Mapping[str, Any]) -> list[str]:
    """The ids here that a resource bears as tags of ours."""
    meta = body.get("meta")
    tags = objects_in(meta.get("tag")) if isinstance(meta, dict) else []
    return [code for one in tags if one.get("system") == ITEM_ID and isinstance(code := one.get("code"), str)]


def placeholder(key: Key, message: str) -> str:
    """The urn:uuid of a resource that is made by the transaction of this message."""
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, '/'.join([message, *key]))}"


def rendered(body: Body, named: Mapping[Key, str]) -> Body:
    """The resource without its id, with a mark. named: by what each resource is referred to there.

    What is not named is referred to by its identifier; what leads elsewhere stays as it is.
    """
    found: Body = {name: _said(value, named) for name, value in body.items() if name != "id"}
    parameter, value = mark_of(body)
    if parameter == "_tag":
        meta = dict(found.get("meta") or {})
        meta["tag"] = [*(meta.get("tag") or []), {"system": ITEM_ID, "code": value.partition("|")[2]}]
        found = {
            "resourceType": found.pop("resourceType"),
            "meta": meta,
            **{k: v for k, v in found.items() if k != "meta"},
        }
    return found


def targets_of(body: Body) -> Iterator[Key]:
    """What of ours a resource refers to."""
    for reference in references_in(body):
        found = _LOCAL.fullmatch(reference)
        if found is not None:
            yield found[1], found[2]


def says_the_same(there: Body, sent: Body) -> bool:
    """Whether what lies there is what is to be sent, whatever the server has put into its meta."""
    return _words(there) == _words(sent)


def _words(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in ("id", "meta")}


def _said(value: Any, named: Mapping[Key, str]) -> Any:
    if isinstance(value, list):
        return [_said(inner, named) for inner in value]
    if not isinstance(value, dict):
        return value
    out = {key: _said(inner, named) for key, inner in value.items()}
    found = _LOCAL.fullmatch(value["reference"]) if isinstance(value.get("reference"), str) else None
    if found is None:
        return out
    there = named.get((found[1], found[2]))
    if there is not None:
        return {**out, "reference": there}
    del out["reference"]
    return {**out, "type": found[1], "identifier": {"system": ITEM_ID, "value": found[2]}}
