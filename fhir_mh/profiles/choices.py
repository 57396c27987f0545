"""Advance choice documents, nominations and powers of attorney: Consents that permit and refuse nothing.

None has a provision, so that no reader of FHIR can take it for a permission or a refusal; what it records stands in
extensions and in what it points to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_mh.fhir.urls import EXTENSION
from fhir_mh.mapping.codecs import BOOLEAN, DATE, DATETIME
from fhir_mh.mapping.nodes import Sub
from fhir_mh.profiles.elements import (
    Row,
    code,
    extension,
    fixed,
    holds,
    items,
    local,
    one,
    part,
    ref,
    row,
    tree,
    words,
)
from fhir_mh.profiles.table import table
from fhir_mh.profiles.wishes import ADR, directive, formalities


def _kind(name: str) -> dict[str, Any]:
    return {"coding": [local("directive-kind", name)]}


def _head(name: str, policy: str) -> list[Row]:
    """What makes a Consent one of these."""
    return [
        fixed("scope", ADR),
        one("category", name, _kind(name), always=True),
        *directive(),
        fixed("policyRule", {"coding": [local("policy", policy)]}),
    ]


def _is(name: str) -> Callable[[dict[str, Any]], bool]:
    says = holds({"category": [_kind(name)], "scope": ADR})
    return lambda consent: says(consent) and "provision" not in consent


NOMINATION = table(
    "nomination", "Consent", "nominations", "advance-wishes", "person",
    _head("nominated-person", "as-recorded"),
    formalities("formalities"),
    extension(
        "extension", "nomination",
        part("nominee", ref("nominee", "valueReference", "RelatedPerson", "PractitionerRole")),
        part("accepted", row("accepted", "valueBoolean", BOOLEAN)),
        part("reason", words("reason", "valueString")),
    ),
    match=_is("nominated-person"),
)  # fmt: skip

POWER_OF_ATTORNEY = table(
    "power-of-attorney", "Consent", "powers_of_attorney", "advance-wishes", "person",
    _head("power-of-attorney", "as-recorded"),
    formalities("formalities"),
    extension(
        "extension", "power-of-attorney",
        part("scope", code("scope", "valueCode", "health-and-welfare property-and-financial-affairs")),
        part("acting", code("acting", "valueCode", "alone jointly jointly-and-severally mixed")),
        part("may-refuse-life-sustaining", row("may_refuse_life_sustaining", "valueBoolean", BOOLEAN)),
        part("limits", words("limits", "valueString")),
        part("registered", row("registered", "valueBoolean", BOOLEAN)),
        part("registered-on", row("registered_on", "valueDate", DATE)),
        part("registration-number", row("registration_number", "valueString")),
    ),
    items(
        "attorneys", "extension", "attorney",
        part("contact", ref("contact", "valueReference", "RelatedPerson", "PractitionerRole", "Organization")),
        part("replacement", row("replacement", "valueBoolean", BOOLEAN)),
        template={"url": EXTENSION + "attorney"},
    ),
    match=_is("power-of-attorney"),
)  # fmt: skip

_HELP = tree(
    part("offered-on", row("offered_on", "valueDateTime", DATETIME)),
    part("offered-by", row("offered_by", "valueString")),
    part("given-on", row("given_on", "valueDateTime", DATETIME)),
    part("given-by", row("given_by", "valueString")),
    part("what", words("what", "valueString")),
).children["extension"]

ADVANCE_CHOICE_DOCUMENT = table(
    "advance-choice-document", "Consent", "choice_documents", "advance-wishes", "person",
    _head("advance-choice-document", "as-typed"),
    formalities("formalities"),
    extension("extension", "help-given", (("extension",), Sub("help", _HELP))),
    items(
        "statements", "extension", "choice-statement",
        part("kind", code("kind", "valueCode", "to-be-considered recorded-refusal nominated-person attorney other")),
        part("item", ref("item", "valueReference", "Consent")),
        part("words", words("words", "valueString")),
        template={"url": EXTENSION + "choice-statement"},
    ),
    match=_is("advance-choice-document"),
)  # fmt: skip

TABLES = (NOMINATION, POWER_OF_ATTORNEY, ADVANCE_CHOICE_DOCUMENT)
