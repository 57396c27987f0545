"""`fhir-mh deliveries`: what waits for partners, asked of the gateway that runs; no command opens its store beside it.

Where the gateway is and what lets an operator in comes from the gateway's own settings, or from --gateway and
--token-file on another machine.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from fhir_mh.cli import delivery_tables
from fhir_mh.cli.commands import content_of
from fhir_mh.cli.exits import DONE, NOT_HELD, reading
from fhir_mh.errors import (
    ConfigurationError,
    ConsentDenied,
    FhirMhError,
    InvalidResource,
    NotAuthenticated,
    NotFound,
    UpstreamUnavailable,
)
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.issues import Issue, issue
from fhir_mh.partner import is_loopback
from fhir_mh.settings import Settings, load

_LONGEST = 100  # characters of standard input: an NHS number, however it is written
_TIMEOUT = httpx.Timeout(30, connect=5)
_REFUSALS: Mapping[int, type[FhirMhError]] = {401: NotAuthenticated, 403: ConsentDenied, 404: NotFound}


@dataclass(frozen=True, slots=True)
class Where:
    """A running gateway's address, and the token that lets its operator in; None where it asks for none."""

    address: str
    token: str | None = None


def run(
    verb: str, *, config: Path | None = None, gateway: str | None = None, token_file: Path | None = None,
    as_json: bool = False, **asked: Any,
) -> int:  # fmt: skip
    """list, summary, show, replay, resume or send-again; what the gateway says, on standard output.

    asked: partner and everything to list, seq to show or replay, partner and code to replay many, partner and person to
    resume, partner to send everything again. Tables on a terminal, lines of fields parted by tabs in a pipe, the
    gateway's own JSON with as_json. Returns 0, and of a summary in which an alarm stands 1.
    Raises UpstreamUnavailable where no gateway answers, ConfigurationError where it is not said which or the token
    is not to be had, and what the gateway refuses as NotAuthenticated, ConsentDenied, NotFound or InvalidResource.
    """
    where = find_gateway(config, gateway, token_file)
    answer = _VERBS[verb](where, asked)
    if as_json:
        write_json(answer)
    else:
        delivery_tables.show(verb, answer)
    return NOT_HELD if answer.get("alarms") else DONE


def find_gateway(
    config: Path | None, gateway: str | None, token_file: Path | None, roles: Sequence[str] = ("operator",)
) -> Where:
    """The gateway that is meant: the one named, else the one these settings would serve on this machine.

    roles: in which it is asked, the first of which a client has.
    """
    if gateway is None:
        with reading(config or ""):
            settings = load(config)
            where = Where(_own_address(settings), _token_of(settings, roles) if token_file is None else None)
    else:
        where = Where(_checked(gateway))
    return where if token_file is None else Where(where.address, _read_token(token_file))


def _own_address(settings: Settings) -> str:
    if settings.port == 0:
        hint = "Name the address that it printed with --gateway."
        raise ConfigurationError(issues=[issue("config-invalid", "port", problem="it may be any", hint=hint)])
    host = settings.host.strip("[]")
    if host in ("0.0.0.0", "::"):  # noqa: S104 - it listens there; here it is called
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _token_of(settings: Settings, roles: Sequence[str]) -> str | None:
    if not settings.clients:
        return None
    own = [one for one in settings.clients if one.organisation == settings.ods]
    for role in roles:
        for client in own:
            if client.role == role:
                return client.token.get_secret_value()
    raise ConfigurationError(issues=[issue("cli-no-operator", "clients", role=roles[0])])


def _checked(address: str) -> str:
    try:
        found = urlsplit(address)
        host, _ = found.hostname or "", found.port
    except ValueError:
        found, host = urlsplit(""), ""
    if found.scheme not in ("http", "https") or not host or found.query or found.fragment or found.username:
        hint = "Name it as http://127.0.0.1:8080 or https://gateway.example."
        raise ConfigurationError(issues=[issue("config-invalid", "--gateway", problem="it is no address", hint=hint)])
    if found.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(issues=[issue("config-insecure-url", "--gateway")])
    return address.rstrip("/")


def _read_token(file: Path) -> str:
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigurationError(issues=[issue("config-secret-file", "--token-file", where="from the current folder")])
    return token


