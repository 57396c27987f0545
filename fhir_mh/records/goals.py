"""Goals: what the person wants, in their own words, and the stages by which they mean to get there."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from fhir_mh.records.base import Coding, Concept, Date, Item, Note, Ref, Said, Text, Words, needed


class Target(Said):
    """A stage of a goal, or what would show that it is reached: by when, and how far it has come.

    achievement: of this stage alone; the goal has its own. achieved_on: the day this stage was reached.
    """

    natural_key = ("measure", "detail")

    measure: Concept | None = None
    detail: Text | None = None
    due_date: Date | None = None
    achievement: Concept | None = None
    achieved_on: Date | None = None


class Goal(Item):
    """What the person wants, in their words, and the outcome they would prefer."""

    natural_key = ("description.text",)

    status: Literal[
        "proposed", "planned", "accepted", "active", "on-hold", "completed", "cancelled", "entered-in-error",
        "rejected",
    ] = "active"  # fmt: skip
    description: Words | None = None
    codings: list[Coding] = Field(default_factory=list)
    preferred_outcome: Words | None = None
    importance: Concept | None = None
    achievement: Concept | None = None
    categories: list[Concept] = Field(default_factory=list)
    start_date: Date | None = None
    targets: list[Target] = Field(default_factory=list)
    status_date: Date | None = None
    status_reason: Text | None = None
    expressed_by: Ref | None = None
    addresses: list[Ref] = Field(default_factory=list)
    outcome_codes: list[Concept] = Field(default_factory=list)
    outcomes: list[Ref] = Field(default_factory=list)
    notes: list[Note] = Field(default_factory=list)

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if not self.description and not self.codings:
            raise needed("a goal needs its description, in words or in codes")
        return self
