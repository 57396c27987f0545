"""Valid resources of any R4 type or profile from a source of chance, read from StructureDefinitions as they are.

Nothing of the validator takes part: elements, slices and value sets are read here again, in a plain way. What rules in
FHIRPath ask is met by hand in mends.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from hypothesis import strategies as st

from fhir_mh.packages.base import base_facts
from tests.unit.validation import simple_values
from tests.unit.validation.mends import mend

CORE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM = "http://hl7.org/fhirpath/System."
BACKBONES = ("BackboneElement", "Element")
LEFT_OUT = {"id", "extension", "modifierExtension"}
OF_RESOURCES = {"text", "contained", "implicitRules", "language", "meta"}
DEEP = 3  # levels below which only what must be there is


@dataclass(slots=True)
class Said:
    """What the profiles on a resource say of one element: their ElementDefinitions, the base's first."""

    elements: list[dict[str, Any]] = field(default_factory=list)
    inner: dict[str, Said] = field(default_factory=dict)
    slices: dict[str, Said] = field(default_factory=dict)

    def of(self, name: str) -> Said:
        return self.inner.get(name, Said())

    def with_slice(self, name: str) -> Said:
        """What is said of one slice, with what is said of all."""
        return _joined(self, self.slices[name])


def _joined(left: Said, right: Said) -> Said:
    names = [*left.inner, *(name for name in right.inner if name not in left.inner)]
    inner = {name: _joined(left.of(name), right.of(name)) for name in names}
    return Said([*left.elements, *right.elements], inner, {**left.slices, **right.slices})


class Spot(NamedTuple):
    """A value that was made: keys lead to it, path is its place in FHIRPath, base and said are its definitions."""

    keys: tuple[str | int, ...]
    path: str
    code: str
    base: dict[str, Any]
    said: Said
    sliced: bool = False


def facts(url: str) -> dict[str, Any] | None:
    url = url.partition("|")[0]
    return base_facts("own").get(url) or base_facts("types").get(url) or base_facts("profiles").get(url)


def type_of(code: str) -> str:
    return code.removeprefix(SYSTEM).lower() if code.startswith(SYSTEM) else code


@cache
def members(name: str) -> dict[str, dict[str, Any]]:
    """The elements of a type, or of a backbone element by its path, by their JSON name; `value[x]` for a choice."""
    root, _, inner = name.partition(".")
    held = facts(CORE + root)
    assert held is not None, name
    above = held.get("baseDefinition", "").removeprefix(CORE)
    if inner:
        above = next(e["type"][0]["code"] for e in held["differential"] if e["path"] == name)
    found = dict(members(above)) if above else {}
    for element in held["differential"]:
        around, _, last = element["path"].rpartition(".")
        if around == name:
            found[last] = element
    return found


@cache
def profile(url: str) -> Said:
    """What a profile says, and all that it derives from; nothing for a type."""
    held = facts(url)
    assert held is not None, url
    if held.get("derivation") != "constraint":
        return Said()
    said = _joined(Said([{"url": url}]), profile(held["baseDefinition"]))
    for element in held["differential"]:
        here = said
        for step in element.get("id", element["path"]).split(".")[1:]:
            name, _, slice_name = step.partition(":")
            here = here.inner.setdefault(name, Said())
            if slice_name:
                here = here.slices.setdefault(slice_name, Said())
        here.elements.append(element)
    return said


@cache
def codes(url: str) -> tuple[tuple[str, str], ...]:
    """(system, code) of a value set that lists what it holds; nothing where it does not."""
    held = _terminology(url.partition("|")[0])
    found: list[tuple[str, str]] = [(e.get("system", ""), e["code"]) for e in held.get("expansion", ())]
    for entry in held.get("compose", {}).get("include", ()):
        if entry.get("filter") or "system" not in entry:
            return ()
        listed = entry.get("concept") or _terminology(entry["system"]).get("concept", ())
        found += [(entry["system"], code) for code in listed]
    return () if held.get("compose", {}).get("exclude") else tuple(found)


