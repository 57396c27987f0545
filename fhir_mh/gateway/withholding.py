"""Taking out of a resource what it says of others that are withheld, however it refers to them.

A Reference becomes the identifier of what it meant, and keeps no text that stood beside. See
https://hl7.org/fhir/R4/references.html for the forms: relative, absolute, of a version, urn:uuid, by identifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhir.urls import ITEM_ID
from fhir_mh.profiles.bundle import SHARED_KINDS, identifier_of
from fhir_mh.records.called import named_of

_BETWEEN = re.compile(r"[/:?#|]+")
_SPACE = re.compile(r"\s")
_REFERENCE = frozenset(
    {"id", "extension", "reference", "_reference", "type", "_type", "identifier", "display", "_display"}
)
_NAMED_EVERYWHERE = frozenset({"Patient", *SHARED_KINDS})
"""What identifiers of these say is said wherever they are named, and is no secret of the resource."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """What is withheld, and what each is called instead: by the last two parts of its addresses, and by identifier."""

    addresses: Mapping[tuple[str, str], str]
    identifiers: Mapping[tuple[str | None, str], str]

    def addressed(self, address: str) -> str | None:
        """What is called by this address, if it is withheld: by its type and id under any base, whatever stands behind.

        That may take what another server has under the same type and id for it, and says too little then.
        """
        said = unquote(address) if "%" in address else address
        if "/" not in said and ":" not in said:
            return None
        pairs = pairwise(_BETWEEN.split(said.strip().casefold()))
        return next((self.addresses[pair] for pair in pairs if pair in self.addresses), None)

    def referred(self, value: Mapping[str, Any]) -> str | None:
        """What a Reference means, by its address or its identifier, if it is withheld; None of any other JSON too."""
        literal, said = value.get("reference"), value.get("identifier")
        found = self.addressed(literal) if isinstance(literal, str) else None
        if found is None and isinstance(said, dict) and value.keys() <= _REFERENCE:
            found = self.identifiers.get(named) if (named := _named(said)) is not None else None
        return found


def withheld_as(names: Mapping[str, str]) -> Withheld:
    """What is withheld, each by Type/id with what it is called instead."""
    return Withheld(_addresses(names), {})


def withheld_of(kept: Iterable[tuple[Mapping[str, Any], str]]) -> Withheld:
    """These resources as what is withheld, each called by the id of its item.

    kept: each with the ODS code of its keeper.
    """
    names: dict[str, str] = {}
    identifiers: dict[tuple[str | None, str], str] = {}
    for body, keeper in kept:
        kind, name = str(body.get("resourceType")), str(body.get("id"))
        item = identifier_of(body) or name
        names[f"{kind}/{name}"] = called = named_of(keeper, item)
        identifiers |= {(ITEM_ID, item): item, (ITEM_ID, called): called}
        said = body.get("identifier")
        for one in objects_in([said] if isinstance(said, dict) else said) if kind not in _NAMED_EVERYWHERE else ():
            if (named := _named(one)) is not None:
                identifiers.setdefault(named, called)
    return Withheld(_addresses(names), identifiers)


def _addresses(names: Mapping[str, str]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for address, called in names.items():
        kind, _, name = address.casefold().partition("/")
        found |= {(kind, name): called, ("uuid", name): called, ("uuid", called.casefold()): called}
    return found


def _named(identifier: Mapping[str, Any]) -> tuple[str | None, str] | None:
    system, value = identifier.get("system"), identifier.get("value")
    return (system, value) if isinstance(value, str) and (system is None or isinstance(system, str)) else None


def without(value: Any, withheld: Withheld) -> Any:
    """The JSON with references to what is withheld turned into identifiers of what they meant.

    An address elsewhere (a uri, a canonical) becomes one that leads nowhere. Text that people wrote stays as it is.
    """
    if isinstance(value, str):
        name = None if _SPACE.search(value.strip()) else withheld.addressed(value)
        return value if name is None else f"{ITEM_ID}/{name}"
    if isinstance(value, list):
        return [without(inner, withheld) for inner in value]
    if not isinstance(value, dict):
        return value
    name = withheld.referred(value)
    if name is None:
        return {key: without(inner, withheld) for key, inner in value.items()}
    kept = {"type": value["type"]} if isinstance(value.get("type"), str) else {}
    return {**kept, "identifier": {"system": ITEM_ID, "value": name}}
