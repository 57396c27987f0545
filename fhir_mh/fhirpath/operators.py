"""The operators of FHIRPath on collections. See https://hl7.org/fhirpath/N1/#operations"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any

from fhir_mh.fhirpath.environment import Environment
from fhir_mh.fhirpath.errors import execution
from fhir_mh.fhirpath.moments import Moment
from fhir_mh.fhirpath.units import Quantity, calendar_apart, combined, in_common, too_large
from fhir_mh.fhirpath.values import Node, single, system

Items = list[Any]
_LONG = 1000  # characters, from which on comparing a text counts


def equal(left: Any, right: Any, env: Environment) -> bool | None:
    """Whether two items are equal; None where that cannot be known (dates of differing precision)."""
    mine, theirs = system(left), system(right)
    if type(mine) is str and type(theirs) is str:
        if len(mine) > _LONG:
            env.read(len(mine))
        return mine == theirs
    if isinstance(mine, Moment) and isinstance(theirs, Moment):
        if (mine.kind == "time") != (theirs.kind == "time"):
            return False
        order = mine.compare(theirs)
        return None if order is None else order == 0
    if isinstance(mine, Moment) or isinstance(theirs, Moment):
        return False if _raw(left) is None else _raw(left) == _raw(right)
    if isinstance(mine, Quantity) and isinstance(theirs, Quantity):
        values = None if calendar_apart(mine, theirs) else in_common(mine, theirs)
        return None if values is None else values[0] == values[1]
    if type(mine) is Node and type(theirs) is Node:
        return _alike_inside(mine.value, theirs.value, env)
    if mine is None and theirs is None:  # two elements without a value, with an id or extensions
        return _alike_inside(left.sibling, right.sibling, env)
    if isinstance(mine, bool) != isinstance(theirs, bool):
        return False
    return type(mine) is not Node and type(theirs) is not Node and bool(mine == theirs)


def _alike_inside(mine: Any, theirs: Any, env: Environment) -> bool:
    """Whether two values of FHIR's JSON are the same; each part that is looked at counts as a step."""
    waiting = [(mine, theirs)]
    while waiting:
        mine, theirs = waiting.pop()
        if isinstance(mine, dict) and isinstance(theirs, dict):
            if mine.keys() != theirs.keys():
                return False
            env.spend(len(mine))
            waiting.extend((held, theirs[key]) for key, held in mine.items())
        elif isinstance(mine, list) and isinstance(theirs, list):
            if len(mine) != len(theirs):
                return False
            env.spend(len(mine))
            waiting.extend(zip(mine, theirs, strict=True))
        elif isinstance(mine, bool) is not isinstance(theirs, bool) or mine != theirs:
            return False
        elif type(mine) is str and len(mine) > _LONG:
            env.read(len(mine))
    return True


def _raw(item: Any) -> Any:
    return item.value if type(item) is Node else item if isinstance(item, str) else None


def same(left: Items, right: Items, env: Environment) -> bool | None:
    """The operator =."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    if len(left) > 1:
        env.spend(len(left))
    unknown = False
    for mine, theirs in zip(left, right, strict=True):
        found = equal(mine, theirs, env)
        if found is False:
            return False
        unknown = unknown or found is None
    return None if unknown else True


def alike(left: Any, right: Any, env: Environment) -> bool:
    """Whether two items are equivalent: text without case and spacing, numbers to the lesser precision."""
    mine, theirs = system(left), system(right)
    if isinstance(mine, str) and isinstance(theirs, str):
        env.read(len(mine) + len(theirs))
        return " ".join(mine.lower().split()) == " ".join(theirs.lower().split())
    if isinstance(mine, Moment) and isinstance(theirs, Moment):
        return mine.compare(theirs) == 0
    if isinstance(mine, Quantity) and isinstance(theirs, Quantity):
        values = in_common(mine, theirs)
        return values is not None and _rounded_alike(*values)
    if _number(mine) and _number(theirs):
        return _rounded_alike(Decimal(mine), Decimal(theirs))
    if type(mine) is Node and type(theirs) is Node:
        return _alike_inside(mine.value, theirs.value, env)
    return equal(left, right, env) is True


def _rounded_alike(mine: Decimal, theirs: Decimal) -> bool:
    places = max(min(-int(n.normalize().as_tuple().exponent) for n in (mine, theirs)), 0)
    try:
        return round(mine, places) == round(theirs, places)
    except InvalidOperation:
        return mine == theirs


def equivalent(left: Items, right: Items, env: Environment) -> bool:
    """The operator ~, in which order does not count."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for mine in left:
        env.spend(len(rest))
        for position, theirs in enumerate(rest):
            if alike(mine, theirs, env):
                del rest[position]
                break
        else:
            return False
    return True


