"""Care plans, goals and consents that others wrote go into records and back, with every element."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_mh import from_bundle, to_bundle
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.records.trees import record_of, tree_of

CORPORA = Path(__file__).resolve().parents[2].parent / "shared" / "corpora"
KINDS = ("CarePlan", "Goal", "Consent")
PARTS = ("care_plans", "crisis_plans", "goals", "statements", "refusals", "sharing")
FLOORS = {
    "hl7-r4-examples/json": 0.55,
    "pacio-adi/published-2021": 0.55,
    "ihe-pcf/examples": 0.75,
    "synthea-r4/bundles": 0.60,
}

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="../shared/corpora is not beside the checkout"),
]


def bundles(corpus: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each Bundle with a plan, goal or consent in it, and each such resource in a Bundle of its own."""
    for path in sorted((CORPORA / corpus).glob("*.json")):
        body = load_object(path.read_bytes())
        if body["resourceType"] in KINDS:
            yield path.name, {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": body}]}
        elif any(entry.get("resource", {}).get("resourceType") in KINDS for entry in body.get("entry", [])):
            yield path.name, body


def missing(out: Any, came: Any, path: str = "") -> list[str]:
    """The places of `came` that `out` does not have as they were, tokens included."""
    if isinstance(came, dict):
        if not isinstance(out, dict):
            return [path]
        absent = [f"{path}.{key}" for key in came if key not in out]
        return absent + [p for key in came if key in out for p in missing(out[key], came[key], f"{path}.{key}")]
    if isinstance(came, list):
        if not isinstance(out, list) or len(out) != len(came):
            return [path]
        return [p for n, pair in enumerate(zip(out, came, strict=True)) for p in missing(*pair, f"{path}[{n}]")]
    return [] if dumps(out) == dumps(came) else [path]


def leaves(value: Any) -> int:
    """How many values there are, engine marks left out."""
    if isinstance(value, dict):
        return sum(leaves(inner) for key, inner in value.items() if not key.startswith("~"))
    return sum(map(leaves, value)) if isinstance(value, list) else 1


def unmapped(value: Any) -> int:
    """How many values stand in unknown content."""
    if isinstance(value, dict):
        return sum(leaves(inner) if key == "unknown" else unmapped(inner) for key, inner in value.items())
    return sum(map(unmapped, value)) if isinstance(value, list) else 0


@pytest.mark.parametrize("corpus", FLOORS)
def test_every_element_comes_back_and_most_have_a_field(corpus: str, capsys: pytest.CaptureFixture[str]) -> None:
    total = aside = 0
    for name, bundle in bundles(corpus):
        record = from_bundle(copy.deepcopy(bundle))
        assert missing(to_bundle(record), bundle) == [], name
        tree = tree_of(record)
        raw = [entry["resource"] for entry in tree.get("unknown", {}).get("entry", ()) if isinstance(entry, dict)]
        aside += sum(leaves(resource) for resource in raw if resource["resourceType"] in KINDS)
        aside += sum(unmapped(tree.get(part, [])) for part in PARTS)
        resources = [entry.get("resource", {}) for entry in bundle["entry"]]
        total += sum(leaves(resource) for resource in resources if resource.get("resourceType") in KINDS)
    assert total
    with capsys.disabled():
        print(f"\n{corpus}: {(total - aside) / total:.1%} of {total} values land in record fields")
    assert (total - aside) / total >= FLOORS[corpus]


@pytest.mark.parametrize("corpus", FLOORS)
def test_editing_one_field_changes_only_its_element(corpus: str) -> None:
    edited = 0
    for name, bundle in bundles(corpus):
        tree = tree_of(from_bundle(copy.deepcopy(bundle)))
        before = to_bundle(record_of(copy.deepcopy(tree)))
        item = next((item for part in ("care_plans", "goals") for item in tree.get(part, ())), None)
        if item is None:
            continue
        edited += 1
        field, element = ("title", "title") if item in tree.get("care_plans", ()) else ("status_reason", "statusReason")
        item[field] = "edited"
        after = to_bundle(record_of(tree))
        changed = missing(after, before) + missing(before, after)
        assert changed, name
        assert {path.rsplit(".", 1)[-1] for path in changed} == {element}, name
    assert edited or corpus.startswith("ihe")
