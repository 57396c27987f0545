"""Policies as data: versioned files that ship with the product, each with its source and when it is in force."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from fhir_mh import shipped

Asks = Literal["care-and-treatment-plan", "nominated-person-consulted", "help-with-choice-document"]


class Source(BaseModel):
    """Where a policy comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    address: str | None = None


class PolicyFile(BaseModel):
    """One policy. in_force_from: a day, or None while it is not known. enabled: without being named in the settings.

    asks: what a law asks of a record; None for a policy that decides. values: what it counts with.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    version: str
    title: str
    source: Source
    in_force_from: str | None = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    enabled: bool
    asks: Asks | None = None
    values: dict[str, Any]

    def is_on(self, moment: str, named: Collection[str] = ()) -> bool:
        """Whether it counts at a moment (a date or an instant): in force by then, and enabled here or in itself."""
        in_force = self.in_force_from is not None and self.in_force_from <= moment[:10]
        return in_force and (self.enabled or self.id in named)


@cache
def shipped_policies() -> tuple[PolicyFile, ...]:
    """The policies that ship, by id. Raises pydantic.ValidationError for a file that is none: the build is broken."""
    files = sorted(shipped.path("policies").glob("*.yaml"))
    return tuple(PolicyFile.model_validate(yaml.safe_load(file.read_text("utf-8"))) for file in files)


def laws() -> tuple[PolicyFile, ...]:
    """Those of the policies that ask something of a record."""
    return tuple(policy for policy in shipped_policies() if policy.asks is not None)