def _number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def order(left: Items, right: Items, env: Environment) -> int | None:
    """-1, 0 or 1 for < = >; None where empty or undecided. Raises for types that have no common order."""
    mine, theirs = single(left, "a comparison"), single(right, "a comparison")
    if mine is None or theirs is None:
        return None
    if isinstance(mine, Moment) and isinstance(theirs, str):
        theirs = Moment.parse(theirs) or theirs
    elif isinstance(theirs, Moment) and isinstance(mine, str):
        mine = Moment.parse(mine) or mine
    if isinstance(mine, Moment) and isinstance(theirs, Moment):
        if (mine.kind == "time") != (theirs.kind == "time"):
            raise execution("a time cannot be compared with a date")
        return mine.compare(theirs)
    if isinstance(mine, Quantity) and isinstance(theirs, Quantity):
        values = None if calendar_apart(mine, theirs) else in_common(mine, theirs)
        if values is None:
            return None
        mine, theirs = values
    if type(mine) is str and len(mine) > _LONG:
        env.read(len(mine))
    if (_number(mine) and _number(theirs)) or (isinstance(mine, str) and isinstance(theirs, str)):
        return int(mine > theirs) - int(mine < theirs)
    raise execution("these types cannot be compared")


class Distinct:
    """Items met so far, each once. Dates and quantities, equal also where they are written otherwise, are compared."""

    __slots__ = ("_compared", "_env", "_keys")

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._keys: set[Any] = set()
        self._compared: Items = []

    def add(self, item: Any) -> bool:
        """Whether the item is new; it is held from now on."""
        mine = system(item)
        if isinstance(mine, Moment | Quantity):
            if contains(self._compared, item, self._env):
                return False
            self._compared.append(item)
            return True
        key = _key(item.sibling if mine is None else mine.value if type(mine) is Node else mine, self._env)
        key = (type(mine) is Node, key)
        if key in self._keys:
            return False
        self._keys.add(key)
        return True


def _key(value: Any, env: Environment) -> Any:
    """What is the same for values that are the same, and can be looked up."""
    if isinstance(value, dict):
        env.spend(len(value) + 1)
        return frozenset([(name, _key(held, env)) for name, held in value.items()])
    if isinstance(value, list):
        env.spend(len(value) + 1)
        return tuple([_key(held, env) for held in value])
    if isinstance(value, str):
        env.read(len(value))
        return value
    return (bool, value) if isinstance(value, bool) else value


def unique(items: Items, env: Environment) -> Items:
    """Each item once, in order of first appearance."""
    env.spend(len(items))
    held = Distinct(env)
    return [item for item in items if held.add(item)]


def contains(items: Items, item: Any, env: Environment) -> bool:
    """Whether a collection holds an item equal to this one."""
    env.spend(len(items))
    return any(equal(other, item, env) for other in items)


def member(left: Items, right: Items, env: Environment) -> bool | None:
    """The operator in."""
    if not left:
        return None
    if len(left) > 1:
        raise execution("'in' takes a single value on its left")
    return contains(right, left[0], env)


