"""Files and bodies that break a rule, one of each kind, with the code and the place that must be told.

Each holds the marker and an NHS number, neither of which may be told to anybody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MARKER, NUMBER, WRONG = "Zebedee", "9990000018", "9990000019"
CSV, JSON = "out-of-area-csv", "community-trust"


@dataclass(frozen=True, slots=True)
class Bad:
    """format: what it is sent as: record, fhir, or a provider's own format."""

    name: str
    format: str
    text: bytes
    code: str
    place: str


def _csv(old: str = "", new: str = "", after: str = "") -> bytes:
    text = (EXAMPLES / "ward.csv").read_text(encoding="cp1252").replace("Admitted-Far-Away", MARKER)
    return (text.replace(old, new, 1) if old else text).encode("cp1252") + after.encode("cp1252")


def _extract(**patient: Any) -> bytes:
    body = json.loads((EXAMPLES / "community-extract.json").read_bytes())
    body["patient"] |= {"surname": MARKER, **patient}
    return json.dumps(body).encode()


def _record(**more: Any) -> bytes:
    person = {"nhs_number": NUMBER, "names": [{"family": MARKER}], **more.pop("person", {})}
    return json.dumps({"person": person, **more}).encode()


PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NUMBER}],
    "name": [{"family": MARKER}],
}
URN = "urn:uuid:6c1f7a52-2f0e-4f5b-9b52-0d6f4a3f2a11"
NOWHERE = "urn:uuid:00000000-0000-4000-8000-00000000dead"


def bundle(*more: dict[str, Any], **patient: Any) -> bytes:
    """A transaction about one person."""
    resources = [{**PATIENT, **patient}, *more]
    entries = [
        {"fullUrl": URN if number == 0 else f"{URN[:-1]}{number + 1}", "resource": resource,
         "request": {"method": "POST", "url": resource["resourceType"]}}
        for number, resource in enumerate(resources)
    ]  # fmt: skip
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def plan(**more: Any) -> dict[str, Any]:
    """A CarePlan of the person of the transaction."""
    subject = {"reference": URN}
    return {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": subject, **more}


_PERSON = _csv().decode("cp1252").splitlines()[1] + "\n"
BAD = [
    Bad("unreadable", "record", _record()[:-2] + b",}}", "json-unreadable", ""),
    Bad("twice", "record", _record().replace(b'"names"', b'"nhs_number"'), "json-duplicate-key", "$.person.nhs_number"),
    Bad("encoding", "record", _record().replace(b"Zeb", b"Zeb\xe9"), "json-encoding", ""),
    Bad("list", "record", b"[]", "json-not-an-object", "$"),
    Bad("deep", "record", b'{"person": ' + b"[" * 300 + b"]" * 300 + b"}", "json-too-deep", "$"),
    Bad("nhs-number", "record", _record(person={"nhs_number": WRONG}), "map-invalid-record", "person.nhs_number"),
    Bad("fhir-unreadable", "fhir", bundle()[:-2], "json-unreadable", ""),
    Bad("fhir-twice", "fhir", bundle().replace(b'"name"', b'"identifier"'), "json-duplicate-key",
        "Bundle.entry[0].resource.identifier"),
    *(
        Bad(name, "fhir", bundle(plan(goal=[{"reference": target, "display": MARKER}])),
            "validate-reference-unresolved", "Bundle.entry[1].resource.goal[0].reference")
        for name, target in (("urn", NOWHERE), ("contained", "#nobody"))
    ),
    Bad("full-url", "fhir", bundle(plan(subject={"reference": URN[:-1] + "9"})), "validate-reference-unresolved",
        "Bundle.entry[1].resource.subject.reference"),
    Bad("csv-missing-column", CSV, _csv("NHS_NO", "NHSNO"), "map-missing-column", "row 1"),
    Bad("csv-unknown-column", CSV, _csv("NHS_NO", "NHSNO"), "map-unknown-column", "row 1, column 14"),
    Bad("csv-column-twice", CSV, _csv("STAFF,", "REASON,"), "map-duplicate-column", "row 1, column 13"),
    Bad("csv-utf16", CSV, _csv().decode("cp1252").encode("utf-16"), "map-wrong-encoding", "row 1, column 1"),
    Bad("csv-byte", CSV, _csv() + b"\x81\n", "map-wrong-encoding", "row 45, column RECORD_TYPE"),
    Bad("csv-quote", CSV, _csv(after=f'"{MARKER}\n'), "map-csv-unreadable", "row 45"),
    Bad("csv-short-row", CSV, _csv(after=f"GOAL,,{MARKER}\n"), "map-row-length", "row 45"),
    Bad("csv-kind", CSV, _csv(after=f"{MARKER}{',' * 14}\n"), "map-unknown-row", "row 45"),
    Bad("csv-person-twice", CSV, _csv(after=_PERSON), "map-duplicate-row", "row 45"),
    Bad("csv-nhs-number", CSV, _csv(NUMBER, WRONG), "map-wrong-value", "row 2, column NHS_NO"),
    Bad("csv-date", CSV, _csv("14/03/1988", "31/02/1988"), "map-wrong-format", "row 2, column DATE"),
    Bad("csv-code", CSV, _csv("Female", MARKER), "map-unknown-code", "row 2, column KIND"),
    Bad("extract-code", JSON, _extract(sex=MARKER), "map-unknown-code", "$.patient.sex"),
    Bad("extract-nhs-number", JSON, _extract(nhs_no=WRONG), "map-wrong-value", "$.patient.nhs_no"),
    Bad("extract-type", JSON, _extract(languages=MARKER), "map-wrong-type", "$.patient.languages"),
    Bad("extract-twice", JSON, _extract().replace(b'"surname"', b'"dob"'), "json-duplicate-key", "$.patient.dob"),
    Bad("extract-unreadable", JSON, _extract()[:-1], "json-unreadable", ""),
]  # fmt: skip
