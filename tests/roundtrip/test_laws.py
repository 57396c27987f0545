"""The laws of a two-way mapping, on records of every shape the models allow, for every format and every redaction."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mh import from_bundle, to_bundle
from fhir_mh.consent import Decision
from fhir_mh.consent.decide import SECTIONS
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.holding import Holding, content
from fhir_mh.gateway.projection import project
from fhir_mh.mapping.formats import list_formats
from fhir_mh.mapping.formats.loss import compare
from fhir_mh.mapping.merge import merge
from fhir_mh.mapping.said import PROTECTING
from fhir_mh.profiles.bundle import write_entries
from fhir_mh.records.append_only import APPEND_ONLY
from fhir_mh.records.trees import record_of, tree_of
from fhir_mh.store import StoredResource
from tests.unit.profiles_package.generated import Generator

FORMATS = {known.name: known for known in list_formats()}
EDITED = "edited by the test"
Tree = dict[str, Any]
Path = tuple[str | int, ...]


def record(seed: int) -> Tree:
    """The first record that the models allow, counting up from a seed."""
    while True:
        try:
            return tree_of(record_of(Generator(random.Random(seed)).record()))
        except InvalidResource:
            seed += 1


SEEDS = st.integers(0, 2**32)


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place of a tree and what stands there; content without a field left out."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in inner:
        if key not in ("unknown", "numbers"):
            yield from walk(held, (*path, key))


def at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def texts(tree: Tree) -> list[Path]:
    """Where somebody's words stand."""
    return [path for path, _ in walk(tree) if path[-1:] == ("text",) and "text" in at(tree, path[:-1])]


def edited(tree: Tree, path: Path) -> Tree:
    after = copy.deepcopy(tree)
    at(after, path[:-1])[path[-1]] = EDITED
    return after


def ids(tree: Tree) -> set[str]:
    return {value for path, value in walk(tree) if path[-1:] == ("id",)}


def missing(out: Any, came: Any, path: str = "$") -> list[str]:
    """The places of `came` that `out` does not have as they were, number tokens included."""
    if isinstance(came, dict) and isinstance(out, dict):
        absent = [f"{path}.{key}" for key in came if key not in out]
        return absent + [p for key in came if key in out for p in missing(out[key], came[key], f"{path}.{key}")]
    if isinstance(came, list) and isinstance(out, list) and len(out) == len(came):
        return [p for n, pair in enumerate(zip(out, came, strict=True)) for p in missing(*pair, f"{path}[{n}]")]
    return [] if dumps(out) == dumps(came) else [path]


# --- providers' formats


@pytest.mark.parametrize("name", FORMATS)
@given(seed=SEEDS)
def test_what_a_format_says_changes_nothing_when_it_comes_back_as_it_was(name: str, seed: int) -> None:
    tree = record(seed)
    known = FORMATS[name]
    merged = known.put(tree, known.write(tree))
    assert (merged.changes, merged.conflicts) == ([], [])
    assert merged.tree == tree


@pytest.mark.parametrize("name", FORMATS)
@given(seed=SEEDS)
def test_an_edit_that_comes_back_in_a_format_loses_nothing_else(name: str, seed: int) -> None:
    tree, chance = record(seed), random.Random(seed)
    known = FORMATS[name]
    places = texts(tree)
    if not places:
        return
    path = chance.choice(places)
    merged = known.put(tree, known.write(edited(tree, path)))
    assert ids(tree) <= ids(merged.tree), "an item went"
    before = Counter(at(tree, place) for place in places)
    after = Counter(at(merged.tree, place) for place in texts(merged.tree))
    assert before - after <= Counter([at(tree, path)]), "more than the edited text went"
    if EDITED not in after:  # the format cannot say it, or a person is asked
        assert merged.conflicts or known.view(tree) == known.view(edited(tree, path))
        assert merged.tree == tree


@pytest.mark.parametrize("name", FORMATS)
@given(seed=SEEDS)
def test_what_was_told_in_confidence_stays_so_whoever_edits_it(name: str, seed: int) -> None:
    tree = record(seed)
    known = FORMATS[name]
    for path in texts(tree):
        marks = {mark: at(tree, path[:-1])[mark] for mark in PROTECTING if mark in at(tree, path[:-1])}
        if not marks:
            continue
        merged = known.put(tree, known.write(edited(tree, path)))
        same_place = [held for _, held in walk(merged.tree) if isinstance(held, dict) and held.get("text") == EDITED]
        replaced = at(tree, path) not in [at(merged.tree, p) for p in texts(merged.tree)]
        assert not replaced or all(marks.items() <= held.items() for held in same_place)
        return


@pytest.mark.parametrize("name", FORMATS)
@given(seed=SEEDS)
def test_the_loss_report_names_what_is_lost_and_nothing_else(name: str, seed: int) -> None:
    tree = record(seed)
    known = FORMATS[name]
    view = known.view(tree)
    lost = {loss.path for loss in known.losses(tree)}
    assert lost == {loss.path for loss in compare(tree, view, name)}
    assert not known.losses(view)
    said = dumps([loss.as_dict() for loss in known.losses(tree)]).decode()
    for path in texts(tree):
        words = str(at(tree, path))
        assert len(words) < 4 or words not in said, "the report shows what it reports on"


# --- FHIR


@given(seed=SEEDS)
def test_fhir_says_all_of_a_record(seed: int) -> None:
    tree = record(seed)
    assert tree_of(from_bundle(to_bundle(record_of(tree)))) == tree


