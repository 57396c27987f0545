"""The syntax tree of an expression: what the parser makes and the compiler reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is written out; `{}` is the empty tuple."""

    values: tuple[Any, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """An element by name; source is what it is taken from, None at the start of a path."""

    source: Expr | None
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function; source None applies it to the context."""

    source: Expr | None
    name: str
    arguments: tuple[Expr, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Special:
    """$this, $index or $total."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Variable:
    """%name."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Index:
    """source[index]."""

    source: Expr
    index: Expr
    at: int


@dataclass(frozen=True, slots=True)
class Unary:
    """+ or - before a number or quantity."""

    operator: str
    operand: Expr
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Any operator between two expressions, except `is` and `as`."""

    operator: str
    left: Expr
    right: Expr
    at: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`is` or `as`, as an operator."""

    operator: str
    operand: Expr
    type_name: str
    at: int


Expr = Literal | Name | Call | Special | Variable | Index | Unary | Binary | TypeTest


def type_name(expression: Expr) -> str | None:
    """The type an argument of is(), as() or ofType() names (`FHIR.Patient`), or None if it names none."""
    if not isinstance(expression, Name):
        return None
    if expression.source is None:
        return expression.name
    outer = type_name(expression.source)
    return None if outer is None else f"{outer}.{expression.name}"


def parts(expression: Expr) -> tuple[Expr, ...]:
    """The expressions that one is directly made of."""
    match expression:
        case Name(source):
            return () if source is None else (source,)
        case Call(source, _, arguments):
            return arguments if source is None else (source, *arguments)
        case Index(source, index):
            return (source, index)
        case Binary(_, left, right):
            return (left, right)
        case Unary(_, operand) | TypeTest(_, operand):
            return (operand,)
        case _:
            return ()


def layers(expression: Expr) -> Iterator[tuple[Expr, ...]]:
    """An expression, its parts, the parts of those, and so on; nothing is called anew for each depth."""
    layer: tuple[Expr, ...] = (expression,)
    while layer:
        yield layer
        layer = tuple([part for one in layer for part in parts(one)])


def size(expression: Expr) -> int:
    """How many expressions one is made of, itself among them."""
    return sum(len(layer) for layer in layers(expression))
