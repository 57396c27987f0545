"""Two persons who are one: who says so, what speaks against it, and how it is undone."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "merge-role": Code(
        "error",
        "forbidden",
        "Whether two persons are one is said by this organisation's clients with the role merges.",
        "Use the token of a client with the role merges.",
    ),
    "merge-unnamed": Code(
        "error",
        "forbidden",
        "This client has no name, so that it cannot be told from another one.",
        "Give each client with the role merges a name in the settings: [[clients]] name.",
    ),
    "merge-second-person": Code(
        "error",
        "forbidden",
        "A merge is made once a second client has approved of it within a day of being asked.",
        "Have another client with the role merges approve; after a day, ask for it again.",
    ),
    "merge-not-found": Code("error", "not-found", "There is no such merge.", "List the merges again."),
    "merge-state": Code(
        "error",
        "conflict",
        "This is not possible as things stand: they are one already, or not by this merge, or a later one rests on it.",
        "Read the merges of the person; the newest is undone first.",
    ),
    "merge-contradiction": Code(
        "error",
        "conflict",
        "These two cannot be one as they are held: {what}.",
        "Look who they are. Where one side is wrong, its custodian puts it right first.",
    ),
    "merge-sealed": Code(
        "error",
        "conflict",
        "Something of this person is under a seal, as another's: perhaps of just this other.",
        "Look at what is sealed, with a second person; two records of which anything is sealed are not merged.",
    ),
    "merge-superseded": Code(
        "error",
        "conflict",
        "This person is one with another here, and superseded by it. Nothing new is written by this id or number.",
        "Read the record anew: it leads to the one that is kept. Write there, with the ids that it shows.",
    ),
    "merge-in-force": Code(
        "warning",
        "informational",
        "This is one of two persons who are one here by a merge.",
        "Nothing, if you know it. If they are not one, have the merge undone.",
    ),
    "merge-unanswered": Code(
        "error",
        "business-rule",
        "Of what was written since the merge, this has no answer that fits it.",
        "Read the merge: each entry in written_since names the answers that it can be given.",
    ),
}
