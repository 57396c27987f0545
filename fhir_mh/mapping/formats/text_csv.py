"""A CSV file as {"rows": [{column: cell}]}, and back; blank cells are left out."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from fhir_mh.errors import InvalidResource
from fhir_mh.issues import Issue, issue

_MAX_CELL = 10_000_000


class CsvText:
    """How one mapping's CSV files are written."""

    def __init__(self, columns: Sequence[str], encoding: str, delimiter: str, keep_columns: bool) -> None:
        self.columns, self.encoding, self.delimiter, self.keep = tuple(columns), encoding, delimiter, keep_columns

    def load(self, raw: bytes) -> dict[str, Any]:
        """The rows of the file. Raises InvalidResource with all that is wrong with encoding, header and rows."""
        text = self._decoded(raw)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True)
        csv.field_size_limit(_MAX_CELL)
        found: list[list[str]] = []
        faults: list[Issue] = []
        try:
            header = next(reader, [])
            faults += self._header(header)
            for number, row in enumerate(reader, start=2):
                if row and len(row) != len(header):
                    faults.append(
                        issue("map-row-length", f"row {number}", found=len(row), expected=len(header),
                              line=reader.line_num)
                    )  # fmt: skip
                found.append(row)
        except csv.Error as fault:
            where = f"row {len(found) + 2}"
            faults.append(issue("map-csv-unreadable", where, problem=str(fault), line=reader.line_num))
        if faults:
            raise InvalidResource(issues=faults)
        rows = [{name: cell for name, cell in zip(header, row, strict=True) if cell} if row else None for row in found]
        return {"rows": rows}

    def dump(self, document: Any) -> bytes:
        """The file: a header and a row for each entry, with CRLF as RFC 4180 has it."""
        rows = [row for row in document.get("rows", ()) if isinstance(row, dict)] if isinstance(document, dict) else []
        more = [name for row in rows for name in row if name not in self.columns]
        columns = [*self.columns, *dict.fromkeys(more)]
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=self.delimiter, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows([row.get(name, "") for name in columns] for row in rows)
        return out.getvalue().encode(self.encoding)

    def place(self, path: str) -> str:
        """`row 4, column SIGN` of a path such as rows[2].SIGN."""
        if not path.startswith("rows["):
            return path or "$"
        index, _, column = path.removeprefix("rows[").partition("]")
        column = column.lstrip(".").partition("[")[0]
        return f"row {int(index) + 2}" + (f", column {column}" if column else "")

    def _header(self, header: list[str]) -> list[Issue]:
        faults = [
            issue("map-missing-column", "row 1", name=column, hint=self._misspelt(column, header))
            for column in self.columns
            if column not in header
        ]
        for place, column in enumerate(header, start=1):
            if column in header[: place - 1]:
                faults.append(issue("map-duplicate-column", f"row 1, column {place}"))
            elif column not in self.columns and (not self.keep or not column):
                faults.append(issue("map-unknown-column", f"row 1, column {place}", known=", ".join(self.columns)))
        return faults

    def _misspelt(self, column: str, header: list[str]) -> str:
        """Where the column may stand under another name. The name is not shown: row 1 may hold a person's data."""
        close = get_close_matches(column, [name for name in header if name not in self.columns], n=1)
        return f"Is it column {header.index(close[0]) + 1}, spelt differently?" if close else ""

    def _decoded(self, raw: bytes) -> str:
        """The text, in the declared encoding. UTF-8 read as another encoding would be words nobody wrote."""
        bom = raw.startswith(b"\xef\xbb\xbf")
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise self._wrong(raw, 0)
        if self.encoding != "utf-8":
            at = next((n for n, byte in enumerate(raw) if byte > 127), None)
            if at is not None and (bom or _is_utf8(raw)):
                raise self._wrong(raw, at)
        try:
            return raw[3:].decode("utf-8") if bom else raw.decode(self.encoding)
        except UnicodeDecodeError as fault:
            raise self._wrong(raw, fault.start + (3 if bom else 0)) from None

    def _wrong(self, raw: bytes, at: int) -> InvalidResource:
        before = raw[:at].decode("latin-1")
        reader = csv.reader(io.StringIO(before, newline=""), delimiter=self.delimiter)
        rows = [row for row in reader if row] or [[""]]
        if before.endswith(("\n", "\r")):
            rows.append([""])
        column = len(rows[-1])
        name = rows[0][column - 1] if len(rows) > 1 and column <= len(rows[0]) else str(column)
        where = f"row {len(rows)}, column {name}"
        return InvalidResource(
            issues=[issue("map-wrong-encoding", where, encoding=self.encoding, line=before.count("\n") + 1)]
        )


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
