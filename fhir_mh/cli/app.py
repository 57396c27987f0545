"""The commands and their options. What a command does is in its own module, imported when it runs."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option, Typer

from fhir_mh import __version__
from fhir_mh.cli.exits import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.core import TyperGroup

# A command stands here once there is something behind it: the module whose run() it calls.
BODIES: dict[str, str] = {
    "demo": "fhir_mh.cli.demo",
    "map": "fhir_mh.cli.map",
    "serve": "fhir_mh.cli.serve",
    "validate": "fhir_mh.cli.validate",
}

_EXITS = (
    "Exit codes: 0 done; 1 it ran and something did not hold, or what it depends on does not answer; "
    "2 the command or its input breaks a rule; 70 a fault in fhir-mh itself."
)
_INPUT = {"exists": True, "dir_okay": False, "readable": True, "allow_dash": True}


class Output(StrEnum):
    """How findings are written."""

    text = "text"
    json = "json"


def commands() -> TyperGroup:
    """All commands that there are."""
    app = Typer(
        help="Care plans, crisis plans and advance wishes that follow the person, in FHIR R4.",
        epilog=_EXITS,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, command in _COMMANDS.items():
        if name in BODIES:
            app.command(name, epilog=_EXITS)(command)
    return typer.main.get_group(app)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"fhir-mh {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, Option("--version", help="Say which version this is, and stop.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """Options before the command."""


def _run(name: str, *arguments: Any, **options: Any) -> None:
    body: Callable[..., int] = import_module(BODIES[name]).run
    raise typer.Exit(body(*arguments, **options))


def validate(
    files: Annotated[list[Path], Argument(metavar="FILE...", help="FHIR resources or Bundles in JSON.", **_INPUT)],
    package: Annotated[
        list[str] | None,
        Option(
            metavar="PACKAGE", help="A FHIR package to check against besides ours: a .tgz, a folder, or name@version."
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        Option(metavar="URL", help="A profile that each resource must follow, besides those it claims itself."),
    ] = None,
    output: Annotated[
        Output, Option("--format", help="Plain lines, or one OperationOutcome for each file.")
    ] = Output.text,
) -> None:
    """Check FHIR resources against R4 and the profiles they follow. Nothing leaves this machine."""
    _run("validate", files, packages=package or [], profiles=profile or [], output=output.value)


def map_file(
    file: Annotated[
        Path | None, Argument(metavar="FILE", help="What is to be mapped; - reads standard input.", **_INPUT)
    ] = None,
    from_: Annotated[str, Option("--from", metavar="FORMAT", help="record, fhir, or the name of a mapping.")] = "",
    to: Annotated[str, Option("--to", metavar="FORMAT", help="record, fhir, or the name of a mapping.")] = "",
    report: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Write there what could not be carried (JSON for a name in .json); else it goes to standard error.",
        ),
    ] = None,
    list_: Annotated[bool, Option("--list", help="Say which formats there are, and stop.")] = False,
) -> None:
    """Turn a record, a FHIR Bundle or a provider's own extract into another of these.

    The result goes to standard output; what the other format could not say is reported, never dropped in silence.
    """
    if not list_ and (file is None or not from_ or not to):
        raise typer.BadParameter("give FILE, --from and --to; or --list")
    _run("map", file, source_format=from_, target_format=to, report=report, listing=list_)


def serve(
    config: Annotated[Path | None, Option(metavar="FILE", help="Settings in TOML: docs/configuration.md.")] = None,
    host: Annotated[str | None, Option(help="The address to listen on. (default: 127.0.0.1)")] = None,
    port: Annotated[int | None, Option(metavar="N", help="The port; 0 takes any free one. (default: 8080)")] = None,
    store: Annotated[
        str | None,
        Option(metavar="SQLALCHEMY-URL", help="Where everything is kept. (default: sqlite:///fhir-mh.sqlite3)"),
    ] = None,
    ods: Annotated[str | None, Option(metavar="CODE", help="The ODS code of this organisation.")] = None,
) -> None:
    """Run a gateway: FHIR REST, plain records, and exchange with partners. It prints its address; Ctrl-C stops it."""
    from fhir_mh.settings import load

    with reading(config or ""):
        settings = load(config, host=host, port=port, store=store, ods=ods)
    _run("serve", settings)


def demo(
    once: Annotated[
        bool, Option("--once", help="Play it once and stop: 0 only if every step was seen to hold where it arrived.")
    ] = False,
) -> None:
    """Three gateways on this machine, and a plan that follows the person through them. Ctrl-C stops all."""
    _run("demo", once=once)


_COMMANDS: dict[str, Callable[..., None]] = {
    "validate": validate,
    "map": map_file,
    "serve": serve,
    "demo": demo,
}
