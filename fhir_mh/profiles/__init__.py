"""One module for each group of profiles: the tables that say how a record is said in FHIR, both ways."""

from __future__ import annotations

from typing import Any

from fhir_mh.errors import InvalidResource
from fhir_mh.issues import issue
from fhir_mh.profiles.bundle import identifier_of, read_bundle, write_bundle
from fhir_mh.profiles.legal import ON_ENCOUNTER, encounter_legal_status
from fhir_mh.records import CareRecord
from fhir_mh.records.trees import record_of, tree_of

__all__ = ["from_bundle", "to_bundle"]


def to_bundle(record: CareRecord, *, legal_status_on_encounters: bool = False) -> dict[str, Any]:
    """The FHIR R4 Bundle that says the record: plain dicts and lists, ready for fhir_mh.fhir.json.dumps.

    Numbers that came in with a Bundle are fhir_mh.fhir.json.Number (a Decimal that keeps how it was written);
    json.dumps refuses them rather than change them. A record that came from a Bundle gives that Bundle back,
    with every element of it. legal_status_on_encounters: each stay also says its legal status at admission and at
    discharge in UK Core's extension, for readers who look there; it takes the place of what came in with the stay.
    See https://hl7.org/fhir/R4/bundle.html
    """
    tree = tree_of(record)
    bundle = write_bundle(tree)
    if legal_status_on_encounters:
        _say_legal_status(bundle, tree)
    return bundle


def _say_legal_status(bundle: dict[str, Any], tree: dict[str, Any]) -> None:
    stays = {stay["id"]: stay for stay in tree.get("stays") or ()}
    for entry in bundle.get("entry") or ():
        resource = entry.get("resource") or {}
        stay = stays.get(identifier_of(resource) or "") if resource.get("resourceType") == "Encounter" else None
        if stay is not None:
            others = [one for one in resource.get("extension") or () if one.get("url") != ON_ENCOUNTER]
            resource["extension"] = [*others, *encounter_legal_status(tree, stay)]
            if not resource["extension"]:
                del resource["extension"]


def from_bundle(bundle: dict[str, Any]) -> CareRecord:
    """The record that a Bundle about one person says; what no field holds is kept in `unknown`.

    Raises InvalidResource, with the place: the Bundle is about two people (both named by reference) or
    nobody, or a value does not fit its field.
    """
    if bundle.get("resourceType") != "Bundle":
        raise InvalidResource(issues=[issue("map-not-a-bundle", "$")])
    tree, _ = read_bundle(bundle)
    return record_of(tree)
