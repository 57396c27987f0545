"""Value sets as sets of codes. What cannot be enumerated offline answers None: not known, never 'yes'.

See https://hl7.org/fhir/R4/valueset.html#expansion
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from fhir_mh.packages.definitions import Definitions
from fhir_mh.terminology import forms

MAX_DEPTH = 20
MAX_LISTED = 24  # codes that a message names
MAX_COMPARED = 500  # codes among which one that was meant is looked for
_HIERARCHICAL = {"is-a", "descendent-of", "is-not-a"}


class Expansion:
    """members: system -> its codes. unknown: systems of which some codes belong that cannot be listed here.

    whole is False where even the systems are not all known (a value set that is not at hand is imported).
    formed: those of the unknown that belong with all their codes, which are told by their form.
    """

    __slots__ = ("codes", "formed", "members", "unknown", "whole")

    def __init__(
        self,
        members: dict[str, frozenset[str]],
        unknown: frozenset[str],
        whole: bool,
        formed: frozenset[str] = frozenset(),
    ) -> None:
        self.members, self.unknown, self.whole, self.formed = members, unknown, whole, formed
        self.codes = frozenset().union(*members.values()) if members else frozenset[str]()

    @property
    def enumerable(self) -> bool:
        """Whether every answer is known."""
        return self.whole and not self.unknown

    def holds(self, system: str | None, code: str) -> bool | None:
        """Whether a coding is a member; None where that cannot be told. Without a system, any system serves."""
        found = code in self.codes if system is None else code in self.members.get(system, ())
        if found:
            return True
        asked = self.unknown if system is None else self.unknown & {system}
        answers = {forms.holds(one, code) if one in self.formed else None for one in asked}
        if True in answers:
            return True
        return None if not self.whole or None in answers else False

    def suggestion(self, coding: dict[str, Any], *, extensible: bool = False) -> str:
        """What to write instead of a coding that is no member: the system it lacks, or the codes there are."""
        code = str(coding.get("code"))
        if self.formed and not self.members:
            system = min(self.formed)
            lacks = f' Add "system": "{system}" to the coding.' if "system" not in coding else ""
            return forms.FORMS[system] + lacks
        unless = "; where none of them says it, yours may stand" if extensible else ""
        systems = sorted(system for system, codes in self.members.items() if code in codes)
        if systems and "system" not in coding:
            return f'Add "system": "{systems[0]}" to the coding.'
        if systems:
            return f"That code belongs to the system {systems[0]}: correct system, or the code."
        near = _near(code, self.codes) if len(self.codes) <= MAX_COMPARED else ""
        if not self.enumerable or len(self.codes) > MAX_LISTED:
            return f"{near}Use a code of that value set{unless}."
        return f"{near}Use one of: {', '.join(sorted(self.codes))}{unless}."


@lru_cache(maxsize=256)
def _near(code: str, codes: frozenset[str]) -> str:
    found = get_close_matches(code, codes, n=1)
    return f"Did you mean '{found[0]}'? " if found else ""


class Terminology:
    """The value sets of a set of definitions, expanded once each."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._held: dict[str, Expansion] = {}  # of what is not at hand nothing is kept: its names come from anybody
        self._systems: dict[str, dict[str, Any]] = {}
        self._displays: dict[str, dict[str, list[str]]] = {}

    def expand(self, url: str) -> Expansion | None:
        """The expansion of a value set by canonical URL; None where there is no such value set at hand."""
        found = self._held.get(url)
        if found is None:
            found = self._expand(url, 0)
            if found is not None:
                self._held[url] = found
        return found

    def system_holds(self, system: str, code: str) -> bool | None:
        """Whether a code system defines a code; None where its whole content is not at hand."""
        facts = self._systems.get(system)
        if facts is None:
            facts = self._definitions.code_system(system)
            if facts is None:
                return None
            self._systems[system] = facts
        if facts.get("content") != "complete" or not facts["concept"]:
            return None
        if code in facts["concept"]:
            return True
        return not facts.get("caseSensitive", True) and code.lower() in {held.lower() for held in facts["concept"]}

    def shown_by(self, system: str, code: str) -> list[str]:
        """The texts that a code may be shown by, the first the one to use; empty where they are not at hand."""
        held = self._displays.get(system)
        if held is None:
            held = self._definitions.displays(system)
            if held:
                self._displays[system] = held
        return held.get(code, [])

    def _expand(self, url: str, depth: int) -> Expansion | None:
        facts = self._definitions.value_set(url)
        if facts is None or depth > MAX_DEPTH:
            return None
        if "compose" not in facts:
            return self._listed(facts) if "expansion" in facts else None
        total: dict[str, set[str]] = {}
        unknown: set[str] = set()
        formed: set[str] = set()
        whole = True
        for entry in facts["compose"].get("include", ()):
            found = self._entry(entry, depth)
            whole = whole and found.whole
            unknown |= found.unknown
            formed |= found.formed
            for system, codes in found.members.items():
                total.setdefault(system, set()).update(codes)
        for entry in facts["compose"].get("exclude", ()):
            found = self._entry(entry, depth)
            unknown |= found.unknown & total.keys()
            formed -= found.unknown | found.members.keys()
            for system, codes in found.members.items():
                total.get(system, set()).difference_update(codes)
        members = {system: frozenset(codes) for system, codes in total.items()}
        return Expansion(members, frozenset(unknown), whole, frozenset(formed))

    def _listed(self, facts: dict[str, Any]) -> Expansion:
        total: dict[str, set[str]] = {}
        for entry in facts["expansion"]:
            total.setdefault(entry.get("system", ""), set()).add(entry["code"])
        return Expansion({s: frozenset(codes) for s, codes in total.items()}, frozenset(), True)

    def _entry(self, entry: dict[str, Any], depth: int) -> Expansion:
        imported = [self._expand(url, depth + 1) for url in entry.get("valueSet", ())]
        if any(found is None for found in imported):
            return Expansion({}, frozenset(), False)
        parts = [found for found in imported if found is not None]
        if "system" in entry:
            parts.append(self._of_system(entry))
        result = parts[0] if parts else Expansion({}, frozenset(), True)
        for other in parts[1:]:
            both = {s: codes & other.members.get(s, frozenset()) for s, codes in result.members.items()}
            unknown = (result.unknown & (other.unknown | other.members.keys())) | (
                other.unknown & result.members.keys()
            )
            result = Expansion(both, unknown, result.whole and other.whole, result.formed & other.formed)
        return result

    def _of_system(self, entry: dict[str, Any]) -> Expansion:
        system = entry["system"]
        if "concept" in entry:
            return Expansion({system: frozenset(entry["concept"])}, frozenset(), True)
        facts = self._definitions.code_system(f"{system}|{entry['version']}" if "version" in entry else system)
        if facts is None or facts.get("content") != "complete" or not facts["concept"]:
            formed = frozenset() if entry.get("filter") else frozenset([system]) & forms.FORMS.keys()
            return Expansion({}, frozenset([system]), True, formed)
        codes: set[str] = set(facts["concept"])
        for rule in entry.get("filter", ()):
            kept = _filtered(facts, rule)
            if kept is None:
                return Expansion({}, frozenset([system]), True)
            codes &= kept
        return Expansion({system: frozenset(codes)}, frozenset(), True)


