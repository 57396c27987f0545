"""What the registry says of one code, and the parts of FHIR R4 that several of them rest on."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Code(NamedTuple):
    """severity: the usual one. fhir_type: OperationOutcome.issue.code. message and fix take {names}."""

    severity: Literal["fatal", "error", "warning", "information"]
    fhir_type: str
    message: str
    fix: str
    spec: str = ""


R4 = "https://hl7.org/fhir/R4/"
JSON, HTTP, RESOURCE = R4 + "json.html", R4 + "http.html", R4 + "resource.html"
ELEMENTS, DATATYPES = R4 + "conformance-rules.html", R4 + "datatypes.html"
TERMINOLOGY, REFERENCES = R4 + "terminologies.html", R4 + "references.html"
EXTENSIBILITY, PROFILING = R4 + "extensibility.html", R4 + "profiling.html"
