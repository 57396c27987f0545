"""Python written from a mapping table: one function for each object, made when it is first asked for.

A table is walked for every resource, and most of what a walk costs is finding out which node stands where. Here that
is settled once; nodes say their own lines (`read_lines`, `write_lines`) and are called where they say none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhir_mh.mapping.codecs import Unfit


class Code:
    """The body of a function under way, and the objects that it names."""

    def __init__(self, **known: Any) -> None:
        self.lines: list[str] = []
        self.named: dict[str, Any] = {"Unfit": Unfit, **known}

    def name(self, value: Any) -> str:
        """A name for a value in the function."""
        name = f"k{len(self.named)}"
        self.named[name] = value
        return name

    def add(self, lines: Iterable[str], depth: int = 1) -> None:
        """Lines of the body, this far in."""
        self.lines.extend("    " * depth + line for line in lines)

    def function(self, signature: str) -> Any:
        """The function. Everything in its text is a key or a name from a table of ours, written with repr()."""
        text = "\n".join([f"def made({signature}):", *self.lines])
        exec(compile(text, "<mapping table>", "exec"), self.named)  # noqa: S102
        return self.named["made"]


def keep(key: str, left: str) -> list[str]:
    """Lines that keep what was left of a key's value."""
    return ["if rest is None:", "    rest = {}", f"rest[{key!r}] = {left}"]
