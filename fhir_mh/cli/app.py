"""The commands and their options. What a command does is in its own module, imported when it runs."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option, Typer
from typer.core import TyperGroup

from fhir_mh import __version__
from fhir_mh.cli import (
    conflict_commands,
    gateway_commands,
    merge_commands,
    partner_commands,
    placement_commands,
    quarantine_commands,
)
from fhir_mh.cli.commands import BODIES, EXITS, INPUT, Command, Group, group_of, readable, run
from fhir_mh.cli.exits import reading

if TYPE_CHECKING:
    from collections.abc import Callable


def _readable_or_folder(text: str) -> Path:
    """As above, or a folder."""
    return Path(text) if Path(text).is_dir() and os.access(text, os.R_OK | os.X_OK) else readable(text)


_INPUTS: dict[str, Any] = {"parser": _readable_or_folder}


class Output(StrEnum):
    """How findings are written."""

    text = "text"
    json = "json"
    ndjson = "ndjson"
    sarif = "sarif"
    junit = "junit"
    outcome = "outcome"


def commands() -> TyperGroup:
    """All commands that there are."""
    app = Typer(
        cls=Group,
        help="Care plans, crisis plans and advance wishes that follow the person, in FHIR R4.",
        epilog=EXITS,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, command in _COMMANDS.items():
        if name in BODIES:
            app.command(name, cls=Command, epilog=EXITS)(command)
    app.add_typer(conflict_commands.group(), name="conflicts")
    app.add_typer(gateway_commands.deliveries(), name="deliveries")
    app.add_typer(_package(), name="package")
    app.add_typer(partner_commands.group(), name="partners")
    app.add_typer(placement_commands.group(), name="placements")
    app.add_typer(quarantine_commands.group(), name="quarantine")
    app.add_typer(merge_commands.group(), name="merges")
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


def validate(
    files: Annotated[
        list[Path],
        Argument(
            metavar="FILE",
            help="FHIR resources or Bundles in JSON, NDJSON files, folders of them; - reads one from standard input.",
            **_INPUTS,
        ),
    ],
    package: Annotated[
        list[str] | None,
        Option(
            metavar="PACKAGE",
            help="A FHIR package to check against besides ours: a .tgz, a folder, a JSON file, or name#version.",
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        Option(metavar="URL", help="A profile that each resource must follow, besides those it claims itself."),
    ] = None,
    rules: Annotated[
        str,
        Option(
            metavar="SETS",
            help="The rules that count: base is FHIR R4 itself, profile what profiles and extensions ask, clinical "
            "what a plan lacks to be of use, or is odd in England.",
        ),
    ] = "base,profile,clinical",
    output: Annotated[
        Output,
        Option(
            "--format",
            help="A block of lines for each finding; JSON, as one array or a line for each resource; SARIF or JUnit "
            "for a build's reports; or OperationOutcomes.",
        ),
    ] = Output.text,
    jobs: Annotated[int, Option(metavar="N", min=1, help="Processes at work at once.")] = 1,
    all_: Annotated[
        bool, Option("--all", help="In plain lines, each place of a warning that stands at many places.")
    ] = False,
    resources_only: Annotated[
        bool,
        Option("--resources-only", help="Pass over files that hold no resourceType, and count them, as in a folder."),
    ] = False,
) -> None:
    """Check FHIR resources against R4 and the profiles they follow. Nothing leaves this machine."""
    asked = {"packages": package or [], "profiles": profile or [], "rules": rules}
    shown = {"output": output.value, "everything": all_}
    run("validate", files, **asked, **shown, resources_only=resources_only, jobs=jobs)


def explain(
    code: Annotated[str, Argument(metavar="CODE", help="The code of a finding, such as validate-binding.")],
) -> None:
    """Say what the code of a finding means, with an example of it and how to put it right. Works offline."""
    run("explain", code)


def evaluate(
    expression: Annotated[str, Argument(metavar="EXPRESSION", help="FHIRPath, such as name.given.first().")],
    file: Annotated[
        Path, Argument(metavar="FILE", help="A FHIR resource or Bundle in JSON; - reads standard input.", **INPUT)
    ],
) -> None:
    """Write what a FHIRPath expression gives on a FHIR resource, each value as one line of JSON."""
    run("fhirpath", expression, file)


def map_file(
    file: Annotated[
        Path | None, Argument(metavar="FILE", help="What is to be mapped; - reads standard input.", **INPUT)
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
    run("map", file, source_format=from_, target_format=to, report=report, listing=list_)


def _package() -> Typer:
    group = group_of("Our profiles as a FHIR package that other people's tools load.")
    group.command("build", cls=Command, epilog=EXITS)(package_build)
    return group


def package_build(
    output: Annotated[
        Path | None,
        Option(
            metavar="FILE", help="Where to write it. (default: its name and version, in this folder)", dir_okay=False
        ),
    ] = None,
) -> None:
    """Write our profiles, value sets, code systems and maps as one .tgz: a FHIR package, with its licence."""
    run("package", output)


def schema() -> None:
    """Write the JSON Schema of a plain record to standard output.

    It is what `record` means in `fhir-mh map`, and what POST /records takes; docs/records.md explains its versions.
    """
    run("schema")


def serve(
    config: Annotated[Path | None, Option(metavar="FILE", help="Settings in TOML: docs/configuration.md.")] = None,
    host: Annotated[
        str | None, Option(metavar="ADDRESS", help="The address to listen on. (default: 127.0.0.1)")
    ] = None,
    port: Annotated[int | None, Option(metavar="N", help="The port; 0 takes any free one. (default: 8080)")] = None,
    store: Annotated[
        str | None,
        Option(metavar="SQLALCHEMY-URL", help="Where everything is kept. (default: sqlite:///fhir-mh.sqlite3)"),
    ] = None,
    ods: Annotated[str | None, Option(metavar="CODE", help="The ODS code of this organisation.")] = None,
) -> None:
    """Run a gateway: FHIR REST, plain records, and exchange with partners. It prints its address; Ctrl-C stops it."""
    from fhir_mh.cli.issue_text import write
    from fhir_mh.settings import doubts, load

    with reading(config or ""):
        settings = load(config, host=host, port=port, store=store, ods=ods)
    write(doubts(settings), str(config or ""))
    run("serve", settings)


def demo(
    once: Annotated[
        bool, Option("--once", help="Play it once and stop: 0 only if every step was seen to hold where it arrived.")
    ] = False,
) -> None:
    """Three gateways on this machine, and a plan that follows the person through them. Ctrl-C stops all."""
    run("demo", once=once)


_COMMANDS: dict[str, Callable[..., None]] = {
    "validate": validate,
    "explain": explain,
    "fhirpath": evaluate,
    "map": map_file,
    "schema": schema,
    "serve": serve,
    "demo": demo,
    "currency": gateway_commands.currency,
    "find": gateway_commands.find,
}
