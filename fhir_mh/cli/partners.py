"""`fhir-mh partners`: asked of the gateway that runs; only `check --offline` looks for itself, and changes nothing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fhir_mh.cli import partner_tables
from fhir_mh.cli.deliveries import Where, ask, find_gateway
from fhir_mh.cli.exits import DONE, NOT_HELD, reading
from fhir_mh.cli.issue_text import say
from fhir_mh.clock import SystemClock
from fhir_mh.errors import InvalidResource, NotFound
from fhir_mh.fhir.json import dumps
from fhir_mh.issues import issue
from fhir_mh.settings import load

Json = dict[str, Any]
_LOOKING, _CHANGING = ("operator", "administrator"), ("administrator",)


def run(
    verb: str, *, config: Path | None = None, gateway: str | None = None, token_file: Path | None = None,
    as_json: bool = False, **asked: Any,
) -> int:  # fmt: skip
    """list, add, change, remove or check; what the gateway says, on standard output.

    Returns 0, and 1 where check finds something wrong. Raises what cli/deliveries.py raises for the same reasons.
    """
    if verb == "check" and asked["offline"]:
        answer = _check_here(config, asked["partners"])
    else:
        where = find_gateway(config, gateway, token_file, _LOOKING if verb in ("list", "check") else _CHANGING)
        answer = _VERBS[verb](where, asked)
    if as_json:
        sys.stdout.buffer.write(dumps(answer) + b"\n")
        sys.stdout.buffer.flush()
    else:
        partner_tables.show(verb, answer)
    return NOT_HELD if verb == "check" and not all(one["ok"] for one in answer["partners"]) else DONE


def _check_here(config: Path | None, wanted: list[str]) -> Json:
    """The connections of the partners that these settings name, proved from this machine."""
    from fhir_mh.gateway.checking import check

    with reading(config or ""):
        settings = load(config)
        known = {partner.ods: partner for partner in settings.partners}
        for ods in wanted:
            if ods not in known:
                raise NotFound(issues=[issue("sync-unknown-partner", "partners")])
    if not known:
        say(_NONE_HERE)

    async def look() -> list[Json]:
        clock = SystemClock()
        named = [known[ods] for ods in wanted or known]
        return [one.as_json() for one in await asyncio.gather(*(check(one, settings.ods, clock) for one in named))]

    return {"partners": asyncio.run(look())}


def _list(where: Where, _: Mapping[str, Any]) -> Json:
    return ask(where, "GET", "/partners")


def _add(where: Where, asked: Mapping[str, Any]) -> Json:
    connection = _connection(asked)
    body = {"ods": asked["ods"], "connections": [connection], **_said_of_it(asked)}
    return ask(where, "POST", "/partners", content=dumps(body))


def _change(where: Where, asked: Mapping[str, Any]) -> Json:
    address = _address(asked)
    held = ask(where, "GET", address)
    body = held["partner"] | _said_of_it(asked)
    number = asked["connection"] - 1
    if number > len(body["connections"]):
        raise InvalidResource(issues=[issue("config-invalid", "--connection", problem="there are not that many",
                                            hint="Give the number of one, or the next to add one.")])  # fmt: skip
    if number == len(body["connections"]):
        body["connections"].append({})
    _reconnect(body["connections"][number], asked)
    headers = {"If-Match": f'W/"{held.get("version", 0)}"'}
    return ask(where, "PUT", address, headers, content=dumps(body))


def _reconnect(connection: Json, asked: Mapping[str, Any]) -> None:
    if asked["secret"] is not None:
        before = connection.get("secret_file")
        for name in ("previous_secret_file", "previous_until"):
            connection.pop(name, None)
        if asked["previous_until"] is not None and before is not None:
            connection |= {"previous_secret_file": before, "previous_until": asked["previous_until"]}
    connection |= _connection(asked) | _given({"on": asked["on"]})


def _remove(where: Where, asked: Mapping[str, Any]) -> Json:
    return {**ask(where, "DELETE", _address(asked)), "ods": asked["ods"]}


def _check(where: Where, asked: Mapping[str, Any]) -> Json:
    return ask(where, "POST", "/partners/check", content=dumps({"ods": asked["partners"]}), timeout=_CHECK_TIMEOUT)


def _address(asked: Mapping[str, Any]) -> str:
    return f"/partners/{quote(asked['ods'], safe='')}"


def _said_of_it(asked: Mapping[str, Any]) -> Json:
    """What is said of the partner itself, and not of a connection."""
    roles = [str(role) for role in asked["roles"]] if asked["roles"] else None
    dead_letters = None if asked["dead_letters"] is None else str(asked["dead_letters"])
    return _given({"name": asked["called"], "roles": roles, "dead_letters": dead_letters})


def _connection(asked: Mapping[str, Any]) -> Json:
    kind = None if asked["kind"] is None else str(asked["kind"])
    named = {"secret_file": asked["secret"], "token_file": asked["token"], "poll": asked["poll"]}
    return _given({"kind": kind, "base_url": asked["url"], **named})


def _given(values: Json) -> Json:
    return {name: value for name, value in values.items() if value is not None}


_NONE_HERE = (
    "No partner stands in these settings, and nothing was proved. Those that were added to the gateway while it ran "
    "are in its store: fhir-mh partners check without --offline proves them."
)
_CHECK_TIMEOUT = 120  # seconds: a partner that says nothing takes its time
_VERBS = {"list": _list, "add": _add, "change": _change, "remove": _remove, "check": _check}
