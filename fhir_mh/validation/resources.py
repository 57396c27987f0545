"""Resources, wherever they stand: their type, their profiles merged into one check, and the Bundle around them."""

from __future__ import annotations

from typing import Any

from fhir_mh.fhirpath.references import BundleIndex
from fhir_mh.issues import Issue
from fhir_mh.packages.model import R4
from fhir_mh.validation import bundles, definitions
from fhir_mh.validation.compiler import Compiler, ResourceRule
from fhir_mh.validation.fields import Item
from fhir_mh.validation.questionnaires import response_rule
from fhir_mh.validation.shape import Shape, TypeRef, merge
from fhir_mh.validation.shapes import Unresolvable
from fhir_mh.validation.slices import Undecidable
from fhir_mh.validation.vital_signs import observation_rule
from fhir_mh.validation.walk import DEEPEST, Place, Walk, shown

_ABSTRACT = {"Resource", "DomainResource"}
_KEPT = 1000  # combinations of a type and profiles of which the check is kept
_RULES: dict[str, ResourceRule] = {
    "Observation": observation_rule,
    "QuestionnaireResponse": response_rule,
    **definitions.RULES,
}


class Resources:
    """Checks resources; each combination of type and profiles is compiled once."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._held: dict[tuple[str, tuple[str, ...]], Item] = {}
        self._fitting: set[tuple[str, str]] = set()  # (type, profile) of which there is nothing to tell

    def check(self, value: dict[str, Any], place: Place, walk: Walk, *, profiles: tuple[str, ...] = ()) -> None:
        """Check a resource as root of its own: the outermost, or one in a Bundle or Parameters."""
        outer = walk.root, walk.bundle
        walk.root = value
        if value.get("resourceType") == "Bundle":
            walk.bundle = BundleIndex(value)
        try:
            self._one(value, place, walk, profiles)
            if value.get("resourceType") == "Bundle":
                bundles.check(value, place, walk)
        finally:
            walk.root, walk.bundle = outer

    def member(self, name: str, entry: TypeRef) -> Item:
        """The check of a resource that stands inside another: contained, or as an entry of its own."""

        def check(value: Any, place: Place, walk: Walk) -> None:
            kind = value.get("resourceType")
            if entry.code not in _ABSTRACT and isinstance(kind, str) and kind != entry.code:
                walk.fail("validate-type-not-allowed", place, name=name, type=shown(kind), allowed=entry.code)
            if name == "contained":
                self._one(value, place, walk, ())
            else:
                self.check(value, place, walk)

        return check

    def profiled(self, known: tuple[str, ...], group: tuple[str, ...]) -> Item:
        """The check that a resource meets one profile of a group."""

        def check(value: Any, place: Place, walk: Walk) -> None:
            if not known:
                walk.skip("validate-unchecked-profile", place, profile=group[0])
                return
            if len(group) == 1:
                self.check(value, place, walk, profiles=known)
                return
            try:
                fits = any(self._compiler.conforms(url, value, walk) for url in known)
            except (Undecidable, Unresolvable):
                walk.skip("validate-unchecked-profile", place, profile=group[0])
                return
            if not fits:
                walk.fail("validate-profile-none", place, None, group[0], profiles=" or ".join(group))

        return check

    def fault(self, url: str, value: dict[str, Any], walk: Walk) -> Issue | None:
        """The first error in a resource of this document that is for a profile's sake; None where there is none.

        What is wrong with it whatever the profile is told where it stands. One that is being looked at already, for
        references may lead in circles, has none. Raises Unresolvable.
        """
        key = (id(value), url)
        if key not in walk.tried:
            if walk.deep >= DEEPEST:
                raise Unresolvable(url)  # it hangs on too long a chain of references
            self._compiler.shapes.of_profile(url)
            walk.tried[key] = None
            trial, place = walk.apart(), (None, str(value.get("resourceType")), None, "")
            contained = walk.root.get("contained")
            if isinstance(contained, list) and any(value is held for held in contained):
                self._one(value, place, trial, (url,))
            else:
                self.check(value, place, trial, profiles=(url,))
            asked = self._compiler.definitions.lineage(url)
            found = (entry for entry, _ in trial.issues if entry.is_error and entry.profile.split("|")[0] in asked)
            walk.tried[key] = next(found, None)
        return walk.tried[key]

    def _one(self, value: dict[str, Any], place: Place, walk: Walk, profiles: tuple[str, ...]) -> None:
        kind = value.get("resourceType")
        if not isinstance(kind, str) or not R4.is_a(kind, "Resource") or kind in _ABSTRACT:
            walk.fail("validate-type-unknown", place, name="none is given" if kind is None else shown(kind))
            return
        outer = walk.resource, walk.base
        walk.resource, walk.base = value, place
        more = _RULES.get(kind)
        try:
            self._compiled(kind, self._claimed(value, kind, profiles, place, walk))(value, place, walk)
            if more is not None:
                more(value, place, walk, self._compiler)
            _each_once(value.get("contained"), place, walk)
        finally:
            walk.resource, walk.base = outer

    def _claimed(
        self, value: dict[str, Any], kind: str, profiles: tuple[str, ...], place: Place, walk: Walk
    ) -> tuple[str, ...]:
        """The profiles that can be checked; those that cannot are recorded."""
        meta = value.get("meta")
        claimed = meta.get("profile") if isinstance(meta, dict) else None
        if not walk.claims:
            claimed = None
        if not profiles and not claimed:
            return ()
        urls = (
            [*profiles, *(url for url in claimed if isinstance(url, str))] if isinstance(claimed, list) else [*profiles]
        )
        usable: dict[str, None] = {}
        for url in dict.fromkeys(urls):
            if (kind, url) in self._fitting:
                usable[url] = None
                continue
            try:
                shape = self._compiler.shapes.of_profile(url)
            except Unresolvable as missing:
                walk.skip(missing.code, place, **missing.told)
                continue
            if shape.types and not R4.is_a(kind, shape.types[0].code):
                wanted = shape.types[0].code
                walk.fail("validate-profile-type", place, None, url, profile=shown(url), wanted=wanted, type=kind)
                continue
            others = self._compiler.definitions.other_versions(url)
            for asked, served in others.items():
                walk.skip("validate-unchecked-version", place, asked=shown(asked), served=shown(served))
            settled = self._compiler.definitions.settled(url)
            usable[settled] = None
            if not others and url == settled:
                self._fitting.add((kind, url))
        return tuple(usable)

    def _compiled(self, kind: str, urls: tuple[str, ...]) -> Item:
        key = (kind, tuple(sorted(urls)))
        if key not in self._held:
            if len(self._held) >= _KEPT:
                self._held.clear()  # which profiles a resource claims together is for whoever sends it to say
            shape: Shape = self._compiler.shapes.of_type(kind)
            for url in key[1]:
                profile = self._compiler.shapes.of_profile(url)
                if profile.name in _ABSTRACT:
                    continue  # the type says all that it does
                shape = profile if shape is self._compiler.shapes.of_type(kind) else merge(shape, profile)
            self._held[key] = self._compiler.body(shape, kind, resource=True)
        return self._held[key]


def _each_once(contained: Any, place: Place, walk: Walk) -> None:
    """The check that no two contained resources have one id: a reference to it could mean either."""
    seen: set[str] = set()
    for index, held in enumerate(contained if isinstance(contained, list) else ()):
        name = held.get("id") if isinstance(held, dict) else None
        if isinstance(name, str):
            if name in seen:
                walk.fail("validate-contained-twice", (place, "contained", index, "contained"))
            seen.add(name)