def _filtered(facts: dict[str, Any], rule: dict[str, Any]) -> set[str] | None:
    """The codes a filter keeps, None where it asks for what is not at hand.

    See https://hl7.org/fhir/R4/valueset-filter-operator.html
    """
    concepts: dict[str, list[str]] = facts["concept"]
    name, operation, value = rule.get("property"), rule.get("op"), rule.get("value")
    if not isinstance(value, str):
        return None
    if operation not in _HIERARCHICAL:
        said = concepts if name == "parent" else facts.get("property", {}).get(name)
        return None if said is None else _with_property(concepts, said, operation, value)
    if name not in ("concept", "code"):
        return None
    below, grown = {value}, True
    while grown:
        more = {code for code, parents in concepts.items() if code not in below and below.intersection(parents)}
        below |= more
        grown = bool(more)
    if operation == "descendent-of":
        return below - {value}
    return set(concepts) - below if operation == "is-not-a" else below & concepts.keys()


def _with_property(
    concepts: dict[str, list[str]], said: dict[str, list[str]], operation: Any, value: str
) -> set[str] | None:
    """The codes whose values of a property are as a filter asks. said: those that each code has, by code."""
    if operation == "exists":
        have = {code for code, values in said.items() if values}
        return have if value == "true" else set(concepts) - have
    wanted = {value} if operation == "=" else {one.strip() for one in value.split(",")}
    having = {code for code, values in said.items() if not wanted.isdisjoint(values)}
    if operation in ("=", "in"):
        return having
    return set(concepts) - having if operation == "not-in" else None
