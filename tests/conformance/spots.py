"""Spots: every place of a resource as JSON at which something can be changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spot:
    """A value, the object or list that holds it, and its key or index there. name: the last key on the way to it."""

    owner: Any
    key: Any
    value: Any
    name: str

    def put(self, value: Any) -> bool:
        """Put another value in its place; the answer is that it was done."""
        self.owner[self.key] = value
        return True

    @property
    def member(self) -> bool:
        """Whether an object holds it, under a key."""
        return isinstance(self.owner, dict)


def spots(held: Any, name: str = "") -> Iterator[Spot]:
    """All spots of a resource, from the outside in."""
    pairs = list(held.items()) if isinstance(held, dict) else list(enumerate(held)) if isinstance(held, list) else []
    for key, value in pairs:
        inner = key if isinstance(key, str) else name
        yield Spot(held, key, value, inner)
        yield from spots(value, inner)
