"""Validators of others, to run beside ours; `python scripts/provide_tools.py peers` provides fhirkit-rs and Medplum's.

All know R4 (fhir.resources R4B) without profiles, but Medplum, which checks those it is given. What each finds of what
is wrong differs more than how fast it is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from fhir_mh.packages.base import base_facts
from scripts.provide_tools import FHIRKIT, MEDPLUM

SECONDS = 2.0
FHIR_RESOURCES, FHIRKIT_RS, MEDPLUM_BASE, MEDPLUM_PROFILED = (
    "fhir.resources, from text", "fhirkit-rs, from text", "Medplum, from text", "Medplum, profiled, from text",
)  # fmt: skip
_SCRIPT = Path(__file__).with_name("medplum.cjs")


def rate(run: Callable[[], object]) -> float:
    """Calls a second, after warming up."""
    for _ in range(50):
        run()
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS:
        run()
        count += 1
    return count / spent


def rates(text: bytes, profile: str | None) -> Iterator[tuple[str, float]]:
    """How often a second each that is here looks over a resource; one that is not is told in a line."""
    for name, made in ((FHIR_RESOURCES, _fhir_resources), (FHIRKIT_RS, _fhirkit)):
        try:
            yield name, rate(made(text))
        except Exception as reason:
            print(f"{name} is left out: {type(reason).__name__}")
    try:
        found = _medplum(text, profile, SECONDS)
    except (OSError, subprocess.CalledProcessError) as reason:
        print(f"Medplum is left out: {type(reason).__name__}")
        return
    yield MEDPLUM_BASE, found["base"]
    if "profiled" in found:
        yield MEDPLUM_PROFILED, found["profiled"]


def _fhir_resources(text: bytes) -> Callable[[], object]:
    from fhir.resources.R4B import get_fhir_model_class

    model: Any = get_fhir_model_class(json.loads(text)["resourceType"])
    model.model_validate_json(text)
    return lambda: model.model_validate_json(text)


def _fhirkit(text: bytes) -> Callable[[], object]:
    if str(FHIRKIT) not in sys.path:
        sys.path.append(str(FHIRKIT))
    import fhirkit

    validate: Callable[[bytes], list[object]] = fhirkit.validate
    return lambda: validate(text)


def _medplum(text: bytes, profile: str | None, seconds: float) -> dict[str, float]:
    """Its rates, as its own process counts them. Raises OSError without Node, CalledProcessError where it fails."""
    said = {"url": profile, "differential": base_facts("own")[profile]["differential"]} if profile else None
    done = subprocess.run(
        [shutil.which("node") or "node", str(_SCRIPT), str(seconds)],
        input=json.dumps({"text": text.decode(), "profile": said}), capture_output=True, text=True, check=True,
        env={**os.environ, "NODE_PATH": str(MEDPLUM / "node_modules")},
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def cold_starts(text: Path) -> Iterator[tuple[str, float]]:
    """Seconds from nothing to the first answer about a CarePlan: the least of three starts of a new process."""
    python = {
        "fhir_mh": "from fhir_mh import Validator; Validator().validate(text)",
        "fhir.resources": "from fhir.resources.R4B.careplan import CarePlan; CarePlan.model_validate_json(text)",
        "fhirkit-rs": f"sys.path.append({str(FHIRKIT)!r}); import fhirkit; fhirkit.validate(text)",
    }
    read = f"import sys, pathlib; text = pathlib.Path({str(text)!r}).read_bytes(); "
    commands = {name: [sys.executable, "-c", read + work] for name, work in python.items()}
    for name, command in commands.items():
        try:
            yield name, _least_of_three(partial(subprocess.run, command, check=True, capture_output=True))
        except subprocess.CalledProcessError:
            print(f"{name} is left out: it did not start")
    try:
        yield "Medplum", _least_of_three(partial(_medplum, text.read_bytes(), None, 0))
    except (OSError, subprocess.CalledProcessError):
        print("Medplum is left out: it did not start")


def _least_of_three(run: Callable[[], object]) -> float:
    found = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)
