"""What HTTP callers ask."""

from __future__ import annotations

from fhir_mh.issue_codes.code import HTTP, R4, Code

CODES: dict[str, Code] = {
    "rest-unknown-record": Code(
        "error", "not-found", "There is no record of this id here.", "Find it with POST /records/find."
    ),
    "rest-unknown-person": Code(
        "error",
        "not-found",
        "Nobody of that NHS number is known here.",
        "Check the number, or create the record with POST /records.",
    ),
    "rest-former-nhs-number": Code(
        "warning",
        "business-rule",
        "This NHS number was superseded; the person is known by another one now, which stays.",
        "Update the number in the sending system: read the record to see the one in use.",
    ),
    "rest-no-copy": Code(
        "error",
        "not-found",
        "No copy of what this organisation keeps about the person is held here.",
        "Name a custodian of the record's `copies` other than this organisation.",
    ),
    "rest-ahead-of-copy": Code(
        "error",
        "business-rule",
        "The copy held here is at edition {held}: a later one cannot have been filed or opened.",
        "Name the edition that was read, as `copies` of the record has it.",
    ),
    "rest-body": Code(
        "error",
        "structure",
        "What is expected here is {expected}.",
        "Send what this address takes: docs/rest.md lists it, and /docs shows it with an example.",
    ),
    "rest-bad-mark": Code(
        "error",
        "value",
        "{expected} is expected here.",
        "Send custodian, stage (filed or opened), edition, and perhaps at; of a merged record also the copy's person.",
    ),
    "rest-bad-nhs-number": Code(
        "error", "value", "This is not a valid NHS number.", "Send ten digits, the last of which is the check digit."
    ),
    "rest-unknown-patient": Code(
        "error", "not-found", "This patient is not known here.", "Create the Patient first, or in the same transaction."
    ),
    "rest-no-patient": Code(
        "error",
        "business-rule",
        "It cannot be told from this whom the resource is about.",
        "Name the person: as Patient/id, or by an identifier that one person here has.",
        R4 + "references.html",
    ),
    "rest-unnamed-person": Code(
        "error",
        "business-rule",
        "It cannot be told from this whom the record is about.",
        "Name the person by NHS number, by a local identifier (`identifiers`), or by the id in their record here.",
    ),
    "rest-other-person": Code(
        "error", "business-rule", "This resource is about somebody else already.", "Create a new resource instead."
    ),
    "rest-unknown-path": Code(
        "error", "not-found", "There is nothing at this address.", "See /docs for what there is."
    ),
    "rest-method": Code(
        "error", "not-supported", "This address does not take {method}.", "It takes {allowed}.", HTTP + "#operations"
    ),
    "rest-unknown-type": Code(
        "error", "not-supported", "{type} is not a resource type of FHIR R4.", "Use one of R4's types.{guess}", HTTP
    ),
    "rest-type-not-kept": Code(
        "error",
        "not-supported",
        "A {type} is not kept as a resource here.",
        "Send what it holds: a Bundle of type transaction or batch goes to the address of the server itself. A "
        "Subscription has no history, and goes by itself to its own address.",
    ),
    "rest-type-differs": Code(
        "error",
        "invalid",
        "The resourceType is not the one in the address.",
        "Make both the same.",
        HTTP + "#create",
    ),
    "rest-id-differs": Code(
        "error",
        "invalid",
        "The id in the body is not the one in the address.",
        "Make both the same.",
        HTTP + "#update",
    ),
    "rest-no-update-create": Code(
        "error",
        "not-supported",
        "There is no {type} of this id here, and ids are given by the server.",
        "Create it with POST; the answer names its id.",
        HTTP + "#upsert",
    ),
    "rest-media-type": Code(
        "error",
        "not-supported",
        "The body is not of a media type understood here.",
        "Send {expected}, encoded as UTF-8.",
    ),
    "rest-content-encoding": Code(
        "error", "not-supported", "Compressed bodies are not taken in.", "Send it without Content-Encoding."
    ),
    "rest-not-acceptable": Code(
        "error", "not-supported", "Only JSON is served here.", "Ask for application/fhir+json.", HTTP + "#mime-type"
    ),
    "rest-nhs-number-in-url": Code(
        "error",
        "security",
        "An NHS number must never stand in a URL: URLs end up in logs.",
        "Send the same search as POST {path}, with its parameters in the body as application/x-www-form-urlencoded.",
        R4 + "search.html#Introduction",
    ),
    "rest-unknown-parameter": Code(
        "error",
        "not-supported",
        "There is no parameter {name} here.",
        "Use {known}; or send `Prefer: handling=lenient` to have unknown ones ignored.",
        R4 + "search.html#errors",
    ),
    "rest-ignored-parameter": Code(
        "warning",
        "not-supported",
        "The parameter {name} was ignored, as you asked: the result is not narrowed by it.",
        "Remove it.",
        R4 + "search.html#errors",
    ),
    "rest-bad-parameter": Code(
        "error", "value", "This parameter does not fit: {problem}.", "{fix}", R4 + "search.html"
    ),
    "rest-page-expired": Code(
        "error", "expired", "The pages of this search are no longer kept.", "Search again.", HTTP + "#paging"
    ),
    "rest-bad-etag": Code(
        "error",
        "value",
        "{header} does not name one version.",
        'Send the ETag as it was given, such as W/"3".',
        HTTP + "#concurrency",
    ),
    "rest-if-match-missing": Code(
        "error",
        "required",
        "A record is changed only by who has seen its newest version.",
        "Read it with GET and send its ETag as If-Match.",
    ),
    "rest-unsupported-header": Code(
        "error",
        "not-supported",
        "{header} is not supported, and ignoring it could do harm.",
        "Send the request without it.",
    ),
    "rest-too-large": Code("error", "too-long", "The body is larger than {limit} MB.", "Send less at a time."),
    "rest-host": Code(
        "error",
        "security",
        "This gateway does not go by that host name.",
        "Use the address it printed when it started.",
    ),
    "rest-origin": Code(
        "error", "security", "Web pages of another site may not use this gateway.", "Use it from a page of its own."
    ),
    "rest-token": Code(
        "error",
        "login",
        "This needs `Authorization: Bearer` with the token of a client of this gateway.",
        "Ask whoever runs the gateway; tokens stand under [[clients]] in its configuration.",
    ),
    "rest-operators-only": Code(
        "error",
        "forbidden",
        "Deliveries are looked after by operators of this organisation.",
        "Use the token of a client with the role operator.",
    ),
    "rest-administrators-only": Code(
        "error",
        "forbidden",
        "Partners are the business of this organisation's own systems in the role {roles}.",
        "Use the token of a client with such a role.",
    ),
    "rest-unexpected": Code(
        "fatal",
        "exception",
        "Something failed here, and it is not your fault. Reference {reference}.",
        "Try again; if it lasts, report the reference to whoever runs this gateway.",
    ),
    "rest-proposed": Code(
        "information",
        "informational",
        "{custodian} keeps this, so nothing was changed here; the change was sent there as proposal {proposal}.",
        "Read it again later: what {custodian} accepts arrives by itself.",
    ),
    "rest-partly-proposed": Code(
        "warning",
        "informational",
        "A part of what this says was not proposed to {custodian}: what is left out empties nothing, and a change that "
        "waits there stays where this says what was there before it.",
        "Read the record: it shows what was proposed. Clear a field with null by PUT /records.",
    ),
    "rest-change-waits": Code(
        "error",
        "conflict",
        "This says what was there before a change of yours that waits for {custodian}; nothing was proposed.",
        "Send it again once {custodian} has answered, or take the change back by PUT /records, which shows it.",
    ),
    "rest-not-proposed": Code(
        "error",
        "not-supported",
        "{custodian} keeps this, and nothing that was changed in it can be proposed: it is in no row of the record, or "
        "something is left out, which empties nothing.",
        "Change what the record has; clear a field with null by PUT /records. Of anything else, tell {custodian}.",
    ),
    "rest-unchanged": Code(
        "information",
        "informational",
        "This says what is held already; nothing was changed.",
        "There is nothing to do.",
    ),
    "rest-bundle-type": Code(
        "error",
        "value",
        "A Bundle of this type is not processed here.",
        "Send one of type transaction or batch.",
        HTTP,
    ),
    "rest-bundle-entry": Code(
        "error", "invalid", "This entry cannot be processed: {problem}.", "{fix}", HTTP + "#trules"
    ),
    "rest-conditional-reference": Code(
        "error",
        "not-supported",
        "References by a search are not resolved here.",
        "Search first, and refer to what is found by type and id.",
        HTTP + "#trules",
    ),
    "rest-unknown-format": Code(
        "error",
        "not-supported",
        "There is no format of this name here.",
        "Use one of {known}; they stand in mappings/.",
    ),
}
