"""Bundles as answers: search results, histories, the outcome of a transaction. Stored text goes in as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from fhir_mh.api.headers import etag, http_date
from fhir_mh.clock import instant
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.outcome import outcome
from fhir_mh.gateway.resources import Kept
from fhir_mh.issues import Issue
from fhir_mh.store import Page, StoredResource

Pairs = Sequence[tuple[str, str]]


def link(relation: str, url: str, parameters: Pairs = ()) -> dict[str, str]:
    return {"relation": relation, "url": f"{url}?{urlencode(list(parameters))}" if parameters else url}


def searchset(
    fhir: str, found: Iterable[StoredResource], links: Sequence[dict[str, str]], total: int | None,
    warnings: Sequence[Issue] = (),
) -> bytes:  # fmt: skip
    """A Bundle of type searchset. fhir: the address of the server's FHIR root."""
    entries: list[dict[str, Any]] = [
        {"fullUrl": f"{fhir}/{one.type}/{one.id}", "resource": orjson.Fragment(one.text), "search": {"mode": "match"}}
        for one in found
    ]
    if warnings:
        entries.append({"resource": outcome(warnings), "search": {"mode": "outcome"}})
    return bundle_of("searchset", entries, links, total)


def history(fhir: str, page: Page, links: Sequence[dict[str, str]]) -> bytes:
    """A Bundle of type history, newest version first."""
    return bundle_of("history", [_past(fhir, one) for one in page.entries], links, None)


def _past(fhir: str, one: StoredResource) -> dict[str, Any]:
    name = f"{one.type}/{one.id}"
    entry: dict[str, Any] = {"fullUrl": f"{fhir}/{name}"}
    if not one.deleted:
        entry["resource"] = orjson.Fragment(one.text)
    first = one.version == 1
    method = "DELETE" if one.deleted else "POST" if first else "PUT"
    entry["request"] = {"method": method, "url": one.type if first else name}
    status = "204" if one.deleted else "201" if first else "200"
    entry["response"] = {"status": status, "etag": etag(one.version), "lastModified": instant(one.updated)}
    return entry


def bundle_of(kind: str, entries: list[dict[str, Any]], links: Sequence[dict[str, str]], total: int | None) -> bytes:
    """A Bundle of these entries; total and links where there are any."""
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    if total is not None:
        bundle["total"] = total
    if links:
        bundle["link"] = list(links)
    if entries:
        bundle["entry"] = entries
    return dumps(bundle)


def responses(kind: str, entries: list[dict[str, Any]]) -> bytes:
    """A Bundle of type transaction-response or batch-response."""
    return bundle_of(kind, entries, (), None)


def response_entry(fhir: str, kept: Kept, told: Sequence[Issue], wanted: str) -> dict[str, Any]:
    """What became of one entry. told: findings to pass on; wanted: what Prefer: return asks for."""
    stored = kept.stored
    if stored is None:
        status = "200 OK" if kept.proposal is None else "202 Accepted"
        return {"response": {"status": status, "outcome": outcome(told)}}
    response: dict[str, Any] = {
        "status": "201 Created" if kept.created else "200 OK",
        "location": f"{fhir}/{stored.type}/{stored.id}/_history/{stored.version}",
        "etag": etag(stored.version),
        "lastModified": instant(stored.updated),
    }
    if told or wanted == "OperationOutcome":
        response["outcome"] = outcome(told)
    entry: dict[str, Any] = {"fullUrl": f"{fhir}/{stored.type}/{stored.id}", "response": response}
    if wanted == "representation":
        entry["resource"] = orjson.Fragment(stored.text)
    return entry


def stored_headers(stored: StoredResource) -> dict[str, str]:
    """ETag and Last-Modified of a version."""
    return {"ETag": etag(stored.version), "Last-Modified": http_date(stored.updated)}
