"""Lines and columns of many elements, found in one pass over the text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mh.validation import positions as module
from fhir_mh.validation.positions import positions

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
names = st.text(max_size=3)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=30
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], Any]:
    found = {path: value}
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in inner:
        found.update(places(held, (*path, key)))
    return found


@given(json_values, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_what_stands_at_its_place_is_the_value(value: Any, indent: Any, ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    lines = text.split("\n")
    every = places(value)
    for (line, column), held in zip(positions(text, every), every.values(), strict=True):
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        assert json.JSONDecoder().raw_decode(rest)[0] == held


def test_what_is_not_there_is_told_at_what_is_around_it() -> None:
    text = '{\n "a": [1,\n  {"b": "x"}]}'
    asked: list[list[str | int]] = [["a", 1, "b"], ["a", 1, "gone", 3], ["a", 7], ["a", "b"], [], ["c"]]
    assert positions(text, asked) == [(3, 9), (3, 3), (2, 7), (2, 7), (1, 1), (1, 1)]
    assert positions("no JSON, and nothing is asked", []) == []


def test_a_number_of_more_digits_than_python_reads_is_passed() -> None:
    assert positions(f'{{"a": {"9" * 5000}, "b": 1}}', [["b"]]) == [(1, 5014)]


@pytest.mark.parametrize("levels", [1, 15, 16, 17, 18, 60])
def test_what_lies_deep_is_passed(levels: int) -> None:
    deep = "[" * levels + '"]}"' + "]" * levels
    assert positions(f'{{"a": {deep}, "b": [{deep}, 1, {deep}], "c": 2}}', [["b", 1], ["c"]]) == [
        (1, 2 * len(deep) + 17),
        (1, 3 * len(deep) + 28),
    ]


def test_all_are_found_in_one_pass(monkeypatch: Any) -> None:
    """The characters looked at are those of the text, however many places are asked for."""

    class Counting:
        def __init__(self, pattern: re.Pattern[str]) -> None:
            self.pattern = pattern

        def match(self, text: str, at: int) -> re.Match[str] | None:
            nonlocal looked
            found = self.pattern.match(text, at)
            looked += found.end() - at if found else 0
            return found

    looked = 0
    for name in ("_SPACE", "_SCALAR", "_KEY", "_MEMBER_END", "_TO_BRACKET"):
        monkeypatch.setattr(module, name, Counting(getattr(module, name)))
    passing = Counting(module._rest())
    monkeypatch.setattr(module, "_rest", lambda: passing)
    text = json.dumps({"a": [{"b": [n, "x"], "c": {}} for n in range(500)]}, indent=1)
    asked: list[list[str | int]] = [["a", n, key] for n in range(500) for key in ("b", "c", "gone")]
    assert len(set(positions(text, asked))) == 1500
    assert looked <= len(text)
