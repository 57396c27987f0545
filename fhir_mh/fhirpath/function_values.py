"""The functions of FHIRPath on single values: text, conversions, numbers, dates."""

from __future__ import annotations

import base64
import binascii
import html
import json
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from fhir_mh.clock import SystemClock
from fhir_mh.fhirpath import patterns
from fhir_mh.fhirpath.boundaries import boundary, precision
from fhir_mh.fhirpath.environment import LONGEST_TEXT, Environment
from fhir_mh.fhirpath.errors import execution, limit
from fhir_mh.fhirpath.lexer import well_formed
from fhir_mh.fhirpath.moments import Moment
from fhir_mh.fhirpath.parser import MAX_DIGITS
from fhir_mh.fhirpath.units import CALENDAR_UNITS, Quantity, too_large
from fhir_mh.fhirpath.values import Node, single, system, text, whole

Items = list[Any]
Arguments = tuple[Any, ...]
Function = Callable[[Items, Environment, Arguments], Items]

_INTEGER = re.compile(r"[+-]?\d{1,18}")  # FHIRPath's have 32 bits
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?")
_QUANTITY = re.compile(r"(?P<value>[+-]?\d+(?:\.\d+)?)\s*(?:'(?P<code>[^']+)'|(?P<word>[a-zA-Z]+))?")
_JSON_ESCAPES = re.compile(r"(?:\\(?:u[0-9A-Fa-f]{4}|.|$))+", re.DOTALL)
_OF_QUANTITIES = {"abs", "round", "floor", "ceiling", "truncate"}
_TRUE, _FALSE = {"true", "t", "yes", "y", "1", "1.0"}, {"false", "f", "no", "n", "0", "0.0"}


def _on_text(name: str, run: Callable[..., Any], *, texts: int = 0, charged: bool = False) -> Function:
    """A function of one text; its arguments are texts, then whole numbers. Empty in, empty out.

    charged: it is given the means to say what it costs, besides going through its text once.
    """

    def call(items: Items, env: Environment, arguments: Arguments) -> Items:
        value = text(items, f"{name}()")
        if value is None:
            return []
        given: list[Any] = []
        for position, code in enumerate(arguments):
            read: Callable[[Items, str], Any] = text if position < texts else whole
            found = read(code(env.this, env), f"{name}()")
            if found is None:
                return []
            given.append(found)
        env.read(len(value))
        result = run(value, *given, env.spend) if charged else run(value, *given)
        if isinstance(result, list):
            env.spend(len(result))
            return result
        if isinstance(result, str) and len(result) > len(value):
            env.make(len(result))
        return [] if result is None else [result]

    return call


