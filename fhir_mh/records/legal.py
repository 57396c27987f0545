"""Legal status over time: a part of its own, for a community treatment order or a discharge outlives a stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from fhir_mh.records.base import Date, DateTime, Item, OdsCode, Period, Ref, Text, Words
from fhir_mh.records.wishes import CAUTION

LegalKind = Literal[
    "informal", "detained", "community-treatment-order", "conditional-discharge", "guardianship", "other", "unknown"
]
Classification = Literal[
    "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "12", "13", "14", "15", "16", "17", "18", "19", "20",
    "31", "32", "35", "36", "37", "38", "98", "99",
]  # fmt: skip
"""England's codes. Wales counts otherwise: its 35 is a community treatment order, England's a guardianship."""
_NOT_DETAINED = {"01": "informal", "35": "guardianship", "36": "guardianship", "98": "other", "99": "unknown"}
DETAINED = " The person is detained: the Mental Health Act may govern the treatment."


class LegalCondition(Item):
    """A condition of a community treatment order or of a discharge."""

    natural_key = ("words.text",)

    words: Words


class LegalStatus(Item):
    """The person's status under the Mental Health Act from one day to another.

    section: as people say it, such as 3 or 37/41. classification: England's code for it; there is none for a
    community treatment order or a conditional discharge. period: when it held; expires_on: when it ends unless it is
    renewed. imposed_by: who made it. hospital: the organisation that detains or is responsible. stay: during which.
    """

    natural_key = ("kind", "section", "period.start")

    custodian: OdsCode | None = None
    kind: LegalKind
    section: Text | None = None
    classification: Classification | None = None
    status: Literal["active", "inactive", "entered-in-error"] = "active"
    period: Period | None = None
    expires_on: Date | None = None
    imposed_by: Text | None = None
    responsible_clinician: Ref | None = None
    hospital: Ref | None = None
    stay: Ref | None = None
    conditions: list[LegalCondition] = Field(default_factory=list)
    ended_because: Words | None = None
    recorded_by: Ref | None = None
    recorded_at: DateTime | None = None

    @model_validator(mode="after")
    def _is_what_its_code_says(self) -> Self:
        if self.classification and self.kind != _NOT_DETAINED.get(self.classification, "detained"):
            raise ValueError(
                f"England's code {self.classification} is not a status of kind {self.kind}: correct the one or the "
                "other (35 and 36 are guardianship; no code means a community treatment order)"
            )
        return self


def in_force(status: Mapping[str, Any], moment: str) -> bool:
    """Whether a status of a record's tree held at a moment (a date or dateTime), as far as both are known.

    One that ended on the day of the moment held on that day, and so did one that began on it.
    """
    period = status.get("period") or {}
    start, end = period.get("start", ""), period.get("end")
    return (
        status.get("status") != "entered-in-error" and not _after(start, moment) and not (end and _after(moment, end))
    )


def _after(late: str, early: str) -> bool:
    known = min(len(late), len(early), len("2026-11-24"))
    return late[:known] > early[:known]


def detained(tree: Mapping[str, Any], moment: str) -> bool:
    """Whether a record's JSON tree says that the person is detained at the moment."""
    statuses = tree.get("legal_statuses") or ()
    return any(
        one.get("kind") == "detained" and one.get("status", "active") == "active" and in_force(one, moment)
        for one in statuses
    )


@dataclass(frozen=True, slots=True)
class Caution:
    """What is said beside a recorded refusal. Never a verdict: that is come to at the bedside."""

    refusal: str
    text: str


def cautions_of(tree: Mapping[str, Any], moment: str) -> Iterator[Caution]:
    """What is said beside each recorded refusal in force of a record's JSON tree, in the record's order."""
    more = DETAINED if detained(tree, moment) else ""
    for refusal in tree.get("refusals") or ():
        if refusal.get("status", "active") == "active":
            yield Caution(refusal["id"], f"{CAUTION}.{more}")