def _terminology(url: str) -> dict[str, Any]:
    return base_facts("own").get(url) or base_facts("terminology").get(url, {})


def least(base: dict[str, Any], said: Said) -> int:
    return int(max(element.get("min", 0) for element in (base, *said.elements)))


def most(base: dict[str, Any], said: Said) -> int:
    limits = [element["max"] for element in (base, *said.elements) if element.get("max", "*") != "*"]
    return min(map(int, limits), default=99)


def bound(base: dict[str, Any], said: Said) -> str | None:
    """The value set that a code must be of."""
    for element in reversed([base, *said.elements]):
        binding = element.get("binding", {})
        if binding.get("strength") == "required" or "maxValueSet" in binding:
            return str(binding.get("maxValueSet") or binding["valueSet"])
    return None


def demanded(said: Said) -> Any:
    """The fixed value or pattern of an element; None where there is none."""
    return next(
        (value for e in said.elements for key, value in e.items() if key.startswith(("fixed", "pattern"))), None
    )


class Where(NamedTuple):
    """Where something is made: keys lead there, path is its place in FHIRPath, depth how many levels are around."""

    keys: tuple[str | int, ...]
    path: str
    depth: int = 0

    def at(self, key: str, label: str) -> Where:
        return Where((*self.keys, key), f"{self.path}.{label}", self.depth)

    def item(self, number: int) -> Where:
        return Where((*self.keys, number), f"{self.path}[{number}]", self.depth)

    def deeper(self) -> Where:
        return self._replace(depth=self.depth + 1 if self.depth < DEEP else 9)


