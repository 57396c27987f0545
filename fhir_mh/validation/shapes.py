"""Shapes by URL: a type's from its facts, a profile's by narrowing its parent's with its differential.

A profile whose parent is not at hand is read from its snapshot; one that has neither cannot be checked.
See https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir_mh.fhirpath.values import is_primitive
from fhir_mh.packages.definitions import TYPE_URL, Definitions
from fhir_mh.packages.facts import Facts
from fhir_mh.packages.model import form_key
from fhir_mh.validation.shape import Shape, Slicing, TypeRef, narrow, without
from fhir_mh.validation.walk import shown

MAX_DEPTH = 30
_SELF_TYPED = ("BackboneElement", "Element")


class Unresolvable(Exception):
    """A definition that cannot be used; the argument is its URL. why: what is wrong with it, where it is at hand."""

    def __init__(self, url: str, why: str = "") -> None:
        super().__init__(url)
        self.why = why

    @property
    def code(self) -> str:
        """The code that says so where the definition is needed."""
        return "validate-unusable-profile" if self.why else "validate-unchecked-profile"

    @property
    def told(self) -> dict[str, str]:
        """The values of that code's template."""
        return {"profile": shown(str(self)), **({"why": self.why} if self.why else {})}


class Shapes:
    """Builds and keeps shapes. Those it gives out are shared: copy before narrowing."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._types: dict[str, Shape] = {}
        self._profiles: dict[str, Shape] = {}
        self._building: set[str] = set()

    def of_type(self, name: str) -> Shape:
        """The shape of a data type or resource. Raises Unresolvable when R4 has none of that name."""
        if name not in self._types:
            self._types[name] = self._build_type(name)
        return self._types[name]

    def of_profile(self, url: str, depth: int = 0) -> Shape:
        """The shape a profile (or a type, by its URL) gives. Raises Unresolvable, naming what is missing."""
        if url.startswith(TYPE_URL) and self._definitions.type_facts(url[len(TYPE_URL) :].split("|", maxsplit=1)[0]):
            return self.of_type(url[len(TYPE_URL) :].split("|", maxsplit=1)[0])
        url = self._definitions.settled(url)
        if url not in self._profiles:
            if depth > MAX_DEPTH or url in self._building:
                raise Unresolvable(url, "it builds on itself")
            self._building.add(url)
            try:
                self._profiles[url] = self._build_profile(url, depth)
            finally:
                self._building.discard(url)
        return self._profiles[url]

    def children(self, shape: Shape) -> dict[str, Shape]:
        """The children of an element, spelling its type's out where it has none of its own yet."""
        if shape.children is None:
            shape.children = {name: child.copy() for name, child in self._inherited(shape).items()}
        return shape.children

    def beyond(self, shape: Shape, base: Shape, type_name: str) -> tuple[Shape, dict[str, Shape]]:
        """What a slice says that the element it is a slice of does not, where both are of a type.

        Its children are those that differ from the children of the element, which are given too.
        """
        told = {entry.code: entry for entry in base.types}
        known: dict[str, Shape] = {}
        if shape.children is not None:
            whole = base.copy()
            whole.types = tuple(entry for entry in base.types if entry.code == type_name)
            known = self.children(whole)
        more = Shape(
            shape.name,
            shape.path,
            array=shape.array,
            types=tuple(_beyond(entry, told.get(entry.code, TypeRef(entry.code))) for entry in shape.types),
            children={name: held for name, held in (shape.children or {}).items() if held != known.get(name)},
            reference=shape.reference,
            bindings=without(shape.bindings, base.bindings),
            invariants=without(shape.invariants, base.invariants),
            fixed=without(shape.fixed, base.fixed),
            patterns=without(shape.patterns, base.patterns),
            max_length=None if shape.max_length == base.max_length else shape.max_length,
            limits=without(shape.limits, base.limits),
            by=shape.by,
        )
        return more, known

    def _inherited(self, shape: Shape) -> dict[str, Shape]:
        if shape.reference:
            return self.children(self.by_path(shape.reference))
        if len(shape.types) != 1:
            return self.children(self.of_type("Element"))
        entry = shape.types[0]
        if is_primitive(entry.code):
            return self.children(self.of_type("Element"))
        if entry.profiles and len(entry.profiles[0]) == 1:
            return self.children(self.of_profile(entry.profiles[0][0]))
        return self.children(self.of_type(entry.code))

    def by_path(self, path: str) -> Shape:
        root, *names = path.split(".")
        shape = self.of_type(root)
        for name in names:
            shape = self.children(shape)[name]
        return shape

    def _build_type(self, name: str) -> Shape:
        facts = self._definitions.type_facts(name)
        if facts is None:
            raise Unresolvable(TYPE_URL + name, "R4 has no such type")
        base = facts.get("baseDefinition", "").rpartition("/")[2]
        parent = self.of_type(base) if base else Shape(name, name)
        root = Shape(name, name, types=(TypeRef(name),), invariants=parent.invariants)
        root.children = {} if parent.children is None else {k: child.copy() for k, child in parent.children.items()}
        for element in facts.get("differential", ()):
            self._place(root, element)
        return root

    def _place(self, root: Shape, element: dict[str, Any]) -> None:
        """Put one element of a type's own definition into its tree."""
        names = element["path"].split(".")
        if len(names) == 1:
            narrow(root, element)
            return
        holder = root
        for name in names[1:-1]:
            holder = self.children(holder)[name.removesuffix("[x]")]
        name = names[-1].removesuffix("[x]")
        held = self.children(holder)
        known = held.get(name)
        made = known.copy() if known else Shape(name, element["path"])
        made.path = element["path"].removesuffix("[x]")
        made.choice = names[-1].endswith("[x]")
        made.array = known.array if known else element.get("max", "1") not in ("0", "1")
        made.reference = element.get("contentReference", "").rpartition("#")[2]
        narrow(made, element)
        if element["path"] == "Resource.id":
            made.types = (TypeRef("id"),)  # the definition calls it a string, the specification an id
        if made.types and made.types[0].code in _SELF_TYPED and not known:
            made.children = {k: c.copy() for k, c in self.children(self.of_type(made.types[0].code)).items()}
        held[name] = made

    def _build_profile(self, url: str, depth: int) -> Shape:
        facts = self._definitions.structure(url)
        if facts is None:
            raise Unresolvable(url)
        elements = facts.get("differential", ())
        try:
            parent = self.of_profile(facts.get("baseDefinition", ""), depth + 1)
        except Unresolvable:
            elements = facts.get("snapshot", ())
            if not elements or "type" not in facts:
                raise
            parent = self.of_type(facts["type"])
        return self._narrowed(parent.copy(), elements or facts.get("snapshot", ()), facts)

    def _narrowed(self, root: Shape, elements: Any, facts: Facts) -> Shape:
        slices: dict[str, str] = {}
        for element in elements:
            _, target = self.reach(root, element, slices)
            if target is None:
                raise Unresolvable(facts["url"], f"its base has no element {shown(element['path'])}")
            narrow(target, element, facts["url"])
            if any(self._definitions.type_facts(entry.code) is None for entry in target.types):
                raise Unresolvable(facts["url"], f"R4 has no type that it gives {shown(element['path'])}")
            if element.get("sliceName") and "max" not in element:
                self._limit_as_defined(target)
            if "slicing" in element:
                open_slicing(target, element["slicing"], facts["url"])
        return root

    def reach(self, root: Shape, element: dict[str, Any], slices: dict[str, str]) -> tuple[Shape, Shape | None]:
        """(what the element stands in, the shape of the element itself) of an ElementDefinition; None where none is.

        A slice that it names and that is not there yet is made. slices: which slice each path is in by what came
        before, for definitions whose ids do not say it; changed here.
        """
        holder, target = root, root
        for name, slice_name in _steps(element, slices)[1:]:
            holder = target
            found = self._descend(holder, name, slice_name)
            if found is None:
                return holder, None
            target = found
        return holder, target

    def _limit_as_defined(self, shape: Shape) -> None:
        """An extension stands as often as its own definition says, where a profile does not say how often.

        See https://hl7.org/fhir/R4/defining-extensions.html#cardinality
        """
        groups = shape.types[0].profiles if len(shape.types) == 1 and shape.types[0].code == "Extension" else ()
        for url in (group[0] for group in groups if len(group) == 1):
            facts = self._definitions.structure(url) or {}
            for element in facts.get("differential", ()):
                if "." not in element["path"]:
                    narrow(shape, {"max": element.get("max", "*")}, facts["url"])

    def _descend(self, shape: Shape, name: str, slice_name: str) -> Shape | None:
        children = self.children(shape)
        child = children.get(name.removesuffix("[x]"))
        if child is None:
            child = next((c for c in children.values() if c.choice and _form(c, name)), None)
            if child is None:
                return None
            made = _slice(child, slice_name or name, _form(child, name))
            if not slice_name and child.slicings[-1].discriminators == (("type", "$this"),):
                child.slicings[-1].rules = "closed"  # naming valueQuantity alone rules the other forms out
            return made
        return _slice(child, slice_name, _form(child, slice_name)) if slice_name else child


