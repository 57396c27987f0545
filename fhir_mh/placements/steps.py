"""What is told of a step: its facts, who recorded it, and why. Read from plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, ValidationError, model_validator

from fhir_mh.errors import InvalidResource
from fhir_mh.records.base import Concept, Date, DateTime, Model, OdsCode, Period, Text, Words, needed
from fhir_mh.records.misfits import misfits
from fhir_mh.records.placements import level_named

OutOfAreaReason = Literal[
    "bed-unavailable", "safeguarding", "offending", "staff-or-family-at-referrer", "choice", "unknown"
]
Outcome = Literal["discharged", "transferred", "cancelled"]


class Step(Model):
    """One thing that is recorded of a placement. by: who recorded it, in words."""

    step: ClassVar[str]

    by: Text


class _Because(Step):
    """A step that says why."""

    reason: Words


class _Agreed(Model):
    """The terms that who places agrees. Those that are left out stay as they are."""

    level: Annotated[Literal["1", "2"], BeforeValidator(level_named)] | None = None
    placing_commissioner: OdsCode | None = None
    host_commissioner: OdsCode | None = None
    out_of_area_reason: OutOfAreaReason | None = None
    purposes: list[Concept] | None = None
    interventions: list[Concept] | None = None


class _Kept(Model):
    """The terms that who admits keeps. Those that are left out stay as they are."""

    estimated_discharge: Date | None = None
    length_of_stay: Text | None = None
    ward: Text | None = None


class Open(_Agreed, Step):
    """The home team plans a placement with a provider."""

    step = "open"

    provider: OdsCode
    planned: Period | None = None


class Claim(_Kept, _Because):
    """A provider has admitted the person without a placement, and says so. home_team: whose confirmation it asks."""

    step = "claim"

    admitted_at: DateTime
    home_team: OdsCode | None = None
    purposes: list[Concept] | None = None


class Confirm(_Agreed, _Because):
    """The home team makes a claim its own placement: from now on the provider is one of those who care."""

    step = "confirm"


class Decline(_Because):
    """The home team does not place the person there."""

    step = "decline"


class Admit(_Kept, Step):
    """The person has come, as it was planned."""

    step = "admit"

    admitted_at: DateTime


class Change(_Agreed, _Kept, _Because):
    """Other terms from now on."""

    step = "change"


class Transfer(_Agreed, _Because):
    """To another provider: the placement ends and another begins. Or to another ward of the same one."""

    step = "transfer"

    provider: OdsCode | None = None
    ward: Text | None = None
    at: DateTime | None = None

    @model_validator(mode="after")
    def _to_one_place(self) -> Self:
        if (self.provider is None) == (self.ward is None):
            raise needed("say either provider, for another organisation, or ward, for another ward of this one")
        return self


class Leave(Step):
    """The person goes on leave."""

    step = "leave"

    kind: Literal["escorted", "accompanied", "unescorted", "other"]
    period: Period
    conditions: Words | None = None


class Return(Step):
    """The person is back from leave."""

    step = "return"

    returned_at: DateTime


class Delay(_Because):
    """The discharge is delayed; or, with until, a delay told before is over."""

    step = "delay"

    since: Date
    until: Date | None = None


class End(_Because):
    """The person has left, or does not come. at: when."""

    step = "end"

    outcome: Outcome
    at: DateTime
    discharged_to: Concept | None = None


class Reopen(_Because):
    """What was ended goes on: it was ended by mistake, or the person came back."""

    step = "reopen"


STEPS: dict[str, type[Step]] = {
    found.step: found
    for found in (Open, Claim, Confirm, Decline, Admit, Change, Transfer, Leave, Return, Delay, End, Reopen)
}


def read_step(name: str, told: Mapping[str, Any]) -> Step:
    """The step of this name (a key of STEPS) with the facts that are told of it.

    Raises InvalidResource with an Issue for each fact that does not fit, at its place in what was told.
    """
    try:
        return STEPS[name].model_validate(told)
    except ValidationError as fault:
        raise InvalidResource(issues=misfits(fault, STEPS[name], "docs/placements.md")) from None