class Maker:
    """Makes one resource; spots tells of all that was made by its definition."""

    def __init__(self, draw: Any) -> None:
        self.draw, self.spots = draw, list[Spot]()

    def chance(self, of: int) -> bool:
        """True once in so many times; never, once examples shrink."""
        return bool(self.draw(st.integers(0, of - 1)) == of - 1)

    def one_of(self, held: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(held))

    def resource(self, kind: str, url: str = "", where: Where | None = None) -> dict[str, Any]:
        """A resource of a type, and where given of a profile."""
        made = self._object(kind, profile(url) if url else Said(), where or Where((), kind))
        made = {"resourceType": kind, "id": self.draw(simple_values.of("id")), **made}
        if url:
            made["meta"] = {"profile": [url]}
        if self.chance(3):
            made["text"] = self.draw(simple_values.WHOLE["Narrative"])
        return made

    def _object(self, name: str, said: Said, where: Where) -> dict[str, Any]:
        made: dict[str, Any] = {}
        passed = LEFT_OUT if where.depth or "." in name else LEFT_OUT | OF_RESOURCES
        for member, base in members(name).items():
            told = said.of(member)
            if (member in passed and not told.slices) or not most(base, told):
                continue
            needed = least(base, told) or any(least({}, held) for held in told.slices.values())
            if needed or (member == "extension" and _of_parts(name, said)) or self.chance(2 + 2 * where.depth):
                if member.endswith("[x]"):
                    self._choice(made, member.removesuffix("[x]"), base, told, where)
                else:
                    self._member(made, member, base, told, where)
        self._mended(made, [name, *(element["url"] for element in said.elements if "url" in element)], where.keys)
        if name != "Extension" and not made:
            made["extension"] = [{"url": "https://example.org/nothing-else", "valueString": "x"}]
        return made

    def _mended(self, made: dict[str, Any], names: list[str], keys: tuple[Any, ...]) -> None:
        """Meet the rules of a type and its profiles; of what is changed by that, no spot tells any more."""
        lists = {key: list(held) for key, held in made.items() if isinstance(held, list)}
        for name in names:
            mend(name, made, self.draw)
        shifted = {key for key, held in lists.items() if made.get(key) != held}

        def stands(spot: Spot) -> bool:
            rest = spot.keys[len(keys) :]
            return spot.keys[: len(keys)] != keys or not rest or (rest[0] not in shifted and _there(made, rest))

        self.spots = [spot for spot in self.spots if stands(spot)]

    def _choice(self, made: dict[str, Any], stem: str, base: dict[str, Any], told: Said, where: Where) -> None:
        forms = [held for held in told.slices.values() if least({}, held)]
        told = _joined(told, forms[0]) if forms else told
        entry = self.one_of([t for t in _types(base, told) if type_of(t["code"]) in simple_values.FORMS])
        code = type_of(entry["code"])
        key = stem + code[:1].upper() + code[1:]
        made[key] = self._value(entry, base, told, where.at(key, f"{stem}.ofType({code})"))

    def _member(self, made: dict[str, Any], member: str, base: dict[str, Any], told: Said, where: Where) -> None:
        here = where.at(member, member)
        if base.get("max", "1") in ("0", "1"):
            made[member] = self._value(_types(base, told)[0], base, told, here)
            return
        wanted = []
        for name, held in told.slices.items():
            wanted += [(told.with_slice(name), True)] * max(least({}, held), int(self.chance(4)))
        if member == "extension" and not wanted:
            wanted = [(told.with_slice(min(told.slices)), True)]
        wanted = wanted[: most(base, told)]
        if member not in ("extension", "coding") or not told.slices:  # others would have to be told from each slice
            more = max(least(base, told) - len(wanted), int(not wanted), int(self.chance(4)))
            wanted += [(told, False)] * min(more, most(base, told) - len(wanted))
        held = [
            self._value(_types(base, said)[0], base, said, here.item(number), sliced=sliced)
            for number, (said, sliced) in enumerate(wanted)
        ]
        if held:
            made[member] = held

    def _value(self, entry: Any, base: dict[str, Any], told: Said, where: Where, *, sliced: bool = False) -> Any:
        code = base["path"] if entry["code"] in BACKBONES else type_of(entry["code"])
        code = base["contentReference"].rpartition("#")[2] if "contentReference" in base else code
        self.spots.append(Spot(where.keys, where.path, code, base, told, sliced))
        wanted = demanded(told)
        if code == "Extension":
            return self._extension(entry, told, where)
        if wanted is not None and not isinstance(wanted, dict):
            return wanted
        if code == "Reference":
            return self._reference(told, entry)
        if "Resource" in code:
            return {"resourceType": "Basic", "code": {"text": "x"}}
        value_set = bound(base, told)
        if code[:1].islower():
            listed = codes(value_set) if value_set else ()
            return self.one_of(listed)[1] if listed else self.draw(simple_values.of(code, path=base["path"]))
        if value_set and code in ("CodeableConcept", "Coding") and (wanted is None or code == "Coding"):
            return self._coded(code, value_set, wanted or {})
        if code in simple_values.WHOLE and not told.inner:
            value = self.draw(simple_values.WHOLE[code])
        else:
            value = self._object(code, told, where.deeper())
        return {**value, **wanted} if wanted is not None else value

    def _coded(self, code: str, value_set: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """A concept or coding of a value set, and where a pattern says which of its codes, of those."""
        listed = codes(value_set) or simple_values.UNLISTED[value_set.partition("|")[0]]
        ways = [{"system": system, "code": one} for system, one in listed]
        coding = self.one_of([way for way in ways if wanted.items() <= way.items()])
        return {"coding": [coding]} if code == "CodeableConcept" else coding

    def _reference(self, told: Said, entry: dict[str, Any]) -> dict[str, Any]:
        if least({}, identifier := told.of("identifier")):
            system = demanded(identifier.of("system")) or "https://example.org/ids"
            return {"identifier": {"system": system, "value": self.draw(simple_values.of("id"))}}
        kinds = [str(held["type"]) for url in entry.get("targetProfile", ()) if (held := facts(url))]
        wanted = demanded(told.of("type"))
        kind = wanted or self.one_of(kinds or ["Patient"])
        kind = "Basic" if kind in ("Resource", "DomainResource") else kind
        made = {"reference": f"{kind}/{self.draw(simple_values.of('id'))}"}
        return {**made, "type": kind} if wanted or least({}, told.of("type")) else made

    def _extension(self, entry: dict[str, Any], told: Said, where: Where) -> dict[str, Any]:
        url = (entry.get("profile") or [""])[0]
        if url and not facts(url):
            return {"url": url, "valueString": "x"}
        if not url:
            return self._object("Extension", told, where.deeper())
        return {**self._object("Extension", profile(url), where.deeper()), "url": url}


def _types(base: dict[str, Any], said: Said) -> list[dict[str, Any]]:
    """The types of an element, as the last to narrow them says."""
    return next((e["type"] for e in reversed([base, *said.elements]) if e.get("type")), [{"code": ""}])


def _of_parts(name: str, said: Said) -> bool:
    """Whether an extension has parts, and no value."""
    return name == "Extension" and bool(said.of("extension").slices) and most({}, said.of("value[x]")) == 0


def _there(made: Any, keys: tuple[Any, ...]) -> bool:
    for key in keys:
        if isinstance(made, dict) and key not in made:
            return False
        if isinstance(made, list) and key >= len(made):
            return False
        made = made[key]
    return True


class Made(NamedTuple):
    """A valid resource, and where in it what stands."""

    resource: dict[str, Any]
    spots: list[Spot]


@st.composite
def resources(draw: Any, kind: str, url: str = "") -> Made:
    """Valid resources of a type, and where given of a profile."""
    maker = Maker(draw)
    made = maker.resource(kind, url)
    return Made(made, maker.spots)


@st.composite
def bundles(draw: Any, kind: str, types: tuple[str, ...]) -> Made:
    """Valid collections and transactions of resources of these types, and documents."""
    if kind == "document":
        return draw(_documents())
    maker = Maker(draw)
    entries = []
    for number in range(draw(st.integers(1, 3))):
        where = Where(("entry", number, "resource"), f"Bundle.entry[{number}].resource")
        resource = maker.resource(draw(st.sampled_from(types)), where=where)
        entries.append({"fullUrl": f"urn:uuid:{draw(st.uuids())}", "resource": resource})
        if kind == "transaction":
            name = f"{resource['resourceType']}/{resource['id']}"
            update, create = {"method": "PUT", "url": name}, {"method": "POST", "url": resource["resourceType"]}
            written = [held.get("request") for held in entries]  # a transaction changes a resource once
            entries[-1]["request"] = create if update in written else draw(st.sampled_from([update, create]))
    return Made({"resourceType": "Bundle", "type": kind, "entry": entries}, maker.spots)


@st.composite
def _documents(draw: Any) -> Made:
    """A document holds what its Composition refers to."""
    maker = Maker(draw)
    first = maker.resource("Composition", where=Where(("entry", 0, "resource"), "Bundle.entry[0].resource"))
    held = {f"Composition/{first['id']}": first}
    for name in [_at(first, spot.keys[3:]).get("reference") for spot in maker.spots if spot.code == "Reference"]:
        kind, _, identifier = name.partition("/")
        held.setdefault(name, {"resourceType": kind, **_LEAST.get(kind, {}), "id": identifier})
    entries = [{"fullUrl": f"https://example.org/fhir/{name}", "resource": one} for name, one in held.items()]
    return Made(
        {
            "resourceType": "Bundle", "type": "document", "timestamp": draw(simple_values.of("instant")),
            "identifier": {"system": "https://example.org/ids", "value": "1"}, "entry": entries,
        },
        maker.spots,
    )  # fmt: skip


# What a resource must hold to be valid at all, for what documents refer to.
_LEAST: dict[str, dict[str, Any]] = {
    "Basic": {"code": {"text": "x"}},
    "Encounter": {"status": "planned", "class": {"code": "IMP"}},
    "Organization": {"name": "x"},
    "RelatedPerson": {"patient": {"display": "x"}},
    "Consent": {
        "status": "active", "scope": {"text": "x"}, "category": [{"text": "x"}], "policyRule": {"text": "x"},
    },
    "Composition": {
        "status": "final", "type": {"text": "x"}, "date": "2026", "author": [{"display": "x"}], "title": "x",
    },
}  # fmt: skip


def _at(held: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        held = held[key]
    return held
