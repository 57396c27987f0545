"""What a server made of a copy is no change; what somebody changed in it is that change and no other."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

from hypothesis import given

from fhir_mh.connectors.fhir_server.reading import laid_over
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway.holding import Holding, key_of
from fhir_mh.mapping.merge import Merged, merge
from fhir_mh.profiles.bundle import write_entries
from fhir_mh.records.append_only import APPEND_ONLY
from tests.roundtrip.test_laws import EDITED, SEEDS, Path, Tree, at, edited, record, texts

Body = dict[str, Any]
HEAD = ("resourceType", "id")


def resources(tree: Tree) -> list[Body]:
    return [written.resource for written in write_entries(tree, relative=True)]


def flattened(value: Any, chance: random.Random, *kept: str) -> Any:
    """What a server that knows little keeps: elements and entries gone, lists in another order. kept: what it keeps."""
    if isinstance(value, list):
        entries = [flattened(inner, chance, *kept) for inner in value if chance.random() < 0.8]
        chance.shuffle(entries)
        return entries
    if not isinstance(value, dict):
        return value
    there = {key: inner for key, inner in value.items() if key in kept or chance.random() < 0.8}
    out = {key: inner if key in HEAD else flattened(inner, chance, *kept) for key, inner in there.items()}
    return {key: inner for key, inner in out.items() if inner not in ([], {}, [{}])}


@given(seed=SEEDS)
def test_whatever_a_server_drops_is_no_change(seed: int) -> None:
    chance = random.Random(seed)
    for sent in resources(record(seed)):
        there = {**flattened(sent, chance), **{name: sent[name] for name in HEAD}}
        there["meta"] = {
            "versionId": "7",
            "lastUpdated": "2026-11-24T09:30:00Z",
            "source": "#x",
            "tag": [{"code": "y"}],
        }
        there["text"] = {"status": "generated", "div": "<div>made up</div>"}
        assert laid_over(sent, there) == sent


def come_back(seed: int, by: Callable[[Body, random.Random], Body]) -> tuple[Tree, Path | None, Merged]:
    """(what was sent, which text was changed there, what comes of it) of a record whose server does this to it."""
    chance = random.Random(seed)
    holding = Holding("person", "ZCT1").with_bodies(resources(record(seed)))
    shown = holding.tree
    places = [place for place in texts(shown) if place[0] not in (*APPEND_ONLY, "unknown")]
    if not places:
        return shown, None, Merged(shown)
    path = chance.choice(places)
    sent = {key_of(body): body for body in resources(shown)}
    there = {key_of(body): by(body, chance) for body in resources(edited(shown, path))}
    read = [laid_over(sent[key], {**body, "resourceType": key[0], "id": key[1]}) for key, body in there.items()]
    merged = merge(shown, shown, holding.with_bodies(read).tree, never=APPEND_ONLY)
    assert merged.conflicts == []
    return shown, path, merged


@given(seed=SEEDS)
def test_a_text_that_is_changed_there_is_that_row_and_no_other(seed: int) -> None:
    shown, path, merged = come_back(seed, lambda body, chance: body)
    if path is None:
        return
    assert len(merged.changes) == 1
    if at(merged.tree, path) != EDITED:
        assert _cannot_be_told(shown, merged.tree, path)
        return
    untouched = copy.deepcopy(merged.tree)
    holder = at(untouched, path[:-1])
    holder.clear()
    other = copy.deepcopy(shown)
    at(other, path[:-1]).clear()
    assert untouched == other, "something else changed as well"


@given(seed=SEEDS)
def test_of_a_text_that_is_changed_where_little_is_kept_nothing_else_comes(seed: int) -> None:
    shown, path, merged = come_back(seed, lambda body, chance: flattened(body, chance, "id", "resourceType"))
    if path is None or not merged.changes:
        return
    assert [change for change in merged.changes if not _is_edited(change.after)] == []
    for place in texts(shown):
        if place != path:
            assert at(merged.tree, place) == at(shown, place), "another text changed as well"


def test_codes_that_are_not_kept_there_are_as_they_were_beside_changed_words() -> None:
    codes = [{"system": "https://one.example", "code": "1", "display": "One"}, {"system": "https://two.example"}]
    sent = {"resourceType": "Goal", "id": "goal", "description": {"text": "Sleep", "coding": codes}}
    for held, wanted in (([{"system": "https://two.example"}], codes), ([{"code": "3"}], [{"code": "3"}])):
        there = {**sent, "description": {"text": "Sleep well", "coding": held}}
        assert laid_over(sent, there)["description"] == {"text": "Sleep well", "coding": wanted}


def _cannot_be_told(shown: Tree, now: Tree, path: Path) -> bool:
    """Whether another entry without an id may be what is left there of the changed one, which so stands beside both."""
    index = max((number for number, step in enumerate(path) if isinstance(step, int)), default=None)
    if index is None:
        return False
    entries, before, inside = at(now, path[:index]), at(shown, path[:index]), path[index + 1 :]
    changed = before[path[index]]
    others = [entry for number, entry in enumerate(before) if number != path[index]]
    return (
        "id" not in changed
        and any(_is_left_of(entry, changed, inside) for entry in others)
        and entries[: len(before)] == before
        and [at(entry, inside) for entry in entries[len(before) :]] == [EDITED]
    )


def _is_left_of(entry: Tree, changed: Tree, inside: Path) -> bool:
    """Whether an entry says nothing that another does not, or the same at the place inside that was changed."""
    if inside == ("text",) and entry.get("text") == changed["text"]:
        return True
    return all(changed.get(name) == value for name, value in entry.items())


def test_a_change_beside_an_entry_that_says_less_of_the_same_stands_beside_both() -> None:
    kept, less = {"use": "usual", "type": {"text": "Ward"}}, {"use": "usual"}
    sent = {"resourceType": "Patient", "id": "p", "identifier": [kept, less]}
    changed = {"use": "usual", "type": {"text": "Clinic"}}
    assert laid_over(sent, {**sent, "identifier": [changed, less]})["identifier"] == [kept, less, changed]


def _is_edited(after: Any) -> bool:
    return EDITED in dumps(after).decode()


@given(seed=SEEDS)
def test_what_a_server_makes_of_everything_is_nobodys_change_where_its_answer_is_known(seed: int) -> None:
    for sent in resources(record(seed)):
        answered = rewritten(sent)
        assert laid_over(sent, answered, answered) == sent
        assert laid_over(sent, flattened(answered, random.Random(seed), *HEAD), answered) == sent


def rewritten(value: Any) -> Any:
    """What a server makes of a resource that trims and shouts, and adds something of its own everywhere."""
    if isinstance(value, list):
        return [rewritten(inner) for inner in value]
    if isinstance(value, dict):
        told = {
            key: inner if key in (*HEAD, "url", "system", "reference") else rewritten(inner)
            for key, inner in value.items()
        }
        return {**told, "userData": "of the server"}
    return value.upper() if isinstance(value, str) else value
