"""Advance choice documents, and whom the person appoints: nominated persons and attorneys. Facts, never verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from fhir_mh.records.base import Date, DateTime, Item, Model, Ref, Text, Words
from fhir_mh.records.wishes import Directive, Formalities


class Nomination(Directive):
    """Whom the person wants as their nominated person, and why. accepted: whether that person agreed to it."""

    nominee: Ref | None = None
    accepted: bool | None = None
    reason: Words | None = None
    formalities: Formalities | None = None


class Attorney(Item):
    """Somebody named in a power of attorney. replacement: only if one of the others can no longer act."""

    natural_key = ("contact",)

    contact: Ref
    replacement: bool | None = None


class PowerOfAttorney(Directive):
    """A lasting power of attorney: for what, by whom, and what is known of its registration.

    acting: whether the attorneys decide alone, together, or either way. may_refuse_life_sustaining: what the document
    states of life-sustaining treatment. limits: the instructions and preferences it holds.
    """

    scope: Literal["health-and-welfare", "property-and-financial-affairs"]
    attorneys: list[Attorney] = Field(default_factory=list)
    acting: Literal["alone", "jointly", "jointly-and-severally", "mixed"] | None = None
    may_refuse_life_sustaining: bool | None = None
    limits: Words | None = None
    registered: bool | None = None
    registered_on: Date | None = None
    registration_number: Text | None = None
    formalities: Formalities | None = None

    @model_validator(mode="after")
    def _decides_of_its_scope(self) -> Self:
        if self.scope == "property-and-financial-affairs" and self.may_refuse_life_sustaining:
            raise ValueError("a power over property and financial affairs refuses no treatment")
        return self


StatementKind = Literal["to-be-considered", "recorded-refusal", "nominated-person", "attorney", "other"]
STANDS_IN: Mapping[str, str] = {
    "to-be-considered": "statements",
    "recorded-refusal": "refusals",
    "nominated-person": "nominations",
    "attorney": "powers_of_attorney",
}
"""The list of the record in which a statement of each kind stands."""


class ChoiceStatement(Item):
    """One statement of an advance choice document, and what it counts as. item: where it stands in the record."""

    natural_key = ("kind", "words.text")

    kind: StatementKind
    item: Ref | None = None
    words: Words | None = None


class Help(Model):
    """Help with making the document: offered when and by whom; given when, by whom, and what it was."""

    offered_on: DateTime | None = None
    offered_by: Text | None = None
    given_on: DateTime | None = None
    given_by: Text | None = None
    what: Words | None = None


class AdvanceChoiceDocument(Directive):
    """An advance choice document: each of its statements counts as what it is typed, and as nothing more.

    status: `proposed` where help was offered and nothing is written yet, `rejected` where the person did not want it.
    """

    statements: list[ChoiceStatement] = Field(default_factory=list)
    formalities: Formalities | None = None
    help: Help | None = None


def mistyped(tree: Mapping[str, Any]) -> Iterator[str]:
    """The paths of statements that count as one thing in their document and stand in the record as another.

    tree: a record's JSON tree. What a statement points to outside the record is not known.
    """
    kind_of = {item["id"]: kind for kind, name in STANDS_IN.items() for item in tree.get(name) or ()}
    for document in tree.get("choice_documents") or ():
        for statement in document.get("statements") or ():
            stands = kind_of.get((statement.get("item") or {}).get("id", ""))
            if stands is not None and stands != statement.get("kind"):
                yield f"choice_documents[{document['id']}].statements[{statement['id']}].kind"
