"""What holds a Bundle together beyond its entries: the URLs that name them, its links, and a document's references.

See https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fhir_mh.validation.bundle_requests import check_requests
from fhir_mh.validation.walk import Place, Walk, each, shown

_RESTFUL = re.compile(r"https?://.+/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")
_PAGED, _PAGING = ("searchset", "history"), ("first", "previous", "prev", "next", "last")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+")


def check(bundle: dict[str, Any], place: Place, walk: Walk) -> None:
    """Check the rules of a Bundle as a whole; what its entries hold is checked elsewhere."""
    _links(bundle, place, walk)
    if bundle.get("type") in ("transaction", "batch"):
        check_requests(bundle, place, walk)
    seen: set[tuple[str, str | None]] = set()
    for entry, here in each(bundle, "entry", place):
        resource = entry.get("resource")
        url = entry.get("fullUrl")
        if isinstance(url, str):
            _full_url(url, resource, here, walk)
        if not isinstance(resource, dict):
            continue
        if (
            bundle.get("type") == "searchset"
            and "id" not in resource
            and resource.get("resourceType") != "OperationOutcome"
        ):
            walk.fail("validate-bundle-search-id", (here, "resource", None, "resource"))
        if bundle.get("type") == "document" and isinstance(url, str):
            version = _version(resource)
            key = (url, version if isinstance(version, str) else None)
            if key in seen:
                walk.fail("validate-bundle-twice", here)
            seen.add(key)
    opening, first = next(each(bundle, "entry", place), ({}, place))
    if bundle.get("type") == "document" and first[2] == 0 and isinstance(opening.get("resource"), dict):
        _document(opening["resource"], (first, "resource", None, "resource"), walk)
        _reached(bundle, place, walk)


def _links(bundle: dict[str, Any], place: Place, walk: Walk) -> None:
    seen: set[str] = set()
    for link, here in each(bundle, "link", place):
        relation = link.get("relation")
        if isinstance(relation, str):
            if relation in seen:
                walk.fail("validate-bundle-link", here, relation=shown(relation), problem="stands twice")
            elif relation in _PAGING and bundle.get("type") not in _PAGED:
                at: Place = (here, "relation", None, "relation")
                walk.fail("validate-bundle-link", at, relation=shown(relation), problem="has no pages to turn here")
            seen.add(relation)


def _full_url(url: str, resource: Any, here: Place, walk: Walk) -> None:
    place: Place = (here, "fullUrl", None, "fullUrl")
    if not _ABSOLUTE.fullmatch(url):
        walk.fail("validate-bundle-fullurl-absolute", place)
        return
    match = _RESTFUL.fullmatch(url)
    if match is None or not isinstance(resource, dict):
        return
    kind, identifier = resource.get("resourceType"), resource.get("id", "")
    if isinstance(kind, str) and isinstance(identifier, str) and match.groups() != (kind, identifier):
        walk.fail("validate-bundle-fullurl", place, expected="the type and id of its resource")


def _document(composition: dict[str, Any], place: Place, walk: Walk) -> None:
    """What the Composition of a document refers to must be in the document."""
    for reference, here in _references(composition, place):
        found = walk.local(reference)[1] if not reference.startswith("#") else composition
        versioned = reference.partition("/_history/")[2]
        if found is None or (versioned and _version(found) not in (None, versioned)):
            walk.fail("validate-reference-unresolved", here, where=" in the Bundle", otherwise="")


def _reached(bundle: dict[str, Any], place: Place, walk: Walk) -> None:
    """What a document holds is linked to its Composition, in either direction, or is a Binary: its stylesheet may be.

    See https://hl7.org/fhir/R4/documents.html#content
    """
    entries = [(entry.get("resource"), here) for entry, here in each(bundle, "entry", place)]
    held = {here[2]: resource for resource, here in entries if isinstance(resource, dict)}
    numbers = {id(resource): index for index, resource in held.items()}
    linked: dict[int | None, set[int | None]] = {index: set() for index in held}
    for index, resource in held.items():
        for text in _texts(resource):
            other = numbers.get(id(walk.local(text)[1]))
            if other is not None:
                linked[index].add(other)
                linked[other].add(index)
    reached: set[int | None] = {0}
    waiting: list[int | None] = [0]
    while waiting:
        fresh = linked[waiting.pop()] - reached
        reached |= fresh
        waiting.extend(fresh)
    for index, resource in held.items():
        if index not in reached and resource.get("resourceType") != "Binary":
            walk.fail("validate-bundle-unreachable", (place, "entry", index, "entry"))


def _texts(held: Any) -> Iterator[str]:
    """All texts within a resource: a reference may be written as a Reference, a canonical or a uri."""
    for value in held.values() if isinstance(held, dict) else held:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            yield from _texts(value)


def _version(resource: dict[str, Any]) -> Any:
    meta = resource.get("meta")
    return meta.get("versionId") if isinstance(meta, dict) else None


def _references(held: dict[str, Any], place: Place) -> Iterator[tuple[str, Place]]:
    for name in (
        "subject",
        "encounter",
        "author",
        "attester",
        "custodian",
        "event",
        "section",
        "party",
        "detail",
        "entry",
        "focus",
    ):
        value = held.get(name)
        alone: list[tuple[dict[str, Any], Place]] = (
            [(value, (place, name, None, name))] if isinstance(value, dict) else []
        )
        for entry, here in alone or each(held, name, place):
            if isinstance(entry.get("reference"), str):
                yield entry["reference"], (here, "reference", None, "reference")
            yield from _references(entry, here)
