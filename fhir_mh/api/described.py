"""The OpenAPI document: every address, what it takes and answers, with examples that work.

It is written out here, for the bodies are read by our own JSON reader and FHIR's types would drown it otherwise.
"""

from __future__ import annotations

from functools import cache

from fhir_mh import __version__, shipped
from fhir_mh.api import (
    concerns_described,
    conflicts_described,
    currency_described,
    finding_described,
    merges_described,
    partners_described,
    placements_described,
    quarantine_described,
    seals_described,
    subscription_described,
)
from fhir_mh.api.formats import known_formats
from fhir_mh.api.openapi import (
    FHIR,
    Json,
    answer,
    examples_of,
    fhir_body,
    in_header,
    in_path,
    in_query,
    operation,
    refused,
    request_body,
)
from fhir_mh.fhir.json import loads
from fhir_mh.records import CareRecord

_EXTRACT = "community-extract.json"

_ABOUT = """
One gateway keeps what its organisation holds about people: care plans, crisis plans, advance wishes, placements. It is
used in two ways that say the same: **plain records** (`/records`, for systems without FHIR) and **FHIR R4** (`/fhir`).

- Only what this organisation keeps is changed here. A change to what another organisation keeps is sent there as a
  *proposal*, and shown as pending until it is answered.
- What is not mentioned stays. Nothing is deleted by being left out; an explicit `null` clears a field.
- An NHS number never stands in a URL: find people with `POST /records/find` or `POST /fhir/Patient/_search`.
- Every refusal is an `OperationOutcome` with a stable code, the exact place and how to mend it; nothing is half stored.
"""


def document(secured: bool) -> Json:
    """The OpenAPI 3.1 document. secured: whether callers need a token."""
    found: Json = {
        "openapi": "3.1.0",
        "info": {"title": "fhir_mh gateway", "version": __version__, "description": _ABOUT.strip()},
        "tags": [
            {"name": "records", "description": "Plain JSON, and providers' own formats."},
            {
                "name": "placements",
                "description": "A placement as one object: its steps, and how its terms came to be.",
            },
            {"name": "fhir", "description": "FHIR R4 (4.0.1). What is supported: GET /fhir/metadata."},
            subscription_described.TAG,
            concerns_described.TAG,
            quarantine_described.TAG,
            seals_described.TAG,
            merges_described.TAG,
            conflicts_described.TAG,
            {"name": "deliveries", "description": "What waits for partners, for this organisation's operators."},
            partners_described.TAG,
        ],
        "paths": {
            **_records(),
            **placements_described.paths(),
            **finding_described.paths(),
            **_fhir(),
            **subscription_described.paths(),
            **currency_described.paths(),
            **conflicts_described.paths(),
            **concerns_described.paths(),
            **quarantine_described.paths(),
            **seals_described.paths(),
            **merges_described.paths(),
            **_deliveries(),
            **partners_described.paths(),
        },
        "components": {"schemas": _schemas(), "responses": {"Refused": refused()}},
    }
    if secured:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


# --- plain records


def _records() -> Json:
    return {
        "/records": {
            "post": operation(
                "post_record", "records", "Send a record: of a new person, or a change",
                "The body names the person by NHS number, or by a local identifier that one person here has; else the "
                "person is new. Items match by id, else by what they say. With `format` the body is a file in that "
                "provider's own format.",
                parameters=[_FORMAT, _IF_MATCH],
                body=request_body("CareRecord", ["new-person", "one-change", "misspelt"], more=_vendor_bodies()),
                answers={201: answer("The person is new", "Written", ["ETag", "Location"]),
                         200: answer("A new version of the record", "Written", ["ETag"])},
                refusals="400 409 412 413 415 422",
            ),
        },
        "/records/find": {
            "post": operation(
                "find_record", "records", "Find a record by NHS number", "The number is in the body, never in a URL.",
                body=request_body("Find", ["find"]), answers={200: answer("The record", "HeldRecord", ["ETag"])},
                refusals="403 404 422",
            ),
        },
        "/records/{id}": {
            "get": operation(
                "get_record", "records", "Read a record",
                "With `format`, the record as a file in that provider's own format, as far as the format can say it; "
                "where it cannot say all, a Link header (`describedby`) leads to what is missing.",
                parameters=[_RECORD_ID, _FORMAT], answers={200: answer("The record", "HeldRecord", ["ETag", "Link"])},
                refusals="400 403 404",
            ),
            "put": operation(
                "put_record", "records", "Change a record that was read before",
                "If-Match names the version that was read, by its ETag; a stale one is refused, and nothing is lost.",
                parameters=[_RECORD_ID, _FORMAT, {**_IF_MATCH, "required": True}],
                body=request_body("CareRecord", ["change-by-id"]),
                answers={200: answer("A new version of the record", "Written", ["ETag"])},
                refusals="400 404 409 412 415 422 428",
            ),
        },
        "/records/{id}/losses": {
            "get": operation(
                "get_losses", "records", "What a format cannot say of a record",
                "Places in the record and why, never what stands there.",
                parameters=[_RECORD_ID, {**_FORMAT, "required": True}],
                answers={200: answer("What is missing from the file", "Losses", ["ETag"])}, refusals="400 403 404",
            ),
        },
    }  # fmt: skip


