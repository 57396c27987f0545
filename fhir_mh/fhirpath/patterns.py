"""Regular expressions of FHIRPath, matched by RE2: what a package asks of a text takes time in line with its length.

Python's own `re` tries every way to match, and needs as long as a text can be divided up in: `(a+)+$` on forty letters
would hold everybody up for hours. Whoever writes a package, or an expression, must not be able to do that. RE2 knows no
look-around and no back-references; an expression that has them is said not to be checked.
See https://hl7.org/fhirpath/N1/#matchesregex-string-boolean and https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from typing import Any

import re2  # type: ignore[import-untyped]

from fhir_mh.fhirpath.errors import execution

LONGEST_REPLACED = 10_000  # characters: each place where nothing is replaced may cost a look at all that follows
_REFERENCE = re.compile(r"\$(\d{1,2})")


def _options() -> Any:
    options = re2.Options()
    options.dot_nl, options.log_errors = True, False
    return options


_OPTIONS = _options()


def matches(value: str, expression: str) -> bool:
    """Whether a part of a text has this form. Raises FhirPathError where RE2 cannot read the expression."""
    return _compiled(value, expression).search(value) is not None


def matches_full(value: str, expression: str) -> bool:
    """Whether the whole text has this form. Raises FhirPathError where RE2 cannot read the expression."""
    return _compiled(value, expression).fullmatch(value) is not None


def replace_matches(value: str, expression: str, by: str) -> str:
    """A text with each part of this form replaced; `$1` in by stands for the expression's first group.

    Raises FhirPathError where RE2 cannot read the expression, a group is not there, or a text is too long.
    """
    if not expression:
        return value
    if max(len(value), len(by)) > LONGEST_REPLACED:
        raise execution("the text is too long to replace parts of it")
    found = _compiled(value, expression)
    if any(int(number) > found.groups for number in _REFERENCE.findall(by)):
        raise execution("the replacement names a group that is not there")
    return str(found.sub(lambda match: _REFERENCE.sub(lambda named: match[int(named[1])] or "", by), value))


def _compiled(value: str, expression: str) -> Any:
    if not (value + expression).isascii():
        try:
            (value + expression).encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            raise execution("this text is not well-formed Unicode") from None
    try:
        return re2.compile(expression, _OPTIONS)
    except re2.error:
        raise execution("this regular expression cannot be used") from None
