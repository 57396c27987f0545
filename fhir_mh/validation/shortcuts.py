"""Invariants answered from the JSON itself, where that gives what FHIRPath would.

Most rules ask which elements are there, and whether one of them says a certain code. What of a rule is of that kind is
compiled to functions of plain values; where those cannot tell (a choice of types, a `_` sibling, another function) they
raise _Undecided, and FHIRPath is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fhir_mh.fhirpath.environment import Model
from fhir_mh.fhirpath.operators import logic
from fhir_mh.fhirpath.patterns import quick
from fhir_mh.fhirpath.syntax import Binary, Call, Expr, Literal, Name, Special, type_name
from fhir_mh.fhirpath.values import is_primitive

Answer = Callable[[Any], bool | None]  # None: FHIRPath's empty collection
Values = Callable[[Any], list[Any]]
Typed = tuple[Values, str | None]  # with the type of the values, None where it may be one of several
_TEXTS = {"canonical", "code", "id", "markdown", "oid", "string", "uri", "url", "uuid"}
_OTHER = object()  # a primitive value that is there, and is no text
_ALONE = {"and": False, "or": True, "implies": True}  # what the right side decides whatever stands on the left
_FIRST = {"and": False, "or": True, "implies": False}


class _Undecided(Exception):
    """The plain values do not tell."""


def shortcut(tree: Expr, type_name: str, model: Model) -> Callable[[dict[str, Any]], bool | None] | None:
    """A test of an object that agrees with the invariant wherever it is not None; None if it never decides.

    As for FHIRPath, nothing to say counts as met.
    """
    answer = _answer(tree, type_name, model)
    if answer is None:
        return None

    def decide(value: dict[str, Any]) -> bool | None:
        try:
            return answer(value) is not False
        except _Undecided:
            return None

    return decide


def _undecided(value: Any) -> bool | None:
    raise _Undecided


# --- answers


def _answer(tree: Expr, kind: str | None, model: Model) -> Answer | None:
    if isinstance(tree, Binary):
        return _binary(tree, kind, model)
    if not isinstance(tree, Call) or tree.source is None:
        return None
    if tree.name == "not" and not tree.arguments:
        inner = _answer(tree.source, kind, model)
        return None if inner is None else lambda value: None if (found := inner(value)) is None else not found
    return _asked(tree, tree.source, kind, model)


def _asked(tree: Call, source: Expr, kind: str | None, model: Model) -> Answer | None:
    """exists(), exists(condition), empty(), hasValue(), all(condition) and matches(expression)."""
    typed = _values(source, kind, model)
    if typed is None:
        return None
    values, found = typed
    if tree.name == "matches":
        return _of_form(values, tree.arguments)
    if len(tree.arguments) == 1 and tree.name in ("exists", "all"):
        holds = _answer(tree.arguments[0], found, model) or _undecided
        if tree.name == "all":
            return lambda value: all(holds(item) is True for item in values(value))
        return lambda value: any(holds(item) is True for item in values(value))
    if tree.arguments or tree.name not in ("exists", "empty", "hasValue"):
        return None
    if tree.name == "hasValue":
        return None if found is None or not is_primitive(found) else lambda value: len(values(value)) == 1
    wanted = tree.name == "exists"
    return lambda value: bool(values(value)) is wanted


def _of_form(values: Values, arguments: Sequence[Expr]) -> Answer | None:
    """Whether a text has a form that is written out. What a long one costs is for FHIRPath to count."""
    said = arguments[0] if len(arguments) == 1 else None
    if not isinstance(said, Literal) or len(said.values) != 1 or not isinstance(said.values[0], str):
        return None
    test = quick(said.values[0])
    if test is None:
        return None

    def has(value: Any) -> bool | None:
        found = values(value)
        if not found:
            return None
        answer = test(found[0]) if len(found) == 1 and type(found[0]) is str else None
        if answer is None:
            raise _Undecided
        return answer

    return has


def _binary(tree: Binary, kind: str | None, model: Model) -> Answer | None:
    operator = tree.operator
    if operator in ("=", "!="):
        return _equality(tree, kind, model)
    if operator == ">":
        return _more(tree, kind, model)
    if operator not in ("and", "or", "implies", "xor"):
        return None
    left, right = _answer(tree.left, kind, model), _answer(tree.right, kind, model)
    if left is None and right is None:
        return None
    return _logic(operator, left or _undecided, right or _undecided)


def _logic(operator: str, left: Answer, right: Answer) -> Answer:
    first_decides, second_decides = _FIRST.get(operator), _ALONE.get(operator)

    def decide(value: Any) -> bool | None:
        try:
            first = left(value)
        except _Undecided:
            if second_decides is not None and right(value) is second_decides:
                return second_decides
            raise
        if first is first_decides and first is not None:
            return operator != "and"
        return logic(operator, first, right(value))

    return decide


def _equality(tree: Binary, kind: str | None, model: Model) -> Answer | None:
    equal = tree.operator == "="
    if isinstance(tree.right, Literal):
        typed = _values(tree.left, kind, model)
        wanted = tree.right.values
        if typed is None or len(wanted) != 1 or not isinstance(wanted[0], str):
            return None
        return _says(typed[0], wanted[0], equal)
    left, right = _answer(tree.left, kind, model), _answer(tree.right, kind, model)
    if left is None or right is None:
        return None

    def compare(value: Any) -> bool | None:
        first, second = left(value), right(value)
        return None if first is None or second is None else (first is second) is equal

    return compare


def _says(values: Values, wanted: str, equal: bool) -> Answer:
    def compare(value: Any) -> bool | None:
        found = values(value)
        if not found:
            return None
        if len(found) > 1:
            return not equal
        if type(found[0]) is not str:
            raise _Undecided
        return (found[0] == wanted) is equal

    return compare


def _more(tree: Binary, kind: str | None, model: Model) -> Answer | None:
    left, right = _count(tree.left, kind, model), _count(tree.right, kind, model)
    return None if left is None or right is None else lambda value: left(value) > right(value)


def _count(tree: Expr, kind: str | None, model: Model) -> Callable[[Any], int] | None:
    """A number of elements, a sum of such, or a number written out."""
    if isinstance(tree, Literal) and len(tree.values) == 1 and type(tree.values[0]) is int:
        number = tree.values[0]
        return lambda value: number
    if isinstance(tree, Binary) and tree.operator == "+":
        left, right = _count(tree.left, kind, model), _count(tree.right, kind, model)
        return None if left is None or right is None else lambda value: left(value) + right(value)
    if isinstance(tree, Call) and tree.name == "count" and tree.source is not None and not tree.arguments:
        typed = _values(tree.source, kind, model)
        return None if typed is None else lambda value, values=typed[0]: len(values(value))  # type: ignore[misc]
    return None


# --- values


def _values(tree: Expr, kind: str | None, model: Model) -> Typed | None:
    """The values that a path leads to from a value of this type."""
    if isinstance(tree, Special) and tree.name == "$this":
        return (lambda value: [value]), kind
    if not isinstance(tree, Name | Call):
        return None
    only = _one_form(tree) if isinstance(tree, Call) else None
    if only is not None and isinstance(tree.source, Name):
        tree = tree.source
    source: Typed | None = ((lambda value: [value]), kind)
    if tree.source is not None:
        source = _values(tree.source, kind, model)
    if source is None:
        return None
    if isinstance(tree, Name):
        return _step(source, tree.name, model, first=tree.source is None, only=only)
    return _narrowed(tree, source, model)


def _one_form(tree: Call) -> str | None:
    """The type that ofType() asks of a choice."""
    if tree.name != "ofType" or len(tree.arguments) != 1 or not isinstance(tree.source, Name):
        return None
    return type_name(tree.arguments[0])


def _narrowed(tree: Call, source: Typed, model: Model) -> Typed | None:
    """where(condition), skip(number) and extension(url)."""
    values, kind = source
    if len(tree.arguments) != 1:
        return None
    argument = tree.arguments[0]
    if tree.name == "where":
        holds = _answer(argument, kind, model) or _undecided
        return (lambda value: [item for item in values(value) if holds(item) is True]), kind
    if not isinstance(argument, Literal) or len(argument.values) != 1:
        return None
    said = argument.values[0]
    if tree.name == "skip" and type(said) is int and said >= 0:
        return (lambda value: values(value)[said:]), kind
    if tree.name == "extension" and isinstance(said, str):
        held = _step(source, "extension", model, first=False)
        if held is not None:
            reach = held[0]
            return (lambda value: [item for item in reach(value) if item.get("url") == said]), held[1]
    return None


def _step(source: Typed, name: str, model: Model, *, first: bool, only: str | None = None) -> Typed | None:
    """From values to their children of this name; None where their type is not known beforehand. only: of this type."""
    values, kind = source
    if kind is None or is_primitive(kind) or (first and name[:1].isupper()):
        return None
    forms = model.child(kind, name)
    if not forms or any(form[1] in ("Resource", "DomainResource") for form in forms):
        return None
    if only is not None:
        forms = tuple(form for form in forms if model.is_a(form[1], only))
        if [form[1] for form in forms] != [only] or is_primitive(only):
            return None
    reach = _reaching(forms)
    found = forms[0][1] if len(forms) == 1 else None

    def move(value: Any) -> list[Any]:
        out: list[Any] = []
        for item in values(value):
            reach(item, out)
        return out

    return move, found


def _reaching(forms: tuple[tuple[str, str], ...]) -> Callable[[Any, list[Any]], None]:
    """Code that adds an object's children in any of these forms to a list."""
    if len(forms) > 1:
        return _choice(forms)
    ((key, type_name),) = forms
    return _primitive(key, type_name in _TEXTS) if is_primitive(type_name) else _complex(key)


