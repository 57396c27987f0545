"""What the package says of one place of a resource: how often, of which type, what it means, where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fhir_mh.fhir.urls import BASE
from fhir_mh.fhir.urls import UK_CORE as UK_CORE_URL
from fhir_mh.packages.definitions import Definitions
from fhir_mh.packages.source import read_package
from fhir_mh.terminology.expansion import Terminology
from fhir_mh.validation.shape import Binding, Invariant, Shape
from fhir_mh.validation.shapes import Shapes

ROOT = Path(__file__).resolve().parents[2]
Json = dict[str, Any]
UK_CORE, R4 = "uk-core", "r4"
_PARTED = ("BackboneElement", "Element")
_STEP = re.compile(r"([^\[]+)(?:\[(.*)\])?")


@dataclass
class Place:
    """One element of a profile, as a reader needs it.

    cardinality: within the element around it. sources: (identity, what the source calls it). extensions: those of
    ours on the way to it, outermost first.
    """

    path: str
    cardinality: str
    type: str
    bindings: tuple[Binding, ...] = ()
    short: str = ""
    comment: str = ""
    sources: list[tuple[str, str]] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)


@dataclass
class _Here:
    """A step on the way: the definition that speaks of it, its element id there, and its shape."""

    definition: Json
    id: str
    shape: Shape


class Package:
    """Our package as a reader sees it. shapes: the very ones the validator checks with."""

    def __init__(self) -> None:
        self.held: dict[str, Json] = {found["url"]: found for found in read_package(ROOT / "profiles" / "package")}
        self.definitions = Definitions()
        self.shapes = Shapes(self.definitions)
        self.terminology = Terminology(self.definitions)

    @cached_property
    def extensions(self) -> dict[str, Json]:
        """Our extensions by URL."""
        return {url: found for url, found in self.held.items() if found.get("type") == "Extension"}

    def of_type(self, kind: str) -> list[Json]:
        """Our definitions of a resource type, by id."""
        return sorted((d for d in self.held.values() if d["resourceType"] == kind), key=lambda d: str(d["id"]))

    def place(self, profile: str, path: str) -> Place:
        """What is known of a place; path as mapping tables write it: `extension[custodian].valueIdentifier`."""
        return self._told(self._way(profile, path), path)

    def on_the_way(self, profile: str, path: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """(path, what sources call it) of each element on the way to a place of which sources speak."""
        steps = path.split(".")
        for at, here in enumerate(self._way(profile, path)[1:], start=1):
            said = self._sources_of(here)
            if said:
                yield ".".join(steps[:at]), said

    def _way(self, profile: str, path: str) -> list[_Here]:
        definition = self.held[profile]
        way = [_Here(definition, definition["type"], self.shapes.of_profile(profile))]
        for step in path.split("."):
            found = self._next(way[-1], step)
            if found is None:
                raise LookupError(f"{profile} has no {path}")
            way.append(found)
        return way

    def _sources_of(self, here: _Here) -> list[tuple[str, str]]:
        """What sources call one element, or the extension of ours that it is."""
        found = [(said["identity"], said["map"]) for said in self.element(here).get("mapping", ())]
        own = _own_extension(here.shape, self.extensions)
        return found + (self.sources(self.extensions[own]) if own is not None else [])

    def element(self, here: _Here) -> Json:
        """The element of our own definition at this step; {} where it says nothing of it."""
        elements = here.definition.get("differential", {}).get("element", ())
        return next((element for element in elements if element["id"] == here.id), {})

    def _next(self, here: _Here, step: str) -> _Here | None:
        matched = _STEP.fullmatch(step)
        if matched is None:
            return None
        name, slice_name = matched[1], matched[2]
        definition, holder, identifier = here.definition, here.shape, here.id
        own = _own_extension(holder, self.extensions)
        if own is not None and definition["url"] != own:
            definition, identifier = self.extensions[own], "Extension"
            holder = self.shapes.of_profile(own)
        children = self.shapes.children(holder)
        child = children.get(name) or next(
            (c for c in children.values() if c.choice and name.startswith(c.name) and len(name) > len(c.name)), None
        )
        if child is None:
            return None
        identifier = f"{identifier}.{child.name}{'[x]' if child.choice else ''}"
        chosen = _slice(child, slice_name, identifier, definition)
        if chosen is not None:
            return _Here(definition, f"{identifier}:{chosen}", _sliced(child, chosen))
        if child.choice and len(name) > len(child.name):
            child = _narrowed(child, name)
        return _Here(definition, identifier, child)

    def _told(self, way: list[_Here], path: str) -> Place:
        leaf = _counted(way)
        top = "*" if leaf.max is None else str(leaf.max)
        place = Place(path, f"{leaf.min}..{top}", _type(way[-1].shape), way[-1].shape.bindings)
        place.extensions = [
            own for here in way for own in [_own_extension(here.shape, self.extensions)] if own is not None
        ]
        meant = True
        for here in reversed(way[1:]):
            element = self.element(here)
            if meant:  # what is said of a whole entry is not the meaning of its parts
                place.short = place.short or element.get("short", "")
                place.comment = place.comment or element.get("comment", "")
            place.sources += self._sources_of(here)
            own = _own_extension(here.shape, self.extensions)
            if own is not None:
                place.short = place.short or self.extensions[own]["description"]
            meant = meant and not (here.shape.types and here.shape.types[0].code in _PARTED)
        if not place.sources:
            place.sources = [self._inherited(way)]
        place.sources = list(dict.fromkeys(place.sources))
        return place

    def sources(self, definition: Json) -> list[tuple[str, str]]:
        """(identity, item) of a definition as a whole."""
        elements = definition.get("differential", {}).get("element", ())
        root = next((element for element in elements if "." not in element["id"]), {})
        return [(said["identity"], said["map"]) for said in root.get("mapping", ())]

    def _inherited(self, way: list[_Here]) -> tuple[str, str]:
        """An element that ours only takes over: from UK Core where that speaks of it, else from R4."""
        parent = self.definitions.structure(way[0].definition["baseDefinition"]) or {}
        ids = {element.get("id", "") for element in parent.get("differential", ())}
        theirs = parent.get("url", "").startswith(UK_CORE_URL)
        if theirs and any(here.id in ids for here in way[1:]):
            return (UK_CORE, "")
        own = any("sliceName" in self.element(here) or here.definition is not way[0].definition for here in way)
        return ("", "") if own else (R4, "")

    def rules(self, definition: Json) -> Iterator[Json]:
        """Our own rules of a definition: key, severity, human, expression."""
        for element in definition.get("differential", {}).get("element", ()):
            yield from (rule for rule in element.get("constraint", ()) if rule["key"].startswith("mh-"))

    def rules_of_r4(self, kind: str) -> list[Invariant]:
        """R4's own rules of a resource type and its parts, without those that hold for every resource."""
        found: dict[str, Invariant] = {}

        def collect(shape: Shape) -> None:
            for rule in shape.invariants:
                if rule.key.split("-")[0] not in ("dom", "ele", "ext"):
                    found.setdefault(rule.key, rule)
            for child in (shape.children or {}).values():
                if child.types and child.types[0].code in _PARTED:
                    collect(child)

        collect(self.shapes.of_type(kind))
        return list(found.values())


