"""Care plans and crisis plans, with their activities and reviews."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from fhir_mh.records.base import (
    Concept,
    DateTime,
    Item,
    Link,
    Note,
    OdsCode,
    Period,
    Ref,
    Said,
    Text,
    Words,
)

PlanStatus = Literal["draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"]
ActivityKind = Literal[
    "Appointment", "CommunicationRequest", "DeviceRequest", "MedicationRequest", "NutritionOrder", "Task",
    "ServiceRequest", "VisionPrescription",
]  # fmt: skip
SocialInclusion = Literal["education", "employment", "volunteering", "leisure", "caring-for-dependants"]
CrisisItem = Literal[
    "warning-signs", "prevention", "admission-preferences", "practical-needs", "wishes", "involvement", "services",
    "contacts",
]  # fmt: skip
_DESCRIBING = (
    "kind", "code", "description", "status_reason", "not_to_be_done", "planned", "planned_text", "reasons", "goals",
    "performers", "location",
)  # fmt: skip
ActivityStatus = Literal[
    "not-started", "scheduled", "in-progress", "on-hold", "completed", "cancelled", "stopped", "unknown",
    "entered-in-error",
]  # fmt: skip


class Need(Said):
    """A need the plan meets. condition: the address of the coded problem behind it, where there is one."""

    natural_key = ("description.text", "condition")

    description: Words | None = None
    condition: Link | None = None


class Activity(Said):
    """Something the plan foresees: an intervention, or an activity that promotes social inclusion.

    inclusion: which of these it is; an intervention has none.
    """

    natural_key = ("description.text", "code")

    inclusion: SocialInclusion | None = None
    kind: ActivityKind | None = None
    code: Concept | None = None
    description: Words | None = None
    status: ActivityStatus | None = None
    status_reason: Concept | None = None
    not_to_be_done: bool | None = None
    planned: Period | None = None
    planned_text: Text | None = None
    reasons: list[Concept] = Field(default_factory=list)
    goals: list[Ref] = Field(default_factory=list)
    performers: list[Ref] = Field(default_factory=list)
    location: Ref | None = None
    outcomes: list[Ref] = Field(default_factory=list)
    outcome_codes: list[Concept] = Field(default_factory=list)
    request: Ref | None = None
    progress: list[Note] = Field(default_factory=list)

    @property
    def _is_described(self) -> bool:
        return any(getattr(self, field) not in (None, []) for field in _DESCRIBING)

    @model_validator(mode="after")
    def _has_a_status(self) -> Self:
        """What is described here has a status; what is only pointed to has its own."""
        if self.status is None and self._is_described:
            self.status = "not-started"
        return self

    @model_validator(mode="after")
    def _says_it_one_way(self) -> Self:
        if self.request and (self.status or self._is_described):
            raise ValueError("an activity is described here or stands in the request it points to, not both")
        if self.planned and self.planned_text:
            raise ValueError("say when in planned or in planned_text, not both")
        return self


class Review(Item):
    """A review of the plan: when it is due, who owns it, whether it was held and what it changed."""

    natural_key = ("planned",)

    planned: DateTime | None = None
    owner: Ref | None = None
    status: ActivityStatus = "scheduled"
    held: DateTime | None = None
    changed: Words | None = None


class Plan(Item):
    """What care plans and crisis plans share. id is the plan's stable set id: it outlives every version.

    custodian: the organisation whose gateway mints its versions. version: rises with each change it makes.
    content_hash: of what the plan says at that version (`content_hash.content_hash`), minted with it.
    """

    custodian: OdsCode | None = None
    version: int | None = Field(default=None, ge=1)
    content_hash: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    status: PlanStatus = "active"
    title: Text | None = None
    description: Words | None = None
    period: Period | None = None
    created: DateTime | None = None
    author: Ref | None = None
    contributors: list[Ref] = Field(default_factory=list)
    based_on: list[Ref] = Field(default_factory=list)
    replaces: list[Ref] = Field(default_factory=list)
    part_of: list[Ref] = Field(default_factory=list)
    goals: list[Ref] = Field(default_factory=list)
    activities: list[Activity] = Field(default_factory=list)
    reviews: list[Review] = Field(default_factory=list)
    notes: list[Note] = Field(default_factory=list)


class CarePlan(Plan):
    """The jointly agreed care plan."""

    natural_key = ("title",)

    intent: Literal["proposal", "plan", "order", "option"] = "plan"
    categories: list[Concept] = Field(default_factory=list)
    needs: list[Need] = Field(default_factory=list)
    care_teams: list[Ref] = Field(default_factory=list)
    encounter: Ref | None = None


class WarningSign(Item):
    """An early warning sign and what helps then. A sign without an answer yet is kept and shown as such."""

    natural_key = ("sign.text",)

    sign: Words
    coping: Words | None = None
    status: ActivityStatus = "not-started"


class Support(Item):
    """Support that may prevent an admission."""

    natural_key = ("description.text",)

    description: Words
    status: ActivityStatus = "not-started"
    performers: list[Ref] = Field(default_factory=list)


class AdmissionPreference(Item):
    """Where the person would like to be admitted, or not, and why. A preference, never a planned admission."""

    natural_key = ("preference", "place.text")

    preference: Literal["prefer", "avoid"]
    place: Words | None = None
    location: Ref | None = None
    rank: int | None = Field(default=None, ge=1)
    reason: Words | None = None


class PracticalNeed(Item):
    """What must be seen to if the person is admitted."""

    natural_key = ("kind", "description.text")

    kind: Literal["children", "dependants", "pets", "home", "other"] = "other"
    description: Words
    contact: Ref | None = None
    status: ActivityStatus = "not-started"


class Involvement(Item):
    """Whether and how far a relative or carer is involved, and what they are not to be told or asked."""

    natural_key = ("contact",)

    contact: Ref | None = None
    degree: Literal["full", "some", "none"]
    involved_in: Words | None = None
    not_in: Words | None = None


class NamedContact(Item):
    """Whom to reach, in which order, and what for."""

    natural_key = ("contact",)

    contact: Ref
    role: Words | None = None
    order: int | None = Field(default=None, ge=1)


class CrisisPlan(Plan):
    """The crisis plan, with the eight items of NICE CG136.

    nothing_for: the items that were talked through and for which there is nothing to record, which is not the
    same as an item that nobody has asked about.
    """

    natural_key = ("title",)

    warning_signs: list[WarningSign] = Field(default_factory=list)
    prevention: list[Support] = Field(default_factory=list)
    admission_preferences: list[AdmissionPreference] = Field(default_factory=list)
    practical_needs: list[PracticalNeed] = Field(default_factory=list)
    wishes: list[Ref] = Field(default_factory=list)
    involvement: list[Involvement] = Field(default_factory=list)
    services: list[Ref] = Field(default_factory=list)
    contacts: list[NamedContact] = Field(default_factory=list)
    nothing_for: list[CrisisItem] = Field(default_factory=list)

    @model_validator(mode="after")
    def _unanswered_last(self) -> Self:
        """Signs still without an answer stand behind the others, in every format."""
        self.warning_signs.sort(key=lambda sign: sign.coping is None)
        return self

    @model_validator(mode="after")
    def _nothing_but(self) -> Self:
        """What is recorded of an item stands, whoever said before that there was nothing."""
        self.nothing_for = [
            item for item in dict.fromkeys(self.nothing_for) if not getattr(self, item.replace("-", "_"))
        ]
        return self
