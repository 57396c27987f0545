"""Advance statements, recorded refusals, sharing preferences and their originals.

A wish stands where no reader of FHIR can take it for a permission or a refusal: its Consent has no provision,
and its words stand in a CarePlan of intent `proposal`, which here means wishes and nothing else.
"""

from __future__ import annotations

from typing import Any

from fhir_mh.fhir.urls import CODE_SYSTEM
from fhir_mh.mapping.codecs import BOOLEAN, DATETIME
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import Derived, Item, Many, Missing, Node, Sub
from fhir_mh.profiles.elements import (
    Row,
    code,
    codings,
    concept,
    concept_key,
    concepts,
    extension,
    first,
    fixed,
    holds,
    identifiers,
    items,
    local,
    one,
    part,
    period,
    plain,
    ref,
    refs,
    row,
    tree,
    words,
)
from fhir_mh.profiles.plans import custodian
from fhir_mh.profiles.reference import Joined, Subject
from fhir_mh.profiles.table import table

_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_STATUS = "draft proposed active rejected inactive entered-in-error"
_SUBJECT: Row = (("patient",), Subject())
_ADR: dict[str, Any] = {"coding": [{"system": _SCOPE, "code": "adr"}]}
_PRIVACY: dict[str, Any] = {"coding": [{"system": _SCOPE, "code": "patient-privacy"}]}
_WISHES: dict[str, Any] = {"coding": [local("plan-kind", "advance-wishes")]}
_STATEMENT: dict[str, Any] = {"coding": [local("directive-kind", "advance-statement")]}
_REFUSAL: dict[str, Any] = {"coding": [local("directive-kind", "recorded-refusal")]}


def _directive() -> list[Row]:
    return [
        custodian(),
        code("status", "status", _STATUS),
        _SUBJECT,
        row("made_at", "dateTime", DATETIME),
        refs("recorded_by", "performer", "PractitionerRole", "Patient", "RelatedPerson", "Organization"),
        refs("organisations", "organization", "Organization"),
        ref("original", "sourceReference", "DocumentReference"),
    ]


STATEMENT = table(
    "advance-statement",
    "Consent",
    "statements",
    "advance-wishes",
    "person",
    fixed("scope", _ADR),
    one("category", "advance-statement", _STATEMENT, always=True),
    _directive(),
    fixed("policyRule", {"coding": [local("policy", "to-be-considered")]}),
    match=lambda consent: holds({"category": [_STATEMENT]})(consent) and "provision" not in consent,
)


def _wishes_status(statement: Item) -> str:
    """A CarePlan's word for where the statement stands."""
    words = {"inactive": "revoked", "rejected": "revoked", "draft": "draft", "proposed": "draft"}
    status: str = statement["status"]
    return words.get(status, status)


WISHES = table(
    "advance-wishes",
    "CarePlan",
    "statements",
    "advance-wishes",
    "person",
    fixed("intent", "proposal"),
    (("status",), Derived("status of the wishes", _wishes_status)),
    one("category", "advance-wishes", _WISHES, always=True),
    (("subject",), Subject()),
    one("supportingInfo", "statement", {"type": "Consent"}, (("reference",), Joined("Consent", "wishes"))),
    items(
        "wishes",
        "activity",
        "wish",
        one(
            "detail.code.coding",
            "about",
            {"system": CODE_SYSTEM + "wish-about"},
            code("about", "code", "treatment medication care daily-life family spiritual other"),
        ),
        words("words", "detail.description"),
        template={"detail": {"status": "not-started"}},
    ),
    match=holds({"intent": "proposal", "category": [_WISHES]}),
    primary=False,
    needs=("wishes",),
)

_DENY: dict[str, Any] = {"type": "deny"}

REFUSAL = table(
    "recorded-refusal",
    "Consent",
    "refusals",
    "advance-wishes",
    "person",
    fixed("scope", _ADR),
    one("category", "recorded-refusal", _REFUSAL, always=True),
    _directive(),
    fixed("policyRule", {"coding": [local("policy", "recorded-refusal")]}),
    extension(
        "extension",
        "refusal-formalities",
        (
            ("extension",),
            Sub(
                "formalities",
                tree(
                    part("written", row("written", "valueBoolean", BOOLEAN)),
                    part("signed", row("signed", "valueBoolean", BOOLEAN)),
                    part("witnessed", row("witnessed", "valueBoolean", BOOLEAN)),
                    part("life-at-risk-stated", row("life_at_risk_stated", "valueBoolean", BOOLEAN)),
                    part("verified-by", row("verified_by", "valueString")),
                    part("verified-on", row("verified_on", "valueDateTime", DATETIME)),
                ).children["extension"],
            ),
        ),
    ),
    items(
        "refuses",
        "provision.provision",
        "refused",
        one("code", "treatment", {}, words("treatment", "text"), codings("codings", "coding")),
        extension("extension", "refusal-circumstances", words("circumstances", "valueString")),
        template=_DENY,
    ),
    match=holds({"category": [_REFUSAL], "scope": _ADR}),
)


class _Recursive(Node):
    """Rules inside rules: the table of a rule stands in itself."""

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        return RULE.read(json, into, ctx)

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        return RULE.write(item, residue, ctx)


_ACTOR = tree(concept("role", "role"), ref("party", "reference", "Organization", "PractitionerRole", "RelatedPerson"))
_DATA = tree(row("meaning", "meaning"), ref("item", "reference", "CarePlan", "Consent", "DocumentReference"))


def _party_key(actor: dict[str, Any]) -> str:
    party = actor.get("party") or {}
    return f"{concept_key(actor.get('role') or {})}{party.get('id') or party.get('reference')}"


RULE = tree(
    code("decision", "type", "permit deny"),
    period("period", "period"),
    period("data_period", "dataPeriod"),
    (("actor",), Many("actor", None, "actors", _ACTOR, key=_party_key)),
    concepts("actions", "action"),
    codings("labels", "securityLabel"),
    codings("purposes", "purpose"),
    plain("sections", "class", {"system": CODE_SYSTEM + "section"}, "code"),
    codings("classes", "class"),
    concepts("codes", "code"),
    (("data",), Many("data", None, "data", _DATA, key=lambda d: str(d.get("meaning")) + str(d.get("item")))),
    (("provision",), Many("rule", None, "exceptions", _Recursive())),
)

SHARING = table(
    "sharing-preference",
    "Consent",
    "sharing",
    "sharing",
    "person",
    fixed("scope", _PRIVACY),
    _directive(),
    identifiers("identifiers"),
    concepts("categories", "category"),
    concept("policy", "policyRule"),
    plain("policies", "policy", {}, "uri"),
    row("source_title", "sourceAttachment.title"),
    (("provision",), Sub("terms", RULE)),
    match=holds({"scope": _PRIVACY}),
)

DOCUMENT = table(
    "document",
    "DocumentReference",
    "documents",
    "advance-wishes",
    "home",
    code("status", "status", "current superseded entered-in-error"),
    concept("type", "type"),
    (("subject",), Subject()),
    row("date", "date", DATETIME),
    row("description", "description"),
    first(
        "content",
        "original",
        tree(
            row("title", "attachment.title"),
            row("content_type", "attachment.contentType"),
            row("url", "attachment.url"),
            row("data", "attachment.data"),
            row("created", "attachment.creation", DATETIME),
            extension("attachment.extension", "sha-256", row("sha256", "valueString")),
        ),
    ),
)

TABLES = (STATEMENT, WISHES, REFUSAL, SHARING, DOCUMENT)
