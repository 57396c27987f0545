"""Small bodies in plain JSON: which members there may be, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from fhir_mh.api.headers import json_body
from fhir_mh.errors import InvalidResource
from fhir_mh.issues import issue


async def members_of(request: Request, *names: str) -> dict[str, Any]:
    """The body, which holds no other members than these. Raises Refused(415), InvalidResource."""
    body = await json_body(request)
    for name in body:
        if name not in names:
            raise expected(name, " or ".join(names))
    return body


def text_in(body: Mapping[str, Any], name: str) -> str:
    """The text of a member that must be given. Raises InvalidResource."""
    value = body.get(name)
    if not isinstance(value, str):
        raise expected(name, "a text")
    return value


def expected(place: str, what: str) -> InvalidResource:
    """The refusal of what stands at a place of a body. what: should stand there."""
    return InvalidResource(issues=[issue("rest-body", place, expected=what)])
