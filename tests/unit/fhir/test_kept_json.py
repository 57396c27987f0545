"""What dumps() has written is read quickly, and is the same to the last token."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import Number, dumps, load_kept, load_object, loads

TOKENS = (
    "0", "-0", "-1", "1.50", "1E3", "1e-7", "-0.0", "99999999999999999", "999999999999999999", "9223372036854775807",
    "-9223372036854775808", "18446744073709551616", "123456789012345678901234567890", "7",
)  # fmt: skip
NUMBERS = st.sampled_from(TOKENS).map(lambda token: load_object(f'{{"n":{token}}}')["n"])
TEXTS = st.text(max_size=8) | st.sampled_from(["-0", ": 1.5", "[1E3", "é\u2028", '"'])
VALUES = st.recursive(
    NUMBERS | st.booleans() | st.none() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def tokens(value: Any) -> Any:
    """A value in which every number stands as it was written, with its type."""
    if isinstance(value, dict):
        return {key: tokens(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [tokens(inner) for inner in value]
    return (type(value).__name__, str(value))


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_it_is_the_same_to_the_last_token(value: dict[str, Any]) -> None:
    text = dumps(value)
    slowly = tokens(load_object(text.decode()))
    assert tokens(load_kept(text)) == tokens(load_object(text)) == slowly
    assert dumps(load_kept(text)) == dumps(load_object(text)) == dumps(value)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("around", ['{"n":%s}', '{"m":1,"n":%s}', '{"n":[1,%s]}', '{"n":[%s,1]}', '{"n":[[%s]]}'])
def test_every_number_is_as_it_was_written(token: str, around: str) -> None:
    text = (around % token).encode()
    assert tokens(load_kept(text)) == tokens(load_object(text)) == tokens(load_object(text.decode()))


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    "around",
    ["%s", "[%s]", '{"n": %s }', '{"n":\n\t%s}', '{"n" :%s}', '{"n"\n: %s}', "[ %s]", "[1 ,%s]", '{"\\u0061":%s}'],
)
def test_so_it_is_in_text_of_others(token: str, around: str) -> None:
    text = around % token
    assert tokens(loads(text.encode())) == tokens(loads(text))


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":1}', '{"a":{"b":1,"b":2}}', '{"a":NaN}', '{"a":"\\ud800"}', "[" * 300 + "]" * 300]
)
def test_what_is_refused_is_refused_however_it_is_read(text: str) -> None:
    faults = []
    for form in (text, text.encode()):
        with pytest.raises(InvalidResource) as caught:
            loads(form)
        faults.append([(fault.code, fault.path, fault.line, fault.column) for fault in caught.value.issues])
    assert faults[0] == faults[1]


def test_a_number_that_would_be_rewritten_is_one_of_ours() -> None:
    assert isinstance(load_kept(b'{"n":1.50}')["n"], Number)


def test_what_a_gateway_keeps_is_read_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The times and dates that stand in every resource are not taken for numbers."""
    text = dumps({"meta": {"lastUpdated": "2026-11-26T16:40:11.618Z"}, "birthDate": "1984-02-03", "count": [1, 2]})
    monkeypatch.setattr("fhir_mh.fhir.json.load_object", None)
    assert load_kept(text)["count"] == [1, 2]
