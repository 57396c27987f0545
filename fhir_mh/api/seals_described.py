"""What the OpenAPI document says of retracting, and of what is sealed."""

from __future__ import annotations

from fhir_mh.api.openapi import Json, answer, in_path, operation, request_body

TAG = {"name": "sealed", "description": "What was recorded for the wrong person: for clients in the role seals."}
_ID = in_path("id", "As the list shows it.")


def paths() -> Json:
    """The addresses, what they take and answer."""
    return {
        "/records/{id}/retractions": {"post": operation(
            "retract", "sealed", "Retract what was recorded for the wrong person", "Items that this organisation "
            "keeps, or `everything: true`. They are sealed here and at every partner that was sent them.",
            parameters=[in_path("id", "The record's id.")], body=request_body("Retraction", ["retract"]),
            answers={200: answer("How many resources were retracted", None)}, refusals="403 404 415 422")},
        "/sealed": {"get": operation(
            "list_sealed", "sealed", "What is sealed", "Of whom, when and how many texts; nothing of what they say.",
            answers={200: answer("The seals, and who approved of opening each", None)}, refusals="403")},
        "/sealed/{id}/approvals": {"post": operation(
            "approve_opening", "sealed", "Approve of opening a seal", "Each client by its name, with a reason. It "
            "counts for a day and one opening.", parameters=[_ID], body=request_body("Approval", ["approve"]),
            answers={200: answer("The seal, and who approved", None)}, refusals="403 404 415 422")},
        "/sealed/{id}/open": {"post": operation(
            "open_seal", "sealed", "Read what is under a seal", "Once two different clients have approved. The texts "
            "stay sealed.", parameters=[_ID], answers={200: answer("Every text under it", None)},
            refusals="403 404")},
    }  # fmt: skip


def schemas() -> Json:
    """The bodies."""
    text = {"type": "string"}
    item = {"type": "object", "properties": {"list": text, "id": text}, "required": ["list", "id"]}
    retraction = {"items": {"type": "array", "items": item}, "everything": {"type": "boolean"}, "reason": text}
    return {
        "Retraction": {"type": "object", "properties": retraction, "required": ["reason"]},
        "Approval": {"type": "object", "properties": {"reason": text}, "required": ["reason"]},
    }
