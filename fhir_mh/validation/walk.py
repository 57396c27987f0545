"""One validation under way: what was found, where we are, and what references can lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fhir_mh.fhirpath.values import Node
from fhir_mh.issues import Issue, Severity, issue

# (the place around, what FHIRPath calls this step, its index in a list, its JSON key)
Place = tuple[Any, str, int | None, str]
_SHOWABLE = re.compile(r"[A-Za-z0-9_.:/#|$-]{1,120}")
_NUMBERS = re.compile(r"\d{8,}")


def expression(place: Place) -> str:
    """A place as a FHIRPath expression: `Bundle.entry[2].resource.status`."""
    steps = []
    here: Any = place
    while here is not None:
        around, label, index, _ = here
        steps.append(label if index is None else f"{label}[{index}]")
        here = around
    return ".".join(reversed(steps))


def keys(place: Place) -> list[str | int]:
    """A place as the JSON keys and indexes that lead to it."""
    steps: list[str | int] = []
    here: Any = place
    while here is not None:
        around, _, index, key = here
        if around is not None:
            steps.extend([key] if index is None else [index, key])
        here = around
    return steps[::-1]


def shown(value: Any) -> str:
    """A code, name or URL as messages may show it. Free text, and digits that could name a person, are not shown."""
    if isinstance(value, str) and _SHOWABLE.fullmatch(value) and not _NUMBERS.search(value.replace(" ", "")):
        return f"'{value}'"
    return "a value not shown here" if isinstance(value, str) else f"a {type(value).__name__}"


class BundleIndex:
    """The entries of one Bundle by full URL and by Type/id."""

    def __init__(self, bundle: dict[str, Any]) -> None:
        self.kind = bundle.get("type")
        self.by_url: dict[str, dict[str, Any]] = {}
        self.by_id: dict[str, dict[str, Any]] = {}
        for entry in _entries(bundle):
            resource, url = entry.get("resource"), entry.get("fullUrl")
            if not isinstance(resource, dict):
                continue
            if isinstance(url, str):
                self.by_url.setdefault(url, resource)
            if isinstance(resource.get("resourceType"), str) and isinstance(resource.get("id"), str):
                name = f"{resource['resourceType']}/{resource['id']}"
                self.by_id.setdefault(name, resource)
                meta = resource.get("meta")
                if isinstance(meta, dict) and isinstance(meta.get("versionId"), str):
                    self.by_id.setdefault(f"{name}/_history/{meta['versionId']}", resource)


def _entries(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    held = bundle.get("entry")
    for entry in held if isinstance(held, list) else ():
        if isinstance(entry, dict):
            yield entry


class Walk:
    """What a validation gathers. root is the outermost resource that `#` looks in, resource the one being checked."""

    __slots__ = ("base", "bundle", "found", "ids", "issues", "model", "resource", "root", "unchecked")

    def __init__(self, model: Any) -> None:
        self.model = model
        self.found: dict[tuple[str, str, str], Issue] = {}
        self.issues: list[tuple[Issue, Place]] = []
        self.unchecked: list[tuple[Issue, Place]] = []
        self.ids: dict[tuple[int, str], str] = {}  # (which resource, an element's id) -> where
        self.root: dict[str, Any] = {}
        self.resource: dict[str, Any] = {}
        self.bundle: BundleIndex | None = None
        self.base: Place | None = None

    def fail(self, code: str, place: Place, severity: Severity | None = None, **values: Any) -> None:
        """Record one finding, once."""
        self._record(self.issues, issue(code, expression(place), severity, **values), place)

    def skip(self, code: str, place: Place, **values: Any) -> None:
        """Record what could not be checked, once."""
        self._record(self.unchecked, issue(code, expression(place), **values), place)

    def _record(self, into: list[tuple[Issue, Place]], made: Issue, place: Place) -> None:
        key = (made.code, made.path, made.message)
        if key not in self.found:
            self.found[key] = made
            into.append((made, place))

    def apart(self) -> Walk:
        """A walk over the same surroundings whose findings are its own: to try whether something conforms."""
        other = Walk(self.model)
        other.root, other.resource, other.bundle, other.base = self.root, self.resource, self.bundle, self.base
        return other

    def local(self, reference: str) -> tuple[bool, dict[str, Any] | None]:
        """(whether the reference must lead somewhere in this document, what it leads to)."""
        if reference.startswith("#"):
            if reference == "#":
                return True, self.root
            held = self.root.get("contained")
            for resource in held if isinstance(held, list) else ():
                if isinstance(resource, dict) and resource.get("id") == reference[1:]:
                    return True, resource
            return True, None
        if self.bundle is not None:
            plain = reference.split("#", maxsplit=1)[0]
            latest = plain.split("/_history/")[0]
            held = self.bundle.by_id
            found = held.get(plain) or self.bundle.by_url.get(plain) or held.get("/".join(latest.split("/")[-2:]))
            return plain.startswith(("urn:uuid:", "urn:oid:")), found
        return False, None

    def resolve(self, reference: str) -> Node | None:
        """For FHIRPath's resolve(): a Node, or None where the reference leads outside."""
        found = self.local(reference)[1]
        kind = found.get("resourceType") if found else None
        return Node(found, kind) if isinstance(kind, str) else None
