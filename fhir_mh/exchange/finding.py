"""An asking for the plan of somebody whom nobody placed, as it travels (docs/sync-protocol.md, 'Find and pull')."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.urls import NHS_NUMBER
from fhir_mh.issues import issue
from fhir_mh.records.base import DateTime

Said = Literal["coming", "nothing", "too-many"]


@dataclass(frozen=True, slots=True)
class Status:
    """What is said to an asking.

    edition: one sent before that shows all that may be shared, if any: to whoever has stored it nothing comes.
    """

    said: Said
    edition: int | None = None


_Text = Annotated[str, Field(min_length=1, max_length=200)]


class SoughtName(BaseModel):
    """A name of who is sought."""

    model_config = ConfigDict(frozen=True)

    text: _Text | None = None
    family: _Text | None = None
    given: Annotated[tuple[_Text, ...], Field(max_length=20)] = ()


class SoughtPerson(BaseModel):
    """Who is sought: all three, so that a number that was mistyped finds nobody."""

    model_config = ConfigDict(frozen=True)

    nhs_number: Annotated[str, Field(pattern=r"^\d{10}$")]
    birth_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    names: Annotated[tuple[SoughtName, ...], Field(min_length=1, max_length=10)]

    def patient(self) -> dict[str, Any]:
        """What is said of them, as a Patient whose number nobody has verified."""
        return {
            "identifier": [{"system": NHS_NUMBER, "value": self.nhs_number}],
            "birthDate": self.birth_date,
            "name": [one.model_dump(mode="json", exclude_none=True) for one in self.names],
        }


class Sought(BaseModel):
    """One asking: by whom in its organisation, for what, on what ground. Members not known here are passed over.

    purpose: HL7 v3 PurposeOfUse. admitted_at: since when the person is with the asker. reason: words for people.
    """

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    role: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]
    purpose: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,16}$")]
    admitted_at: DateTime
    reason: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    person: SoughtPerson

    def as_json(self) -> dict[str, Any]:
        """The asking as it stands in an envelope."""
        return self.model_dump(mode="json", exclude_none=True)


def read_sought(body: Any) -> Sought | None:
    """The asking that an envelope holds; None where it holds none. Raises InvalidResource (sync-envelope)."""
    if body is None:
        return None
    try:
        return Sought.model_validate(body)
    except ValidationError as fault:
        found = [(error["loc"], error["type"]) for error in fault.errors(include_url=False, include_input=False)]
    places = [".".join(["$.find", *map(str, place)]) for place, _ in found]
    expected = [kind.replace("_", " ") for _, kind in found]
    issues = [issue("sync-envelope", at, expected=what) for at, what in zip(places, expected, strict=True)]
    raise InvalidResource(issues=issues)


def answer_to(sought: Sought, status: Status) -> dict[str, Any]:
    """What is answered to an asking."""
    edition = {} if status.edition is None else {"edition": status.edition}
    return {"id": sought.id, "status": status.said, **edition}


def read_answer(body: Any, sought: Sought) -> Status | None:
    """What a partner says to an asking; None where its gateway does not know of askings."""
    found = body.get("find") if isinstance(body, Mapping) else None
    if not isinstance(found, Mapping) or found.get("id") != sought.id:
        return None
    said = next((known for known in get_args(Said) if known == found.get("status")), None)
    edition = found.get("edition")
    return None if said is None else Status(said, edition if type(edition) is int else None)
