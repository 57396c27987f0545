"""Care (education) and treatment reviews, visits to somebody placed far away, and follow-up after discharge."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fhir_mh.records.base import Date, DateTime, Item, Ref, Words
from fhir_mh.records.placements import AgreedAction


class Meeting(Item):
    """What is to be held by a certain day, who sees to it, and what came of it.

    planned: by when. owner: who sees to it that it is held. held: when it was. held_by: who was there for whom it
    is held. next_due: by when the next one is to be held.
    """

    planned: DateTime | None = None
    owner: Ref | None = None
    status: Literal["requested", "accepted", "in-progress", "completed", "cancelled", "entered-in-error"] = "requested"
    held: DateTime | None = None
    held_by: list[Ref] = Field(default_factory=list)
    outcome: Words | None = None
    next_due: Date | None = None


class TreatmentReview(Meeting):
    """A care and treatment review (CTR), or for a child a care, education and treatment review (CETR).

    held_by: the panel beside its chair.
    """

    natural_key = ("kind", "planned")

    kind: Literal["ctr-community", "ctr-inpatient", "cetr-community", "cetr-inpatient"]
    chair: Ref | None = None
    recommendations: list[AgreedAction] = Field(default_factory=list)


class Visit(Meeting):
    """A visit in person to somebody on a stay, by their home team or by the commissioner that placed them."""

    natural_key = ("by", "planned")

    by: Literal["home-team", "commissioner"]
    stay: Ref | None = None


class FollowUp(Meeting):
    """Contact after discharge, for instance within 72 hours."""

    natural_key = ("stay", "planned")

    stay: Ref | None = None