def _slice(shape: Shape, name: str | None, identifier: str, definition: Json) -> str | None:
    """The slice of a list that a table's name for an entry means; `[]` is the only one that ours defines."""
    slices = {found: s for slicing in shape.slicings for found, s in slicing.slices.items()}
    if name is None or not slices:
        return None
    plain = name.replace("-", "").lower()
    for found, sliced in slices.items():
        urls = [url for entry in sliced.types for group in entry.profiles for url in group]
        if plain and (found.replace("-", "").lower() == plain or any(url.endswith("/" + name) for url in urls)):
            return found
    if name:
        return None
    ids = {element["id"] for element in definition.get("differential", {}).get("element", ())}
    own = [found for found in slices if f"{identifier}:{found}" in ids]
    return own[0] if len(own) == 1 else None


def _sliced(shape: Shape, name: str) -> Shape:
    return next(slicing.slices[name] for slicing in shape.slicings if name in slicing.slices)


def _narrowed(shape: Shape, name: str) -> Shape:
    """A choice of types as the one that is named: `valueString`."""
    made = shape.copy()
    made.types = tuple(t for t in shape.types if (shape.name + t.code[:1].upper() + t.code[1:]) == name) or made.types
    made.children = None
    return made


def _own_extension(shape: Shape, extensions: dict[str, Json]) -> str | None:
    """The extension of ours that an element is."""
    urls = (url for entry in shape.types for group in entry.profiles for url in group)
    return next((url for url in urls if url in extensions), None)


def _counted(way: list[_Here]) -> Shape:
    """The element whose cardinality a reader asks for: of a value in an extension, the extension's or the part's."""
    for here in reversed(way):
        if here.definition["type"] != "Extension" and not here.id.split(".")[-1].startswith("value[x]"):
            break
        if here.id.split(".")[-1].startswith("extension:"):
            return here.shape
    outer = [here.shape for here in way if here.id.split(".")[-1].startswith("extension:")]
    return outer[-1] if outer else way[-1].shape


def _type(shape: Shape) -> str:
    return " or ".join(dict.fromkeys(entry.code.rpartition("/")[2] for entry in shape.types)) or "element"


def is_ours(url: str) -> bool:
    """Whether a canonical URL is one of ours."""
    return url.startswith(BASE)
