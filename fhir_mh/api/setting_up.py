"""From settings to a gateway that is ready: its store opened, its rules compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_mh.clock import Clock
from fhir_mh.consent import shipped_policies
from fhir_mh.errors import ConfigurationError
from fhir_mh.gateway import Gateway, Organisation
from fhir_mh.gateway.writing import Check
from fhir_mh.issues import Issue, issue
from fhir_mh.settings import Settings
from fhir_mh.store import Store, open_store
from fhir_mh.validation import Validator


def build_gateway(
    settings: Settings,
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    validator: Validator | None = None,
) -> Gateway:
    """The gateway that these settings describe; whoever asked for it closes gateway.store.

    validator: one that is at hand; several gateways of one process may share it.

    Raises ConfigurationError for a policy that nobody knows, and what open_store raises where it cannot open the store.
    """
    known = {policy.id for policy in shipped_policies() if not policy.enabled}
    unknown = [f"policies[{index}]" for index, name in enumerate(settings.policies) if name not in known]
    if unknown:
        hint = f"Name one of {', '.join(sorted(known))}."
        problem = "no policy has this name"
        raise ConfigurationError(issues=[issue("config-invalid", at, problem=problem, hint=hint) for at in unknown])
    opened = store or open_store(settings.store.get_secret_value(), clock=clock)
    partners = {partner.ods: partner.name for partner in settings.partners}
    check = checking(validator or Validator())
    return Gateway(
        opened, Organisation(settings.ods, settings.name, partners, settings.policies), check, clock, settings.policies
    )


def checking(validator: Validator) -> Check:
    """What the gateway asks of every resource before it is stored: R4, and the profiles the resource claims."""

    def check(body: dict[str, Any], *, errors_only: bool = False) -> Sequence[Issue]:
        return validator.validate(body, errors_only=errors_only).issues

    return check
