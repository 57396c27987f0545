"""The commands and their options. What a command does is in its own module, imported when it runs."""

from __future__ import annotations

import gc
import os
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option, Typer
from typer.core import TyperCommand, TyperGroup

from fhir_mh import __version__
from fhir_mh.cli.exits import reading

if TYPE_CHECKING:
    from collections.abc import Callable

# A command stands here once there is something behind it: the module whose run() it calls.
BODIES: dict[str, str] = {
    "deliveries": "fhir_mh.cli.deliveries",
    "demo": "fhir_mh.cli.demo",
    "explain": "fhir_mh.cli.explain",
    "fhirpath": "fhir_mh.cli.fhirpath",
    "map": "fhir_mh.cli.map",
    "package": "fhir_mh.cli.package",
    "partners": "fhir_mh.cli.partners",
    "schema": "fhir_mh.cli.schema",
    "serve": "fhir_mh.cli.serve",
    "validate": "fhir_mh.cli.validate",
}

_EXITS = (
    "Exit codes: 0 done; 1 it ran and something did not hold, or what it depends on does not answer; "
    "2 the command or its input breaks a rule; 70 a fault in fhir-mh itself."
)


def _readable(text: str) -> Path:
    """A file that can be read, or - for standard input (which typer's own check of a Path refuses)."""
    file = Path(text)
    if text != "-" and (not file.exists() or file.is_dir() or not os.access(file, os.R_OK)):
        raise typer.BadParameter(f"{text!r} is no file that can be read")
    return file


def _readable_or_folder(text: str) -> Path:
    """As above, or a folder."""
    return Path(text) if Path(text).is_dir() and os.access(text, os.R_OK | os.X_OK) else _readable(text)


_INPUT: dict[str, Any] = {"parser": _readable}
_INPUTS: dict[str, Any] = {"parser": _readable_or_folder}


class Output(StrEnum):
    """How findings are written."""

    text = "text"
    json = "json"
    ndjson = "ndjson"
    sarif = "sarif"
    junit = "junit"
    outcome = "outcome"


class _Flags:
    """Help that shows no type beside what takes no value."""

    def get_params(self, ctx: Any) -> list[Any]:
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in found:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return found


class _Command(_Flags, TyperCommand): ...


class _Group(_Flags, TyperGroup): ...


def commands() -> TyperGroup:
    """All commands that there are."""
    app = Typer(
        cls=_Group,
        help="Care plans, crisis plans and advance wishes that follow the person, in FHIR R4.",
        epilog=_EXITS,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, command in _COMMANDS.items():
        if name in BODIES:
            app.command(name, cls=_Command, epilog=_EXITS)(command)
    app.add_typer(_deliveries(), name="deliveries")
    app.add_typer(_package(), name="package")
    app.add_typer(import_module("fhir_mh.cli.partner_commands").group(), name="partners")
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
    if not gc.isenabled():  # see main(): what is loaded by now stays
        gc.freeze()
        gc.enable()
    raise typer.Exit(body(*arguments, **options))


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
) -> None:
    """Check FHIR resources against R4 and the profiles they follow. Nothing leaves this machine."""
    asked = {"packages": package or [], "profiles": profile or [], "rules": rules}
    _run("validate", files, **asked, output=output.value, everything=all_, jobs=jobs)


def explain(
    code: Annotated[str, Argument(metavar="CODE", help="The code of a finding, such as validate-binding.")],
) -> None:
    """Say what the code of a finding means, with an example of it and how to put it right. Works offline."""
    _run("explain", code)


def evaluate(
    expression: Annotated[str, Argument(metavar="EXPRESSION", help="FHIRPath, such as name.given.first().")],
    file: Annotated[
        Path, Argument(metavar="FILE", help="A FHIR resource or Bundle in JSON; - reads standard input.", **_INPUT)
    ],
) -> None:
    """Write what a FHIRPath expression gives on a FHIR resource, each value as one line of JSON."""
    _run("fhirpath", expression, file)


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


