"""The operators of FHIRPath on collections. See https://hl7.org/fhirpath/N1/#operations"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation
from typing import Any

from fhir_mh.fhirpath.errors import execution
from fhir_mh.fhirpath.moments import Moment
from fhir_mh.fhirpath.units import Quantity, combined, in_common
from fhir_mh.fhirpath.values import Node, single, system

Items = list[Any]


def equal(left: Any, right: Any) -> bool | None:
    """Whether two items are equal; None where that cannot be known (dates of differing precision)."""
    mine, theirs = system(left), system(right)
    if isinstance(mine, Moment) and isinstance(theirs, Moment):
        order = mine.compare(theirs)
        return None if order is None else order == 0
    if isinstance(mine, Moment) or isinstance(theirs, Moment):
        return False if _raw(left) is None else _raw(left) == _raw(right)
    if isinstance(mine, Quantity) and isinstance(theirs, Quantity):
        values = in_common(mine, theirs)
        return None if values is None else values[0] == values[1]
    if type(mine) is Node and type(theirs) is Node:
        return bool(mine.value == theirs.value and mine.sibling == theirs.sibling)
    if isinstance(mine, bool) != isinstance(theirs, bool):
        return False
    return type(mine) is not Node and type(theirs) is not Node and bool(mine == theirs)


def _raw(item: Any) -> Any:
    return item.value if type(item) is Node else item if isinstance(item, str) else None


def same(left: Items, right: Items) -> bool | None:
    """The operator =."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    unknown = False
    for mine, theirs in zip(left, right, strict=True):
        found = equal(mine, theirs)
        if found is False:
            return False
        unknown = unknown or found is None
    return None if unknown else True


def alike(left: Any, right: Any) -> bool:
    """Whether two items are equivalent: text without case and spacing, numbers to the lesser precision."""
    mine, theirs = system(left), system(right)
    if isinstance(mine, str) and isinstance(theirs, str):
        return " ".join(mine.lower().split()) == " ".join(theirs.lower().split())
    if isinstance(mine, Moment) and isinstance(theirs, Moment):
        return mine.compare(theirs) == 0
    if isinstance(mine, Quantity) and isinstance(theirs, Quantity):
        values = in_common(mine, theirs)
        return values is not None and _rounded_alike(*values)
    if _number(mine) and _number(theirs):
        return _rounded_alike(Decimal(mine), Decimal(theirs))
    if type(mine) is Node and type(theirs) is Node:
        return bool(mine.value == theirs.value)
    return equal(left, right) is True


def _rounded_alike(mine: Decimal, theirs: Decimal) -> bool:
    places = max(min(-int(n.normalize().as_tuple().exponent) for n in (mine, theirs)), 0)
    try:
        return round(mine, places) == round(theirs, places)
    except InvalidOperation:
        return mine == theirs


def equivalent(left: Items, right: Items) -> bool:
    """The operator ~, in which order does not count."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for mine in left:
        for position, theirs in enumerate(rest):
            if alike(mine, theirs):
                del rest[position]
                break
        else:
            return False
    return True


def _number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def order(left: Items, right: Items) -> int | None:
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
        values = in_common(mine, theirs)
        if values is None:
            return None
        mine, theirs = values
    if (_number(mine) and _number(theirs)) or (isinstance(mine, str) and isinstance(theirs, str)):
        return int(mine > theirs) - int(mine < theirs)
    raise execution("these types cannot be compared")


def unique(items: Items) -> Items:
    """Each item once, in order of first appearance."""
    found: Items = []
    plain: set[tuple[type, Any]] = set()
    for item in items:
        value = item.value if type(item) is Node and not item.sibling else item
        if isinstance(value, str | int | Decimal) and not (
            type(item) is Node and item.type in ("date", "dateTime", "instant", "time")
        ):
            key = (bool if isinstance(value, bool) else str if isinstance(value, str) else int, value)
            if key in plain:
                continue
            plain.add(key)
            found.append(item)
        elif not any(equal(item, other) for other in found):
            found.append(item)
    return found


def contains(items: Items, item: Any) -> bool:
    """Whether a collection holds an item equal to this one."""
    return any(equal(other, item) for other in items)


def member(left: Items, right: Items) -> bool | None:
    """The operator in."""
    if not left:
        return None
    if len(left) > 1:
        raise execution("'in' takes a single value on its left")
    return contains(right, left[0])


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
    if isinstance(left, str) and isinstance(right, str):
        return left + right
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
    return int(quotient)


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


def arithmetic(operator: str, left: Items, right: Items) -> Items:
    """+ - * / div mod; empty where an operand is empty, or where there is no result (division by zero)."""
    mine, theirs = single(left, f"'{operator}'"), single(right, f"'{operator}'")
    if mine is None or theirs is None:
        return []
    try:
        found = _ARITHMETIC[operator](mine, theirs)
    except (DivisionByZero, ZeroDivisionError, InvalidOperation):
        return []
    return [] if found is None else [found]


def joined(left: Items, right: Items) -> Items:
    """The operator &, for which empty is empty text."""
    texts = [single(side, "'&'") for side in (left, right)]
    if any(part is not None and not isinstance(part, str | Moment | int | Decimal) for part in texts):
        raise execution("'&' works on text")
    return ["".join("" if part is None else part.text if isinstance(part, Moment) else str(part) for part in texts)]
