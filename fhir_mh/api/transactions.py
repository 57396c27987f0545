"""A Bundle that is sent to be processed, read into what the gateway is asked.

See https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fhir_mh.api.faults import Refused
from fhir_mh.api.headers import read_etag
from fhir_mh.api.types import kept_types
from fhir_mh.connectors.fhir_server.offered import KINDS
from fhir_mh.errors import InvalidResource
from fhir_mh.gateway.resources import TransactionEntry
from fhir_mh.issues import Issue, issue
from fhir_mh.profiles.bundle import SHARED_KINDS

_URL = re.compile(r"^/?([A-Z][A-Za-z]{1,63})(?:/([A-Za-z0-9.-]{1,64}))?$")
_CONDITIONS = ("ifNoneExist", "ifNoneMatch", "ifModifiedSince")
MOST_ENTRIES = 1000
TAKEN = KINDS | frozenset(SHARED_KINDS)
"""The types that are taken from partners' systems: those that a record is made of, and who provides what."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A GET of one resource in a batch."""

    kind: str
    name: str


Asked = TransactionEntry | Reading


def read_bundle(body: dict[str, Any]) -> tuple[str, list[tuple[str, Any]]]:
    """The Bundle's type and its entries with their places. Raises Refused(400), InvalidResource."""
    if body.get("resourceType") != "Bundle" or body.get("type") not in ("transaction", "batch"):
        raise Refused(400, issue("rest-bundle-type", "Bundle.type"))
    entries = body.get("entry", [])
    if not isinstance(entries, list) or len(entries) > MOST_ENTRIES:
        raise _bad("Bundle.entry", "it is not a list", f"Send a list of at most {MOST_ENTRIES} entries.")
    return str(body["type"]), [(f"Bundle.entry[{number}]", entry) for number, entry in enumerate(entries)]


def read_entry(place: str, entry: Any, *, reading: bool, pushed: bool = False) -> Asked:
    """What one entry asks. reading: whether a GET may be. Raises InvalidResource naming the place.

    pushed: it is of a partner's system: of a type that is taken from such, and perhaps with a condition.
    """
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise _bad(f"{place}.request", "it does not say what is to be done", "Add request with method and url.")
    for name in _CONDITIONS[1:] if pushed and request.get("method") == "POST" else _CONDITIONS:
        if name in request:
            raise _bad(f"{place}.request.{name}", f"{name} is not supported", "Search first, then send POST or PUT.")
    method, url, condition = _asked(place, request, pushed=pushed)
    match = _URL.match(url)
    if match is None or match[1] not in kept_types():
        raise _bad(f"{place}.request.url", "it names no type kept here", "Send Type for POST, Type/id for PUT.")
    kind, name = match[1], match[2]
    if method == "GET" and reading and name:
        return Reading(kind, name)
    if pushed and kind not in TAKEN:
        raise InvalidResource(issues=[issue("server-pushed-type", f"{place}.request.url", type=kind)])
    if method not in ("POST", "PUT") or (name is None) != (method == "POST" or condition is not None):
        raise _bad(f"{place}.request", "this method and url are not supported here", "Send POST Type or PUT Type/id.")
    body = _resource(place, entry, kind, name)
    version = request.get("ifMatch")
    if version is not None and not isinstance(version, str):
        raise _bad(f"{place}.request.ifMatch", "it is not an ETag", 'Send it as W/"3".')
    full_url = entry.get("fullUrl")
    return TransactionEntry(
        method,
        body,
        full_url if isinstance(full_url, str) else None,
        name,
        read_etag(version, f"{place}.request.ifMatch", "ifMatch") if version is not None else None,
        f"{place}.resource",
        condition,
    )


def _asked(place: str, request: dict[str, Any], *, pushed: bool) -> tuple[Any, str, tuple[str, str] | None]:
    """The method, the address, and the condition of a conditional create or update."""
    method, url, condition = request.get("method"), str(request.get("url", "")), None
    if pushed and method == "PUT" and "?" in url:
        url, _, query = url.partition("?")
        condition = read_condition(query, f"{place}.request.url")
    elif method == "POST" and "ifNoneExist" in request:
        condition = read_condition(request["ifNoneExist"], f"{place}.request.ifNoneExist")
    return method, url, condition


def read_condition(text: Any, place: str) -> tuple[str, str]:
    """(system, value) of the identifier by which a resource is looked for. Raises InvalidResource for anything else."""
    pairs = parse_qsl(text, keep_blank_values=True) if isinstance(text, str) else []
    if len(pairs) == 1 and pairs[0][0] == "identifier":
        system, _, value = pairs[0][1].partition("|")
        if system and value:
            return system, value
    raise _bad(place, "this condition is not supported", "Send identifier=SYSTEM|VALUE, and nothing else.")


def _resource(place: str, entry: dict[str, Any], kind: str, name: str | None) -> dict[str, Any]:
    body = entry.get("resource")
    if not isinstance(body, dict):
        raise _bad(f"{place}.resource", "it has no resource", "Add the resource to be stored.")
    if body.get("resourceType") != kind:
        raise InvalidResource(issues=[issue("rest-type-differs", f"{place}.resource.resourceType")])
    if name is not None and body.get("id") != name:
        raise InvalidResource(issues=[issue("rest-id-differs", f"{place}.resource.id")])
    return body


def whole(entries: list[tuple[str, Any]], *, pushed: bool = False) -> list[TransactionEntry]:
    """The entries of a transaction. Raises InvalidResource with a finding for each entry that cannot be processed."""
    found: list[TransactionEntry] = []
    faults: list[Issue] = []
    seen: dict[str, str] = {}
    for place, entry in entries:
        try:
            asked = read_entry(place, entry, reading=False, pushed=pushed)
        except (InvalidResource, Refused) as refused:
            faults += refused.issues
            continue
        if isinstance(asked, Reading):  # refused above
            continue
        faults += conditional(asked.body, asked.path)
        for name in (asked.full_url, f"{asked.body['resourceType']}/{asked.id}" if asked.id else None):
            if name is not None and seen.setdefault(name, place) != place:
                problem = "it stands twice in the transaction"
                faults.append(issue("rest-bundle-entry", place, problem=problem, fix="Send each resource once."))
        found.append(asked)
    if faults:
        raise InvalidResource(issues=faults)
    return found


def conditional(value: Any, path: str) -> list[Issue]:
    """A finding for each reference that is a search."""
    if isinstance(value, list):
        return [found for n, inner in enumerate(value) for found in conditional(inner, f"{path}[{n}]")]
    if not isinstance(value, dict):
        return []
    found = [one for key, inner in value.items() for one in conditional(inner, f"{path}.{key}")]
    reference = value.get("reference")
    if isinstance(reference, str) and "?" in reference:
        found.append(issue("rest-conditional-reference", f"{path}.reference"))
    return found


def expect_no_search(body: dict[str, Any], path: str) -> None:
    """Raises InvalidResource (rest-conditional-reference) for a resource with references that are searches."""
    faults = conditional(body, path)
    if faults:
        raise InvalidResource(issues=faults)


def _bad(place: str, problem: str, fix: str) -> InvalidResource:
    return InvalidResource(issues=[issue("rest-bundle-entry", place, problem=problem, fix=fix)])
