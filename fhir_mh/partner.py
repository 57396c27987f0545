"""A partner: another organisation, what it is to the people shared with it, and how the two reach each other.

The same form stands in a settings file and in the store; only where a secret comes from differs (settings.py reads it
from the file or beside it, kept_partner from the folder of secrets). A secret is never shown, stored or logged.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from nhs_number import is_valid as is_nhs_number  # type: ignore[attr-defined]
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

from fhir_mh import ods
from fhir_mh.issues import Issue, issue

SECRET_LENGTH = 32  # characters; what `python -c "import secrets; print(secrets.token_urlsafe())"` gives is enough


def _no_number(code: str) -> str:
    """The code itself. Raises PydanticCustomError, which does not repeat it, for an NHS number: a code is shown."""
    if is_nhs_number(code):
        raise PydanticCustomError("nhs_number", "an NHS number")
    return code


OdsCode = Annotated[str, Field(pattern=f"^{ods.FORM}$"), AfterValidator(_no_number)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Role = Literal["home-team", "inpatient-unit", "out-of-area-provider", "commissioner", "gp"]
ROLES: tuple[str, ...] = get_args(Role)
ENDPOINT = (
    r"^https?://(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?"
    r"(?:/(?:[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9_.~!$&'()*+,;=:@-]*)?)*$"
)
"""An address at which a client is notified. It has one reading only: no user, no query, nothing escaped, no dots that
lead elsewhere."""


def _with_a_port_and_no_user(url: str) -> str:
    """The address itself. Raises ValueError, which does not repeat it, for it may hold a password."""
    found = urlsplit(url)
    if not found.hostname or found.port == 0 or "@" in found.netloc:
        raise ValueError
    return url


Address = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$"), AfterValidator(_with_a_port_and_no_user)]
"""Where something answers: of one that can be called, and without a user's name or password, for it is shown."""

Kind = Literal["gateway", "fhir-server"]
OF_KIND: Mapping[Kind, frozenset[str]] = {
    "gateway": frozenset({"secret", "previous_secret", "previous_until", "formats"}),
    "fhir-server": frozenset({"token", "poll"}),
}
"""What only a connection of this kind has."""
SECRETS = ("secret", "previous_secret", "token")
"""What of a connection is never shown, and may stand in a file."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # https://www.rfc-editor.org/rfc/rfc6750#section-2.1


class Connection(BaseModel):
    """One way of reaching a partner."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Field(
        default="gateway",
        description='What is at the other end: "gateway" speaks docs/sync-protocol.md, "fhir-server" FHIR R4 alone.',
    )
    base_url: Address = Field(
        description="Where it answers, such as https://gateway.example.nhs.uk, or of a FHIR server its base; https "
        "unless on this machine, a port up to 65535, and no user or password in it.",
    )
    secret: SecretStr | None = Field(
        default=None,
        description="Of a gateway: the secret of this pair, the same on both sides, at least 32 characters. "
        "Only between two gateways on one machine may it be left out. `secret_file` names a file that holds it.",
    )
    previous_secret: SecretStr | None = Field(
        default=None,
        description="The secret that was agreed before; it counts beside the new one until `previous_until`.",
    )
    previous_until: AwareDatetime | None = Field(
        default=None, description="The instant from which the previous secret counts no more, 2026-12-01T00:00:00Z."
    )
    formats: tuple[Slug, ...] = Field(default=("fhir",), description='What a gateway is sent: "fhir".')
    token: SecretStr | None = Field(
        default=None,
        description="Of a FHIR server: the token that is sent as `Authorization: Bearer`. Only on one machine may it "
        "be left out. `token_file` names a file that holds it.",
    )
    poll: int = Field(
        default=60,
        ge=1,
        description="Of a FHIR server: after how many seconds it is asked again what has changed there.",
    )
    on: bool = Field(default=True, description="Whether it is used; off, nothing is sent over it and nothing taken.")

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """The secrets that count at this time, the newest first; none where none is agreed."""
        found = [] if self.secret is None else [self.secret.get_secret_value()]
        if self.previous_secret is not None and self.previous_until is not None and now < self.previous_until:
            found.append(self.previous_secret.get_secret_value())
        return tuple(found)


