"""What a format could not say of a record: places and labels, never what stands there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from fhir_mh.mapping.shape import Shape, record_shape

What = Literal["not said", "said differently", "left out", "content of another format", "kept aside"]


@dataclass(frozen=True, slots=True)
class Loss:
    """One kind of loss: its place in the record (lists as []), what became of it, and how often."""

    path: str
    what: What
    count: int

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {"path": self.path, "what": self.what, "count": self.count}


def compare(tree: Any, view: Any, format_name: str) -> list[Loss]:
    """What stands in tree and not, or differently, in what the format says of it."""
    found: Counter[tuple[str, What]] = Counter(_part(record_shape(), tree, view, "", format_name))
    return [Loss(path, what, count) for (path, what), count in sorted(found.items())]


def kept_aside(tree: Any) -> list[Loss]:
    """What stands in no field of the record: it is kept, and returned only to the format that it came in."""
    found: Counter[tuple[str, What]] = Counter(_aside(tree, ""))
    return [Loss(path, what, count) for (path, what), count in sorted(found.items())]


def _aside(value: Any, path: str) -> Iterator[tuple[str, What]]:
    if isinstance(value, list):
        for inner in value:
            yield from _aside(inner, f"{path}[]")
    elif isinstance(value, dict):
        for key, inner in value.items():
            where = f"{path}.{key}" if path else key
            if key != "unknown":
                yield from _aside(inner, where)
                continue
            for name, content in inner.items():
                for _ in range(_leaves(_content(name, content))):
                    yield f"{where}.{name}", "kept aside"


def _part(shape: Shape, ours: Any, view: Any, path: str, name: str) -> Iterator[tuple[str, What]]:
    for key, value in ours.items():
        if key in ("id", "schema_version", "numbers"):
            continue
        where = f"{path}.{key}" if path else key
        inner = shape.fields.get(key)
        said = view.get(key) if isinstance(view, dict) else None
        if key == "unknown":
            for other, content in value.items():
                if other != name:
                    for _ in range(_leaves(_content(other, content))):
                        yield where, "content of another format"
        elif inner is not None and inner.kind == "items":
            held = {item.get("id"): item for item in said or ()}
            for item in value:
                if item.get("id") in held:
                    yield from _part(inner, item, held[item["id"]], f"{where}[]", name)
                else:
                    yield f"{where}[]", "left out"
        elif inner is not None and inner.kind == "part" and isinstance(value, dict):
            yield from _part(inner, value, said or {}, where, name)
        else:
            yield from _plain(value, said, where)


def _content(name: str, content: Any) -> Any:
    """Of a Bundle's entries only those that no table reads; the others are named to keep their order."""
    return [entry for entry in content if isinstance(entry, dict)] if name == "entry" else content


def _plain(ours: Any, said: Any, path: str) -> Iterator[tuple[str, What]]:
    if isinstance(ours, dict):
        for key, value in ours.items():
            yield from _plain(value, said.get(key) if isinstance(said, dict) else None, f"{path}.{key}")
    elif isinstance(ours, list):
        rest = list(said) if isinstance(said, list) else []
        for index, value in enumerate(ours):
            same = next((other for other in rest if other == value), rest[index] if index < len(rest) else None)
            yield from _plain(value, same, f"{path}[]")
    elif said is None:
        yield path, "not said"
    elif said != ours:
        yield path, "said differently"


def _leaves(value: Any) -> int:
    """How many values stand in kept content, the engine's own notes of order not counted."""
    if isinstance(value, dict):
        return sum(_leaves(inner) for key, inner in value.items() if not str(key).startswith("~"))
    return sum(_leaves(inner) for inner in value) if isinstance(value, list) else 1
