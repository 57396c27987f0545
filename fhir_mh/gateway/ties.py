"""Decisions of a person's about sharing that disagree, and of which none is the later: somebody asks the person."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.setting_aside import is_raised, raise_task
from fhir_mh.gateway.spreading import partners_of
from fhir_mh.gateway.standing import now_of, standing
from fhir_mh.gateway.writing import Check
from fhir_mh.store import Tx


def ask_about_ties(tx: Tx, home: Organisation, check: Check, person: str, kinds: Collection[str]) -> None:
    """Have the team ask the person where what was stored may have brought such decisions; the denial holds.

    Of any two it is asked once. kinds: the types of the resources that were stored.
    """
    if "Consent" not in kinds:
        return
    stands, now, found = standing(tx, person, home.ods), now_of(tx), dict[tuple[str, ...], set[str]]()
    for partner in partners_of(tx, home):
        for tie in stands.may_be_sent(partner, now).tied:
            found.setdefault(tuple(sorted(tie)), set()).add(partner)
    sides = tx.merges.sides(person)
    for two, partners in found.items():
        if any(is_raised(tx, _name(one, two)) for one in sides):
            continue
        said = (
            f"Two decisions of this person about sharing with {', '.join(sorted(partners))} disagree, and neither is "
            "the later. Until that is clear nothing is shared that either denies. Ask the person, and record it."
        )
        raise_task(tx, home, check, person, _name(person, two), "unclear-item", said, once=True)


def _name(person: str, two: Iterable[str]) -> str:
    """The name of the Task about two decisions, whatever else was decided and whichever of the partners it is about."""
    return "/".join([person, "tied", *two])
