"""What an evaluation can see besides its input, and how much it may still do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from fhir_mh.fhirpath.errors import limit
from fhir_mh.fhirpath.values import Node

MOST_STEPS = 2_000_000  # of one evaluation; a step is at most about a microsecond
LONGEST_TEXT = 1_000_000  # characters of a text that an expression makes; FHIR's own strings end at a megabyte
_CHARACTERS = 16  # that one step reads or writes


class Model(Protocol):
    """What FHIRPath must know of FHIR's types; the R4 one is fhir_mh.packages.model.R4."""

    def child(self, type_name: str, name: str) -> tuple[tuple[str, str], ...] | None:
        """(JSON key, type) of each form an element may take; None where the type has no such element."""

    def children(self, type_name: str) -> Iterable[str]:
        """The names of a type's elements."""

    def is_a(self, type_name: str, ancestor: str) -> bool:
        """Whether a type is another or derives from it."""

    def known(self, type_name: str) -> bool:
        """Whether there is such a type."""


class Environment:
    """One evaluation's surroundings; $this, $index and $total change as it goes, and the steps left grow fewer."""

    __slots__ = (
        "context",
        "fixed",
        "index",
        "left",
        "model",
        "now",
        "resolve",
        "resource",
        "root",
        "strict",
        "this",
        "total",
        "variables",
    )

    def __init__(
        self,
        model: Model,
        context: Node | None,
        *,
        resource: Node | None = None,
        root: Node | None = None,
        resolve: Callable[[str], Node | None] | None = None,
        variables: Mapping[str, Any] | None = None,
        strict: bool = False,
        now: Any = None,
        steps: int | None = None,
    ) -> None:
        """resolve gives what a reference leads to, or None, which resolve() passes over.

        strict refuses elements that the type does not have. steps: that this evaluation may take.
        """
        self.model, self.context, self.strict = model, context, strict
        self.resource, self.root = resource or context, root or resource or context
        self.resolve, self.variables, self.now = resolve, variables or {}, now
        self.this: list[Any] = [context] if context is not None else []
        self.index: int | None = None
        self.total: list[Any] = []
        self.left = MOST_STEPS if steps is None else steps
        self.fixed: dict[Any, list[Any]] = {}  # what parts of the expression gave that give the same everywhere

    def spend(self, steps: int) -> None:
        """Raises FHIRPathError (limit) where this evaluation has done as much as it may."""
        self.left -= steps
        if self.left < 0:
            raise limit("the expression takes too many steps")

    def read(self, characters: int) -> None:
        """As spend(), for going through a text."""
        if characters >= _CHARACTERS:
            self.spend(characters // _CHARACTERS)

    def make(self, characters: int) -> None:
        """As read(), for a text about to be made. Raises also where that is too long."""
        if characters > LONGEST_TEXT:
            raise limit("the expression makes too long a text")
        self.read(characters)
