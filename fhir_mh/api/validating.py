"""`$validate`: what the gateway would say of a resource, on a type and on an instance; nothing is stored.

See https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fhir_mh.api.access import Door
from fhir_mh.api.faults import Refused, outcome_response
from fhir_mh.api.headers import JSON_TYPES, accepts_json, media_type
from fhir_mh.api.searching import bad_parameter, query_of, refuse_unknown
from fhir_mh.api.types import known_type, resource_types
from fhir_mh.errors import InvalidResource, PackageError
from fhir_mh.fhirpath.unread import load_resource
from fhir_mh.gateway import Gateway
from fhir_mh.issues import Issue, issue
from fhir_mh.validation import Validator

_MODES = ("create", "update", "profile")
_PARAMETERS = ("resource", "mode", "profile")


@dataclass(slots=True)
class _Asked:
    """text: what was sent, in which within leads to the resource. body: the resource, where the text could be read."""

    text: bytes | None
    body: dict[str, Any] | None
    within: tuple[str | int, ...] = ()
    mode: str = ""
    profile: str = ""


class Validating:
    """The handlers of `$validate`."""

    def __init__(self, gateway: Gateway, door: Door, validator: Validator) -> None:
        self._gateway, self._door, self._validator = gateway, door, validator

    async def on_type(self, request: Request) -> Response:
        """POST of a resource, or of Parameters that hold one. Always 200 once it is judged, whatever the verdict."""
        self._door.context(request)
        kind = request.path_params["type"]
        asked = await self._asked(request, kind if kind in resource_types() else known_type(kind))
        return await self._judged(asked, kind)

    async def on_instance(self, request: Request) -> Response:
        """The same for the resource of this id: the one sent, as an update of it, else the one stored."""
        context = self._door.context(request)
        kind, name = known_type(request.path_params["type"]), request.path_params["id"]
        asked = await self._asked(request, kind)
        stored = await self._gateway.read(context, kind, name)
        if asked.text is None:
            asked.text = stored.text
        return await self._judged(asked, kind, name)

    async def _asked(self, request: Request, kind: str) -> _Asked:
        accepts_json(request)
        pairs = query_of(request)
        refuse_unknown(pairs, _PARAMETERS[1:], lenient=False)
        asked = _Asked(await request.body() or None, None)
        for name, value in pairs:
            if name in _PARAMETERS:
                _take(asked, name, value)
        if asked.text is None:
            if "id" not in request.path_params:
                raise Refused(400, issue("json-not-an-object", "http.body"))
            return asked
        media_type(request, *JSON_TYPES)
        _read(asked, apart=kind != "Parameters")
        return asked

    async def _judged(self, asked: _Asked, kind: str, name: str | None = None) -> Response:
        profiles = [asked.profile] if asked.profile else []
        try:
            report = await asyncio.to_thread(self._validator.validate, asked.text or b"", profiles, within=asked.within)
        except PackageError:
            fix = "Name one of ours, or of UK Core's on which they rest."
            raise bad_parameter("profile", "no profile of this address is at hand", fix) from None
        return outcome_response(200, [*_mismatches(asked, kind, name), *report.issues, *report.not_checked])


def _take(asked: _Asked, name: str, value: object) -> None:
    if not isinstance(value, str) or (name == "mode" and value not in _MODES):
        fix = f"Send {', '.join(_MODES[:-1])} or {_MODES[-1]}; nothing is deleted here."
        raise bad_parameter(name, "its value is not one that is known here", fix if name == "mode" else "Send a URL.")
    if name == "mode":
        asked.mode = value
    else:
        asked.profile = value


def _read(asked: _Asked, *, apart: bool) -> None:
    """Read the body; Parameters are taken apart. What is not JSON at all is left to the validator to say."""
    try:
        body = load_resource(asked.text or b"")
    except InvalidResource:
        return
    asked.body = body
    if body.get("resourceType") != "Parameters" or not apart:
        return
    asked.body = None
    held = body.get("parameter")
    for number, entry in enumerate(held if isinstance(held, list) else []):
        name = entry.get("name") if isinstance(entry, dict) else None
        if name not in _PARAMETERS:
            place, fix = f"Parameters.parameter[{number}].name", f"Send {', '.join(_PARAMETERS)}."
            raise Refused(400, issue("rest-bad-parameter", place, problem="it is not known here", fix=fix))
        if name == "resource":
            asked.body = entry.get("resource") if isinstance(entry.get("resource"), dict) else None
            asked.within = ("parameter", number, "resource")
        else:
            _take(asked, name, next((entry[key] for key in entry if key.startswith("value")), None))
    if asked.body is None:
        raise bad_parameter("resource", "the Parameters hold no resource", "Add a parameter named resource.")


def _mismatches(asked: _Asked, kind: str, name: str | None) -> list[Issue]:
    """What the address says and the resource does not."""
    body = asked.body
    if body is None:
        return []
    if body.get("resourceType") != kind:
        return [issue("rest-type-differs", "resourceType")]
    if name is not None and asked.mode in ("", "update") and body.get("id") != name:
        return [issue("rest-id-differs", f"{kind}.id")]
    return []
