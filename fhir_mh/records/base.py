"""The kinds of value a record is made of. No FHIR here: plain words, plain JSON."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from fhir_mh import ods

_DATE = r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"
_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
"""Words; never empty, never blank alone."""
Code = Annotated[str, StringConstraints(pattern=r"^\S+( \S+)*$")]
"""A code: no space at its ends, no two together."""
Uri = Annotated[str, StringConstraints(pattern=r"^\S+$")]
"""An address or identifier without spaces."""
Link = Annotated[
    str, StringConstraints(pattern=r"^([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}\S*|[A-Za-z][A-Za-z0-9+.\-]*:\S+|#\S*)$")
]
"""Where a resource is: Type/id, a URL, a urn:uuid:, or #id inside its own resource."""
Date = Annotated[str, StringConstraints(pattern=f"^{_DATE}$")]
"""A date as precise as it is known: 2026, 2026-11 or 2026-11-24. Kept as written."""
DateTime = Annotated[str, StringConstraints(pattern=f"^{_DATE}({_TIME})?$")]
"""A date, or a date and time with its zone: 2026-11-24T09:30:00Z. Kept as written."""
Instant = Annotated[str, StringConstraints(pattern=f"^{_DAY}{_TIME}$")]
"""A moment to the second, with its zone: 2026-11-24T09:30:00Z. Kept as written."""
ItemId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
OdsCode = Annotated[str, StringConstraints(pattern=f"^{ods.FORM}$")]


def new_id() -> str:
    """An id for a new item: a random UUID, minted once and carried through every format."""
    return str(uuid.uuid4())


def needed(message: str) -> PydanticCustomError:
    """The fault of an item that lacks what it needs; a part of a record that names an item held already may lack it."""
    return PydanticCustomError("needed", "{message}", {"message": message})


class Model(BaseModel):
    """Plain data. A name it does not know is refused, so that a misspelt field is never silently dropped."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Item(Model):
    """An entry of a list, with an id of its own.

    unknown: content that came with it and that this record has no field for, by the name of the mapping table
    or format it came in. It is returned to that format as it came, and a later version that does not mention
    it keeps it. numbers: what a provider's own system calls this entry, by the name of the system's format.
    """

    natural_key: ClassVar[tuple[str, ...]] = ()
    """The fields by which an entry is recognised where a format carries no ids. None: only by all that it says."""

    id: ItemId = Field(default_factory=new_id)
    numbers: dict[str, Text] = Field(default_factory=dict)
    unknown: dict[str, Any] = Field(default_factory=dict)


class Said(Item):
    """An entry that is a part of a FHIR resource: it says something besides its id (ele-1 of R4)."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        said = (getattr(self, name) for name in type(self).model_fields.keys() - {"id", "numbers"})
        if all(value in (None, [], {}) for value in said):
            raise needed("an entry says something besides its id")
        return self


class SaidBy(Model):
    """Whose words these are."""

    role: Literal["person", "carer", "family", "advocate", "attorney", "clinician", "other"]
    name: Text | None = None


def _plain_words(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


class _Words(Model):
    """A text and where it came from. A plain string is accepted for a text without more."""

    text: Text
    said_by: SaidBy | None = None
    recorded_by: Text | None = None
    recorded_at: DateTime | None = None
    language: Code | None = None
    third_party: Literal["about", "from"] | None = None
    in_confidence: bool | None = None


WORD_FIELDS = frozenset(_Words.model_fields)
"""What may be said of a text, the text included."""
Words = Annotated[_Words, BeforeValidator(_plain_words)]


class Coding(Model):
    """One code of one code system."""

    system: Uri | None = None
    version: Text | None = None
    code: Code | None = None
    display: Text | None = None
    user_selected: bool | None = None


class Concept(Model):
    """A meaning, in words, in codes, or in both."""

    text: Text | None = None
    codings: list[Coding] = Field(default_factory=list)


def _check_order(start: str, end: str) -> None:
    """FHIR compares no 2026 with 2026-11-24, and no day with a time of it. See https://hl7.org/fhirpath/#comparison"""
    known = min(len(start), len(end), len("2026-11-24"))
    if "T" in start and "T" in end:
        try:
            late = datetime.fromisoformat(start) > datetime.fromisoformat(end)
        except ValueError:  # a leap second
            return
    elif len(start) != len(end) and start[:known] == end[:known]:
        raise ValueError("start and end cannot be compared: write both as dates, or both with times")
    else:
        late = start[:known] > end[:known]
    if late:
        raise ValueError("the period ends before it starts")


class Period(Model):
    """From and until; either may be open."""

    start: DateTime | None = None
    end: DateTime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.start != self.end:
            _check_order(self.start, self.end)
        return self


class Identifier(Model):
    """A number or code that somebody gave."""

    use: Literal["usual", "official", "temp", "secondary", "old"] | None = None
    type: Concept | None = None
    system: Uri | None = None
    value: Text | None = None
    period: Period | None = None
    assigner: Text | None = None


class Ref(Model):
    """Another item, by its id where it is in this record; otherwise as the source named it."""

    id: ItemId | None = None
    type: Uri | None = None
    reference: Link | None = None
    identifier: Identifier | None = None
    display: Text | None = None


class Note(Model):
    """A remark: what, who, when."""

    text: Text
    author: Ref | None = None
    author_name: Text | None = None
    time: DateTime | None = None

    @model_validator(mode="after")
    def _one_author(self) -> Self:
        if self.author and self.author_name:
            raise ValueError("a note has one author: say who in author or in author_name")
        return self


class Telecom(Model):
    """A way to reach somebody."""

    system: Literal["phone", "fax", "email", "pager", "url", "sms", "other"] | None = None
    value: Text | None = None
    use: Literal["home", "work", "temp", "old", "mobile"] | None = None
    rank: int | None = Field(default=None, ge=1)
    period: Period | None = None

    @model_validator(mode="after")
    def _of_a_kind(self) -> Self:
        """A number or address of which nobody said what it is."""
        if self.value and not self.system:
            self.system = "other"
        return self


class Name(Model):
    """A person's name."""

    use: Literal["usual", "official", "temp", "nickname", "anonymous", "old", "maiden"] | None = None
    text: Text | None = None
    family: Text | None = None
    given: list[Text] = Field(default_factory=list)
    prefix: list[Text] = Field(default_factory=list)
    suffix: list[Text] = Field(default_factory=list)
    period: Period | None = None


class Address(Model):
    """Where somebody lives or can be written to."""

    use: Literal["home", "work", "temp", "old", "billing"] | None = None
    type: Literal["postal", "physical", "both"] | None = None
    text: Text | None = None
    lines: list[Text] = Field(default_factory=list)
    city: Text | None = None
    district: Text | None = None
    county: Text | None = None
    postcode: Text | None = None
    country: Text | None = None
    period: Period | None = None


class AgreedTerm(Item):
    """A term of a placement as it stood from one moment on: what it was, why, and who recorded it.

    Terms are only ever added; the one recorded last is in force.
    """

    natural_key = ("value", "recorded_at")

    value: Text
    recorded_at: DateTime
    reason: Words | None = None
    recorded_by: Text | None = None


class AgreedDate(AgreedTerm):
    """A term that is a date."""

    value: Date
