"""What the OpenAPI document says of how current copies are, and of what marks them."""

from __future__ import annotations

from fhir_mh.api.openapi import FHIR, Json, answer, fhir_body, in_path, operation, request_body

_RECORD_ID = in_path("id", "The record's id, as POST /records or /records/find gave it.")
_PATIENT_ID = in_path("id", "The Patient's id, as the server gave it.")


def paths() -> Json:
    """The addresses, what they take and answer."""
    told = {200: answer("Parameters, as OperationDefinition/currency has them", None, [], FHIR)}
    return {
        "/fhir/Patient/{id}/$currency": {
            "get": operation(
                "currency", "fhir", "How current each copy of each plan is",
                "Which version of each plan each partner was sent, has stored, filed and opened, and when; which "
                "copies are not kept up to date any more, and why; which crisis plan is current, and why.",
                parameters=[_PATIENT_ID], answers=told, refusals="401 403 404"),
            "post": operation(
                "currency_by_post", "fhir", "The same, as an operation that is posted", "It takes no parameters.",
                parameters=[_PATIENT_ID], body=fhir_body(["no-parameters"]), answers=told,
                refusals="400 401 403 404 415"),
        },
        "/records/{id}/currency": {
            "get": operation(
                "get_currency", "records", "How current each copy of each plan is",
                "The same as `$currency`, in plain JSON.", parameters=[_RECORD_ID],
                answers={200: answer("Each plan with its copies", "Currency")}, refusals="401 403 404"),
        },
        "/records/{id}/copies/marks": {
            "post": operation(
                "mark_copy", "records", "Say that a copy was filed, or opened by a person",
                "For this organisation's own systems. `edition` is the one that was read, as `copies` of the record "
                "has it. The custodian is told; a stage only moves forward, so that it may be sent again.",
                parameters=[_RECORD_ID], body=request_body("Mark", ["mark"]),
                answers={200: answer("The copy as it stands now", None)}, refusals="401 403 404 415 422"),
        },
        "/records/{id}/open": {
            "post": operation(
                "open_record", "records", "Read a record for a person to see",
                "The answer of GET, and each copy in it is marked as opened. A GET marks nothing.",
                parameters=[_RECORD_ID], answers={200: answer("The record", "HeldRecord", ["ETag"])},
                refusals="401 403 404"),
        },
    }  # fmt: skip


def schemas() -> Json:
    """The schemas of the answer and of a mark."""
    text, number, flag = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
    known_text, known_number, known_flag = ({"type": [one["type"], "null"]} for one in (text, number, flag))
    reached = {
        "type": ["object", "null"],
        "properties": {
            "edition": number, "at": text, "version": known_number, "content_hash": known_text,
            "newest": {**known_flag, "description": "whether that is the plan as it is now; null where not known here"},
        },
    }  # fmt: skip
    copy = {
        "partner": text, "sent": reached, "stored": reached, "filed": reached, "opened": reached, "newest": known_flag,
        "kept_up_to_date": flag, "since": {**known_text, "description": "when, if known"}, "reason": known_text,
        "asking": {
            "type": ["object", "null"], "properties": {"id": text, "at": text},
            "description": "by which it was pulled; null where it was not",
        },
    }  # fmt: skip
    plan = {
        "list": text, "id": text, "kind": text, "title": known_text, "custodian": text, "version": known_number,
        "content_hash": known_text, "copies": {"type": "array", "items": {"type": "object", "properties": copy}},
    }  # fmt: skip
    current = {"plan": known_text, "reason": text, "sentence": text}
    return {
        "Currency": {"type": "object", "properties": {
            "id": text, "as_of": text, "current_crisis_plan": {"type": "object", "properties": current},
            "plans": {"type": "array", "items": {"type": "object", "properties": plan}}}},
        "Mark": {"type": "object", "required": ["custodian", "stage", "edition"], "properties": {
            "custodian": text, "stage": {"type": "string", "enum": ["filed", "opened"]}, "edition": number,
            "at": {**text, "description": "an instant; now, where there is none"},
            "person": {**text, "description": "of a merged record: whose copy, as `copies` has it"}}},
    }  # fmt: skip
