"""A provider system's own format, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from fhir_mh.errors import InvalidResource
from fhir_mh.issues import Issue, issue
from fhir_mh.mapping.codecs import Unfit
from fhir_mh.mapping.formats.compiler import Compiled
from fhir_mh.mapping.formats.loss import Loss, compare
from fhir_mh.mapping.formats.not_shown import take_not_shown
from fhir_mh.mapping.formats.paths import Step, Tree, value_at
from fhir_mh.mapping.formats.run import Run
from fhir_mh.mapping.formats.text_json import JsonText, lines_of
from fhir_mh.mapping.merge import Merged, merge
from fhir_mh.mapping.nodes import MISSING
from fhir_mh.mapping.said import beyond
from fhir_mh.records.append_only import APPEND_ONLY
from fhir_mh.records.base import new_id
from fhir_mh.records.trees import record_of, tree_of


class Text(Protocol):
    """A file's text and the document it says."""

    def load(self, raw: bytes) -> dict[str, Any]: ...
    def dump(self, document: Any) -> bytes: ...
    def place(self, path: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says: the record tree, complete and valid, and warnings."""

    tree: Tree
    issues: list[Issue] = field(default_factory=list)


class Format:
    """One mapping file, ready to run. name and title are the file's; kind is json or csv."""

    def __init__(self, name: str, title: str, kind: str, compiled: Compiled, text: Text) -> None:
        self.name, self.title, self.kind = name, title, kind
        self._map, self._text = compiled, text

    def read(self, text: bytes, *, mint: Callable[[], str] = new_id) -> Reading:
        """The record that a file says, on its own: items without ids are given one.

        Raises InvalidResource with every fault of the file, each with its place (`row 4, column SIGN`, or a JSON
        path with line and column). Nothing is returned in part.
        """
        tree = _said(self._read(text, known=None, mint=mint))
        return Reading(tree_of(record_of(tree)))

    def write(self, tree: Tree) -> bytes:
        """The file that says the record, as far as the format can; `losses` tells the rest."""
        return self._write(tree)[0]

    def view(self, tree: Tree) -> Tree:
        """The record as the format says it: what reading the written file again gives. Items keep their ids,
        in a format without ids too, so that what comes back can be compared with it.
        """
        if not tree.get("person"):
            return {"person": {}}  # of nobody there is nothing to say
        text, run = self._write(tree)
        return self._read(text, known=tree, mint=None, ids=run.written)

    def put(
        self, held: Tree, received: bytes, *, shown: Tree | None = None, mint: Callable[[], str] = new_id
    ) -> Merged:
        """The held record after the other side's file came back.

        shown: the view of the record that the other side was last shown, where that is not today's. What the
        file cannot say, or does not mention, stays. Raises InvalidResource as read does.
        """
        view = self.view(held)
        base = view if shown is None else shown
        theirs = self._read(received, known=held, mint=mint, focus=base)
        for steps in self._map.scattered:
            _say_left_out(theirs, base, steps)
        not_shown = take_not_shown(theirs, held, (view, base), self._map.picks, view=self.view, never=APPEND_ONLY)
        never, read_only = APPEND_ONLY, self._map.read_only
        merged = merge(held, base, theirs, view=view, mint=mint, never=never, read_only=read_only, partial=True)
        merged.conflicts += not_shown
        return merged

    def names(self, text: bytes) -> Tree:
        """The id and the NHS number that a file names its person by, whatever else may be wrong with it.

        Raises InvalidResource for a text that cannot be read at all.
        """
        tree: Tree = {}
        self._map.root.read(self._text.load(text), tree, Run(self._map.naming))
        person = tree.get("person", {})
        return {name: person[name] for name in ("id", "nhs_number") if isinstance(person.get(name), str)}

    def losses(self, tree: Tree) -> list[Loss]:
        """What the format cannot say of the record: places and labels, never values."""
        return compare(tree, self.view(tree), self.name)

    def rows(self) -> list[tuple[str, str]]:
        """(record field, place in the format) of each row of the mapping."""
        return list(self._map.root.rows())

    # --- one run

    def _write(self, tree: Tree) -> tuple[bytes, Run]:
        run = Run(self._map.naming, tree=tree)
        kept = (tree["person"].get("unknown") or {}).get(self.name)
        document = self._map.root.write(tree, kept, run)
        return self._text.dump({} if document is MISSING else document), run

    def _read(self, text: bytes, *, known: Tree | None, mint: Callable[[], str] | None,
              focus: Tree | None = None, ids: dict[int, list[str | None]] | None = None) -> Tree:  # fmt: skip
        document = self._text.load(text)
        run = Run(self._map.naming, known=known, scope=self._scope(document), ids=ids)
        tree: Tree = {}
        left = self._map.root.read(document, tree, run)
        if not tree.get("person"):
            run.fault(Unfit("person", "map-no-person"))
        self._know_picked(tree, focus or known)
        run.settle_pointers(tree, mint)
        if run.faults:
            raise InvalidResource(issues=self._issues(run, text))
        if mint is not None:
            self._check(tree)
        if left is not None:
            tree["person"].setdefault("unknown", {})[self.name] = left
        if known is not None and "id" in known.get("person", {}):
            tree["person"].setdefault("id", known["person"]["id"])
        return tree

    def _check(self, tree: Tree) -> None:
        """What no single row shows: whether the parts make a record together."""
        try:
            record_of(_said(tree))
        except InvalidResource as refused:
            places = {field.replace("[]", ""): place for field, place in self.rows()}
            found = [one.at(places.get(re.sub(r"\[\d+\]", "", one.path), one.path)) for one in refused.issues]
            raise InvalidResource(issues=found) from None

    def _scope(self, document: dict[str, Any]) -> tuple[str, ...] | None:
        """What makes this file's own numbers unique; None where the file does not say it."""
        found = []
        for path in self._map.id_scope:
            value: Any = document
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            if not isinstance(value, str | int):
                return None
            found.append(str(value))
        return tuple(found) if found else None

    def _know_picked(self, tree: Tree, known: Tree | None) -> None:
        """The entry that a condition picks is the one that it picks in what was shown."""
        for steps in self._map.picks:
            part = value_at(tree, steps)
            if isinstance(part, dict) and "id" not in part:
                held = value_at(known, steps) if known else None
                if isinstance(held, dict) and "id" in held:
                    part["id"] = held["id"]

    def _issues(self, run: Run, text: bytes) -> list[Issue]:
        found = [
            issue(fault.code, self._text.place(fault.path), expected=fault.expected)
            for fault in sorted(run.faults, key=lambda fault: _by_number(fault.path))
        ]
        if not isinstance(self._text, JsonText):
            return found
        lines = lines_of(text, {place for one in found for place in _upwards(one.path)})
        out = []
        for one in found:
            line, column = next((lines[place] for place in _upwards(one.path) if place in lines), (None, None))
            out.append(Issue(one.code, one.severity, one.path, one.message, one.fix, one.spec, line, column))
        return out


def _say_left_out(theirs: Tree, shown: Tree, steps: tuple[Step, ...]) -> None:
    """Of a list of values that a file says row by row, say those too whose rows it leaves out: absence deletes none.

    As many rows as were shown, one of them in other words, are the list as it was edited.
    """
    said, before = value_at(theirs, steps), value_at(shown, steps)
    if said and before and len(said) != len(before) and beyond(before, said):
        said[:] = [*before, *beyond(said, before)]


def _upwards(path: str) -> list[str]:
    """The place itself and those around it, for a place that is not there."""
    out = [path]
    while "." in path or "[" in path:
        path = path[: max(path.rfind("."), path.rfind("["))]
        out.append(path)
    return out


def _by_number(path: str) -> tuple[int, str]:
    digits = path.partition("[")[2].partition("]")[0]
    return (int(digits) if path.startswith("rows[") and digits.isdigit() else 0), ""


def _said(value: Any) -> Any:
    """Without the fields that the file asks to empty: in a record that is not held yet there is nothing to empty."""
    if isinstance(value, dict):
        return {key: inner if key == "unknown" else _said(inner) for key, inner in value.items() if inner is not None}
    return [_said(inner) for inner in value] if isinstance(value, list) else value
