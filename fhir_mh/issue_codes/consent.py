"""What may not be read or written, and by whom."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "consent-denied": Code("error", "forbidden", "{sentence}", "Ask the person, or the team that leads their plan."),
    "consent-not-shared": Code(
        "error",
        "forbidden",
        "This is not shared with the organisation that asks.",
        "Ask the person, or the team that leads their plan.",
    ),
    "consent-no-person": Code(
        "error",
        "forbidden",
        "This is about no person whose sharing could allow it; only the organisation that keeps it reads it.",
        "Read it with Patient/$everything, where it comes along with what refers to it.",
    ),
    "consent-not-own": Code(
        "error",
        "forbidden",
        "Only the systems of the organisation itself read this or write here.",
        "Read and write through your own organisation's gateway.",
    ),
}
