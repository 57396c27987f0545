"""One validation under way: what was found, where we are, and what references can lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fhir_mh.fhirpath.environment import MOST_STEPS, Environment
from fhir_mh.fhirpath.errors import execution
from fhir_mh.fhirpath.references import BundleIndex, all_contained
from fhir_mh.fhirpath.values import Node
from fhir_mh.issues import Issue, Severity, issue

# (the place around, what FHIRPath calls this step, its index in a list, its JSON key)
Place = tuple[Any, str, int | None, str]
Found = tuple[Issue, Place]
DEEPEST = 8  # trials within trials: whether what it leads to conforms, for which what that leads to must, and so on
MOST = 1000  # findings of one kind that are told: who has more mends what all have in common
_SHOWABLE = re.compile(r"[A-Za-z0-9_.:/#|$-]{1,120}")
_NUMBERS = re.compile(r"\d(?:[ -]?\d){7,}")  # could name a person, or tell when they were born
_LONG = re.compile(r"\d{8,}")
_KINDS = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}


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
    if isinstance(value, str) and _SHOWABLE.fullmatch(value):
        telling = _LONG if value.startswith(("http://", "https://")) else _NUMBERS  # versions may be dates
        if not telling.search(value):
            return f"'{value}'"
    if isinstance(value, str):
        return "a value not shown here"
    return _KINDS.get(type(value), "a number")


def each(value: dict[str, Any], name: str, place: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    """The objects that a member holds as a list, each with its place."""
    held = value.get(name)
    for index, entry in enumerate(held if isinstance(held, list) else ()):
        if isinstance(entry, dict):
            yield entry, (place, name, index, name)


class Walk:
    """What a validation gathers. root is the outermost resource that `#` looks in, resource the one being checked."""

    __slots__ = (
        "_contained", "_counts", "_found", "base", "bundle", "claims", "deep", "errors_only", "fitting", "ids",
        "issues", "model", "resource", "root", "spent", "steps", "tried", "unchecked",
    )  # fmt: skip

    def __init__(self, model: Any, *, claims: bool = True, errors_only: bool = False) -> None:
        """claims: whether resources are held to the profiles that they claim. errors_only: advice is not looked for."""
        self.model, self.claims, self.errors_only, self.deep = model, claims, errors_only, 0
        self._found: set[tuple[str, str, str]] = set()
        self._counts: dict[tuple[str, Any, Any], int] = {}
        self._contained: tuple[Any, dict[str, dict[str, Any]]] = (None, {})
        self.issues: list[Found] = []
        self.unchecked: list[Found] = []
        self.fitting: dict[tuple[int, str], bool] = {}  # (which value, a profile) -> whether it conforms
        self.tried: dict[tuple[int, str], Issue | None] = {}  # (which resource, a profile) -> what is wrong by it
        self.steps = [MOST_STEPS]  # that its invariants may still take
        self.spent: set[Any] = set()  # invariants that took too many, and are not asked again
        self.ids: dict[tuple[int, str], str] = {}  # (which resource, an element's id) -> where
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
        """Record one finding, once; of one kind no more than MOST. A value may be a function, asked only if it is told.

        Of a kind are findings of one code, severity and, where there is one, key. by: the profile that asks for what is
        not so; none where R4 itself does. at: where in the text to look, where that is but a part of the place.
        """
        self._record(self.issues, code, place, severity, values, by, at)

    def skip(self, code: str, place: Place, **values: Any) -> None:
        """Record what could not be checked, as fail does."""
        self._record(self.unchecked, code, place, None, values)

    def _record(
        self,
        into: list[Found],
        code: str,
        place: Place,
        severity: Severity | None,
        values: dict[str, Any],
        by: str = "",
        at: Place | None = None,
    ) -> None:
        kind = (code, severity, values.get("key"))
        count = self._counts.get(kind, 0)
        if count > MOST:
            return
        said = {name: value() if callable(value) else value for name, value in values.items()}
        made = issue(code, expression(place), severity, **said)
        key = (code, expression(at) if at else made.path, made.message)
        if key in self._found:
            return
        self._counts[kind] = count + 1
        if count == MOST:
            made = issue("validate-more-found", made.path, made.severity, code=code, most=MOST)
        else:
            self._found.add(key)
        into.append((made.demanded_by(by) if by else made, at or place))

    def apart(self) -> Walk:
        """A walk over the same surroundings whose findings are its own: to try whether something conforms."""
        other = Walk(self.model, errors_only=self.errors_only)
        other.root, other.resource, other.bundle, other.base = self.root, self.resource, self.bundle, self.base
        other._contained, other.tried, other.fitting = self._contained, self.tried, self.fitting
        other.steps, other.spent = self.steps, self.spent
        other.deep = self.deep + 1
        return other

    def local(self, reference: str) -> tuple[bool, dict[str, Any] | None]:
        """(whether the reference must lead somewhere in this document, what it leads to)."""
        if reference.startswith("#"):
            if reference == "#":
                return True, self.root
            return True, self._by_id().get(reference[1:])
        if self.bundle is not None:
            plain = reference.split("#", maxsplit=1)[0]
            return plain.startswith(("urn:uuid:", "urn:oid:")), self.bundle.find(plain)
        return False, None

    def _by_id(self) -> dict[str, dict[str, Any]]:
        """What the root contains; the first where an id stands twice."""
        if self._contained[0] is not self.root:
            found: dict[str, dict[str, Any]] = {}
            for resource in all_contained(self.root):
                if isinstance(resource.get("id"), str):
                    found.setdefault(resource["id"], resource)
            self._contained = self.root, found
        return self._contained[1]

    def surroundings(
        self, context: Node, *, variables: Mapping[str, Any] | None = None, steps: int | None = None
    ) -> Environment:
        """What an expression on an element of the resource being checked can see; see Environment."""
        resource = Node(self.resource, str(self.resource.get("resourceType")))
        root = Node(self.root, str(self.root.get("resourceType")))
        return Environment(
            self.model, context, resource=resource, root=root, resolve=self.resolve, variables=variables, steps=steps
        )

    def resolve(self, reference: str) -> Node:
        """For FHIRPath's resolve(). A rule on what is not at hand cannot be checked: raises FHIRPathError."""
        found = self.local(reference)[1]
        kind = found.get("resourceType") if found else None
        if not isinstance(kind, str):
            raise execution("a reference leads outside what is at hand")
        return Node(found, kind)
