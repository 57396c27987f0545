"""The only reader of the environment. What a gateway is told, from four places, the first of which wins:

    arguments of the command line > FHIR_MH_* in the environment > the TOML file of --config > the defaults below

A fault becomes an Issue that says which setting and where it was given (`--port`, `FHIR_MH_PORT`,
`partners[1].secret`) and never repeats a value, for a value may be a secret. docs/configuration.md lists the settings.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from fhir_mh import ods
from fhir_mh.errors import ConfigurationError
from fhir_mh.issues import Issue, issue

PREFIX = "FHIR_MH_"
FOR_TESTS = "FHIR_MH_TEST_"  # read by the tests, not by the product
SECRET_LENGTH = 32  # characters; what `python -c "import secrets; print(secrets.token_urlsafe())"` gives is enough
UNNAMED = "LOCAL"  # stands for an organisation that has no ODS code yet; it can talk to nobody

OdsCode = Annotated[str, Field(pattern=f"^{ods.FORM}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class Partner(BaseModel):
    """Another organisation's gateway or system, and how the two reach each other."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ods: OdsCode = Field(description="The partner's ODS code: capital letters and digits.")
    name: str = Field(min_length=1, description="What people call the partner.")
    base_url: str = Field(
        pattern=r"^https?://[^\s/?#]+[^\s?#]*$",
        description="Where its gateway answers, such as https://gateway.example.nhs.uk; https unless on this machine.",
    )
    secret: SecretStr | None = Field(
        default=None,
        description="The secret of this pair, the same on both sides, at least 32 characters. "
        "Only between two gateways on one machine may it be left out. `secret_file` names a file that holds it.",
    )
    formats: tuple[Slug, ...] = Field(
        default=("fhir",), description='What it is sent: "fhir", "record", or the name of a mapping (`map --list`).'
    )
    roles: tuple[Slug, ...] = Field(default=(), description="What it is to the people shared with it.")
    dead_letters: Literal["halt", "skip"] = Field(
        default="halt",
        description="What a snapshot that it refuses does to what is behind it about the same person: halt until a "
        "person looks, or skip to the next newer one.",
    )


class Client(BaseModel):
    """A system that may use this gateway's HTTP interface, and as whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr = Field(
        description="What it sends as `Authorization: Bearer`, at least 32 characters. "
        "`token_file` names a file that holds it."
    )
    organisation: OdsCode = Field(description="The ODS code it acts for.")
    role: Slug = Field(description="The role it acts in, as the consent policy names roles.")
    purpose: Annotated[str, Field(pattern=r"^[A-Z]+$")] = Field(
        default="TREAT", description="Why it asks: a code of HL7 v3 PurposeOfUse."
    )


class Settings(BaseSettings):
    """One gateway."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="The port to listen on; 0 takes any free one.")
    store: SecretStr = Field(
        default=SecretStr("sqlite:///fhir-mh.sqlite3"),
        description="Where everything is kept: a SQLAlchemy URL, sqlite:///FILE or postgresql://USER@HOST/NAME.",
    )
    ods: OdsCode = Field(
        default=UNNAMED,
        description="The ODS code of the organisation whose gateway this is; LOCAL until it talks to anybody.",
    )
    name: str = Field(default="Local gateway", min_length=1, description="What people call this organisation.")
    partners: tuple[Partner, ...] = Field(default=(), description="The organisations it shares with: [[partners]].")
    policies: tuple[Slug, ...] = Field(
        default=(), description="The laws that count here once they are in force, by name, such as mha-2025-s21."
    )
    alarm_after: int = Field(
        default=15, ge=1, description="How many minutes a message may wait for a partner before an alarm is raised."
    )
    clients: tuple[Client, ...] = Field(default=(), description="The systems that may use it: [[clients]].")

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the gateway."""
        return is_loopback(self.host)


def load(config: Path | None = None, **arguments: Any) -> Settings:
    """The settings, from every place; an argument that is None was not given.

    Without config, FHIR_MH_CONFIG names the file, if any. Raises ConfigurationError with every fault found: a file
    that cannot be read or is not TOML, a setting that is unknown, missing, of the wrong form or given twice, and a
    gateway that others could reach without the secrets that prove who they are.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    named = config or (Path(os.environ["FHIR_MH_CONFIG"]) if os.environ.get("FHIR_MH_CONFIG") else None)
    filed = _filed(named) if named else {}
    environment = _environment()
    data = {**filed, **environment, **given}
    places = {**dict.fromkeys(environment, PREFIX), **dict.fromkeys(given, "--")}
    faults = [*_unknown_variables(), *_read_secret_files(data, named.parent if named else Path(), places)]
    try:
        settings = Settings(**data)
    except ValidationError as refused:
        faults += [_translated(error, places) for error in refused.errors(include_url=False, include_input=False)]
        raise ConfigurationError(issues=faults) from None
    faults += _contradictions(settings, places)
    if faults:
        raise ConfigurationError(issues=faults)
    return settings


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine only. An empty one or 0.0.0.0 means every network it is on."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _filed(config: Path) -> dict[str, Any]:
    try:
        text = config.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(issues=[issue("config-unreadable", "$", problem="it is not UTF-8")]) from None
    except OSError as fault:
        problem = (fault.strerror or "it cannot be opened").lower()
        raise ConfigurationError(issues=[issue("config-file-missing", "--config", problem=problem)]) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        problem, line, column = _toml_fault(str(fault))
        found = issue("config-unreadable", "$", line=line, column=column, problem=problem)
        raise ConfigurationError(issues=[found]) from None


