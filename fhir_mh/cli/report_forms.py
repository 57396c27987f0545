"""The forms in which `fhir-mh validate` writes reports, each while it goes: none keeps what was written.

text     a block of lines for each finding, for people and editors
json     an array of {"file", "valid", "issues", "not_checked"}
ndjson   the same objects, each on a line
outcome  an OperationOutcome on a line for each resource
sarif    SARIF 2.1.0, for code scanning (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)
junit    JUnit's XML, for test reports: a case for each resource
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Any, Protocol, TextIO

from fhir_mh import __version__
from fhir_mh.cli.explain import meaning, page
from fhir_mh.cli.issue_text import plain, printable, say, write
from fhir_mh.fhir.json import dumps
from fhir_mh.issue_codes import CODES
from fhir_mh.issues import Issue
from fhir_mh.validation import Report

_INDEX = re.compile(r"\[\d+\]")
_ISSUE = ("severity", "code", "path", "line", "column", "message", "fix", "spec", "profile")
_LEVELS = {"fatal": "error", "error": "error", "warning": "warning", "information": "note"}
_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class Form(Protocol):
    """Takes one report after another; what end() adds makes the whole complete."""

    def add(self, name: str, report: Report, line: int | None = None) -> None:
        """Write what was found in one resource of this file; line: where it stands in an NDJSON file."""

    def end(self) -> None:
        """Write what closes the form."""


def form(name: str, stream: TextIO, *, everything: bool = False) -> Form:
    """The form of that name, on a stream. everything: text shows each place of a warning that stands at many."""
    if name == "text":
        return Text(stream, everything)
    others: dict[str, Callable[[TextIO], Form]] = {
        "json": Array, "ndjson": Lines, "outcome": Outcomes, "sarif": Sarif, "junit": Junit,
    }  # fmt: skip
    return others[name](stream)


def _case(name: str, line: int | None) -> str:
    """What tells one resource from another: those of an NDJSON file have their lines."""
    return name if line is None else f"{name}:{line}"


def _json(value: Any) -> str:
    return dumps(value).decode()


def _object(name: str, report: Report) -> dict[str, Any]:
    return {
        "file": name,
        "valid": report.valid,
        "issues": [_whole(one) for one in report.issues],
        "not_checked": [_whole(one) for one in report.not_checked],
    }


def _whole(found: Issue) -> dict[str, Any]:
    """An issue with all its keys, null where there is nothing to say."""
    return {key: getattr(found, key) if getattr(found, key) != "" else None for key in _ISSUE}


class Text:
    """Findings on the stream; what was not checked, and a summary, on standard error."""

    def __init__(self, stream: TextIO, everything: bool) -> None:
        self._stream, self._everything = stream, everything
        self._met = False

    def add(self, name: str, report: Report, line: int | None = None) -> None:
        self._met = self._met or bool(report.issues or report.not_checked)
        write(report.issues if self._everything else _folded(report.issues), name, self._stream)
        write(report.not_checked if self._everything else _folded(report.not_checked), name)
        say(f"{_case(name, line)}: {_summary(report)}")

    def end(self) -> None:
        if self._met and sys.stderr.isatty():
            say("`fhir-mh explain CODE` says more of a finding: what it means, an example, and how it is put right.")


class Lines:
    """An object on each line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def add(self, name: str, report: Report, line: int | None = None) -> None:
        self._stream.write(_json(_object(name, report)) + "\n")

    def end(self) -> None: ...


class Outcomes(Lines):
    """An OperationOutcome on each line."""

    def add(self, name: str, report: Report, line: int | None = None) -> None:
        self._stream.write(_json(report.outcome()) + "\n")


class Array:
    """One JSON array."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._before = stream, "["

    def add(self, name: str, report: Report, line: int | None = None) -> None:
        self._stream.write(f"{self._before}\n{_json(_object(name, report))}")
        self._before = ","

    def end(self) -> None:
        self._stream.write("]\n" if self._before == "," else "[]\n")


class Sarif:
    """One run with a result for each finding; the rules that were met come last, when they are known."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._before = stream, ""
        self._met: set[str] = set()
        stream.write(f'{{"$schema":"{_SARIF}","version":"2.1.0","runs":[{{"columnKind":"unicodeCodePoints","results":[')

    def add(self, name: str, report: Report, line: int | None = None) -> None:
        for found in (*report.issues, *report.not_checked):
            self._met.add(found.code)
            self._stream.write(f"{self._before}\n{_json(_result(name, found))}")
            self._before = ","

    def end(self) -> None:
        driver = {"name": "fhir-mh", "version": __version__, "rules": [_rule(code) for code in sorted(self._met)]}
        self._stream.write(f'],\n"tool":{_json({"driver": driver})}}}]}}\n')


def _rule(code: str) -> dict[str, Any]:
    """A code as a rule: what it means, and its page as help."""
    said, text = CODES[code], page(code)
    rule = {"id": code, "shortDescription": {"text": meaning(code)}, "help": {"text": text, "markdown": text}}
    return rule | {"helpUri": said.spec} if said.spec else rule


def _result(name: str, found: Issue) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": name.replace("\\", "/")}}
    if found.line is not None:
        physical["region"] = {"startLine": found.line, "startColumn": found.column or 1}
    return {
        "ruleId": found.code,
        "level": _LEVELS[found.severity],
        "message": {"text": f"{found.message} {found.fix}".strip()},
        "locations": [{"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": found.path}]}],
    }


class Junit:
    """A test suite. Its head says how many failed, so that the cases wait in a file of the system's until the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._count, self._failed = stream, 0, 0
        self._cases = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - end() closes it

    def add(self, name: str, report: Report, line: int | None = None) -> None:
        from xml.sax.saxutils import escape, quoteattr  # brings a client of HTTP along

        self._count += 1
        self._cases.write(f'<testcase classname="fhir-mh validate" name={quoteattr(printable(_case(name, line)))}>')
        errors = [found for found in report.issues if found.is_error]
        if errors:
            self._failed += 1
            text = "\n".join(plain(found, name) for found in report.issues)
            self._cases.write(f"<failure message={quoteattr(printable(errors[0].message))}>{escape(text)}</failure>")
        self._cases.write("</testcase>\n")

    def end(self) -> None:
        head = f'<testsuite name="fhir-mh validate" tests="{self._count}" failures="{self._failed}">'
        self._stream.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>{head}\n')
        self._cases.seek(0)
        for line in self._cases:
            self._stream.write(line)
        self._cases.close()
        self._stream.write("</testsuite></testsuites>\n")


# --- text


def _folded(issues: Sequence[Issue]) -> list[Issue]:
    """Errors one by one; of what else says the same at many places the first, and how many more there are."""
    alike: dict[object, list[Issue]] = {}
    for number, found in enumerate(issues):
        kind = (found.code, found.fix, _INDEX.sub("", found.path))
        alike.setdefault(number if found.is_error else kind, []).append(found)
    return [_with_more(first, len(more)) for first, *more in alike.values()]


def _with_more(found: Issue, more: int) -> Issue:
    places = "one more place" if more == 1 else f"{more} more places"
    return replace(found, message=f"{found.message} The like at {places}: --all shows it.") if more else found


def _summary(report: Report) -> str:
    errors = sum(found.is_error for found in report.issues)
    others = len(report.issues) - errors
    parts = [
        "1 error" if errors == 1 else f"{errors} errors" if errors else "no errors",
        "1 other" if others == 1 else f"{others} others",
    ]
    if report.not_checked:
        parts.append(f"{len(report.not_checked)} not checked")
    return ", ".join(parts)
