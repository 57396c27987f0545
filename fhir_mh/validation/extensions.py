"""Extensions: a url always; then what the definition behind that url says of their value and place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_mh.fhirpath import FhirPathError, Node, compile_expression
from fhir_mh.packages.model import R4
from fhir_mh.validation.fields import Item
from fhir_mh.validation.shapes import Unresolvable
from fhir_mh.validation.walk import Place, Walk, shown

if TYPE_CHECKING:
    from fhir_mh.validation.checkers import Checkers

# Its definition says ElementDefinition.type.code; every publisher puts it on type, and HL7's own tools expect it there.
_MISPLACED_BY_ALL = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
_ANYWHERE = {"Element", "Resource", "DomainResource", "*"}


class Extensions:
    """Checks extensions against their definitions, each looked up once."""

    def __init__(self, checkers: Checkers) -> None:
        self._checkers = checkers
        self._parts: dict[str, frozenset[str]] = {}

    def item(self, owner: str, narrowed: Item | None = None) -> Item:
        """The check of one extension on an element of type owner; narrowed replaces the plain type's check."""
        base = narrowed or self._checkers.type("Extension")
        definitions = self._checkers.definitions

        def check(value: Any, place: Place, walk: Walk) -> None:
            base(value, place, walk)
            url = value.get("url")
            if type(url) is not str or ":" not in url:
                return
            facts = definitions.structure(url)
            if facts is None or facts.get("type") != "Extension":
                walk.skip("validate-unchecked-extension", place, url=shown(url))
                return
            try:
                self._checkers.profile(url)(value, place, walk)
                self._named_parts(url, value, place, walk)
            except Unresolvable as missing:
                walk.skip("validate-unchecked-profile", place, profile=missing)
            if url != _MISPLACED_BY_ALL and facts.get("context"):
                _placed(facts["context"], owner, url, place, walk)

        return check

    def _named_parts(self, url: str, value: dict[str, Any], place: Place, walk: Walk) -> None:
        """Each part with a short name must be one that the definition names. Raises Unresolvable."""
        held = value.get("extension")
        if not isinstance(held, list):
            return
        if url not in self._parts:
            self._parts[url] = self._defined_parts(url)
        known = self._parts[url]
        for index, part in enumerate(held):
            name = part.get("url") if isinstance(part, dict) else None
            if known and isinstance(name, str) and ":" not in name and name not in known:
                here = (place, "extension", index, "extension")
                names = ", ".join(sorted(known))
                walk.fail("validate-extension-part", here, name=shown(name), url=shown(url), known=names)

    def _defined_parts(self, url: str) -> frozenset[str]:
        """The names of all parts of an extension; none where one of them is not named by a fixed url."""
        shapes = self._checkers.shapes
        parts = shapes.children(shapes.of_profile(url).copy())["extension"]
        slices = [held for slicing in parts.slicings for held in slicing.slices.values()]
        named = [shapes.children(held)["url"].fixed for held in slices]
        return frozenset(str(fixed[0]) for fixed in named) if all(named) else frozenset()


def _placed(contexts: list[dict[str, str]], owner: str, url: str, place: Place, walk: Walk) -> None:
    """The check that an extension stands where one of its contexts allows it.

    See https://hl7.org/fhir/R4/defining-extensions.html#context
    """
    said = [(entry, _allows(entry, owner, place, walk)) for entry in contexts]
    if any(allowed for _, allowed in said):
        return
    unsure = next((entry for entry, allowed in said if allowed is None), None)
    if unsure is not None:
        walk.skip("validate-unchecked-context", place, url=shown(url), context=shown(unsure.get("expression")))
    else:
        walk.fail("validate-extension-context", place, url=shown(url), element=_element_path(place[0], walk) or owner)


def _allows(entry: dict[str, str], owner: str, place: Place, walk: Walk) -> bool | None:
    """Whether one context allows an extension at a place; None where that cannot be told."""
    kind, expression = entry.get("type"), entry.get("expression", "")
    if kind == "element":
        return _is_element(expression, owner, place, walk)
    around = _value_at(place[0], walk)
    if not isinstance(around, dict):
        return None
    if kind == "extension":
        return None if "#" in expression else around.get("url") == expression
    return _is_selected(expression, around, walk) if kind == "fhirpath" else None


def _is_element(expression: str, owner: str, place: Place, walk: Walk) -> bool | None:
    if expression in _ANYWHERE:
        return True
    first, _, rest = expression.partition(".")
    if not R4.known(first) or "#" in expression or "[x]" in expression:
        return None  # a type of another FHIR release, an element of a profile, a form of a choice
    if expression == owner or R4.is_a(owner, expression):
        return True
    path = _element_path(place[0], walk)
    if expression == path or (path == _root_kind(walk) and R4.is_a(path, expression)):
        return True
    return bool(rest) and path.endswith("." + rest)


def _is_selected(expression: str, around: dict[str, Any], walk: Walk) -> bool | None:
    """Whether an expression on the resource selects the element around the extension; None where it fails."""
    node, root = Node(walk.resource, _root_kind(walk)), Node(walk.root, str(walk.root.get("resourceType")))
    try:
        found = compile_expression(expression).evaluate(node, walk.model, root=root, resolve=walk.resolve)
    except FhirPathError:
        return None
    return any(isinstance(held, Node) and (held.value is around or held.sibling is around) for held in found)


def _value_at(place: Any, walk: Walk) -> Any:
    """What stands at a place of the resource being checked; None where the place is outside it."""
    held: Any = walk.resource
    for _, index, key in _steps(place, walk):
        held = held.get(key) if isinstance(held, dict) else None
        if index is not None:
            held = held[index] if isinstance(held, list) and index < len(held) else None
    return held


def _element_path(place: Any, walk: Walk) -> str:
    """The element a place is, as a path from its own resource: `CarePlan.activity.detail`."""
    return ".".join([_root_kind(walk), *(label.partition(".ofType(")[0] for label, _, _ in _steps(place, walk))])


def _steps(place: Any, walk: Walk) -> list[tuple[str, int | None, str]]:
    """(label, index, key) of each step from the resource being checked to a place in it."""
    steps: list[tuple[str, int | None, str]] = []
    here = place
    while here is not None and here is not walk.base:
        steps.append(here[1:])
        here = here[0]
    return steps[::-1]


def _root_kind(walk: Walk) -> str:
    kind = walk.resource.get("resourceType")
    return kind if isinstance(kind, str) else ""
