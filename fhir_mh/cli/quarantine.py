"""`fhir-mh quarantine`: what was set aside, asked of the gateway that runs; no command opens its store beside it.

The token is that of the first client of the settings in the role `quarantine`, else of its operator, or --token-file's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fhir_mh.cli.commands import content_of
from fhir_mh.cli.deliveries import Where, ask, find_gateway, write_json
from fhir_mh.cli.exits import DONE
from fhir_mh.cli.issue_text import printable
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.issues import issue

Json = dict[str, Any]
_ROLES = ("quarantine", "operator")


def run(
    verb: str, *, config: Path | None = None, gateway: str | None = None, token_file: Path | None = None,
    as_json: bool = False, **asked: Any,
) -> int:  # fmt: skip
    """list (state, partner), show (held), replay (held, or None for all) or discard (held, reason).

    Writes what the gateway says to standard output: a table on a terminal, lines of fields parted by tabs in a pipe,
    the gateway's own JSON with as_json. Returns 0; raises as `fhir-mh deliveries` does.
    """
    where = find_gateway(config, gateway, token_file, _ROLES)
    answer = _VERBS[verb](where, asked)
    if as_json:
        write_json(answer)
    elif verb == "show":
        _write_whole(answer)
    else:
        write_lines(answer.get("messages") or answer.get("replayed") or ([answer] if "id" in answer else []))
    return DONE


def _list(where: Where, asked: Mapping[str, Any]) -> Json:
    query = {name: asked[name] for name in ("state", "partner") if asked.get(name)}
    answer = found = ask(where, "GET", "/quarantine", params=query)
    while found["next"] is not None:
        found = ask(where, "GET", "/quarantine", params={**query, "after": found["next"]})
        answer = {**answer, "messages": [*answer["messages"], *found["messages"]], "next": None}
    return answer


def _show(where: Where, asked: Mapping[str, Any]) -> Json:
    return ask(where, "GET", f"/quarantine/{quote(asked['held'], safe='')}")


def _replay(where: Where, asked: Mapping[str, Any]) -> Json:
    if asked["held"] is None:
        return ask(where, "POST", "/quarantine/replay", content=b"{}")
    return ask(where, "POST", f"/quarantine/{quote(asked['held'], safe='')}/replay")


def _discard(where: Where, asked: Mapping[str, Any]) -> Json:
    sent = dumps({"reason": text_of(asked["reason"])})
    return ask(where, "POST", f"/quarantine/{quote(asked['held'], safe='')}/discard", content=sent)


_VERBS = {"list": _list, "show": _show, "replay": _replay, "discard": _discard}


def text_of(file: Path) -> str:
    """The text of a file that says why. Raises InvalidResource (json-encoding)."""
    content = content_of(file)
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise InvalidResource(issues=[issue("json-encoding", "--reason-file")]) from None


# --- what is shown


def write_lines(messages: Iterable[Json], console: Console | None = None) -> None:
    """One line for each: id, from whom, about which person, received, state, and why."""
    console = console or Console(highlight=False, markup=False, emoji=False)
    rows = [_fields(one) for one in messages]
    if not console.is_terminal:
        sys.stdout.write("".join("\t".join(row) + "\n" for row in rows))
    elif not rows:
        console.print("Nothing of that kind is held.")
    else:
        table = Table(box=None, pad_edge=False)
        for name in ("Id", "From", "Person", "Received", "State", "Why"):
            table.add_column(name, overflow="fold", no_wrap=name == "Id")
        for row in rows:
            table.add_row(*(Text(field) for field in row))
        console.print(table)


def _fields(one: Json) -> list[str]:
    why = "; ".join(f"{found['code']} at {found['path']}" for found in one["issues"])
    came = f"{one['state']} ({one['status']})" if one.get("status") else one["state"]
    named = (
        one["id"],
        one["partner"],
        one["person"] or "",
        one["received"],
        came,
        why if one["state"] == "held" else "",
    )
    return [printable(str(field)) for field in named]


def _write_whole(answer: Json) -> None:
    """What speaks against a message, what it says in plain words where it can be read so, and as it came."""
    write_lines([answer])
    for found in answer["findings"]:
        sys.stdout.write(f"{printable(found['code'])} at {printable(found['path'])}: {printable(found['message'])}\n")
    if answer["record"] is not None:
        _write_json("In plain words:", answer["record"])
    _write_json("As it came:", loads(answer["original"].encode()))


def _write_json(heading: str, value: Any) -> None:
    lines = dumps(value, indent=True).decode().splitlines()
    sys.stdout.write("\n".join(["", heading, *(printable(line) for line in lines), ""]))
