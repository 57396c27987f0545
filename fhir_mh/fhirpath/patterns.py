"""Regular expressions of FHIRPath, matched by RE2: what a package asks of a text takes time in line with its length.

Python's own `re` tries every way to match, and needs as long as a text can be divided up in: `(a+)+$` on forty letters
would hold everybody up for hours. Whoever writes a package, or an expression, must not be able to do that. RE2 knows no
look-around and no back-references; an expression that has them is said not to be checked. What a match costs at the
worst, the length of the text times that of RE2's program, is taken from the steps of the evaluation.
See https://hl7.org/fhirpath/N1/#matchesregex-string-boolean and https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]

from fhir_mh.fhirpath.environment import LONGEST_TEXT
from fhir_mh.fhirpath.errors import FHIRPathError, execution, limit

LONGEST_REPLACED = 10_000  # characters: each place where nothing is replaced may cost a look at all that follows
Spend = Callable[[int], None]  # Environment.spend
_AT_ONCE = 100  # characters that one step takes through one instruction of RE2, at the worst
_MATCHED = 4  # as many looks from one place of a text cost no more than one
_SMALL = 500  # instructions of RE2
_SHORT = 100  # characters
_REFERENCE = re.compile(r"\$(\d{1,2})")


def _options(never_capture: bool) -> Any:
    options = re2.Options()
    options.dot_nl, options.log_errors, options.never_capture = True, False, never_capture
    return options


_TESTED, _REPLACED = _options(True), _options(False)


def matches(value: str, expression: str, spend: Spend) -> bool:
    """Whether a part of a text has this form. Raises FHIRPathError where RE2 cannot read the expression."""
    return _tested(value, expression, spend).search(value) is not None


def quick(expression: str) -> Callable[[str], bool | None] | None:
    """matches() of an expression so small that nobody need count what a short text costs; None for another.

    It answers None for a text that is long, or not of ASCII.
    """
    try:
        found = _compiled("", expression, _TESTED)
    except FHIRPathError:
        return None
    if found.programsize > _SMALL:
        return None
    return lambda value: found.search(value) is not None if len(value) <= _SHORT and value.isascii() else None


def matches_full(value: str, expression: str, spend: Spend) -> bool:
    """Whether the whole text has this form. Raises FHIRPathError where RE2 cannot read the expression."""
    return _tested(value, expression, spend).fullmatch(value) is not None


def replace_matches(value: str, expression: str, by: str, spend: Spend) -> str:
    """A text with each part of this form replaced; `$1` in by stands for the expression's first group.

    Raises FHIRPathError where RE2 cannot read the expression, a group is not there, or a text is too long.
    """
    if not expression:
        return value
    if max(len(value), len(by)) > LONGEST_REPLACED:
        raise execution("the text is too long to replace parts of it")
    found = _compiled(value, expression, _REPLACED)
    # Whatever precedes a match may be looked at again for the next one: the square of the text, at the worst.
    spend((len(value) + _MATCHED) ** 2 * found.programsize // (_MATCHED * _AT_ONCE))
    if any(int(number) > found.groups for number in _REFERENCE.findall(by)):
        raise execution("the replacement names a group that is not there")
    made = 0

    def replaced(match: Any) -> str:
        nonlocal made
        part = _REFERENCE.sub(lambda named: match[int(named[1])] or "", by)
        made += len(part)
        if made > LONGEST_TEXT:
            raise limit("replaceMatches() makes too long a text")
        return part

    return str(found.sub(replaced, value))


def _tested(value: str, expression: str, spend: Spend) -> Any:
    found = _compiled(value, expression, _TESTED)
    spend((len(value) + _AT_ONCE) * found.programsize // _AT_ONCE)
    return found


def _compiled(value: str, expression: str, options: Any) -> Any:
    if not (value + expression).isascii():
        try:
            (value + expression).encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            raise execution("this text is not well-formed Unicode") from None
    try:
        return _program(expression, options)
    except re2.error:
        raise execution("this regular expression cannot be used") from None


_program = lru_cache(512)(re2.compile)  # re2 keeps them too, but looks at every option each time it is asked
