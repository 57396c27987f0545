"""The command-line form of an Issue, which editors and people both read:

plan.json:12:5: error json-duplicate-key at $.status
    The key 'status' stands twice in one object.
    Fix: Remove one of the two: readers disagree on which one counts.
    See: https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from fhir_mh.issues import Issue

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_STYLES = {"fatal": "bold red", "error": "bold red", "fault": "bold red", "warning": "yellow", "information": "cyan"}


def plain(found: Issue, source: str = "") -> str:
    """The issue as lines of text without colour, no newline at the end."""
    return _text(found, source).plain


def write(issues: Iterable[Issue], source: str = "", stream: TextIO | None = None) -> None:
    """Write issues, in colour where the stream is a terminal; to standard error unless told otherwise."""
    console = _console(stream or sys.stderr)
    for found in issues:
        console.print(_text(found, source), soft_wrap=True)


def say(sentence: str, severity: str = "") -> None:
    """Write one sentence to standard error, headed by a severity where it has one."""
    from rich.text import Text

    head = Text(f"{severity}: ", _STYLES.get(severity, "")) if severity else Text()
    _console(sys.stderr).print(head.append(printable(sentence), ""), soft_wrap=True)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def _text(found: Issue, source: str) -> Text:
    from rich.text import Text

    where = [printable(source)] if source else []
    if found.line is not None:
        where += [str(found.line), *([str(found.column)] if found.column is not None else [])]
    text = Text(":".join(where) + ": " if where else "")
    text.append(found.severity, _STYLES[found.severity]).append(f" {found.code}", "bold")
    text.append(f" at {printable(found.path)}" if found.path else "")
    text.append(f"\n    {printable(found.message)}")
    for label, line in (("Fix", found.fix), ("See", found.spec)):
        if line:
            text.append(f"\n    {label}: {printable(line)}", "dim" if label == "See" else "")
    return text


def printable(line: str) -> str:
    """Without what would steer a terminal: names of files and of keys come from others."""
    return "".join(character if character.isprintable() else "\ufffd" for character in line)
