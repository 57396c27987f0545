"""One place for the hot statements: plain SQL with ? marks, run through the driver on either database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, exc

from fhir_mh.errors import InvalidResource
from fhir_mh.issues import issue

Row = Sequence[Any]


@lru_cache(maxsize=512)
def _percent(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def refuse_null(values: Iterable[Any]) -> None:
    """Raises InvalidResource where a text holds the character NUL, which PostgreSQL refuses and SQLite would take."""
    for value in values:  # a generator takes longer, and this is asked of every statement
        if type(value) is str and "\x00" in value:
            raise InvalidResource(issues=[issue("json-null-character", "$")])


class Session:
    """A connection inside a transaction that its owner begins and ends.

    The statements go to one cursor of the driver's own, the rows of each fetched before the next: SQLAlchemy's result
    for each would cost more than the statement. What the driver raises leaves as SQLAlchemy's exceptions all the same.
    """

    __slots__ = ("_cursor", "_driver", "_errors", "connection", "postgres")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.postgres = connection.dialect.name == "postgresql"
        driver: Any = connection.connection.dbapi_connection
        self._driver, self._cursor = driver, driver.cursor()
        self._errors: type[Exception] = connection.dialect.loaded_dbapi.Error

    def one(self, sql: str, *values: Any) -> Row | None:
        """The first row, or None."""
        rows = self.all(sql, *values)
        return rows[0] if rows else None

    def made(self, sql: str, *values: Any) -> Row:
        """The one row there must be, e.g. that an INSERT ... RETURNING answers with."""
        (row,) = self.all(sql, *values)
        return row

    def all(self, sql: str, *values: Any) -> Sequence[Row]:
        """Every row."""
        try:
            rows: Sequence[Row] = self._execute(sql, values).fetchall()
        except self._errors as fault:
            raise self._known(fault) from None
        return rows

    def run(self, sql: str, *values: Any) -> int:
        """The number of rows changed."""
        try:
            count: int = self._execute(sql, values).rowcount
        except self._errors as fault:
            raise self._known(fault) from None
        return count

    def many(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """The same statement for each row; nothing for none."""
        for row in rows:
            refuse_null(row)
        if len(rows) < 2:  # what is made ready for many rows costs more than one
            for row in rows:
                self.run(sql, *row)
            return
        try:
            self._cursor.executemany(_percent(sql) if self.postgres else sql, list(rows))
        except self._errors as fault:
            raise self._known(fault) from None

    def _execute(self, sql: str, values: tuple[Any, ...]) -> Any:
        refuse_null(values)
        self._cursor.execute(_percent(sql) if self.postgres else sql, values)
        return self._cursor

    def _known(self, fault: Exception) -> BaseException:
        """The driver's exception as SQLAlchemy's; a connection that is lost is not used again."""
        dialect = self.connection.dialect
        lost = dialect.is_disconnect(fault, self._driver, None)  # type: ignore[arg-type]
        if lost:
            self.connection.invalidate(fault)
        return exc.DBAPIError.instance(
            None, None, fault, self._errors, hide_parameters=True, connection_invalidated=lost, dialect=dialect
        )

    @property
    def locked(self) -> str:
        """Suffix of a select whose rows nobody else may change until the commit (SQLite has one writer anyway)."""
        return " FOR UPDATE" if self.postgres else ""

    @property
    def skip_locked(self) -> str:
        """Suffix of a select that passes over rows somebody else is holding."""
        return " FOR UPDATE SKIP LOCKED" if self.postgres else ""
