"""The commands and options of `fhir-mh quarantine`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option, Typer

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


def group() -> Typer:
    """list, show, replay and discard."""
    made = group_of("Look at what partners sent and was set aside. Asks the gateway that runs.")
    for name, command in (("list", listed), ("show", show), ("replay", replay), ("discard", discard)):
        made.command(name, cls=Command, epilog=EXITS)(command)
    return made


def listed(
    state: Annotated[str, Option(metavar="STATE", help="held, replayed, discarded or sealed.")] = "held",
    partner: Annotated[str | None, Option(metavar="ODS", help="Only what this partner sent.")] = None,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show who sent what was set aside, when, and why by code and place; nothing of what it says.

    In a pipe each is one line, its fields parted by tabs.
    """
    ask_gateway("quarantine", "list", config, gateway, token_file, as_json, state=state, partner=partner)


def show(
    name: _Id,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one whole: what speaks against it, and the message as it came. For the role quarantine."""
    ask_gateway("quarantine", "show", config, gateway, token_file, as_json, held=name)


def replay(
    name: Annotated[str | None, Argument(metavar="ID", help="Its id, as the list shows it.")] = None,
    everything: Annotated[bool, Option("--all", help="Everything that is held.")] = False,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Try one again, as if it had just come. What fails again stays held, with the new reason."""
    if (name is None) != everything:
        raise BadParameter("give ID or --all")
    ask_gateway("quarantine", "replay", config, gateway, token_file, as_json, held=name)


def discard(
    name: _Id,
    reason: Annotated[Path, Option("--reason-file", metavar="FILE", help="Says why; - reads standard input.", **INPUT)],
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Throw one out, with a reason: it need not be looked at any more. Its text is kept. For the role quarantine."""
    ask_gateway("quarantine", "discard", config, gateway, token_file, as_json, held=name, reason=reason)