def _complex(key: str) -> Callable[[Any, list[Any]], None]:
    def reach(item: Any, out: list[Any]) -> None:
        held = item.get(key)
        if held is not None:
            _objects(held, out)

    return reach


def _primitive(key: str, texts: bool) -> Callable[[Any, list[Any]], None]:
    sibling = "_" + key

    def reach(item: Any, out: list[Any]) -> None:
        if sibling in item:
            raise _Undecided
        held = item.get(key)
        if held is not None:
            _primitives(held, texts, out)

    return reach


def _choice(forms: tuple[tuple[str, str], ...]) -> Callable[[Any, list[Any]], None]:
    type_of = dict(forms)
    siblings = {"_" + key for key in type_of}

    def reach(item: Any, out: list[Any]) -> None:
        for key, held in item.items():  # an object has few keys, and a choice has many forms
            type_name = type_of.get(key)
            if type_name is None:
                if key in siblings:
                    raise _Undecided
            elif is_primitive(type_name):
                _primitives(held, type_name in _TEXTS, out)
            else:
                _objects(held, out)

    return reach


def _objects(held: Any, out: list[Any]) -> None:
    if type(held) is dict:
        out.append(held)
    elif isinstance(held, list):
        out.extend([entry for entry in held if isinstance(entry, dict)])


def _primitives(held: Any, texts: bool, out: list[Any]) -> None:
    entries = held if isinstance(held, list) else (held,)
    out.extend([entry if texts else _OTHER for entry in entries if entry is not None])
