"""What a reference leads to within one document: contained resources, and the entries of a Bundle.

See https://hl7.org/fhir/R4/references.html and https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class BundleIndex:
    """The entries of one Bundle by full URL and by Type/id."""

    def __init__(self, bundle: dict[str, Any]) -> None:
        self.kind = bundle.get("type")
        self.by_url: dict[str, dict[str, Any]] = {}
        self.by_id: dict[str, dict[str, Any]] = {}
        self.by_place: list[dict[str, Any]] = []
        for entry in _entries(bundle):
            resource, url = entry.get("resource"), entry.get("fullUrl")
            if not isinstance(resource, dict):
                continue
            self.by_place.append(resource)
            if isinstance(url, str):
                self.by_url.setdefault(url, resource)
            if isinstance(resource.get("resourceType"), str) and isinstance(resource.get("id"), str):
                name = f"{resource['resourceType']}/{resource['id']}"
                self.by_id.setdefault(name, resource)
                meta = resource.get("meta")
                if isinstance(meta, dict) and isinstance(meta.get("versionId"), str):
                    self.by_id.setdefault(f"{name}/_history/{meta['versionId']}", resource)

    def find(self, reference: str) -> dict[str, Any] | None:
        """The resource of the entry that a reference (without a fragment) names, by full URL or Type/id."""
        latest = reference.split("/_history/", maxsplit=1)[0]
        return (
            self.by_id.get(reference) or self.by_url.get(reference) or self.by_id.get("/".join(latest.split("/")[-2:]))
        )


def _entries(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    held = bundle.get("entry")
    for entry in held if isinstance(held, list) else ():
        if isinstance(entry, dict):
            yield entry


def all_contained(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources that a resource contains."""
    held = root.get("contained")
    for resource in held if isinstance(held, list) else ():
        if isinstance(resource, dict):
            yield resource
