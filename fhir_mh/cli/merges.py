"""`fhir-mh merges`: two persons who are one, asked of the gateway that runs. Reasons and answers come from files.

The token is that of the first client of the settings in the role `merges`, or --token-file's: the second person who
approves has one of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console

from fhir_mh.cli.deliveries import Where, ask, find_gateway, json_text, write_json
from fhir_mh.cli.exits import DONE
from fhir_mh.cli.issue_text import printable
from fhir_mh.cli.quarantine import text_of
from fhir_mh.fhir.json import dumps

Json = Mapping[str, Any]
_FIELDS = ("id", "kept", "superseded", "state", "asked_by", "asked", "approved_by", "made", "undone_by", "undone")


def run(
    verb: str, *, config: Path | None = None, gateway: str | None = None, token_file: Path | None = None,
    as_json: bool = False, **asked: Any,
) -> int:  # fmt: skip
    """list, show (merge), preview (kept, superseded), ask (and reason), approve (merge, reason) or undo (merge, file).

    A list is one line for each, its fields parted by tabs, or the gateway's own JSON; all else is JSON. Returns 0;
    raises as `fhir-mh deliveries` does, and InvalidResource where a file holds no JSON object or no text.
    """
    where = find_gateway(config, gateway, token_file, ("merges",))
    answer = ask(where, "GET", "/persons/merges") if verb == "list" else _VERBS[verb](where, asked)
    if verb == "list" and not as_json:
        show_list(answer)
    else:
        write_json(answer, indent=not as_json)
    return DONE


def show_list(answer: Json, console: Console | None = None) -> None:
    """Write the merges that were asked for to standard output; that there are none is said on a terminal alone."""
    console = console or Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal and not answer["merges"]:
        console.print("Nobody has asked for a merge.")
    for one in answer["merges"]:
        sys.stdout.write("\t".join(printable(str(one[name] or "")) for name in _FIELDS) + "\n")


def _show(where: Where, asked: Json) -> Json:
    return ask(where, "GET", _address(asked))


def _preview(where: Where, asked: Json) -> Json:
    sent = {"kept": asked["kept"], "superseded": asked["superseded"]}
    return ask(where, "POST", "/persons/merges/preview", content=dumps(sent))


def _ask(where: Where, asked: Json) -> Json:
    sent = {"kept": asked["kept"], "superseded": asked["superseded"], "reason": text_of(asked["reason"])}
    return ask(where, "POST", "/persons/merges", content=dumps(sent))


def _approve(where: Where, asked: Json) -> Json:
    return ask(where, "POST", f"{_address(asked)}/approvals", content=dumps({"reason": text_of(asked["reason"])}))


def _undo(where: Where, asked: Json) -> Json:
    return ask(where, "POST", f"{_address(asked)}/undoing", content=json_text(asked["file"]))


_VERBS = {"show": _show, "preview": _preview, "ask": _ask, "approve": _approve, "undo": _undo}


def _address(asked: Json) -> str:
    return f"/persons/merges/{quote(asked['merge'], safe='')}"
