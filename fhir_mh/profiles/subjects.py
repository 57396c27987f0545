"""Whom a set of resources is about. One person, or it is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fhir_mh.errors import InvalidResource
from fhir_mh.issues import issue

if TYPE_CHECKING:
    from fhir_mh.profiles.addresses import Addresses, Entry

LITERAL = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
"""A reference by type and id, of a version too."""
SUBJECTS = ("subject", "patient", "for")
"""The elements by which a resource says whom it is about."""


def subjects_in(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(element, literal reference) of whom a resource says that it is about."""
    for name in SUBJECTS:
        subject = body.get(name)
        reference = subject.get("reference") if isinstance(subject, dict) else None
        if isinstance(reference, str):
            yield name, reference


def person_of(entries: Sequence[Entry], ctx: Addresses, *, same_person: bool) -> dict[str, Any]:
    """The beginning of the record's person, and in ctx how the resources name them.

    Raises InvalidResource where two people are named (map-two-people) or none (map-no-person).
    """
    patients = [entry for entry in entries if entry.resource.get("resourceType") == "Patient"]
    if len(patients) > 1 and not same_person:
        raise _two(_name(patients[0]), _name(patients[1]), patients[1].path)
    named: str | None = None
    for path, literal in _named(entries):
        if same_person and patients:
            break
        if named is not None and not _same(named, literal, ctx):
            raise _two(named, literal, path)
        if named is None:
            named = literal
    if patients:
        target = _target(patients[0], ctx)
        canonical = ctx.literal(*target) if target else None
        if named is not None and not same_person and ctx.resolve(unversioned(named)) != target:
            raise _two(_name(patients[0]), named, patients[0].path)
        ctx.person = named or canonical or ""
        return {} if ctx.person == canonical else {"reference": ctx.person}
    if named is None:
        raise InvalidResource(issues=[issue("map-no-person", "Bundle")])
    ctx.person = named
    return {"id": ctx.mint("Patient", named), "reference": named}


def _two(first: str, second: str, path: str) -> InvalidResource:
    return InvalidResource(issues=[issue("map-two-people", path, first=first, second=second)])


def _named(entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """(path, reference) of every resource's subject that is a Patient."""
    for entry in entries:
        for key, literal in subjects_in(entry.resource):
            if _is_patient(literal, entries):
                yield f"{entry.path}.{key}", literal


def _is_patient(literal: str, entries: Sequence[Entry]) -> bool:
    if literal.startswith("#"):
        return False  # a contained person cannot be anybody else's subject
    if literal.startswith("Patient/") or "/Patient/" in literal:
        return True
    return any(other.full_url == literal and other.resource.get("resourceType") == "Patient" for other in entries)


def unversioned(literal: str) -> str:
    """A reference without the version that it may name."""
    return literal.split("/_history/", maxsplit=1)[0]


def _same(first: str, second: str, ctx: Addresses) -> bool:
    first, second = unversioned(first), unversioned(second)
    if first == second:
        return True
    target = ctx.resolve(first)
    return target is not None and target == ctx.resolve(second)


def _target(entry: Entry, ctx: Addresses) -> tuple[str, str] | None:
    resource_id = entry.resource.get("id")
    for literal in (entry.full_url, f"Patient/{resource_id}" if resource_id else None):
        if literal and (found := ctx.resolve(literal)):
            return found
    return None


def _name(entry: Entry) -> str:
    return entry.full_url or f"Patient/{entry.resource.get('id', '?')}"
