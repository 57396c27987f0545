"""`make fuzz`: looks for bytes at which the validator raises, hangs, or answers text otherwise than parsed JSON.

    python -m scripts.fuzz [--seconds N] [FOLDER]

Guided by coverage (atheris). It starts from the resources in examples and in the corpora beside the checkout, where
these are; FOLDER keeps the inputs that reached something new (.tools/fuzz by default), so that a next run goes on from
them. An input that breaks a promise is written beside them, as crash-... or timeout-..., and ends the run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.provide_tools import ATHERIS, ROOT

sys.path.append(str(ATHERIS))

import atheris

with atheris.instrument_imports(include=["fhir_mh"]):
    from fhir_mh import Validator
    from fhir_mh.errors import InvalidResource
    from fhir_mh.fhir.json import dumps, loads
    from fhir_mh.issues import Issue
    from fhir_mh.packages.base import base_facts
    from fhir_mh.packages.definitions import TYPE_URL

LARGEST = 20_000  # bytes of one input
SECOND = 1.0  # of processor time that an input may take, and as much again for each LARGEST of its bytes
STRANGE: list[Any] = [
    *(f"number {at}" for at in range(6)),
    None, True, False, 0, -1, 2**31, 10**30, 1.5, "", " ", "#", "#a", "2026-02-30", "Patient/1", "urn:uuid:x",
    "a" * 300, [], {}, [None], [[]], [{}], {"": ""}, {"resourceType": "Bundle"},
    {"reference": "#"}, {"coding": [{"code": "x"}]},
]  # fmt: skip
NUMBERS = (  # as json.dumps would never write them
    "1e99999999999999999999", "-1e-99999999999999999999", "9" * 5000, "1.50", "-0", "1E400",
)  # fmt: skip
VALIDATOR = Validator()
PROFILES: dict[str, list[str]] = {}
for url, facts in base_facts("own").items():
    if facts["resourceType"] == "StructureDefinition" and facts["kind"] == "resource":
        PROFILES.setdefault(facts["type"], []).append(url)
KEYS = sorted(
    {
        element["path"].rpartition(".")[2].removesuffix("[x]")
        for facts in base_facts("types").values()
        for element in facts.get("differential", ())
    }
)
TYPES = sorted(url.removeprefix(TYPE_URL) for url, facts in base_facts("types").items() if facts["kind"] == "resource")


class Broken(Exception):
    """A promise of the validator that an input broke."""


def look(data: bytes) -> None:
    """Raises Broken, or whatever the validator should not have raised."""
    began = time.process_time()
    asked = _once(data)
    if time.process_time() - began > SECOND * (1 + len(data) / LARGEST):
        began = time.process_time()  # what an input had to compile first is no hang
        _once(data)
        if (spent := time.process_time() - began) > SECOND * (1 + len(data) / LARGEST):
            raise Broken(f"{spent:.1f} s for {len(data)} bytes, against {asked}")


def _once(data: bytes) -> list[str]:
    try:
        held = loads(data)
    except InvalidResource as refused:
        told = VALIDATOR.validate(data).issues
        if [_apart_from_its_path(found) for found in told] != [_apart_from_its_path(found) for found in refused.issues]:
            raise Broken("what cannot be read is told in two ways") from None
        return []
    if loads(dumps(held)) != held:
        raise Broken("JSON is not written as it was read")
    kind = held.get("resourceType") if isinstance(held, dict) else None
    known = PROFILES.get(kind, []) if isinstance(kind, str) else []
    asked = [known[len(data) % len(known)]] if known else []
    for profiles in ([], asked) if asked else ([],):
        report = VALIDATOR.validate(data, profiles)
        if not all(found.line and found.column for found in report.issues + report.not_checked):
            raise Broken("a finding in text has no line")
        if isinstance(held, dict):
            again = VALIDATOR.validate(held, profiles)
            if [(f.code, f.path, f.message) for f in again.issues] != [
                (f.code, f.path, f.message) for f in report.issues
            ]:
                raise Broken("parsed JSON is answered otherwise than its text")
        dumps(report.outcome())
    return asked


def _apart_from_its_path(found: Issue) -> tuple[object, ...]:
    return found.code, found.line, found.column, found.message


# --- mutation that knows JSON


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Bytes near to data: mostly the same JSON with a few parts changed, sometimes any change to its bytes."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    if chance.random() < 0.25:
        return bytes(atheris.Mutate(data, most))
    try:
        held = json.loads(data)
    except (ValueError, RecursionError):
        return bytes(atheris.Mutate(data, most))
    for _ in range(chance.choice((1, 1, 2, 4))):
        held = _changed(held, chance)
    text = json.dumps(held, ensure_ascii=False)
    for at, token in enumerate(NUMBERS):
        text = text.replace(f'"number {at}"', token)
    made = text.encode("utf-8", "replace")
    return made if len(made) <= most else bytes(atheris.Mutate(data, most))


def _changed(whole: Any, chance: random.Random) -> Any:
    holders = [held for held in _inside(whole) if held]
    if not holders:
        return {"resourceType": chance.choice(TYPES)}
    holder, other = chance.choice(holders), chance.choice(holders)
    key: Any = chance.choice(list(holder)) if isinstance(holder, dict) else chance.randrange(len(holder))
    part = other[chance.choice(list(other))] if isinstance(other, dict) else chance.choice(other)
    match chance.randrange(9):
        case 0:
            del holder[key]
        case 1:
            holder[key] = _copy(chance.choice(STRANGE))
        case 2:
            holder[key] = _copy(part)
        case 3:
            holder[key] = [holder[key]]
        case 4 if isinstance(holder[key], list) and holder[key]:
            holder[key] = chance.choice((holder[key][0], holder[key] * 2))
        case 5 if isinstance(holder, dict):
            holder["_" + key if chance.random() < 0.3 else chance.choice(KEYS)] = _copy(part)
        case 6 if isinstance(holder[key], str):
            holder[key] = chance.choice((chance.choice(TYPES), holder[key] * 2, holder[key][:-1], holder[key] + "\n"))
        case 7 if isinstance(holder, dict):
            holder[chance.choice(KEYS)] = holder.pop(key)
        case _:
            holder[key] = chance.choice((chance.choice(KEYS), {chance.choice(KEYS): holder[key]}))
    return whole


def _copy(part: Any) -> Any:
    return json.loads(json.dumps(part))


def _inside(whole: Any) -> Iterator[Any]:
    layer = [whole]
    while layer:
        held = layer.pop()
        if isinstance(held, dict | list):
            yield held
            layer.extend(held.values() if isinstance(held, dict) else held)


# --- the run


def seeds(folder: Path) -> None:
    """Put the resources to start from into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    corpora = ROOT.parent / "shared" / "corpora"
    for around in (ROOT / "examples", corpora / "fhir-test-cases", corpora / "hl7-r4-examples", corpora / "uk-core"):
        for file in around.rglob("*.json"):
            data = file.read_bytes()
            if len(data) <= LARGEST and b'"resourceType"' in data:
                (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def main() -> None:
    """Look until the time is over or something is found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / ".tools" / "fuzz")
    said = parser.parse_args()
    seeds(said.folder / "seeds")
    (said.folder / "reached").mkdir(exist_ok=True)
    limits = [f"-max_total_time={said.seconds}", f"-max_len={LARGEST}", "-timeout=60", "-report_slow_units=60"]
    kept = [f"-artifact_prefix={said.folder}/", str(said.folder / "reached"), str(said.folder / "seeds")]
    atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", *kept], look, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
