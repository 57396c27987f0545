"""`fhir-mh validate`: findings on standard output, one block each, and what could not be checked on standard error."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from fhir_mh.cli.exits import BAD_INPUT, DONE, NOT_HELD, reading
from fhir_mh.cli.issue_text import say, write
from fhir_mh.fhir.json import dumps
from fhir_mh.issues import Issue
from fhir_mh.validation import Report, Validator

Output = Literal["text", "json", "outcome"]
_INDEX = re.compile(r"\[\d+\]")
_UNREADABLE = "json-"  # these codes say that a text is not a resource at all


def run(
    files: Sequence[Path],
    *,
    packages: Sequence[str] = (),
    profiles: Sequence[str] = (),
    output: Output = "text",
    everything: bool = False,
) -> int:
    """Validate each file and write what was found; `-` reads standard input.

    text writes a block for each finding (one for those that say the same at many places and are no errors, unless
    everything is asked for), json one line for each file ({"file", "ok", "issues", "not_checked"}), outcome one
    OperationOutcome for each file. Returns 0 when no file has an error, 1 when one has, 2 when one
    could not be read as a resource. Raises PackageError when a package or a profile is not there.
    """
    validator = Validator(packages)
    worst = DONE
    for file in files:
        name = "standard input" if str(file) == "-" else str(file)
        with reading(name):
            report = validator.validate(_bytes(file), profiles)
        _write(report, name, output, everything)
        worst = max(worst, _code(report))
    return worst


def _bytes(file: Path) -> bytes:
    return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()


def _code(report: Report) -> int:
    if report.ok:
        return DONE
    return BAD_INPUT if any(found.code.startswith(_UNREADABLE) for found in report.issues) else NOT_HELD


def _write(report: Report, name: str, output: Output, everything: bool) -> None:
    if output == "text":
        write(report.issues if everything else _folded(report.issues), name, sys.stdout)
        write(report.not_checked if everything else _folded(report.not_checked), name)
        say(f"{name}: {_summary(report)}")
        return
    line = (
        report.outcome()
        if output == "outcome"
        else {
            "file": name,
            "ok": report.ok,
            "issues": [found.as_dict() for found in report.issues],
            "not_checked": [found.as_dict() for found in report.not_checked],
        }
    )
    sys.stdout.buffer.write(dumps(line) + b"\n")
    sys.stdout.buffer.flush()


def _folded(issues: Sequence[Issue]) -> list[Issue]:
    """Errors one by one; of what else says the same at many places the first, and how many more there are."""
    alike: dict[object, list[Issue]] = {}
    for number, found in enumerate(issues):
        kind = (found.code, found.fix, _INDEX.sub("", found.path))
        alike.setdefault(number if found.severity in ("error", "fatal") else kind, []).append(found)
    return [_with_more(first, len(more)) for first, *more in alike.values()]


def _with_more(found: Issue, more: int) -> Issue:
    places = "one more place" if more == 1 else f"{more} more places"
    return replace(found, message=f"{found.message} The like at {places}: --all shows it.") if more else found


def _summary(report: Report) -> str:
    errors = sum(found.severity in ("error", "fatal") for found in report.issues)
    parts = [
        f"{errors} errors" if errors != 1 else "1 error" if errors else "no errors",
        f"{len(report.issues) - errors} others",
    ]
    if report.not_checked:
        parts.append(f"{len(report.not_checked)} not checked")
    return ", ".join(parts)
