"""Findings as a FHIR OperationOutcome."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhir_mh.issues import Issue

_LINE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"
_COLUMN = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col"
CODES = "https://w3id.org/fhir-mh/CodeSystem/issue-code"


def to_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """An OperationOutcome with one issue for each finding; an informational 'all well' where there is none.

    details.coding holds our stable code, expression the FHIRPath location, diagnostics how to mend it.
    See https://hl7.org/fhir/R4/operationoutcome.html
    """
    entries = [_entry(found) for found in issues]
    if not entries:
        entries = [{"severity": "information", "code": "informational", "details": {"text": "No faults were found."}}]
    return {"resourceType": "OperationOutcome", "issue": entries}


def _entry(found: Issue) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "severity": found.severity,
        "code": found.fhir_type,
        "details": {"coding": [{"system": CODES, "code": found.code}], "text": found.message},
    }
    diagnostics = " ".join(part for part in (found.fix, f"See {found.spec}" if found.spec else "") if part)
    if diagnostics:
        entry["diagnostics"] = diagnostics
    if found.path:
        entry["expression"] = [found.path]
    places = [(_LINE, found.line), (_COLUMN, found.column)]
    extensions = [{"url": url, "valueInteger": number} for url, number in places if number is not None]
    return {"extension": extensions, **entry} if extensions else entry
