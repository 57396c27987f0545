"""The only reader of the environment. What a gateway is told, from four places, the first of which wins:

    arguments of the command line > FHIR_MH_* in the environment > the TOML file of --config > the defaults below

A fault becomes an Issue that says which setting and where it was given (`--port`, `FHIR_MH_PORT`,
`partners[1].secret`) and never repeats a value, for a value may be a secret. docs/configuration.md lists the settings.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from fhir_mh.errors import ConfigurationError
from fhir_mh.issues import Issue, issue
from fhir_mh.partner import (
    ENDPOINT,
    SECRET_LENGTH,
    SECRETS,
    Address,
    Connection,
    OdsCode,
    Partner,
    Slug,
    faults,
    is_encrypted,
    is_loopback,
    read_secret,
)

PREFIX = "FHIR_MH_"
FOR_TESTS = "FHIR_MH_TEST_"  # read by the tests, not by the product
UNNAMED = "LOCAL"  # stands for an organisation that has no ODS code yet; it can talk to nobody


Endpoint = Annotated[str, Field(pattern=ENDPOINT, max_length=1000)]


OPENING = ("operator", "administrator", "quarantine", "seals", "merges", "concerns", "fhir-server")
"""The roles of clients that open something. Others are the consent policy's own, and none of them is refused."""


class Client(BaseModel):
    """A system that may use this gateway's HTTP interface, and as whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr = Field(
        description="What it sends as `Authorization: Bearer`, at least 32 characters. "
        "`token_file` names a file that holds it."
    )
    organisation: OdsCode = Field(description="The ODS code it acts for.")
    role: Slug = Field(description="The role it acts in, as the consent policy names roles.")
    name: Slug | None = Field(
        default=None,
        description="What it is called where clients are told apart: to open a seal, to merge, and to be notified.",
    )
    endpoints: tuple[Endpoint, ...] = Field(
        default=(), description="Where it may be notified: beginnings of addresses, such as https://ehr.example/hooks."
    )
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
    secrets: Path | None = Field(
        default=None,
        description="The folder of the files that hold the secrets of partners kept through the API, each by its name.",
    )
    policies: tuple[Slug, ...] = Field(
        default=(), description="The laws that count here once they are in force, by name, such as mha-2025-s21."
    )
    alarm_after: int = Field(
        default=15, ge=1, description="How many minutes a message may wait for a partner before an alarm is raised."
    )
    public_url: Address | None = Field(
        default=None,
        description="Where partners' FHIR servers reach this gateway, to say that something has changed there; without "
        "it they are only asked.",
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
    folder = named.parent if named else Path()
    if isinstance(filed.get("secrets"), str) and data["secrets"] is filed["secrets"]:
        data["secrets"] = folder / filed["secrets"]
    places = Places({**dict.fromkeys(environment, PREFIX), **dict.fromkeys(given, "--")}, _connect(data))
    found = [*_unknown_variables(), *_read_secret_files(data, folder, places)]
    try:
        settings = Settings(**data)
    except ValidationError as refused:
        found += translated(refused, Settings, places)
        raise ConfigurationError(issues=found) from None
    found += _contradictions(settings, places)
    if found:
        raise ConfigurationError(issues=found)
    return settings


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


@dataclass(frozen=True, slots=True)
class Places:
    """How a place is named to whoever gave the setting.

    given: settings that did not come from a file, and by what they did. short: partners (their index) whose one
    connection stands in the partner itself.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    short: frozenset[int] = frozenset()

    def of(self, location: Sequence[int | str]) -> str:
        """`partners[1].secret` as it was given: in the file, in a variable of the environment, or as an argument."""
        first, *rest = location
        if first == "partners" and rest and rest[0] in self.short and rest[1:3] == ["connections", 0]:
            rest = [rest[0], *rest[3:]]
        where = self.given.get(str(first), "")
        path = f"{PREFIX}{str(first).upper()}" if where == PREFIX else f"{where}{first}"
        return path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)


