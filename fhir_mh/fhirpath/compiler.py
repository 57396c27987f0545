"""From the syntax tree to closures: each takes a collection and the environment and gives a collection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_mh.fhirpath import functions, operators
from fhir_mh.fhirpath.environment import Environment
from fhir_mh.fhirpath.errors import FHIRPathError, execution
from fhir_mh.fhirpath.navigation import step
from fhir_mh.fhirpath.syntax import (
    Binary,
    Call,
    Expr,
    Index,
    Literal,
    Name,
    Special,
    TypeTest,
    Unary,
    Variable,
    size,
    type_name,
)
from fhir_mh.fhirpath.types import as_type, is_type
from fhir_mh.fhirpath.units import Quantity
from fhir_mh.fhirpath.values import single, truth, whole

Items = list[Any]
Code = Callable[[Items, Environment], Items]

_URLS = {"sct": "http://snomed.info/sct", "loinc": "http://loinc.org", "ucum": "http://unitsofmeasure.org"}
_TYPE_FUNCTIONS = {"is", "as", "ofType"}
_LOOPS = {"where", "select", "all", "exists", "repeat", "aggregate"}
_FEW = 16  # items that cost no more than the step itself


def code_of(tree: Expr) -> Code:
    """The code of a whole expression. Raises FHIRPathError (syntax) for functions that do not exist."""
    return _compile(tree)


def _compile(tree: Expr) -> Code:
    code: Code = _COMPILERS[type(tree)](tree)
    return _once(code) if isinstance(tree, Name | Call | Index) and _is_fixed(tree) else code


def _is_fixed(tree: Expr | None) -> bool:
    """Whether it gives the same wherever in an evaluation it stands: it starts from a variable and asks for no item."""
    if isinstance(tree, Variable | Literal):
        return True
    if isinstance(tree, Name):
        return _is_fixed(tree.source)
    if isinstance(tree, Index):
        return _is_fixed(tree.source) and _is_fixed(tree.index)
    return isinstance(tree, Call) and _is_fixed(tree.source) and all(map(_is_fixed, tree.arguments))


def _once(code: Code) -> Code:
    """Code that runs once in each evaluation: within a loop it would do the same for each item."""

    def look(items: Items, env: Environment) -> Items:
        found = env.fixed.get(look)
        if found is None:
            found = env.fixed[look] = code(items, env)
        return found

    return look


def _literal(tree: Literal) -> Code:
    values = list(tree.values)
    return lambda items, env: values


def _name(tree: Name) -> Code:
    move = step(tree.name, tree.at, first=tree.source is None)
    if tree.source is None:
        return move
    source = _compile(tree.source)

    def go(items: Items, env: Environment) -> Items:
        held = source(items, env)
        if len(held) > _FEW:
            env.spend(len(held))
        return move(held, env)

    return go


def _call(tree: Call) -> Code:
    entry = functions.REGISTRY.get(tree.name)
    if entry is None:
        raise FHIRPathError("syntax", f"there is no function {tree.name}()", tree.at)
    fewest, most, run = entry
    if not fewest <= len(tree.arguments) <= most:
        raise FHIRPathError("syntax", f"{tree.name}() does not take {len(tree.arguments)} arguments", tree.at)
    arguments: tuple[Any, ...]
    if tree.name in _TYPE_FUNCTIONS:
        named = type_name(tree.arguments[0])
        if named is None:
            raise FHIRPathError("syntax", f"{tree.name}() takes the name of a type", tree.at)
        arguments = (named,)
    else:
        compiled = _counted if tree.name in _LOOPS else _compile
        arguments = tuple(compiled(argument) for argument in tree.arguments)
    if tree.source is None:
        return lambda items, env: run(items, env, arguments)
    source = _compile(tree.source)

    def call(items: Items, env: Environment) -> Items:
        held = source(items, env)
        if len(held) > _FEW:
            env.spend(len(held))
        return run(held, env, arguments)

    return call


def _counted(tree: Expr) -> Code:
    """Code that runs once for each item: it pays for itself, and for what it gives, each time.

    Outside of loops nothing runs more often than it is written.
    """
    code, steps = _compile(tree), size(tree)

    def counted(items: Items, env: Environment) -> Items:
        found = code(items, env)
        env.left -= steps + len(found)
        if env.left < 0:
            env.spend(0)
        return found

    return counted


def _special(tree: Special) -> Code:
    if tree.name == "$this":
        return lambda items, env: env.this
    if tree.name == "$total":
        return lambda items, env: env.total
    return lambda items, env: [] if env.index is None else [env.index]


def _variable(tree: Variable) -> Code:
    name = tree.name
    if name in _URLS:
        url: Items = [_URLS[name]]
        return lambda items, env: url
    if name.startswith("vs-"):
        return lambda items, env: ["http://hl7.org/fhir/ValueSet/" + name[3:]]
    if name.startswith("ext-"):
        return lambda items, env: ["http://hl7.org/fhir/StructureDefinition/" + name[4:]]

    def look(items: Items, env: Environment) -> Items:
        if name in ("resource", "rootResource", "context"):
            held = {"resource": env.resource, "rootResource": env.root, "context": env.context}[name]
            return [] if held is None else [held]
        if name in env.variables:
            value = env.variables[name]
            return value if isinstance(value, list) else [value]
        raise execution(f"there is no variable %{name}")

    return look


def _index(tree: Index) -> Code:
    source, index = _compile(tree.source), _compile(tree.index)

    def pick(items: Items, env: Environment) -> Items:
        position = whole(index(items, env), "an index")
        held = source(items, env)
        return [held[position]] if position is not None and 0 <= position < len(held) else []

    return pick


def _unary(tree: Unary) -> Code:
    operand, sign = _compile(tree.operand), -1 if tree.operator == "-" else 1

    def signed(items: Items, env: Environment) -> Items:
        value = single(operand(items, env), "a sign")
        if value is None:
            return []
        if isinstance(value, Quantity):
            return [Quantity(sign * value.value, value.unit)]
        if isinstance(value, bool) or isinstance(value, str) or not hasattr(value, "__neg__"):
            raise execution("a sign stands only before a number")
        return [sign * value]

    return signed


def _boolean(found: bool | None) -> Items:
    return [] if found is None else [found]


def _logic(tree: Binary) -> Code:
    left, right, operator = _compile(tree.left), _compile(tree.right), tree.operator
    decides = {"and": False, "or": True, "implies": False}.get(operator)

    def decide(items: Items, env: Environment) -> Items:
        first = truth(left(items, env), f"'{operator}'")
        if decides is not None and first is decides:
            return [operator != "and"]
        return _boolean(operators.logic(operator, first, truth(right(items, env), f"'{operator}'")))

    return decide


def _comparison(tree: Binary) -> Code:
    left, right = _compile(tree.left), _compile(tree.right)
    accepted = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}[tree.operator]

    def compare(items: Items, env: Environment) -> Items:
        found = operators.order(left(items, env), right(items, env), env)
        return [] if found is None else [found in accepted]

    return compare


def _equality(tree: Binary) -> Code:
    left, right = _compile(tree.left), _compile(tree.right)
    negated = tree.operator.startswith("!")
    test: Callable[[Items, Items, Environment], bool | None] = (
        operators.same if tree.operator.endswith("=") else operators.equivalent
    )

    def compare(items: Items, env: Environment) -> Items:
        found = test(left(items, env), right(items, env), env)
        return [] if found is None else [found != negated]

    return compare


def _binary(tree: Binary) -> Code:
    if tree.operator in ("and", "or", "xor", "implies"):
        return _logic(tree)
    if tree.operator in ("<", "<=", ">", ">="):
        return _comparison(tree)
    if tree.operator in ("=", "!=", "~", "!~"):
        return _equality(tree)
    left, right, operator = _compile(tree.left), _compile(tree.right), tree.operator
    if operator == "|":
        return lambda items, env: operators.unique(left(items, env) + right(items, env), env)
    if operator == "in":
        return lambda items, env: _boolean(operators.member(left(items, env), right(items, env), env))
    if operator == "contains":
        return lambda items, env: _boolean(operators.member(right(items, env), left(items, env), env))
    if operator == "&":
        return lambda items, env: operators.joined(left(items, env), right(items, env), env)
    return lambda items, env: operators.arithmetic(operator, left(items, env), right(items, env), env)


def _type_test(tree: TypeTest) -> Code:
    operand, named = _compile(tree.operand), tree.type_name
    if tree.operator == "is":
        return lambda items, env: is_type(operand(items, env), named, env)
    return lambda items, env: as_type(operand(items, env), named, env)


_COMPILERS: dict[type, Callable[[Any], Code]] = {
    Literal: _literal,
    Name: _name,
    Call: _call,
    Special: _special,
    Variable: _variable,
    Index: _index,
    Unary: _unary,
    Binary: _binary,
    TypeTest: _type_test,
}
