"""What an Act asks of a plan, and nothing in the record says."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "law-care-and-treatment-plan": Code(
        "warning",
        "business-rule",
        "The person is detained, and no plan in force is their statutory care and treatment plan ({law}).",
        "Make the plan, or give the plan that it is the category care-and-treatment-plan.",
    ),
    "law-nominated-person-consulted": Code(
        "warning",
        "business-rule",
        "Nothing says that the nominated person was consulted on this plan as it is now ({law}).",
        "Consult them, and record what they said to this version as an agreement.",
    ),
    "law-help-with-choice-document": Code(
        "warning",
        "business-rule",
        "Since this discharge, nothing says that help with an advance choice document was offered ({law}).",
        "Offer it, and record when: an advance choice document of status proposed is enough.",
    ),
}
