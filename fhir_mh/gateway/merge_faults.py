"""What speaks against two persons being one, and what the two say differently of who they are. Pure but for reading."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fhir_mh.gateway.identity import nhs_number_of
from fhir_mh.gateway.sameness import former_numbers_in, is_verified, judge, nhs_number_in
from fhir_mh.gateway.together import Side, Together
from fhir_mh.issues import Issue, issue
from fhir_mh.mapping.merge import merge
from fhir_mh.mapping.row_paths import value_at
from fhir_mh.store import Seal, StoredResource, Tx

_WHO = ("id", "reference", "nhs_number", "nhs_number_status", "former_nhs_numbers", "identifiers", "unknown", "numbers")
"""What says by what a person is known, and what a format keeps for itself: that of each side stays that side's."""


def faults(tx: Tx, kept: Together, superseded: Together) -> list[Issue]:
    """Why these two cannot be merged as they are held; nothing where they can."""
    found: list[Issue] = []
    if {side.person for side in kept.sides} & {side.person for side in superseded.sides}:
        return [issue("merge-state", "superseded")]
    ours, theirs = _patients(tx, kept), _patients(tx, superseded)
    if nhs_number_of(tx, kept.kept.person) is None and nhs_number_of(tx, superseded.kept.person) is not None:
        found.append(issue("merge-contradiction", "kept", what="only the other one has an NHS number to be used"))
    for one in theirs:
        place = f"Patient/{one.id}"
        without = {name: value for name, value in one.body().items() if name != "identifier"}
        if judge(without, [other.body() for other in ours], by_identifier=False).stop is not None:
            what = "they disagree about the date of birth"
            found.append(issue("merge-contradiction", f"{place}.birthDate", what=what))
        if any(_both_verified(one, other) for other in ours):
            what = "one organisation has verified both NHS numbers, and uses both"
            found.append(issue("merge-contradiction", f"{place}.identifier", what=what))
    people = {side.person for held in (kept, superseded) for side in held.sides}
    for name, held in (("kept", kept), ("superseded", superseded)):
        seals = [seal for side in held.sides for seal in tx.seals.find(person=side.person)]
        if any(not _is_decided(tx, seal, people) for seal in seals):
            found.append(issue("merge-sealed", name))
    return found


def _is_decided(tx: Tx, seal: Seal, people: Collection[str]) -> bool:
    """Whether people have said whose what is under a seal is, when they undid a merge of two of these."""
    undone = None if seal.undone_merge is None else tx.merges.get(seal.undone_merge)
    return undone is not None and {undone.kept, undone.superseded} <= {*people}


def _patients(tx: Tx, held: Together) -> list[StoredResource]:
    return [
        one for side in held.sides for one in tx.person_resources(side.person) if one.type == "Patient"
    ]  # fmt: skip


def _both_verified(one: StoredResource, other: StoredResource) -> bool:
    """Whether one custodian says of two numbers in use that both are verified."""
    first, second = one.body(), other.body()
    numbers = nhs_number_in(first), nhs_number_in(second)
    former = {*former_numbers_in(first), *former_numbers_in(second)}
    return (
        one.custodian == other.custodian
        and None not in numbers
        and numbers[0] != numbers[1]
        and former.isdisjoint(numbers)
        and is_verified(first)
        and is_verified(second)
    )


def differing(kept: Side, superseded: Side) -> Iterator[tuple[str, Any, Any]]:
    """(row, what the kept side says, what the other says) of who they are, where the other says otherwise, or more."""
    ours = {"person": _rest(kept.tree["person"])}
    theirs = {"person": _rest(superseded.tree["person"])}
    merged = merge(ours, {"person": {}}, theirs)
    rows: Sequence[str] = [*(one.path for one in merged.conflicts), *(one.path for one in merged.changes)]
    for path in sorted(rows):
        yield path, value_at(ours, path), value_at(theirs, path)


def _rest(person: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in person.items() if name not in _WHO}
