"""How precise a value is, and the least and greatest value it may stand for."""

from __future__ import annotations

from calendar import monthrange
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from fhir_mh.fhirpath.moments import Moment


def precision(value: Any) -> int | None:
    """Digits after the point of a number; digits known of a date or time."""
    if isinstance(value, Moment):
        digits = value.text.split("Z")[0]
        if "T" in digits and value.offset is not None:
            digits = digits.split("+")[0]
        return sum(character.isdigit() for character in digits)
    if isinstance(value, Decimal):
        return max(-int(value.as_tuple().exponent), 0)
    return 0 if isinstance(value, int) and not isinstance(value, bool) else None


def boundary(value: Any, low: bool, digits: int | None, kind: str = "") -> Any:
    """The lowest or highest value that one of lesser precision may stand for; None where there is none."""
    if isinstance(value, Moment):
        return _moment(value, low, kind)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
        half = Decimal(5).scaleb(min(int(number.as_tuple().exponent), 0) - 1)
        exact = number - half if low else number + half
        try:
            smallest = Decimal(1).scaleb(-(8 if digits is None else digits))
            return exact.quantize(smallest, ROUND_FLOOR if low else ROUND_CEILING)
        except InvalidOperation:  # more digits than a decimal has
            return None
    return None


def _moment(value: Moment, low: bool, kind: str) -> Moment:
    parts = list(value.parts)
    if value.kind == "time":
        filled = [*parts, *((0, 0) if low else (59, 59))[len(parts) - 1 :]]
        return Moment("time", (*filled[:2], _seconds(filled[2], low)), None)
    if len(parts) < 2:
        parts.append(1 if low else 12)
    if len(parts) < 3:
        parts.append(1 if low else monthrange(int(parts[0]), int(parts[1]))[1])
    if value.kind == "date" and kind in ("", "date"):
        return Moment("date", tuple(parts), None)
    ends = (0, 0, 0) if low else (23, 59, 59)
    clock = [*parts[3:], *ends[len(parts) - 3 :]]
    offset = value.offset if value.offset is not None else (14 * 60 if low else -12 * 60)
    return Moment("dateTime", (*parts[:3], *clock[:2], _seconds(clock[2], low)), offset)


def _seconds(second: Decimal | int, low: bool) -> Decimal:
    return second if isinstance(second, Decimal) else Decimal(second) + (Decimal("0.000") if low else Decimal("0.999"))
