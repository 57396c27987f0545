"""JSON that is well formed and yet cannot be held, and such that only seems so."""

from __future__ import annotations

import pytest

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir import json


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1e-99999999999999999999", "1E1000000000000000000"])
def test_a_number_of_too_many_places_is_refused_where_it_stands(number: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        json.loads(f'{{"a": [1.5,\n {{"b": {number}}}]}}')
    (found,) = refused.value.issues
    assert (found.code, found.path, found.line, found.column) == ("json-unreadable", "", 2, 8)


def test_characters_beyond_the_first_plane_written_as_escapes_cost_no_slow_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json, "locate", None)
    assert json.loads(r'{"a": ["\ud83d\ude00", "\\ud83d"]}') == {"a": ["😀", r"\ud83d"]}


@pytest.mark.parametrize("text", [r'{"a": ["\ud83d"]}', r'["\ude00\ud83d"]', r'{"\uDE00": 1}', r'["\\\ud83d"]'])
def test_half_of_a_pair_is_no_character(text: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        json.loads(text)
    assert [found.code for found in refused.value.issues] == ["json-unreadable"]
