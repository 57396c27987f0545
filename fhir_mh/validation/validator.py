"""Validator: the way in."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from fhir_mh.errors import InvalidResource, PackageError
from fhir_mh.fhir.json import MAX_DEPTH
from fhir_mh.fhirpath.unread import load_resource
from fhir_mh.issues import issue
from fhir_mh.packages.definitions import Definitions
from fhir_mh.packages.model import R4
from fhir_mh.validation.checkers import Checkers
from fhir_mh.validation.positions import positions
from fhir_mh.validation.report import Report
from fhir_mh.validation.rule_sets import RULE_SETS, held_to, rule_set
from fhir_mh.validation.shapes import Unresolvable
from fhir_mh.validation.walk import Found, Place, Walk, keys, shown


class Validator:
    """Checks resources and Bundles against FHIR R4, their profiles, and the packages it was given.

    It reaches no network. Make one and keep it: definitions are compiled when first met. Safe to share between threads.
    """

    def __init__(
        self,
        packages: Sequence[str | Path] = (),
        *,
        resources: Iterable[dict[str, Any]] = (),
        rules: Collection[str] = RULE_SETS,
    ) -> None:
        """packages: .tgz files, folders, JSON files, or name#version in ~/.fhir/packages. resources: more definitions.

        rules: the rule sets that count (see rule_sets). What packages name as dependencies is taken from beside them
        and from ~/.fhir/packages. Our own profiles are always at hand.
        Raises PackageError when a package is missing, broken, or of another release than R4, ValueError for a rule set
        that there is not.
        """
        unknown = sorted(set(rules) - set(RULE_SETS))
        if unknown:
            raise ValueError(f"There is no rule set {unknown[0]}: there are {', '.join(RULE_SETS)}.")
        self._rules = frozenset(rules)
        self._definitions = Definitions(packages, resources=resources)
        self._checkers = Checkers(self._definitions)
        self._lock = threading.RLock()

    @property
    def package_notes(self) -> tuple[str, ...]:
        """What the packages rest on and is not at hand or cannot be used, and what is odd in them: a sentence for each.

        Where a resource needs something of it, its report says so in not_checked.
        """
        return tuple(self._definitions.notes)

    def require(self, profiles: Sequence[str]) -> None:
        """Raises PackageError when one of these profiles is not at hand."""
        for url in profiles:
            try:
                with self._lock:
                    self._checkers.shapes.of_profile(url)
            except RecursionError:
                raise PackageError(f"The profile {shown(url)} builds on itself and cannot be used.") from None
            except Unresolvable as missing:
                named = f"The profile {shown(str(missing))}"
                if missing.why:
                    raise PackageError(f"{named} cannot be used: {missing.why}.") from None
                raise PackageError(f"{named} is not at hand: name the package that defines it.") from None

    def validate(
        self,
        resource: dict[str, Any] | str | bytes | bytearray,
        profiles: Sequence[str] = (),
        *,
        within: Sequence[str | int] = (),
        errors_only: bool = False,
    ) -> Report:
        """What is wrong with a resource, and what could not be checked; never raises for what the resource holds.

        resource: parsed JSON (see fhir_mh.fhir.json) or its text; text also gives lines and columns.
        profiles: URLs that it must meet besides those in meta.profile. within: keys that lead to the resource where the
        text holds more than it; lines and columns are those of the whole text. errors_only: for whoever drops all but
        errors: rules that only advise are not looked at, so that what they would have told may be missing.
        Raises PackageError when a profile named here is not at hand, or a package holds one that cannot be read.
        See https://hl7.org/fhir/R4/validation.html
        """
        self.require(profiles)
        if isinstance(resource, bytearray):
            resource = bytes(resource)
        if not isinstance(resource, dict | str | bytes):
            return Report((issue("json-not-an-object", ""),))  # type: ignore[unreachable]
        try:
            held = resource if isinstance(resource, dict) else load_resource(resource)
        except InvalidResource as fault:
            return Report(fault.issues)
        for key in within:
            held = held[key]  # type: ignore[index]
        walk = self._walked(held, tuple(profiles), errors_only=errors_only)
        issues, unchecked = held_to(self._rules, walk.issues), held_to(self._rules, walk.unchecked)
        if "base" in self._rules and "profile" not in self._rules:
            # What R4 itself refuses may be told as a profile's demand where the profile asks for more of the same.
            plain = self._walked(held, (), claims=False, errors_only=errors_only)
            issues = [*held_to({"base"}, plain.issues), *(one for one in issues if rule_set(one[0]) != "base")]
            unchecked = [*held_to({"base"}, plain.unchecked), *(one for one in unchecked if rule_set(one[0]) != "base")]
        if (issues or unchecked) and not isinstance(resource, dict):
            issues, unchecked = _placed(issues, unchecked, _text(resource), within)
        return Report(tuple(entry for entry, _ in issues), tuple(entry for entry, _ in unchecked))

    def _walked(
        self, held: dict[str, Any], profiles: tuple[str, ...], *, claims: bool = True, errors_only: bool
    ) -> Walk:
        """All that is found, whatever rule set it is of."""
        walk = Walk(R4, claims=claims, errors_only=errors_only)
        kind = held.get("resourceType")
        place: Place = (
            None,
            kind if isinstance(kind, str) and kind.isalpha() and kind.isascii() else "Resource",
            None,
            "",
        )
        try:
            with self._lock:
                self._checkers.resources.check(held, place, walk, profiles=profiles)
        except RecursionError:
            walk.issues.append((issue("json-too-deep", place[1], limit=MAX_DEPTH), place))
        return walk


def _text(resource: str | bytes) -> str:
    return resource.removeprefix("\ufeff") if isinstance(resource, str) else resource.decode("utf-8-sig")


def _placed(
    issues: list[Found], unchecked: list[Found], text: str, within: Sequence[str | int]
) -> tuple[list[Found], list[Found]]:
    """The same findings, with lines and columns."""
    both = [*issues, *unchecked]
    at = positions(text, [[*within, *keys(place)] for _, place in both])
    placed = [(entry.located(line, column), place) for (entry, place), (line, column) in zip(both, at, strict=True)]
    return placed[: len(issues)], placed[len(issues) :]
