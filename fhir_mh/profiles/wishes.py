"""Advance statements, recorded refusals, sharing preferences and their originals.

A wish stands where no reader of FHIR can take it for a permission or a refusal: its Consent has no provision,
and its words stand in a CarePlan of intent `proposal`, which here means wishes and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_mh.fhir.urls import CODE_SYSTEM
from fhir_mh.mapping.codecs import BOOLEAN, DATETIME, OneOf
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import MISSING, Derived, Item, Missing, Node, Sub, Value
from fhir_mh.mapping.slices import Many
from fhir_mh.profiles.defaults import Default, absent
from fhir_mh.profiles.elements import (
    CONCEPT,
    IDENTIFIER,
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
from fhir_mh.profiles.reference import Joined, OneJoined, Reference, Subject
from fhir_mh.profiles.table import table
from fhir_mh.records.wishes import CAUTION, RuleData

_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_STATUS = "draft proposed active rejected inactive entered-in-error"
_SUBJECT: Row = (("patient",), Subject())
ADR: dict[str, Any] = {"coding": [{"system": _SCOPE, "code": "adr"}]}
_PRIVACY: dict[str, Any] = {"coding": [{"system": _SCOPE, "code": "patient-privacy"}]}
_WISHES: dict[str, Any] = {"coding": [local("plan-kind", "advance-wishes")]}
_STATEMENT: dict[str, Any] = {"coding": [local("directive-kind", "advance-statement")]}
_REFUSAL: dict[str, Any] = {"coding": [local("directive-kind", "recorded-refusal")]}
_PREFERENCE: dict[str, Any] = {"coding": [local("directive-kind", "sharing-preference")]}
_AS_STATED: dict[str, Any] = {"coding": [local("policy", "as-stated")]}


def formalities(name: str, *more: Row) -> Row:
    """What was seen to, as an extension of ours."""
    facts = tree(
        part("written", row("written", "valueBoolean", BOOLEAN)),
        part("signed", row("signed", "valueBoolean", BOOLEAN)),
        part("witnessed", row("witnessed", "valueBoolean", BOOLEAN)),
        part("witness", row("witness", "valueString")),
        *more,
        part("verified-by", row("verified_by", "valueString")),
        part("verified-on", row("verified_on", "valueDateTime", DATETIME)),
    )
    return extension("extension", name, (("extension",), Sub("formalities", facts.children["extension"])))


_WITHDRAWAL = tree(
    part("at", row("at", "valueDateTime", DATETIME)),
    part("how", words("how", "valueString")),
    part("recorded-by", row("recorded_by", "valueString")),
).children["extension"]


def directive() -> list[Row]:
    """What every decision of the person has."""
    return [
        custodian(),
        code("status", "status", _STATUS),
        _SUBJECT,
        row("made_at", "dateTime", DATETIME),
        refs("recorded_by", "performer", "PractitionerRole", "Patient", "RelatedPerson", "Organization"),
        refs("organisations", "organization", "Organization"),
        ref("original", "sourceReference", "DocumentReference"),
        extension("extension", "withdrawal", (("extension",), Sub("withdrawn", _WITHDRAWAL))),
    ]


_is_a_statement = holds({"category": [_STATEMENT]})

STATEMENT = table(
    "advance-statement",
    "Consent",
    "statements",
    "advance-wishes",
    "person",
    fixed("scope", ADR),
    one("category", "advance-statement", _STATEMENT, always=True),
    directive(),
    fixed("policyRule", {"coding": [local("policy", "to-be-considered")]}),
    match=lambda consent: _is_a_statement(consent) and "provision" not in consent,
)


def _wishes_status(statement: Item) -> str | None:
    """A CarePlan's word for where the statement stands."""
    words = {"inactive": "revoked", "rejected": "revoked", "draft": "draft", "proposed": "draft"}
    status: str | None = statement.get("status")
    return None if status is None else words.get(status, status)


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
    (("supportingInfo",), OneJoined("statement", Joined("Consent", typed=True))),
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
    fixed("scope", ADR),
    one("category", "recorded-refusal", _REFUSAL, always=True),
    directive(),
    fixed("policyRule", {"coding": [local("policy", "recorded-refusal")], "text": CAUTION}),
    formalities(
        "refusal-formalities", part("life-at-risk-stated", row("life_at_risk_stated", "valueBoolean", BOOLEAN))
    ),
    items(
        "refuses",
        "provision.provision",
        "refused",
        one("code", "treatment", {}, words("treatment", "text"), codings("codings", "coding")),
        extension("extension", "refusal-circumstances", words("circumstances", "valueString")),
        template=_DENY,
    ),
    match=holds({"category": [_REFUSAL], "scope": ADR}),
)


