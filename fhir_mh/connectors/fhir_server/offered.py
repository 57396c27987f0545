"""What a server says that it can do, as far as it is read: its CapabilityStatement may be anything."""

from __future__ import annotations

from fhir_mh.connectors.fhir_server.naming import Body
from fhir_mh.fhir.parts import objects_in
from fhir_mh.profiles.bundle import TABLES

KINDS = frozenset(table.kind for table in TABLES) - {
    "Organization", "PractitionerRole", "HealthcareService",
}  # fmt: skip
"""The types that are asked for: those that a record is made of. Who provides what is read where a record names it."""


def offers(capability: Body) -> dict[str, frozenset[str]]:
    """type -> what a server says that it can do with it, of those that it can search."""
    found: dict[str, frozenset[str]] = {}
    for rest in objects_in(capability.get("rest")):
        for resource in objects_in(rest.get("resource")):
            codes = frozenset(str(one.get("code")) for one in objects_in(resource.get("interaction")))
            if isinstance(resource.get("type"), str) and "search-type" in codes:
                found[resource["type"]] = codes
    return found


def takes_subscriptions(capability: Body) -> bool:
    """Whether a server says that Subscriptions can be made on it."""
    listed = [one for rest in objects_in(capability.get("rest")) for one in objects_in(rest.get("resource"))]
    codes = [code for one in listed if one.get("type") == "Subscription" for code in objects_in(one.get("interaction"))]
    return any(code.get("code") == "create" for code in codes)
