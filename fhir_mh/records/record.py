"""CareRecord: all that one custodian holds for one person."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from fhir_mh.records.agreements import Agreement, CopyGiven
from fhir_mh.records.base import Model
from fhir_mh.records.choices import AdvanceChoiceDocument, Nomination, PowerOfAttorney
from fhir_mh.records.goals import Goal
from fhir_mh.records.legal import LegalStatus
from fhir_mh.records.people import Contact, Episode, Organisation, Person, Professional, Service, SupportNeed
from fhir_mh.records.placements import Placement, Stay
from fhir_mh.records.plans import CarePlan, CrisisPlan
from fhir_mh.records.reviews import FollowUp, TreatmentReview, Visit
from fhir_mh.records.tasks import Task
from fhir_mh.records.wishes import AdvanceStatement, Document, RecordedRefusal, SharingPreference


class CareRecord(Model):
    """All that one gateway's organisation holds for one person, in plain words.

    Its JSON form is what vendors without FHIR send and receive. Items refer to one another by id, so a goal
    or a contact stands once however many plans name it. unknown holds what came with a Bundle and belongs to
    no item: resources of other kinds, and the Bundle's own elements.
    """

    schema_version: Literal["1"] = "1"
    person: Person
    organisations: list[Organisation] = Field(default_factory=list)
    professionals: list[Professional] = Field(default_factory=list)
    contacts: list[Contact] = Field(default_factory=list)
    support_needs: list[SupportNeed] = Field(default_factory=list)
    services: list[Service] = Field(default_factory=list)
    episodes: list[Episode] = Field(default_factory=list)
    goals: list[Goal] = Field(default_factory=list)
    care_plans: list[CarePlan] = Field(default_factory=list)
    crisis_plans: list[CrisisPlan] = Field(default_factory=list)
    statements: list[AdvanceStatement] = Field(default_factory=list)
    refusals: list[RecordedRefusal] = Field(default_factory=list)
    nominations: list[Nomination] = Field(default_factory=list)
    powers_of_attorney: list[PowerOfAttorney] = Field(default_factory=list)
    choice_documents: list[AdvanceChoiceDocument] = Field(default_factory=list)
    sharing: list[SharingPreference] = Field(default_factory=list)
    documents: list[Document] = Field(default_factory=list)
    agreements: list[Agreement] = Field(default_factory=list)
    copies: list[CopyGiven] = Field(default_factory=list)
    legal_statuses: list[LegalStatus] = Field(default_factory=list)
    placements: list[Placement] = Field(default_factory=list)
    stays: list[Stay] = Field(default_factory=list)
    treatment_reviews: list[TreatmentReview] = Field(default_factory=list)
    visits: list[Visit] = Field(default_factory=list)
    follow_ups: list[FollowUp] = Field(default_factory=list)
    tasks: list[Task] = Field(default_factory=list)
    unknown: dict[str, Any] = Field(default_factory=dict)
