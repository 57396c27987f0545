"""What is held, versions, the database itself."""

from __future__ import annotations

from fhir_mh.issue_codes.code import HTTP, Code

CODES: dict[str, Code] = {
    "store-not-found": Code("error", "not-found", "There is no such {type}.", "Check the type and the id."),
    "store-gone": Code(
        "error",
        "deleted",
        "This {type} was deleted in version {version}.",
        "Read an earlier version from its history, or write it anew.",
        HTTP + "#delete",
    ),
    "store-version-conflict": Code(
        "error",
        "conflict",
        "This {type} is at version {version}, not the one named.",
        "Read it again, apply the change to what is there now, and write that.",
        HTTP + "#concurrency",
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
}