def logic(operator: str, left: bool | None, right: bool | None) -> bool | None:
    """Three-valued and, or, xor, implies."""
    if operator == "and":
        return False if left is False or right is False else None if left is None or right is None else True
    if operator == "or":
        return True if left is True or right is True else None if left is None or right is None else False
    if operator == "implies":
        return True if left is False or right is True else None if left is None or right is None else False
    return None if left is None or right is None else left != right


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, Moment) and isinstance(right, Quantity):
        return _moved(left, right, 1)
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        return _summed(left, right, 1)
    return left + right if _number(left) and _number(right) else _refuse("+")


def _subtract(left: Any, right: Any) -> Any:
    if isinstance(left, Moment) and isinstance(right, Quantity):
        return _moved(left, right, -1)
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        return _summed(left, right, -1)
    return left - right if _number(left) and _number(right) else _refuse("-")


def _moved(moment: Moment, amount: Quantity, sign: int) -> Any:
    if amount.field is None:
        raise execution("only an amount of time can be added to a date")
    if moment.kind == "time" and amount.field in ("year", "month", "week", "day"):
        raise execution("a time moves by hours, minutes and seconds only")
    return moment.plus(sign * amount.value, amount.field)


def _summed(left: Quantity, right: Quantity, sign: int) -> Any:
    if left.ucum == right.ucum:
        return Quantity(left.value + sign * right.value, left.unit)
    values = in_common(left, right)
    if values is None:
        return None
    scale = left.value / values[0] if values[0] else Decimal(1)
    return Quantity((values[0] + sign * values[1]) * scale, left.unit)


def _multiply(left: Any, right: Any) -> Any:
    if isinstance(left, Quantity) or isinstance(right, Quantity):
        return combined(_as_quantity(left), _as_quantity(right), 1)
    return left * right if _number(left) and _number(right) else _refuse("*")


def _divide(left: Any, right: Any) -> Any:
    if isinstance(left, Quantity) or isinstance(right, Quantity):
        return combined(_as_quantity(left), _as_quantity(right), -1)
    return Decimal(left) / Decimal(right) if _number(left) and _number(right) else _refuse("/")


def _as_quantity(value: Any) -> Quantity:
    return value if isinstance(value, Quantity) else Quantity(Decimal(value), "1") if _number(value) else _refuse("*")


def _whole_part(left: Any, right: Any) -> Any:
    if not (_number(left) and _number(right)):
        return _refuse("div")
    quotient = Decimal(left) / Decimal(right)
    return None if too_large(quotient) else int(quotient)


def _remainder(left: Any, right: Any) -> Any:
    if not (_number(left) and _number(right)):
        return _refuse("mod")
    found = Decimal(left) % Decimal(right)
    return int(found) if isinstance(left, int) and isinstance(right, int) else found


def _refuse(operator: str) -> Any:
    raise execution(f"'{operator}' does not work on these types")


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "div": _whole_part,
    "mod": _remainder,
}


def arithmetic(operator: str, left: Items, right: Items, env: Environment) -> Items:
    """+ - * / div mod; empty where an operand is empty, or there is no result: division by zero, overflow."""
    mine, theirs = single(left, f"'{operator}'"), single(right, f"'{operator}'")
    if mine is None or theirs is None:
        return []
    if operator == "+" and isinstance(mine, str) and isinstance(theirs, str):
        env.make(len(mine) + len(theirs))
        return [mine + theirs]
    try:
        found = _ARITHMETIC[operator](mine, theirs)
    except (DivisionByZero, ZeroDivisionError, InvalidOperation, Overflow):
        return []
    return [] if found is None or too_large(found) else [found]


def joined(left: Items, right: Items, env: Environment) -> Items:
    """The operator &, for which empty is empty text."""
    texts = [single(side, "'&'") for side in (left, right)]
    if any(part is not None and not isinstance(part, str | Moment | int | Decimal) for part in texts):
        raise execution("'&' works on text")
    written = ["" if part is None else str(part).lower() if isinstance(part, bool) else str(part) for part in texts]
    env.make(len(written[0]) + len(written[1]))
    return ["".join(written)]
