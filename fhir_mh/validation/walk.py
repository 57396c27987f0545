"""One validation under way: what was found, where we are, and what references can lead to."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from fhir_mh.fhirpath.errors import execution
from fhir_mh.fhirpath.references import BundleIndex, contained
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


class Walk:
    """What a validation gathers. root is the outermost resource that `#` looks in, resource the one being checked."""

    __slots__ = ("base", "bundle", "found", "issues", "model", "resource", "root", "unchecked")

    def __init__(self, model: Any) -> None:
        self.model = model
        self.found: dict[tuple[str, str, str], Issue] = {}
        self.issues: list[tuple[Issue, Place]] = []
        self.unchecked: list[tuple[Issue, Place]] = []
        self.root: dict[str, Any] = {}
        self.resource: dict[str, Any] = {}
        self.bundle: BundleIndex | None = None
        self.base: Place | None = None

    def fail(
        self,
        code: str,
        place: Place,
        severity: Severity | None = None,
        by: str = "",
        at: Place | None = None,
        **values: Any,
    ) -> None:
        """Record one finding, once. by: the profile that asks for what is not so; none where R4 itself does.

        at: where in the text to look, where that is not the place itself but a part of it.
        """
        found = issue(code, expression(place), severity, **values)
        self._record(self.issues, replace(found, profile=by) if by else found, at or place)

    def skip(self, code: str, place: Place, **values: Any) -> None:
        """Record what could not be checked, once."""
        self._record(self.unchecked, issue(code, expression(place), **values), place)

    def _record(self, into: list[tuple[Issue, Place]], made: Issue, place: Place) -> None:
        key = (made.code, expression(place), made.message)
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
            return True, contained(self.root, reference)
        if self.bundle is not None:
            plain = reference.split("#", maxsplit=1)[0]
            return plain.startswith(("urn:uuid:", "urn:oid:")), self.bundle.find(plain)
        return False, None

    def resolve(self, reference: str) -> Node:
        """For FHIRPath's resolve(). A rule on what is not at hand cannot be checked: raises FHIRPathError."""
        found = self.local(reference)[1]
        kind = found.get("resourceType") if found else None
        if not isinstance(kind, str):
            raise execution("a reference leads outside what is at hand")
        return Node(found, kind)
