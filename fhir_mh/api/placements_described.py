"""What the OpenAPI document says of /records/{id}/placements."""

from __future__ import annotations

from fhir_mh.api.openapi import Json, answer, in_header, in_path, operation, request_body
from fhir_mh.placements import STEPS

_RECORD_ID = in_path("id", "The record's id, as POST /records or /records/find gave it.")
_PLACEMENT = in_path("placement", "The placement's id; of a stay that nobody has placed, the stay's.")
_STEP = in_path("step", "confirm, decline, admit, change, transfer, leave, return, delay, end or reopen.")
_IF_MATCH = in_header("If-Match", 'The ETag of the record\'s version that was read, such as W/"3". It may be left out.')
_AGAIN = "It had been recorded before, with the same facts; or it is a further step"


def paths() -> Json:
    """The addresses, what they take and answer."""
    said = answer(_AGAIN, "StepRecorded", ["ETag"])
    return {
        "/records/{id}/placements": {
            "get": operation(
                "list_placements", "placements", "The placements of a person",
                "What each is now and which steps it takes; how its terms came to be, and why the discharge moved.",
                parameters=[_RECORD_ID], answers={200: answer("The placements", "PlacementList", ["ETag"])},
                refusals="403 404"),
            "post": operation(
                "open_placement", "placements", "Open a placement, or claim one",
                "The home team opens it; a provider that has admitted somebody nobody placed says `step`: `claim`.",
                parameters=[_RECORD_ID, _IF_MATCH],
                body=request_body("PlacementStep", ["open-placement", "claim-placement", "reason-missing"]),
                answers={201: answer("It is open", "StepRecorded", ["ETag", "Location"]), 200: said},
                refusals="403 404 409 412 415 422"),
        },
        "/records/{id}/placements/{placement}/{step}": {
            "post": operation(
                "take_step", "placements", "Record a step of a placement",
                "A step that was recorded already is answered alike again; told with other facts it is refused.",
                parameters=[_RECORD_ID, _PLACEMENT, _STEP, _IF_MATCH],
                body=request_body("PlacementStep", ["change-placement", "end-placement"]),
                answers={201: answer("Another placement is open: by a transfer, or a claim that was confirmed",
                                     "StepRecorded", ["ETag", "Location"]), 200: said},
                refusals="403 404 409 412 415 422"),
        },
    }  # fmt: skip


def schemas() -> Json:
    """The facts of each step, and what is answered."""
    parts: Json = {}
    for name, step in STEPS.items():
        schema = step.model_json_schema(ref_template="#/components/schemas/{model}")
        parts |= schema.pop("$defs", {})
        parts[f"Step-{name}"] = schema
    text, whole, listed = {"type": "string"}, {"type": "object"}, {"type": "array", "items": {"type": "object"}}
    named = {"type": "array", "items": text}
    one = {
        "id": text, "state": {**text, "description": "planned, claimed, declined, under-way, on-leave, left, waiting, "
                              "lapsed, ended or void"}, "provider": text, "kept_by": whole,
        "not_kept_up_to_date": {**whole, "description": "of placement and stay, where its keeper sends its changes no "
                                "more: since, reason"},
        "possible": {**named, "description": "the steps that it takes now"}, "placement": whole, "stay": whole,
        "discharge_moved": {**listed, "description": "from, to, reason, by, at"},
        "history": {**listed, "description": "term, value, reason, by, at"},
    }  # fmt: skip
    said = {
        "id": text, "version": {"type": "integer"}, "placement": text, "repeated": {"type": "boolean"},
        "proposed": named, "tasks": {"type": "integer"}, "warnings": listed,
    }  # fmt: skip
    return {
        **parts,
        "PlacementStep": {"anyOf": [{"$ref": f"#/components/schemas/Step-{name}"} for name in STEPS]},
        "PlacementList": {"type": "object", "properties": {
            "id": text, "version": {"type": "integer"},
            "placements": {"type": "array", "items": {"type": "object", "properties": one}}}},
        "StepRecorded": {"type": "object", "properties": said},
    }  # fmt: skip
