"""The tables of docs/profiles.md; its words are written by hand, around them."""

from __future__ import annotations

import re
from collections.abc import Callable

from fhir_mh.profiles.concerns import CONCERN
from scripts.pages.definitions import Json, Package
from scripts.pages.examples import PUBLISHED
from scripts.pages.profile_page import table


def filled(page: str, package: Package) -> str:
    """The page with each of its tables made anew. Raises LookupError where a table has lost its place."""
    for name, make in _BLOCKS.items():
        begin, end = f"<!-- {name}: made by `make pages` -->", f"<!-- end of {name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if len(pattern.findall(page)) != 1:
            raise LookupError(f"docs/profiles.md needs one place for {name}: {begin} and {end}")
        made = f"{begin}\n\n{make(package)}\n\n{end}"
        page = pattern.sub(lambda _, made=made: made, page)
    return page


def _profiles(package: Package) -> str:
    rows = []
    for mapping in sorted(PUBLISHED, key=lambda one: one.name):
        definition = package.held[mapping.profile]
        base = definition["baseDefinition"].rpartition("/")[2]
        parent = f"{base} (R4)" if base == mapping.kind else base
        link = f"[`{definition['id']}`](profiles/{definition['id']}.md)"
        field = "none: [it stands apart](safety-concerns.md)" if mapping is CONCERN else f"`{mapping.field}`"
        rows.append((link, parent, field, _first(definition["description"])))
    return table(("profile", "stands on", "in a record", "what it is"), rows)


def _extensions(package: Package) -> str:
    rows = [
        (f"`{d['id']}`", ", ".join(c["expression"] for c in d["context"]), _first(d["description"]))
        for d in package.of_type("StructureDefinition")
        if d["type"] == "Extension"
    ]
    return table(("extension", "stands on", "what it says"), rows)


def _systems(package: Package) -> str:
    rows = [
        (f"`{d['id']}`", d["description"], ", ".join(c["code"] for c in d["concept"]))
        for d in package.of_type("CodeSystem")
    ]
    return table(("code system", "what it says", "codes"), rows)


def _rules(package: Package) -> str:
    found: dict[str, tuple[Json, list[str]]] = {}
    for definition in package.of_type("StructureDefinition"):
        for rule in package.rules(definition):
            found.setdefault(rule["key"], (rule, []))[1].append(f"`{definition['id']}`")
    rows = [
        (f"`{key}`", rule["severity"], ", ".join(where), rule["human"])
        for key, (rule, where) in sorted(found.items(), key=lambda one: (one[1][0]["severity"], one[0]))
    ]
    return table(("rule", "", "stands on", "what it says"), rows)


def _first(text: str) -> str:
    """The first sentence."""
    return re.split(r"(?<=[.])\s", text, maxsplit=1)[0]


_BLOCKS: dict[str, Callable[[Package], str]] = {
    "profiles": _profiles,
    "extensions": _extensions,
    "code systems": _systems,
    "rules": _rules,
}