def _vendor_bodies() -> Json:
    """The bodies in providers' own formats, with the extract that ships as the example."""
    folder = shipped.path("examples")
    extract = folder / _EXTRACT
    example = {
        "community-extract": {
            "summary": "A community trust's own extract",
            "value": loads(extract.read_bytes()),
            "x-query": "format=community-trust",
            "x-status": 201,
        }
    }
    return {"application/json": example, "text/csv": {}}


# --- FHIR


def _fhir() -> Json:
    read = {200: answer("The resource as it was stored", None, ["ETag", "Last-Modified"], FHIR)}
    kept = {
        200: answer("The new version", None, ["ETag", "Last-Modified", "Content-Location"], FHIR),
        202: answer("Another organisation keeps this: the change was sent there as a proposal", None, [], FHIR),
    }
    made = {201: answer("Stored under an id given here", None, ["ETag", "Last-Modified", "Location"], FHIR)}
    past = {200: answer("A Bundle of type history, newest first", None, [], FHIR)}
    return {
        "/fhir": {"post": operation(
            "process", "fhir", "Process a transaction or a batch",
            "A transaction is stored whole or not at all; its entries may refer to one another by fullUrl.",
            parameters=[_PREFER], body=fhir_body(["transaction", "dangling"]),
            answers={200: answer("What became of each entry", None, [], FHIR)}, refusals="400 409 412 415 422")},
        "/fhir/metadata": {"get": operation(
            "metadata", "fhir", "What this server supports", "A CapabilityStatement.",
            answers={200: answer("The CapabilityStatement", None, [], FHIR)})},
        "/fhir/{type}": {
            "post": operation("create", "fhir", "Create a resource", "It is validated against R4 and its profiles.",
                               parameters=[_TYPE, _PREFER], body=fhir_body(["patient"]), answers=made,
                               refusals="400 404 409 415 422"),
            "get": operation("search", "fhir", "Search", "An unknown parameter is refused, unless Prefer says "
                              "handling=lenient. An NHS number goes by POST.", parameters=[_TYPE, *_SEARCHES],
                              answers=_SEARCHSET, refusals="400 404 410"),
        },
        "/fhir/{type}/_search": {"post": operation(
            "search_by_post", "fhir", "Search without anything in the URL", "The same parameters as a form. Links to "
            "further pages do not say what was asked; they are good for 15 minutes.", parameters=[_TYPE],
            body={"required": True, "content": {"application/x-www-form-urlencoded": {
                "schema": {"type": "object"}, "examples": examples_of(["search"])}}},
            answers=_SEARCHSET, refusals="400 404 415")},
        "/fhir/{type}/{id}": {
            "get": operation("read", "fhir", "Read a resource", "The text that was stored, unchanged.",
                              parameters=[_TYPE, _ID], answers=read, refusals="403 404 410"),
            "put": operation("update", "fhir", "Update a resource", "Ids are given by the server: only what is here "
                              "is updated.", parameters=[_TYPE, _ID, _IF_MATCH, _PREFER], body=fhir_body([]),
                              answers=kept, refusals="400 404 405 409 412 415 422"),
        },
        "/fhir/{type}/{id}/_history": {"get": operation(
            "history", "fhir", "All versions of a resource", "", parameters=[_TYPE, _ID], answers=past,
            refusals="403 404")},
        "/fhir/{type}/{id}/_history/{version}": {"get": operation(
            "read_version", "fhir", "One version of a resource", "",
            parameters=[_TYPE, _ID, in_path("version", "A version number.")], answers=read, refusals="403 404 410")},
        **_operations(),
    }  # fmt: skip


