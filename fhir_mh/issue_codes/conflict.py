"""Conflicts between two texts, and what may be decided of them."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "conflict-not-found": Code(
        "error", "not-found", "There is no such conflict here.", "List the conflicts that wait: GET /conflicts."
    ),
    "conflict-decided": Code(
        "error",
        "conflict",
        "This conflict has been decided already, and otherwise.",
        "Read it to see how. To change the record again, change the row itself.",
    ),
    "conflict-moved-on": Code(
        "error",
        "conflict",
        "What stands in this row is not what stood there when the conflict arose.",
        "Read the conflict again; then decide with `instead_of`: what its `now` says. Where the entry is gone, keep.",
    ),
    "conflict-choice": Code(
        "error",
        "business-rule",
        "This cannot be decided in that way.",
        "Decide it by one of: {allowed}.",
    ),
    "conflict-ask-person": Code(
        "error",
        "business-rule",
        "This is a decision of the person's own, and nobody else's text takes its place.",
        "Ask the person; then keep it with `asked_person` true, or record what they decide now as a new directive.",
    ),
    "conflict-no-directive": Code(
        "error",
        "business-rule",
        "The record has no such directive that was recorded after the conflict arose.",
        "Record the new directive first, then name it by its id.",
    ),
    "conflict-decider": Code(
        "error",
        "required",
        "It is not said who decides.",
        "Name a professional of the record by id, or anybody else by `display`.",
    ),
}
