"""What the OpenAPI document is made of: operations, bodies, answers and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_mh.api.examples import BY_NAME

Json = dict[str, Any]
FHIR = "application/fhir+json"


def operation(
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


def answer(about: str, schema: str | None, headers: Sequence[str] = (), media: str = "application/json") -> Json:
    found: Json = {"description": about, "content": {media: {"schema": _schema(schema)}}}
    if headers:
        found["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    return found


def refused() -> Json:
    """The answer that all refusals share."""
    text = "Why it was refused: an OperationOutcome with a stable code, the place, and how to mend it."
    return {"description": text, "content": {FHIR: {"schema": {"type": "object"}}}}


def request_body(schema: str | None, names: Sequence[str], more: Json | None = None) -> Json:
    """A body as plain JSON with examples by their names, and perhaps of further media types."""
    content: Json = {"application/json": {"schema": _schema(schema), "examples": examples_of(names)}}
    for media, examples in (more or {}).items():
        entry = content.setdefault(media, {"schema": {"type": "string"}})
        if examples:
            entry["examples"] = {**entry.get("examples", {}), **examples}
    return {"required": True, "content": content}


def fhir_body(names: Sequence[str]) -> Json:
    """A body as FHIR."""
    entry: Json = {"schema": {"type": "object"}}
    if names:
        entry["examples"] = examples_of(names)
    return {"required": True, "content": {FHIR: entry}}


def _schema(name: str | None) -> Json:
    return {"$ref": f"#/components/schemas/{name}"} if name else {"type": "object"}


def examples_of(names: Sequence[str]) -> Json:
    """The examples of these names."""
    found = {}
    for name in names:
        example = BY_NAME[name]
        found[name] = {"summary": example.summary, "value": example.value, "x-status": example.status}
        if example.after:
            found[name]["x-after"] = example.after
        if example.step:
            found[name]["x-step"] = example.step
    return found


def in_path(name: str, about: str) -> Json:
    """A parameter in the address."""
    return {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string"}}


def in_query(name: str, about: str) -> Json:
    """A parameter behind the address."""
    return {"name": name, "in": "query", "description": about, "schema": {"type": "string"}}


def in_header(name: str, about: str) -> Json:
    """A header."""
    return {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}