def _substring(value: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(value):
        return None
    return value[start:] if length is None else value[start : start + max(length, 0)]


def _replace(value: str, part: str, by: str) -> str:
    if len(value) + value.count(part) * (len(by) - len(part)) > LONGEST_TEXT:
        raise limit("replace() makes too long a text")
    return value.replace(part, by)


def _encode(value: str, form: str) -> str | None:
    raw = value.encode()
    return {
        "hex": raw.hex,
        "base64": lambda: base64.b64encode(raw).decode(),
        "urlbase64": lambda: base64.urlsafe_b64encode(raw).decode(),
    }.get(form, lambda: None)()


def _decode(value: str, form: str) -> str | None:
    try:
        if form == "hex":
            return bytes.fromhex(value).decode()
        if form in ("base64", "urlbase64"):
            return base64.b64decode(value, altchars=b"-_" if form == "urlbase64" else None, validate=True).decode()
    except (ValueError, binascii.Error):
        raise execution("this text cannot be decoded") from None
    return None


def _escape(value: str, form: str) -> str | None:
    return (
        html.escape(value)
        if form == "html"
        else json.dumps(value, ensure_ascii=False)[1:-1]
        if form == "json"
        else None
    )


def _unescape(value: str, form: str) -> str | None:
    if form == "html":
        return html.unescape(value)
    try:
        found = _JSON_ESCAPES.sub(lambda found: str(json.loads(f'"{found[0]}"')), value) if form == "json" else None
        return well_formed(found) if found else found
    except ValueError:
        raise execution("this text cannot be unescaped") from None


def to_string(value: Any) -> str | None:
    """The text form of a plain value; None where it has none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | Decimal | Moment | Quantity) else None


def _to_boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = to_string(value)
    return None if word is None else True if word.lower() in _TRUE else False if word.lower() in _FALSE else None


def _to_integer(value: Any) -> int | None:
    if isinstance(value, bool | int):
        return int(value)
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else None


def _to_decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool | int | Decimal):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and len(value) <= MAX_DIGITS and _DECIMAL.fullmatch(value) else None


def _to_quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool | int | Decimal):
        return Quantity(Decimal(value), "1")
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) and len(value) <= 2 * MAX_DIGITS else None
    if match is None or (match["word"] and match["word"] not in CALENDAR_UNITS):
        return None
    return Quantity(Decimal(match["value"]), match["code"] or match["word"] or "1")


def _to_moment(kind: str) -> Callable[[Any], Moment | None]:
    def convert(value: Any) -> Moment | None:
        found = value if isinstance(value, Moment) else Moment.parse(value) if isinstance(value, str) else None
        if found is None or (kind == "time") != (found.kind == "time"):
            return None
        if kind == "date" and found.kind == "dateTime":
            return Moment("date", found.parts[:3], None)
        return Moment("dateTime", found.parts, found.offset, found.text) if kind == "dateTime" else found

    return convert


def _conversion(convert: Callable[[Any], Any], *, test: bool) -> Function:
    def call(items: Items, env: Environment, arguments: Arguments) -> Items:
        value = single(items, "a conversion")
        if value is None:
            return []
        found = convert(value)
        return [found is not None] if test else [] if found is None else [found]

    return call


def _number(name: str, run: Callable[..., Any]) -> Function:
    def call(items: Items, env: Environment, arguments: Arguments) -> Items:
        values = [single(items, f"{name}()"), *(single(code(env.this, env), f"{name}()") for code in arguments)]
        if any(value is None for value in values):
            return []
        measured = values[0] if isinstance(values[0], Quantity) and name in _OF_QUANTITIES else None
        if measured is not None:
            values[0] = measured.value
        if any(isinstance(value, bool) or not isinstance(value, int | Decimal) for value in values):
            raise execution(f"{name}() works on numbers")
        try:
            if any(too_large(value) for value in values):
                return []
            found = run(*values)
        except (ValueError, ZeroDivisionError, OverflowError, InvalidOperation):
            return []
        if found is None or too_large(found):
            return []
        return [found] if measured is None else [Quantity(Decimal(found), measured.unit)]

    return call


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        return base**exponent if base.bit_length() * exponent <= 4096 else None
    return Decimal(base) ** Decimal(exponent)


def _round(value: Any, places: int = 0) -> Any:
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _log(value: Any, base: Any) -> Decimal:
    return (Decimal(value).ln() / Decimal(base).ln()).quantize(Decimal("1e-8")).normalize()


def _join(items: Items, env: Environment, arguments: Arguments) -> Items:
    between = text(arguments[0](env.this, env), "join()") if arguments else ""
    parts = [text([item], "join()") or "" for item in items]
    env.make(sum(map(len, parts)) + len(between or "") * len(parts))
    return [(between or "").join(parts)] if parts else []


def _now(kind: str) -> Function:
    def call(items: Items, env: Environment, arguments: Arguments) -> Items:
        env.now = env.now or SystemClock().now()  # one evaluation has one now
        moment = env.now.isoformat(timespec="milliseconds")
        found = Moment.parse(moment[11:23] if kind == "time" else moment[:10] if kind == "date" else moment)
        return [found]

    return call


def _boundary(low: bool) -> Function:
    def call(items: Items, env: Environment, arguments: Arguments) -> Items:
        digits = whole(arguments[0](env.this, env), "a boundary") if arguments else None
        if len(items) > 1:
            raise execution("a boundary takes a single value, not several")
        kind = items[0].type if items and type(items[0]) is Node else ""
        found = boundary(system(items[0]), low, digits, kind) if items else None
        return [] if found is None else [found]

    return call


def _precision(items: Items, env: Environment, arguments: Arguments) -> Items:
    found = precision(single(items, "precision()"))
    return [] if found is None else [found]


_STRINGS: dict[str, tuple[int, int, Function]] = {
    "indexOf": (1, 1, _on_text("indexOf", lambda value, part: value.find(part), texts=1)),
    "lastIndexOf": (1, 1, _on_text("lastIndexOf", lambda value, part: value.rfind(part), texts=1)),
    "substring": (1, 2, _on_text("substring", _substring)),
    "startsWith": (1, 1, _on_text("startsWith", str.startswith, texts=1)),
    "endsWith": (1, 1, _on_text("endsWith", str.endswith, texts=1)),
    "contains": (1, 1, _on_text("contains", lambda value, part: part in value, texts=1)),
    "upper": (0, 0, _on_text("upper", str.upper)),
    "lower": (0, 0, _on_text("lower", str.lower)),
    "trim": (0, 0, _on_text("trim", str.strip)),
    "length": (0, 0, _on_text("length", len)),
    "toChars": (0, 0, _on_text("toChars", list)),
    "split": (1, 1, _on_text("split", lambda value, by: value.split(by) if by else list(value), texts=1)),
    "replace": (2, 2, _on_text("replace", _replace, texts=2)),
    "matches": (1, 1, _on_text("matches", patterns.matches, texts=1, charged=True)),
    "matchesFull": (1, 1, _on_text("matchesFull", patterns.matches_full, texts=1, charged=True)),
    "replaceMatches": (2, 2, _on_text("replaceMatches", patterns.replace_matches, texts=2, charged=True)),
    "encode": (1, 1, _on_text("encode", _encode, texts=1)),
    "decode": (1, 1, _on_text("decode", _decode, texts=1)),
    "escape": (1, 1, _on_text("escape", _escape, texts=1)),
    "unescape": (1, 1, _on_text("unescape", _unescape, texts=1)),
    "join": (0, 1, _join),
}
_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "Boolean": _to_boolean,
    "Integer": _to_integer,
    "Decimal": _to_decimal,
    "String": to_string,
    "Quantity": _to_quantity,
    "Date": _to_moment("date"),
    "DateTime": _to_moment("dateTime"),
    "Time": _to_moment("time"),
}
_NUMBERS: dict[str, tuple[int, int, Function]] = {
    "abs": (0, 0, _number("abs", abs)),
    "ceiling": (0, 0, _number("ceiling", math.ceil)),
    "floor": (0, 0, _number("floor", math.floor)),
    "truncate": (0, 0, _number("truncate", math.trunc)),
    "round": (0, 1, _number("round", _round)),
    "exp": (0, 0, _number("exp", lambda value: Decimal(value).exp())),
    "ln": (0, 0, _number("ln", lambda value: Decimal(value).ln())),
    "log": (1, 1, _number("log", _log)),
    "power": (1, 1, _number("power", _power)),
    "sqrt": (0, 0, _number("sqrt", lambda value: Decimal(value).sqrt())),
}
REGISTRY: dict[str, tuple[int, int, Function]] = {
    **_STRINGS,
    **_NUMBERS,
    **{f"to{name}": (0, 0, _conversion(convert, test=False)) for name, convert in _CONVERSIONS.items()},
    **{f"convertsTo{name}": (0, 0, _conversion(convert, test=True)) for name, convert in _CONVERSIONS.items()},
    "now": (0, 0, _now("dateTime")),
    "today": (0, 0, _now("date")),
    "timeOfDay": (0, 0, _now("time")),
    "lowBoundary": (0, 1, _boundary(True)),
    "highBoundary": (0, 1, _boundary(False)),
    "precision": (0, 0, _precision),
}
