"""What `fhir-mh partners` shows: lines for a person, lines of fields parted by tabs for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from fhir_mh.cli.issue_text import printable

Json = Mapping[str, Any]
_STYLES = {"ok": "green", "warning": "yellow", "wrong": "bold red", "not-checked": "dim"}


def show(verb: str, answer: Json, console: Console | None = None) -> None:
    """Write the gateway's answer to standard output, as fits where it goes."""
    console = console or Console(highlight=False, markup=False, emoji=False)
    lines = {"list": _listed, "check": _checked, "remove": _removed}.get(verb, _kept)(answer)
    if not console.is_terminal:
        sys.stdout.write("".join("\t".join(printable(part) for part in line) + "\n" for line in lines))
        return
    if verb == "list" and not answer["partners"]:
        console.print("It shares with no partner.")
    for line in lines:
        console.print(_styled([printable(part) for part in line]), soft_wrap=True)


def _styled(line: list[str]) -> Text:
    """The result of a step stands third in its line."""
    style = _STYLES.get(line[3], "") if len(line) > 3 else ""
    return Text("  ".join(part for part in line if part), style)


def _listed(answer: Json) -> Iterator[list[str]]:
    for one in answer["partners"]:
        yield _line(one)


def _line(one: Json) -> list[str]:
    partner = one["partner"]
    state = "removed" if one.get("removed") else "unusable" if one.get("issues") else one["kept"]
    urls = [way["base_url"] + ("" if way.get("on", True) else " (off)") for way in partner["connections"]]
    holds = f"holds {one['holds']}"
    return [one["ods"], state, partner["name"], ",".join(partner.get("roles", ())), " ".join(urls), holds]


def _kept(answer: Json) -> Iterator[list[str]]:
    yield _line(answer)


def _removed(answer: Json) -> Iterator[list[str]]:
    told = (
        f"lanes ended: {answer['lanes']}, notices to go out: {answer['notices']}, proposals left: {answer['proposals']}"
    )
    yield [answer["ods"], "removed", told]


def _checked(answer: Json) -> Iterator[list[str]]:
    for one in answer["partners"]:
        for found in one["issues"]:
            yield [one["ods"], "", "kept here", "wrong", found["message"], found.get("fix", "")]
        for way in one["connections"]:
            for step in way["steps"]:
                fix = step.get("issue", {}).get("fix", "")
                code = step.get("issue", {}).get("code", "")
                yield [one["ods"], way["base_url"], step["step"], step["result"], code, step["said"], fix]
