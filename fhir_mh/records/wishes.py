"""Advance wishes, sharing preferences and the documents behind them: facts, never verdicts."""

from __future__ import annotations

import base64
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from fhir_mh.records.base import (
    Coding,
    Concept,
    DateTime,
    Identifier,
    Instant,
    Item,
    Model,
    OdsCode,
    Period,
    Ref,
    Text,
    Uri,
    Words,
    needed,
)  # fmt: skip
from fhir_mh.records.sections import SectionName

DirectiveStatus = Literal["draft", "proposed", "active", "rejected", "inactive", "entered-in-error"]
"""inactive: withdrawn or replaced."""
CAUTION = "Recorded refusal: check validity and applicability"
"""What is said wherever a recorded refusal is shown."""


def _base64(value: str) -> str:
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except ValueError:
        raise ValueError("not base64") from None
    return value


class Document(Item):
    """An original. data: its bytes in base64. sha256: of its bytes, in hexadecimal. date: when it was made known.

    It has no natural key, for two letters may have one title.
    """

    status: Literal["current", "superseded", "entered-in-error"] = "current"
    type: Concept | None = None
    title: Text | None = None
    description: Text | None = None
    content_type: Text | None = None
    url: Uri | None = None
    data: Annotated[str, AfterValidator(_base64)] | None = None
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    created: DateTime | None = None
    date: Instant | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if not (self.title or self.url or self.data or self.sha256 or self.content_type or self.created):
            raise needed("an original needs at least its title")
        if self.data and not self.content_type:
            raise needed("data needs its content_type, for instance application/pdf")
        return self


class Withdrawal(Model):
    """That the person took a decision back: when, how, and who recorded it."""

    at: DateTime | None = None
    how: Words | None = None
    recorded_by: Text | None = None


class Directive(Item):
    """What every decision of the person has: when it was made, whether it stands, and its original.

    custodian: who recorded it. A directive is never edited into another one: a later one ends it. It has no natural
    key, for two may be of one day. status: `active` is in force; `inactive` was withdrawn or replaced, and where it was
    withdrawn, `withdrawn` says so.
    """

    custodian: OdsCode | None = None
    status: DirectiveStatus = "active"
    made_at: DateTime | None = None
    recorded_by: list[Ref] = Field(default_factory=list)
    organisations: list[Ref] = Field(default_factory=list)
    original: Ref | None = None
    withdrawn: Withdrawal | None = None

    @model_validator(mode="after")
    def _is_withdrawn(self) -> Self:
        if self.withdrawn and self.status == "active":
            raise ValueError("what was withdrawn is not in force: say status inactive")
        return self


class Wish(Item):
    """One wish, in the person's own words."""

    natural_key = ("words.text",)

    about: Literal["treatment", "medication", "care", "daily-life", "family", "spiritual", "other"] = "other"
    words: Words


class AdvanceStatement(Directive):
    """Wishes to be considered when the person cannot say them. Never a permission, never a refusal."""

    wishes: list[Wish] = Field(default_factory=list)


class RefusedTreatment(Item):
    """What is refused, and in which circumstances."""

    natural_key = ("treatment.text",)

    treatment: Words
    codings: list[Coding] = Field(default_factory=list)
    circumstances: Words | None = None


class Formalities(Model):
    """What was seen to, as facts. witness: who signed as one. verified_by: who has seen that it was so."""

    written: bool | None = None
    signed: bool | None = None
    witnessed: bool | None = None
    witness: Text | None = None
    verified_by: Text | None = None
    verified_on: DateTime | None = None


class RefusalFormalities(Formalities):
    """Of a refusal also whether it says it holds even if life is at risk; more is judged at the bedside."""

    life_at_risk_stated: bool | None = None


class RecordedRefusal(Directive):
    """A recorded refusal of treatment (advance decision): check validity and applicability."""

    refuses: list[RefusedTreatment] = Field(default_factory=list)
    formalities: RefusalFormalities | None = None


class Actor(Model):
    """An organisation, person or group that a rule is about, and in which role."""

    role: Concept | None = None
    party: Ref | None = None


class RuleData(Model):
    """Particular content a rule is about."""

    meaning: Literal["instance", "related", "dependents", "authoredby"] = "instance"
    item: Ref | None = None


class Rule(Model):
    """What may, or may not, be shared: with whom, for what, how long. Every condition named must hold.

    decision: absent at the root, where the rules in `exceptions` say it. sections: parts of the record by
    name.
    """

    decision: Literal["permit", "deny"] | None = None
    period: Period | None = None
    data_period: Period | None = None
    actors: list[Actor] = Field(default_factory=list)
    actions: list[Concept] = Field(default_factory=list)
    labels: list[Coding] = Field(default_factory=list)
    purposes: list[Coding] = Field(default_factory=list)
    sections: list[SectionName] = Field(default_factory=list)
    classes: list[Coding] = Field(default_factory=list)
    codes: list[Concept] = Field(default_factory=list)
    data: list[RuleData] = Field(default_factory=list)
    exceptions: list[Rule] = Field(default_factory=list)


class SharingPreference(Directive):
    """What the person agreed may be shared."""

    identifiers: list[Identifier] = Field(default_factory=list)
    categories: list[Concept] = Field(default_factory=list)
    policy: Concept | None = None
    policies: list[Uri] = Field(default_factory=list)
    source_title: Text | None = None
    terms: Rule | None = None

    @model_validator(mode="after")
    def _decides_inside(self) -> Self:
        """A decision at the root goes one rule further in, unless it came that way in somebody's FHIR."""
        came = (self.unknown.get("sharing-preference") or {}).get("provision") or {}
        if self.terms and self.terms.decision and "type" not in came:
            self.terms = Rule(exceptions=[self.terms])
        if self.source_title and self.original:
            raise ValueError("name the source by original or by source_title, not both")
        return self