class _Recursive(Node):
    """Rules inside rules: the table of a rule stands in itself."""

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        return RULE.read(json, into, ctx)

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        return RULE.write(item, residue, ctx)

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield field.removesuffix("."), path  # once: what is in it is what is around it


_RECIPIENT = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]
}  # fmt: skip
_ANYONE = Reference(("Organization", "PractitionerRole", "RelatedPerson"), IDENTIFIER)
_CONTENT = Reference(("CarePlan", "Consent", "DocumentReference"), IDENTIFIER)
# R4 asks for both halves of an actor and of data, also of a rule about everybody in one role.
_ACTOR = tree(
    (("role",), Default(Sub("role", CONCEPT), _RECIPIENT)),
    (("reference",), Default(Sub("party", _ANYONE), absent("not-applicable"))),
)
_DATA = tree(
    row("meaning", "meaning"),
    (("reference",), Default(Sub("item", _CONTENT), absent("unknown"))),
)


def _party_key(actor: dict[str, Any]) -> str:
    party = actor.get("party") or {}
    return f"{concept_key(actor.get('role') or {})}{party.get('id') or party.get('reference')}"


_MEANING = RuleData.model_fields["meaning"].default


def _data_key(data: dict[str, Any]) -> str:
    return f"{data.get('meaning', _MEANING)}{data.get('item')}"


_CONDITIONS: list[Row] = [
    period("period", "period"),
    period("data_period", "dataPeriod"),
    (("actor",), Many("actor", None, "actors", _ACTOR, key=_party_key)),
    concepts("actions", "action"),
    codings("labels", "securityLabel"),
    codings("purposes", "purpose"),
    plain("sections", "class", {"system": CODE_SYSTEM + "section"}, "code"),
    codings("classes", "class"),
    concepts("codes", "code"),
    (("data",), Many("data", None, "data", _DATA, key=_data_key)),
    (("provision",), Many("rule", None, "exceptions", _Recursive())),
]
_DECISION = "permit deny"
RULE = tree(code("decision", "type", _DECISION), _CONDITIONS)


class _RootDecision(Value):
    """R4 allows the outermost rule no type: one that comes is read and given back, one of ours is never written."""

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        super().read(json, into, ctx)
        return json

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        return MISSING if residue is None else super().write(item, residue, ctx)


class _Terms(Node):
    """The outermost rule. A decision that stands in it goes one rule further in, where R4 has room for it."""

    root = tree((("type",), _RootDecision("decision", OneOf(_DECISION.split()))), _CONDITIONS)

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        return self.root.read(json, into, ctx)

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        if "decision" in item and not (residue or {}).get("type"):
            return {"provision": [RULE.write(item, residue, ctx)]}
        return self.root.write(item, residue, ctx)

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        return self.root.rows(path, field)


def _needs_policy(consent: dict[str, Any]) -> bool:
    """R4's ppc-1: a policy, or a policy rule."""
    return not consent.get("policies") and not consent.get("policy")


SHARING = table(
    "sharing-preference",
    "Consent",
    "sharing",
    "sharing",
    "person",
    fixed("scope", _PRIVACY),
    directive(),
    identifiers("identifiers"),
    one("category", "sharing-preference", _PREFERENCE, always=True),
    concepts("categories", "category"),
    (("policyRule",), Default(Sub("policy", CONCEPT), _AS_STATED, when=_needs_policy, asked=_needs_policy)),
    plain("policies", "policy", {}, "uri"),
    row("source_title", "sourceAttachment.title"),
    (("provision",), Sub("terms", _Terms())),
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
