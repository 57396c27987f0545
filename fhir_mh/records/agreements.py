"""Who agreed to which version of a plan, and who holds a copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from fhir_mh.records.base import Concept, DateTime, Instant, Item, Model, Ref, Words


class Signature(Model):
    """A signature under an agreement: when, and whose."""

    signed_at: Instant
    signed_by: Ref


class Agreement(Item):
    """What one party said to one version of a plan.

    It stays with the version named: once the plan is at a later one, what was agreed is older than the plan
    (`standing_of`).
    """

    natural_key = ("plan", "plan_version", "party")

    plan: Ref
    plan_version: int | None = Field(default=None, ge=1)
    party: Literal["person", "carer", "family", "advocate", "clinician", "other"]
    who: Ref
    decision: Literal["agreed", "partly", "declined", "unable"]
    recorded_at: DateTime
    reason: Words | None = None
    signature: Signature | None = None


class CopyGiven(Item):
    """To whom a copy of the plan was given, or who declined it and why. plan_version: which version they hold."""

    natural_key = ("plan", "recipients")

    plan: Ref
    plan_version: int | None = Field(default=None, ge=1)
    status: Literal["completed", "not-done", "in-progress", "preparation", "entered-in-error", "unknown"]
    recipients: list[Ref] = Field(default_factory=list)
    given: DateTime | None = None
    forms: list[Concept] = Field(default_factory=list)
    reason: Concept | None = None


@dataclass(frozen=True, slots=True)
class AgreementStanding:
    """Whether what one party said was said to the plan as it is now.

    current: None where either version is not known. plan_version: the version the plan is at now.
    """

    agreement: str
    plan: str
    agreed_version: int | None
    plan_version: int | None

    @property
    def current(self) -> bool | None:
        if self.agreed_version is None or self.plan_version is None:
            return None
        return self.agreed_version >= self.plan_version


def standing_of(tree: dict[str, Any]) -> Iterator[AgreementStanding]:
    """How each agreement of a record's JSON tree stands to its plan, in the record's order.

    Nothing is stored for it: a merge, or any other change, raises the plan's version and so leaves every
    agreement before it older than the plan. An agreement about a plan that is not here is passed over.
    """
    plans = {plan["id"]: plan for name in ("care_plans", "crisis_plans") for plan in tree.get(name) or ()}
    for agreement in tree.get("agreements") or ():
        plan = plans.get((agreement.get("plan") or {}).get("id", ""))
        if plan is not None:
            yield AgreementStanding(agreement["id"], plan["id"], agreement.get("plan_version"), plan.get("version"))
