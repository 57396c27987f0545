"""An extension as a reader needs it: where it stands, its parts, and one as it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from scripts.pages.definitions import Json, Package, is_ours
from scripts.pages.examples import Example


def extension_section(package: Package, url: str, examples: list[Example]) -> Iterator[str]:
    """What one extension says and how it is written, with one out of the examples."""
    definition = package.extensions[url]
    where = ", ".join(f"`{context['expression']}`" for context in definition["context"])
    yield f"### {definition['id']}"
    yield f"{definition['description']} Stands on {where}."
    rows = list(parts(definition))
    lines = ["| part | how often | type | what it says |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    yield "\n".join(lines)
    found = next((said for held in examples for said in written(held.resource, url)), None)
    if found is not None:
        yield f"```json\n{json.dumps(found, ensure_ascii=False, indent=2)}\n```"


def parts(definition: Json) -> Iterator[tuple[str, str, str, str]]:
    """(part, how often, type, what it says) of an extension; one that is a single value has one row."""
    elements: dict[str, Json] = {element["id"]: element for element in definition["differential"]["element"]}
    named = [key for key, said in elements.items() if "sliceName" in said and key.split(".")[-1].startswith("ext")]
    if not named:
        kind, codes = _kind(elements, "Extension")
        yield "the value", "1..1", kind, codes
    for part in named:
        element = elements[part]
        often = f"{element.get('min', 0)}..{element.get('max', '1')}"
        path = " / ".join(f"`{step.split(':')[1]}`" for step in part.split(".")[1:])
        inner = any(other != part and other.startswith(part + ".extension:") for other in named)
        kind, codes = ("parts of its own", "") if inner else _kind(elements, part)
        yield path, often, kind, " ".join(filter(None, (element.get("short", ""), codes)))


def value_name(elements: dict[str, Json], part: str) -> str:
    """The name of the value's element: `valueString`."""
    kind = _types(elements, part)[0]
    return f"value{kind[:1].upper()}{kind[1:]}"


def _types(elements: dict[str, Json], part: str) -> list[str]:
    element = elements.get(f"{part}.value[x]", {})
    return [entry["code"] for entry in element.get("type", ())] or ["string"]


def _kind(elements: dict[str, Json], part: str) -> tuple[str, str]:
    """(type, the codes it may be) of a part's value."""
    value = elements.get(f"{part}.value[x]", {})
    targets = [t.rsplit("/", 1)[-1] for entry in value.get("type", ()) for t in entry.get("targetProfile", ())]
    kind = f"`{value_name(elements, part)}`" + (f" to {', '.join(targets)}" if targets else "")
    binding = value.get("binding") or elements.get(f"{part}.value[x]:{value_name(elements, part)}", {}).get("binding")
    if not binding:
        return kind, ""
    url = binding["valueSet"].split("|")[0]
    name = url.rsplit("/", maxsplit=1)[-1]
    link = f"[`{name}`](#{name})" if is_ours(url) else f"[{name}]({url})"
    return kind, f"Codes: {link} ({binding['strength']})"


def written(json: Any, url: str) -> Iterator[Json]:
    """Every extension with this url in a resource."""
    if isinstance(json, dict):
        if json.get("url") == url:
            yield json
        for part in json.values():
            yield from written(part, url)
    elif isinstance(json, list):
        for part in json:
            yield from written(part, url)
