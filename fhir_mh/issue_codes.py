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
    "map-dangling": Code(
        "error",
        "not-found",
        "This reference leads nowhere inside the Bundle.",
        "Add the entry or contained resource that it names, or correct it.",
        "https://hl7.org/fhir/R4/bundle.html#references",
    ),
    "map-invalid-record": Code(
        "error", "invalid", "{problem}.", "Correct this field; the record's JSON Schema says what it holds."
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
    "sync-unknown-custodian": Code(
        "error",
        "forbidden",
        "{custodian} keeps what this changes, and is not a partner of this gateway.",
        "Name it as a partner, or change only what is kept here.",
    ),
    "sync-unreadable": Code("error", "structure", "What was sent could not be read.", "See the other findings."),
    # --- consent
    "consent-denied": Code("error", "forbidden", "{sentence}", "Ask the person, or the team that leads their plan."),
    "consent-not-shared": Code(
        "error",
        "forbidden",
        "This is not shared with the organisation that asks.",
        "Ask the person, or the team that leads their plan.",
    ),
    "consent-not-own": Code(
        "error",
        "forbidden",
        "Only the systems of the organisation itself write here.",
        "Write through your own organisation's gateway.",
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
    "rest-bad-nhs-number": Code(
        "error", "value", "This is not a valid NHS number.", "Send ten digits, the last of which is the check digit."
    ),
    "rest-unknown-patient": Code(
        "error", "not-found", "{reference} is not known here.", "Create the Patient first, or in the same transaction."
    ),
    "rest-other-person": Code(
        "error", "business-rule", "This resource is about somebody else already.", "Create a new resource instead."
    ),
}
