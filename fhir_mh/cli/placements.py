"""`fhir-mh placements`: the steps of placements, recorded by the gateway that runs.

Facts come from a file or standard input, for reasons are words about a person, and no argument is private. So is an
NHS number: with `-` for the record it is read from standard input.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from fhir_mh.cli.commands import content_of
from fhir_mh.cli.deliveries import ask, find_gateway, record_by_number, write_json
from fhir_mh.cli.exits import DONE, reading
from fhir_mh.cli.issue_text import printable
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.issues import issue
from fhir_mh.placements import in_order

Json = Mapping[str, Any]
_ENDED = "not_kept_up_to_date"
_COLUMNS = ("id", "state", "provider", "since", "estimated discharge", "possible")


def run(
    step: str, *, record: str, placement: str | None = None, facts: Path | None = None, config: Path | None = None,
    gateway: str | None = None, token_file: Path | None = None, as_json: bool = False,
) -> int:  # fmt: skip
    """list, or a step of a placement with its facts; what the gateway says, on standard output. Returns 0.

    Tables on a terminal, lines of fields parted by tabs in a pipe, the gateway's own JSON with as_json. Raises what
    `deliveries` raises where no gateway answers or it refuses.
    """
    where = find_gateway(config, gateway, token_file)
    told = None if facts is None else _facts(facts, taken=record == "-")
    name = record_by_number(where) if record == "-" else record
    address = f"/records/{quote(name, safe='')}/placements"
    if told is None:
        answer = ask(where, "GET", address)
    elif placement is None:
        answer = ask(where, "POST", address, content=dumps({**told, "step": step}))
    else:
        answer = ask(where, "POST", f"{address}/{quote(placement, safe='')}/{step}", content=dumps(told))
    if as_json:
        write_json(answer)
    else:
        _show(answer, listed=told is None)
    return DONE


def _facts(file: Path, *, taken: bool) -> dict[str, Any]:
    """The facts of a step. Standard input may be taken, by an NHS number."""
    if str(file) == "-" and taken:
        raise InvalidResource(issues=[issue("cli-one-input", "FACTS")])
    with reading(file):
        return load_object(content_of(file))


def _show(answer: Json, *, listed: bool) -> None:
    if listed:
        show_list(answer)
        return
    for line in _told(answer):
        sys.stdout.write(f"{line}\n")


def show_list(answer: Json, console: Console | None = None) -> None:
    """Write the placements of a record to standard output, as fits where it goes."""
    console = console or Console(highlight=False, markup=False, emoji=False)
    rows = [_row(one) for one in answer["placements"]]
    if not console.is_terminal:
        sys.stdout.write("".join("\t".join(row) + "\n" for row in rows))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in _COLUMNS:
        table.add_column(name, overflow="fold", no_wrap=name in ("id", "state"))
    for row in rows:
        table.add_row(*row[:-1])
    console.print(table if rows else "Nobody has placed this person.")
    for name, *_, since in rows:
        if since:
            console.print(f"{name} may have changed: nothing of it has come since {since}.", soft_wrap=True)


def _row(one: Json) -> list[str]:
    """What a terminal and a pipe show of a placement, the last since when it is not kept up to date; nobody's words."""
    stay = one.get("stay") or {}
    dates = in_order(stay.get("estimated_discharge") or [{}])
    values = (
        one["id"], one["state"], one.get("provider"), (stay.get("period") or {}).get("start"), dates[-1].get("value"),
        " ".join(one["possible"]), min((told["since"] for told in (one.get(_ENDED) or {}).values()), default=None),
    )  # fmt: skip
    return [printable(str(value or "")) for value in values]


def _told(answer: Json) -> Iterator[str]:
    yield "\t".join(("repeated" if answer["repeated"] else "recorded", printable(str(answer["placement"]))))
    if answer["proposed"]:
        yield f"proposed\t{len(answer['proposed'])}"
    if answer["tasks"]:
        yield f"tasks\t{answer['tasks']}"
    for warning in answer["warnings"]:
        yield f"warning\t{warning['code']}\t{printable(str(warning['message']))}"