class Partner(BaseModel):
    """Another organisation, and the connections to it in the order in which they are tried."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ods: OdsCode = Field(description="The partner's ODS code: capital letters and digits.")
    name: str = Field(min_length=1, max_length=200, description="What people call the partner.")
    roles: tuple[Role, ...] = Field(
        default=(), description=f"What it is to the people shared with it: {', '.join(ROLES)}."
    )
    dead_letters: Literal["halt", "skip"] = Field(
        default="halt",
        description="What a snapshot that it refuses does to what is behind it about the same person: halt until a "
        "person looks, or skip to the next newer one.",
    )
    connections: tuple[Connection, ...] = Field(
        description="How it is reached, the first that answers: [[partners.connections]]."
    )

    @property
    def kind(self) -> Kind:
        """What is at the other end of its connections, which are all of one kind; a gateway where it has none."""
        return self.connections[0].kind if self.connections else "gateway"

    @property
    def usable(self) -> tuple[Connection, ...]:
        """The connections that are on, the preferred one first."""
        return tuple(one for one in self.connections if one.on)

    def bases(self, first: Connection) -> tuple[str, ...]:
        """Its addresses, which all lead to the same, each once: first that of this connection."""
        return tuple(dict.fromkeys((first.base_url, *(one.base_url for one in self.connections))))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is well formed in a partner and must not be used all the same: a code of the registry at a place in it."""

    place: tuple[int | str, ...]
    code: str
    values: dict[str, Any]

    def at(self, path: str) -> Issue:
        """The finding, at the place as its reader names it."""
        return issue(self.code, path, **self.values)


def faults(partner: Partner, *, beyond: bool) -> Iterator[Fault]:
    """What speaks against using a partner. beyond: whether other machines can reach this gateway."""
    if not partner.connections:
        hint = Partner.model_fields["connections"].description or ""
        yield Fault(("connections",), "config-missing", {"name": "connections", "hint": hint})
    for index, connection in enumerate(partner.connections):
        if connection.kind != partner.kind:
            yield Fault(("connections", index, "kind"), "config-mixed-kinds", {})
        for name, code, values in _faults(connection, beyond):
            yield Fault(("connections", index, name), code, values)


_Found = tuple[str, str, dict[str, Any]]


def _faults(connection: Connection, beyond: bool) -> Iterator[_Found]:
    address = urlsplit(connection.base_url)
    far = not is_loopback(address.hostname or "")
    if not is_encrypted(connection.base_url):
        yield "base_url", "config-insecure-url", {}
    for kind, names in OF_KIND.items():
        if kind != connection.kind:
            for name in sorted(names & connection.model_fields_set):
                yield name, "config-other-kind", {"name": name, "kind": connection.kind, "other": kind}
    yield from _of_a_gateway(connection, beyond, far) if connection.kind == "gateway" else _of_a_server(connection, far)


def _of_a_server(connection: Connection, far: bool) -> Iterator[_Found]:
    if connection.token is None:
        if far:
            yield "token", "config-token-needed", {}
    elif not _TOKEN.fullmatch(connection.token.get_secret_value()):
        hint = "It is letters, digits and - . _ ~ + / alone, perhaps with = at its end."
        yield "token", "config-invalid", {"problem": "it is no bearer token", "hint": hint}


def _of_a_gateway(connection: Connection, beyond: bool, far: bool) -> Iterator[_Found]:
    if connection.secret is None and (beyond or far):
        yield "secret", "config-secret-needed", {}
    for name in ("secret", "previous_secret"):
        secret: SecretStr | None = getattr(connection, name)
        if secret is not None and len(secret.get_secret_value()) < SECRET_LENGTH:
            yield name, "config-secret-weak", {"length": SECRET_LENGTH}
    if (connection.previous_secret is None) != (connection.previous_until is None):
        missing = "previous_until" if connection.previous_until is None else "previous_secret"
        hint = Connection.model_fields[missing].description or ""
        yield missing, "config-missing", {"name": missing, "hint": hint}
    if connection.formats != ("fhir",):
        problem = "a gateway takes nothing else than fhir"
        yield "formats", "config-invalid", {"problem": problem, "hint": 'Write ["fhir"], or leave it out.'}


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine only. An empty one or 0.0.0.0 means every network it is on."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_encrypted(url: str) -> bool:
    """Whether what is sent to an address leaves this machine only encrypted."""
    address = urlsplit(url)
    return address.scheme == "https" or is_loopback(address.hostname or "")


def is_below(endpoint: str, beginnings: Iterable[str]) -> bool:
    """Whether an address (of the form ENDPOINT) is one of these, or below one."""
    return any(f"{endpoint.rstrip('/')}/".startswith(f"{beginning.rstrip('/')}/") for beginning in beginnings)


def read_secret(file: Path) -> str | None:
    """The secret that a file holds, without the white space around it; None where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
