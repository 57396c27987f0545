"""The resource types of R4, and which of them are kept here."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from fhir_mh.api.faults import Refused
from fhir_mh.issues import issue
from fhir_mh.packages.base import base_facts

NOT_KEPT = frozenset({"Bundle", "Parameters", "OperationOutcome", "Binary", "CapabilityStatement", "Subscription"})
"""What travels but is not kept as itself, or, as a Subscription, in another way. Binary has no JSON over REST."""


@cache
def resource_types() -> frozenset[str]:
    """Every resource type of R4, without the abstract ones."""
    facts = base_facts("types").values()
    return frozenset(
        str(entry["type"]) for entry in facts if entry.get("kind") == "resource" and not entry.get("abstract")
    )


@cache
def kept_types() -> frozenset[str]:
    """The resource types this server stores."""
    return resource_types() - NOT_KEPT


def known_type(name: str) -> str:
    """The type in an address. Raises Refused(404) for one that R4 does not have or that is not kept here."""
    if name in kept_types():
        return name
    if name in NOT_KEPT:
        raise Refused(404, issue("rest-type-not-kept", "", type=name))
    near = get_close_matches(name, sorted(kept_types()), n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    raise Refused(404, issue("rest-unknown-type", "", type="This", guess=guess))
