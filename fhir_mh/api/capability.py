"""The CapabilityStatement: what this server really does, and nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

from fhir_mh import __version__
from fhir_mh.api.types import kept_types
from fhir_mh.fhir.urls import BASE
from fhir_mh.gateway.notices import BACKPORT
from fhir_mh.gateway.topics import TOPICS

_DATE = "2026-11-26"  # of the last change to what stands here
_INTERACTIONS = ("read", "vread", "update", "history-instance", "create", "search-type")
_SEARCHES = (
    ("patient", "reference", "Patient/id or id: everything here about the same person, whoever keeps it"),
    ("identifier", "token", "system|value, |value or value; an NHS number only by POST _search"),
    ("_id", "token", "ids as the server gave them"),
    ("_lastUpdated", "date", "with eq, ge, gt, le, lt, sa or eb"),
)
_VALIDATE = "http://hl7.org/fhir/OperationDefinition/Resource-validate"
_EVERYTHING = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
_CURRENCY = f"{BASE}/OperationDefinition/currency"


def capability(fhir: str, organisation: str) -> dict[str, Any]:
    """The statement of the server at this address. See https://hl7.org/fhir/R4/capabilitystatement.html"""
    return {
        "resourceType": "CapabilityStatement",
        "instantiates": [f"{BASE}/CapabilityStatement/gateway"],
        "version": __version__,
        "name": "FhirMhGateway",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "fhir_mh", "version": __version__},
        "implementation": {"description": f"The gateway of {organisation}", "url": fhir},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "documentation": _ABOUT,
                "security": {"cors": False, "description": "Authorization: Bearer with the token of a client"},
                "resource": _resources(),
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


_ABOUT = (
    "Every write is validated against R4 and the profiles the resource claims. What another organisation keeps is not "
    "changed here: an update of it is answered 202 and becomes a proposal to that organisation. Ids are given by the "
    "server. Unknown search parameters are refused unless Prefer says handling=lenient."
)


@cache
def _resources() -> list[dict[str, Any]]:
    found = [*(_resource(kind) for kind in kept_types()), _subscription()]
    return sorted(found, key=lambda one: str(one["type"]))


def _subscription() -> dict[str, Any]:
    """Each client has its own, and the topics are told of here: R4 has no resource for one."""
    operations = f"{BACKPORT.removesuffix('StructureDefinition/')}OperationDefinition/backport-subscription-"
    return {
        "extension": [
            {"url": BACKPORT + "capabilitystatement-subscriptiontopic-canonical", "valueCanonical": url}
            for url in TOPICS
        ],
        "type": "Subscription",
        "supportedProfile": [BACKPORT + "backport-subscription"],
        "documentation": "Channel rest-hook, at endpoints that the gateway's settings allow to the client. Criteria "
        "of R4, with the search parameters of their type but _lastUpdated, or one of the topics.",
        "interaction": [{"code": code} for code in ("read", "update", "delete", "create", "search-type")],
        "versioning": "versioned-update",
        "readHistory": False,
        "updateCreate": False,
        "searchParam": [
            {"name": "_id", "type": "token"}, {"name": "status", "type": "token"}, {"name": "url", "type": "uri"},
        ],
        "operation": [{"name": name, "definition": operations + name} for name in ("status", "events")],
    }  # fmt: skip


def _resource(kind: str) -> dict[str, Any]:
    searches = _SEARCHES[1:] if kind == "Patient" else _SEARCHES
    found: dict[str, Any] = {
        "type": kind,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": False,
        "conditionalCreate": False,
        "conditionalRead": "not-match",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal"],
        "searchParam": [{"name": name, "type": form, "documentation": about} for name, form, about in searches],
    }
    found["operation"] = [{"name": "validate", "definition": _VALIDATE}]
    if kind == "Patient":
        found["operation"].append({"name": "everything", "definition": _EVERYTHING})
        found["operation"].append({"name": "currency", "definition": _CURRENCY})
    return found
