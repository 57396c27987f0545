"""Safety concerns: who may raise one, keep it and read it."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "concern-not-a-record": Code(
        "error",
        "business-rule",
        "A safety concern is no part of anybody's record, and is not kept or sent with one.",
        "Take it out here and send it to POST /concerns of the organisation that is to look into it.",
    ),
    "concern-own-service": Code(
        "error",
        "business-rule",
        "The organisation complained of cannot be the one that looks into it.",
        "Raise the concern with another organisation, such as the commissioner.",
    ),
    "concern-owner": Code(
        "error",
        "business-rule",
        "This gateway keeps concerns that its own organisation looks into, and no others.",
        "Leave the owner out, or raise the concern at the gateway of the organisation that is to own it.",
    ),
    "concern-answered-already": Code(
        "error",
        "business-rule",
        "A concern that is only now raised has no reply and no outcome.",
        "Leave the replies and the status out.",
    ),
    "concern-not-for-you": Code(
        "error",
        "forbidden",
        "This system acts for the organisation complained of.",
        "Raise the concern with a system of somebody else's, such as the commissioner's or an advocate's.",
    ),
    "concern-not-found": Code(
        "error",
        "not-found",
        "There is no such concern, or it is not yours to read.",
        "Use the token of a client with the role concerns, or the receipt that was given when it was raised.",
    ),
    "concern-clerks-only": Code(
        "error",
        "forbidden",
        "Concerns are looked after by this organisation's own clients with the role concerns.",
        "Use the token of a client with the role concerns.",
    ),
}
