"""What the OpenAPI document says of /partners."""

from __future__ import annotations

from fhir_mh.api.openapi import Json, answer, in_header, in_path, operation, request_body
from fhir_mh.partner import SECRETS, Partner

TAG = {"name": "partners", "description": "The organisations shared with, for this organisation's administrators."}
_SCHEMA = "Partner"
_ODS = in_path("ods", "The partner's ODS code.")
_IF_MATCH = in_header("If-Match", 'The ETag of the version that was read, such as W/"3".')


def paths() -> Json:
    """The addresses, what they take and answer."""
    known = "The partner, where it is kept, its version, and about how many people it holds something of ours"
    return {
        "/partners": {
            "get": operation(
                "list_partners", "partners", "The partners",
                "Those of the settings file and those kept here. One that was removed is listed while it holds copies.",
                answers={200: answer("By ODS code", None)}, refusals="401 403"),
            "post": operation(
                "post_partner", "partners", "Add a partner",
                "It counts at once, in every process of the gateway, and is sent what it may see of whom it cares for. "
                "No secret is taken: `secret_file` names a file in the gateway's folder of secrets.",
                body=request_body(_SCHEMA, ["partner", "partner-insecure"]),
                answers={201: answer(known, "KnownPartner", ["ETag", "Location"])}, refusals="401 403 409 422"),
        },
        "/partners/check": {
            "post": operation(
                "check_partners", "partners", "Prove the connections",
                "Step by step and without anybody's data, as `fhir-mh partners check`. Without `ods`, of all.",
                body=request_body(None, ["partners-check"]),
                answers={200: answer("Each partner's connections and steps", None)}, refusals="401 403 404 422"),
        },
        "/partners/{ods}": {
            "get": operation("get_partner", "partners", "Read a partner", "", parameters=[_ODS],
                             answers={200: answer(known, "KnownPartner", ["ETag"])}, refusals="401 403 404"),
            "put": operation(
                "put_partner", "partners", "Change a partner",
                "What waits for it is tried at once; at a kind or an address that it did not have before it is sent "
                "everything again. To change a secret without a gap, name the new file as "
                "`secret_file`, the old one as `previous_secret_file`, and in `previous_until` how long it counts.",
                parameters=[_ODS, {**_IF_MATCH, "required": True}], body=request_body(_SCHEMA, ["partner-off"]),
                answers={200: answer(known, "KnownPartner", ["ETag"])}, refusals="401 403 404 409 412 422 428"),
            "delete": operation(
                "delete_partner", "partners", "Remove a partner",
                "Its lanes end and it is told so; proposals that wait are shown to their authors as withheld.",
                parameters=[_ODS, _IF_MATCH],
                answers={200: answer("How many lanes ended, notices go out and proposals stay", None)},
                refusals="401 403 404 409 412"),
        },
    }  # fmt: skip


def schemas() -> Json:
    """The schema of a partner as it is kept here, and as it is told."""
    whole = Partner.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: Json = whole.pop("$defs", {})
    ways: Json = parts["Connection"]["properties"]
    for name in SECRETS:
        about = ways.pop(name)["description"].split(". ")[0]
        ways[f"{name}_file"] = {"type": "string", "description": f"A file in the folder of secrets, by name. {about}."}
    text, number = {"type": "string"}, {"type": "integer"}
    known = {"ods": text, "kept": {"type": "string", "enum": ["file", "api"]}, "version": number, "holds": number,
             "partner": {"$ref": f"#/components/schemas/{_SCHEMA}"}, "removed": {"type": "boolean"},
             "issues": {"type": "array", "items": {"type": "object"}}}  # fmt: skip
    return {**parts, _SCHEMA: whole, "KnownPartner": {"type": "object", "properties": known}}
