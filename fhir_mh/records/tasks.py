"""What is left for somebody to do about a record."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fhir_mh.records.base import DateTime, Item, Ref, Text, Words


class TaskText(Item):
    """One of the texts a task is about, and whose it is."""

    natural_key = ("label",)

    label: Text
    words: Words


class Task(Item):
    """Something for somebody to do: a conflict to settle, a review to chase."""

    natural_key = ("kind", "about")

    kind: Literal[
        "conflict", "identity", "unclear-item", "incomplete-plan", "review", "agreement", "treatment-review", "visit",
        "follow-up", "discharge-date", "placement",
    ]  # fmt: skip
    status: Literal["requested", "accepted", "in-progress", "completed", "cancelled", "rejected"] = "requested"
    about: Ref | None = None
    field: Text | None = None
    owner: Ref | None = None
    description: Text | None = None
    raised_at: DateTime | None = None
    due: DateTime | None = None
    texts: list[TaskText] = Field(default_factory=list)
