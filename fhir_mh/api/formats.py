"""Provider systems' own formats over HTTP: `?format=NAME`, one of those in mappings/."""

from __future__ import annotations

from functools import cache

from fhir_mh.api.faults import Refused
from fhir_mh.api.headers import JSON_TYPES
from fhir_mh.gateway.gateway import Change
from fhir_mh.issues import issue
from fhir_mh.mapping.formats import Format, list_formats

CSV = "text/csv"


@cache
def known_formats() -> dict[str, Format]:
    """name -> format, of those that ship with fhir_mh."""
    return {one.name: one for one in list_formats()}


def named_format(name: str) -> Format:
    """The format a caller names. Raises Refused(400): only shipped ones, for a name must not become a path."""
    found = known_formats().get(name)
    if found is None:
        raise Refused(400, issue("rest-unknown-format", "http.format", known=", ".join(known_formats())))
    return found


def body_types(format_: Format) -> tuple[str, ...]:
    """The media types a body in this format may have."""
    return (CSV,) if format_.kind == "csv" else JSON_TYPES


def change_by(format_: Format, text: bytes) -> Change:
    """What a file in a format makes of the record that is held."""
    return Change(format_.names(text), lambda held: format_.put(held, text))