def named(shape: Shape, entry: TypeRef) -> str:
    """What the model calls an element's type: a backbone element has its path for a name."""
    return shape.path if entry.code in _SELF_TYPED and "." in shape.path else entry.code


def _beyond(entry: TypeRef, known: TypeRef) -> TypeRef:
    return TypeRef(entry.code, *map(without, entry[1:], known[1:]))


def _form(choice: Shape, name: str) -> str:
    """The type that `valueQuantity` names among the forms of value[x]."""
    if not choice.choice:
        return ""
    return next((t.code for t in choice.types if form_key(choice.name, t.code) == name), "")


def _slice(shape: Shape, name: str, form: str = "") -> Shape:
    """The slice of that name, made where it is not there yet; `a/b` is slice b of what slice a is sliced into again."""
    for slicing in shape.slicings:
        if name in slicing.slices:
            return slicing.slices[name]
    outer = name.rpartition("/")[0]
    if outer and any(outer in slicing.slices for slicing in shape.slicings):
        return _slice(_slice(shape, outer), name, form)
    if not shape.slicings:
        # Extensions are always sliced by url, choices by type; both may leave that unsaid.
        by = (
            (("value", "url"),)
            if shape.types and shape.types[0].code == "Extension"
            else (("type", "$this"),)
            if shape.choice
            else ()
        )
        shape.slicings.append(Slicing(by))
    made = replace(shape, slicings=[], min=0).copy()  # not of its siblings, which may be many
    if form:
        made.types = tuple(entry for entry in made.types if entry.code == form)
        made.children = None
    shape.slicings[-1].slices[name] = made
    return made


