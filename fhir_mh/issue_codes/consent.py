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
    "consent-rule-unclear": Code(
        "warning",
        "informational",
        "What {name} names here is not looked into: where this rule, or one in it, denies, it denies the whole of the "
        "sections that it and the rules around it name; where it permits, it permits nothing.",
        "Let the rule name sections, organisations and purposes alone where that is what the person wants.",
    ),
    "consent-not-own": Code(
        "error",
        "forbidden",
        "Only the systems of the organisation itself read this or write here.",
        "Read and write through your own organisation's gateway.",
    ),
}
