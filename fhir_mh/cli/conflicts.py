"""`fhir-mh conflicts`: rows that two sides changed, listed, read and decided at the gateway that runs.

The gateway is found as `fhir-mh deliveries` finds it. Texts come by standard input or a file and go to standard output;
no address, argument or log holds one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console

from fhir_mh.cli.deliveries import ask, find_gateway, json_text, write_json
from fhir_mh.cli.exits import DONE
from fhir_mh.cli.issue_text import printable

Json = Mapping[str, Any]
_FIELDS = ("id", "record", "path", "reason", "from", "raised_at")


def run(
    verb: str, *, config: Path | None = None, gateway: str | None = None, token_file: Path | None = None,
    as_json: bool = False, **asked: Any,
) -> int:  # fmt: skip
    """list (record, owner), show (conflict) or decide (conflict, version, file); the answer goes to standard output.

    A list is one line for each conflict, without texts, or the gateway's own JSON; one conflict is always JSON. Returns
    0. Raises as cli.deliveries.run does, and InvalidResource where the file holds no JSON object.
    """
    where = find_gateway(config, gateway, token_file)
    if verb == "list":
        given = {name: asked[name] for name in ("record", "owner") if asked.get(name) is not None}
        found = ask(where, "GET", "/conflicts", params=given)
        write_json(found) if as_json else show_list(found)
        return DONE
    address = f"/conflicts/{quote(asked['conflict'], safe='')}"
    if verb == "show":
        write_json(ask(where, "GET", address), indent=True)
        return DONE
    body, seen = json_text(asked["file"]), {"If-Match": f'W/"{asked["version"]}"'}
    write_json(ask(where, "POST", f"{address}/decision", more=seen, content=body), indent=True)
    return DONE


def show_list(found: Json, console: Console | None = None) -> None:
    """Write the conflicts that wait to standard output; that there are none is said on a terminal alone."""
    console = console or Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal and not found["conflicts"]:
        console.print("No row waits for a decision.")
    for one in found["conflicts"]:
        owner = (one["owner"] or {}).get("id", "")
        fields = [*(one[name] for name in _FIELDS), owner, ",".join(one["choices"])]
        sys.stdout.write("\t".join(printable(str(field)) for field in fields) + "\n")