@given(seed=SEEDS)
def test_an_edit_of_one_text_changes_no_other_element(seed: int) -> None:
    tree, chance = record(seed), random.Random(seed)
    places = texts(tree)
    if not places:
        return
    path = chance.choice(places)
    before, after = to_bundle(record_of(tree)), to_bundle(record_of(edited(tree, path)))
    changed = missing(after, before)
    assert changed
    for place, value in walk(after):
        shown = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
        if shown in changed:
            assert EDITED in dumps(value).decode()


def strange(bundle: Tree, chance: random.Random) -> Tree:
    """The Bundle with extensions nobody here knows, on resources and deep inside them, and numbers with tokens."""
    out = load_object(dumps(bundle))
    elements = [
        held for path, held in walk(out)
        if isinstance(held, dict) and len(path) > 3 and "resource" in path and not {"extension", "meta"} & {*path}
    ]  # fmt: skip
    for number, held in enumerate(chance.sample(elements, min(6, len(elements)))):
        token = chance.choice(("1.50", "1E3", "-0", "0.10"))
        text = f'{{"url":"https://vendor.example/strange-{number}","valueDecimal":{token}}}'
        held.setdefault("extension", []).append(load_object(text.encode()))
    return out


@given(seed=SEEDS)
def test_every_element_of_a_bundle_comes_back(seed: int) -> None:
    tree, chance = record(seed), random.Random(seed)
    came = strange(to_bundle(record_of(tree)), chance)
    assert missing(to_bundle(from_bundle(copy.deepcopy(came))), came) == []


@given(seed=SEEDS)
def test_unknown_content_stays_with_its_item_when_items_move_or_go(seed: int) -> None:
    tree, chance = record(seed), random.Random(seed)
    came = to_bundle(record_of(tree))
    goals = [entry["resource"] for entry in came["entry"] if entry["resource"]["resourceType"] == "Goal"]
    for goal in goals:
        goal["extension"] = [*goal.get("extension", []), {"url": "https://vendor.example/of", "valueId": goal["id"]}]
    held = tree_of(from_bundle(came))
    if not goals:
        return
    chance.shuffle(held["goals"])
    held["goals"] = held["goals"][: chance.randint(1, len(goals))]
    for entry in to_bundle(record_of(held))["entry"]:
        goal = entry["resource"]
        if goal["resourceType"] == "Goal":
            said = [one["valueId"] for one in goal["extension"] if one["url"] == "https://vendor.example/of"]
            assert said == [goal["id"]]


@given(seed=SEEDS)
def test_a_record_sent_without_its_unknown_content_keeps_it(seed: int) -> None:
    tree, chance = record(seed), random.Random(seed)
    held = tree_of(from_bundle(strange(to_bundle(record_of(tree)), chance)))
    merged = merge(held, held, without_unknown(held))
    assert (merged.tree, merged.changes, merged.conflicts) == (held, [], [])


def without_unknown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_unknown(inner) for key, inner in value.items() if key != "unknown"}
    return [without_unknown(inner) for inner in value] if isinstance(value, list) else value


# --- absence, position, redaction


@given(seed=SEEDS)
def test_absence_is_no_deletion_and_position_says_nothing(seed: int) -> None:
    tree, chance = record(seed), random.Random(seed)
    part = copy.deepcopy(tree)
    for name in list(part):
        if isinstance(part[name], list):
            chance.shuffle(part[name])
            part[name] = part[name][: chance.randint(0, len(part[name]))]
        elif name != "person" and chance.random() < 0.5:
            del part[name]
    merged = merge(tree, tree, part)
    assert (merged.tree, merged.changes, merged.conflicts) == (tree, [], [])


def holding(tree: Tree) -> tuple[Holding, list[StoredResource]]:
    """The record as a gateway holds it, and its resources as the store gives them."""
    moment = datetime(2026, 11, 24, 9, tzinfo=UTC)
    held, stored = Holding("person", "ZCT1"), []
    for written in write_entries(tree, relative=True):
        body = written.resource
        kind, name = body["resourceType"], body["id"]
        held.bodies[kind, name], held.custodians[kind, name] = body, "ZCT1"
        stored.append(StoredResource(kind, name, 1, "person", "ZCT1", False, moment, dumps(body)))
    return held, stored


def returned(tree: Tree, decision: Decision, path: Path | None) -> tuple[Tree, Any]:
    """What a partner that was shown this much sends back, with a text edited where one is named; (shown, merged)."""
    held, stored = holding(tree)
    shown = held.with_bodies(content(body) for body in project(stored, decision).shown)
    wanted = copy.deepcopy(shown.tree)
    if path is not None:
        at(wanted, path[:-1])[path[-1]] = EDITED
    return shown.tree, merge(held.tree, shown.tree, wanted, never=APPEND_ONLY)


@given(seed=SEEDS, sections=st.sets(st.sampled_from(SECTIONS)))
def test_what_was_withheld_is_untouched_when_the_rest_comes_back(seed: int, sections: set[str]) -> None:
    tree = record(seed)
    _, merged = returned(tree, Decision(frozenset(sections)), None)
    assert (merged.changes, merged.conflicts) == ([], [])
    assert merged.tree == holding(tree)[0].tree


@given(seed=SEEDS, sections=st.sets(st.sampled_from(SECTIONS)))
def test_an_edit_of_what_was_shown_changes_only_that(seed: int, sections: set[str]) -> None:
    tree, chance = record(seed), random.Random(seed)
    decision = Decision(frozenset(sections))
    shown, _ = returned(tree, decision, None)
    places = [path for path in texts(shown) if path[0] not in APPEND_ONLY]
    if not places:
        return
    path = chance.choice(places)
    _, merged = returned(tree, decision, path)
    assert not merged.conflicts
    assert len(merged.changes) == 1
    assert missing(merged.tree, edited(holding(tree)[0].tree, path)) == []
