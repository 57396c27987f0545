"""From a mapping file to the engine's nodes. All that is wrong with the file is said at once, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fhir_mh.mapping.formats import grammar
from fhir_mh.mapping.formats.entries import Checked, Entries, Kinds, Once, PlainValues, SliceAt, says
from fhir_mh.mapping.formats.paths import RECORD, Step, kinds_of
from fhir_mh.mapping.formats.places import Always, Fields
from fhir_mh.mapping.formats.run import Naming
from fhir_mh.mapping.formats.single_rows import SingleRows
from fhir_mh.mapping.formats.source import Source, Where, meant
from fhir_mh.mapping.formats.values import concept_of
from fhir_mh.mapping.nodes import Node
from fhir_mh.mapping.slices import Slice

Model = type[BaseModel]
_ISO_DATES = ["YYYY-MM-DD", "YYYY-MM", "YYYY", "YYYY-MM-DDTHH:mm:ssZ"]


@dataclass(frozen=True)
class Compiled:
    """A mapping file as nodes. picks: the entries that are meant by a condition; read_only: lists set aside.

    scattered: lists of values whose entries stand among others, so that the file never says such a list whole.
    """

    root: Node
    naming: Naming
    id_scope: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    picks: tuple[tuple[Step, ...], ...]
    read_only: tuple[str, ...]
    scattered: tuple[tuple[Step, ...], ...]


def compile_mapping(source: Source, folder: Path) -> Compiled:
    """The nodes of a mapping file. Raises MappingError with everything that is wrong with it.

    folder: where the ConceptMaps that it names lie.
    """
    work = _Compiler(source, folder)
    compiled = work.mapping()
    source.check()
    return compiled


class _Compiler(SingleRows):
    def __init__(self, source: Source, folder: Path) -> None:
        super().__init__(source, folder)
        self.name = str(self.top.get("name", ""))
        self.read_only: list[str] = []
        self.scattered: list[tuple[Step, ...]] = []
        self.columns = tuple(str(column) for column in self.top.get("columns") or ())

    # --- the file

    def mapping(self) -> Compiled:
        self.source.keys((), self.top, grammar.MAPPING)
        for key in ("name", "kind"):
            if not self.top.get(key):
                self.source.problem((), "map-file-missing-key", key=key)
        self.choice((), "kind", self.top.get("kind"), ("json", "csv"))
        self.choice((), "encoding", self.encoding, ("utf-8", "cp1252") if self.csv else ("utf-8",))
        for key in ("other_columns", "other_rows"):
            self.choice((), key, self.top.get(key), ("refuse", "keep"))
        naming = Naming(self.name, self.encoding, self.top.get("clear"))
        root = self.rows() if self.csv else self.document()
        scope = tuple(tuple(str(place).split(".")) for place in self.top.get("id_scope") or ())
        picks, scattered = tuple(self.picks), tuple(self.scattered)
        return Compiled(root, naming, scope, self.columns, picks, tuple(self.read_only), scattered)

    def document(self) -> Node:
        rows = self.top.get("document")
        if not isinstance(rows, dict):
            self.source.problem((), "map-file-missing-key", key="document")
            return Fields({})
        return self.fields(rows, ("document",), RECORD, ())

    def rows(self) -> Node:
        rows = self.top.get("rows")
        for key, found in (("columns", self.columns), ("rows", rows)):
            if not isinstance(found, list | tuple) or not found:
                self.source.problem((), "map-file-missing-key", key=key)
        spec = {"lists": rows or [], "other": self.top.get("other_rows", "refuse")}
        return Fields({"rows": self.kinds(spec, ("rows",), RECORD, ())})

    # --- objects and lists

    def fields(self, rows: Any, where: Where, model: Model, at: tuple[Step, ...],
               when: dict[str, Any] | None = None) -> Fields:  # fmt: skip
        """The rows of an object. at: the record's part that they belong to."""
        children: dict[str, Node] = {}
        required = []
        for key, spec in (rows if isinstance(rows, dict) else {}).items():
            here = (*where, str(key))
            if self.csv and key not in self.columns:
                self.source.problem(here, "map-file-unknown-column", name=key, hint=meant(key, self.columns))
            node = self.row(spec, here, model, at)
            if node is not None:
                children[str(key)] = node
            if isinstance(spec, dict) and spec.get("required") is True:
                required.append(str(key))
        if not isinstance(rows, dict):
            self.source.problem(where, "map-file-missing-key", key="fields")
        return Fields(children, tuple(required), when)

    def row(self, spec: Any, where: Where, model: Model, at: tuple[Step, ...]) -> Node | None:
        if isinstance(spec, str):
            spec = {"field": spec}
        if not isinstance(spec, dict):
            self.source.problem(where, "map-file-bad-value", value=spec, hint="Write a field of the record.")
            return None
        if "fixed" in spec:
            self.source.keys(where, spec, grammar.FIXED)
            return Always(str(spec["fixed"]) if self.csv else spec["fixed"])
        if "lists" in spec:
            self.source.keys(where, spec, grammar.LISTS)
            return self.kinds(spec, where, model, at)
        if "list" in spec:
            self.source.keys(where, spec, grammar.LIST)
            return self.one_list(spec, where, model, at)
        if "fields" in spec:
            self.source.keys(where, spec, grammar.OBJECT)
            return self.part(spec, where, model, at)
        return self.leaf(spec, where, model, at)

    def part(self, spec: dict[str, Any], where: Where, model: Model, at: tuple[Step, ...],
             when: dict[str, Any] | None = None) -> Node:  # fmt: skip
        """An object whose fields belong to a part of the record, or to the same part as those around it."""
        inner = (*where, "fields")
        if "into" not in spec:
            return self.fields(spec["fields"], inner, model, at, when)
        steps = self.steps(spec["into"], (*where, "into"), model)
        if steps is None:
            return Fields({})
        last = steps[-1].kind
        if last.model is None or (last.listed and steps[-1].pick is None):
            self.source.problem((*where, "into"), "map-file-bad-value", value=spec["into"],
                                hint="Name a part of the record, or which entry of a list: goals[first].")  # fmt: skip
            return Fields({})
        kept = steps[-1].pick is not None and last.item is not None
        node = Checked(last.model, self.fields(spec["fields"], inner, last.model, (*at, *steps), when))
        return self.reach(steps, node, at, keep=self.name if kept else "")

    def one_list(self, spec: dict[str, Any], where: Where, model: Model, at: tuple[Step, ...]) -> Node | None:
        steps = self.steps(spec["list"], (*where, "list"), model)
        if steps is None:
            return None
        last = steps[-1].kind
        if not last.listed or steps[-1].pick is not None:
            self.source.problem((*where, "list"), "map-file-bad-value", value=spec["list"], hint="This is not a list.")
            return None
        if last.model is None:
            codec = self.codec(spec.get("each") or {}, last, (*where, "each"))
            return self.reach(steps[:-1], PlainValues(steps[-1].name, codec), at)
        return Kinds([self.many(spec, where, steps, at, "entry", None)], keep_others=False)

    def kinds(self, spec: dict[str, Any], where: Where, model: Model, at: tuple[Step, ...]) -> Node:
        """A list with entries of several kinds."""
        self.choice(where, "other", spec.get("other"), ("refuse", "keep"))
        slices: list[Slice] = []
        for index, kind in enumerate(spec["lists"]):
            here = (*where, index) if where == ("rows",) else (*where, "lists", index)
            found = self.kind(kind, here, model, at, f"kind{index}") if isinstance(kind, dict) else None
            if found is not None:
                slices.append(found)
        return Kinds(slices, keep_others=spec.get("other", "keep") == "keep")

    def kind(self, spec: dict[str, Any], where: Where, model: Model, at: tuple[Step, ...],
             name: str) -> Slice | None:  # fmt: skip
        when = spec.get("when")
        if not isinstance(when, dict) or not when:
            self.source.problem(where, "map-file-missing-key", key="when")
            when = {}
        if self.csv:
            when = {str(key): str(value) for key, value in when.items()}
            for key in when:
                if key not in self.columns:
                    hint = meant(key, self.columns)
                    self.source.problem((*where, "when", key), "map-file-unknown-column", name=key, hint=hint)
        name = ",".join(f"{key}={value}" for key, value in when.items()) or name
        if "list" in spec:
            self.source.keys(where, spec, {**grammar.LIST, **grammar.KIND})
            steps = self.steps(spec["list"], (*where, "list"), model)
            if steps and steps[-1].kind.item is None:
                self.scattered.append((*at, *steps))
            return self.many(spec, where, steps, at, name, when) if steps else None
        self.source.keys(where, spec, {**grammar.OBJECT, **grammar.KIND})
        if "fields" not in spec:
            self.source.problem(where, "map-file-missing-key", key="fields")
            return None
        return Once(name, says(when), self.part(spec, where, model, at, when))

    def many(self, spec: dict[str, Any], where: Where, steps: tuple[Step, ...], at: tuple[Step, ...], name: str,
             when: dict[str, Any] | None) -> Slice:  # fmt: skip
        last = steps[-1]
        model = last.kind.model or BaseModel
        whole = (*at, *steps)
        if "each" in spec:
            each = {"field": spec["each"]} if isinstance(spec["each"], str) else dict(spec["each"])
            node: Node | None = self.each(each, (*where, "each"), last.kind, whole)
        else:
            node = self.fields(spec.get("fields"), (*where, "fields"), model, whole, when)
        self.matching(spec, where, last, node)
        if spec.get("read_only") is True:
            self.read_only.append(whole[0].name)
        found = Entries(
            name, says(when) if when else None, last.name, node or Fields({}), model, item=last.kind.item is not None,
            keep=self.name, where=self.record_values(spec, "where", where, model),
            defaults=self.record_values(spec, "defaults", where, model),
        )  # fmt: skip
        for step_count in range(1, len(steps)):
            if steps[step_count - 1].pick is not None and steps[step_count - 1].kind.item is not None:
                picked = (*at, *steps[:step_count])
                if picked not in self.picks:
                    self.picks.append(picked)
        return SliceAt(steps[:-1], found) if len(steps) > 1 else found

    def record_values(self, spec: dict[str, Any], key: str, where: Where, model: Model) -> dict[str, Any]:
        """What `where` or `defaults` says of the record, checked against its fields."""
        known = kinds_of(model)
        found = spec.get(key) or {}
        for name, value in found.items():
            if name not in known:
                hint = meant(name, known)
                self.source.problem((*where, key, name), "map-file-unknown-field", field=name, hint=hint)
            elif known[name].codes:
                self.choice((*where, key), name, value, known[name].codes)
        return {
            name: concept_of(value) if name in known and known[name].name == "concept" else value
            for name, value in found.items()
        }

    def matching(self, spec: dict[str, Any], where: Where, step: Step, node: Node | None) -> None:
        """Check the stated matching rule against the rows of the list and the record's own rule."""
        item, rule = step.kind.item, spec.get("matched_by")
        if item is None:
            if rule is not None:
                hint = "Entries of this list have no ids; leave matched_by out."
                self.source.problem((*where, "matched_by"), "map-file-bad-value", value=rule, hint=hint)
            return
        said = {field.replace("[]", "") for field, _ in (node.rows() if node is not None else ())}
        said |= set(spec.get("where") or {}) | set(spec.get("defaults") or {})
        if rule == "id":
            if "id" not in said:
                self.source.problem(where, "map-file-no-match", rule="id", missing="id")
            return
        key = list(item.natural_key)
        if not key and rule is None:
            return
        if not key or rule != key:
            by_key = f"write `matched_by: [{', '.join(key)}]`" if key else "leave it out"
            hint = f"Write `matched_by: id`, or {by_key}."
            self.source.problem((*where, "matched_by"), "map-file-bad-value", value=rule, hint=hint)
            return
        for name in key:
            if not any(field == name or field.startswith(name + ".") for field in said):
                self.source.problem(where, "map-file-no-match", rule=", ".join(key), missing=name)
