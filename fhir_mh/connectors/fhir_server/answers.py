"""What stands in the Bundles that a server answers with, read with care: it may be anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mh.fhir.parts import objects_in

Body = dict[str, Any]
_ID = 64  # characters; see https://hl7.org/fhir/R4/datatypes.html#id
_LATER = (401, 403, 408, 425, 429)
_STATUS = re.compile(r"\s*(\d{3})\b")
_PLACE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/([^/?#]{1,200}))?/?")


@dataclass(frozen=True, slots=True)
class Answered:
    """What a server says of one entry. name, version: as it calls the resource; body: what it holds now.

    Each is empty, or None, where it does not say.
    """

    status: int
    name: str
    version: str
    body: Body | None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a resource, as the server calls it. body: None where it was deleted."""

    kind: str
    name: str
    version: str
    updated: str
    body: Body | None


def is_refusal(status: int) -> bool:
    """Whether a status says that this will never be taken as it is asked; any other that is none of 2xx says: later.

    401 and 403 say neither: who asks is not known.
    """
    return 400 <= status < 500 and status not in _LATER


def entries_of(bundle: Mapping[str, Any]) -> list[Body]:
    """The entries of a Bundle."""
    return objects_in(bundle.get("entry"))


def answered(entry: Mapping[str, Any]) -> Answered:
    """One entry of a transaction's or a batch's answer; status 0 where it tells none."""
    response, body = _object(entry.get("response")), entry.get("resource")
    status = _STATUS.match(_text(response, "status"))
    kept = body if isinstance(body, dict) and body.get("resourceType") != "OperationOutcome" else None
    _, name, version = _place(_text(response, "location"))
    if kept is not None:
        name, version = _text(kept, "id") or name, version_of(kept) or version
    return Answered(int(status[1]) if status else 0, name, version or _tag(_text(response, "etag")), kept)


def versions_in(bundle: Mapping[str, Any]) -> Iterator[Version]:
    """The versions that a page of a history tells of."""
    for entry in entries_of(bundle):
        request, response, body = _object(entry.get("request")), _object(entry.get("response")), entry.get("resource")
        if isinstance(body, dict):
            yield Version(_text(body, "resourceType"), _text(body, "id"), version_of(body), updated_of(body), body)
        elif request.get("method") == "DELETE":
            kind, name, version = _place(_text(response, "location") or _text(request, "url"))
            version = version or _tag(_text(response, "etag"))
            yield Version(kind, name, version, _text(response, "lastModified"), None)


def version_of(resource: Mapping[str, Any]) -> str:
    """What a server calls this version of a resource; empty where it does not say."""
    return _text(_object(resource.get("meta")), "versionId")


def count_of(version: str) -> int | None:
    """The number that a version is; None where it is none, or longer than an id may be."""
    return int(version) if version.isdecimal() and len(version) <= _ID else None


def updated_of(resource: Mapping[str, Any]) -> str:
    """When a server says that a resource was changed last, as it wrote it; empty where it does not say."""
    return _text(_object(resource.get("meta")), "lastUpdated")


def _place(location: str) -> tuple[str, str, str]:
    found = _PLACE.fullmatch(location)
    return (found[1], found[2], found[3] or "") if found else ("", "", "")


def _tag(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