_SECRET_FILES = tuple(f"{name}_file" for name in SECRETS)
_OF_A_CONNECTION = frozenset({*Connection.model_fields, *_SECRET_FILES})


def _connect(data: dict[str, Any]) -> frozenset[int]:
    """Put the one connection that stands in a partner itself among its connections; of which partners it was so."""
    partners = data.get("partners")
    if not isinstance(partners, list):
        return frozenset()
    short = {
        index
        for index, one in enumerate(partners)
        if isinstance(one, dict) and not isinstance(one.get("connections"), list)
    }
    data["partners"] = [_spelt_out(one) if index in short else one for index, one in enumerate(partners)]
    return frozenset(short)


def _spelt_out(partner: Mapping[str, Any]) -> dict[str, Any]:
    if "connections" in partner:
        return dict(partner)
    connection = {name: value for name, value in partner.items() if name in _OF_A_CONNECTION}
    return {**{name: partner[name] for name in partner.keys() - _OF_A_CONNECTION}, "connections": [connection]}


def _read_secret_files(data: dict[str, Any], folder: Path, places: Places) -> Iterator[Issue]:
    """Replace `secret_file`, `previous_secret_file` and `token_file` by what the files hold."""
    for location, entry in list(_holders(data)):
        known = ("token_file",) if location[0] == "clients" else _SECRET_FILES
        for name in [name for name in known if isinstance(entry.get(name), str)]:
            secret = read_secret(folder / entry.pop(name))
            if secret is None:
                yield issue("config-secret-file", places.of((*location, name)), where="beside the settings file")
            entry[name.removesuffix("_file")] = secret or "-" * SECRET_LENGTH  # only the file is complained of


def _holders(data: dict[str, Any]) -> Iterator[tuple[tuple[int | str, ...], dict[str, Any]]]:
    """The tables that may name a file of a secret, each a copy of its own in the data, and where they stand."""
    for table in ("partners", "clients"):
        data[table] = _copied(data.get(table))
        for index, entry in enumerate(data[table] if isinstance(data[table], list) else ()):
            if not isinstance(entry, dict):
                continue
            if table == "clients":
                yield (table, index), entry
                continue
            entry["connections"] = _copied(entry.get("connections"))
            listed = entry["connections"]
            for number, connection in enumerate(listed if isinstance(listed, list) else ()):
                if isinstance(connection, dict):
                    yield (table, index, "connections", number), connection
        if data[table] is None:
            del data[table]


def _copied(listed: Any) -> Any:
    return [dict(one) if isinstance(one, dict) else one for one in listed] if isinstance(listed, list) else listed


_PROBLEMS = {
    "int_": "a whole number is expected",
    "string_type": "text is expected",
    "string_too_short": "it is empty",
    "string_pattern_mismatch": "it is not of the right form",
    "less_than": "the number is too large",
    "greater_than": "the number is too small",
    "value_error": "nothing can be called there, or it holds a user's name or password",
    "nhs_number": "it is an NHS number, and no organisation's code",
    "literal_error": "there is nothing of this name",
    "bool_": "true or false is expected",
    "datetime": "an instant is expected, such as 2026-12-01T00:00:00Z",
    "timezone_aware": "an instant is expected, such as 2026-12-01T00:00:00Z",
    "string_too_long": "it is too long",
    "tuple_type": "a list is expected",
    "model_type": "a table of settings is expected",
    "model_attributes_type": "a table of settings is expected",
}


def translated(refused: ValidationError, model: type[BaseModel], places: Places) -> list[Issue]:
    """Pydantic's findings in what was given for this model, as ours."""
    return [_translated(one, model, places) for one in refused.errors(include_url=False, include_input=False)]


