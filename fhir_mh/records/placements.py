"""A placement as agreed by who places, and the stay as kept by who admits, with leave and the way home."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from fhir_mh.records.base import (
    AgreedDate,
    AgreedTerm,
    Concept,
    Date,
    DateTime,
    Item,
    OdsCode,
    Period,
    Ref,
    Text,
    Words,
)

FORMER_TERMS = {"community rehabilitation unit": "1", "high dependency rehabilitation unit": "2"}
"""What the levels were called before NHS England's commissioner guidance of 2024 for mental health rehabilitation."""


def level_named(value: object) -> object:
    """A level by its number or its former name. A label that names no level is refused, never kept as the type."""
    if value in ("1", "2") or not isinstance(value, str):
        return value
    level = FORMER_TERMS.get(" ".join(value.lower().replace("-", " ").split()))
    if level is None:
        raise PydanticCustomError(
            "level", "say 1 or 2: 'locked rehabilitation' and other older labels are no level of rehabilitation service"
        )
    return level


PlacementTerm = Literal[
    "level", "out-of-area-reason", "placing-commissioner", "host-commissioner", "purpose", "interventions", "ward",
    "status",
]  # fmt: skip


class TermAsItStood(Item):
    """What one of the agreed terms was from one moment on, why, and who recorded it.

    value: as the field says it (a level, a code, an ODS code), or in words. The field itself holds what is in
    force; the entry recorded last says the same.
    """

    natural_key = ("term", "value", "recorded_at")

    term: PlacementTerm
    value: Text
    recorded_at: DateTime
    reason: Words | None = None
    recorded_by: Text | None = None


class AgreedAction(Item):
    """Something that was agreed to be done: by whom, by when, and when it was done."""

    natural_key = ("description.text",)

    description: Words
    owner: Ref | None = None
    due: Date | None = None
    done_on: Date | None = None


class Placement(Item):
    """The request to admit the person to a level 1 or level 2 mental health rehabilitation inpatient service.

    interventions: the specific assessments and interventions it is for. replaces: the placement that ended with a
    transfer to this one. history: how its terms came to be as they are; only ever added to.
    """

    natural_key = ("requested_at", "provider")

    custodian: OdsCode | None = None
    status: Literal["draft", "active", "on-hold", "revoked", "completed", "entered-in-error"] = "active"
    level: Annotated[Literal["1", "2"], BeforeValidator(level_named)] | None = None
    requested_at: DateTime | None = None
    requested_by: Ref | None = None
    provider: Ref | None = None
    placing_commissioner: Ref | None = None
    host_commissioner: Ref | None = None
    out_of_area_reason: Literal[
        "bed-unavailable", "safeguarding", "offending", "staff-or-family-at-referrer", "choice", "unknown"
    ] | None = None  # fmt: skip
    purposes: list[Concept] = Field(default_factory=list)
    interventions: list[Concept] = Field(default_factory=list)
    planned: Period | None = None
    replaces: Ref | None = None
    history: list[TermAsItStood] = Field(default_factory=list)


class Delay(Item):
    """A delay of the discharge and its reason."""

    natural_key = ("since", "reason.text")

    reason: Words
    since: Date | None = None
    until: Date | None = None


class Leave(Item):
    """Leave from the ward: from and until when, of which kind, with whom, on which conditions."""

    natural_key = ("period", "kind")

    kind: Literal["escorted", "accompanied", "unescorted", "other"]
    period: Period | None = None
    with_whom: list[Ref] = Field(default_factory=list)
    conditions: Words | None = None
    returned_at: DateTime | None = None


class Stay(Item):
    """The stay itself: the admitting provider is its custodian. period.end is the day of discharge.

    estimated_discharge and length_of_stay hold their whole history, history that of the other terms: only ever
    added to, each with its reason. discharge_plan: what is to be done for the person to go home. discharged_to:
    what kind of place they went to; destination: which.
    """

    natural_key = ("placement",)

    custodian: OdsCode | None = None
    status: Literal[
        "planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "entered-in-error",
        "unknown",
    ] = "in-progress"  # fmt: skip
    placement: Ref | None = None
    provider: Ref | None = None
    ward: Text | None = None
    period: Period | None = None
    purposes: list[Concept] = Field(default_factory=list)
    estimated_discharge: list[AgreedDate] = Field(default_factory=list)
    length_of_stay: list[AgreedTerm] = Field(default_factory=list)
    delays: list[Delay] = Field(default_factory=list)
    history: list[TermAsItStood] = Field(default_factory=list)
    discharge_plan: list[AgreedAction] = Field(default_factory=list)
    leaves: list[Leave] = Field(default_factory=list)
    discharged_to: Concept | None = None
    destination: Ref | None = None
