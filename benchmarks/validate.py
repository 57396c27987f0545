"""Resources validated a second and how soon the first is, beside the validators of others, in the same run.

    python -m benchmarks.validate [FILE...]

Without files: a CarePlan of about 5 KB made here, a Bundle of a whole person whose 50 entries all name a profile, and
the start of a new process. Peers check less: see benchmarks/_peers.py; one that is not installed is left out.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._peers import MEDPLUM_PROFILED, cold_starts, rate, rates
from benchmarks._results import Result, note
from fhir_mh import Validator, to_bundle
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.records.trees import record_of

EXAMPLES = Path(__file__).parents[1] / "examples"
PEOPLE = (EXAMPLES / "people/detained-with-refusal/3-home.json", EXAMPLES / "records/whole-person.json")
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


def whole_person() -> dict[str, Any]:
    """A Bundle of 50 entries, each with its profile: all there is about one person, and two resources of another."""
    one, other = (to_bundle(record_of(loads(file.read_bytes()))) for file in PEOPLE)
    known = {entry["fullUrl"] for entry in one["entry"]}
    more = [entry for entry in other["entry"] if entry["fullUrl"] not in known]
    return {**one, "entry": [*one["entry"], *more][:50]}


def measure(name: str, text: bytes) -> None:
    """Print one table."""
    validator, held = Validator(), loads(text)
    plan_of_ours = held["resourceType"] == "CarePlan"
    runs: dict[str, Callable[[], object]] = {
        "fhir_mh, parsed": lambda: validator.validate(held),
        "fhir_mh, from text": lambda: validator.validate(text),
        "json.loads alone": lambda: json.loads(text),
    }
    if plan_of_ours:
        runs["fhir_mh, UK Core profile, from text"] = lambda: validator.validate(text, [UK_CORE])
    found = {label: rate(run) for label, run in runs.items()}
    theirs = dict(rates(text, UK_CORE if plan_of_ours else None))
    print(f"\n{name}, {len(text)} bytes, {len(validator.validate(held).issues)} findings")
    for label, value in (found | theirs).items():
        print(f"  {label:38} {value:10,.0f}/s")
    for peer, value in theirs.items():
        like = "UK Core profile, from text" if peer == MEDPLUM_PROFILED else "from text"
        ours = found[f"fhir_mh, {like}"]
        print(f"  fhir_mh, {like}: {ours / value:.2f} x {peer}")
        note(Result(f"validate {name}", like, ours, "a second", peer, value, more_is_better=True))


def cold() -> None:
    """Print how soon each answers."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(dumps(plan()))
        file.flush()
        found = dict(cold_starts(Path(file.name)))
    print("\nfrom nothing to the first answer")
    for name, seconds in found.items():
        print(f"  {name:38} {seconds:10.2f} s")
        if name != "fhir_mh":
            note(Result("validate, cold start", "from nothing to an answer", found["fhir_mh"], "s", name, seconds))


def main() -> None:
    """Measure the files named, or what is made here."""
    for file in sys.argv[1:]:
        measure(Path(file).name, Path(file).read_bytes())
    if not sys.argv[1:]:
        measure("a CarePlan", dumps(plan()))
        measure("a Bundle of 50 entries", dumps(whole_person()))
        cold()


if __name__ == "__main__":
    main()
