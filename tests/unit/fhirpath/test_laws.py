"""What holds of every date, quantity and decimal, whatever its value."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mh import fhirpath
from fhir_mh.fhir.json import loads
from fhir_mh.fhirpath import FHIRPathError, Quantity
from fhir_mh.fhirpath.functions import REGISTRY

OPPOSITE = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!=", "~": "~", "!~": "!~"}
OPERATORS = st.sampled_from(sorted(OPPOSITE))
FULL = st.datetimes(min_value=datetime.fromisoformat("1000-01-01"))
ZONES = st.sampled_from(["", "Z", "+01:00", "-11:30"])


@st.composite
def moments(draw: st.DrawFn) -> str:
    """A date or date-time literal, known to some part."""
    text, zone = draw(FULL).isoformat(timespec="milliseconds"), draw(ZONES)
    length = draw(st.sampled_from([4, 7, 10, 13, 16, 19, 23]))
    return "@" + text[:length] + (zone if length > 10 else draw(st.sampled_from(["", "T"])))


@st.composite
def times(draw: st.DrawFn) -> str:
    return "@T" + draw(FULL).isoformat(timespec="milliseconds")[11 : draw(st.sampled_from([13, 16, 19, 23]))]


DECIMALS = st.decimals(min_value=-(10**12), max_value=10**12, places=4, allow_nan=False)
WRITTEN = st.from_regex(r"\A(0|[1-9][0-9]{0,11})\.[0-9]{1,12}\Z")
UNITS = st.sampled_from(
    ["'mg'", "'g'", "'kg'", "'m'", "'cm'", "'s'", "'min'", "'1'", "days", "weeks", "years", "'a'", "'{x}'"]
)
QUANTITIES = st.builds(lambda value, unit: f"{value} {unit}", st.one_of(WRITTEN, st.integers(0, 10**9).map(str)), UNITS)
VALUES = st.one_of(moments(), times(), WRITTEN, QUANTITIES, st.integers(0, 2**63 - 1).map(str))


def value(expression: str) -> Any:
    """The one value, None where there is none, or the kind of the refusal."""
    try:
        found = fhirpath.evaluate(None, expression)
    except FHIRPathError as fault:
        return fault.kind
    assert len(found) < 2
    return found[0] if found else None


@settings(max_examples=300, deadline=None)
@given(VALUES, VALUES, OPERATORS)
def test_a_comparison_is_the_same_from_the_other_side(left: str, right: str, operator: str) -> None:
    assert value(f"{left} {operator} {right}") == value(f"{right} {OPPOSITE[operator]} {left}")


@settings(max_examples=200, deadline=None)
@given(st.one_of(moments(), times(), WRITTEN, QUANTITIES))
def test_a_value_equals_itself(text: str) -> None:
    assert value(f"{text} = {text}") is True
    assert value(f"{text} ~ {text}") is True
    assert value(f"{text} <= {text}") is True
    assert value(f"{text} < {text}") is False
    assert value(f"({text} | {text}).count()") == 1


@settings(max_examples=300, deadline=None)
@given(VALUES, VALUES)
def test_at_most_one_of_less_equal_and_more_holds(left: str, right: str) -> None:
    held = [value(f"{left} {operator} {right}") for operator in "<=>"]
    if "execution" in held:
        assert held[0] == held[2] == "execution"
        assert held[1] in (False, None)
    else:
        assert held.count(True) == 1 or held == [None] * 3


@settings(max_examples=300, deadline=None)
@given(FULL, st.sampled_from([4, 7, 10, 13, 16, 19]), st.sampled_from([4, 7, 10, 13, 16, 19]))
def test_a_date_of_another_precision_is_neither_equal_nor_before(when: Any, left: int, right: int) -> None:
    text = when.isoformat(timespec="seconds")
    one, other = "@" + text[:left], "@" + text[:right]
    for operator in "<=>":
        found = value(f"{one} {operator} {other}")
        assert found is (None if left != right else operator == "=")
    assert value(f"{one} ~ {other}") is (left == right)


@settings(max_examples=200, deadline=None)
@given(st.one_of(moments(), times(), WRITTEN, QUANTITIES))
def test_a_value_is_written_as_it_was_read(text: str) -> None:
    assert value(f"({text}).toString()") == str(value(text)) == text.removeprefix("@T" if text[1] == "T" else "@")


@settings(max_examples=200, deadline=None)
@given(WRITTEN)
def test_a_decimal_of_a_resource_is_written_as_it_was_read(text: str) -> None:
    resource = loads(f'{{"resourceType": "Observation", "valueQuantity": {{"value": {text}, "code": "mg"}}}}')
    assert str(fhirpath.evaluate(resource, "value.value")[0]) == text
    assert fhirpath.evaluate(resource, "value.value.toString()") == [text]
    assert fhirpath.evaluate(resource, "value.value.toString().toDecimal() = value.value") == [True]


@settings(max_examples=200, deadline=None)
@given(DECIMALS, DECIMALS)
def test_decimals_are_added_exactly(left: Decimal, right: Decimal) -> None:
    given = {"left": left, "right": right}
    assert fhirpath.evaluate(None, "%left + %right", given) == [left + right]
    assert fhirpath.evaluate(None, "%left + %right - %right = %left", given) == [True]


@settings(max_examples=200, deadline=None)
@given(
    DECIMALS.filter(bool), st.sampled_from([("kg", "g", 1000), ("g", "mg", 1000), ("m", "cm", 100), ("min", "s", 60)])
)
def test_a_quantity_equals_itself_in_another_unit(amount: Decimal, units: tuple[str, str, int]) -> None:
    larger, smaller, factor = units
    given = {"one": Quantity(amount, larger), "other": Quantity(amount * factor, smaller)}
    assert fhirpath.evaluate(None, "%one = %other and %one ~ %other and (%one < %other).not()", given) == [True]


@pytest.mark.parametrize("unit", ["years", "months", "weeks", "days", "hours", "minutes", "seconds"])
@settings(max_examples=60, deadline=None)
@given(moments(), st.integers(0, 5000))
def test_a_moved_date_keeps_its_precision_and_is_not_earlier(unit: str, moment: str, amount: int) -> None:
    before, after = value(moment), value(f"{moment} + {amount} {unit}")
    if after is not None:
        assert (after.kind, len(after.parts), after.offset) == (before.kind, len(before.parts), before.offset)
        assert value(f"{moment} + {amount} {unit} >= {moment}") is True
        assert value(f"{moment} - {amount} {unit} <= {moment}") in (True, None)


@settings(max_examples=150, deadline=None)
@given(FULL, st.integers(-(10**6), 10**6), st.sampled_from(["weeks", "days", "hours", "minutes", "seconds"]))
def test_a_date_moved_there_and_back_is_the_same(when: Any, amount: int, unit: str) -> None:
    text = "@" + when.isoformat(timespec="milliseconds") + "Z"
    there = f"({text} + {abs(amount)} {unit})" if amount >= 0 else f"({text} - {abs(amount)} {unit})"
    back = f"{there} {'-' if amount >= 0 else '+'} {abs(amount)} {unit}"
    assert value(f"{back} = {text}") in (True, None)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(VALUES, min_size=1, max_size=4),
    st.sampled_from(["|", "+", "-", "*", "/", "div", "mod", "&", "in", "and", "as Integer |"]),
)
def test_any_arithmetic_gives_a_value_or_a_refusal(values: list[str], operator: str) -> None:
    try:
        fhirpath.evaluate(None, f" {operator} ".join(values))
    except FHIRPathError as fault:
        assert fault.kind in ("syntax", "execution")


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(VALUES, st.sampled_from(["'a'", "''", "true", "{}", "'2024'", "'1.5'", "'5 days'", "('a' | 1)"])),
    st.sampled_from(sorted(REGISTRY)),
    st.lists(st.one_of(VALUES, st.sampled_from(["$this", "'a'", "2", "{}", "true", "Integer"])), max_size=3),
)
def test_any_function_gives_a_value_or_a_refusal(text: str, name: str, arguments: list[str]) -> None:
    try:
        fhirpath.evaluate(None, f"({text}).{name}({', '.join(arguments)})")
    except FHIRPathError as fault:
        assert fault.kind in ("syntax", "execution", "limit")
