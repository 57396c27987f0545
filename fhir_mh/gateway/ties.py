"""Decisions of a person's about sharing that disagree, and of which none is the later: somebody asks the person."""

from __future__ import annotations

from collections.abc import Collection

from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.setting_aside import raise_task
from fhir_mh.gateway.spreading import partners_of
from fhir_mh.gateway.standing import now_of, standing
from fhir_mh.gateway.writing import Check
from fhir_mh.store import Tx


def ask_about_ties(tx: Tx, home: Organisation, check: Check, person: str, kinds: Collection[str]) -> None:
    """Have the team ask the person, once, where what was stored may have brought such decisions; the denial holds.

    kinds: the types of the resources that were stored.
    """
    if "Consent" not in kinds:
        return
    stands, now, found = standing(tx, person, home.ods), now_of(tx), dict[str, list[str]]()
    for partner in partners_of(tx, home):
        decision = stands.may_be_sent(partner, now)
        if decision.tied:
            name = "/".join([person, "tied", *sorted({*decision.winners, *decision.losers})])
            found.setdefault(name, []).append(partner)
    for name, partners in found.items():
        said = (
            f"Two decisions of this person about sharing with {', '.join(sorted(partners))} disagree, and neither is "
            "the later. Until that is clear nothing is shared that either denies. Ask the person, and record it."
        )
        raise_task(tx, home, check, person, name, "unclear-item", said, once=True)
