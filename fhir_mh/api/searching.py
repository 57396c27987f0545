"""A search as it stands in a URL or a form, read into what the gateway is asked; and its pages.

Unknown parameters are refused unless the caller asks for `Prefer: handling=lenient`: a search that silently drops a
filter answers with other people's resources. No link of ours ever holds an NHS number: a search that may name one
comes by POST, and its further pages have a random name (gateway/paging.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from nhs_number import is_valid as is_nhs_number  # type: ignore[attr-defined]
from starlette.requests import Request

from fhir_mh.api.faults import Refused
from fhir_mh.fhir.nhs_numbers import ten_digits_in
from fhir_mh.fhir.urls import NHS_NUMBER
from fhir_mh.gateway.searching import Search
from fhir_mh.issues import Issue, issue

Pairs = list[tuple[str, str]]

PARAMETERS = ("patient", "subject", "identifier", "_id", "_lastUpdated", "_count", "_cursor")
FOR_DISPLAY = ("_format", "_pretty", "_total")
LARGEST_PAGE = 200
MOST_VALUES = 200
"""How many values one parameter may have: as many as fit on a page, and far fewer than a database lets one ask for."""
_ID = re.compile(r"^[A-Za-z0-9.-]{1,64}$")
_NAME = re.compile(r"^_?[A-Za-z:.-]{1,40}$")
_DAY = r"(\d{4})(?:-(\d\d)(?:-(\d\d)"
_CLOCK = r"T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?(Z|[+ -]\d\d:\d\d)?"
_TIME = re.compile(f"^(eq|ge|gt|le|lt|sa|eb)?{_DAY}(?:{_CLOCK})?)?)?$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as understood: what the gateway is asked, the parameters it rests on, and what was ignored."""

    search: Search
    parameters: Pairs
    warnings: list[Issue]
    only_count: bool = False


