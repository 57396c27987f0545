"""What the parts of the validator ask of the whole, so that they need not know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from fhir_mh.packages.definitions import Definitions
from fhir_mh.terminology.expansion import Terminology
from fhir_mh.validation.fields import Item
from fhir_mh.validation.shape import Shape, TypeRef
from fhir_mh.validation.shapes import Shapes
from fhir_mh.validation.slices import Discriminators
from fhir_mh.validation.walk import Place, Walk

ResourceRule = Callable[[dict[str, Any], Place, Walk, "Compiler"], None]  # of one type, beyond its definition


class Compiler(Protocol):
    """Compiles shapes to checks, each once; see checkers.Checkers."""

    definitions: Definitions
    shapes: Shapes
    discriminators: Discriminators
    terminology: Terminology

    def type(self, name: str) -> Item:
        """The check of one value of a data type."""

    def profile(self, url: str) -> Item:
        """The check of one value against a profile on a data type. Raises Unresolvable."""

    def conforms(self, url: str, value: Any, walk: Walk) -> bool:
        """Whether a value meets a profile, without reporting why not. Raises Unresolvable."""

    def body(self, shape: Shape, type_name: str, *, resource: bool = False) -> Item:
        """The check of an object's members and of its type's own rules."""

    def addition(self, shape: Shape, base: Shape, entry: TypeRef) -> Item | None:
        """The check of what a slice asks beyond its element; None where that is nothing."""
