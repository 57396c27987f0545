"""References in what this organisation's systems write: those to what is here by the address of this server."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fhir_mh.fhir.parts import changed
from fhir_mh.profiles.subjects import LITERAL


def plain(body: dict[str, Any], fhir: str, beside: Collection[str] = ()) -> dict[str, Any]:
    """A resource with its references to what is here by the address of this server as `Type/id`.

    What decides who may see what knows a resource by that name alone. fhir: this server's address as the caller has it.
    beside: the fullUrls of what is sent along, which name that.

    See https://hl7.org/fhir/R4/references.html#literal
    """

    def one(value: dict[str, Any]) -> dict[str, Any]:
        literal = value.get("reference")
        place = _place(literal, fhir) if isinstance(literal, str) and literal not in beside else None
        return value if place is None else {**value, "reference": place}

    found: dict[str, Any] = changed(body, one)
    return found


def _place(literal: str, fhir: str) -> str | None:
    """Type/id of what is named by the address of this server; None for anything else.

    http and https are alike: the one in front of a gateway may be another than the gateway's own.
    """
    here, _, path = fhir.partition("://")[2].partition("/")
    scheme, _, rest = literal.partition("://")
    host, _, place = rest.partition("/")
    named = place.removeprefix(f"{path}/")
    if scheme.lower() not in ("http", "https") or host.lower() != here.lower() or named == place:
        return None
    return named if LITERAL.fullmatch(named) else None
