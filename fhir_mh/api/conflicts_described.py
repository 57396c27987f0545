"""What the OpenAPI document says of /conflicts."""

from __future__ import annotations

from fhir_mh.api.openapi import Json, answer, in_header, in_path, in_query, operation, request_body
from fhir_mh.records.decisions import ConflictDecision

TAG = {"name": "conflicts", "description": "Rows that two sides changed, for a person here to decide."}
_ID = in_path("id", "As the list gives it: the id of its Task, too.")
_SEEN = {
    **in_header("If-Match", 'The ETag of the conflict, or of its record, as it was read; such as W/"3".'),
    "required": True,
}


def paths() -> Json:
    """The addresses, what they take and answer."""
    whole = answer("Every text, what may be decided, and what was", "Conflict", ["ETag"])
    return {
        "/conflicts": {
            "get": operation(
                "list_conflicts", "conflicts", "The conflicts that wait", "Without their texts, at most 200.",
                parameters=[in_query("record", "Only those of one record, by its id."),
                            in_query("owner", "Only those of one lead, by item id; empty: those of the team's queue.")],
                answers={200: answer("The oldest first", None)}, refusals="400 401 403"),
        },
        "/conflicts/{id}": {
            "get": operation(
                "get_conflict", "conflicts", "Read a conflict", "For this organisation's own systems.",
                parameters=[_ID], answers={200: whole}, refusals="401 403 404"),
        },
        "/conflicts/{id}/decision": {
            "post": operation(
                "decide_conflict", "conflicts", "Decide a conflict",
                "The row is written as a new edition, the Task completed, and whoever proposed the other text is told. "
                "The same decision again answers as the first did.",
                parameters=[_ID, _SEEN], body=request_body("ConflictDecision", ["decision"]), answers={200: whole},
                refusals="401 403 404 409 412 415 422 428"),
        },
    }  # fmt: skip


def schemas() -> Json:
    """The schemas of a conflict and of a decision."""
    decision = ConflictDecision.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: Json = decision.pop("$defs", {})
    text, anything = {"type": "string"}, {"description": "As the row is in a record"}
    fields = {
        "id": text, "record": text, "path": {**text, "description": "the row in the record"}, "reason": text,
        "from": {**text, "description": "ODS code of whose text theirs is"}, "owner": {"type": ["object", "null"]},
        "raised_at": text, "choices": {"type": "array", "items": text}, "version": {"type": "integer"},
        "base": {**anything, "description": "what its author was shown"},
        "ours": {**anything, "description": "what stood here when the conflict arose"},
        "now": {**anything, "description": "what stands here now"},
        "theirs": {**anything, "description": "what its author wants"},
        "outcome": {"type": ["string", "null"]}, "decision": {"type": ["object", "null"]},
        "decided_at": {"type": ["string", "null"]},
    }  # fmt: skip
    return {**parts, "ConflictDecision": decision, "Conflict": {"type": "object", "properties": fields}}
