"""What a ward says that asks for the plan of somebody whom nobody placed there."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from fhir_mh.errors import InvalidResource
from fhir_mh.records.base import DateTime, Model, Name, OdsCode, needed
from fhir_mh.records.misfits import misfits
from fhir_mh.records.people import NhsNumber


class Sought(Model):
    """Who is asked for: all three, so that a number that was mistyped finds nobody."""

    nhs_number: NhsNumber
    birth_date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    names: Annotated[list[Name], Field(min_length=1, max_length=10)]


class Asking(Model):
    """One asking. person: who is sought; or record, where there is one here, in which a stay of ours goes on.

    admitted_at: since when the person is here; of a record its stay says it. purpose: TREAT, or ETREAT for an
    emergency, of which `reason` says why. partners: who is asked; all, where none is named.
    """

    person: Sought | None = None
    record: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    admitted_at: DateTime | None = None
    purpose: Literal["TREAT", "ETREAT"] = "TREAT"
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)] | None = None
    partners: Annotated[list[OdsCode], Field(max_length=100)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _says_whom_and_why(self) -> Self:
        if (self.person is None) == (self.record is None):
            raise needed("say either person, with nhs_number, birth_date and names, or record, by its id")
        if self.person is not None and self.admitted_at is None:
            raise needed("say admitted_at: since when the person is here")
        if self.purpose == "ETREAT" and self.reason is None:
            raise needed("say in reason why this is an emergency")
        return self


def read_asking(body: Any) -> Asking:
    """The asking that its JSON says. Raises InvalidResource with an Issue for each field that does not fit."""
    try:
        return Asking.model_validate(body)
    except ValidationError as fault:
        raise InvalidResource(issues=misfits(fault, Asking, "docs/rest.md")) from None
