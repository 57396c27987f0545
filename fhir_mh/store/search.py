"""Search over what is current: SQLAlchemy builds the statement, since its criteria come in any combination."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, true

from fhir_mh.errors import InvalidResource
from fhir_mh.issues import issue
from fhir_mh.store.schema import identifiers as identifier_table
from fhir_mh.store.schema import resources, versions
from fhir_mh.store.session import Row
from fhir_mh.store.values import to_ms

Comparison = Literal["ge", "le", "gt", "lt"]
Updated = tuple[Comparison, datetime]
Criteria = Mapping[str, Sequence[Any] | None]

_BIGGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the key of its last entry, which never changes."""

    key: int

    def text(self) -> str:
        return f"k{self.key}"

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """The cursor in text, or the beginning. Raises InvalidResource for a text this store did not make."""
        if text is None:
            return cls(0)
        digits = text[1:]
        if not (
            text[:1] == "k" and digits.isascii() and digits.isdigit() and len(digits) < 20 and int(digits) <= _BIGGEST
        ):
            raise InvalidResource(issues=[issue("store-bad-cursor", "_cursor")])
        return cls(int(digits))


def entries_of(
    connection: Connection, type: str | None, criteria: Criteria, updated: Sequence[Updated], start: Cursor, limit: int
) -> Sequence[Row]:
    """Rows as resources.stored() reads them, with the key behind, in the order of keys."""
    r, v = resources.c, versions.c
    query = (
        select(r.type, r.id, v.version, r.person, v.custodian, v.deleted, v.updated, v.text, r.key)
        .join(versions, and_(v.resource == r.key, v.version == r.version))
        .where(*_matches(type, criteria, updated))
        .order_by(r.key)
        .limit(limit)
    )
    if start.key:
        query = query.where(r.key > start.key)
    return connection.execute(query).fetchall()


def count_of(connection: Connection, type: str | None, criteria: Criteria, updated: Sequence[Updated]) -> int:
    """How many there are on all pages together."""
    query = select(func.count()).select_from(resources).where(*_matches(type, criteria, updated))
    return int(connection.execute(query).scalar_one())


def _matches(type: str | None, criteria: Criteria, updated: Sequence[Updated]) -> list[ColumnElement[bool]]:
    r = resources.c
    clauses: list[ColumnElement[bool]] = [r.deleted == false()]
    if type is not None:
        clauses.append(r.type == type)
    for name, column in (("persons", r.person), ("ids", r.id), ("custodians", r.custodian)):
        values = criteria[name]
        if values is not None:
            clauses.append(column.in_(list(values)))
    if (wanted := criteria["identifiers"]) is not None:
        clauses.append(_identified(wanted))
    clauses.extend(_compared(comparison, to_ms(moment), moment) for comparison, moment in updated)
    return clauses


def _identified(wanted: Sequence[tuple[str | None, str]]) -> ColumnElement[bool]:
    """As a list of keys: both databases then begin with the few identifiers, not with every resource of the type."""
    i = identifier_table.c
    each = [and_(i.value == value, true() if system is None else i.system == system) for system, value in wanted]
    return resources.c.key.in_(select(i.resource).where(or_(false(), *each)))


def _compared(comparison: Comparison, ms: int, moment: datetime) -> ColumnElement[bool]:
    """Stored times are whole milliseconds; a finer bound is moved to the next whole one where that matters."""
    column = resources.c.updated
    finer = moment.microsecond % 1000 != 0
    if comparison == "ge":
        return column >= ms + finer
    if comparison == "lt":
        return column < ms + finer
    return column > ms if comparison == "gt" else column <= ms
