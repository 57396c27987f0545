"""Validator: the way in."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fhir_mh.errors import InvalidResource, PackageError
from fhir_mh.fhir.json import MAX_DEPTH, load_object
from fhir_mh.issues import Issue, issue
from fhir_mh.packages.definitions import Definitions
from fhir_mh.packages.model import R4
from fhir_mh.validation.checkers import Checkers
from fhir_mh.validation.positions import position
from fhir_mh.validation.report import Report
from fhir_mh.validation.rule_sets import RULE_SETS, held_to
from fhir_mh.validation.shapes import Unresolvable
from fhir_mh.validation.walk import Place, Walk, keys, shown


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
    def missing_packages(self) -> tuple[str, ...]:
        """What the packages rest on and is not at hand, or cannot be used: a sentence for each.

        Where a resource needs something of it, its report says so in not_checked.
        """
        return tuple(self._definitions.missing)

    def require(self, profiles: Sequence[str]) -> None:
        """Raises PackageError when one of these profiles is not at hand."""
        for url in profiles:
            try:
                with self._lock:
                    self._checkers.shapes.of_profile(url)
            except Unresolvable as missing:
                raise PackageError(
                    f"The profile {shown(str(missing))} is not at hand: name the package that defines it."
                ) from None

    def validate(self, resource: dict[str, Any] | str | bytes, profiles: Sequence[str] = ()) -> Report:
        """What is wrong with a resource, and what could not be checked; never raises for what the resource holds.

        resource: parsed JSON (see fhir_mh.fhir.json) or its text; text also gives lines and columns.
        profiles: URLs that it must meet besides those in meta.profile.
        Raises PackageError when a profile named here is not at hand, or a package holds one that cannot be read.
        See https://hl7.org/fhir/R4/validation.html
        """
        self.require(profiles)
        if not isinstance(resource, dict | str | bytes | bytearray):
            return Report((issue("json-not-an-object", "$"),))  # type: ignore[unreachable]
        text = _text(resource)
        try:
            held = resource if isinstance(resource, dict) else load_object(resource)
        except InvalidResource as fault:
            return Report(fault.issues)
        walk = Walk(R4)
        kind = held.get("resourceType")
        place: Place = (
            None,
            kind if isinstance(kind, str) and kind.isalpha() and kind.isascii() else "Resource",
            None,
            "",
        )
        try:
            with self._lock:
                self._checkers.resources.check(held, place, walk, profiles=tuple(profiles))
        except RecursionError:
            walk.issues.append((issue("json-too-deep", place[1], limit=MAX_DEPTH), place))
        wrong, unchecked = held_to(self._rules, walk.issues), held_to(self._rules, walk.unchecked)
        return Report(_placed(wrong, text), _placed(unchecked, text))


def _text(resource: dict[str, Any] | str | bytes) -> str | None:
    if isinstance(resource, dict):
        return None
    return resource if isinstance(resource, str) else bytes(resource).decode("utf-8-sig", "replace")


def _placed(found: list[tuple[Issue, Place]], text: str | None) -> tuple[Issue, ...]:
    if text is None:
        return tuple(entry for entry, _ in found)
    placed = []
    for entry, place in found:
        line, column = position(text, keys(place))
        placed.append(replace(entry, line=line, column=column))
    return tuple(placed)
