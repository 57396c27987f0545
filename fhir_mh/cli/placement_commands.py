"""`fhir-mh placements`: its commands and their options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Typer

from fhir_mh.cli.commands import EXITS, INPUT, AsJson, Command, Config, GatewayAddress, TokenFile, group_of, run

_STEP_HELP = {
    "open": "Plan a placement with a provider.",
    "claim": "Say that the person was admitted here, and nobody placed them.",
    "confirm": "Make a provider's claim a placement.",
    "decline": "Do not place the person where a provider claims to have them.",
    "admit": "Say that the person has come, as it was planned.",
    "change": "Other terms from now on: purpose, interventions, level, estimated date of discharge, and so on.",
    "transfer": "To another provider, or to another ward of the same one.",
    "leave": "The person goes on leave.",
    "return": "The person is back from leave.",
    "delay": "The discharge is delayed.",
    "end": "The person has left, or does not come.",
    "reopen": "What was ended goes on.",
}
_Record = Annotated[
    str, Argument(metavar="RECORD", help="The record's id; - reads the person's NHS number from standard input.")
]
_Facts = Annotated[
    Path, Argument(metavar="FACTS", help="The facts of the step in JSON: docs/placements.md. - reads standard input.",
                   **INPUT),
]  # fmt: skip
_Placement = Annotated[str, Argument(metavar="PLACEMENT", help="Its id, as the list shows it.")]


def group() -> Typer:
    """The list, and one command for each step."""
    made = group_of("See a person's placements, and record their steps. Asks the gateway that runs.")
    made.command("list", cls=Command, epilog=EXITS)(list_placements)
    for name, words in _STEP_HELP.items():
        command = _opening(name) if name in ("open", "claim") else _later(name)
        made.command(name, cls=Command, epilog=EXITS, help=words)(command)
    return made


def list_placements(
    record: _Record, config: Config = None, gateway: GatewayAddress = None, token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show the placements of a record, the state of each, and which steps it takes now."""
    _place("list", config, gateway, token_file, as_json, record=record)


def _opening(step: str) -> Callable[..., None]:
    def command(
        record: _Record, facts: _Facts, config: Config = None, gateway: GatewayAddress = None,
        token_file: TokenFile = None, as_json: AsJson = False,
    ) -> None:  # fmt: skip
        _place(step, config, gateway, token_file, as_json, record=record, facts=facts)

    return command


def _later(step: str) -> Callable[..., None]:
    def command(
        record: _Record, placement: _Placement, facts: _Facts, config: Config = None, gateway: GatewayAddress = None,
        token_file: TokenFile = None, as_json: AsJson = False,
    ) -> None:  # fmt: skip
        _place(step, config, gateway, token_file, as_json, record=record, placement=placement, facts=facts)

    return command


def _place(
    step: str, config: Path | None, gateway: str | None, token_file: Path | None, as_json: bool, **asked: Any
) -> None:
    run("placements", step, config=config, gateway=gateway, token_file=token_file, as_json=as_json, **asked)
