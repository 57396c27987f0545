"""Parts of a resource as JSON, whatever else may stand there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from fhir_mh.fhir.json import dumps


def objects_in(value: Any) -> list[dict[str, Any]]:
    """The objects of what should be a list of objects."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def without_meta(resource: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """A resource without these members of its meta, and without a meta that has no others."""
    meta = resource.get("meta")
    if not isinstance(meta, dict):
        return dict(resource)
    kept = {name: value for name, value in meta.items() if name not in names}
    body = {name: kept if name == "meta" else value for name, value in resource.items()}
    if not kept:
        del body["meta"]
    return body


def null_character_in(value: Any, path: str) -> str | None:
    """The path of the first text in JSON that holds the character NUL, of an object for its keys; None for none."""
    return _null_character_in(value, path) if b"\\u0000" in dumps(value) else None


def _null_character_in(value: Any, path: str) -> str | None:
    if isinstance(value, str):
        return path if "\x00" in value else None
    if isinstance(value, dict):
        inside = [(inner, f"{path}.{key}") for key, inner in value.items()]
        if any("\x00" in key for key in value):
            return path
    else:
        inside = [(inner, f"{path}[{n}]") for n, inner in enumerate(value)] if isinstance(value, list) else []
    return next((found for inner, place in inside if (found := _null_character_in(inner, place)) is not None), None)


def copied(value: Any) -> Any:
    """The JSON anew: its objects and lists are others, several times as quickly as copy.deepcopy makes them."""
    if isinstance(value, dict):
        return {name: copied(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [copied(inner) for inner in value]
    return value


def changed(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The JSON with each object in it as `change` gives it, the inner ones first; what is given stays as it is."""
    if isinstance(value, list):
        return [changed(inner, change) for inner in value]
    if not isinstance(value, dict):
        return value
    return change({name: changed(inner, change) for name, inner in value.items()})
