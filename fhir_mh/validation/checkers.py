"""Shapes compiled to closures: one walk over the JSON checks the base and every profile at once.

Each object has a table from JSON key to a function, so that work is done for what is there, not for what could be.
Places are linked tuples, cheap enough to carry along; they become text only when something is found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_mh.fhirpath.values import is_primitive
from fhir_mh.packages.definitions import Definitions
from fhir_mh.packages.model import R4
from fhir_mh.packages.versions import parted
from fhir_mh.terminology.expansion import Terminology
from fhir_mh.validation import guards, rules
from fhir_mh.validation.extensions import Extensions
from fhir_mh.validation.fields import (
    Field,
    Handler,
    Item,
    choice_counter,
    complex_field,
    forbidden,
    primitive_field,
    sibling_field,
    together,
)
from fhir_mh.validation.limits import limits
from fhir_mh.validation.members import (
    Required,
    by_type,
    demands,
    nothing,
    object_check,
    passed_over,
    required_slices,
)
from fhir_mh.validation.primitives import TESTS
from fhir_mh.validation.references import reference_form, reference_targets
from fhir_mh.validation.resources import Resources
from fhir_mh.validation.rules import Rule
from fhir_mh.validation.shape import Invariant, Shape, TypeRef
from fhir_mh.validation.shapes import Shapes, Unresolvable, named
from fhir_mh.validation.slices import Discriminators, Undecidable
from fhir_mh.validation.slicing import slicing_check
from fhir_mh.validation.unknown import unknown_member
from fhir_mh.validation.walk import DEEPEST, Place, Walk

_MORE: dict[str, Rule] = {
    "Attachment": rules.attachment_rule,
    "CodeableConcept": guards.legal_status_rule,
    "Identifier": guards.identifier_rule,
    "Reference": reference_form,
    "Signature": rules.signature_rule,
}  # what is checked of every value of a type, beyond its definition


class Checkers:
    """Compiles shapes when they are first met, and keeps the result."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.shapes = Shapes(definitions)
        self.terminology = Terminology(definitions)
        self.discriminators = Discriminators(self.shapes, self.terminology, self.conforms)
        self.resources = Resources(self)
        self.extensions = Extensions(self)
        self._types: dict[str, Item] = {}
        self._profiles: dict[str, Item] = {}
        self._siblings: dict[str, Item] = {}
        self._coding = rules.coding_rule(self.terminology)

    def conforms(self, url: str, value: Any, walk: Walk) -> bool:
        """Whether a resource or element meets a profile, without reporting why not.

        Raises Unresolvable, and Undecidable where that hangs on too long a chain of references.
        """
        if not isinstance(value, dict):
            return False
        key = (id(value), url)
        if key in walk.fitting:
            return walk.fitting[key]
        if walk.deep >= DEEPEST:
            raise Undecidable
        walk.fitting[key] = True  # while it is being looked at: references may lead in circles
        try:
            walk.fitting[key] = self._conforms(url, value, walk)
        except (Undecidable, Unresolvable):
            del walk.fitting[key]
            raise
        return walk.fitting[key]

    def _conforms(self, url: str, value: dict[str, Any], walk: Walk) -> bool:
        trial = walk.apart()
        place: Place = (None, "trial", None, "")
        if isinstance(value.get("resourceType"), str):
            self.resources.check(value, place, trial, profiles=(url,))
        else:
            self.profile(url)(value, place, trial)
        return not any(found.severity == "error" for found, _ in trial.issues)

    def type(self, name: str) -> Item:
        """The check of one value of a data type, or of a backbone element by its path."""
        return self._kept(self._types, name, lambda: self._build_type(name))

    def profile(self, url: str) -> Item:
        """The check of one value against a profile on a data type. Raises Unresolvable."""
        shape = self.shapes.of_profile(url)
        return self._kept(self._profiles, url, lambda: self.body(shape, shape.types[0].code))

    def _kept(self, held: dict[str, Item], name: str, build: Callable[[], Item]) -> Item:
        """What is held by that name; while it is being built, for a type that contains itself, a stand-in."""
        if name in held:
            return held[name]

        def stand_in(value: Any, place: Place, walk: Walk) -> None:
            held[name](value, place, walk)

        held[name] = stand_in
        try:
            held[name] = build()
        except BaseException:
            del held[name]
            raise
        return held[name]

    def _build_type(self, name: str) -> Item:
        if "." in name:
            shape = self.shapes.by_path(name)
            return self.body(shape, name)
        return self.body(self.shapes.of_type(name), name)

    def body(
        self,
        shape: Shape,
        type_name: str,
        *,
        resource: bool = False,
        named: str = "",
        beside: dict[str, Shape] | None = None,
    ) -> Item:
        """The check of an object's members and of its type's own rules; named is what messages call it.

        beside: the shape tells of some members only; another check sees to the type's rules and to these members.
        """
        table: dict[str, Handler] = {"resourceType": nothing} if resource else {}
        required: list[Required] = []
        after: list[Rule] = []
        for child in (self.shapes.children(shape) if beside is None else shape.children or {}).values():
            known = None if beside is None else beside.get(child.name)
            fields = self._fields(child, type_name, known)
            for field in fields:
                table[field.key] = field.handler
                if field.sibling is not None:
                    table["_" + field.key] = field.sibling
            names = frozenset(key for f in fields for key in (f.key, "_" + f.key))
            if child.min > (0 if known is None else known.min):
                required.append(Required(child.name, names, child.min, child.by.get("min", "")))
            required.extend(required_slices(child, names))
            if child.choice and len(fields) > 1 and known is None:
                after.append(choice_counter(child.name, tuple(f.key for f in fields)))
            after.extend(rules.obligation(child.name, names, *one) for one in child.obligations)
        if beside is not None:
            return object_check(table, tuple(required), tuple(after), named or type_name, passed_over)
        after.extend(self._of_type(type_name, shape.invariants))
        return object_check(table, tuple(required), tuple(after), named or type_name, unknown_member)

    def _of_type(self, type_name: str, invariants: tuple[Invariant, ...]) -> list[Rule]:
        found = [rule for entry in invariants if (rule := rules.invariant(entry, type_name)) is not None]
        if type_name == "Coding" or R4.is_a(type_name, "Quantity"):
            found.append(self._coding)
        if type_name in _MORE:
            found.append(_MORE[type_name])
        return found

    def _fields(self, child: Shape, owner: str, known: Shape | None) -> list[Field]:
        if not child.choice:
            entry = child.types[0] if child.types else TypeRef(child.reference)
            return [self._field(child, entry, child.name, child.name, (), owner, known)]
        allowed, by = {entry.code: entry for entry in child.types}, child.by.get("types", "")
        for slicing in child.slicings:
            if slicing.rules == "closed":
                by = slicing.by
                named = {entry.code for held in slicing.slices.values() if held.max != 0 for entry in held.types}
                allowed = {code: entry for code, entry in allowed.items() if code in named}
        fields = []
        for key, code in R4.child(owner, child.name) or ():
            if code not in allowed:
                fields.append(Field(key, forbidden(child.name, key, code, tuple(allowed), by), None))
                continue
            slices = tuple(
                held
                for slicing in child.slicings
                if by_type(slicing)
                for held in slicing.slices.values()
                if any(t.code == code for t in held.types)
            )
            label = f"{child.name}.ofType({code})"
            fields.append(self._field(child, allowed[code], key, label, slices, owner, known))
        return fields

    def _field(
        self,
        child: Shape,
        entry: TypeRef,
        key: str,
        label: str,
        slices: tuple[Shape, ...],
        owner: str,
        known: Shape | None,
    ) -> Field:
        shapes = (child, *slices)
        slicings = tuple(
            slicing_check(slicing, child, label, key, self)
            for slicing in child.slicings
            if (slicing.slices or slicing.rules == "closed") and not (child.choice and by_type(slicing))
        )
        if is_primitive(entry.code):
            found = [rule for shape in shapes for rule in self._rules(shape, entry, child.name)]
            if entry.code == "xhtml":
                found.append(rules.narrative_rule)
            if child.name == "id" and _is_attribute("id", owner) and owner != "ElementDefinition":
                found.append(rules.element_id_rule)  # a snapshot and a differential have the same elements
            told = [(shape, self._sibling(shape, entry.code)) for shape in shapes if shape.children is not None]
            found += [rules.missing_sibling(item) for shape, item in told if demands(shape)]
            inner = [item for _, item in told]
            if not inner and known is None:
                inner = [self._sibling(child, entry.code)]
            test = TESTS.get(entry.code, TESTS["string"])
            listed = rules.listed(shapes, entry.code, self.terminology) if len(found) == 1 else None
            handler = primitive_field(child, key, label, entry.code, test, tuple(found), slicings, listed)
            plain = entry.code == "xhtml" or _is_attribute(child.name, owner)
            return Field(key, handler, None if plain else sibling_field(child, key, label, tuple(inner)))
        if known is None or entry.code == "Extension":  # of which a shape may mean a version
            items = tuple(self.element(shape, entry, owner) for shape in shapes)
        else:
            items = tuple(item for shape in shapes if (item := self.addition(shape, known, entry)) is not None)
        return Field(key, complex_field(child, key, label, entry.code, items, slicings), None)

    def _sibling(self, shape: Shape, code: str) -> Item:
        """The check of the id and extensions of a primitive."""
        if shape.children is None:
            return self._kept(
                self._siblings, code, lambda: self.body(self.shapes.of_type("Element"), code, named="Element")
            )
        return self.body(Shape(code, code, children=shape.children), code, named="Element")

    def element(self, shape: Shape, entry: TypeRef, owner: str = "") -> Item:
        """The check of one complex value: its members, its type's profiles, and the rules of its element."""
        checks = [self._members(shape, entry, owner)]
        checks += [self._any_profile(group, entry) for group in entry.profiles]
        return together(checks, (*self._rules(shape, entry, shape.name), *limits(shape, entry.code)))

    def addition(self, shape: Shape, base: Shape, entry: TypeRef) -> Item | None:
        """The check of what a slice asks of a value beyond what the element does; None where that is nothing."""
        if R4.is_a(entry.code, "Resource") or entry.code not in {held.code for held in base.types}:
            return self.element(shape, entry)
        more, known = self.shapes.beyond(shape, base, entry.code)
        added = next(held for held in more.types if held.code == entry.code)
        checks = [self.body(more, named(shape, entry), beside=known)] if more.children else []
        # An extension is checked as its url says, in any slice.
        groups = [group for group in added.profiles if entry.code != "Extension" or len(group) > 1]
        checks += [self._any_profile(group, entry) for group in groups]
        found = (*self._rules(more, added, shape.name), *limits(more, entry.code))
        return together(checks, found) if checks or found else None

    def _members(self, shape: Shape, entry: TypeRef, owner: str) -> Item:
        if R4.is_a(entry.code, "Resource"):
            member = self.resources.member(shape.name, entry)
            known = self.shapes.children(self.shapes.of_type(entry.code)) if shape.children else {}
            more = {name: held for name, held in (shape.children or {}).items() if held != known.get(name)}
            inner = Shape(shape.name, shape.path, children=more)
            return together([member, self.body(inner, entry.code, beside=known)]) if more else member
        if entry.code == "Extension" and shape.name in ("extension", "modifierExtension"):
            narrowed = None if shape.children is None else self._own(shape, entry.code)
            return self.extensions.item(owner, narrowed, _versions_meant(shape))
        if shape.children is not None:
            return self._own(shape, named(shape, entry))
        return self.type(shape.reference or entry.code)

    def _own(self, shape: Shape, type_name: str) -> Item:
        """The check of an element that spells its own children out, with the rules its type states."""
        whole = shape.copy()
        whole.invariants = () if "." in type_name else self.shapes.of_type(type_name).invariants
        return self.body(whole, type_name)

    def _any_profile(self, group: tuple[str, ...], entry: TypeRef) -> Item:
        known = [url for url in group if self.definitions.structure(url) is not None]
        if R4.is_a(entry.code, "Resource"):
            return self.resources.profiled(tuple(known), group)

        def check(value: Any, place: Place, walk: Walk) -> None:
            try:
                if len(known) == 1 and len(group) == 1:
                    self.profile(known[0])(value, place, walk)
                elif not any(self.conforms(url, value, walk) for url in known) and known:
                    walk.fail("validate-profile-none", place, None, group[0], profiles=" or ".join(group))
                elif not known:
                    walk.skip("validate-unchecked-profile", place, profile=group[0])
            except Unresolvable as missing:
                walk.skip(missing.code, place, **missing.told)
            except Undecidable:
                walk.skip("validate-unchecked-profile", place, profile=group[0])

        return check

    def _rules(self, shape: Shape, entry: TypeRef, name: str) -> list[Rule]:
        type_name = shape.reference or named(shape, entry)
        found: list[Rule | None] = [rules.invariant(held, type_name) for held in shape.invariants]
        found.extend(rules.binding(bound, entry.code, self.terminology) for bound in shape.bindings)
        fixed, pattern = shape.by.get("fixed", ""), shape.by.get("patterns", "")
        found.extend(rules.value_rule(name, entry.code, value, "validate-fixed", fixed) for value in shape.fixed)
        found.extend(rules.value_rule(name, entry.code, value, "validate-pattern", pattern) for value in shape.patterns)
        if entry.code == "Reference":
            found.append(reference_targets(entry, self.definitions, self.resources.fault, shape.by.get("types", "")))
        return [rule for rule in found if rule is not None]


def _is_attribute(name: str, owner: str) -> bool:
    """Whether an element is an attribute in XML: a value alone, with no id and no extensions of its own."""
    return (name == "id" and not R4.is_a(owner, "Resource")) or (name == "url" and owner == "Extension")


def _versions_meant(shape: Shape) -> dict[str, str]:
    """url -> canonical of the extensions of which the slices of an element mean one version."""
    slices = (held for slicing in shape.slicings for held in slicing.slices.values())
    named = (url for held in slices for entry in held.types for group in entry.profiles for url in group)
    return {parted(url)[0]: url for url in named if parted(url)[1]}
