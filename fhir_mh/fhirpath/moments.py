"""Dates, times and date-times that may be partly known (`2024-05`), compared as FHIRPath asks."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

_DATE = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:(T)(?:(\d{2})(?::(\d{2})(?::(\d{2}(?:\.\d+)?))?)?)?(Z|[+-]\d{2}:\d{2})?)?"
)
_TIME = re.compile(r"T?(\d{2})(?::(\d{2})(?::(\d{2}(?:\.\d+)?))?)?")
_FIELDS = ("year", "month", "day", "hour", "minute", "second")
_SECONDS: dict[str, Decimal] = {
    "year": Decimal(365 * 86400),
    "month": Decimal(30 * 86400),
    "week": Decimal(604800),
    "day": Decimal(86400),
    "hour": Decimal(3600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}


class Moment:
    """A date, date-time or time, as far as it is known. str() gives it as it was written: `2024-05`, `10:30`.

    kind: date, dateTime or time. parts: as many of year .. second (or hour .. second) as are known. offset: minutes
    from UTC, where known. Two are the same object to Python (==) when they are written alike; whether they are the same
    moment is what compare() says.
    """

    __slots__ = ("kind", "offset", "parts", "text")

    def __init__(self, kind: str, parts: tuple[Decimal | int, ...], offset: int | None, text: str = "") -> None:
        self.kind, self.parts, self.offset = kind, parts, offset
        self.text = text or self._written()

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{self.kind} {self.text}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Moment) and (self.kind, self.text) == (other.kind, other.text)

    def __hash__(self) -> int:
        return hash((self.kind, self.text))

    @classmethod
    def parse(cls, text: str) -> Moment | None:
        """The moment a text names, None where it names none that exists in the calendar."""
        if text.startswith("T") or (len(text) > 2 and text[2] == ":"):
            match = _TIME.fullmatch(text)
            if match is None:
                return None
            parts = _numbers(match.groups())
            return cls("time", parts, None, text.removeprefix("T")) if _real_time(parts) else None
        match = _DATE.fullmatch(text)
        if match is None:
            return None
        year, month, day, has_time, hour, minute, second, zone = match.groups()
        if hour and not day:
            return None
        parts = _numbers((year, month, day, hour, minute, second))
        if not _real_date(parts[:3]) or not _real_time(parts[3:]):
            return None
        return cls("dateTime" if has_time else "date", parts, _minutes(zone), text)

    def compare(self, other: Moment) -> int | None:
        """-1, 0 or 1; None where what is known does not decide it."""
        if (self.kind == "time") != (other.kind == "time"):
            return None
        mine, theirs = self.parts, other.parts
        if self.offset != other.offset and (len(mine) > 3 or len(theirs) > 3):
            if self.offset is None or other.offset is None:
                return _apart(self, other)
            mine, theirs = self._utc(), other._utc()
        for left, right in zip(mine, theirs, strict=False):
            if left != right:
                return -1 if left < right else 1
        return 0 if len(mine) == len(theirs) else None

    def plus(self, amount: Decimal, field: str) -> Moment | None:
        """This moment moved by a number of years, months, weeks, days, ...; None outside the calendar.

        Only seconds count in parts; what is less than the last part that is known does not count at all.
        See https://hl7.org/fhirpath/N1/#datetime-arithmetic
        """
        move = amount * _SECONDS[field] if field in ("second", "millisecond") else int(amount) * _SECONDS[field]
        if field in ("year", "month"):
            months = int(amount) * (12 if field == "year" else 1)
            return self._plus_months(months if len(self.parts) > 1 else _cut(months, 12))
        if self._last() < 2:
            days = int(move / _SECONDS["day"])
            return self._plus_months(_cut(days, 365) // 365 * 12 if len(self.parts) == 1 else _cut(days, 30) // 30)
        if self._last() < 5:
            move = _cut(move, _SECONDS[_FIELDS[self._last()]])
        first = (2000, 1, 1, *self.parts) if self.kind == "time" else self.parts
        try:
            moved = _instant(first) + timedelta(microseconds=int(move * 1000000))
        except OverflowError:
            return None
        second = Decimal(moved.second) + Decimal(moved.microsecond) / 1000000
        if isinstance(self.parts[-1], Decimal) and -int(self.parts[-1].as_tuple().exponent) <= 6:
            second = max(second, second.quantize(self.parts[-1]), key=lambda one: -int(one.as_tuple().exponent))
        fields: tuple[Decimal | int, ...] = (moved.year, moved.month, moved.day, moved.hour, moved.minute, second)
        start = 3 if self.kind == "time" else 0
        return Moment(self.kind, fields[start : start + len(self.parts)], self.offset)

    def _last(self) -> int:
        return len(self.parts) - 1 + (3 if self.kind == "time" else 0)

    def _plus_months(self, months: int) -> Moment | None:
        year, month = int(self.parts[0]), int(self.parts[1]) if len(self.parts) > 1 else 1
        total = year * 12 + month - 1 + months
        year, month = total // 12, total % 12 + 1
        if not 1 <= year <= 9999:
            return None
        parts: list[Decimal | int] = [year, month, *self.parts[2:]][: len(self.parts)]
        if len(parts) > 2:
            parts[2] = min(int(parts[2]), monthrange(year, month)[1])
        return Moment(self.kind, tuple(parts), self.offset)

    def _utc(self) -> tuple[Decimal | int, ...]:
        if len(self.parts) <= 3:
            return self.parts
        try:
            moved = _instant(self.parts) - timedelta(minutes=self.offset or 0)
        except OverflowError:
            return self.parts
        second = self.parts[5] if len(self.parts) > 5 else 0
        return (moved.year, moved.month, moved.day, moved.hour, moved.minute, second)[: max(len(self.parts), 5)]

    def _written(self) -> str:
        second = [f"{part:02d}" if isinstance(part, int) else _seconds(part) for part in self.parts]
        if self.kind == "time":
            return ":".join(second)
        day = "-".join([f"{int(self.parts[0]):04d}", *second[1:3]])
        clock = ":".join(second[3:])
        return day + (f"T{clock}{_zone(self.offset)}" if clock else "T" if self.kind == "dateTime" else "")


def _cut(amount: Any, part: Any) -> Any:
    """The whole parts in an amount, towards zero."""
    return amount // part * part if amount >= 0 else -(-amount // part * part)


def _seconds(part: Decimal) -> str:
    text = f"{part:f}"
    return text if len(text.split(".", maxsplit=1)[0]) == 2 else "0" + text


def _zone(offset: int | None) -> str:
    if offset is None:
        return ""
    return "Z" if offset == 0 else f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"


def _numbers(texts: tuple[str | None, ...]) -> tuple[Decimal | int, ...]:
    return tuple(Decimal(text) if "." in text else int(text) for text in texts if text)


def _minutes(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    return (int(zone[1:3]) * 60 + int(zone[4:6])) * (-1 if zone[0] == "-" else 1)


def _real_date(parts: tuple[Decimal | int, ...]) -> bool:
    year, month, day = (*(int(part) for part in parts), 1, 1, 1)[:3] if len(parts) < 3 else (int(p) for p in parts)
    return year > 0 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def _real_time(parts: tuple[Decimal | int, ...]) -> bool:
    return all(part < limit for part, limit in zip(parts, (24, 60, 61), strict=False))


def _instant(parts: tuple[Decimal | int, ...]) -> datetime:
    whole = [int(part) for part in parts[:6]]
    whole += [0] * (5 - len(whole)) if len(whole) > 3 else []
    leap = len(whole) > 5 and whole[5] == 60
    if leap:
        whole[5] = 59
    micro = int((Decimal(parts[5]) % 1) * 1000000) if len(parts) > 5 else 0
    return datetime(*whole[:6], microsecond=micro) + timedelta(seconds=int(leap))  # type: ignore[misc,arg-type]  # noqa: DTZ001


def _apart(left: Moment, right: Moment) -> int | None:
    """Without one time zone only moments more than a day apart can be told apart."""
    for mine, theirs in zip(left.parts[:3], right.parts[:3], strict=False):
        if mine != theirs:
            days = abs(_day(left) - _day(right))
            return None if days <= 1 else (-1 if mine < theirs else 1)
    return None


def _day(moment: Moment) -> int:
    year, month, day = (*(int(part) for part in moment.parts[:3]), 1, 1)[:3]
    return datetime(year, month, day).toordinal()  # noqa: DTZ001
