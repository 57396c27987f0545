"""A person as a home team sends one: a crisis plan, and a placement that lets a ward far away have it."""

from __future__ import annotations

from typing import Any

HOME, WARD = "ZCT1", "ZOA1"


def plan_of(number: str) -> str:
    """The id of a person's crisis plan, the same everywhere."""
    return f"00000000-0000-4000-8000-00000000{number[-4:]}"


def person(number: str, title: str) -> dict[str, Any]:
    organisations = [{"id": f"{ods}-{number}", "ods": ods, "name": ods} for ods in (HOME, WARD)]
    stay = {"requested_by": {"id": f"{HOME}-{number}"}, "provider": {"id": f"{WARD}-{number}"}}
    return {
        "person": {"nhs_number": number, "names": [{"family": "Example"}], "birth_date": "1984-02-03"},
        "organisations": organisations,
        "crisis_plans": [{"id": plan_of(number), "title": title, "status": "active"}],
        "placements": [{"id": f"stay-{number}", "status": "active", "level": "2", **stay}],
    }
