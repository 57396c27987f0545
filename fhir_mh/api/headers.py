"""The headers that FHIR REST and plain records share: media types, Prefer, ETag, and the addresses we give out."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Literal

from starlette.requests import Request

from fhir_mh.api.faults import Refused
from fhir_mh.fhir.json import load_object
from fhir_mh.issues import issue

JSON_TYPES = ("application/fhir+json", "application/json")
_UTF8 = ("", "utf-8", "utf8", "us-ascii")
_ETAG = re.compile(r'^\s*(?:W/)?"(\d{1,18})"\s*$')
_JSON_WANTED = ("json", "*/*", "application/*", "text/html")

Return = Literal["minimal", "representation", "OperationOutcome"]


def media_type(request: Request, *allowed: str) -> str:
    """The media type of the body, without parameters. Raises Refused(415) for any but these, in UTF-8."""
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind in allowed and not rest:
        return kind
    parameters = dict(part.partition("=")[::2] for part in rest.lower().replace(" ", "").split(";"))
    utf8 = parameters.get("charset", "").strip('"') in _UTF8
    if kind not in allowed or not utf8 or parameters.get("fhirversion", "4.0") != "4.0":
        raise Refused(415, issue("rest-media-type", "http.content-type", expected=" or ".join(allowed)))
    return kind


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object that the body is. Raises Refused(415), InvalidResource."""
    media_type(request, *JSON_TYPES)
    return load_object(await request.body())


def accepts_json(request: Request) -> None:
    """Raises Refused(406) where the caller can read no JSON."""
    wanted = request.headers.get("accept")
    if wanted is not None and not any(kind in wanted for kind in _JSON_WANTED):
        raise Refused(406, issue("rest-not-acceptable", "http.accept"))


def preferences(request: Request) -> dict[str, str]:
    """What Prefer says: return, handling."""
    found = {}
    for part in request.headers.get("prefer", "").replace(";", ",").split(","):
        name, _, value = part.partition("=")
        found[name.strip().lower()] = value.strip().strip('"')
    return found


def version_named(request: Request, header: str = "if-match") -> int | None:
    """The version in If-Match or If-None-Match, None without the header. Raises Refused(400) for anything else."""
    text = request.headers.get(header)
    return None if text is None else read_etag(text, f"http.{header}", header)


def read_etag(text: str, path: str, name: str) -> int:
    """The version an ETag names. Raises Refused(400): `*` and lists of ETags name no one version."""
    match = _ETAG.match(text)
    if match is None:
        raise Refused(400, issue("rest-bad-etag", path, header=name))
    return int(match[1])


def etag(version: int) -> str:
    return f'W/"{version}"'


def http_date(moment: datetime) -> str:
    """As Last-Modified has it."""
    return format_datetime(moment, usegmt=True)


def base_url(request: Request) -> str:
    """Where the caller reaches this server, as it says itself; the Host has been checked."""
    return f"{request.scope['scheme']}://{request.headers['host']}"
