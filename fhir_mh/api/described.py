"""The OpenAPI document: every address, what it takes and answers, with examples that work.

It is written out here, for the bodies are read by our own JSON reader and FHIR's types would drown it otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from fhir_mh import __version__, shipped
from fhir_mh.api import concerns_described
from fhir_mh.api.examples import BY_NAME
from fhir_mh.api.formats import known_formats
from fhir_mh.fhir.json import loads
from fhir_mh.records import CareRecord

Json = dict[str, Any]
FHIR = "application/fhir+json"
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
            {"name": "fhir", "description": "FHIR R4 (4.0.1). What is supported: GET /fhir/metadata."},
            concerns_described.TAG,
            {"name": "deliveries", "description": "What waits for partners, for this organisation's operators."},
        ],
        "paths": {**_records(), **_fhir(), **concerns_described.paths(), **_deliveries()},
        "components": {"schemas": _schemas(), "responses": {"Refused": _refused()}},
    }
    if secured:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


# --- plain records


def _records() -> Json:
    return {
        "/records": {
            "post": _operation(
                "post_record", "records", "Send a record: of a new person, or a change",
                "The body names the person by NHS number; without one, the person is new each time. Items match by id, "
                "else by what they say. With `format` the body is a file in that provider's own format.",
                parameters=[_FORMAT, _IF_MATCH],
                body=_body("CareRecord", ["new-person", "one-change", "misspelt"], more=_vendor_bodies()),
                answers={201: _answer("The person is new", "Written", ["ETag", "Location"]),
                         200: _answer("A new version of the record", "Written", ["ETag"])},
                refusals="400 409 412 413 415 422",
            ),
        },
        "/records/find": {
            "post": _operation(
                "find_record", "records", "Find a record by NHS number", "The number is in the body, never in a URL.",
                body=_body("Find", ["find"]), answers={200: _answer("The record", "HeldRecord", ["ETag"])},
                refusals="403 404 422",
            ),
        },
        "/records/{id}": {
            "get": _operation(
                "get_record", "records", "Read a record",
                "With `format`, the record as a file in that provider's own format, as far as the format can say it; "
                "where it cannot say all, a Link header (`describedby`) leads to what is missing.",
                parameters=[_RECORD_ID, _FORMAT], answers={200: _answer("The record", "HeldRecord", ["ETag", "Link"])},
                refusals="400 403 404",
            ),
            "put": _operation(
                "put_record", "records", "Change a record that was read before",
                "If-Match names the version that was read, by its ETag; a stale one is refused, and nothing is lost.",
                parameters=[_RECORD_ID, _FORMAT, {**_IF_MATCH, "required": True}],
                body=_body("CareRecord", ["change-by-id"]),
                answers={200: _answer("A new version of the record", "Written", ["ETag"])},
                refusals="400 404 409 412 415 422 428",
            ),
        },
        "/records/{id}/losses": {
            "get": _operation(
                "get_losses", "records", "What a format cannot say of a record",
                "Places in the record and why, never what stands there.",
                parameters=[_RECORD_ID, {**_FORMAT, "required": True}],
                answers={200: _answer("What is missing from the file", "Losses", ["ETag"])}, refusals="400 403 404",
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
    read = {200: _answer("The resource as it was stored", None, ["ETag", "Last-Modified"], FHIR)}
    kept = {
        200: _answer("The new version", None, ["ETag", "Last-Modified", "Content-Location"], FHIR),
        202: _answer("Another organisation keeps this: the change was sent there as a proposal", None, [], FHIR),
    }
    made = {201: _answer("Stored under an id given here", None, ["ETag", "Last-Modified", "Location"], FHIR)}
    found = {200: _answer("A Bundle of type searchset", None, [], FHIR)}
    past = {200: _answer("A Bundle of type history, newest first", None, [], FHIR)}
    return {
        "/fhir": {"post": _operation(
            "process", "fhir", "Process a transaction or a batch",
            "A transaction is stored whole or not at all; its entries may refer to one another by fullUrl.",
            parameters=[_PREFER], body=_fhir_body(["transaction", "dangling"]),
            answers={200: _answer("What became of each entry", None, [], FHIR)}, refusals="400 409 412 415 422")},
        "/fhir/metadata": {"get": _operation(
            "metadata", "fhir", "What this server supports", "A CapabilityStatement.",
            answers={200: _answer("The CapabilityStatement", None, [], FHIR)})},
        "/fhir/{type}": {
            "post": _operation("create", "fhir", "Create a resource", "It is validated against R4 and its profiles.",
                               parameters=[_TYPE, _PREFER], body=_fhir_body(["patient"]), answers=made,
                               refusals="400 404 409 415 422"),
            "get": _operation("search", "fhir", "Search", "An unknown parameter is refused, unless Prefer says "
                              "handling=lenient. An NHS number goes by POST.", parameters=[_TYPE, *_SEARCHES],
                              answers=found, refusals="400 404 410"),
        },
        "/fhir/{type}/_search": {"post": _operation(
            "search_by_post", "fhir", "Search without anything in the URL", "The same parameters as a form. Links to "
            "further pages do not say what was asked; they are good for 15 minutes.", parameters=[_TYPE],
            body={"required": True, "content": {"application/x-www-form-urlencoded": {
                "schema": {"type": "object"}, "examples": _examples(["search"])}}},
            answers=found, refusals="400 404 415")},
        "/fhir/{type}/{id}": {
            "get": _operation("read", "fhir", "Read a resource", "The text that was stored, unchanged.",
                              parameters=[_TYPE, _ID], answers=read, refusals="403 404 410"),
            "put": _operation("update", "fhir", "Update a resource", "Ids are given by the server: only what is here "
                              "is updated.", parameters=[_TYPE, _ID, _IF_MATCH, _PREFER], body=_fhir_body([]),
                              answers=kept, refusals="400 404 405 409 412 415 422"),
        },
        "/fhir/{type}/{id}/_history": {"get": _operation(
            "history", "fhir", "All versions of a resource", "", parameters=[_TYPE, _ID], answers=past,
            refusals="403 404")},
        "/fhir/{type}/{id}/_history/{version}": {"get": _operation(
            "read_version", "fhir", "One version of a resource", "",
            parameters=[_TYPE, _ID, _path("version", "A version number.")], answers=read, refusals="403 404 410")},
        "/fhir/Patient/{id}/$everything": {"get": _operation(
            "everything", "fhir", "Everything about a person", "Of every organisation, as far as one may see it.",
            parameters=[_ID], answers=found, refusals="403 404")},
    }  # fmt: skip


# --- sync, as far as people use it


def _deliveries() -> Json:
    listed = {200: _answer("What waits, what was refused, and how current each partner is", None)}
    return {
        "/deliveries": {"get": _operation(
            "list_deliveries", "deliveries", "What waits for partners", "",
            parameters=[_query("partner", "Only those to this ODS code."),
                        _query("all", "true: every lane, whether anything waits in it or not.")],
            answers=listed, refusals="403 404")},
        "/deliveries/{seq}/replay": {"post": _operation(
            "replay_delivery", "deliveries", "Send a refused message again", "Consent is decided anew.",
            parameters=[_path("seq", "The number of the message.")], answers={200: _answer("It waits again", None)},
            refusals="403 404")},
        "/deliveries/resume": {"post": _operation(
            "resume_lane", "deliveries", "Let a halted lane go on", "What was refused stays behind, unless it was "
            "replayed. Without a person, all halted lanes of the partner.", body=_body("Resume", ["resume"]),
            answers={200: _answer("The lanes go on", None)}, refusals="403 404 422")},
    }  # fmt: skip


# --- parts


def _operation(
    name: str, tag: str, summary: str, about: str, *, answers: dict[int, Json], parameters: Sequence[Json] = (),
    body: Json | None = None, refusals: str = "",
) -> Json:  # fmt: skip
    found: Json = {"operationId": name, "tags": [tag], "summary": summary}
    if about:
        found["description"] = about
    if parameters:
        found["parameters"] = list(parameters)
    if body is not None:
        found["requestBody"] = body
    refused = {code: {"$ref": "#/components/responses/Refused"} for code in refusals.split()}
    found["responses"] = {**{str(code): answer for code, answer in answers.items()}, **refused}
    return found


def _answer(about: str, schema: str | None, headers: Sequence[str] = (), media: str = "application/json") -> Json:
    held = {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}
    found: Json = {"description": about, "content": {media: {"schema": held}}}
    if headers:
        found["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    return found


def _refused() -> Json:
    text = "Why it was refused: an OperationOutcome with a stable code, the place, and how to mend it."
    return {"description": text, "content": {FHIR: {"schema": {"type": "object"}}}}


def _body(schema: str, names: Sequence[str], more: Json | None = None) -> Json:
    content: Json = {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": _examples(names)}
    }
    for media, examples in (more or {}).items():
        entry = content.setdefault(media, {"schema": {"type": "string"}})
        if examples:
            entry["examples"] = {**entry.get("examples", {}), **examples}
    return {"required": True, "content": content}


def _fhir_body(names: Sequence[str]) -> Json:
    entry: Json = {"schema": {"type": "object"}}
    if names:
        entry["examples"] = _examples(names)
    return {"required": True, "content": {FHIR: entry}}


def _examples(names: Sequence[str]) -> Json:
    found = {}
    for name in names:
        example = BY_NAME[name]
        found[name] = {"summary": example.summary, "value": example.value, "x-status": example.status}
        if example.after:
            found[name]["x-after"] = example.after
    return found


def _path(name: str, about: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string"}}


def _query(name: str, about: str) -> Json:
    return {"name": name, "in": "query", "description": about, "schema": {"type": "string"}}


def _header(name: str, about: str) -> Json:
    return {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}


_RECORD_ID = _path("id", "The record's id, as POST /records or /records/find gave it.")
_TYPE = _path("type", "A resource type of R4, such as CarePlan.")
_ID = _path("id", "The resource's id, as the server gave it.")
_FORMAT = _query("format", "The name of a provider's own format (a file in mappings/).")
_IF_MATCH = _header("If-Match", 'The ETag of the version that was read, such as W/"3".')
_PREFER = _header("Prefer", "return=representation, return=minimal or return=OperationOutcome.")
_SEARCHES = (
    _query("patient", "Patient/ID, or the id alone; several joined by commas. Finds all about the same person."),
    _query("identifier", "system|value, or the value alone. Never an NHS number."),
    _query("_id", "Ids, joined by commas."),
    _query("_lastUpdated", "Such as ge2026-11-24; may stand twice."),
    _query("_count", "The size of a page, at most 200."),
    _query("_cursor", "Where a page begins, from the link to it."),
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
        "copies": {**listed, "description": "how current each copy is, and why one is no longer kept so"},
        "agreements": {**listed, "description": "of each agreement, whether the plan has changed since"},
        "plans": {**listed, "description": "of each plan, whether it is what its keeper made of it at that version"},
        "cautions": {**listed, "description": "what to say beside each recorded refusal, by its id"},
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
        **parts,
        "CareRecord": whole,
        "Find": find,
        "Resume": {"type": "object", "properties": {"partner": text, "person": text}, "required": ["partner"]},
        "Losses": {"type": "object", "properties": {
            "id": text, "version": number, "format": text,
            "losses": {**listed, "description": "path, what became of it, and how many times"}}},
        "HeldRecord": {"type": "object", "properties": held},
        "Written": {"type": "object", "properties": written},
        "FormatName": known,
    }  # fmt: skip
