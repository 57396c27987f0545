"""Planted faults: tests/conformance/planted.yaml, applied to a Bundle that is right."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fhir_mh import CareRecord, to_bundle
from fhir_mh.fhir.json import loads
from tests.house.source import ROOT

_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]\.resource(?:\.ofType\(\w+\))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault, and what each engine must say of it."""

    name: str
    target: str
    changes: dict[str, Any]
    ours: tuple[str, ...]
    theirs: str


def faults() -> list[Fault]:
    """All of them, in the order of the file."""
    held = yaml.safe_load((Path(__file__).parent / "planted.yaml").read_text("utf-8"))
    return [Fault(f["name"], f["in"], f["set"], tuple(f["ours"]), f["theirs"]) for f in held]


def whole_person() -> dict[str, Any]:
    """The Bundle that the faults are planted into."""
    text = (ROOT / "examples" / "records" / "whole-person.json").read_bytes()
    return to_bundle(CareRecord.model_validate(loads(text)))


def planted(bundle: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """A copy of the Bundle with the fault in it."""
    changed = copy.deepcopy(bundle)
    found = [e["resource"] for e in changed["entry"] if name(e["resource"]) == fault.target]
    assert len(found) == 1, f"{fault.target} is not in the Bundle once"
    for path, value in fault.changes.items():
        _set(found[0], path.split("."), value)
    assert changed != bundle
    return changed


def name(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def within(bundle: dict[str, Any], path: str) -> tuple[str, str]:
    """(the resource a path of the Bundle leads into, the path within it); for the Bundle itself the name is empty."""
    found = _ENTRY.match(path)
    if found is None:
        return "", path
    resource = bundle["entry"][int(found[1])]["resource"]
    return name(resource), resource["resourceType"] + _named(resource, path[found.end() :])


def _named(held: Any, path: str) -> str:
    """A path in which extensions go by the end of their URL, so that it stays when another comes before them."""
    out = ""
    for step in re.findall(r"\.(?:ofType\(\w+\)|\w+(?:\[\d+\])?)", path):
        key, _, index = step[1:].rstrip("]").partition("[")
        held = held.get(key) if isinstance(held, dict) else None
        if index and isinstance(held, list) and int(index) < len(held):
            held = held[int(index)]
        named = key == "extension" and isinstance(held, dict) and "url" in held
        out += f".extension({held['url'].rpartition('/')[2]})" if named and isinstance(held, dict) else step
    return out


def _set(held: Any, steps: list[str], value: Any) -> None:
    *outer, last = steps
    for step in outer:
        held = held[_key(held, step)]
    if last == "+":
        held.append(value)
    elif value is None:
        del held[_key(held, last)]
    else:
        held[_key(held, last)] = value


def _key(held: Any, step: str) -> Any:
    """A step as a key: of an object, a number in a list, or the one extension whose URL ends so."""
    if not isinstance(held, list):
        return step
    if step.startswith("~"):
        return next(at for at, entry in enumerate(held) if entry["url"].rpartition("/")[2] == step[1:])
    return int(step)
