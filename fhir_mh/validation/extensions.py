"""Extensions: a url always; then what the definition behind that url says of their value and place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fhir_mh import fhirpath
from fhir_mh.fhirpath import FHIRPathError, Node
from fhir_mh.fhirpath.errors import execution
from fhir_mh.fhirpath.values import truth
from fhir_mh.packages.model import R4
from fhir_mh.packages.versions import parted
from fhir_mh.validation.compiler import Compiler
from fhir_mh.validation.fields import Item
from fhir_mh.validation.shapes import Unresolvable
from fhir_mh.validation.walk import Place, Walk, shown

# R4's own definitions carry these where their contexts do not allow it, and so do everybody's.
_MISPLACED_BY_ALL = {
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-normative-version",
    "http://hl7.org/fhir/StructureDefinition/regex",
}
_NONE: Mapping[str, str] = {}
_ANYWHERE = {"Element", "Resource", "DomainResource", "*"}


class _Known(NamedTuple):
    """A definition ready for use.

    parts: the names of its parts. allowed: types on which it may stand anywhere. others: canonicals that it names, and
    the versions that served instead. rules: what must hold of the element that has it. modifier: whether it changes
    the meaning of that element.
    """

    item: Item
    parts: frozenset[str]
    contexts: list[dict[str, str]]
    allowed: set[str]
    others: dict[str, str]
    rules: list[str]
    modifier: bool


class Extensions:
    """Checks extensions against their definitions, each looked up once."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._known: dict[str, _Known] = {}

    def item(self, owner: str, narrowed: Item | None = None, versions: Mapping[str, str] = _NONE) -> Item:
        """The check of one extension on an element of type owner.

        narrowed: what a profile says of it there. versions: url -> the canonical by which a profile means a version.
        """
        base = self._compiler.type("Extension")
        held = self._known

        def check(value: Any, place: Place, walk: Walk) -> None:
            if narrowed is not None:
                narrowed(value, place, walk)
            url = value.get("url")
            meant = versions.get(url, url) if type(url) is str else None
            if owner != "Extension" and type(url) is str and url and ":" not in url:
                rule = "must be absolute where it names an extension: only parts of one have short names"
                walk.fail("validate-primitive", (place, "url", None, "url"), type="uri", rule=rule)
            known = held.get(meant) or self._find(meant, place, walk) if meant is not None and ":" in meant else None
            if known is None:
                base(value, place, walk)
                return
            try:
                known.item(value, place, walk)
            except Unresolvable as missing:
                base(value, place, walk)
                walk.skip(missing.code, place, **missing.told)
            if known.parts and "extension" in value:
                _named_parts(known.parts, url, value, place, walk)
            for asked, served in known.others.items():
                walk.skip("validate-unchecked-version", place, asked=shown(asked), served=shown(served))
            if known.contexts and owner not in known.allowed:
                _placed(known, owner, url, place, walk)
            if known.rules:
                _ruled(known, owner, url, place, walk)
            if known.modifier is not (place[1] == "modifierExtension"):
                right = "modifierExtension" if known.modifier else "extension"
                walk.fail("validate-extension-modifier", place, None, url, url=shown(url), right=right)

        return check

    def _find(self, url: str, place: Place, walk: Walk) -> _Known | None:
        """The definition behind a url; None where it is not at hand or cannot be used, which is recorded."""
        definitions = self._compiler.definitions
        facts = definitions.structure(url)
        if facts is None or facts.get("type") != "Extension":
            walk.skip("validate-unchecked-extension", place, url=shown(url))
            return None
        settled = definitions.settled(url)
        try:
            known = self._known.get(settled) or self._made(settled, facts)
        except Unresolvable as missing:
            walk.skip(missing.code, place, **missing.told)
            return None
        self._known[settled] = known
        return known if url == settled else known._replace(others=definitions.other_versions(url))

    def _made(self, url: str, facts: dict[str, Any]) -> _Known:
        contexts = [] if parted(url)[0] in _MISPLACED_BY_ALL else facts.get("context", [])
        parts, item = self._defined_parts(url), self._compiler.profile(url)
        elements = (*facts.get("differential", ()), *facts.get("snapshot", ()))
        root: dict[str, Any] = next((one for one in elements if "." not in one["path"]), {})
        others, rules = self._compiler.definitions.other_versions(url), facts.get("contextInvariant", [])
        return _Known(item, parts, contexts, set(), others, rules, root.get("isModifier") is True)

    def _defined_parts(self, url: str) -> frozenset[str]:
        """The names of all parts of an extension; none where one of them is not named by a fixed url."""
        shapes = self._compiler.shapes
        parts = shapes.children(shapes.of_profile(url).copy())["extension"]
        slices = [held for slicing in parts.slicings for held in slicing.slices.values()]
        named = [shapes.children(held)["url"].fixed for held in slices]
        return frozenset(str(fixed[0]) for fixed in named) if all(named) else frozenset()


