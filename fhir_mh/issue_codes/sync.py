"""What partners say to each other."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "sync-envelope": Code(
        "error",
        "structure",
        "The envelope does not fit the protocol: {expected} is expected here.",
        "See docs/sync-protocol.md, 'The envelope'.",
    ),
    "sync-identity": Code(
        "error",
        "business-rule",
        "The {what} of this person is not the one held here.",
        "People on both sides check whether this is the same person; until then nothing is mixed.",
    ),
    "sync-custody": Code(
        "error",
        "forbidden",
        "{reference} is kept by another organisation than the sender.",
        "Send only what you are the custodian of; propose changes to the rest.",
    ),
    "sync-no-projection": Code(
        "error",
        "not-found",
        "The sender was never sent what it proposes to change.",
        "Ask the custodian for a current copy first.",
    ),
    "sync-editions-lost": Code(
        "warning",
        "business-rule",
        "An edition is held here that its custodian does not know to have made: its store is older than its copies.",
        "The custodian compares its record with its partners' copies, and records again what was written since.",
    ),
    "sync-not-sent": Code(
        "error",
        "business-rule",
        "The sender marks as filed or opened what is later than any edition that it was sent.",
        "Mark the edition that is held, as the copy of the record names it.",
    ),
    "sync-unknown-person": Code(
        "error",
        "not-found",
        "Nobody of that NHS number, or without one of those identifiers, is known here.",
        "Send a snapshot with the Patient and an NHS number first, or have the person registered there.",
    ),
    "sync-unknown-verb": Code(
        "error", "not-supported", "A {verb} of this kind is not understood.", "See docs/sync-protocol.md."
    ),
    "sync-unsigned": Code(
        "error",
        "login",
        "It is not proven who sent this: {problem}.",
        "Sign it as docs/sync-protocol.md, 'Who is asking', says, with the secret of this pair.",
    ),
    "sync-clock": Code(
        "error",
        "login",
        "The time of this request is more than {minutes} minutes off.",
        "Set the clocks of both machines right.",
    ),
    "sync-not-addressed": Code(
        "error", "login", "This is addressed to another organisation.", "Correct the partner's address or ODS code."
    ),
    "sync-answer-unproven": Code(
        "error",
        "security",
        "It is not proven that the partner's gateway gave this answer: {problem}.",
        "See whether both sides hold the same secret, and what stands between them.",
    ),
    "sync-unreachable": Code(
        "error", "transient", "The partner does not answer ({reason}).", "Nothing: it is tried again by itself."
    ),
    "sync-unexpected-answer": Code(
        "error",
        "transient",
        "The partner answered {status}, which is no answer of this protocol.",
        "See whether its address is right and its gateway in order.",
    ),
    "sync-too-large": Code(
        "error", "too-long", "This is larger than {limit} bytes.", "Send fewer messages in one request."
    ),
    "sync-refused": Code(
        "error",
        "processing",
        "The partner refused this for good.",
        "fhir-mh deliveries list shows the code, fhir-mh explain CODE what it means; once that is mended, replay.",
    ),
    "sync-no-receipt": Code(
        "error", "transient", "The partner gave no receipt for this message.", "Nothing: it is tried again by itself."
    ),
    "sync-failed": Code(
        "error", "exception", "This message could not be {step} ({reason}).", "Report this: it is a fault in fhir_mh."
    ),
    "sync-unknown-partner": Code(
        "error",
        "not-found",
        "No partner of this ODS code is configured.",
        "Correct the code, or add the partner to [[partners]].",
    ),
    "sync-backlog-old": Code(
        "warning",
        "transient",
        "A message for {partner} has waited for more than {minutes} minutes.",
        "fhir-mh deliveries list shows the seq of each lane's first message; fhir-mh deliveries show SEQ, what it "
        "waits for.",
    ),
    "sync-not-json": Code("error", "structure", "JSON is expected.", "Send it as application/json."),
    "sync-foreign-finding": Code("error", "processing", "The partner reports '{code}'.", "Ask the partner."),
    "sync-no-such-lane": Code(
        "error", "not-found", "There is no such lane, or it is not halted.", "List the deliveries again."
    ),
    "sync-unknown-custodian": Code(
        "error",
        "forbidden",
        "{custodian} keeps what this changes, and is not a partner of this gateway.",
        "Name it as a partner, or change only what is kept here.",
    ),
    "sync-quarantine-role": Code(
        "error",
        "forbidden",
        "What was set aside is read and thrown out by this organisation's own clients with the role quarantine; its "
        "operators may list it and try it again.",
        "Use the token of a client with the role quarantine.",
    ),
    "sync-retracted": Code(
        "error",
        "business-rule",
        "{reference} was retracted as recorded for the wrong person, and is sealed here.",
        "Write it anew, under an id of its own, for the person it is about.",
    ),
    "sync-unreadable": Code("error", "structure", "What was sent could not be read.", "See the other findings."),
}