def open_slicing(shape: Shape, slicing: dict[str, Any], by: str) -> None:
    """Apply ElementDefinition.slicing to a shape. by: the profile it is of."""
    found = tuple((entry.get("type", ""), entry.get("path", "")) for entry in slicing.get("discriminator", ()))
    for known in shape.slicings:
        if known.discriminators == found or not found or not known.discriminators:
            known.discriminators = known.discriminators or found
            if known.rules != "closed":  # what is closed stays so
                known.rules = slicing.get("rules", known.rules)
            known.ordered = known.ordered or bool(slicing.get("ordered"))
            known.by = by
            return
    shape.slicings.append(Slicing(found, slicing.get("rules", "open"), bool(slicing.get("ordered")), by=by))


def _steps(element: dict[str, Any], slices: dict[str, str]) -> list[tuple[str, str]]:
    """(name, slice name) of each step from the root; ids say it outright, older definitions by order alone."""
    path, named = element["path"], element.get("sliceName", "")
    identifier = element.get("id", "")
    if identifier.count(".") == path.count(".") and (":" in identifier or not named):
        pairs = [step.partition(":") for step in identifier.split(".")]
        return [(name.partition("[x]")[0] if "[x]" in name else name, slice_name) for name, _, slice_name in pairs]
    for known in [known for known in slices if known == path or known.startswith(path + ".")]:
        del slices[known]
    if named:
        slices[path] = named
    names = path.split(".")
    return [(name.removesuffix("[x]"), slices.get(".".join(names[: at + 1]), "")) for at, name in enumerate(names)]
