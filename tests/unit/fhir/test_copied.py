"""A copy of JSON says the same, and a change of it is none of what it was made of."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_mh.fhir.json import Number, dumps
from fhir_mh.fhir.parts import copied

_LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5) | st.just(Number("1.50"))
JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


def empty(value: Any) -> None:
    """Take everything out of every object and list of a value."""
    inside = [*value.values()] if isinstance(value, dict) else [*value] if isinstance(value, list) else []
    for inner in inside:
        empty(inner)
    if isinstance(value, dict | list):
        value.clear()


@given(JSON)
def test_what_is_done_to_a_copy_is_not_done_to_what_was_copied(value: Any) -> None:
    said = dumps(value)
    made = copied(value)
    assert dumps(made) == said
    empty(made)
    assert dumps(value) == said
