"""Text that is not the JSON FHIR asks for."""

from __future__ import annotations

from fhir_mh.issue_codes.code import JSON, Code

CODES: dict[str, Code] = {
    "json-unreadable": Code(
        "fatal", "structure", "This is not JSON: {problem}.", "Correct the text at this place.", JSON
    ),
    "json-encoding": Code("fatal", "structure", "The text is not UTF-8.", "Send it encoded as UTF-8.", JSON),
    "json-duplicate-key": Code(
        "fatal",
        "structure",
        "The key '{key}' stands twice in one object.",
        "Remove one of the two: readers disagree on which one counts.",
        JSON,
    ),
    "json-not-an-object": Code(
        "fatal", "structure", "A JSON object is expected here.", "Send one object: {{...}}.", JSON
    ),
    "json-null-character": Code(
        "error",
        "value",
        "A text here holds the character NUL, which no text may hold.",
        "Send the text without it.",
        "https://hl7.org/fhir/R4/datatypes.html#string",
    ),
    "json-too-deep": Code("fatal", "too-costly", "The JSON is nested deeper than {limit} levels.", "Flatten it.", JSON),
}
