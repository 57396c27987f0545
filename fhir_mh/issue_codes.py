"""The registry of stable codes: every Issue's template, kept apart from the code that raises it.

Codes are named room-thing (`json-duplicate-key`). A code, once released, is never given another meaning.
Templates never take values from the input except names of elements, codes and types: no personal data.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Code(NamedTuple):
    """severity: the usual one. fhir_type: OperationOutcome.issue.code. message and fix take {names}."""

    severity: Literal["fatal", "error", "warning", "information"]
    fhir_type: str
    message: str
    fix: str
    spec: str = ""


_JSON = "https://hl7.org/fhir/R4/json.html"
_HTTP = "https://hl7.org/fhir/R4/http.html"

_R4 = "https://hl7.org/fhir/R4/"
_RESOURCE, _ELEMENTS, _DATATYPES = _R4 + "resource.html", _R4 + "conformance-rules.html", _R4 + "datatypes.html"
_TERMINOLOGY, _REFERENCES = _R4 + "terminologies.html", _R4 + "references.html"
_EXTENSIBILITY, _PROFILING = _R4 + "extensibility.html", _R4 + "profiling.html"

CODES: dict[str, Code] = {
    # --- json: text that is not the JSON FHIR asks for
    "json-unreadable": Code(
        "fatal", "structure", "This is not JSON: {problem}.", "Correct the text at this place.", _JSON
    ),
    "json-encoding": Code("fatal", "structure", "The text is not UTF-8.", "Send it encoded as UTF-8.", _JSON),
    "json-duplicate-key": Code(
        "fatal",
        "structure",
        "The key '{key}' stands twice in one object.",
        "Remove one of the two: readers disagree on which one counts.",
        _JSON,
    ),
    "json-not-an-object": Code(
        "fatal", "structure", "A JSON object is expected here.", "Send one object: {{...}}.", _JSON
    ),
    "json-too-deep": Code(
        "fatal", "too-costly", "The JSON is nested deeper than {limit} levels.", "Flatten it.", _JSON
    ),
    # --- map: content that does not fit the record, or cannot be said in the other format
    "map-wrong-type": Code("error", "structure", "A {expected} is expected here.", "Send a {expected}.", _JSON),
    "map-wrong-format": Code(
        "error",
        "value",
        "This is not a {expected}.",
        "Write it as a {expected}.",
        "https://hl7.org/fhir/R4/datatypes.html",
    ),
    "map-unknown-code": Code(
        "error",
        "code-invalid",
        "This code is not known here; expected {expected}.",
        "Use one of those codes, or add this one to the mapping.",
    ),
    "map-derived-differs": Code(
        "warning",
        "business-rule",
        "The {name} does not agree with what it is derived from; the latter stands.",
        "Leave the {name} out, or make it agree.",
    ),
    "map-two-people": Code(
        "error",
        "business-rule",
        "This Bundle is about two people: {first} and {second}.",
        "Send one Bundle for each person.",
    ),
    "map-no-person": Code(
        "error", "required", "Nothing here says whom this is about.", "Give each resource its subject or patient."
    ),
    "map-not-a-bundle": Code(
        "error", "structure", "A Bundle is expected here.", "Send a resource of type Bundle with its entries."
    ),
    "map-unknown-field": Code(
        "error", "structure", "{name} is not a field here.", "{guess}The record's JSON Schema says what there is."
    ),
    "map-invalid-record": Code(
        "error", "invalid", "{problem}.", "Correct this field; the record's JSON Schema says what it holds."
    ),
    "map-mistyped-statement": Code(
        "error",
        "business-rule",
        "This statement counts as one thing in its document, and what it points to stands in the record as another.",
        "Give the statement the kind of what it points to, or point it to what it is.",
    ),
    # --- safety concerns
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
    # --- map: a provider's own file
    "map-missing-value": Code(
        "error", "required", "A value is missing here: {expected}.", "Fill it in, or leave the whole entry out."
    ),
    "map-wrong-value": Code("error", "value", "This does not fit: {expected}.", "Correct the value at its source."),
    "map-cannot-clear": Code(
        "error",
        "not-supported",
        "A part of a list entry cannot be emptied on its own.",
        "Send the entry as it should be.",
    ),
    "map-unknown-reference": Code(
        "error",
        "not-found",
        "Nothing in this file or in the record is called so: the {expected} is expected.",
        "Add the entry that is meant, or correct the value.",
    ),
    "map-no-id-scope": Code(
        "error",
        "required",
        "This number cannot be told from the same number in another system's file.",
        "Fill in the places that the mapping names under id_scope.",
    ),
    "map-duplicate-item": Code(
        "error", "duplicate", "Another entry of this list has the same id.", "Give each entry its own."
    ),
    "map-duplicate-row": Code(
        "error", "duplicate", "A row of this kind stands here already; there can be {expected}.", "Remove one of them."
    ),
    "map-unknown-row": Code(
        "error", "code-invalid", "This is not a {expected}.", "Correct its kind, or add the kind to the mapping."
    ),
    "map-missing-column": Code(
        "error", "required", "The column '{name}' is missing.", "Add it to the first row. {hint}"
    ),
    "map-duplicate-column": Code(
        "error", "duplicate", "This column's name stands in the header already.", "Remove or rename one of the two."
    ),
    "map-unknown-column": Code(
        "error", "structure", "The mapping knows no such column.", "Correct its name. The columns are: {known}."
    ),
    "map-row-length": Code(
        "error",
        "structure",
        "This row has {found} cells; the header has {expected}.",
        "Put cells that hold the delimiter, a quote or a line break in double quotes.",
        "https://www.rfc-editor.org/rfc/rfc4180",
    ),
    "map-csv-unreadable": Code(
        "fatal",
        "structure",
        "This is not well-formed CSV: {problem}.",
        "Correct the quotes at this place.",
        "https://www.rfc-editor.org/rfc/rfc4180",
    ),
    "map-wrong-encoding": Code(
        "fatal",
        "structure",
        "The file is not encoded as {encoding}, as the mapping says it is.",
        "Save it as {encoding}, or change `encoding` in the mapping.",
    ),
    "map-no-format": Code("error", "not-found", "There is no such format.", "{hint}"),
    # --- map: a mapping file itself
    "map-file-unreadable": Code("fatal", "structure", "The mapping file cannot be read: {problem}.", "Correct it."),
    "map-file-duplicate-key": Code("error", "duplicate", "'{key}' stands twice.", "Remove one of the two."),
    "map-file-unknown-key": Code("error", "structure", "There is no key '{key}' here.", "{hint}"),
    "map-file-missing-key": Code("error", "required", "The key '{key}' is missing here.", "Add it."),
    "map-file-bad-value": Code("error", "value", "'{value}' cannot stand here.", "{hint}"),
    "map-file-unknown-field": Code("error", "not-found", "The record has no '{field}' here.", "{hint}"),
    "map-file-unknown-column": Code("error", "not-found", "'{name}' is not one of the columns.", "{hint}"),
    "map-file-no-match": Code(
        "error",
        "required",
        "Entries are to be matched by {rule}, but no row says {missing}.",
        "Add a row for it, or match by something else.",
    ),
    "map-file-no-concept-map": Code(
        "error", "not-found", "'{file}' is not a ConceptMap beside this file.", "Correct its name, or add it."
    ),
    # --- store: what is held, versions, the database itself
    "store-not-found": Code("error", "not-found", "There is no such {type}.", "Check the type and the id."),
    "store-gone": Code(
        "error",
        "deleted",
        "This {type} was deleted in version {version}.",
        "Read an earlier version from its history, or write it anew.",
        _HTTP + "#delete",
    ),
    "store-version-conflict": Code(
        "error",
        "conflict",
        "This {type} is at version {version}, not the one named.",
        "Read it again, apply the change to what is there now, and write that.",
        _HTTP + "#concurrency",
    ),
    "store-id-missing": Code(
        "error", "required", "A resource needs its resourceType and id to be stored.", "Give it both."
    ),
    "store-unknown-person": Code("error", "not-found", "There is no such person here.", "Add the person first."),
    "store-person-changed": Code(
        "error",
        "conflict",
        "This {type} belongs to another person.",
        "Mark it entered in error there and write a new resource for the right person.",
    ),
    "store-identifier-taken": Code(
        "error",
        "conflict",
        "This identifier already belongs to another person.",
        "Find out which of the two is right before either is changed.",
    ),
    "store-bad-cursor": Code(
        "error", "value", "This page link was not made by this store.", "Start again from the first page."
    ),
    "store-bad-address": Code(
        "fatal",
        "value",
        "This is not the address of a store.",
        "Write sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
    ),
    "store-sqlite-too-old": Code("fatal", "not-supported", "SQLite {found} is too old.", "Use 3.35 or newer."),
    "store-no-driver": Code(
        "fatal", "not-supported", "PostgreSQL needs a driver that is not installed.", "Install fhir-mh[postgresql]."
    ),
    "store-in-use": Code(
        "fatal",
        "lock-error",
        "Another process has this store open for writing.",
        "Talk to that process instead, or stop it first.",
    ),
    "store-newer": Code(
        "fatal",
        "not-supported",
        "This store was written by a newer release (schema {found}).",
        "Install that release or a newer one; this one knows schemas up to {known}.",
    ),
    "store-unavailable": Code(
        "error",
        "transient",
        "The database does not answer ({reason}).",
        "Try again; if it lasts, see whether the database is running and has room.",
    ),
    "store-contradiction": Code(
        "error", "conflict", "This contradicts what the store holds ({reason}).", "Read what is there and try again."
    ),
    "store-fault": Code(
        "fatal", "exception", "The database refused a statement ({reason}).", "Report this: it is a fault in fhir_mh."
    ),
    "store-closed": Code("error", "transient", "The store has been closed.", "Open it again."),
    "store-lease-lost": Code(
        "error",
        "conflict",
        "Somebody else has claimed this lane since.",
        "Drop what was in hand: the new holder sends it again.",
    ),
    "store-unknown-message": Code(
        "error", "not-found", "There is no such message in this state.", "List the messages again."
    ),
    # --- config: what the gateway was told by file, environment and arguments
    "config-file-missing": Code(
        "fatal", "not-found", "The configuration file cannot be read: {problem}.", "Name a file that can be read."
    ),
    "config-unreadable": Code(
        "fatal",
        "structure",
        "The configuration file is not TOML: {problem}.",
        "Correct it at this place.",
        "https://toml.io/en/v1.0.0",
    ),
    "config-unknown-key": Code("error", "not-supported", "There is no setting '{name}'.", "{hint}"),
    "config-missing": Code("error", "required", "The setting '{name}' is missing.", "Add it. {hint}"),
    "config-invalid": Code("error", "value", "This setting does not fit: {problem}.", "{hint}"),
    "config-duplicate": Code("error", "duplicate", "{what} stands twice.", "Give each its own."),
    "config-ods-needed": Code(
        "error",
        "required",
        "An organisation that others can reach, or that has partners, needs its own ODS code.",
        "Set ods to the code of your organisation.",
    ),
    "config-client-needed": Code(
        "error",
        "security",
        "Other machines could reach this gateway, and no client is named that may use it.",
        "Add [[clients]] with a token, or listen on 127.0.0.1.",
    ),
    "config-secret-needed": Code(
        "error",
        "security",
        "Without a shared secret this partner cannot be told from anybody else.",
        "Agree on a secret with the partner and set secret or secret_file; only on one machine may it be left out.",
    ),
    "config-secret-weak": Code(
        "error", "security", "This secret is shorter than {length} characters.", "Make a longer one, at random."
    ),
    "config-secret-file": Code(
        "error", "not-found", "The file that holds this secret cannot be read.", "Name a file that can be read."
    ),
    "config-insecure-url": Code(
        "error",
        "security",
        "People's plans would cross the network unencrypted.",
        "Use an https:// address; http:// is for this machine only.",
    ),
    # --- sync: what partners say to each other
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
    "sync-unknown-person": Code(
        "error", "not-found", "Nobody of that NHS number is known here.", "Send a snapshot with the Patient first."
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
    "sync-refused": Code("error", "processing", "The partner refused this for good.", "See its findings; then replay."),
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
    "sync-unreadable": Code("error", "structure", "What was sent could not be read.", "See the other findings."),
    # --- consent
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
        "Only the systems of the organisation itself write here.",
        "Write through your own organisation's gateway.",
    ),
    # --- cli: commands that ask a running gateway
    "cli-no-gateway": Code(
        "error",
        "transient",
        "No gateway answers at {address} ({reason}).",
        "Start it with fhir-mh serve, or name the one that runs with --gateway.",
    ),
    "cli-not-a-gateway": Code(
        "error",
        "transient",
        "What answers at {address} is no gateway of fhir_mh: it said {status}.",
        "Name the gateway's own address with --gateway.",
    ),
    "cli-no-operator": Code(
        "error",
        "login",
        "None of these clients is an operator of this organisation.",
        'Add one with role = "operator", or give its token with --token-file.',
    ),
    # --- rest: what HTTP callers ask
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
    "rest-bad-nhs-number": Code(
        "error", "value", "This is not a valid NHS number.", "Send ten digits, the last of which is the check digit."
    ),
    "rest-unknown-patient": Code(
        "error", "not-found", "This patient is not known here.", "Create the Patient first, or in the same transaction."
    ),
    "rest-other-person": Code(
        "error", "business-rule", "This resource is about somebody else already.", "Create a new resource instead."
    ),
    "rest-unknown-path": Code(
        "error", "not-found", "There is nothing at this address.", "See /docs for what there is."
    ),
    "rest-method": Code(
        "error", "not-supported", "This address does not take {method}.", "It takes {allowed}.", _HTTP + "#operations"
    ),
    "rest-unknown-type": Code(
        "error", "not-supported", "{type} is not a resource type of FHIR R4.", "Use one of R4's types.{guess}", _HTTP
    ),
    "rest-type-not-kept": Code(
        "error",
        "not-supported",
        "A {type} is not kept as a resource here.",
        "Send what it holds: a Bundle of type transaction or batch goes to the address of the server itself.",
    ),
    "rest-type-differs": Code(
        "error",
        "invalid",
        "The resourceType is not the one in the address.",
        "Make both the same.",
        _HTTP + "#create",
    ),
    "rest-id-differs": Code(
        "error",
        "invalid",
        "The id in the body is not the one in the address.",
        "Make both the same.",
        _HTTP + "#update",
    ),
    "rest-no-update-create": Code(
        "error",
        "not-supported",
        "There is no {type} of this id here, and ids are given by the server.",
        "Create it with POST; the answer names its id.",
        _HTTP + "#upsert",
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
        "error", "not-supported", "Only JSON is served here.", "Ask for application/fhir+json.", _HTTP + "#mime-type"
    ),
    "rest-nhs-number-in-url": Code(
        "error",
        "security",
        "An NHS number must never stand in a URL: URLs end up in logs.",
        "Send the same search as POST {path}, with its parameters in the body as application/x-www-form-urlencoded.",
        _R4 + "search.html#Introduction",
    ),
    "rest-unknown-parameter": Code(
        "error",
        "not-supported",
        "There is no parameter {name} here.",
        "Use {known}; or send `Prefer: handling=lenient` to have unknown ones ignored.",
        _R4 + "search.html#errors",
    ),
    "rest-ignored-parameter": Code(
        "warning",
        "not-supported",
        "The parameter {name} was ignored, as you asked: the result is not narrowed by it.",
        "Remove it.",
        _R4 + "search.html#errors",
    ),
    "rest-bad-parameter": Code(
        "error", "value", "This parameter does not fit: {problem}.", "{fix}", _R4 + "search.html"
    ),
    "rest-page-expired": Code(
        "error", "expired", "The pages of this search are no longer kept.", "Search again.", _HTTP + "#paging"
    ),
    "rest-bad-etag": Code(
        "error",
        "value",
        "{header} does not name one version.",
        'Send the ETag as it was given, such as W/"3".',
        _HTTP + "#concurrency",
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
        _HTTP,
    ),
    "rest-bundle-entry": Code(
        "error", "invalid", "This entry cannot be processed: {problem}.", "{fix}", _HTTP + "#trules"
    ),
    "rest-conditional-reference": Code(
        "error",
        "not-supported",
        "References by a search are not resolved here.",
        "Search first, and refer to what is found by type and id.",
        _HTTP + "#trules",
    ),
    "rest-unknown-format": Code(
        "error",
        "not-supported",
        "There is no format of this name here.",
        "Use one of {known}; they stand in mappings/.",
    ),
    # --- validate: a resource against FHIR R4 and its profiles
    "validate-type-unknown": Code(
        "error",
        "structure",
        "{name} is not a resource type of FHIR R4.",
        "Give resourceType one of R4's types.",
        _RESOURCE,
    ),
    "validate-element-unknown": Code(
        "error",
        "structure",
        "{name} is not an element of {type}.{guess}",
        "Remove it, or carry it as an extension.",
        _JSON,
    ),
    "validate-type-not-allowed": Code(
        "error", "structure", "{name} takes {allowed} here, not {type}.", "Use one of the types allowed.", _ELEMENTS
    ),
    "validate-required": Code(
        "error", "required", "{name} is missing{slice}.", "Add it: at least {min} needed.", _ELEMENTS
    ),
    "validate-too-many": Code(
        "error",
        "structure",
        "{name} stands {count} times{slice}; at most {max} allowed.",
        "Remove what is too many.",
        _ELEMENTS,
    ),
    "validate-not-a-list": Code(
        "error", "structure", "{name} repeats, so it is written as a list.", "Put [ ] around the value.", _JSON
    ),
    "validate-not-repeating": Code(
        "error",
        "structure",
        "{name} does not repeat, so it is not written as a list.",
        "Give one value, without [ ].",
        _JSON,
    ),
    "validate-not-an-object": Code(
        "error", "structure", "{name} is an object of type {type}.", "Write it as {{ ... }}.", _JSON
    ),
    "validate-empty": Code(
        "error",
        "structure",
        "{name} is empty.",
        "Leave out what has no value: FHIR has no empty objects or lists.",
        _JSON,
    ),
    "validate-null": Code(
        "error",
        "structure",
        "null stands here without an extension beside it.",
        "Remove it; null only keeps a place in a list.",
        _JSON,
    ),
    "validate-primitive-siblings": Code(
        "error",
        "structure",
        "{name} and _{name} do not match: {problem}.",
        "Give both the same length, null where nothing is.",
        _JSON,
    ),
    "validate-primitive": Code("error", "value", "A {type} {rule}.", "Correct the value.", _DATATYPES),
    "validate-too-long": Code("error", "too-long", "{name} is longer than {max} characters.", "Shorten it.", _ELEMENTS),
    "validate-out-of-range": Code(
        "error",
        "value",
        "The value lies outside the limits its definition sets.",
        "Give a value within them.",
        _ELEMENTS,
    ),
    "validate-choice-twice": Code(
        "error", "structure", "{name} is given in more than one type.", "Keep one of them.", _JSON
    ),
    "validate-fixed": Code(
        "error",
        "value",
        "{name} must be exactly {wanted}; it is {seen}.",
        "Use the value the profile fixes.",
        _ELEMENTS,
    ),
    "validate-pattern": Code(
        "error",
        "value",
        "{name} must hold {wanted}; it is {seen}.",
        "Add what the profile's pattern asks for.",
        _ELEMENTS,
    ),
    "validate-binding": Code(
        "error",
        "code-invalid",
        "{seen} is not in the value set {value_set} ({strength}).",
        "{mend}",
        _TERMINOLOGY,
    ),
    "validate-code-missing": Code(
        "error",
        "code-invalid",
        "A code of the value set {value_set} is required here.",
        "Add a coding with a code.",
        _TERMINOLOGY,
    ),
    "validate-code-unknown": Code(
        "error",
        "code-invalid",
        "{seen} is not a code of {system}.",
        "Use a code that the code system defines.",
        _TERMINOLOGY,
    ),
    "validate-snomed-code": Code(
        "error",
        "code-invalid",
        "This is not a SNOMED CT identifier: its length or check digit is wrong.",
        "Correct the code: 6 to 18 digits, the last one a check digit.",
        _TERMINOLOGY,
    ),
    "validate-invariant": Code("error", "invariant", "Rule {key}: {wrong}", "{mend}", _ELEMENTS),
    "validate-narrative": Code(
        "error",
        "invariant",
        "The narrative is not acceptable: {problem}.",
        "Use a <div> of simple XHTML.",
        "https://hl7.org/fhir/R4/narrative.html",
    ),
    "validate-reference-type": Code(
        "error",
        "structure",
        "A reference to {seen} is not allowed; {allowed} expected.",
        "Point to a resource of that type.",
        _REFERENCES,
    ),
    "validate-reference-form": Code(
        "error",
        "value",
        "This is not a reference: {rule}.",
        "Write Type/id, a full URL, urn:uuid:... or #id.",
        _REFERENCES,
    ),
    "validate-reference-unresolved": Code(
        "error",
        "not-found",
        "This reference leads nowhere inside its own document.",
        "Include what it refers to{where}, or refer to it by Type/id or full URL.",
        _REFERENCES,
    ),
    "validate-id-twice": Code(
        "error",
        "duplicate",
        "Another element of this resource has the same id.",
        "Give each an id of its own.",
        _ELEMENTS,
    ),
    "validate-contained-twice": Code(
        "error",
        "duplicate",
        "Another contained resource has the same id.",
        "Give each an id of its own, and refer to it by that.",
        _REFERENCES + "#contained",
    ),
    "validate-extension-part": Code(
        "error",
        "structure",
        "The extension {url} has no part {name}.",
        "Use one of its parts: {known}; a further extension is named by a full URL.",
        _EXTENSIBILITY,
    ),
    "validate-extension-context": Code(
        "error",
        "structure",
        "The extension {url} is not meant for {element}.",
        "Move it to where its definition allows it.",
        _EXTENSIBILITY,
    ),
    "validate-profile-none": Code(
        "error", "structure", "This follows none of the profiles {profiles}.", "Follow one of them.", _PROFILING
    ),
    "validate-slice-none": Code(
        "error",
        "structure",
        "This {name} fits none of the slices {slices}: {reason}.",
        "Make it fit one slice, or remove it.",
        _PROFILING,
    ),
    "validate-slice-order": Code(
        "error", "structure", "The slices of {name} are out of order.", "Put them in the profile's order.", _PROFILING
    ),
    "validate-bundle-fullurl": Code(
        "error",
        "structure",
        "The fullUrl of this entry does not end in {expected}.",
        "Make fullUrl and the resource's type and id agree.",
        "https://hl7.org/fhir/R4/bundle.html#bundle-unique",
    ),
    "validate-bundle-fullurl-absolute": Code(
        "error",
        "structure",
        "fullUrl is not an absolute URL.",
        "Write urn:uuid:... or the whole http(s) URL.",
        "https://hl7.org/fhir/R4/bundle.html#bundle-unique",
    ),
    "validate-bundle-link": Code(
        "error",
        "structure",
        "The link {relation} stands twice.",
        "Keep one link of each relation.",
        "https://hl7.org/fhir/R4/bundle.html",
    ),
    "validate-bundle-search-id": Code(
        "error",
        "required",
        "A resource in search results needs an id.",
        "Give it the id it has on the server.",
        "https://hl7.org/fhir/R4/bundle.html#searchset",
    ),
    "validate-bundle-twice": Code(
        "error",
        "duplicate",
        "This resource is in the document twice, in the same version.",
        "Keep one.",
        "https://hl7.org/fhir/R4/bundle.html#bundle-unique",
    ),
    "validate-bundle-unreachable": Code(
        "error",
        "structure",
        "No chain of references links this entry of the document with its Composition.",
        "Refer to it, or leave it out.",
        "https://hl7.org/fhir/R4/documents.html#content",
    ),
    "validate-attachment-size": Code(
        "error",
        "value",
        "size does not agree with the data: it holds {count} bytes.",
        "Give the size of the decoded data.",
        _DATATYPES + "#Attachment",
    ),
    "validate-profile-type": Code(
        "error",
        "structure",
        "The profile {profile} is for {wanted}, not for {type}.",
        "Remove it, or name a fitting profile.",
        _PROFILING,
    ),
    # what could not be checked is reported apart, and never counts as passed
    "validate-unchecked-profile": Code(
        "warning",
        "not-found",
        "Not checked: the profile {profile} is not at hand.",
        "Name the package that defines it.",
        _PROFILING,
    ),
    "validate-unchecked-extension": Code(
        "information",
        "not-found",
        "Not checked: the extension {url} is not at hand.",
        "Name the package that defines it.",
        _EXTENSIBILITY,
    ),
    "validate-unchecked-binding": Code(
        "information",
        "not-supported",
        "Not checked: whether {seen} is in {value_set} ({strength}) cannot be told offline.",
        "Ask a terminology server where it matters.",
        _TERMINOLOGY,
    ),
    "validate-unchecked-invariant": Code(
        "information",
        "not-supported",
        "Not checked: rule {key} could not be evaluated ({problem}).",
        "Check it by eye.",
        _ELEMENTS,
    ),
    "validate-unchecked-context": Code(
        "information",
        "not-supported",
        "Not checked: whether the extension {url} may stand here ({context}) cannot be told.",
        "Check it by eye.",
        _EXTENSIBILITY,
    ),
    "validate-unchecked-target": Code(
        "information",
        "not-supported",
        "Not checked: whether what this leads to follows {profile}, for it does not say so.",
        "Name the profile in its meta.profile, or check it by eye.",
        _REFERENCES,
    ),
    "validate-unchecked-slice": Code(
        "information",
        "not-supported",
        "Not checked: the slices of {name} cannot be told apart here.",
        "Check them by eye.",
        _PROFILING,
    ),
}
