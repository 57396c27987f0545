"""From a row of a mapping file to the node of a single value: where it goes in the record, and how it is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fhir_mh.errors import FhirMhError
from fhir_mh.mapping.codecs import TEXT, Codec, OneOf
from fhir_mh.mapping.formats import grammar
from fhir_mh.mapping.formats.dates import BadForm, DateForms, Form
from fhir_mh.mapping.formats.paths import RECORD, Kind, Step, UnknownField, kinds_of, path_of
from fhir_mh.mapping.formats.places import Leaf, OwnId, Picked, Pointer, Within
from fhir_mh.mapping.formats.run import PEOPLE
from fhir_mh.mapping.formats.source import Source, Where, meant
from fhir_mh.mapping.formats.values import CodeList, Listed, Whole, Words, YesNo, concept_map, concept_of
from fhir_mh.mapping.nodes import Node
from fhir_mh.records.wishes import Rule

Model = type[BaseModel]
_ISO_DATES = ["YYYY-MM-DD", "YYYY-MM", "YYYY", "YYYY-MM-DDTHH:mm:ssZ"]


def _mergeable(step: Step) -> bool:
    """Whether a field below this step can be emptied without touching those beside it."""
    if step.pick is not None:
        return step.kind.item is not None
    return step.kind.name == "part" and not step.kind.listed and step.kind.model is not Rule


class SingleRows:
    """The rows of a mapping file that say one value each. picks: the entries that were meant by a condition."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source, self.folder = source, folder
        self.top: dict[str, Any] = source.content
        self.csv = self.top.get("kind") == "csv"
        self.encoding = str(self.top.get("encoding", "utf-8"))
        self.picks: list[tuple[Step, ...]] = []
        self.codec_of: dict[str, Callable[[dict[str, Any], Kind, Where], Codec]] = {
            "date": self.dates,
            "datetime": self.dates,
            "boolean": lambda spec, kind, where: self.yes_no(spec, where),
            "integer": lambda spec, kind, where: Whole(self.csv),
        }

    def choice(self, where: Where, key: str, value: Any, allowed: tuple[str, ...]) -> None:
        if value is not None and value not in allowed:
            self.source.problem((*where, key), "map-file-bad-value", value=value, hint=meant(value, allowed))

    def steps(self, text: Any, where: Where, model: Model) -> tuple[Step, ...] | None:
        try:
            return path_of(model, str(text))
        except UnknownField as fault:
            hint = fault.problem or (meant(fault.name, fault.known) if fault.known else "")
            self.source.problem(where, "map-file-unknown-field", field=fault.name, hint=hint)
            return None

    def reach(self, steps: tuple[Step, ...], node: Node, at: tuple[Step, ...], *, keep: str = "",
              clears: bool = False) -> Node:  # fmt: skip
        """A node at the end of a path."""
        for index in range(len(steps) - 1, -1, -1):
            step, last = steps[index], index == len(steps) - 1
            if step.pick is not None:
                item = step.kind.item is not None
                node = Picked(step.name, step.pick, node, item=item, keep=keep if last else "")
                whole = (*at, *steps[: index + 1])
                if item and whole not in self.picks:
                    self.picks.append(whole)
            else:
                node = Within(step.name, node, clears=clears and last)
        return node

    def each(self, spec: dict[str, Any], where: Where, kind: Kind, at: tuple[Step, ...]) -> Node | None:
        """The row of an entry that is a single value: the entry itself, or one field of it."""
        if "field" in spec:
            return self.leaf(spec, where, kind.model or BaseModel, at)
        self.source.keys(where, spec, grammar.LEAF)
        if kind.name == "ref":
            return self.pointer("", spec, where)
        if kind.name in ("words", "concept") and "codes" not in spec:
            return Leaf("text", Words(self.encoding, self.top.get("clear")))
        return Leaf("", self.codec(spec, Kind(kind.name, model=kind.model), where))

    def leaf(self, spec: dict[str, Any], where: Where, model: Model, at: tuple[Step, ...]) -> Node | None:
        self.source.keys(where, spec, grammar.LEAF)
        if "field" not in spec:
            self.source.problem(where, "map-file-missing-key", key="field")
            return None
        steps = self.steps(spec["field"], (*where, "field"), model)
        if not steps:
            return None
        last, before = steps[-1], steps[:-1]
        kind, name = last.kind, last.name
        self.fitting(spec, where, kind)
        if kind.name == "words" and not kind.listed:
            return self.reach(steps, Leaf("text", Words(self.encoding, self.top.get("clear"))), at, clears=not before)
        if last.pick is not None and kind.name in ("words", "concept") and "codes" not in spec:
            return self.reach(steps, Leaf("text", Words(self.encoding, self.top.get("clear"))), at)
        if last.pick is not None:
            if kind.name == "ref":
                return self.reach(steps, self.pointer("", spec, where), at)
            return self.reach(steps, Leaf("", self.codec(spec, Kind(kind.name, model=kind.model), where)), at)
        if name == "id" and not kind.listed:
            return self.reach(before, OwnId(".".join(step.name for step in (*at, *before))), at)
        if kind.name == "ref":
            return self.reach(before, self.pointer(name, spec, where), at)
        if kind.name == "concept" and "codes" not in spec and not kind.listed:
            return self.reach(steps, Leaf("text", Words(self.encoding, self.top.get("clear"))), at, clears=not before)
        inside = not all(_mergeable(step) for step in before)
        text_of_words = name == "text" and len(before) == 1 and before[0].kind.name in ("words", "concept")
        leaf = Leaf(name, self.codec(spec, kind, where), clears=not inside and not kind.listed)
        return self.reach(before, leaf, at, clears=text_of_words and before[0].pick is None)

    def fitting(self, spec: dict[str, Any], where: Where, kind: Kind) -> None:
        """Refuse a key that says nothing of a field of this kind."""
        fits = {"date": ("date", "datetime", "text"), "zone": ("datetime", "text"), "yes_no": ("boolean",),
                "ref": ("ref",), "by": ("ref",)}  # fmt: skip
        for key, kinds in fits.items():
            if key in spec and kind.name not in kinds:
                hint = f"A field that holds a {kind.name} has no {key}."
                self.source.problem((*where, key), "map-file-bad-value", value=spec[key], hint=hint)
        if "separated_by" in spec and not kind.listed:
            hint = "This field holds one value."
            self.source.problem((*where, "separated_by"), "map-file-bad-value", value=spec["separated_by"], hint=hint)

    def pointer(self, field: str, spec: dict[str, Any], where: Where) -> Node:
        lists = spec.get("ref")
        names = tuple(lists) if isinstance(lists, list) else (lists,) if lists else ()
        known = {name: kind for name, kind in kinds_of(RECORD).items() if kind.item is not None}
        if not names:
            self.source.problem(where, "map-file-missing-key", key="ref")
        by = str(spec.get("by", "id"))
        for name in names:
            if name not in known:
                self.source.problem((*where, "ref"), "map-file-unknown-field", field=name, hint=meant(name, known))
            elif by != "id" and not (by == "name" and name in PEOPLE):
                self.steps(by, (*where, "by"), known[name].model or BaseModel)
        separator = spec.get("separated_by")
        return Pointer(field, names, by, None if separator is None else str(separator), self.encoding)

    def codec(self, spec: dict[str, Any], kind: Kind, where: Where) -> Codec:
        """How one value is said; several in one place where the spec says what parts them."""
        if kind.listed and "separated_by" not in spec and where[-1] != "each":
            self.source.problem(where, "map-file-missing-key", key="separated_by")
        single = self.single(spec, Kind(kind.name, False, kind.model, kind.codes), where)
        return Listed(single, str(spec["separated_by"])) if kind.listed and "separated_by" in spec else single

    def single(self, spec: dict[str, Any], kind: Kind, where: Where) -> Codec:
        if "codes" in spec:
            return self.code_list(spec["codes"], kind, (*where, "codes"))
        if kind.name == "code":
            return OneOf(kind.codes)
        if kind.name == "text" and "date" in spec:
            return self.dates(spec, Kind("datetime"), where)
        if kind.name in self.codec_of:
            return self.codec_of[kind.name](spec, kind, where)
        if kind.name == "text":
            return Words(self.encoding, self.top.get("clear"))
        self.source.problem(where, "map-file-bad-value", value=spec.get("field", ""),
                            hint="This part of the record has parts of its own: name one of them.")  # fmt: skip
        return TEXT

    def dates(self, spec: dict[str, Any], kind: Kind, where: Where) -> Codec:
        forms = spec.get("date", self.top.get("dates", _ISO_DATES))
        zone = spec.get("zone", self.top.get("zone"))
        self.choice(where, "zone", zone, ("UK", "UTC"))
        try:
            texts = [str(form) for form in (forms if isinstance(forms, list) else [forms])]
            return DateForms([Form(text, None if text.endswith("Z") else zone) for text in texts],
                             timed=kind.name == "datetime")  # fmt: skip
        except BadForm as fault:
            self.source.problem((*where, "date"), "map-file-bad-value", value=forms, hint=f"{fault}.")
            return TEXT

    def yes_no(self, spec: dict[str, Any], where: Where) -> Codec:
        words = spec.get("yes_no", self.top.get("yes_no"))
        if words is None and self.csv:
            self.source.problem(where, "map-file-missing-key", key="yes_no")
        if words is None:
            return YesNo()
        if not isinstance(words, list) or len(words) != 2 or words[0] == words[1]:
            self.source.problem(
                (*where, "yes_no"), "map-file-bad-value", value=words, hint="Write [yes-word, no-word]."
            )
            return YesNo()
        return YesNo(*words)

    def code_list(self, codes: Any, kind: Kind, where: Where) -> Codec:
        concepts = kind.name == "concept"
        pairs: list[tuple[Any, Any]]
        if isinstance(codes, str):
            try:
                pairs = list(concept_map(self.folder / codes, concepts=concepts))
            except (OSError, FhirMhError, KeyError, AttributeError):
                self.source.problem(where, "map-file-no-concept-map", file=codes)
                return TEXT
        else:
            items = codes.items() if isinstance(codes, dict) else ()
            pairs = [(theirs, concept_of(ours) if concepts else ours) for theirs, ours in items]
        if self.csv:
            pairs = [(str(theirs), ours) for theirs, ours in pairs]
        if not pairs:
            self.source.problem(where, "map-file-bad-value", value=codes, hint="Write their code: our code.")
        for theirs, ours in pairs:
            if kind.codes:
                self.choice(where, str(theirs), ours, kind.codes)
        return CodeList(pairs)
