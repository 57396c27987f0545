"""Extensions: a url always; then what the definition behind that url says of their value and place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
            except Unresolvable as missing:
                walk.skip("validate-unchecked-profile", place, profile=missing)
            contexts = [entry for entry in facts.get("context", ()) if entry.get("type") == "element"]
            if url != _MISPLACED_BY_ALL and contexts and len(contexts) == len(facts.get("context", ())):
                self._context(contexts, owner, url, place, walk)

        return check

    def _context(self, contexts: list[dict[str, str]], owner: str, url: str, place: Place, walk: Walk) -> None:
        names = _element_paths(place[0], walk)
        kind = _root_kind(walk)
        for entry in contexts:
            expression = entry.get("expression", "")
            if not R4.known(expression.partition(".")[0]):
                return  # a type of another FHIR release: nothing can be said
            if expression in _ANYWHERE or expression == owner or R4.is_a(owner, expression):
                return
            if expression in names or (kind and any(R4.is_a(kind, expression) for name in names if name == kind)):
                return
            if "#" in expression or "[x]" in expression:
                return  # a context within a profile or a choice cannot be told from the path alone
            if "." in expression and any(name.endswith("." + expression.partition(".")[2]) for name in names):
                return
        element = next(iter(names), owner)
        walk.fail("validate-extension-context", place, url=shown(url), element=element)


def _root_kind(walk: Walk) -> str | None:
    kind = walk.resource.get("resourceType")
    return kind if isinstance(kind, str) else None


def _element_paths(place: Any, walk: Walk) -> list[str]:
    """The element a place is, as a path from its own resource: `CarePlan.activity.detail`."""
    steps: list[str] = []
    here = place
    while here is not None and here is not walk.base:
        steps.append(here[1].partition(".ofType(")[0])
        here = here[0]
    kind = _root_kind(walk)
    return [".".join([kind or "", *reversed(steps)])]
