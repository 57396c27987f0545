"""What `fhir-mh currency` shows: tables for a person, lines of fields for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fhir_mh.cli.issue_text import printable

Json = Mapping[str, Any]

_STAGES = ("sent", "stored", "filed", "opened")
_NEWEST = {True: "the newest", False: "an older one", None: "not known here"}
_STYLES = {True: "green", False: "bold red", None: "yellow"}


def show(answer: Json, console: Console | None = None) -> None:
    """Write the gateway's answer to standard output, as fits where it goes."""
    console = console or Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(answer)))
        return
    console.print(Text(_current(answer), "bold"))
    if not answer["plans"]:
        console.print("No plan or directive of this person is held here.")
    for plan in answer["plans"]:
        console.print()
        console.print(Text(_head(plan), "bold"))
        console.print(_table(plan) if plan["copies"] else "No copy of it is known of.")


# --- for a pipe


def _lines(answer: Json) -> Iterator[str]:
    """One line for each thing; the first field says what it is."""
    current = answer["current_crisis_plan"]
    yield fields("current", current["plan"], current["reason"], current["sentence"])
    for plan in answer["plans"]:
        names = ("list", "id", "custodian", "version", "content_hash")
        yield fields("plan", *(plan[name] for name in names))
        for copy in plan["copies"]:
            stages = [copy[name] or {} for name in _STAGES]
            reached = [stage.get(what) for stage in stages for what in ("edition", "version", "at")]
            newest = {True: "newest", False: "older", None: "unknown"}[copy["newest"]]
            kept = "kept" if copy["kept_up_to_date"] else "not-kept"
            yield fields("copy", plan["id"], copy["partner"], *reached, newest, kept, copy["since"], copy["reason"])


def fields(kind: str, *values: Any) -> str:
    """A line for a pipe, without its end: what it is of, and its fields parted by tabs."""
    return "\t".join([kind, *("" if value is None else printable(str(value)) for value in values)])


# --- for a person


def _current(answer: Json) -> str:
    current = answer["current_crisis_plan"]
    plan = next((one for one in answer["plans"] if one["id"] == current["plan"]), None)
    named = "" if plan is None else f"{plan['title'] or plan['id']}, kept by {plan['custodian']}. "
    return printable(f"Current crisis plan: {named}{current['sentence']}")


def _head(plan: Json) -> str:
    version = f", version {plan['version']}" if plan["version"] else ""
    return printable(f"{plan['kind']} {plan['title'] or plan['id']}, kept by {plan['custodian']}{version}")


def _table(plan: Json) -> Table:
    table = Table("Copy at", box=None, pad_edge=False)
    for name in (*_STAGES, "what is stored"):
        table.add_column(name.capitalize(), overflow="fold")
    for copy in plan["copies"]:
        note = Text(_NEWEST[copy["newest"]] if copy["stored"] else "nothing yet", _STYLES[copy["newest"]])
        if not copy["kept_up_to_date"]:
            since = f" since {_day(copy['since'])}" if copy["since"] else ""
            note.append(printable(f", not kept up to date{since}: {copy['reason']}"), "bold red")
        table.add_row(printable(copy["partner"]), *(_stage(copy[name]) for name in _STAGES), note)
    return table


def _stage(stage: Json | None) -> Text:
    """The plan version where one is known, else the edition; and when."""
    if stage is None:
        return Text("-", "dim")
    what = f"version {stage['version']}" if stage["version"] else f"edition {stage['edition']}"
    return Text(f"{what}\n{_day(stage['at'])}", "" if stage["newest"] is not False else "yellow")


def _day(text: str) -> str:
    """As people read it, to the minute, in UTC."""
    return f"{text[:10]} {text[11:16]}Z"
