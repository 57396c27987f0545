"""What somebody decides between two texts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ValidationError

from fhir_mh.errors import InvalidResource
from fhir_mh.records.base import ItemId, Model, Ref, Text
from fhir_mh.records.misfits import misfits

DESCRIBED = "docs/rest.md"
"""Where it stands what a decision holds."""


class ConflictDecision(Model):
    """How one conflict is settled.

    decision: accept (their text), keep (ours), write (a third one), add (theirs is an entry of its own), directive (the
    person has since recorded a new one that answers this). by: who decides, by id where the record knows the
    professional, else by `display`. text: for write, what the row is to say; null empties it. item: for accept, where
    it was not clear which entry is meant, its id. directive: the new one's id. asked_person: that the person was
    asked, where the decision is the person's own. instead_of: where the row has changed since the conflict arose,
    what it says now, so that nothing is written over that nobody has seen. In it and in `text`, as in
    a record, a text may be a plain string.
    """

    decision: Literal["accept", "keep", "write", "add", "directive"]
    by: Ref
    why: Text | None = None
    text: Any = None
    item: ItemId | None = None
    directive: ItemId | None = None
    asked_person: bool | None = None
    instead_of: Any = None


def read_decision(body: Any) -> ConflictDecision:
    """The decision that its JSON says. Raises InvalidResource with an Issue for each field that does not fit."""
    try:
        return ConflictDecision.model_validate(body)
    except ValidationError as fault:
        raise InvalidResource(issues=misfits(fault, ConflictDecision, DESCRIBED)) from None
