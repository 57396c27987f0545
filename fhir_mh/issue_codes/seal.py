"""What was sealed because it is about the wrong person, and who may open it."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "seal-role": Code(
        "error",
        "forbidden",
        "What is about the wrong person is retracted, and opened, by this organisation's clients with the role seals.",
        "Use the token of a client with the role seals.",
    ),
    "seal-unnamed": Code(
        "error",
        "forbidden",
        "This client has no name, so that it cannot be told from another one.",
        "Give each client with the role seals a name in the settings: [[clients]] name.",
    ),
    "seal-second-person": Code(
        "error",
        "forbidden",
        "A seal is opened once two different clients have approved of it within a day.",
        "Have another client with the role seals approve too, with its reason.",
    ),
    "seal-not-found": Code("error", "not-found", "There is no such seal.", "List the seals again."),
    "seal-item": Code(
        "error",
        "not-found",
        "There is no such item in this record that this organisation keeps.",
        "Name the list and the id as the record has them; what others keep, they retract.",
    ),
}
