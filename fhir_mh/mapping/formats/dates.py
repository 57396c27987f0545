"""Dates and times as a provider system writes them, both ways without loss, or refused.

A form is made of YYYY, MM, DD, HH, mm, ss and Z (the zone as ISO writes it: Z or +01:00); anything else stands for
itself. A form without a day says a month, one without a month a year: precision is never invented and never cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_mh.mapping.codecs import Codec, Unfit
from fhir_mh.mapping.nodes import MISSING

_TOKENS = {
    "YYYY": r"(?P<Y>[0-9]{4})",
    "MM": r"(?P<M>[0-9]{2})",
    "DD": r"(?P<D>[0-9]{2})",
    "HH": r"(?P<H>[0-9]{2})",
    "mm": r"(?P<m>[0-9]{2})",
    "ss": r"(?P<s>[0-9]{2})",
    "Z": r"(?P<Z>Z|[+-][0-9]{2}:[0-9]{2})",
}
_TOKEN = re.compile("|".join(_TOKENS))
_ISO = re.compile(
    r"(?P<Y>\d{4})(-(?P<M>\d\d)(-(?P<D>\d\d)(T(?P<H>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?P<f>\.\d+)?(?P<Z>.+))?)?)?$"
)
_PRECISION = ("Y", "M", "D", "H")
_PART = {"YYYY": "Y", "MM": "M", "DD": "D", "HH": "H", "mm": "m", "ss": "s", "Z": "Z"}


class BadForm(ValueError):
    """The form of a date makes no sense."""


class Form:
    """One way of writing a date or time."""

    def __init__(self, text: str, zone: str | None) -> None:
        self.text, self.zone = text, zone
        self._tokens = _TOKEN.findall(text)
        names = {_PART[token] for token in self._tokens}
        if len(names) != len(self._tokens) or "Y" not in names:
            raise BadForm(f"'{text}' needs YYYY, and no part twice")
        self.timed = "H" in names
        if ("D" in names and "M" not in names) or (names & {"H", "m", "s", "Z"} and not {"D", "H", "m"} <= names):
            raise BadForm(f"'{text}' leaves out a part between others")
        if self.timed and ("Z" in names) == (zone is not None):
            raise BadForm(f"'{text}' is a time: end it in Z, or say `zone: UK` or `zone: UTC`")
        self.precision = "".join(part for part in _PRECISION if part in names)
        self._seconds = "s" in names
        pattern, end = "", 0
        for match in _TOKEN.finditer(text):
            pattern += re.escape(text[end : match.start()]) + _TOKENS[match[0]]
            end = match.end()
        self._match = re.compile(pattern + re.escape(text[end:])).fullmatch

    def read(self, text: str) -> str | None:
        """The ISO form; None where the text is not of this form or no such day or time exists."""
        match = self._match(text)
        if match is None:
            return None
        part = match.groupdict()
        iso = "-".join(part[name] for name in "YMD" if part.get(name))
        if self.timed:
            iso += f"T{part['H']}:{part['m']}:{part.get('s') or '00'}"
            zone = part.get("Z") or (_offset(iso, self.zone) if _exists(iso) else None)
            if zone is None:
                return None
            iso += zone
        return iso if _exists(iso) else None

    def write(self, iso: str) -> str | None:
        """The text; None where this form cannot say exactly this."""
        match = _ISO.fullmatch(iso)
        if match is None:
            return None
        part = match.groupdict()
        if "".join(name for name in _PRECISION if part.get(name)) != self.precision:
            return None
        if part["f"] or (self.timed and not self._seconds and part["s"] != "00"):
            return None
        text = _TOKEN.sub(lambda token: part[_PART[token[0]]] or "", self.text)
        return text if self.read(text) == iso else None


def _exists(iso: str) -> bool:
    full = {4: iso + "-01-01", 7: iso + "-01"}.get(len(iso), iso)
    try:
        datetime.fromisoformat(full)
    except ValueError:
        return False
    return True


def _offset(local: str, zone: str | None) -> str | None:
    """The zone of a wall-clock time; None for one that the clocks skipped. The hour that comes twice is the first."""
    moment = datetime.fromisoformat(local).replace(tzinfo=UTC)
    if zone == "UTC":
        return "Z"
    start, end = _last_sunday(moment.year, 3), _last_sunday(moment.year, 10)
    if start <= moment < start + timedelta(hours=1):
        return None
    return "+01:00" if start < moment < end + timedelta(hours=1) else "Z"


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


class DateForms(Codec):
    """A date or time in one of several forms; the first that can say it is the one written."""

    name = "date"

    def __init__(self, forms: Sequence[Form], *, timed: bool) -> None:
        self.forms = [form for form in forms if timed or not form.timed]
        if not self.forms:
            raise BadForm("none of these forms is a date without a time")
        self.name = "date written " + " or ".join(form.text for form in self.forms)

    def read(self, json: Any) -> Any:
        if type(json) is str:
            for form in self.forms:
                iso = form.read(json)
                if iso is not None:
                    return iso
        raise Unfit(self.name, "map-wrong-format")

    def write(self, value: Any) -> Any:
        for form in self.forms:
            text = form.write(value)
            if text is not None and self.read(text) == value:
                return text
        return MISSING
