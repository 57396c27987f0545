"""Extensions that placements and meetings have in common: actions agreed on, and people named one by one."""

from __future__ import annotations

from fhir_mh.fhir.urls import EXTENSION
from fhir_mh.mapping.codecs import DATE
from fhir_mh.mapping.nodes import Item
from fhir_mh.mapping.slices import Many
from fhir_mh.profiles.elements import IDENTIFIER, Row, Stated, holds, items, part, ref, row, tree, words
from fhir_mh.profiles.reference import Reference


def agreed_actions(field: str, name: str) -> Row:
    """A list of agreed actions, each in an extension of this name."""
    return items(
        field,
        "extension",
        name,
        part("description", words("description", "valueString")),
        part("owner", ref("owner", "valueReference", "PractitionerRole", "CareTeam", "Organization", "RelatedPerson")),
        part("due", row("due", "valueDate", DATE)),
        part("done-on", row("done_on", "valueDate", DATE)),
        template={"url": EXTENSION + name},
    )


def people(field: str, url: str, *types: str) -> Row:
    """A list of references, each in an extension, or part of one, with this url."""
    node = Stated({"url": url}, tree((("valueReference",), Reference(types, IDENTIFIER))))
    return ("extension",), Many(url.rpartition("/")[2], holds({"url": url}), field, node, key=_named)


def _named(ref: Item) -> str:
    return str(ref.get("id") or ref.get("reference") or ref.get("display") or "")
