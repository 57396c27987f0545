"""How one value is said in a record and in another format, both ways."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from fhir_mh.records import base


class Unfit(Exception):
    """A value that does not fit the field it is for. path grows outwards as the fault is handed up."""

    def __init__(self, expected: str, code: str = "map-wrong-type", fix: str = "") -> None:
        super().__init__(expected)
        self.expected, self.code, self.fix, self.path = expected, code, fix, ""


class Codec:
    """A value as text, the same on both sides."""

    name = "string"

    def read(self, json: Any) -> Any:
        if type(json) is not str or not json:
            raise Unfit(self.name)
        return json

    def write(self, value: Any) -> Any:
        return value


class Pattern(Codec):
    """A text of a certain form, kept as written."""

    def __init__(self, name: str, pattern: str) -> None:
        self.name, self._match = name, re.compile(pattern).fullmatch

    def read(self, json: Any) -> Any:
        if type(json) is not str or not self._match(json):
            raise Unfit(self.name, "map-wrong-format")
        return json


class Typed(Codec):
    """A JSON boolean or integer."""

    def __init__(self, name: str, kind: type) -> None:
        self.name, self._kind = name, kind

    def read(self, json: Any) -> Any:
        if type(json) is not self._kind:
            raise Unfit(self.name)
        return json


class OneOf(Codec):
    """A code of a closed list, the same on both sides."""

    name = "code"

    def __init__(self, codes: Collection[str]) -> None:
        self.codes = frozenset(codes)

    def read(self, json: Any) -> Any:
        if type(json) is not str or json not in self.codes:
            raise Unfit("one of " + ", ".join(sorted(self.codes)), "map-unknown-code")
        return json


class Codes(Codec):
    """A code that the two sides write differently. A code without a counterpart is refused, never guessed."""

    name = "code"

    def __init__(self, to_record: Mapping[Any, Any], from_record: Mapping[Any, Any] | None = None) -> None:
        self.to_record = dict(to_record)
        self.from_record = dict(from_record or {})
        for theirs, ours in self.to_record.items():
            self.from_record.setdefault(ours, theirs)

    def read(self, json: Any) -> Any:
        try:
            return self.to_record[json]
        except (KeyError, TypeError):
            known = ", ".join(sorted(str(code) for code in self.to_record))
            raise Unfit(f"one of {known}", "map-unknown-code") from None

    def write(self, value: Any) -> Any:
        return self.from_record.get(value)


TEXT = Codec()
DATE = Pattern("date", f"^{base._DATE}$")
DATETIME = Pattern("dateTime", f"^{base._DATE}({base._TIME})?$")
INSTANT = Pattern("instant", f"^{base._DAY}{base._TIME}$")
ID = Pattern("id", r"^[A-Za-z0-9\-.]{1,64}$")
BOOLEAN = Typed("boolean", bool)
INTEGER = Typed("integer", int)
