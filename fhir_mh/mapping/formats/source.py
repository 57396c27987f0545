"""A mapping file as written: YAML read plainly, with the line of every entry.

Plain words stay words: `Y`, `NO` and `2026-01-01` are text here, as an analyst expects, and not a boolean or a
date. Only true, false, null and whole numbers are more than text. A key that stands twice is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import yaml

from fhir_mh.errors import MappingError
from fhir_mh.issues import Issue, issue

Where = tuple[str | int, ...]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)$")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass
class Source:
    """What a mapping file says (`content`), where it says it, and what is wrong with it."""

    file: str
    content: Any = None
    lines: dict[Where, int] = field(default_factory=dict)
    problems: list[Issue] = field(default_factory=list)

    def problem(self, where: Where, code: str, **values: Any) -> None:
        """Note something that is wrong at a place of the file."""
        at: Where = where
        while at and at not in self.lines:
            at = at[:-1]
        path = ".".join(str(part) for part in where) or "$"
        self.problems.append(issue(code, f"{self.file}: {path}", line=self.lines.get(at), **values))

    def keys(self, where: Where, found: dict[str, Any], allowed: dict[str, str]) -> None:
        """Refuse keys that are not allowed here."""
        for key in found:
            if key not in allowed:
                self.problem((*where, key), "map-file-unknown-key", key=key, hint=meant(key, allowed))

    def check(self) -> None:
        """Raises MappingError with all that was noted."""
        if self.problems:
            raise MappingError(issues=self.problems)


def meant(word: str, known: Any) -> str:
    """`Did you mean 'x'?`, or what there is to choose from."""
    choices = sorted(str(name) for name in known)
    close = get_close_matches(str(word), choices, n=1)
    return f"Did you mean '{close[0]}'?" if close else f"Known here: {', '.join(choices)}."


def read_source(file: str, text: bytes) -> Source:
    """The mapping file's content and lines. Raises MappingError where it is not YAML (map-file-unreadable)."""
    source = Source(file)
    try:
        root = yaml.compose(text.decode("utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        source.problem((), "map-file-unreadable", problem="it is not UTF-8")
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        source.lines[()] = mark.line + 1 if mark else 1
        source.problem((), "map-file-unreadable", problem=getattr(fault, "problem", None) or "it is not YAML")
    else:
        source.content = _plain(root, (), source)
    source.check()
    if not isinstance(source.content, dict):
        source.problem((), "map-file-unreadable", problem="it holds no keys")
    source.check()
    return source


def _plain(node: Any, where: Where, source: Source) -> Any:
    if node is None:
        return None
    source.lines[where] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _plain(key_node, (*where, "?"), source)
            inner = (*where, str(key))
            if key in found:
                source.lines[inner] = key_node.start_mark.line + 1
                source.problem(inner, "map-file-duplicate-key", key=key)
            found[key] = _plain(value_node, inner, source)
            source.lines[inner] = key_node.start_mark.line + 1
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(entry, (*where, index), source) for index, entry in enumerate(node.value)]
    if node.style is None and node.value in _WORDS:
        return _WORDS[node.value]
    if node.style is None and _INTEGER.fullmatch(node.value):
        return int(node.value)
    return node.value
