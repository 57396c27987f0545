"""What every command of the command line is made of: its body's module, its help, and how it is run."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# A command stands here once there is something behind it: the module whose run() it calls.
BODIES: dict[str, str] = {
    "conflicts": "fhir_mh.cli.conflicts",
    "currency": "fhir_mh.cli.currency",
    "deliveries": "fhir_mh.cli.deliveries",
    "demo": "fhir_mh.cli.demo",
    "explain": "fhir_mh.cli.explain",
    "find": "fhir_mh.cli.finding",
    "fhirpath": "fhir_mh.cli.fhirpath",
    "map": "fhir_mh.cli.map",
    "package": "fhir_mh.cli.package",
    "partners": "fhir_mh.cli.partners",
    "placements": "fhir_mh.cli.placements",
    "merges": "fhir_mh.cli.merges",
    "quarantine": "fhir_mh.cli.quarantine",
    "schema": "fhir_mh.cli.schema",
    "serve": "fhir_mh.cli.serve",
    "validate": "fhir_mh.cli.validate",
}

EXITS = (
    "Exit codes: 0 done; 1 it ran and something did not hold, or what it depends on does not answer; "
    "2 the command or its input breaks a rule; 70 a fault in fhir-mh itself."
)

# Where a command finds the gateway that runs, for all that ask one.
Config = Annotated[
    Path | None,
    Option("--config", metavar="FILE", help="The gateway's own settings: where it is, and a token that lets one in."),
]
GatewayAddress = Annotated[
    str | None, Option("--gateway", metavar="URL", help="A gateway elsewhere, instead of the one of the settings.")
]
TokenFile = Annotated[
    Path | None, Option("--token-file", metavar="FILE", help="A file that holds the token of one who may ask.")
]
AsJson = Annotated[bool, Option("--json", help="The gateway's own JSON.")]


def readable(text: str) -> Path:
    """A file that can be read, or - for standard input (which typer's own check of a Path refuses)."""
    file = Path(text)
    if text != "-" and (not file.exists() or file.is_dir() or not os.access(file, os.R_OK)):
        raise typer.BadParameter(f"{text!r} is no file that can be read")
    return file


def content_of(file: Path) -> bytes:
    """What stands in a file that can be read, or on standard input for -. Raises OSError."""
    return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()


INPUT: dict[str, Any] = {"parser": readable}


class _Flags:
    """Help that shows no type beside what takes no value."""

    def get_params(self, ctx: Any) -> list[Any]:
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in found:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return found


class Command(_Flags, TyperCommand):
    """Refuses an NHS number where it asks a gateway: what it is given may come to stand in an address."""

    def invoke(self, ctx: Any) -> Any:
        if "gateway" in ctx.params:
            _without_numbers(self.params, ctx.params)
        return super().invoke(ctx)


def _without_numbers(params: Iterable[Any], given: Mapping[str, Any]) -> None:
    from fhir_mh.errors import InvalidResource
    from fhir_mh.fhir.nhs_numbers import without_numbers
    from fhir_mh.issues import issue

    for param in params:
        value = given.get(param.name)
        if isinstance(value, str) and without_numbers(value) != value:
            named = param.opts[0] if param.opts[0].startswith("-") else param.metavar
            raise InvalidResource(issues=[issue("cli-nhs-number", named)])


class Group(_Flags, TyperGroup): ...


def group_of(words: str) -> typer.Typer:
    """A group of commands without any yet. words: its help."""
    return typer.Typer(
        cls=Group,
        help=words,
        epilog=EXITS,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def run(name: str, *arguments: Any, **options: Any) -> None:
    """Run the body of a command, and end with the exit code that it returns."""
    body: Callable[..., int] = import_module(BODIES[name]).run
    if not gc.isenabled():  # see main(): what is loaded by now stays
        gc.freeze()
        gc.enable()
    raise typer.Exit(body(*arguments, **options))


def ask_gateway(
    name: str,
    verb: str,
    config: Path | None,
    gateway: str | None,
    token_file: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Run one verb of a command that asks the gateway that runs. asked: what else its body takes."""
    run(name, verb, config=config, gateway=gateway, token_file=token_file, as_json=as_json, **asked)