def _operations() -> Json:
    judged = {200: answer("An OperationOutcome: what is wrong, and what could not be checked", None, [], FHIR)}
    return {
        "/fhir/{type}/$validate": {"post": operation(
            "validate", "fhir", "Validate a resource without storing it", "The resource, or Parameters with it, mode "
            "and profile. The answer is 200 once it is judged, whatever the verdict; a Bundle may be sent too.",
            parameters=[_TYPE, *_VALIDATING], body=fhir_body(["wrong-patient"]), answers=judged,
            refusals="400 404 415")},
        "/fhir/{type}/{id}/$validate": {
            "get": operation("validate_stored", "fhir", "Validate what is stored", "", parameters=[_TYPE, _ID,
                             *_VALIDATING], answers=judged, refusals="400 403 404 410"),
            "post": operation("validate_update", "fhir", "Validate an update without storing it", "Without a body, "
                              "what is stored.", parameters=[_TYPE, _ID, *_VALIDATING], body=fhir_body([]),
                              answers=judged, refusals="400 403 404 410 415"),
        },
        "/fhir/Patient/{id}/$everything": {"get": operation(
            "everything", "fhir", "Everything about a person", "Of every organisation, as far as one may see it.",
            parameters=[_ID], answers=_SEARCHSET, refusals="403 404")},
    }  # fmt: skip


# --- sync, as far as people use it


def _deliveries() -> Json:
    listed = {200: answer("What waits, what was refused, and how current each partner is", None)}
    return {
        "/deliveries": {"get": operation(
            "list_deliveries", "deliveries", "What waits for partners", "",
            parameters=[in_query("partner", "Only those to this ODS code."),
                        in_query("all", "true: every lane, whether anything waits in it or not.")],
            answers=listed, refusals="403 404")},
        "/deliveries/summary": {"get": operation(
            "sum_up_deliveries", "deliveries", "How the deliveries to each partner stand", "How much waits and since "
            "when, what was refused or set aside, and whether the oldest has waited too long.",
            answers={200: answer("A row for each partner, and the alarms that stand", None)}, refusals="403")},
        "/deliveries/replay": {"post": operation(
            "replay_deliveries", "deliveries", "Send all again that a partner refused", "Consent is decided anew. With "
            "a code, only what was refused with it. At most a thousand at once; `left` says how many remain.",
            body=request_body("ReplayAll", ["replay-all"]),
            answers={200: answer("They wait again", None)}, refusals="403 404 422")},
        "/deliveries/send-again": {"post": operation(
            "send_again", "deliveries", "Send a partner everything again", "For one whose store is older than what it "
            "has acknowledged. Consent is decided anew; what the partner holds already it passes over.",
            body=request_body("SendAgain", ["send-again"]),
            answers={200: answer("How many people and notices wait again", None)}, refusals="403 404 422")},
        "/deliveries/{seq}": {"get": operation(
            "show_delivery", "deliveries", "One message: its state, its age, what it waits for", "Never what it says.",
            parameters=[in_path("seq", "The number of the message.")],
            answers={200: answer("The message without its content, its lane and copies", None)}, refusals="403 404")},
        "/metrics": {"get": operation(
            "metrics", "deliveries", "The same figures for Prometheus", "",
            answers={200: answer("Prometheus's text format 0.0.4", None, [], "text/plain")}, refusals="403")},
        "/deliveries/{seq}/replay": {"post": operation(
            "replay_delivery", "deliveries", "Send a refused message again", "Consent is decided anew.",
            parameters=[in_path("seq", "The number of the message.")], answers={200: answer("It waits again", None)},
            refusals="403 404")},
        "/deliveries/resume": {"post": operation(
            "resume_lane", "deliveries", "Let a halted lane go on", "What was refused stays behind, unless it was "
            "replayed. Without a person, all halted lanes of the partner.", body=request_body("Resume", ["resume"]),
            answers={200: answer("The lanes go on", None)}, refusals="403 404 422")},
    }  # fmt: skip


