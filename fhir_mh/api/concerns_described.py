"""What the OpenAPI document says of /concerns."""

from __future__ import annotations

from fhir_mh.api.openapi import FHIR, Json, answer, in_path, operation, request_body
from fhir_mh.records.concerns import SafetyConcern

TAG = {"name": "concerns", "description": "Safety concerns: apart from every record, for their owner alone."}
_SCHEMA = "SafetyConcern"
_ID = in_path("id", "As POST /concerns gave it.")


def paths() -> Json:
    """The addresses, what they take and answer."""
    receipt = "Its id, and the receipt by which whoever raised it reads the reply: shown this once."
    kept = _said("The concern with its replies", _SCHEMA)
    return {
        "/concerns": {
            "post": operation(
                "post_concern", "concerns", "Raise a concern", "It goes to no partner and into no record.",
                body=request_body(_SCHEMA, ["concern", "concern-about-us"]), answers={201: _said(receipt)},
                refusals="401 403 422"),
            "get": operation(
                "list_concerns", "concerns", "The concerns that are open", "For clients in the role concerns.",
                answers={200: _said("The oldest first, at most 200")}, refusals="401 403"),
        },
        "/concerns/find": {
            "post": operation(
                "find_concern", "concerns", "Read a concern by its receipt", "A receipt never stands in a URL.",
                body=request_body(None, ["receipt"]), answers={200: kept}, refusals="401 404 422"),
        },
        "/concerns/{id}": {
            "get": operation(
                "get_concern", "concerns", "Read a concern", "For clients of its owner in the role concerns.",
                parameters=[_ID], answers={200: kept}, refusals="401 404"),
        },
        "/concerns/{id}/replies": {
            "post": operation(
                "answer_concern", "concerns", "Reply to a concern", "With `status` and `due` where they change.",
                parameters=[_ID], body=request_body(None, ["reply"]),
                answers={201: _said("The concern as it now is", _SCHEMA)}, refusals="401 404 422"),
        },
    }  # fmt: skip


def _said(about: str, schema: str | None = None) -> Json:
    """An answer as plain JSON, or as a Task."""
    found = answer(about, schema)
    return {**found, "content": {**found["content"], FHIR: {"schema": {"type": "object"}}}}


def schemas() -> Json:
    """The schema of a concern and those it is made of."""
    whole = SafetyConcern.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: Json = whole.pop("$defs", {})
    return {**parts, _SCHEMA: whole}
