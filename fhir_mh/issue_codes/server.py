"""A partner's plain FHIR server, and what lies on it."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "server-token": Code(
        "error",
        "login",
        "The partner's FHIR server does not take the token, or not for this.",
        "Have whoever runs it issue one that may read and write what is exchanged, and put it into the token_file.",
    ),
    "server-refused": Code(
        "error",
        "processing",
        "The partner's FHIR server refused this for good, with {status}.",
        "Look into the server's own log, or ask whoever runs it; then replay.",
    ),
    "server-changed": Code(
        "error",
        "conflict",
        "On the partner's FHIR server lies something else than was seen there last.",
        "Nothing: it is taken in here first, and then this is tried again by itself.",
    ),
    "server-twice": Code(
        "error",
        "multiple-matches",
        "On the partner's FHIR server two resources say that they are the same item.",
        "Have whoever runs it see which of them is the right one, and delete the other; then replay.",
    ),
    "server-takes-none": Code(
        "error",
        "not-supported",
        "The partner has a plain FHIR server, which takes no {verb}.",
        "Ask the partner in another way; what is kept there is changed there.",
    ),
    "server-pages": Code(
        "error",
        "incomplete",
        "The partner's FHIR server answers in pages, and it cannot be known whether these are all.",
        "Have the server give next links, as R4 asks for; until then nothing is concluded from its answers.",
        "https://hl7.org/fhir/R4/http.html#paging",
    ),
    "server-strange-id": Code(
        "error",
        "structure",
        "The partner's FHIR server calls a resource by what is no id in FHIR.",
        "Have whoever runs the server look into it.",
        "https://hl7.org/fhir/R4/datatypes.html#id",
    ),
    "server-being-written": Code(
        "error",
        "transient",
        "Something about this person is on its way to the sender right now.",
        "Send it again in a few seconds.",
    ),
    "server-pushed-type": Code(
        "error",
        "not-supported",
        "A {type} is not part of a record that is exchanged here, and is not taken from a partner's system.",
        "Leave it out; docs/rest.md lists the types that are taken.",
    ),
    "server-pushed-aside": Code(
        "warning",
        "informational",
        "This was kept whole and set aside: nothing came of it until people here have looked at it.",
        "What is wrong is said beside this; what is mended is sent again as a new version.",
    ),
    "server-pushed-person": Code(
        "error",
        "business-rule",
        "This is about one person, and refers here to what is about another.",
        "Look whom it is about, and have it refer to that person's own; nothing was taken.",
    ),
    "server-refers-aside": Code(
        "error",
        "not-found",
        "This refers to something that was set aside and is not held here: taken in, it would lead nowhere.",
        "See to what it refers to first, or have that sent again as it should be; then try this again.",
    ),
    "server-pushed-known": Code(
        "information",
        "informational",
        "This copy says nothing but what its sender was sent, or has proposed before; nothing was changed.",
        "To set something back that was changed here since, change the newest copy, and send its meta.versionId along.",
    ),
    "server-pushed-late": Code(
        "warning",
        "informational",
        "A version of this that is as new or newer was dealt with before, and says something else; nothing was taken.",
        "Send it as it is in your system now, with the meta.versionId that it has there.",
    ),
    "server-pushed-reused": Code(
        "error",
        "conflict",
        "Under this version, or a newer one, something else was dealt with: which of the two is newer cannot be told.",
        "Send it as it is in your system now, with a meta.versionId above those that were sent before, or with none.",
    ),
    "server-pushed-merged": Code(
        "information",
        "informational",
        "What was changed in this copy is part of edition {edition} of what the custodian keeps.",
        "There is nothing to do.",
    ),
    "server-pushed-waits": Code(
        "warning",
        "informational",
        "The custodian's people decide about some of what was changed, of which nothing was applied: {rows}.",
        "Read it again later: what they decide arrives by itself.",
    ),
    "server-pushed-passed": Code(
        "warning",
        "informational",
        "Nothing was made of this: another organisation keeps it, or nothing that was sent refers to it.",
        "Leave it out, or send it with what refers to it.",
    ),
}
