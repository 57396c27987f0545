"""A placement as agreed by who places, and the stay as kept by who admits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

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


class Placement(Item):
    """The request to admit the person to a level 1 or level 2 mental health rehabilitation inpatient service."""

    natural_key = ("requested_at", "provider")

    custodian: OdsCode | None = None
    status: Literal["draft", "active", "on-hold", "revoked", "completed", "entered-in-error"] = "active"
    level: Literal["1", "2"] | None = None
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


class Delay(Item):
    """A delay of the discharge and its reason."""

    natural_key = ("since", "reason.text")

    reason: Words
    since: Date | None = None
    until: Date | None = None


class Stay(Item):
    """The stay itself: the admitting provider is its custodian.

    estimated_discharge and length_of_stay hold their whole history: only ever added to, each with its reason.
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
