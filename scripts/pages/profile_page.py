"""The page of one profile: everything somebody needs to write or read its resources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fhir_mh.fhir.urls import EXTENSION
from fhir_mh.packages.definitions import TYPE_URL
from fhir_mh.profiles.concerns import CONCERN
from fhir_mh.profiles.table import Table
from scripts.pages.definitions import R4, UK_CORE, Json, Package, Place, is_ours
from scripts.pages.examples import Example, values_at
from scripts.pages.rows import Row, fixed_paths, rows_of
from scripts.pages.shapes_of_extensions import extension_section

MADE = "<!-- Made by `make pages` from the mapping tables, the package and the examples. Change those, not this. -->"
KEPT_BY = {
    "home": "the team that leads the plan",
    "admitting": "the provider of the stay",
    "person": "the person: it is only ever added to, never edited into something else",
    "recorder": "whoever recorded it",
}
WORDS = EXTENSION + "words-source"
_MANY_CODES = 16
_IDS = """\
An item's own id, minted once and the same in every format, stands in `identifier` with the system
`https://w3id.org/fhir-mh/Id/record-item`; an entry of a list inside the resource carries it as `Element.id`."""
_LEGEND = """\
Kinds of value are explained in [the index](../profiles.md#kinds-of-value). How often an element may stand counts within
the element around it. Examples come from the files in [`examples/`](../../examples/README.md)."""
_ERRORS = """\
An error is kept for what would do harm if it were read wrong; what is merely incomplete is accepted with a warning."""


class ProfilePage:
    """One profile's page. examples: of this profile, the one that says most first."""

    def __init__(self, table: Table, package: Package, examples: list[Example]) -> None:
        self.table, self.package, self.examples = table, package, examples
        self.definition: Json = package.held[table.profile]
        self.rows = rows_of(table)
        self.places = {path: package.place(table.profile, path) for row in self.rows for path in row.paths}

    def text(self) -> str:
        """The page as Markdown."""
        parts = [
            MADE, f"# {self.definition['title']}", self._head(), self.definition["description"],
            "## What must be there", *self._compulsory(),
            "## Elements", self._legend(), self._elements(),
            *self._rules(), *self._extensions(), *self._codes(),
            "## A whole example", self._example(),
        ]  # fmt: skip
        return "\n\n".join(part for part in parts if part) + "\n"

    # --- head

    def _head(self) -> str:
        base = self.definition["baseDefinition"]
        parent = f"R4 `{self.table.kind}` itself" if base == TYPE_URL + self.table.kind else f"[{_last(base)}]({base})"
        field = self.table.field
        there = f"`{field}`" if field == "person" else f"an entry of `{field}`"
        if not self.table.primary:
            there += ", of which it says a part: " + ", ".join(f"`{name}`" for name in self.table.needs)
        rows = [
            ("FHIR R4 resource", f"[{self.table.kind}](https://hl7.org/fhir/R4/{self.table.kind.lower()}.html)"),
            ("Stands on", parent),
            ("In a record", there),
            ("Section, for sharing", f"`{self.table.section}`"),
            ("Kept by", KEPT_BY[self.table.custody]),
        ]
        if self.table is CONCERN:
            rows[-3:] = [
                ("In a record", "never: [it stands apart](../safety-concerns.md)"),
                ("Kept by", "who looks into it"),
            ]
        sources = [self.source(identity, item) for identity, item in self.package.sources(self.definition)]
        if sources:
            rows.append(("Where it comes from", "; ".join(sources)))
        return table(("Profile", f"`{self.table.profile}`, written in `meta.profile`"), rows)

    def source(self, identity: str, item: str) -> str:
        """A source and what it calls the item."""
        known = {R4: "FHIR R4", UK_CORE: "UK Core"}
        named = [*self.definition.get("mapping", ())]
        for extension in self.package.extensions.values():
            named += extension.get("mapping", ())
        label = known.get(identity) or next((m["name"] for m in named if m["identity"] == identity), identity)
        return f"{label}: {item}" if item else label

    # --- what must be there

    def _compulsory(self) -> Iterator[str]:
        said = {}
        for path in fixed_paths(self.table):
            value = self._value(path)
            if value is not None and not any(place.startswith(path.rstrip("[]")) for place in self.places):
                said[shown(path)] = f"{'wherever it stands' if '.' in path else 'always'} {code(value)}"
        named = {path.split("[")[0] for path in said if "." not in path}
        said |= {name: f"asked by {asked_by}" for name, asked_by in self._asked() if name not in named}
        for element in self.definition["differential"]["element"]:
            name = element["path"].split(".")[-1]
            if (
                element.get("sliceName")
                and element.get("min")
                and element["path"].count(".") == 1
                and name not in named
            ):
                said[f"{name}[{element['sliceName']}]"] = "asked by this profile"
        yield table(("element", "what is asked"), [(f"`{path}`", what) for path, what in said.items()])
        yield _IDS

    def _asked(self) -> Iterator[tuple[str, str]]:
        shapes = self.package.shapes
        mine = shapes.children(shapes.of_profile(self.table.profile))
        parent = shapes.children(shapes.of_profile(self.definition["baseDefinition"]))
        base = shapes.children(shapes.of_type(self.table.kind))
        for name, shape in mine.items():
            if shape.min:
                by = "R4" if base[name].min else "UK Core" if parent[name].min else "this profile"
                yield name + ("[x]" if shape.choice else ""), by

    # --- elements

    def _legend(self) -> str:
        if self.table is CONCERN:
            return f"Fields are those of the plain JSON that `/concerns` takes and answers. {_LEGEND}"
        one = self.table.field if self.table.field == "person" else f"{self.table.field}[]"
        return f"Fields are those of `{one}` in the record's JSON. {_LEGEND}"

    def _elements(self) -> str:
        rows = [self._element(row, path) for row in self.rows for path in row.paths]
        return table(("element", "meaning and source", "in the record", "example"), rows)

    def _element(self, row: Row, path: str) -> tuple[str, str, str, str]:
        place = self.places[path]
        element = f"{broken(path)}<br>{place.cardinality} {place.type}"
        meaning = [place.short or "", place.comment, self._allowed(row, place)]
        sources = "; ".join(self.source(*said) for said in place.sources)
        meaning.append(f"*{sources}*")
        field = row.field if row.field.startswith("(") else f"`{row.field}`"
        kind = row.kind or "derived"
        value = self._value(path)
        return element, "<br>".join(filter(None, meaning)), f"{field}<br>{kind}", example(value)

    def _allowed(self, row: Row, place: Place) -> str:
        """The codes that may stand there, or the value set that says so."""
        if row.codes:
            return "One of " + ", ".join(f"`{one}`" for one in row.codes)
        bindings = [b for b in place.bindings if b.strength in ("required", "extensible", "preferred")]
        if not bindings:
            return ""
        best = min(bindings, key=lambda b: ("required", "extensible", "preferred").index(b.strength))
        url = best.value_set.split("|")[0]
        found = self.package.terminology.expand(best.value_set)
        if is_ours(url):
            return f"Codes: [`{_last(url)}`](#{_last(url)}) ({best.strength})"
        if found is not None and found.enumerable and 0 < len(found.codes) <= _MANY_CODES:
            return f"Codes ({best.strength}): " + ", ".join(f"`{one}`" for one in sorted(found.codes))
        return f"Codes of [{_last(url)}]({url}) ({best.strength})"

    def _value(self, path: str) -> Any:
        """The first value that stands at a place in an example; the page's own example first."""
        for held in self.examples:
            for value in values_at(self.table.group, held.resource, path):
                return value
        return None

    # --- rules

    def _rules(self) -> Iterator[str]:
        definitions = [self.definition, *(self.package.extensions[url] for url in self._used())]
        own = [rule for definition in definitions for rule in self.package.rules(definition)]
        yield "## Rules"
        if own:
            yield _ERRORS
            yield table(
                ("rule", "", "what it says"), [(f"`{rule['key']}`", rule["severity"], rule["human"]) for rule in own]
            )
            lines = [f"- `{rule['key']}`: `{rule['expression']}`" for rule in own]
            yield "<details><summary>The rules in FHIRPath</summary>\n\n" + "\n".join(lines) + "\n\n</details>"
        of_r4 = self.package.rules_of_r4(self.table.kind)
        if of_r4:
            yield f"R4's own rules of {self.table.kind} hold too:"
            yield table(
                ("rule", "", "FHIRPath"),
                [(f"`{rule.key}`", rule.severity, code_cell(rule.expression)) for rule in of_r4],
            )
        if not own and not of_r4:
            yield "None beyond what the table above says and what R4 asks of every resource."

    # --- extensions and codes

    def _used(self) -> list[str]:
        """Our extensions that this profile's resources carry."""
        found = dict.fromkeys(url for place in self.places.values() for url in place.extensions)
        if any(row.kind == "words" for row in self.rows):
            found[WORDS] = None
        return list(found)

    def _extensions(self) -> Iterator[str]:
        used = self._used()
        if not used:
            return
        yield "## Extensions"
        for url in used:
            yield from extension_section(self.package, url, self.examples)

    def _codes(self) -> Iterator[str]:
        sets: dict[str, None] = {}
        for place in self.places.values():
            sets.update({b.value_set.split("|")[0]: None for b in place.bindings})
        for url in self._used():
            for element in self.package.extensions[url]["differential"]["element"]:
                sets[element.get("binding", {}).get("valueSet", "")] = None
        for found in self._coded_systems():
            sets[found] = None
        ours = [url for url in sets if is_ours(url)]
        if not ours:
            return
        yield "## Codes"
        for url in ours:
            yield from codes_section(self.package, url)

    def _coded_systems(self) -> Iterator[str]:
        """Value sets of the local code systems that the examples use."""
        systems = {d["url"] for d in self.package.of_type("CodeSystem")}
        seen: dict[str, None] = {}

        def walk(json: Any) -> None:
            if isinstance(json, dict):
                if json.get("system") in systems:
                    seen[json["system"]] = None
                for part in json.values():
                    walk(part)
            elif isinstance(json, list):
                for part in json:
                    walk(part)

        for held in self.examples:
            walk(held.resource)
        yield from (system.replace("/CodeSystem/", "/ValueSet/") for system in seen)

    # --- example

    def _example(self) -> str:
        held = self.examples[0]
        file = f"examples/profiles/mh-{self.table.name}.json"
        where = "in plain JSON" if self.table is CONCERN else "in a record"
        parts = [
            f"In FHIR, [`{file}`](../../{file}):", as_json(held.resource),
            f"The same {where}, [`{held.file}`](../../{held.file}):", as_json(held.item),
        ]  # fmt: skip
        return "\n\n".join(parts)


def codes_section(package: Package, value_set: str) -> Iterator[str]:
    """The codes of one of our value sets, with what each means."""
    system = package.held.get(value_set.replace("/ValueSet/", "/CodeSystem/"))
    if system is None:
        return
    yield f"### {system['id']}"
    yield f"{system['description']} System `{system['url']}`."
    rows = [(f"`{c['code']}`", c["display"], c["definition"]) for c in system["concept"]]
    yield table(("code", "display", "meaning"), rows)


def as_json(value: Any) -> str:
    """A value as a block of JSON."""
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```"


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def shown(path: str) -> str:
    """A place as a reader writes it: `[]` says nothing that the cardinality does not."""
    return path.replace("[]", "")


def broken(path: str) -> str:
    """A place on a line for each extension it goes through: code does not wrap in a table."""
    return "<br>".join(f"`{part}`" for part in shown(path).replace(".extension[", "\0.extension[").split("\0"))


def code(value: Any) -> str:
    """A value as code, in a table."""
    return f"`{json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value}`".replace("|", "\\|")


def code_cell(expression: str) -> str:
    """FHIRPath in a table."""
    return f"`{expression}`".replace("|", "\\|")


_LONGEST = 110


def example(value: Any) -> str:
    """A value in a table, short enough to read there."""
    if value is None:
        return "none yet"
    if isinstance(value, str):
        return (value if len(value) <= _LONGEST else value[: _LONGEST - 1].rstrip() + "…").replace("|", "\\|")
    text = json.dumps(value, ensure_ascii=False)
    return code(value) if len(text) <= _LONGEST else code(value)[: _LONGEST - 1] + "…`"


def _last(url: str) -> str:
    return url.rsplit("/", maxsplit=1)[-1]
