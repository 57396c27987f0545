"""What an evaluation can see besides its input: the model of types, the resources around, the variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from fhir_mh.fhirpath.values import Node


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
    """One evaluation's surroundings; $this, $index and $total change as it goes."""

    __slots__ = (
        "context",
        "index",
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
    ) -> None:
        self.model, self.context, self.strict = model, context, strict
        self.resource, self.root = resource or context, root or resource or context
        self.resolve, self.variables, self.now = resolve, variables or {}, now
        self.this: list[Any] = [context] if context is not None else []
        self.index: int | None = None
        self.total: list[Any] = []
