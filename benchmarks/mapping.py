"""Records to FHIR and back a second, beside fhir.resources (typed models, R4B) and bare JSON, in the same run.

    python -m benchmarks.mapping [--seconds N]

One process, one core. The records are a person with a care plan and a crisis plan, and the whole people of
examples/records. Three jobs: a record to its Bundle; a Bundle to its record, checked by the models; and the whole job,
a record's JSON text to a Bundle's text and back to a record's. Beside them in each round, so that all meet the same
machine: fhir.resources parsing and dumping the same Bundle (which keeps no unknown content, and knows no record), and
orjson and json reading and writing its text.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks._results import Result, note
from fhir_mh import from_bundle, to_bundle
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.records.trees import record_of, tree_of

EXAMPLES = Path(__file__).parents[1] / "examples" / "records"
PLANS = ("person", "organisations", "professionals", "contacts", "goals", "care_plans", "crisis_plans")
OURS = ("record -> Bundle", "Bundle -> record", "text -> record -> text")
PEER, FAST, PLAIN = "fhir.resources", "orjson", "json"


def records() -> dict[str, bytes]:
    """The records as JSON text, by what they are called."""
    whole = load_object((EXAMPLES / "whole-person.json").read_bytes())
    typical = {name: value for name, value in whole.items() if name in PLANS or name == "schema_version"}
    people = {name: (EXAMPLES / f"{name}.json").read_bytes() for name in ("admitted-far-away", "whole-person")}
    return {"care and crisis plan": dumps(typical), **people}


def jobs(text: bytes) -> tuple[dict[str, Callable[[], object]], int, int]:
    """What is measured on one record; the Bundle's bytes and resources."""
    record = record_of(load_object(text))
    bundle = to_bundle(record)
    wire = dumps(bundle)

    def whole_job() -> bytes:
        sent = dumps(to_bundle(record_of(load_object(text))))
        return dumps(tree_of(from_bundle(load_object(sent))))

    found: dict[str, Callable[[], object]] = {
        OURS[0]: lambda: to_bundle(record),
        OURS[1]: lambda: from_bundle(bundle),
        OURS[2]: whole_job,
        FAST: lambda: orjson.dumps(orjson.loads(wire)),
        PLAIN: lambda: json.dumps(json.loads(wire)),
    }
    typed = peer(wire)
    if typed is not None:
        found[PEER] = typed
    return found, len(wire), len(bundle["entry"])


def peer(wire: bytes) -> Callable[[], object] | None:
    """The Bundle through typed models, where they are installed and take it."""
    try:
        from fhir.resources.R4B.bundle import Bundle

        model: Any = Bundle
        model.model_validate_json(wire)
    except Exception as reason:
        print(f"fhir.resources is left out: {type(reason).__name__}")
        return None
    return lambda: model.model_validate_json(wire).model_dump_json()


def rates(found: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Runs a second of each job. They take turns, so that a machine that slows down slows them all."""
    spent, count = dict.fromkeys(found, 0.0), dict.fromkeys(found, 0)
    for job in found.values():
        job()
    while min(spent.values()) < seconds:
        for name, job in found.items():
            start = time.perf_counter()
            for _ in range(5):
                job()
            spent[name] += time.perf_counter() - start
            count[name] += 5
    return {name: count[name] / spent[name] for name in found}


def main() -> None:
    """Measure each record and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="the least time for each job")
    seconds = parser.parse_args().seconds
    table = Table(
        "record", "job", "a second", "MB/s of FHIR", f"x {PEER}", f"x {PLAIN}", f"x {FAST}",
        title="records to FHIR and back, on one core",
    )  # fmt: skip
    for name, text in records().items():
        found, size, resources = jobs(text)
        rate = rates(found, seconds)
        for job in (*OURS, PEER, PLAIN, FAST):
            if job not in rate:
                continue
            ratios = [f"{rate[job] / rate[other]:.3f}" if other in rate else "" for other in (PEER, PLAIN, FAST)]
            label = f"{name}: {resources} resources, {size / 1000:.0f} kB" if job == OURS[0] else ""
            table.add_row(label, job, f"{rate[job]:,.0f}", f"{rate[job] * size / 1e6:.1f}", *ratios)
        table.add_section()
        for job in OURS:
            note(Result(f"mapping, {name}", job, rate[job], "/s", f"{PEER}, parse and dump", rate.get(PEER), True))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