def _translated(error: Any, model: type[BaseModel], places: Places) -> Issue:
    """Pydantic's finding as ours; its message is not used, for it may repeat the value."""
    location, kind = error["loc"], error["type"]
    path, name = places.of(location), str(location[-1])
    fields = _fields_beside(location, model)
    if kind == "missing":
        return issue("config-missing", path, name=name, hint=fields[name].description or "")
    if kind == "extra_forbidden":
        if "partners" in location[:1] and name in _OF_A_CONNECTION and "connections" not in location:
            hint = "It belongs into one of the partner's connections: [[partners.connections]]."
            return issue("config-unknown-key", path, name=name, hint=hint)
        return _unknown(path, name, set(fields))
    problem = next((text for start, text in _PROBLEMS.items() if kind.startswith(start)), "it does not fit")
    named = next((fields[str(part)] for part in reversed(location) if str(part) in fields), None)
    return issue("config-invalid", path, problem=problem, hint=(named.description if named else None) or "")


def _fields_beside(location: Sequence[int | str], model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """The settings of the table in which a place stands."""
    tables: dict[str, type[BaseModel]] = {"partners": Partner, "clients": Client, "connections": Connection}
    steps = list(location)
    while isinstance(steps[-1], int):
        steps.pop()
    return next((tables[str(part)] for part in reversed(steps[:-1]) if part in tables), model).model_fields


def doubts(settings: Settings) -> list[Issue]:
    """A warning for each client whose role opens nothing and is nearly one that does: perhaps it was misspelt."""
    found = []
    for index, client in enumerate(settings.clients):
        near = get_close_matches(client.role, OPENING, n=1, cutoff=0.8)
        if near and client.role not in OPENING:
            found.append(issue("config-role-near", Places().of(("clients", index, "role")), meant=near[0]))
    return found


def _contradictions(settings: Settings, places: Places) -> Iterator[Issue]:
    """What is well formed and yet must not start."""
    beyond = not settings.on_loopback
    if settings.ods == UNNAMED and (beyond or settings.partners):
        yield issue("config-ods-needed", places.of(("ods",)))
    if beyond and not settings.clients:
        yield issue("config-client-needed", places.of(("clients",)))
    if settings.secrets is not None and not settings.secrets.is_dir():
        hint = Settings.model_fields["secrets"].description or ""
        yield issue("config-invalid", places.of(("secrets",)), problem="there is no such folder", hint=hint)
    codes = {settings.ods}
    for index, partner in enumerate(settings.partners):
        if partner.ods in codes:
            yield issue("config-duplicate", places.of(("partners", index, "ods")), what="This ODS code")
        codes.add(partner.ods)
        for fault in faults(partner, beyond=beyond):
            yield fault.at(places.of(("partners", index, *fault.place)))
    tokens: set[str] = set()
    for index, client in enumerate(settings.clients):
        path, token = places.of(("clients", index, "token")), client.token.get_secret_value()
        if token in tokens:
            yield issue("config-duplicate", path, what="This token")
        if len(token) < SECRET_LENGTH:
            yield issue("config-secret-weak", path, length=SECRET_LENGTH)
        tokens.add(token)
        yield from _endpoint_faults(settings, index, places)


def _endpoint_faults(settings: Settings, index: int, places: Places) -> Iterator[Issue]:
    """A client that may be notified is known by its organisation and name, under which it acts in one way only."""
    client = settings.clients[index]
    for number, endpoint in enumerate(client.endpoints):
        if not is_encrypted(endpoint):
            yield issue("config-insecure-url", places.of(("clients", index, "endpoints", number)))
    if not client.endpoints:
        return
    if client.name is None:
        hint = Client.model_fields["name"].description or ""
        yield issue("config-missing", places.of(("clients", index, "name")), name="name", hint=hint)
    for other in settings.clients:
        same = client.name is not None and (other.organisation, other.name) == (client.organisation, client.name)
        if same and (other.role, other.purpose) != (client.role, client.purpose):
            yield issue("config-duplicate", places.of(("clients", index, "name")), what="The name of this client")
            break
