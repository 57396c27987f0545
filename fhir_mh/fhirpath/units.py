"""Quantities, and as much of UCUM as comparing them needs: metric units with prefixes, products and powers."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

CALENDAR_UNITS = {
    "year": "a",
    "years": "a",
    "month": "mo",
    "months": "mo",
    "week": "wk",
    "weeks": "wk",
    "day": "d",
    "days": "d",
    "hour": "h",
    "hours": "h",
    "minute": "min",
    "minutes": "min",
    "second": "s",
    "seconds": "s",
    "millisecond": "ms",
    "milliseconds": "ms",
}
_FIELD_OF = {
    "a": "year",
    "mo": "month",
    "wk": "week",
    "d": "day",
    "h": "hour",
    "min": "minute",
    "s": "second",
    "ms": "millisecond",
}
_PREFIXES = {
    "k": "1e3",
    "h": "1e2",
    "da": "10",
    "d": "0.1",
    "c": "0.01",
    "m": "0.001",
    "u": "1e-6",
    "n": "1e-9",
    "M": "1e6",
    "G": "1e9",
}
_METRIC = {
    "g": ("1", {"g": 1}),
    "m": ("1", {"m": 1}),
    "s": ("1", {"s": 1}),
    "l": ("0.001", {"m": 3}),
    "L": ("0.001", {"m": 3}),
    "mol": ("1", {"mol": 1}),
    "K": ("1", {"K": 1}),
    "Pa": ("1000", {"g": 1, "m": -1, "s": -2}),
    "J": ("1000", {"g": 1, "m": 2, "s": -2}),
}
_FIXED = {
    "1": ("1", {}),
    "%": ("0.01", {}),
    "min": ("60", {"s": 1}),
    "h": ("3600", {"s": 1}),
    "d": ("86400", {"s": 1}),
    "wk": ("604800", {"s": 1}),
    "mo": ("2629800", {"s": 1}),
    "a": ("31557600", {"s": 1}),
    "[in_i]": ("0.0254", {"m": 1}),
    "[lb_av]": ("453.59237", {"g": 1}),
    "[ft_i]": ("0.3048", {"m": 1}),
}
LARGEST = 28  # the power of ten that no decimal goes beyond
_LONGEST = 100  # characters of a unit that is looked into
_FACTOR = re.compile(r"(\[[^\]]+\]|%|1|[A-Za-z]+)(-?\d+)?")


class Quantity(NamedTuple):
    """A value with its unit: a UCUM code, or a calendar word such as `days`."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        """As FHIRPath writes it: `5 'mg'`, `2 days`."""
        return f"{self.value} {self.unit}" if self.unit in CALENDAR_UNITS else f"{self.value} '{self.unit}'"

    @property
    def ucum(self) -> str:
        """The unit as a UCUM code."""
        return CALENDAR_UNITS.get(self.unit, self.unit)

    @property
    def field(self) -> str | None:
        """The part of a date that this is an amount of, if it is one."""
        return _FIELD_OF.get(self.ucum)


class Unit(NamedTuple):
    """A unit as a factor and the powers of base units, in order."""

    factor: Decimal
    powers: tuple[tuple[str, int], ...]


@lru_cache(maxsize=512)
def unit(code: str) -> Unit | None:
    """The unit a UCUM code names; None where this part of UCUM does not hold it."""
    if len(code) > _LONGEST:
        return None
    factor, powers = Decimal(1), dict[str, int]()
    sign = 1
    for piece in re.split(r"([./])", code or "1"):
        if piece in (".", "/"):
            sign = 1 if piece == "." else -1
            continue
        match = _FACTOR.fullmatch(piece)
        atom = _atom(match.group(1)) if match else None
        if match is None or atom is None:
            return Unit(Decimal(1), ()) if code.startswith("{") and code.endswith("}") else None
        power = sign * int(match.group(2) or 1)
        factor *= atom.factor**power
        for base, exponent in atom.powers:
            powers[base] = powers.get(base, 0) + exponent * power
    return Unit(factor, tuple(sorted((base, power) for base, power in powers.items() if power)))


def _atom(symbol: str) -> Unit | None:
    if symbol in _FIXED:
        factor, powers = _FIXED[symbol]
        return Unit(Decimal(factor), tuple(powers.items()))
    for prefix, scale in (("", "1"), *_PREFIXES.items()):
        if symbol.startswith(prefix) and symbol[len(prefix) :] in _METRIC:
            factor, powers = _METRIC[symbol[len(prefix) :]]
            return Unit(Decimal(factor) * Decimal(scale), tuple(powers.items()))
    return None


def calendar_apart(left: Quantity, right: Quantity) -> bool:
    """Whether one is in years or months of the calendar and the other in UCUM's of a fixed length: only `~` holds.

    See https://hl7.org/fhirpath/N1/#time-valued-quantities
    """
    words = [one.unit in CALENDAR_UNITS for one in (left, right)]
    long = any(one.ucum in ("a", "mo") for one in (left, right))
    return long and words[0] != words[1]


def in_common(left: Quantity, right: Quantity) -> tuple[Decimal, Decimal] | None:
    """The values of both in one unit; None where their units cannot be converted."""
    if left.ucum == right.ucum:
        return left.value, right.value
    mine, theirs = unit(left.ucum), unit(right.ucum)
    if mine is None or theirs is None or mine.powers != theirs.powers:
        return None
    return left.value * mine.factor, right.value * theirs.factor


def combined(left: Quantity, right: Quantity, sign: int) -> Quantity | None:
    """Product (sign 1) or quotient (sign -1), in base units unless one side has none."""
    mine, theirs = unit(left.ucum), unit(right.ucum)
    if mine is None or theirs is None or (sign < 0 and not right.value):
        return None
    powers = dict(mine.powers)
    for base, power in theirs.powers:
        powers[base] = powers.get(base, 0) + sign * power
    code = ".".join(base + (str(power) if power != 1 else "") for base, power in sorted(powers.items()) if power) or "1"
    first, second = left.value * mine.factor, right.value * theirs.factor
    return Quantity(first * second if sign > 0 else first / second, code)


def too_large(number: Any) -> bool:
    """Whether a result is beyond what is worked with: whole numbers of 64 bits, decimals of 28 digits."""
    if isinstance(number, Quantity):
        number = number.value
    if isinstance(number, Decimal):
        return not number.is_finite() or (number != 0 and abs(number.adjusted()) > LARGEST)
    return isinstance(number, int) and number.bit_length() > 63