def pairs_of(text: str) -> Pairs:
    """The parameters of a query string or a form, in order. Raises Refused(400) for far too many."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise bad_parameter("", "there are too many parameters", "Send at most 100.") from None


def query_of(request: Request) -> Pairs:
    """The parameters in the address of a request."""
    return pairs_of(request.scope["query_string"].decode("latin-1"))


def only_parameters(request: Request, *known: str) -> dict[str, str]:
    """The parameters in the address, of which each must be known. Raises Refused(400)."""
    pairs = query_of(request)
    refuse_unknown(pairs, known, lenient=False)
    return dict(pairs)


def no_nhs_number(pairs: Pairs, path: str) -> None:
    """Raises Refused(400) where a query names an NHS number: as such, or as anything without a system that is one."""
    for name, value in pairs:
        system, bar, _ = value.partition("|")
        named = bar and system
        if (named and system == NHS_NUMBER) or _holds_one(name) or (not named and _holds_one(value)):
            raise Refused(400, issue("rest-nhs-number-in-url", _place(name), path=path))


def _holds_one(text: str) -> bool:
    return any(is_nhs_number(found) for found in ten_digits_in(text))


def read_search(kind: str, pairs: Pairs, *, lenient: bool) -> Asked:
    """What these parameters ask of a type. Raises Refused(400) for what is unknown, repeated or of the wrong form."""
    given: dict[str, list[str]] = {}
    warnings = []
    for name, value in pairs:
        if name in FOR_DISPLAY:
            _displayable(name, value)
        elif name not in PARAMETERS or (kind == "Patient" and name in ("patient", "subject")):
            warnings.append(_unknown(name, lenient, PARAMETERS))
        elif value:
            given.setdefault(name, []).append(value)
    for name, values in given.items():
        if len(values) > 1 and name != "_lastUpdated":
            raise bad_parameter(
                name, "it stands twice", "Give it once; values that are alternatives are joined by commas."
            )
    one = {name: values[0] for name, values in given.items()}
    count = _count(one.get("_count"))
    search = Search(
        kind,
        patients=_patients(one),
        identifiers=_tokens(one["identifier"]) if "identifier" in one else None,
        ids=_ids("_id", one["_id"]) if "_id" in one else None,
        updated=[bound for text in given.get("_lastUpdated", ()) for bound in _bounds(text)],
        cursor=one.get("_cursor"),
        limit=count or 1,
    )
    kept = [(name, value) for name, value in pairs if name in given and name != "_cursor"]
    return Asked(search, kept, warnings, only_count=count == 0)


def refuse_unknown(pairs: Pairs, known: Sequence[str], *, lenient: bool) -> list[Issue]:
    """For operations: a warning for each parameter that is not known. Raises Refused(400) unless lenient."""
    found = []
    for name, value in pairs:
        if name in FOR_DISPLAY:
            _displayable(name, value)
        elif name not in known:
            found.append(_unknown(name, lenient, known))
    return found


def _unknown(name: str, lenient: bool, known: Sequence[str]) -> Issue:
    shown = f"'{name}'" if _NAME.match(name) else "of this name"
    if lenient:
        return issue("rest-ignored-parameter", _place(name), name=shown)
    listed = ", ".join([*known, "_format"])
    raise Refused(400, issue("rest-unknown-parameter", _place(name), name=shown, known=listed))


def _place(name: str) -> str:
    return f"http.{name}" if _NAME.match(name) else "http.query"


def bad_parameter(name: str, problem: str, fix: str) -> Refused:
    """The refusal (400) of a parameter whose value does not fit."""
    return Refused(400, issue("rest-bad-parameter", _place(name), problem=problem, fix=fix))


def _displayable(name: str, value: str) -> None:
    if name == "_format" and "json" not in value:
        raise Refused(406, issue("rest-not-acceptable", "http._format"))


def _count(text: str | None) -> int:
    if text is None:
        return 50
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise bad_parameter("_count", "it is not a whole number", f"Send a number from 0 to {LARGEST_PAGE}.")
    return min(int(text), LARGEST_PAGE)


def _alternatives(name: str, text: str) -> list[str]:
    """The values that commas separate; FHIR escapes them with a backslash. Raises Refused(400) for too many."""
    parts = re.findall(r"((?:\\.|[^,\\])+)", text)
    if len(parts) > MOST_VALUES:
        fix = f"Send at most {MOST_VALUES}, and the others in another search."
        raise bad_parameter(name, f"it has more than {MOST_VALUES} values", fix)
    return [re.sub(r"\\(.)", r"\1", part) for part in parts]


def _patients(one: Mapping[str, str]) -> list[str] | None:
    names = [name for name in ("patient", "subject") if name in one]
    if not names:
        return None
    if len(names) == 2:
        raise bad_parameter("subject", "patient and subject mean the same here", "Give one of them.")
    return _ids(names[0], one[names[0]], "Patient/")


def _ids(name: str, text: str, prefix: str = "") -> list[str]:
    found = [value.removeprefix(prefix) for value in _alternatives(name, text)]
    if not all(_ID.match(value) for value in found):
        raise bad_parameter(
            name, "it is not an id", f"Send ids as the server gave them{', such as Patient/ID' if prefix else ''}."
        )
    return found


def _tokens(text: str) -> list[tuple[str | None, str]]:
    return [_token(one) for one in _alternatives("identifier", text)]


def _token(text: str) -> tuple[str | None, str]:
    system, bar, value = text.rpartition("|")
    if not value:
        raise bad_parameter("identifier", "it names a system without a value", "Send system|value, or the value alone.")
    if bar and system == NHS_NUMBER:
        value = value.replace(" ", "").replace("-", "")
    return (system if bar else None, value)


def _bounds(text: str) -> list[tuple[str, datetime]]:
    """The bounds of _lastUpdated. A time less precise than an instant stands for all of its span."""
    match = _TIME.match(text)
    try:
        low, high = _span(match.groups()[1:]) if match else (None, None)
    except (ValueError, OverflowError):  # no such day, or the end of time
        low = high = None
    if match is None or low is None or high is None:
        raise bad_parameter(
            "_lastUpdated", "it is not a date or time", "Send it as ge2026-11-24 or le2026-11-24T09:30:00Z."
        )
    by_prefix: dict[str, list[tuple[str, datetime]]] = {
        "eq": [("ge", low), ("lt", high)], "ge": [("ge", low)], "gt": [("ge", high)], "sa": [("ge", high)],
        "le": [("lt", high)], "lt": [("lt", low)], "eb": [("lt", low)],
    }  # fmt: skip
    return by_prefix[match[1] or "eq"]


def _span(parts: Sequence[str | None]) -> tuple[datetime, datetime]:
    """From when, and until before when, a date or time of some precision lasts. Raises ValueError for no such day."""
    year, month, day, hour, minute, second, fraction, zone = parts
    offset = "+00:00" if zone in (None, "Z") else str(zone).replace(" ", "+")  # a URL turns + into a space
    low = datetime.fromisoformat(
        f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}{offset}"
    )
    if fraction is not None:
        low += timedelta(seconds=float(fraction))
        return low, low + timedelta(seconds=10.0 ** -min(len(fraction) - 1, 6))
    for part, span in ((second, timedelta(seconds=1)), (minute, timedelta(minutes=1)), (day, timedelta(days=1))):
        if part is not None:
            return low, low + span
    return low, _next_month(low) if month is not None else low.replace(year=low.year + 1)


def _next_month(low: datetime) -> datetime:
    return low.replace(year=low.year + low.month // 12, month=low.month % 12 + 1)
