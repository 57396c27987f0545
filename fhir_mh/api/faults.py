"""What a refused request is answered: always an OperationOutcome, never a traceback, never the input."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase

from starlette.exceptions import HTTPException
from starlette.responses import Response

from fhir_mh.errors import FhirMhError, InvalidResource, NotAuthenticated, UpstreamUnavailable
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.outcome import outcome
from fhir_mh.issues import Issue, issue

log = logging.getLogger("fhir_mh.api")

FHIR_JSON = "application/fhir+json"
_ROOT = Path(__file__).resolve().parents[1]


class Refused(Exception):
    """A request that HTTP itself has a status for: it never reached a use case."""

    def __init__(self, status: int, *issues: Issue, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.issues, self.headers = status, issues, dict(headers or {})
        super().__init__(issues[0].code if issues else "")


def outcome_response(status: int, issues: Sequence[Issue], headers: Mapping[str, str] | None = None) -> Response:
    """An OperationOutcome as an answer."""
    return Response(dumps(outcome(issues)), status, media_type=FHIR_JSON, headers=dict(headers or {}))


def answer_to(fault: Exception) -> Response:
    """The answer to a request that failed. What nobody expected gets a reference, which the log names too."""
    if isinstance(fault, Refused):
        return outcome_response(fault.status, fault.issues, fault.headers)
    if isinstance(fault, HTTPException):
        return _from_http(fault)
    if isinstance(fault, FhirMhError) and fault.issues:
        return outcome_response(_status(fault), fault.issues, _headers(fault))
    return _unexpected(fault)


def _status(fault: FhirMhError) -> int:
    """What is not even JSON is a bad request; what is, and breaks a rule, cannot be processed."""
    if isinstance(fault, InvalidResource) and all(found.code.startswith("json-") for found in fault.issues):
        return 400
    return fault.status


def _headers(fault: FhirMhError) -> dict[str, str]:
    if isinstance(fault, NotAuthenticated):
        return {"WWW-Authenticate": 'Bearer realm="fhir-mh"'}
    return {"Retry-After": "5"} if isinstance(fault, UpstreamUnavailable) else {}


def _from_http(fault: HTTPException) -> Response:
    if fault.status_code == 405:
        allowed = (fault.headers or {}).get("Allow", "other methods")
        return outcome_response(405, [issue("rest-method", "", method="this method", allowed=allowed)], fault.headers)
    return outcome_response(fault.status_code, [issue("rest-unknown-path", "")])


def _unexpected(fault: Exception) -> Response:
    reference = "".join(secrets.choice(ascii_lowercase) for _ in range(10))  # ten digits would be taken for somebody's
    log.error("unexpected %s at %s, reference %s", type(fault).__name__, _place(fault), reference)
    return outcome_response(500, [issue("rest-unexpected", "", reference=reference)])


def _place(fault: Exception) -> str:
    """Where in fhir_mh it happened; never what with."""
    ours = [frame for frame in traceback.extract_tb(fault.__traceback__) if _ROOT in Path(frame.filename).parents]
    if not ours:
        return "outside of fhir_mh"
    module = Path(ours[-1].filename).relative_to(_ROOT).with_suffix("").as_posix().replace("/", ".")
    return f"{module}:{ours[-1].lineno}"
