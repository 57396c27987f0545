"""The commands of `fhir-mh conflicts` and their options; what they do is in cli/conflicts.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option, Typer

from fhir_mh.cli.commands import EXITS, INPUT, AsJson, Command, Config, GatewayAddress, TokenFile, group_of, run


def group() -> Typer:
    """The commands of `fhir-mh conflicts`."""
    found = group_of("Decide between two texts that a merge left for a person. Asks the gateway that runs.")
    for name, command in (("list", list_conflicts), ("show", show_conflict), ("decide", decide_conflict)):
        found.command(name, cls=Command, epilog=EXITS)(command)
    return found


_Conflict = Annotated[str, Argument(metavar="ID", help="Its id, as the list shows it.")]


def list_conflicts(
    record: Annotated[str | None, Option(metavar="ID", help="Only those of this record.")] = None,
    owner: Annotated[str | None, Option(metavar="ID", help="Only those of this lead, by the id in the record.")] = None,
    queue: Annotated[bool, Option("--queue", help="Only those that no lead owns.")] = False,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show which rows wait for a decision, without their texts; in a pipe one line each, its fields parted by tabs."""
    if queue and owner is not None:
        raise typer.BadParameter("give --owner or --queue, not both")
    where = {"config": config, "gateway": gateway, "token_file": token_file, "as_json": as_json}
    run("conflicts", "list", **where, record=record, owner="" if queue else owner)


def show_conflict(
    conflict: _Conflict,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
) -> None:
    """Write one conflict as JSON: every text, what may be decided, and the version of the record."""
    run("conflicts", "show", config=config, gateway=gateway, token_file=token_file, conflict=conflict)


def decide_conflict(
    conflict: _Conflict,
    version: Annotated[int, Argument(metavar="VERSION", min=0, help="The record's version, as it was shown.")],
    file: Annotated[
        Path, Argument(metavar="FILE", help="The decision in JSON (docs/rest.md); - reads standard input.", **INPUT)
    ],
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
) -> None:
    """Decide a conflict, and write it as it now is. Texts and names stand in FILE, never on the command line."""
    where = {"config": config, "gateway": gateway, "token_file": token_file}
    run("conflicts", "decide", **where, conflict=conflict, version=version, file=file)
