"""Decisions of a person's about sharing that disagree, and which counts is not clear: somebody asks them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fhir_mh.consent import AccessContext, Tie
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.setting_aside import is_raised, raise_task
from fhir_mh.gateway.spreading import partners_of
from fhir_mh.gateway.standing import DECIDING, DECIDING_OF_OTHERS, Standing, now_of, standing
from fhir_mh.gateway.writing import Check
from fhir_mh.profiles.bundle import table_of
from fhir_mh.store import Tx

_NEITHER = "and neither is the later"
_NO_EXCEPTION = "and the one that permits is the later, but names no more than the one that denies"


def ask_about_ties(
    tx: Tx, home: Organisation, check: Check, person: str, kinds: Collection[str] = DECIDING, *, own: bool = True
) -> None:
    """Have the team ask the person where such decisions keep something from a partner; the denial holds.

    Of any two it is asked once, as soon as they concern one that takes part, has asked for the plan, or is named by
    either. kinds: the types of the resources that were stored. own: whether they are ours.
    """
    if (DECIDING if own else DECIDING_OF_OTHERS).isdisjoint(kinds):
        return
    sides, partners = tx.merges.sides(person), partners_of(tx, home)
    if not partners or not any(_decided(tx, one) for one in sides):
        return
    stands, now, found = standing(tx, person, home.ods), now_of(tx), dict[tuple[str, str, bool], set[str]]()
    for partner in partners:
        for tie in _concerning(stands, partner, now):
            found.setdefault((tie.permission, tie.denial, tie.later), set()).add(partner)
    for (permission, denial, later), concerned in sorted(found.items()):
        if any(is_raised(tx, _name(one, permission, denial)) for one in sides):
            continue
        said = (
            f"Two decisions of this person about sharing with {', '.join(sorted(concerned))} disagree, "
            f"{_NO_EXCEPTION if later else _NEITHER}. Until that is clear nothing is shared that either denies. Ask "
            "the person, and record it."
        )
        raise_task(tx, home, check, person, _name(person, permission, denial), "unclear-item", said, once=True)


def _decided(tx: Tx, person: str) -> bool:
    """Whether any decision about sharing is held, and not only what the person refuses."""
    tables = (table_of(stored.body()) for stored in tx.person_resources(person, type="Consent"))
    return any(table is not None and table.field == "sharing" for table in tables)


def _concerning(stands: Standing, partner: str, now: str) -> Iterator[Tie]:
    """The ties by which something is kept from a partner."""
    known = stands.takes_part(partner) or partner in stands.asking
    ties = {*stands.may_be_sent(partner, now).tied, *stands.decide(AccessContext(partner), now).tied}
    return (tie for tie in ties if known or tie.named)


def _name(person: str, *two: str) -> str:
    """The name of the Task about two decisions, whatever else was decided and whichever of the partners it is about."""
    return "/".join([person, "tied", *sorted(two)])
