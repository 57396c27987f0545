"""The sections of a record: the units in which it is shared or withheld. The one list that all rooms use."""

from __future__ import annotations

from typing import Literal, get_args

SectionName = Literal[
    "demographics", "contacts", "support-needs", "care-plan", "crisis-plan", "advance-wishes", "legal-status",
    "placement", "sharing", "tasks",
]  # fmt: skip
SECTIONS: tuple[str, ...] = get_args(SectionName)