# --- what is asked


def _list(where: Where, asked: Mapping[str, Any]) -> dict[str, Any]:
    query = {"all": "true"} if asked.get("everything") else {}
    if asked.get("partner"):
        query["partner"] = asked["partner"]
    return ask(where, "GET", "/deliveries", params=query)


def _summary(where: Where, _: Mapping[str, Any]) -> dict[str, Any]:
    return ask(where, "GET", "/deliveries/summary")


def _show(where: Where, asked: Mapping[str, Any]) -> dict[str, Any]:
    return ask(where, "GET", f"/deliveries/{asked['seq']}")


def _replay(where: Where, asked: Mapping[str, Any]) -> dict[str, Any]:
    if asked.get("seq") is not None:
        return ask(where, "POST", f"/deliveries/{asked['seq']}/replay")
    named = {name: asked[name] for name in ("partner", "code") if asked.get(name)}
    return ask(where, "POST", "/deliveries/replay", content=dumps(named))


def _resume(where: Where, asked: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: asked[name] for name in ("partner", "person") if asked.get(name)}
    return ask(where, "POST", "/deliveries/resume", content=dumps(named))


def _send_again(where: Where, asked: Mapping[str, Any]) -> dict[str, Any]:
    return ask(where, "POST", "/deliveries/send-again", content=dumps({"partner": asked["partner"]}))


_VERBS = {
    "list": _list, "summary": _summary, "show": _show, "replay": _replay, "resume": _resume, "send-again": _send_again,
}  # fmt: skip


def ask(where: Where, method: str, path: str, more: Mapping[str, str] | None = None, **sent: Any) -> dict[str, Any]:
    """What the gateway answers. more: headers besides. Raises what it refuses, and UpstreamUnavailable."""
    headers = {"Accept": "application/json", "Content-Type": "application/json", **(more or {})}
    if where.token is not None:
        headers["Authorization"] = f"Bearer {where.token}"
    try:
        with httpx.Client(timeout=_TIMEOUT, trust_env=False) as client:
            answer = client.request(method, where.address + path, headers=headers, **sent)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as fault:
        found = issue("cli-no-gateway", "", address=where.address, reason=type(fault).__name__)
        raise UpstreamUnavailable(issues=[found]) from None
    body = _read(answer)
    if answer.is_success and body is not None:
        return body
    findings = _findings(body or {})
    if not findings:
        found = issue("cli-not-a-gateway", "", address=where.address, status=answer.status_code)
        raise UpstreamUnavailable(issues=[found])
    if answer.status_code >= 500:
        raise UpstreamUnavailable(issues=findings)
    raise _REFUSALS.get(answer.status_code, InvalidResource)(issues=findings)


def record_by_number(where: Where) -> str:
    """The id of the record of the person whose NHS number stands on standard input."""
    number = sys.stdin.read(_LONGEST).strip()
    return str(ask(where, "POST", "/records/find", content=dumps({"nhs_number": number}))["id"])


def json_text(file: Path) -> bytes:
    """The JSON object in a file, or on standard input for -, as it stands: what it says is for the gateway to judge."""
    with reading("standard input" if str(file) == "-" else file):
        text = content_of(file)
        load_object(text)
    return text


def write_json(answer: Mapping[str, Any], *, indent: bool = False) -> None:
    """The gateway's own JSON, on standard output."""
    sys.stdout.buffer.write(dumps(answer, indent=indent) + b"\n")
    sys.stdout.buffer.flush()


def _read(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        return load_object(answer.content)
    except InvalidResource:
        return None


def _findings(body: Mapping[str, Any]) -> list[Issue]:
    """Why the gateway refuses, in its own words."""
    if body.get("resourceType") != "OperationOutcome":
        return []
    return [_from_outcome(one) for one in body.get("issue") or () if isinstance(one, dict)]


def _from_outcome(one: Mapping[str, Any]) -> Issue:
    details = one.get("details") or {}
    code = next((str(coding.get("code")) for coding in details.get("coding") or ()), str(one.get("code")))
    place = next(iter(one.get("expression") or ()), "")
    severity = one.get("severity", "error")
    return Issue(code, severity, str(place), str(details.get("text", "")), str(one.get("diagnostics", "")))
