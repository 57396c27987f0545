"""Content that does not fit the record, a provider's own file, or a mapping file."""

from __future__ import annotations

from fhir_mh.issue_codes.code import JSON, Code

CODES: dict[str, Code] = {
    "map-wrong-type": Code("error", "structure", "A {expected} is expected here.", "Send a {expected}.", JSON),
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
        "error", "structure", "{name} is not a field here.", "{guess}See {described} for what there is."
    ),
    "map-invalid-record": Code(
        "error", "invalid", "{problem}.", "Correct this field; see {described} for what it holds."
    ),
    "map-mistyped-statement": Code(
        "error",
        "business-rule",
        "This statement counts as one thing in its document, and what it points to stands in the record as another.",
        "Give the statement the kind of what it points to, or point it to what it is.",
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
        "Nothing that was sent or is in the record is called so: the {expected} is expected.",
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
}