def _package() -> Typer:
    group = Typer(
        cls=_Group,
        help="Our profiles as a FHIR package that other people's tools load.",
        epilog=_EXITS,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("build", cls=_Command, epilog=_EXITS)(package_build)
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
    _run("package", output)


def schema() -> None:
    """Write the JSON Schema of a plain record to standard output.

    It is what `record` means in `fhir-mh map`, and what POST /records takes; docs/records.md explains its versions.
    """
    _run("schema")


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


# --- deliveries: each of its commands asks the gateway that runs, found in the same way

_Config = Annotated[
    Path | None,
    Option("--config", metavar="FILE", help="The gateway's own settings: where it is, and its operator's token."),
]
_Gateway = Annotated[
    str | None, Option("--gateway", metavar="URL", help="A gateway elsewhere, instead of the one of the settings.")
]
_TokenFile = Annotated[
    Path | None, Option("--token-file", metavar="FILE", help="A file that holds the token of an operator.")
]
_Json = Annotated[bool, Option("--json", help="The gateway's own JSON.")]


def _deliveries() -> Typer:
    group = Typer(
        cls=_Group,
        help="See what waits for partners, and let go on what was refused. Asks the gateway that runs.",
        epilog=_EXITS,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, command in (
        ("list", list_deliveries), ("summary", sum_up_deliveries), ("show", show_delivery),
        ("replay", replay_deliveries), ("resume", resume_lanes),
    ):  # fmt: skip
        group.command(name, cls=_Command, epilog=_EXITS)(command)
    return group


def list_deliveries(
    partner: Annotated[str | None, Option(metavar="ODS", help="Only what is for this partner.")] = None,
    everything: Annotated[
        bool, Option("--all", help="Every lane, not only those in which something waits or that are halted.")
    ] = False,
    config: _Config = None,
    gateway: _Gateway = None,
    token_file: _TokenFile = None,
    as_json: _Json = False,
) -> None:
    """Show what waits, what was refused for good, which partners do not answer, and how current each copy is.

    A lane is one person's messages to one partner, in order. Persons are shown by the ids of the gateway. In a pipe
    each lane, dead letter and breaker is one line, its fields parted by tabs.
    """
    _ask("list", config, gateway, token_file, as_json, partner=partner, everything=everything)


def sum_up_deliveries(
    config: _Config = None, gateway: _Gateway = None, token_file: _TokenFile = None, as_json: _Json = False
) -> None:
    """Say of each partner how much waits and since when, what was refused or set aside, and whether it is called.

    Ends with 1 while something has waited longer than the gateway's setting alarm_after.
    """
    _ask("summary", config, gateway, token_file, as_json)


def show_delivery(
    seq: Annotated[int, Argument(metavar="SEQ", min=1, help="Its number, as the list shows it.")],
    config: _Config = None,
    gateway: _Gateway = None,
    token_file: _TokenFile = None,
    as_json: _Json = False,
) -> None:
    """Show one message: its state and age, how often it was tried, what it waits for. Never what it says."""
    _ask("show", config, gateway, token_file, as_json, seq=seq)


def replay_deliveries(
    seq: Annotated[int | None, Argument(metavar="SEQ", min=1, help="Its number, as the list shows it.")] = None,
    partner: Annotated[
        str | None, Option(metavar="ODS", help="Instead of one: all that were refused by this partner.")
    ] = None,
    code: Annotated[str | None, Option(metavar="CODE", help="Of these, only what was refused with this code.")] = None,
    config: _Config = None,
    gateway: _Gateway = None,
    token_file: _TokenFile = None,
    as_json: _Json = False,
) -> None:
    """Send again what was refused for good. Consent is decided anew, and a halted lane stays halted."""
    if (seq is None) == (partner is None) or (code is not None and partner is None):
        raise typer.BadParameter("give SEQ, or --partner and perhaps --code")
    _ask("replay", config, gateway, token_file, as_json, seq=seq, partner=partner, code=code)


def resume_lanes(
    partner: Annotated[str, Argument(metavar="ODS", help="The partner whose halted lanes go on.")],
    person: Annotated[str | None, Option(metavar="ID", help="Only this person's lane.")] = None,
    config: _Config = None,
    gateway: _Gateway = None,
    token_file: _TokenFile = None,
    as_json: _Json = False,
) -> None:
    """Let halted lanes go on. What was refused is skipped, unless it was replayed before."""
    _ask("resume", config, gateway, token_file, as_json, partner=partner, person=person)


def _ask(
    verb: str, config: Path | None, gateway: str | None, token_file: Path | None, as_json: bool, **asked: Any
) -> None:
    found = {"config": config, "gateway": gateway, "token_file": token_file, "as_json": as_json}
    _run("deliveries", verb, **found, **asked)


_COMMANDS: dict[str, Callable[..., None]] = {
    "validate": validate,
    "explain": explain,
    "fhirpath": evaluate,
    "map": map_file,
    "schema": schema,
    "serve": serve,
    "demo": demo,
}
