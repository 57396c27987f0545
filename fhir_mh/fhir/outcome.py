"""Issues as an OperationOutcome: the one form in which HTTP callers and `validate --format outcome` are told of faults.

See https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhir_mh.fhir.nhs_numbers import discreet
from fhir_mh.fhir.urls import CODE_SYSTEM
from fhir_mh.issues import Issue

ISSUE_CODES = f"{CODE_SYSTEM}issue-code"
_LINE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"
_COLUMN = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col"


def outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """An OperationOutcome: one issue for each finding, in order.

    details holds the stable code and the message, diagnostics the fix and the specification, expression the place;
    the line and column of JSON text stand in HL7's extensions. Of none, it says that all is well.
    """
    found = [_issue(one) for one in issues]
    return {"resourceType": "OperationOutcome", "issue": found or [_ALL_WELL]}


_ALL_WELL = {"severity": "information", "code": "informational", "details": {"text": "Nothing was found to be wrong."}}


def coding_of(code: str) -> dict[str, Any]:
    """One of our codes as a CodeableConcept."""
    return {"coding": [{"system": ISSUE_CODES, "code": code}]}


def _issue(found: Issue) -> dict[str, Any]:
    found = discreet(found)
    entry: dict[str, Any] = {}
    places = [(_LINE, found.line), (_COLUMN, found.column)]
    extensions = [{"url": url, "valueInteger": value} for url, value in places if value is not None]
    if extensions:
        entry["extension"] = extensions
    entry["severity"] = found.severity
    entry["code"] = found.fhir_type
    entry["details"] = {**coding_of(found.code), "text": found.message}
    hints = [found.fix] if found.fix else []
    if found.spec:
        hints.append(f"See {found.spec}")
    if hints:
        entry["diagnostics"] = " ".join(hints)
    if found.path:
        entry["expression"] = [found.path]
    return entry