# --- parts


_RECORD_ID = in_path("id", "The record's id, as POST /records or /records/find gave it.")
_TYPE = in_path("type", "A resource type of R4, such as CarePlan.")
_ID = in_path("id", "The resource's id, as the server gave it.")
_FORMAT = in_query("format", "The name of a provider's own format (a file in mappings/).")
_IF_MATCH = in_header("If-Match", 'The ETag of the version that was read, such as W/"3".')
_PREFER = in_header("Prefer", "return=representation, return=minimal or return=OperationOutcome.")
_VALIDATING = (
    in_query("profile", "A profile it must follow, besides those it claims."),
    in_query("mode", "create, update or profile. An update has the id of the address."),
)
_SEARCHSET = {200: answer("A Bundle of type searchset", None, [], FHIR)}
_SEARCHES = (
    in_query("patient", "Patient/ID, or the id alone; several joined by commas. Finds all about the same person."),
    in_query("identifier", "system|value, or the value alone. Never an NHS number."),
    in_query("_id", "Ids, joined by commas."),
    in_query("_lastUpdated", "Such as ge2026-11-24; may stand twice."),
    in_query("_count", "The size of a page, at most 200."),
    in_query("_cursor", "Where a page begins, from the link to it."),
)


@cache
def _schemas() -> Json:
    whole = CareRecord.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: Json = whole.pop("$defs", {})
    text, number, listed = {"type": "string"}, {"type": "integer"}, {"type": "array", "items": {"type": "object"}}
    find = {"type": "object", "properties": {"nhs_number": text}, "required": ["nhs_number"]}
    held = {
        "id": text, "version": number, "record": {"$ref": "#/components/schemas/CareRecord"},
        "custodians": {"type": "object", "description": "list -> item id -> ODS code of who keeps it"},
        "pending": {**listed, "description": "our own changes that their keeper's copy does not show yet"},
        "decided": {**listed, "description": "what became of our changes that were in conflict with their keeper's"},
        "copies": {**listed, "description": "how current each copy is, and why one is no longer kept so"},
        "agreements": {**listed, "description": "of each agreement, whether the plan has changed since"},
        "plans": {**listed, "description": "of each plan, whether it is what its keeper made of it at that version"},
        "cautions": {**listed, "description": "what to say beside each recorded refusal, by its id"},
        "merged": {"type": "array", "items": text, "description": "ids of other persons who are one with this one"},
        "retracted": {**listed, "description": "whose texts were sealed as recorded for the wrong person, and when"},
        "asked_by_law": {**listed, "description": "what laws that are in force and turned on find missing"},
    }  # fmt: skip
    written = {
        "id": text, "version": number, "changed": {"type": "array", "items": text, "description": "places in it"},
        "proposed": {"type": "array", "items": text, "description": "ids of proposals to other organisations"},
        "tasks": {**number, "description": "how many questions were raised for a person to settle"}, "warnings": listed,
    }  # fmt: skip
    known = {"type": "string", "enum": list(known_formats())}
    return {
        **concerns_described.schemas(),
        **partners_described.schemas(),
        **currency_described.schemas(),
        **placements_described.schemas(),
        **finding_described.schemas(),
        **quarantine_described.schemas(),
        **seals_described.schemas(),
        **merges_described.schemas(),
        **conflicts_described.schemas(),
        **parts,
        "CareRecord": whole,
        "Find": find,
        "SendAgain": {"type": "object", "properties": {"partner": text}, "required": ["partner"]},
        "Resume": {"type": "object", "properties": {"partner": text, "person": text}, "required": ["partner"]},
        "ReplayAll": {"type": "object", "properties": {"partner": text, "code": text}, "required": ["partner"]},
        "Losses": {"type": "object", "properties": {
            "id": text, "version": number, "format": text,
            "losses": {**listed, "description": "path, what became of it, and how many times"}}},
        "HeldRecord": {"type": "object", "properties": held},
        "Written": {"type": "object", "properties": written},
        "FormatName": known,
    }  # fmt: skip
