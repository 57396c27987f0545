"""One page: what the guidance asks for, and what it is called in a record, in FHIR, by PRSB and in MHSDS."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fhir_mh.profiles.bundle import TABLES
from fhir_mh.profiles.table import Table
from scripts.pages.definitions import Json, Package
from scripts.pages.profile_page import MADE, shown, table
from scripts.pages.rows import rows_of

ASKING = ("nice-qs14", "nice-cg136", "nhse-rehab", "cetr", "mca-2005", "mha-1983", "raf", "ais")
"""Who asks for something, in the order of the page; an identity that is new comes last."""
CALLING = ("prsb", "mhsds")
NOT_ASKING = (*CALLING, "fhir-mh")
_NUMBERED = re.compile(r"measure|crisis plan, item").match


_WHAT = """\
What guidance asks of a plan, the field of a care record that holds it, the FHIR element that says it, the heading PRSB
gives it and the item of the Mental Health Services Data Set (MHSDS). **none found**: the source was searched and has no
such item. **not confirmed**: the source has not been read for it yet. The package carries all of it, as
`StructureDefinition.mapping`; the pages of the [profiles](profiles.md) say the rest."""


@dataclass
class Asked:
    """One item that a source asks for, and where it stands. calls: identity -> what others call it."""

    fields: list[str] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    calls: dict[str, list[str]] = field(default_factory=dict)


def crosswalk(package: Package) -> str:
    """The page as Markdown."""
    parts = [
        MADE, "# Crosswalk",
        _WHAT,
    ]  # fmt: skip
    names = {said["identity"]: said for d in package.held.values() for said in d.get("mapping", ())}
    asked = collected(package)
    for identity in sorted(asked, key=lambda one: ASKING.index(one) if one in ASKING else len(ASKING)):
        parts += [f"## {names[identity]['name']}", f"<{names[identity]['uri']}>", _table(asked[identity])]
    return "\n\n".join(parts) + "\n"


def _table(items: dict[str, Asked]) -> str:
    rows = []
    for item in sorted(items, key=lambda one: one if _NUMBERED(one) else "~"):
        asked = items[item]
        calls = ["; ".join(_known(asked.calls.get(identity, []))) or "not confirmed" for identity in CALLING]
        rows.append((item, _listed(asked.fields), _listed(asked.elements), *calls))
    return table(("asked for", "record field", "FHIR element", "PRSB", "MHSDS"), rows)


def _known(said: list[str]) -> list[str]:
    """What others call it; that one part of it has no name matters only where no part has."""
    return [one for one in said if one != "none found"] or said


def _listed(found: list[str]) -> str:
    """Each place once: one that is a part of another says nothing new."""
    parts = {one for one in found for other in found if one.startswith((other + ".", other + "["))}
    return "<br>".join(f"`{one}`" for one in found if one not in parts)


def collected(package: Package) -> dict[str, dict[str, Asked]]:
    """Identity of the source -> item -> where it stands, over all profiles."""
    found: dict[str, dict[str, Asked]] = {}
    for mapping in TABLES:
        definition = package.held[mapping.profile]
        plural = mapping.field if mapping.field == "person" else f"{mapping.field}[]"
        for identity, item in package.sources(definition):
            calls = _calls(package.sources(definition))
            _add(found, identity, item, plural, mapping.kind + f" ({definition['id']})", calls)
        for element, (sources, fields) in _mapped(package, definition, mapping).items():
            for identity, item in sources:
                for name in fields:
                    _add(found, identity, item, f"{plural}.{name}", element, _calls(sources))
    return found


def _mapped(package: Package, definition: Json, mapping: Table) -> dict[str, tuple[list[tuple[str, str]], list[str]]]:
    """Element -> (what sources call it, the fields that stand in it), each field cut to the entry it belongs to."""
    found: dict[str, tuple[list[tuple[str, str]], list[str]]] = {}
    for row in rows_of(mapping):
        for path in row.paths:
            for element, sources in package.on_the_way(definition["url"], path):
                first = row.field.split(".")[0]  # of an entry or a part, the whole of it
                name = first if "." in row.field else row.field
                if row.field.startswith("("):
                    continue
                held = found.setdefault(f"{definition['type']}.{shown(element)}", (sources, []))
                if name not in held[1]:
                    held[1].append(name)
    return found


def _calls(sources: list[tuple[str, str]]) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for identity, item in sources:
        said.setdefault(identity, []).append(item)
    return said


def _add(found: dict[str, dict[str, Asked]], identity: str, item: str, name: str, element: str,
         calls: dict[str, list[str]]) -> None:  # fmt: skip
    if identity in NOT_ASKING:
        return
    asked = found.setdefault(identity, {}).setdefault(item, Asked())
    for held, new in ((asked.fields, name), (asked.elements, element)):
        if new not in held:
            held.append(new)
    for other, said in calls.items():
        held = asked.calls.setdefault(other, [])
        held += [one for one in said if one not in held]
