"""Looking definitions up: what a user's packages say first, then what these rest on, our own package, the R4 base."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fhir_mh.packages.base import base_facts
from fhir_mh.packages.dependencies import Resolved
from fhir_mh.packages.facts import KINDS, Facts
from fhir_mh.packages.pinning import canonicals, pinned
from fhir_mh.packages.source import Definition, Package
from fhir_mh.packages.versions import parted, serves
from fhir_mh.version import VERSION

TYPE_URL = "http://hl7.org/fhir/StructureDefinition/"
_OURS = "fhir-mh"
_R4 = "4.0.1"


class Held(NamedTuple):
    """One version of a definition at hand. package: None for the R4 base, whose facts stand as they are."""

    package: Package | None
    url: str
    version: str
    definition: Definition | Facts


class Definitions:
    """Facts by canonical URL, of which several versions may be at hand.

    A canonical that names a version is that version, or of `1.2` the 1.2.x that comes first; where that is not at hand
    what comes first serves, and other_versions says so. In a definition, a canonical without a version is what its own
    package has, else what the packages have that this one rests on; elsewhere it is what comes first. The order is:
    resources, packages named (a later one before an earlier one), those they rest on, our own, and the R4 base.

    notes: what packages rest on that is not at hand or cannot be used, and what is odd in what was given, in sentences.
    """

    def __init__(
        self, packages: Sequence[str | Path] = (), *, resources: Iterable[Facts] = (), own: bool = True
    ) -> None:
        """packages: see open_package. resources: definitions as parsed JSON. own: load the shipped package.

        Raises PackageError when a package is missing or broken, or of another FHIR release.
        """
        self._own = Package(_OURS, VERSION)
        self._own_facts: dict[str, Facts] = base_facts("own") if own else {}
        self._resolved = Resolved(packages, self._own if own else None)
        given = Package()
        for resource in resources:
            given.add(resource, str(resource.get("url", "what was given")))
        self.notes = [*self._resolved.notes, *given.notes]
        self._held: dict[tuple[str, str], list[Held]] = {}
        for package in (given, *self._resolved.packages):
            self._take(package)
        self._several = {key for key in self._held if len(self._versions(*key)) > 1}
        self._pinned: dict[tuple[str, str], Facts] = {}
        self._others: dict[str, dict[str, str]] = {}
        self._lineages: dict[str, tuple[str, ...]] = {}

    def structure(self, url: str) -> Facts | None:
        """The facts of a profile, extension or type."""
        return self._facts("StructureDefinition", url)

    def lineage(self, url: str) -> tuple[str, ...]:
        """URLs, without versions, of a profile and of all that it derives from, as far as they are at hand."""
        found = self._lineages.get(url)
        if found is None:
            seen: dict[str, None] = {}
            here: object = url
            while isinstance(here, str) and parted(here)[0] not in seen:
                seen[parted(here)[0]] = None
                facts = self.structure(here)
                here = facts.get("baseDefinition") if facts is not None else None
            found = tuple(seen)
            if len(seen) > 1:  # of what is not at hand nothing is kept: its names come from anybody
                self._lineages[url] = found
        return found

    def type_facts(self, name: str) -> Facts | None:
        """The facts of an R4 data type or resource by its name (`HumanName`)."""
        return base_facts("types").get(TYPE_URL + name)

    def value_set(self, url: str) -> Facts | None:
        """The facts of a value set."""
        return self._facts("ValueSet", url)

    def code_system(self, url: str) -> Facts | None:
        """The facts of a code system, with the codes it lists."""
        return self._facts("CodeSystem", url)

    def displays(self, system: str) -> dict[str, list[str]]:
        """code -> the texts it may be shown by, of a code system; empty where they are not at hand."""
        facts = self.code_system(system)
        if facts is None:
            return {}
        return facts.get("display") or base_facts("displays").get(facts["url"], {})

    def search_parameter(self, url: str) -> Facts | None:
        """The facts of a search parameter."""
        return self._facts("SearchParameter", url)

    def questionnaire(self, url: str) -> Facts | None:
        """The facts of a questionnaire: its items."""
        return self._facts("Questionnaire", url)

    def kind_of(self, url: str) -> str | None:
        """What a canonical URL is of: a resource type; None where nothing of that URL is at hand."""
        return next((kind for kind in KINDS if self._facts(kind, url) is not None), None)

    def profiles(self) -> list[str]:
        """URLs of the profiles and extensions that packages brought, beyond the R4 base."""
        own = {url for url, facts in self._own_facts.items() if facts["resourceType"] == "StructureDefinition"}
        return sorted(own | {url for kind, url in self._held if kind == "StructureDefinition"})

    def settled(self, url: str) -> str:
        """The canonical of the profile that serves for this one: with its version, where several are at hand."""
        found = self._serving("StructureDefinition", url)
        if found is None:
            return url
        return f"{found.url}|{found.version}" if ("StructureDefinition", found.url) in self._several else found.url

    def other_versions(self, url: str) -> dict[str, str]:
        """Canonical asked for -> version that served instead, of a profile and of what it names.

        Counted as named are its parents, and what it and these name for their elements: value sets that bind, profiles,
        and the profiles of what references lead to.
        """
        settled = self.settled(url)
        if settled not in self._others:
            self._others[settled] = dict(self._others_named(settled))
        return self._others[settled] | dict(self._other("StructureDefinition", url))

    def _others_named(self, url: str) -> Iterator[tuple[str, str]]:
        seen: set[str] = set()
        while url and url not in seen:
            seen.add(url)
            facts = self.structure(url)
            if facts is None or facts.get("derivation") != "constraint":
                return
            for kind, canonical in canonicals(facts):
                yield from self._other(kind, canonical)
            url = facts.get("baseDefinition", "")

    def _other(self, kind: str, canonical: str) -> Iterator[tuple[str, str]]:
        asked = parted(canonical)[1]
        found = self._serving(kind, canonical) if asked else None
        if found is not None and not serves(found.version, asked):
            yield canonical, found.version or "none"

    def _take(self, package: Package) -> None:
        """The versions that a package has: of what it holds twice in one version the last, after all that came."""
        mine: dict[tuple[str, str], dict[str, Held]] = {}
        for one in package.definitions:
            if one.kind != "StructureDefinition" or one.url not in base_facts("types"):
                versions = mine.setdefault((one.kind, one.url), {})
                versions.pop(one.version, None)
                versions[one.version] = Held(package, one.url, one.version, one)
        for key, versions in mine.items():
            held = self._held.setdefault(key, [])
            known = {one.version for one in held}
            held += [one for one in reversed(versions.values()) if one.version not in known]

    def _facts(self, kind: str, canonical: str) -> Facts | None:
        found = self._serving(kind, canonical)
        if found is None:
            return None
        if not self._several or found.package is None:
            return _facts_of(found)
        key = (kind, f"{found.url}|{found.version}")
        if key not in self._pinned:
            self._pinned[key] = self._pin(_facts_of(found), found.package)
        return self._pinned[key]

    def _serving(self, kind: str, canonical: str) -> Held | None:
        """What serves for a canonical: the version asked for, else what comes first."""
        url, asked = parted(canonical)
        held = self._versions(kind, url)
        found = next((one for one in held if not asked or one.version == asked), None)
        found = found or next((one for one in held if serves(one.version, asked)), None)
        if found is not None:
            return found
        base = _base(kind, url)
        return base if base is not None and (not held or serves(base.version, asked)) else held[0] if held else None

    def _versions(self, kind: str, url: str) -> list[Held]:
        """The versions that packages brought, our own last."""
        held = self._held.get((kind, url), [])
        own = self._own_facts.get(url)
        if own is None or own["resourceType"] != kind or any(one.version == own.get("version", "") for one in held):
            return held
        return [*held, Held(self._own, url, own.get("version", ""), own)]

    def _pin(self, facts: Facts, package: Package) -> Facts:
        """Facts of a package in which each canonical that several versions could serve says which it means."""
        context = self._resolved.context(package)

        def pin(kind: str, canonical: str) -> str:
            if (kind, canonical) not in self._several:
                return canonical
            versions = self._versions(kind, canonical)
            near = (held for each in context for held in versions if held.package is each)
            version = next(near, versions[0]).version
            return f"{canonical}|{version}" if version else canonical

        return pinned(facts, pin)


def _facts_of(held: Held) -> Facts:
    return held.definition.facts() if isinstance(held.definition, Definition) else held.definition


def _base(kind: str, url: str) -> Held | None:
    """The definition of R4 itself, which tells its version where that is another than R4's own."""
    if kind == "StructureDefinition":
        found = base_facts("types").get(url) or base_facts("profiles").get(url)
    elif kind == "Questionnaire":
        return None
    else:
        found = base_facts("searches" if kind == "SearchParameter" else "terminology").get(url)
    if found is None or found["resourceType"] != kind:
        return None
    return Held(None, url, found.get("version", _R4), found)
