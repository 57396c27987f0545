"""Looking definitions up: what a user's packages say first, then our own package, then the R4 base."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fhir_mh.packages.base import base_facts
from fhir_mh.packages.facts import facts_of
from fhir_mh.packages.source import read_package

TYPE_URL = "http://hl7.org/fhir/StructureDefinition/"

Facts = dict[str, Any]


class Definitions:
    """Facts by canonical URL. A version after `|` is honoured where that version is at hand, else any serves."""

    def __init__(
        self, packages: Sequence[str | Path] = (), *, resources: Iterable[dict[str, Any]] = (), own: bool = True
    ) -> None:
        """packages: see read_package. resources: definitions given as parsed JSON. own: load the shipped package.

        Raises PackageError when a package is missing or broken.
        """
        self._held: dict[str, Facts] = dict(_own_package()) if own else {}
        for package in packages:
            for definition in read_package(package):
                self.add(definition)
        for definition in resources:
            self.add(definition)

    def add(self, definition: dict[str, Any]) -> None:
        """Take one more definition; a later one replaces an earlier one of the same URL."""
        facts = facts_of(definition)
        if facts is not None and not _is_base_type(facts):
            self._held[facts["url"]] = facts

    def structure(self, url: str) -> Facts | None:
        """The facts of a profile, extension or type."""
        found = self._find(url, "StructureDefinition")
        if found is None:
            bare = url.split("|", maxsplit=1)[0]
            found = base_facts("types").get(bare) or base_facts("profiles").get(bare)
        return found

    def type_facts(self, name: str) -> Facts | None:
        """The facts of an R4 data type or resource by its name (`HumanName`)."""
        return base_facts("types").get(TYPE_URL + name)

    def value_set(self, url: str) -> Facts | None:
        """The facts of a value set."""
        return self._find(url, "ValueSet") or _base_terminology(url, "ValueSet")

    def code_system(self, url: str) -> Facts | None:
        """The facts of a code system, with the codes it lists."""
        return self._find(url, "CodeSystem") or _base_terminology(url, "CodeSystem")

    def profiles(self) -> list[str]:
        """URLs of the profiles and extensions that packages brought, beyond the R4 base."""
        return sorted(url for url, facts in self._held.items() if facts["resourceType"] == "StructureDefinition")

    def _find(self, url: str, kind: str) -> Facts | None:
        found = self._held.get(url) or self._held.get(url.split("|", maxsplit=1)[0])
        return found if found is not None and found["resourceType"] == kind else None


def _is_base_type(facts: Facts) -> bool:
    """R4's own types come from the base alone, so that a package cannot bend them."""
    return facts["resourceType"] == "StructureDefinition" and facts["url"] in base_facts("types")


def _base_terminology(url: str, kind: str) -> Facts | None:
    found = base_facts("terminology").get(url.split("|", maxsplit=1)[0])
    return found if found is not None and found["resourceType"] == kind else None


def _own_package() -> dict[str, Facts]:
    """Our own profiles and the UK Core definitions they rest on."""
    return base_facts("own")
