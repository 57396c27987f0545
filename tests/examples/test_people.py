"""The whole people: each step is a record that stands by itself, and a lawful edit of the step before."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from nhs_number import is_valid as is_nhs_number

from fhir_mh import Validator, from_bundle, to_bundle
from fhir_mh.fhir.json import load_object
from fhir_mh.mapping.merge import merge
from fhir_mh.profiles.bundle import TABLES, write_entries
from fhir_mh.records.content_hash import sameness_of
from fhir_mh.records.trees import record_of, tree_of
from scripts.pages.examples import values_at
from scripts.pages.rows import rows_of

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted((ROOT / "examples" / "people").iterdir())
STEPS = ("1-community", "2-placed", "3-home")
README = (ROOT / "examples" / "README.md").read_text("utf-8")
Tree = dict[str, Any]
# What no step of a person who comes home can say, and where it is said instead.
ELSEWHERE = {
    "deceased_at": "examples/records/after-death.json",
    "death_notification.status": "examples/records/after-death.json",
    "death_notification.effective_at": "examples/records/after-death.json",
    "deceased": "deceased_at says it with its day",
    "terms.decision": "R4 allows the outermost rule none: it stands in the exceptions, and theirs is the same field",
}


def tree(file: Path) -> Tree:
    return tree_of(record_of(load_object(file.read_bytes())))


def steps(folder: Path) -> list[Tree]:
    return [tree(folder / f"{step}.json") for step in STEPS]


def items(value: Any, path: str = "") -> Iterator[tuple[str, Tree]]:
    """Every entry of the record that has an id, by its path in ids."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        for entry in inner if isinstance(inner, list) else ():
            if isinstance(entry, dict) and "id" in entry and set(entry) - {"id", "type", "display"}:
                where = f"{path}/{name}/{entry['id']}"
                yield where, entry
                yield from items(entry, where)


@pytest.mark.parametrize("file", [f for folder in FOLDERS for f in sorted(folder.iterdir())],
                         ids=lambda file: f"{file.parent.name}/{file.stem}")  # fmt: skip
def test_a_step_is_valid_and_comes_back_equal(file: Path, validator: Validator) -> None:
    record = record_of(load_object(file.read_bytes()))
    bundle = to_bundle(record)
    issues = validator.validate(bundle).issues
    assert [(found.code, found.path, found.message) for found in issues if found.severity != "warning"] == []
    assert from_bundle(bundle) == record


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_step_is_a_lawful_edit_of_the_one_before(folder: Path) -> None:
    told = steps(folder)
    for before, after in pairwise(told):
        merged = merge(copy.deepcopy(before), before, after)
        assert merged.tree == after
        assert not merged.conflicts
        was, now = dict(items(before)), dict(items(after))
        assert was.keys() <= now.keys(), "nothing goes"
        _terms_are_only_added_to(before, after)
        _versions_rise(before, after)
        _directives_are_not_rewritten(before, after)


def _terms_are_only_added_to(before: Tree, after: Tree) -> None:
    for part in ("stays", "placements"):
        for old, new in zip(before.get(part, ()), after.get(part, ()), strict=False):
            for term in ("estimated_discharge", "length_of_stay", "history"):
                kept = old.get(term, [])
                assert new.get(term, [])[: len(kept)] == kept, term


def _versions_rise(before: Tree, after: Tree) -> None:
    for part in ("care_plans", "crisis_plans"):
        for old, new in zip(before[part], after[part], strict=False):
            changed = {**old, "version": 0} != {**new, "version": 0}
            assert new["version"] == old["version"] + changed, f"{part}: a change raises the version, and nothing else"


def _directives_are_not_rewritten(before: Tree, after: Tree) -> None:
    standing = ("status", "withdrawn")
    for part in ("statements", "refusals", "nominations", "powers_of_attorney", "choice_documents", "sharing"):
        now = {entry["id"]: entry for entry in after.get(part, ())}
        for old in before.get(part, ()):
            new = now[old["id"]]
            assert {k: v for k, v in old.items() if k not in standing} == {
                k: v for k, v in new.items() if k not in standing
            }
            assert old["status"] == "active" or new["status"] == old["status"], "what was ended stays so"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_story_goes_from_community_to_placement_to_home(folder: Path) -> None:
    assert sorted(file.stem for file in folder.iterdir()) == sorted(STEPS)
    at_home, placed, back = steps(folder)
    assert not at_home.get("stays")
    assert not at_home.get("placements")
    assert placed["stays"][0]["status"] == "in-progress"
    assert placed["placements"][0]["status"] == "active"
    assert back["stays"][0]["status"] == "finished"
    assert back["follow_ups"][0]["held"][:10] >= back["stays"][0]["period"]["end"]


def test_there_are_six_each_told_in_the_readme() -> None:
    assert len(FOLDERS) == 6
    assert set(re.findall(r"^### `people/([a-z-]+)`", README, re.MULTILINE)) == {folder.name for folder in FOLDERS}


def test_nobody_could_be_taken_for_somebody() -> None:
    numbers: list[str] = []
    for folder in FOLDERS:
        told = steps(folder)
        assert len({step["person"]["nhs_number"] for step in told}) == 1
        numbers += [told[0]["person"]["nhs_number"], *told[0]["person"].get("former_nhs_numbers", ())]
        scenario = told[0]["person"]["names"][0]
        assert "-" in scenario["family"], "named for the scenario"
    assert len(set(numbers)) == len(numbers)
    assert all(number.startswith("999") and is_nhs_number(number) for number in numbers)


def test_between_them_they_use_every_field_of_a_record() -> None:
    written = [
        entry
        for folder in FOLDERS
        for step in steps(folder)
        for entry in write_entries(step, relative=True)
    ]  # fmt: skip
    missing = {
        f"{table.name}: {row.field}"
        for table in TABLES
        for row in rows_of(table)
        if row.field not in ELSEWHERE
        and not any(
            next(values_at(table.group, held.resource, path), None) is not None
            for held in written if held.table is table for path in row.paths
        )
    }  # fmt: skip
    assert missing == set()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_plan_is_what_its_hash_says_of_it(folder: Path) -> None:
    for step in steps(folder):
        found = list(sameness_of(step))
        assert len(found) > 1
        assert all(one.same for one in found), [one.plan for one in found if not one.same]


def test_what_the_people_cannot_say_is_said_where_it_is_said_to_be() -> None:
    person = tree(ROOT / "examples/records/after-death.json")["person"]
    assert person["deceased_at"]
    assert person["death_notification"]["status"]
    assert person["death_notification"]["effective_at"]
