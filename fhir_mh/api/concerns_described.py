"""What the OpenAPI document says of /concerns."""

from __future__ import annotations

from typing import Any

from fhir_mh.records.concerns import SafetyConcern

Json = dict[str, Any]
JSON, FHIR = "application/json", "application/fhir+json"
TAG = {"name": "concerns", "description": "Safety concerns: apart from every record, for their owner alone."}
_WORDS = "Doors to the garden of the ward do not lock at night."

EXAMPLES: dict[str, tuple[str, str, Json, int, str | None]] = {
    "concern": ("post_concern", "A carer's concern, without their name", {
        "about": "ZOA1", "place": "Willow ward", "words": _WORDS, "raised_as": "carer", "due": "2026-12"}, 201, None),
    "concern-about-us": ("post_concern", "Refused: this organisation would look into itself", {
        "about": "ZCT1", "words": _WORDS, "raised_as": "person"}, 422, None),
    "reply": ("answer_concern", "What was done about it", {
        "words": "Locks were fitted on 28 November.", "by": "Safety lead", "status": "completed"}, 201, "concern"),
    "receipt": ("find_concern", "A receipt that nobody was given", {"receipt": "none"}, 404, None),
}  # fmt: skip


def paths() -> Json:
    """The addresses, what they take and answer."""
    name = [{"name": "id", "in": "path", "required": True, "description": "As POST /concerns gave it.",
             "schema": {"type": "string"}}]  # fmt: skip
    kept, said = {"$ref": "#/components/schemas/SafetyConcern"}, {"type": "object"}
    receipt = "Its id, and the receipt by which whoever raised it reads the reply: shown this once."
    return {
        "/concerns": {
            "post": _operation("post_concern", "Raise a concern", "It goes to no partner and into no record.",
                               {201: (receipt, said)}, "401 403 422", kept),
            "get": _operation("list_concerns", "The concerns that are open", "For clients in the role concerns.",
                              {200: ("The oldest first, at most 200", said)}, "401 403"),
        },
        "/concerns/find": {
            "post": _operation("find_concern", "Read a concern by its receipt", "A receipt never stands in a URL.",
                               {200: ("The concern with its replies", kept)}, "401 404 422", said)},
        "/concerns/{id}": {
            "get": {**_operation("get_concern", "Read a concern", "For clients of its owner in the role concerns.",
                                 {200: ("The concern with its replies", kept)}, "401 404"), "parameters": name}},
        "/concerns/{id}/replies": {
            "post": {**_operation("answer_concern", "Reply to a concern", "With `status` and `due` where they change.",
                                  {201: ("The concern as it now is", kept)}, "401 404 422", said), "parameters": name}},
    }  # fmt: skip


def schemas() -> Json:
    """The schema of a concern and those it is made of."""
    whole = SafetyConcern.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: Json = whole.pop("$defs", {})
    return {**parts, "SafetyConcern": whole}


def _operation(
    name: str, summary: str, about: str, answers: dict[int, tuple[str, Json]], refusals: str, body: Json | None = None
) -> Json:
    found: Json = {"operationId": name, "tags": ["concerns"], "summary": summary, "description": about}
    if body is not None:
        examples = {
            key: {"summary": title, "value": value, "x-status": status, **({"x-after": after} if after else {})}
            for key, (operation, title, value, status, after) in EXAMPLES.items()
            if operation == name
        }
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": body, "examples": examples}}}
    refused = {code: {"$ref": "#/components/responses/Refused"} for code in refusals.split()}
    told = {
        str(code): {"description": text, "content": {JSON: {"schema": schema}, FHIR: {"schema": {"type": "object"}}}}
        for code, (text, schema) in answers.items()
    }
    return {**found, "responses": {**told, **refused}}
