"""Resources validated a second, beside fhir.resources (typed models, R4B) and a bare JSON parse, in the same run.

python -m benchmarks.validate [FILE...]

Without files a CarePlan of about 5 KB made here is used. Peers check less: fhir.resources knows types only.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._results import Result, note
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.validation import Validator

SECONDS = 2.0
UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition/UKCore-CarePlan"


def plan() -> dict[str, Any]:
    """A CarePlan of about 5 KB with activities, goals, notes and a contact."""
    coding = {"system": "http://snomed.info/sct", "code": "736253002", "display": "Mental health crisis plan"}
    activity = {
        "detail": {
            "kind": "ServiceRequest",
            "code": {"coding": [coding], "text": "Walk to the allotment each morning"},
            "reasonCode": [{"text": "Sleeping less than four hours"}],
            "status": "in-progress",
            "scheduledPeriod": {"start": "2026-01-05", "end": "2026-07-05"},
            "performer": [{"reference": "PractitionerRole/one", "display": "Care co-ordinator"}],
            "description": "Agreed together; the person chose the time and the place, and may change them.",
        }
    }
    return {
        "resourceType": "CarePlan",
        "id": "plan",
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>The plan</p></div>'},
        "identifier": [{"system": "https://w3id.org/fhir-mh/Id/record-item", "value": "2f8d"}],
        "status": "active",
        "intent": "plan",
        "category": [{"coding": [coding]}],
        "subject": {"reference": "Patient/one"},
        "period": {"start": "2026-01-05"},
        "created": "2026-01-05T09:30:00Z",
        "author": {"reference": "PractitionerRole/one"},
        "goal": [{"reference": f"Goal/{number}"} for number in range(5)],
        "activity": [activity] * 9,
        "note": [{"authorString": "The person", "time": "2026-01-05T09:30:00Z", "text": "In my own words"}],
    }


def rate(run: Callable[[], object]) -> float:
    """Calls a second, after warming up."""
    for _ in range(50):
        run()
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS:
        run()
        count += 1
    return count / spent


def peer(text: bytes) -> Callable[[], object] | None:
    """Validation by fhir.resources, where it is installed and accepts the resource."""
    try:
        from fhir.resources.R4B import get_fhir_model_class

        model: Any = get_fhir_model_class(json.loads(text)["resourceType"])
        model.model_validate_json(text)
    except Exception as reason:
        print(f"fhir.resources is left out: {type(reason).__name__}")
        return None
    return lambda: model.model_validate_json(text)


def measure(name: str, text: bytes) -> None:
    """Print one table."""
    validator, held = Validator(), loads(text)
    runs: dict[str, Callable[[], object] | None] = {
        "fhir_mh, base, parsed": lambda: validator.validate(held),
        "fhir_mh, base, from text": lambda: validator.validate(text),
        "fhir_mh, UK Core profile, parsed": lambda: validator.validate(held, [UK_CORE]),
        "fhir.resources, from text": peer(text),
        "json.loads alone": lambda: json.loads(text),
    }
    if held["resourceType"] != "CarePlan":
        del runs["fhir_mh, UK Core profile, parsed"]
    found = {label: rate(run) for label, run in runs.items() if run is not None}
    base = found.get("fhir.resources, from text")
    print(f"\n{name}, {len(text)} bytes")
    for label, value in found.items():
        if label.startswith("fhir_mh"):
            beside = "fhir.resources" if base else ""
            note(Result(f"validate {name}", label.removeprefix("fhir_mh, "), value, "a second", beside, base, True))
        print(f"  {label:34} {value:10,.0f}/s" + (f" {value / base:8.2f} x fhir.resources" if base else ""))


def main() -> None:
    """Measure the files named, or the plan made here."""
    for file in sys.argv[1:]:
        measure(Path(file).name, Path(file).read_bytes())
    if not sys.argv[1:]:
        measure("a CarePlan", dumps(plan()))


if __name__ == "__main__":
    main()
