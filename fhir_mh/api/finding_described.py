"""What the OpenAPI document says of /persons/find."""

from __future__ import annotations

from fhir_mh.api.openapi import Json, answer, operation, request_body
from fhir_mh.records.asking import Asking


def paths() -> Json:
    """The address, what it takes and answers."""
    return {
        "/persons/find": {
            "post": operation(
                "find_and_pull", "placements", "Ask partners for the plan of somebody nobody placed here",
                "For a ward that has admitted somebody: all partners are asked at once, or those named, and it is "
                "answered within a few seconds. What may be shared comes by itself, and is kept up to date from then "
                "on; what was promised and is not here yet shows when it is asked again. Who is sought stands in the "
                "body alone. `record` names a person who is known here, with a stay of ours that goes on.",
                body=request_body("Asking", ["find-and-pull", "find-without-reason"]),
                answers={200: answer("What each partner said", "Found")}, refusals="401 403 404 409 415 422"),
        },
    }  # fmt: skip


def schemas() -> Json:
    """The schemas of an asking and of its answer."""
    asking = Asking.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = asking.pop("$defs", {})
    text, known_text = {"type": "string"}, {"type": ["string", "null"]}
    said = {
        "partner": text,
        "said": {**text, "enum": ["came", "coming", "nothing", "too-many", "not-reached"],
                 "description": "came: it is here; coming: it is promised; nothing: nobody they know by this number, "
                 "date of birth and name, or nothing that may be shared, which is not told apart; too-many: ask later"},
        "edition": {"type": ["integer", "null"], "description": "of the copy that is held, be it an older one"},
        "code": {**known_text, "description": "why it was not reached"},
    }  # fmt: skip
    found = {
        "asking": {**text, "description": "its id, by which currency names it"},
        "record": {**known_text, "description": "the id of the record, once the person is known here"},
        "answers": {"type": "array", "items": {"type": "object", "properties": said}},
    }
    return {**parts, "Asking": asking, "Found": {"type": "object", "properties": found}}
