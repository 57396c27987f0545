"""When an agreement was said. R4 wants Provenance.recorded to the second; many agreements are known to the day."""

from __future__ import annotations

import re
from typing import Any

from fhir_mh.mapping.codecs import DATETIME
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import MISSING, Item, Missing, Value
from fhir_mh.profiles.defaults import Default, absent

_instant = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}").match


class _Moment(Value):
    """The field in one of its two places; where both are filled, the one that came second is kept as it came."""

    def __init__(self, field: str, *, exact: bool) -> None:
        super().__init__(field, DATETIME)
        self.exact = exact

    def _here(self, value: Any) -> bool:
        return isinstance(value, str) and bool(_instant(value)) is self.exact

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if self.field in into or (not self.exact and not self._here(json)):
            return json
        return super().read(json, into, ctx)

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        if residue is not None:
            return residue
        return super().write(item, None, ctx) if self._here(item.get(self.field)) else MISSING


def exactly(field: str) -> Value:
    """The field where it is known to the second."""
    return _Moment(field, exact=True)


def roughly(field: str) -> Value:
    """The field where it is known to the day, month or year."""
    return _Moment(field, exact=False)


def not_exactly(field: str) -> Default:
    """For beside the exact place: says that there is no value, where it is not known to the second."""
    return Default(
        None,
        absent("unknown"),
        when=lambda item: not _instant(str(item.get(field))),
        asked=lambda json: "recorded" not in json,
    )
