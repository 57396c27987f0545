"""Large Bundles validated: seconds, and memory beyond what the parsed input takes, at 1, 10, 50 and 100 MB.

    python -m benchmarks.sizes [MB...]

A Bundle is a collection of CarePlans with ids, full URLs and references to one another: once with nothing wrong, and
once with a word that is no code in every activity, nine in each 5 KB. Each is read and validated from bytes in a
process of its own. Memory is the most that process ever held, less the most that one held which only read the same
bytes; time is that of the whole validation, beside that of reading alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks._results import Result, note
from benchmarks.validate import plan
from fhir_mh import Validator
from fhir_mh.fhir.json import dumps, loads

FINDING, CLEAN = "everywhere something", "nothing"
SIZES = (1, 10, 50, 100)


def bundle(size: int, wrong: str) -> bytes:
    """A Bundle of so many MB."""
    one = plan()
    del one["goal"]
    if wrong == FINDING:
        one["activity"] = [{"detail": {**held["detail"], "status": "no-such-code"}} for held in one["activity"]]
    entries: list[dict[str, Any]] = []
    count = size * 1_000_000 // len(dumps(one))
    for number in range(count):
        name = f"plan-{number}"
        held = {**one, "id": name, "replaces": [{"reference": f"CarePlan/plan-{(number + 1) % count}"}]}
        entries.append({"fullUrl": f"https://example.org/fhir/CarePlan/{name}", "resource": held})
    return dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def child(work: str, size: int, wrong: str) -> dict[str, float]:
    """Do one thing to a Bundle in this process: how long it took, and the most memory there ever was."""
    validator = Validator()
    validator.validate({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": plan()}]})
    text = bundle(size, wrong)
    began = time.process_time()
    found = len(validator.validate(text).issues) if work == "validate" else len(loads(text)) * 0
    spent = time.process_time() - began
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {"seconds": spent, "megabytes": int(peak.split()[1]) / 1000, "found": found}


def apart(work: str, size: int, wrong: str) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sizes", "--child", work, str(size), wrong]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure the sizes named, or all."""
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(child(sys.argv[2], int(sys.argv[3]), sys.argv[4])))
        return
    table = Table(
        "MB", "wrong", "findings", "seconds", "seconds/MB", "of which reading", "MB beyond", title="Large Bundles"
    )
    for wrong in (CLEAN, FINDING):
        for size in [int(size) for size in sys.argv[1:]] or SIZES:
            read, ours = apart("read", size, wrong), apart("validate", size, wrong)
            beyond = ours["megabytes"] - read["megabytes"]
            figures = (ours["seconds"], ours["seconds"] / size, read["seconds"], beyond)
            table.add_row(str(size), wrong, f"{ours['found']:.0f}", *(f"{figure:,.2f}" for figure in figures))
            how = f"{size} MB, {wrong} wrong"
            note(Result("a large Bundle", how, ours["seconds"], "s", "reading it", read["seconds"]))
            note(Result("a large Bundle, memory beyond reading it", how, beyond, "MB"))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
