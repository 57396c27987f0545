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

CODES: dict[str, Code] = {
    # --- json: text that is not the JSON FHIR asks for
    "json-unreadable": Code("fatal", "structure", "This is not JSON: {problem}.", "Correct the text at this place.", _JSON),
    "json-encoding": Code("fatal", "structure", "The text is not UTF-8.", "Send it encoded as UTF-8.", _JSON),
    "json-duplicate-key": Code("fatal", "structure", "The key '{key}' stands twice in one object.",
                               "Remove one of the two: readers disagree on which one counts.", _JSON),
    "json-not-an-object": Code("fatal", "structure", "A JSON object is expected here.", "Send one object: {{...}}.", _JSON),
    "json-too-deep": Code("fatal", "too-costly", "The JSON is nested deeper than {limit} levels.", "Flatten it.", _JSON),
}
