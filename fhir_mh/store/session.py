"""One place for the hot statements: plain SQL with ? marks, run through the driver on either database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

Row = Sequence[Any]


@lru_cache(maxsize=512)
def _percent(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


class Session:
    """A connection inside a transaction that its owner begins and ends."""

    __slots__ = ("connection", "postgres")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.postgres = connection.dialect.name == "postgresql"

    def one(self, sql: str, *values: Any) -> Row | None:
        """The first row, or None."""
        result = self.connection.exec_driver_sql(_percent(sql) if self.postgres else sql, values)
        row = result.fetchone()
        result.close()
        return row

    def made(self, sql: str, *values: Any) -> Row:
        """The one row there must be, e.g. that an INSERT ... RETURNING answers with."""
        return self.connection.exec_driver_sql(_percent(sql) if self.postgres else sql, values).one()

    def all(self, sql: str, *values: Any) -> Sequence[Row]:
        """Every row."""
        return self.connection.exec_driver_sql(_percent(sql) if self.postgres else sql, values).fetchall()

    def run(self, sql: str, *values: Any) -> int:
        """The number of rows changed."""
        return self.connection.exec_driver_sql(_percent(sql) if self.postgres else sql, values).rowcount

    def many(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """The same statement for each row; nothing for none."""
        if rows:
            self.connection.exec_driver_sql(_percent(sql) if self.postgres else sql, list(rows))

    @property
    def locked(self) -> str:
        """Suffix of a select whose rows nobody else may change until the commit (SQLite has one writer anyway)."""
        return " FOR UPDATE" if self.postgres else ""

    @property
    def skip_locked(self) -> str:
        """Suffix of a select that passes over rows somebody else is holding."""
        return " FOR UPDATE SKIP LOCKED" if self.postgres else ""
