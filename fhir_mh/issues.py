"""What is wrong, where, and how to mend it: the one shape every check and refusal in fhir_mh answers with.

An Issue is data, not an exception. Its code is stable: programs may rely on it, tests assert it, and its
meaning is registered once, in issue_codes. Messages may be reworded at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from fhir_mh.issue_codes import CODES

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding.

    code: a key of the registry. path: a FHIRPath location (`Bundle.entry[2].resource.status`), or for other
    formats the format's own way of naming a place (`row 4, column SIGN`). message: what is wrong, in plain
    words and without any personal data. fix: what to do about it. spec: the part of a standard it rests on.
    line and column (from 1) are given where the source text is known. profile: the URL of the profile or extension
    whose demand is not met, where it is not R4 itself that asks.
    """

    code: str
    severity: Severity
    path: str
    message: str
    fix: str = ""
    spec: str = ""
    line: int | None = None
    column: int | None = None
    profile: str = ""

    @property
    def fhir_type(self) -> str:
        """The OperationOutcome issue type (https://hl7.org/fhir/R4/valueset-issue-type.html)."""
        return CODES[self.code].fhir_type

    @property
    def is_error(self) -> bool:
        """Whether it is an error or worse."""
        return self.severity in ("error", "fatal")

    def at(self, path: str) -> Issue:
        """The same finding at another place."""
        return replace(self, path=path)

    # Written out, for a report may hold thousands: replace() takes five times as long.

    def located(self, line: int | None, column: int | None) -> Issue:
        """The same finding with its place in a text, each from 1."""
        return Issue(self.code, self.severity, self.path, self.message, self.fix, self.spec, line, column, self.profile)

    def demanded_by(self, profile: str) -> Issue:
        """The same finding as one that this profile or extension asks for."""
        return Issue(
            self.code, self.severity, self.path, self.message, self.fix, self.spec, self.line, self.column, profile
        )

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; line and column only where known."""
        names = ("code", "severity", "path", "message", "fix", "spec", "line", "column", "profile")
        return {name: value for name in names if (value := getattr(self, name)) not in (None, "")}


def issue(
    code: str,
    path: str,
    /,
    severity: Severity | None = None,
    *,
    line: int | None = None,
    column: int | None = None,
    **values: object,
) -> Issue:
    """An Issue from its registered template; values fill the template's {names}.

    Raises KeyError for a code that is not registered: a broken promise of ours, not of the input.
    """
    entry = CODES[code]
    return Issue(
        code,
        severity or entry.severity,
        path,
        entry.message.format(**values),
        entry.fix.format(**values),
        entry.spec,
        line,
        column,
    )


def has_errors(issues: Iterable[Issue]) -> bool:
    """Whether any finding is an error or worse."""
    return any(found.is_error for found in issues)
