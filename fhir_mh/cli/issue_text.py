"""The command-line form of an Issue, which editors and people both read:

plan.json:12:5: error json-duplicate-key at $.status
    The key 'status' stands twice in one object.
    Fix: Remove one of the two: readers disagree on which one counts.
    See: https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TextIO

from fhir_mh.issues import Issue

_STYLES = {"fatal": "bold red", "error": "bold red", "fault": "bold red", "warning": "yellow", "information": "cyan"}
_Parts = list[tuple[str, str]]  # text and style


def plain(found: Issue, source: str = "") -> str:
    """The issue as lines of text without colour, no newline at the end."""
    return "".join(text for text, _ in _parts(found, source))


def write(issues: Iterable[Issue], source: str = "", stream: TextIO | None = None) -> None:
    """Write issues, in colour where the stream is a terminal; to standard error unless told otherwise."""
    for found in issues:
        _print(_parts(found, source), stream or sys.stderr)


def say(sentence: str, severity: str = "") -> None:
    """Write one sentence to standard error, headed by a severity where it has one."""
    head = [(f"{severity}: ", _STYLES.get(severity, ""))] if severity else []
    _print([*head, (printable(sentence), "")], sys.stderr)


def _print(parts: _Parts, stream: TextIO) -> None:
    if not stream.isatty():
        stream.write("".join(text for text, _ in parts) + "\n")
        return
    from rich.console import Console  # takes longer to load than most files to check
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    console.print(Text.assemble(*parts), soft_wrap=True)


def _parts(found: Issue, source: str) -> _Parts:
    where = [printable(source)] if source else []
    if found.line is not None:
        where += [str(found.line), *([str(found.column)] if found.column is not None else [])]
    parts = [
        (":".join(where) + ": " if where else "", ""),
        (found.severity, _STYLES[found.severity]),
        (f" {found.code}", "bold"),
        (f" at {printable(found.path)}" if found.path else "", ""),
        (f"\n    {printable(found.message)}", ""),
    ]
    for label, line in (("Fix", found.fix), ("See", found.spec)):
        if line:
            parts.append((f"\n    {label}: {printable(line)}", "dim" if label == "See" else ""))
    return parts


def printable(line: str) -> str:
    """Without what would steer a terminal: names of files and of keys come from others."""
    return "".join(character if character.isprintable() else "\ufffd" for character in line)
