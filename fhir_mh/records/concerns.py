"""A safety concern, raised by the person, a carer or an advocate. It is no part of a CareRecord."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fhir_mh.records.base import DateTime, Item, OdsCode, Telecom, Text, Words


class Reply(Item):
    """What was answered to a concern: the words, when, and who says so."""

    natural_key = ("words.text", "at")

    words: Words
    at: DateTime | None = None
    by: Text | None = None


class SafetyConcern(Item):
    """A concern about the safety of care at one organisation, for another one to look into.

    about: the organisation complained of. owner: the organisation that sees to it, which is never the one
    complained of. raised_by and contact are left out by who wants to remain unknown. Nothing here says whose care it
    is: where the words name somebody, they do so in words alone.
    """

    natural_key = ("words.text", "raised_at")

    status: Literal["requested", "accepted", "in-progress", "completed", "rejected", "entered-in-error"] = "requested"
    about: OdsCode
    place: Text | None = None
    words: Words
    raised_as: Literal["person", "carer", "family", "advocate", "other"]
    raised_by: Text | None = None
    contact: Telecom | None = None
    raised_at: DateTime | None = None
    owner: OdsCode | None = None
    due: DateTime | None = None
    replies: list[Reply] = Field(default_factory=list)
