"""The canonical URLs by which a definition uses others, and the same definition with each made to say its version."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fhir_mh.packages.facts import Facts
from fhir_mh.packages.versions import parted

Pin = Callable[[str, str], str]  # kind of definition, canonical -> canonical
_BINDING = ("required", "extensible")


def pinned(facts: Facts, pin: Pin) -> Facts:
    """Equal facts but for what pin makes of each canonical in them; the given ones stay as they are."""
    made = dict(facts)
    if "baseDefinition" in made:
        made["baseDefinition"] = pin("StructureDefinition", made["baseDefinition"])
    for part in ("differential", "snapshot"):
        if part in made:
            made[part] = [_element(element, pin) for element in made[part]]
    if "compose" in made:
        made["compose"] = {part: [_include(entry, pin) for entry in held] for part, held in made["compose"].items()}
    return made


def canonicals(facts: Facts) -> Iterator[tuple[str, str]]:
    """(kind of definition, canonical) of each that a definition names, as often as it names it."""
    found: list[tuple[str, str]] = []

    def told(kind: str, url: str) -> str:
        found.append((kind, url))
        return url

    pinned(facts, told)
    return iter(found)


def _include(entry: Facts, pin: Pin) -> Facts:
    """Of a code system the version is told apart: its URL says which codes are meant."""
    made = dict(entry)
    if "valueSet" in made:
        made["valueSet"] = [pin("ValueSet", url) for url in made["valueSet"]]
    system = made.get("system", "")
    meant = pin("CodeSystem", system) if system else ""
    return made if meant == system else {**made, "version": parted(meant)[1]}


def _element(element: Facts, pin: Pin) -> Facts:
    if "type" not in element and "binding" not in element:
        return element
    made = dict(element)
    if "type" in made:
        made["type"] = [_type(entry, pin) for entry in made["type"]]
    if "binding" in made:
        binds = ("valueSet", "maxValueSet") if made["binding"].get("strength") in _BINDING else ("maxValueSet",)
        made["binding"] = {
            key: pin("ValueSet", value) if key in binds else value for key, value in made["binding"].items()
        }
    return made


def _type(entry: Facts, pin: Pin) -> Facts:
    return {
        key: [pin("StructureDefinition", url) for url in value] if key in ("profile", "targetProfile") else value
        for key, value in entry.items()
    }
