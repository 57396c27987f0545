"""The commands of `fhir-mh partners` and their options. What they do is in partners.py."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, BadParameter, Option, Typer

from fhir_mh.cli.commands import EXITS, Command, Config, GatewayAddress, TokenFile, ask_gateway, group_of


class Role(StrEnum):
    """What a partner is to people: fhir_mh.partner.ROLES, written again, for that module takes long to load."""

    home_team = "home-team"
    inpatient_unit = "inpatient-unit"
    out_of_area_provider = "out-of-area-provider"
    commissioner = "commissioner"
    gp = "gp"


class Kind(StrEnum):
    """What is at the other end: fhir_mh.partner.Kind, written again for the same reason."""

    gateway = "gateway"
    fhir_server = "fhir-server"


class DeadLetters(StrEnum):
    """What a refused snapshot does to its lane: fhir_mh.partner.Partner.dead_letters, written again likewise."""

    halt = "halt"
    skip = "skip"


class Form(StrEnum):
    """How the answer is written."""

    text = "text"
    json = "json"


_Form = Annotated[Form, Option("--format", help="Lines for people, or the gateway's own JSON.")]
_Ods = Annotated[str, Argument(metavar="ODS", help="The partner's ODS code.")]
_Roles = Annotated[
    list[Role] | None, Option("--role", help="What it is to the people shared with it; may stand several times.")
]
_DeadLetters = Annotated[
    DeadLetters | None,
    Option(
        "--dead-letters",
        help="What a snapshot that it refuses does to what is behind it about the same person: halt until a person "
        "looks, or skip to the next newer one. (default: halt)",
    ),
]
_Secret = Annotated[
    str | None,
    Option(
        "--secret",
        metavar="NAME",
        help="The file with the secret of this pair, by its name in the gateway's folder of secrets.",
    ),
]
_Kind = Annotated[Kind | None, Option("--kind", help="What is at the other end. (default: gateway)")]
_Token = Annotated[
    str | None,
    Option("--token", metavar="NAME", help="Of a FHIR server: the file with its token, in the same folder."),
]
_Poll = Annotated[
    int | None,
    Option("--poll", metavar="SECONDS", min=1, help="Of a FHIR server: after how long it is asked again for changes."),
]


def group() -> Typer:
    """The commands together."""
    typer = group_of(
        "The organisations that the gateway shares with: see, change and prove them. Asks the gateway that runs."
    )
    for name, command in (("list", listed), ("add", add), ("change", change), ("remove", remove), ("check", check)):
        typer.command(name, cls=Command, epilog=EXITS)(command)
    return typer


def listed(
    config: Config = None, gateway: GatewayAddress = None, token_file: TokenFile = None, form: _Form = Form.text
) -> None:
    """Show the partners, where each is kept, and about how many people it holds something of ours."""
    _ask("list", config, gateway, token_file, form)


def add(
    ods: _Ods,
    name: Annotated[str, Option(metavar="NAME", help="What people call it.")],
    url: Annotated[str, Option(metavar="URL", help="Where its gateway answers, or its FHIR server.")],
    kind: _Kind = None,
    secret: _Secret = None,
    token: _Token = None,
    poll: _Poll = None,
    roles: _Roles = None,
    dead_letters: _DeadLetters = None,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    form: _Form = Form.text,
) -> None:
    """Add a partner to the gateway that runs. It is sent what it may see of the people it cares for."""
    said = {"called": name, "roles": roles, "url": url, "kind": kind, "secret": secret, "token": token, "poll": poll}
    _ask("add", config, gateway, token_file, form, ods=ods, dead_letters=dead_letters, **said)


def change(
    ods: _Ods,
    name: Annotated[str | None, Option(metavar="NAME", help="What people call it.")] = None,
    roles: _Roles = None,
    dead_letters: _DeadLetters = None,
    connection: Annotated[
        int, Option(metavar="N", min=1, help="Which of its connections; one more than there are adds one.")
    ] = 1,
    url: Annotated[str | None, Option(metavar="URL", help="Where its gateway answers, or its FHIR server.")] = None,
    kind: _Kind = None,
    secret: _Secret = None,
    token: _Token = None,
    poll: _Poll = None,
    previous_until: Annotated[
        str | None,
        Option(metavar="INSTANT", help="Until when the secret used so far counts too, such as 2026-12-01T00:00:00Z."),
    ] = None,
    on: Annotated[bool | None, Option("--on/--off", help="Whether the connection is used.")] = None,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    form: _Form = Form.text,
) -> None:
    """Change a partner; what is not mentioned stays. It is taken up at once.

    To change a secret: put the new one into a file of the folder, give its name with --secret, and say with
    --previous-until how long the old one still counts.
    """
    if previous_until is not None and secret is None:
        raise BadParameter("--previous-until is for a new --secret")
    said = {"called": name, "roles": roles, "url": url, "kind": kind, "secret": secret, "token": token, "poll": poll}
    said |= {"dead_letters": dead_letters, "previous_until": previous_until, "on": on}
    _ask("change", config, gateway, token_file, form, ods=ods, connection=connection, **said)


def remove(
    ods: _Ods,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    form: _Form = Form.text,
) -> None:
    """Share no more with a partner. It is told so; what it was sent is not forgotten."""
    _ask("remove", config, gateway, token_file, form, ods=ods)


def check(
    partners: Annotated[
        list[str] | None, Argument(metavar="[ODS]...", help="Only these partners. (default: all)")
    ] = None,
    offline: Annotated[
        bool, Option("--offline", help="From this machine, those in the settings of --config; no gateway is asked.")
    ] = False,
    config: Config = None,
    gateway: GatewayAddress = None,
    token_file: TokenFile = None,
    form: _Form = Form.text,
) -> None:
    """Prove each connection, step by step, without anybody's data: 0 if nothing is wrong, 1 if something is.

    The name, the way there, the certificate, who answers, the secret on both sides, the clocks, the protocol, the
    formats, and whether the plan of somebody who does not exist would be taken.

    Of a FHIR server: its version, the token, whether items are found, transactions, history, and by $validate the same.
    """
    _ask("check", config, gateway, token_file, form, partners=partners or [], offline=offline)


def _ask(
    verb: str, config: Path | None, gateway: str | None, token_file: Path | None, form: Form, **asked: Any
) -> None:
    ask_gateway("partners", verb, config, gateway, token_file, form is Form.json, **asked)
