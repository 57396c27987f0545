"""`fhir-mh find`: ask partners for the plan of somebody whom nobody placed here, by the gateway that runs.

Who is sought and why is read from a file or standard input, for no argument is private.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from fhir_mh.cli.currency_tables import fields
from fhir_mh.cli.deliveries import ask, find_gateway, json_text, write_json
from fhir_mh.cli.exits import DONE, NOT_HELD
from fhir_mh.cli.issue_text import printable

Json = Mapping[str, Any]
_SAID = {
    "came": "came: it is in the record",
    "coming": "promised, and not here yet: ask again",
    "nothing": "nothing to share, or not known there",
    "too-many": "asked too often: ask later, or ring",
    "not-reached": "not reached: ring",
}


def run(
    file: Path, *, config: Path | None = None, gateway: str | None = None, token_file: Path | None = None,
    as_json: bool = False,
) -> int:  # fmt: skip
    """What each partner said to the asking that the file holds, on standard output.

    A table on a terminal, lines of fields parted by tabs in a pipe, the gateway's own JSON with as_json. Returns 0, and
    1 where what was promised is not here or a partner gave no answer. Raises as `fhir-mh deliveries` does, and
    InvalidResource where the file holds no JSON object.
    """
    where = find_gateway(config, gateway, token_file)
    found = ask(where, "POST", "/persons/find", content=json_text(file))
    write_json(found) if as_json else _show(found)
    return DONE if all(one["said"] in ("came", "nothing") for one in found["answers"]) else NOT_HELD


def _show(found: Json) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        sys.stdout.write(fields("asking", found["asking"], found["record"]) + "\n")
        for one in found["answers"]:
            sys.stdout.write(fields("answer", one["partner"], one["said"], one["edition"], one["code"]) + "\n")
        return
    table = Table("Partner", "It says", "Edition", "Why not", box=None, pad_edge=False, header_style="bold")
    for one in found["answers"]:
        shown = (one["partner"], _SAID[one["said"]], one["edition"], one["code"])
        table.add_row(*("" if value is None else printable(str(value)) for value in shown))
    console.print(table if found["answers"] else "This gateway has no partners to ask.")
    if found["record"] is not None:
        console.print(printable(f"Record: {found['record']}"))
