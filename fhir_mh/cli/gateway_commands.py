"""The commands that ask the gateway that runs: its deliveries, and how current copies are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
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
    run,
)


def deliveries() -> Typer:
    """The group of `fhir-mh deliveries`."""
    group = group_of("See what waits for partners, and let go on what was refused. Asks the gateway that runs.")
    for name, command in (
        ("list", list_deliveries), ("summary", sum_up_deliveries), ("show", show_delivery),
        ("replay", replay_deliveries), ("resume", resume_lanes),
        ("send-again", send_again),
    ):  # fmt: skip
        group.command(name, cls=Command, epilog=EXITS)(command)
    return group


def list_deliveries(
    partner: Annotated[str | None, Option(metavar="ODS", help="Only what is for this partner.")] = None,
    everything: Annotated[
        bool, Option("--all", help="Every lane, not only those in which something waits or that are halted.")
    ] = False,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what waits, what was refused for good, which partners do not answer, and how current each copy is.

    A lane is one person's messages to one partner, in order. Persons are shown by the ids of the gateway. In a pipe
    each lane, dead letter and breaker is one line, its fields parted by tabs.
    """
    ask_gateway("deliveries", "list", config, gateway, token_file, as_json, partner=partner, everything=everything)


def sum_up_deliveries(
    config: Config = None, gateway: GatewayAddress = None, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    """Say of each partner how much waits and since when, what was refused or set aside, and whether it is called.

    Ends with 1 while something has waited longer than the gateway's setting alarm_after, or was refused for good.
    """
    ask_gateway("deliveries", "summary", config, gateway, token_file, as_json)


def show_delivery(
    seq: Annotated[int, Argument(metavar="SEQ", min=1, help="Its number, as the list shows it.")],
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one message: its state and age, how often it was tried, what it waits for. Never what it says."""
    ask_gateway("deliveries", "show", config, gateway, token_file, as_json, seq=seq)


def replay_deliveries(
    seq: Annotated[int | None, Argument(metavar="SEQ", min=1, help="Its number, as the list shows it.")] = None,
    partner: Annotated[
        str | None, Option(metavar="ODS", help="Instead of one: all that were refused by this partner.")
    ] = None,
    code: Annotated[str | None, Option(metavar="CODE", help="Of these, only what was refused with this code.")] = None,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Send again what was refused for good. Consent is decided anew, and a halted lane stays halted."""
    if (seq is None) == (partner is None) or (code is not None and partner is None):
        raise typer.BadParameter("give SEQ, or --partner and perhaps --code")
    ask_gateway("deliveries", "replay", config, gateway, token_file, as_json, seq=seq, partner=partner, code=code)


def resume_lanes(
    partner: Annotated[str, Argument(metavar="ODS", help="The partner whose halted lanes go on.")],
    person: Annotated[str | None, Option(metavar="ID", help="Only this person's lane.")] = None,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Let halted lanes go on. What was refused is skipped, unless it was replayed before."""
    ask_gateway("deliveries", "resume", config, gateway, token_file, as_json, partner=partner, person=person)


def send_again(
    partner: Annotated[str, Argument(metavar="ODS", help="The partner that is sent everything again.")],
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Send a partner everything again that it may see of whom it was sent something: its store is an older one.

    Consent is decided anew, and a halted lane stays halted. What the partner holds already it passes over.
    """
    ask_gateway("deliveries", "send-again", config, gateway, token_file, as_json, partner=partner)


class Answer(StrEnum):
    """How an answer is written."""

    table = "table"
    json = "json"


def currency(
    record: Annotated[
        str,
        Argument(
            metavar="RECORD",
            help="The id of a record, as the gateway gave it; - reads an NHS number, which is "
            "never an argument, from standard input.",
        ),
    ],
    output: Annotated[
        Answer,
        Option("--format", help="A table, in a pipe lines with fields parted by tabs; or the gateway's own JSON."),
    ] = Answer.table,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
) -> None:
    """Show how current each copy of a person's plans is: what each partner was sent, stored, filed and opened.

    It says which copies are not kept up to date any more, and which crisis plan is current where there are several, and
    why. It asks the gateway that runs.
    """
    found = {"config": config, "gateway": gateway, "token_file": token_file}
    run("currency", record, **found, as_json=output is Answer.json)


def find(
    file: Annotated[
        Path,
        Argument(
            metavar="FILE", help="Who is sought and why, in JSON (docs/rest.md); - reads standard input.", **INPUT
        ),
    ],
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask partners for the plan of somebody who was admitted here and whom nobody placed.

    Says of each partner whether the plan came, is promised, or there is nothing that may be shared or nobody they know,
    which is not told apart. Ends with 1 while something promised is not here, or a partner gave no answer.
    """
    run("find", file, config=config, gateway=gateway, token_file=token_file, as_json=as_json)
