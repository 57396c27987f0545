"""The person, and those around them: family and friends, professionals, services, organisations."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from nhs_number import is_valid as is_nhs_number  # type: ignore[attr-defined]
from pydantic import AfterValidator, Field, model_validator

from fhir_mh.records.base import (
    Address,
    Concept,
    Date,
    DateTime,
    Identifier,
    Item,
    Link,
    Model,
    Name,
    OdsCode,
    Period,
    Ref,
    Telecom,
    Text,
    Words,
    needed,
)


def _checked(value: str) -> str:
    compact = value.replace(" ", "").replace("-", "")
    if not is_nhs_number(compact):
        raise ValueError("not a valid NHS number: ten digits, the last a check digit")
    return compact


class Language(Concept):
    """A language the person uses. preferred: it is the one to use with them."""

    preferred: bool | None = None


class DeathNotification(Model):
    """What a national service was told of the death. removed: the notice was taken back."""

    status: Literal["informal", "formal", "removed"]
    effective_at: DateTime | None = None


NhsNumber = Annotated[str, AfterValidator(_checked)]
_is_language = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*").fullmatch
Gender = Literal["male", "female", "other", "unknown"]


class Person(Item):
    """The person whose record this is.

    former_nhs_numbers: superseded ones. identifiers: others; a superseded NHS number that came as one stays there.
    commissioner: the integrated care board responsible for the person. confidentiality: `restricted` where somebody is
    at risk if it becomes known where the person lives or is treated. reference: how the source names the person, where
    it does so in a way of its own (`Patient/example`).
    """

    nhs_number: NhsNumber | None = None
    nhs_number_status: Annotated[str, Field(pattern="^0[1-8]$")] | None = None
    former_nhs_numbers: list[NhsNumber] = Field(default_factory=list)
    identifiers: list[Identifier] = Field(default_factory=list)
    names: list[Name] = Field(default_factory=list)
    birth_date: Date | None = None
    gender: Gender | None = None
    deceased: bool | None = None
    deceased_at: DateTime | None = None
    death_notification: DeathNotification | None = None
    ethnicity: Concept | None = None
    confidentiality: Literal["normal", "restricted", "very-restricted"] | None = None
    addresses: list[Address] = Field(default_factory=list)
    telecoms: list[Telecom] = Field(default_factory=list)
    languages: list[Language] = Field(default_factory=list)
    interpreter_required: bool | None = None
    communication_needs: list[Words] = Field(default_factory=list)
    gp: list[Ref] = Field(default_factory=list)
    commissioner: Ref | None = None
    managing_organisation: Ref | None = None
    active: bool | None = None
    reference: Link | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.nhs_number_status and not self.nhs_number:
            raise needed("nhs_number_status says how the NHS number was checked: give nhs_number too")
        tags = [c.code for language in self.languages for c in language.codings if c.system == "urn:ietf:bcp:47"]
        if not all(tag and _is_language(tag) for tag in tags):
            raise ValueError("a code of urn:ietf:bcp:47 is a language tag, such as en, cy or bfi")
        if self.deceased_at and self.deceased is False:
            raise ValueError("deceased_at is given and deceased says no")
        if self.deceased_at:
            self.deceased = None  # the time says it
        return self


class ContactRole(Item):
    """In which role somebody stands beside the person, since when and until when.

    basis: what it rests on, in words (appointed by the person, delegated, displaced by a court). organisation: whom an
    advocate works for. What an attorney may decide stands in the power of attorney.
    """

    natural_key = ("kind",)

    kind: Literal[
        "carer", "nearest-relative", "nominated-person", "independent-mental-health-advocate",
        "independent-mental-capacity-advocate", "advocate", "attorney", "deputy", "other",
    ]  # fmt: skip
    period: Period | None = None
    basis: Words | None = None
    organisation: Ref | None = None


class Contact(Item):
    """Family, friend, carer, advocate, attorney: a person who is not there as a professional."""

    natural_key = ("names",)

    active: bool | None = None
    names: list[Name] = Field(default_factory=list)
    relationships: list[Concept] = Field(default_factory=list)
    roles: list[ContactRole] = Field(default_factory=list)
    telecoms: list[Telecom] = Field(default_factory=list)
    addresses: list[Address] = Field(default_factory=list)
    gender: Gender | None = None
    birth_date: Date | None = None
    period: Period | None = None


class SupportNeed(Item):
    """What those who care for the person must know and allow for: an adjustment, a learning disability, autism.

    certainty: of a learning disability or autism. period: from when, and until when it was needed.
    """

    natural_key = ("kind", "description.text")

    kind: Literal["reasonable-adjustment", "learning-disability", "autism"]
    description: Words | None = None
    certainty: Literal["confirmed", "suspected"] | None = None
    status: Literal["active", "inactive", "entered-in-error"] = "active"
    period: Period | None = None
    recorded_by: Ref | None = None


class Professional(Item):
    """Somebody in a role at an organisation. user_id: their national SDS user id."""

    natural_key = ("name", "user_id")

    active: bool | None = None
    name: Text | None = None
    user_id: Text | None = None
    organisation: Ref | None = None
    roles: list[Concept] = Field(default_factory=list)
    telecoms: list[Telecom] = Field(default_factory=list)
    period: Period | None = None


class Organisation(Item):
    """A provider, commissioner or other body, by its ODS code."""

    natural_key = ("ods",)

    ods: OdsCode | None = None
    name: Text | None = None
    active: bool | None = None
    telecoms: list[Telecom] = Field(default_factory=list)

    @model_validator(mode="after")
    def _is_no_home(self) -> Self:
        if any(telecom.use == "home" for telecom in self.telecoms):
            raise ValueError("an organisation has no telecom of use home: say work")
        return self


class Service(Item):
    """A service that can be reached, for instance at any hour in a crisis."""

    natural_key = ("name",)

    active: bool | None = None
    name: Text | None = None
    provided_by: Ref | None = None
    telecoms: list[Telecom] = Field(default_factory=list)
    all_day: bool | None = None
    availability: Text | None = None


class Episode(Item):
    """A provider's care of the person over time, and who leads it (lead professional or care co-ordinator)."""

    natural_key = ("organisation",)

    status: Literal["planned", "waitlist", "active", "onhold", "finished", "cancelled", "entered-in-error"] = "active"
    organisation: Ref | None = None
    lead: Ref | None = None
    types: list[Concept] = Field(default_factory=list)
    period: Period | None = None
