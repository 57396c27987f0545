"""The commands of `fhir-mh merges` and their options; what they do is in cli/merges.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option, Typer

from fhir_mh.cli.commands import (
    EXITS,
    INPUT,
    AsJson,
    Command,
    Config,
    GatewayAddress,
    TokenFile,
    ask_gateway,
    group_of,
)

_Id = Annotated[str, Argument(metavar="ID", help="Its id, as the list shows it.")]
_Kept = Annotated[str, Argument(metavar="KEPT", help="The id of the record that stays in use.")]
_Superseded = Annotated[str, Argument(metavar="SUPERSEDED", help="The id of the record that is to lead to it.")]
_Reason = Annotated[Path, Option("--reason-file", metavar="FILE", help="Says why; - reads standard input.", **INPUT)]


def group() -> Typer:
    """list, show, preview, ask, approve and undo."""
    made = group_of("Say that two persons are one, and undo it. Asks the gateway that runs.")
    for name, command in (
        ("list", listed), ("show", show), ("preview", preview), ("ask", ask), ("approve", approve), ("undo", undo),
    ):  # fmt: skip
        made.command(name, cls=Command, epilog=EXITS)(command)
    return made


def listed(
    config: Config = None, gateway: GatewayAddress = None, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    """Show every merge that was asked for, one line each, its fields parted by tabs."""
    ask_gateway("merges", "list", config, gateway, token_file, as_json)


def show(
    name: _Id,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one, with what was written since it was made and how each entry can be answered for."""
    ask_gateway("merges", "show", config, gateway, token_file, as_json, merge=name)


def preview(
    kept: _Kept,
    superseded: _Superseded,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what would come of a merge: counts and places, and what speaks against it. Nothing is changed."""
    ask_gateway("merges", "preview", config, gateway, token_file, as_json, kept=kept, superseded=superseded)


def ask(
    kept: _Kept,
    superseded: _Superseded,
    reason: _Reason,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a merge. It is made once somebody else approves."""
    ask_gateway("merges", "ask", config, gateway, token_file, as_json, kept=kept, superseded=superseded, reason=reason)


def approve(
    name: _Id,
    reason: _Reason,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Approve of a merge that somebody else asked for within a day: it is made."""
    ask_gateway("merges", "approve", config, gateway, token_file, as_json, merge=name, reason=reason)


def undo(
    name: _Id,
    file: Annotated[
        Path,
        Argument(metavar="FILE", help="Reason and answers in JSON (docs/rest.md); - reads standard input.", **INPUT),
    ],
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Part two persons who were merged wrongly."""
    ask_gateway("merges", "undo", config, gateway, token_file, as_json, merge=name, file=file)
