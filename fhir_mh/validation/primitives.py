"""The values of primitive types: the JSON type each is written as, and which values exist.

See https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Test = Callable[[Any], str | None]
_YEAR = r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_MONTH, _DAY = r"-(0[1-9]|1[0-2])", r"-(0[1-9]|[1-2][0-9]|3[0-1])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_date = re.compile(rf"{_YEAR}({_MONTH}({_DAY})?)?").fullmatch
_datetime = re.compile(rf"{_YEAR}({_MONTH}({_DAY}(T{_CLOCK}{_ZONE})?)?)?").fullmatch
_instant = re.compile(rf"{_YEAR}{_MONTH}{_DAY}T{_CLOCK}{_ZONE}").fullmatch
_time = re.compile(_CLOCK).fullmatch
_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_code = re.compile(r"\S+( \S+)*").fullmatch
_uri = re.compile(r"[^\s\x00-\x1f]+").fullmatch
_oid = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+").fullmatch
_uuid = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_digits = re.compile(r"-?[0-9]+").fullmatch
_controls = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]").search
# A whole day (before the 29th: all of those exist), alone or with a time in UTC.
_plain = re.compile(
    r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?"
).fullmatch
MAX_TEXT = 1024 * 1024
BLANK = "should hold more than spaces"  # what a string SHOULD do, so that leaving it undone only warns


def ordered(early: Any, late: Any) -> bool | None:
    """Whether one date or time is not after another, where their texts tell; None where one must calculate."""
    if type(early) is not str or type(late) is not str or len(early) != len(late):
        return None
    return early <= late if _plain(early) and _plain(late) else None


def _real(value: str) -> bool:
    """Whether the day exists: 30 February has the form of a date."""
    if value[8:10] < "29":
        return True
    return int(value[8:10]) <= monthrange(int(value[:4]), int(value[5:7]))[1]


def _moment(match: Callable[[str], Any], form: str) -> Test:
    def test(value: Any) -> str | None:
        if type(value) is not str:
            return "must be written as JSON text"
        if not match(value):
            return f"must have the form {form}"
        return None if _real(value) else "must be a day of the calendar"

    return test


def _matching(match: Callable[[str], Any], form: str) -> Test:
    def test(value: Any) -> str | None:
        if type(value) is not str:
            return "must be written as JSON text"
        return None if match(value) else form

    return test


def _text(value: Any) -> str | None:
    if type(value) is not str:
        return "must be written as JSON text"
    if value.isprintable() and value and not value.isspace():
        return None if len(value) <= MAX_TEXT else "must be at most 1 MB"
    if not value:
        return "must not be empty: leave it out instead"
    if _controls(value):
        return "must hold no control characters"
    if len(value) > MAX_TEXT:
        return "must be at most 1 MB"
    return BLANK if value.isspace() else None


def _whole(least: int) -> Test:
    def test(value: Any) -> str | None:
        if type(value) is not int:
            return _not_whole(value, f"must lie between {least} and 2147483647")
        return None if least <= value <= 2147483647 else f"must lie between {least} and 2147483647"

    return test


def _not_whole(value: Any, limits: str) -> str:
    """What is wrong with a number that was not read as an int: a long one is kept as it was written."""
    if isinstance(value, Decimal) and _digits(str(value)):
        return "must be written as 0, without a sign" if not value else limits
    return "must be written as a JSON number without a point or an exponent"


def _decimal(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return "must be written as a JSON number"
    finite = math.isfinite(value) if isinstance(value, float) else not isinstance(value, Decimal) or value.is_finite()
    return None if finite else "must be a finite number"


def _boolean(value: Any) -> str | None:
    return None if type(value) is bool else "must be written as true or false, without quotes"


def _base64(value: Any) -> str | None:
    if type(value) is not str:
        return "must be written as JSON text"
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (ValueError, binascii.Error):
        return "must hold base64: A-Z, a-z, 0-9, + and /, padded with ="
    return None if value else "must not be empty: leave it out instead"


def _url(value: Any) -> str | None:
    if type(value) is not str:
        return "must be written as JSON text"
    if value.startswith("urn:uuid:") and not _uuid(value):
        return "must go on with a UUID in small letters where it begins with urn:uuid:"
    if value and value.isprintable() and " " not in value:
        return None
    return None if _uri(value) else "must hold no spaces and not be empty"


TESTS: dict[str, Test] = {
    "boolean": _boolean,
    "integer": _whole(-2147483648),
    "unsignedInt": _whole(0),
    "positiveInt": _whole(1),
    "decimal": _decimal,
    "string": _text,
    "markdown": _text,
    "xhtml": _text,
    "code": _matching(_code, "must hold no space at its ends and no two together"),
    "id": _matching(_id, "must hold 1 to 64 of A-Z, a-z, 0-9, hyphen and full stop"),
    "uri": _url,
    "url": _url,
    "canonical": _url,
    "oid": _matching(_oid, "must have the form urn:oid: and an OID"),
    "uuid": _matching(_uuid, "must have the form urn:uuid: and a UUID in small letters"),
    "date": _moment(_date, "YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": _moment(_datetime, "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone"),
    "instant": _moment(_instant, "YYYY-MM-DDThh:mm:ss with a time zone"),
    "time": _matching(_time, "must have the form hh:mm:ss"),
    "base64Binary": _base64,
}
