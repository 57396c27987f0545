"""What the benchmarks of one run came to, gathered for the table at its end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

FILE = "FHIR_MH_TEST_RESULTS"  # names the file they are gathered in; without it nothing is


@dataclass(frozen=True, slots=True)
class Result:
    """One figure of ours, and beside it what a peer or a bare loop came to in the same run, where there is one."""

    what: str
    how: str
    ours: float
    unit: str
    beside: str = ""
    theirs: float | None = None
    more_is_better: bool = False


def note(found: Result) -> None:
    """Keep a figure for the table at the end."""
    if name := os.environ.get(FILE):
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(found)) + "\n")


def noted(file: Path) -> list[Result]:
    """Every figure kept, in order."""
    return [Result(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def table_of(results: Iterable[Result]) -> Table:
    """All figures, each with its ratio to what stands beside it: above 1 is better than that."""
    table = Table("what", "how", "ours", "beside", "theirs", "ratio", title="All benchmarks of this run")
    for one in results:
        ratio = ""
        if one.theirs:
            ratio = f"{one.ours / one.theirs if one.more_is_better else one.theirs / one.ours:.2f}"
        theirs = f"{_figure(one.theirs)} {one.unit}" if one.theirs is not None else ""
        table.add_row(one.what, one.how, f"{_figure(one.ours)} {one.unit}", one.beside, theirs, ratio)
    return table


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