def _ruled(known: _Known, owner: str, url: str, place: Place, walk: Walk) -> None:
    """The check of contextInvariant: rules on the element that has the extension.

    See https://hl7.org/fhir/R4/structuredefinition-definitions.html#StructureDefinition.contextInvariant
    """
    around = _value_at(place[0], walk)
    held = _value_at(place, walk)
    for rule in known.rules:
        try:
            if not isinstance(around, dict):
                raise execution("the element around is a primitive")
            node = Node(around, owner)
            given = {"extension": [Node(held, "Extension")]}
            met = fhirpath.compile(rule).run([node], walk.surroundings(node, variables=given))
        except FHIRPathError as fault:
            walk.skip("validate-unchecked-invariant", place, key="contextInvariant", problem=fault.kind)
            continue
        if truth(met) is not True:
            wrong = f"What {shown(url)} stands on is not as its definition demands: {rule}"
            mend = "Correct the element, or remove the extension from it."
            walk.fail("validate-invariant", place, None, url, wrong=wrong, mend=mend, key="contextInvariant")


def _named_parts(known: frozenset[str], url: str, value: dict[str, Any], place: Place, walk: Walk) -> None:
    """Each part with a short name must be one that the definition names."""
    held = value["extension"]
    for index, part in enumerate(held if isinstance(held, list) else ()):
        name = part.get("url") if isinstance(part, dict) else None
        if isinstance(name, str) and ":" not in name and name not in known:
            here = (place, "extension", index, "extension")
            names = ", ".join(sorted(known))
            walk.fail("validate-extension-part", here, None, url, name=shown(name), url=shown(url), known=names)


def _placed(known: _Known, owner: str, url: str, place: Place, walk: Walk) -> None:
    """The check that an extension stands where one of its contexts allows it.

    See https://hl7.org/fhir/R4/defining-extensions.html#context
    """
    if any(_on_any(entry, owner) for entry in known.contexts):
        known.allowed.add(owner)
        return
    said = [(entry, _allows(entry, place, walk)) for entry in known.contexts]
    if any(allowed for _, allowed in said):
        return
    unsure = next((entry for entry, allowed in said if allowed is None), None)
    if unsure is not None:
        walk.skip("validate-unchecked-context", place, url=shown(url), context=shown(unsure.get("expression")))
    else:
        element = _element_path(place[0], walk) or owner
        walk.fail("validate-extension-context", place, None, url, url=shown(url), element=element)


def _on_any(entry: dict[str, str], owner: str) -> bool:
    """Whether a context allows an extension on every element of this type."""
    named = entry.get("expression", "")
    if entry.get("type") != "element" or named in _ANYWHERE:
        return entry.get("type") == "element"
    return _is_plain(named) and (named == owner or R4.is_a(owner, named))


def _is_plain(expression: str) -> bool:
    """Whether this is no type of another FHIR release, element of a profile or form of a choice."""
    return R4.known(expression.partition(".")[0]) and "#" not in expression and "[x]" not in expression


def _allows(entry: dict[str, str], place: Place, walk: Walk) -> bool | None:
    """Whether one context allows an extension at a place; None where that cannot be told."""
    kind, expression = entry.get("type"), entry.get("expression", "")
    if kind == "element":
        return _is_element(expression, place, walk)
    around = _value_at(place[0], walk)
    if not isinstance(around, dict):
        return None
    if kind == "extension":
        return None if "#" in expression else around.get("url") == expression
    return _is_selected(expression, around, walk) if kind == "fhirpath" else None


def _is_element(expression: str, place: Place, walk: Walk) -> bool | None:
    if not _is_plain(expression):
        return None
    rest = expression.partition(".")[2]
    path = _element_path(place[0], walk)
    if expression == path or (path == _root_kind(walk) and R4.is_a(path, expression)):
        return True
    return bool(rest) and path.endswith("." + rest)


def _is_selected(expression: str, around: dict[str, Any], walk: Walk) -> bool | None:
    """Whether an expression on the resource selects the element around the extension; None where it fails."""
    node = Node(walk.resource, _root_kind(walk))
    try:
        found = fhirpath.compile(expression).run([node], walk.surroundings(node))
    except FHIRPathError:
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
