"""What a server calls its resources, and what they are called here: ids and references, both ways of saying them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fhir_mh.fhir.parts import without_meta

Body = dict[str, Any]
Key = tuple[str, str]
_NAMESPACE = uuid.UUID("7a5b1c62-4b0e-5d0c-9d41-3f2f6a0b8e15")
_RELATIVE = re.compile(r"([A-Z][A-Za-z]{2,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?(#.*)?")
_ITS_OWN = ("versionId", "lastUpdated", "source", "author", "project", "account", "compartment")
"""What a server says in meta of its own storing: R4's own, and what is seen of servers beyond it."""


@dataclass(frozen=True)
class Names:
    """One server's names. known: (type, id there) -> id here, of what was written there by us.

    bases: its addresses, for a partner's connections all lead to the same; first that by which it is asked.

    What else it holds is called here by an id made of the partner, the type and the server's id, the same each time:
    ids of two servers, or of a server and ours, may be alike.
    """

    partner: str
    bases: tuple[str, ...]
    known: Mapping[Key, str] = field(default_factory=dict)

    @property
    def _below(self) -> list[str]:
        """What a reference below one of the addresses begins with, the longest first: one may lie below another."""
        return sorted((f"{base.rstrip('/')}/" for base in self.bases), key=len, reverse=True)

    def here(self, kind: str, there: str) -> str:
        """What a resource of the server is called here."""
        return self.known.get((kind, there)) or minted(self.partner, kind, there)

    def target(self, reference: object) -> Key | None:
        """(type, id there) of what a reference names on this server; None for one that leads anywhere else."""
        if not isinstance(reference, str):
            return None
        below = next((base for base in self._below if reference.startswith(base)), "")
        found = _RELATIVE.fullmatch(reference.removeprefix(below))
        return None if found is None else (found[1], found[2])

    def targets(self, value: Any) -> set[Key]:
        """(type, id there) of everything on this server that a resource, or any of some, refers to."""
        return {target for one in references_in(value) if (target := self.target(one)) is not None}

    def translated(self, body: Mapping[str, Any]) -> Body:
        """A resource of the server as it is said here: its id and references ours, without the server's own meta."""
        found: Body = {name: self._said(value) for name, value in without_storing(body).items()}
        if isinstance(found.get("id"), str):
            found["id"] = self.here(str(found.get("resourceType")), found["id"])
        return found

    def _said(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._said(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        out = {key: self._said(inner) for key, inner in value.items()}
        target = self.target(value.get("reference"))
        if target is not None:
            out["reference"] = f"{target[0]}/{self.here(*target)}"
        url = value.get("url")
        if isinstance(url, str) and url.startswith("Binary/"):  # an attachment: it stays where it is
            out["url"] = f"{self.bases[0].rstrip('/')}/{url}"
        return out


def minted(partner: str, kind: str, there: str) -> str:
    """The id here of a resource that a partner's server holds of its own."""
    return str(uuid.uuid5(_NAMESPACE, f"{partner}/{kind}/{there}"))


def is_minted(name: str) -> bool:
    """Whether an id is of the form of those."""
    try:
        return uuid.UUID(name).version == 5
    except ValueError:
        return False


def without_storing(body: Mapping[str, Any]) -> Body:
    """A resource without what a server says of its own storing, or of the version it is."""
    return without_meta(body, _ITS_OWN)


def without_loose(value: Any, is_known: Callable[[Key], bool]) -> Any:
    """A resource as it is said here, without its references to what nobody knows here.

    What was deleted on a server, and what it never showed, is so no change of what refers to it.
    """
    if isinstance(value, list):
        said = [(inner, without_loose(inner, is_known)) for inner in value]
        return [after for inner, after in said if after != {} or inner == {}]
    if not isinstance(value, dict):
        return value
    out = {key: without_loose(inner, is_known) for key, inner in value.items()}
    found = _RELATIVE.fullmatch(value["reference"]) if isinstance(value.get("reference"), str) else None
    if found is not None and not is_known((found[1], found[2])):
        out = {key: inner for key, inner in out.items() if key not in ("reference", "type", "identifier")}
    return out


def references_in(value: Any) -> Iterator[str]:
    """Every literal reference of a resource."""
    return (reference for _, reference in references_at(value, ""))


def references_at(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, literal reference) of every one in a resource that stands at a path."""
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from references_at(inner, f"{path}[{number}]")
    elif isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield f"{path}.reference", value["reference"]
        for name, inner in value.items():
            yield from references_at(inner, f"{path}.{name}")