def _toml_fault(message: str) -> tuple[str, int | None, int | None]:
    """What, line and column; what quotes nothing of the file, for the text beside the fault may be a secret."""
    where = re.search(r"\(at line (\d+), column (\d+)\)", message)
    known = ("Cannot overwrite a value", "Unclosed array", "Unterminated string", "Illegal character", "Invalid value")
    problem = next((phrase.lower() for phrase in known if phrase in message), "it breaks the syntax here")
    return (problem, int(where[1]), int(where[2])) if where else (problem, None, None)


def _environment() -> dict[str, Any]:
    try:
        return EnvSettingsSource(Settings)()
    except SettingsError as fault:
        name = re.search(r'field "(\w+)"', str(fault))
        path = f"{PREFIX}{name[1].upper()}" if name else PREFIX
        raise ConfigurationError(issues=[issue("config-invalid", path, problem="JSON is expected", hint="")]) from None


def _unknown_variables() -> Iterator[Issue]:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {"FHIR_MH_CONFIG"}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and not name.startswith(FOR_TESTS) and name not in known:
            yield _unknown(name, name, known)


def _unknown(path: str, name: str, known: set[str]) -> Issue:
    near = get_close_matches(name, sorted(known), n=1)
    hint = f"Did you mean '{near[0]}'?" if near else "Remove it; docs/configuration.md lists what there is."
    return issue("config-unknown-key", path, name=name, hint=hint)


def _read_secret_files(data: dict[str, Any], folder: Path, places: Mapping[str, str]) -> Iterator[Issue]:
    """Replace `secret_file` and `token_file` by what the files hold."""
    for table, field in (("partners", "secret"), ("clients", "token")):
        entries = data.get(table)
        if not isinstance(entries, list):
            continue
        data[table] = entries = [dict(entry) if isinstance(entry, dict) else entry for entry in entries]
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict) or not isinstance(named := entry.get(f"{field}_file"), str):
                continue
            del entry[f"{field}_file"]
            try:
                entry[field] = (folder / named).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                entry[field] = "*" * SECRET_LENGTH  # so that only the file is complained of
                yield issue("config-secret-file", _place((table, index, f"{field}_file"), places))


def _place(location: tuple[int | str, ...], places: Mapping[str, str]) -> str:
    """`partners[1].secret` as it was given: in the file, in a variable of the environment, or as an argument."""
    first, *rest = location
    where = places.get(str(first), "")
    path = f"{PREFIX}{str(first).upper()}" if where == PREFIX else f"{where}{first}"
    return path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)


_PROBLEMS = {
    "int_": "a whole number is expected",
    "string_type": "text is expected",
    "string_too_short": "it is empty",
    "string_pattern_mismatch": "it is not of the right form",
    "less_than": "the number is too large",
    "greater_than": "the number is too small",
    "tuple_type": "a list is expected",
    "model_type": "a table of settings is expected",
    "model_attributes_type": "a table of settings is expected",
}


def _translated(error: Any, places: Mapping[str, str]) -> Issue:
    """Pydantic's finding as ours; its message is not used, for it may repeat the value."""
    location, kind = error["loc"], error["type"]
    path, name = _place(location, places), str(location[-1])
    fields = _fields_beside(location)
    if kind == "missing":
        return issue("config-missing", path, name=name, hint=fields[name].description or "")
    if kind == "extra_forbidden":
        return _unknown(path, name, set(fields))
    problem = next((text for start, text in _PROBLEMS.items() if kind.startswith(start)), "it does not fit")
    field = next((fields[str(part)] for part in reversed(location) if str(part) in fields), None)
    return issue("config-invalid", path, problem=problem, hint=(field.description if field else None) or "")


def _fields_beside(location: tuple[int | str, ...]) -> Mapping[str, FieldInfo]:
    tables: dict[str, type[BaseModel]] = {"partners": Partner, "clients": Client}
    return (tables[str(location[0])] if len(location) > 2 else Settings).model_fields


def _contradictions(settings: Settings, places: Mapping[str, str]) -> Iterator[Issue]:
    """What is well formed and yet must not start."""
    beyond = not settings.on_loopback
    if settings.ods == UNNAMED and (beyond or settings.partners):
        yield issue("config-ods-needed", _place(("ods",), places))
    if beyond and not settings.clients:
        yield issue("config-client-needed", _place(("clients",), places))
    yield from _partner_faults(settings, places, beyond)
    tokens: set[str] = set()
    for index, client in enumerate(settings.clients):
        path, token = _place(("clients", index, "token"), places), client.token.get_secret_value()
        if token in tokens:
            yield issue("config-duplicate", path, what="This token")
        if len(token) < SECRET_LENGTH:
            yield issue("config-secret-weak", path, length=SECRET_LENGTH)
        tokens.add(token)


def _partner_faults(settings: Settings, places: Mapping[str, str], beyond: bool) -> Iterator[Issue]:
    codes = {settings.ods}
    for index, partner in enumerate(settings.partners):
        address = urlsplit(partner.base_url)
        far = not is_loopback(address.hostname or "")
        if partner.ods in codes:
            yield issue("config-duplicate", _place(("partners", index, "ods"), places), what="This ODS code")
        codes.add(partner.ods)
        if far and address.scheme != "https":
            yield issue("config-insecure-url", _place(("partners", index, "base_url"), places))
        path = _place(("partners", index, "secret"), places)
        if partner.secret is None and (beyond or far):
            yield issue("config-secret-needed", path)
        elif partner.secret is not None and len(partner.secret.get_secret_value()) < SECRET_LENGTH:
            yield issue("config-secret-weak", path, length=SECRET_LENGTH)
