"""`fhir-mh validate`: resources in, findings out, in flat memory however many there are."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fhir_mh.cli.exits import BAD_INPUT, DONE, NOT_HELD
from fhir_mh.cli.issue_text import say
from fhir_mh.cli.report_forms import form
from fhir_mh.fhir.nhs_numbers import discreet
from fhir_mh.issues import Issue
from fhir_mh.validation import RULE_SETS, Report, Validator

if TYPE_CHECKING:
    from concurrent.futures import Future

    from rich.progress import Progress

_ALL_RULES = ",".join(RULE_SETS)
_RESOURCE = (".json", ".ndjson")
_BATCH = 512 * 1024  # bytes of text that go to another process at once
_AHEAD = 3  # batches that each process may have waiting


@dataclass(frozen=True, slots=True)
class Given:
    """The text of one resource. line: its line in an NDJSON file. doubtful: passed over where it holds no resource."""

    name: str
    text: bytes
    line: int | None = None
    doubtful: bool = False


class Unreadable(Exception):
    """A file that cannot be read; the argument names it."""


def run(
    files: Sequence[Path],
    *,
    packages: Sequence[str] = (),
    profiles: Sequence[str] = (),
    rules: str = _ALL_RULES,
    output: str = "text",
    everything: bool = False,
    resources_only: bool = False,
    jobs: int = 1,
) -> int:
    """Validate what the files and folders hold and write what was found; `-` reads one resource from standard input.

    A file ending in .ndjson holds a resource on each line. Of a folder, all files ending in .json or .ndjson at any
    depth are read, but those that hold no resource are passed over, as are files named if resources_only. rules: the
    rule sets that count, with commas between. output: see report_forms. everything: text shows each place of a warning
    that stands at many. jobs: processes at work at once.
    Returns 0 when nothing has an error, 1 when something has, 2 when a file could not be read or there is no such rule
    set. Raises PackageError when a package or a profile is not there.
    """
    asked = _Asked(tuple(packages), tuple(profiles), tuple(part.strip() for part in rules.split(",")))
    try:
        validator = asked.validator()  # says at once what is missing
    except ValueError as fault:
        say(str(fault), "error")
        return BAD_INPUT
    for sentence in validator.package_notes:
        say(f"{sentence}.", "warning")
    written = form(output, sys.stdout, everything=everything)
    worst, others = DONE, 0
    with _progress(files) as bar:
        try:
            for name, line, report in _judged(_resources(files, bar, resources_only), validator, asked, jobs):
                if report is None:
                    others += 1
                    continue
                written.add(name, report, line)
                worst = worst if report.valid else NOT_HELD
        except Unreadable as fault:
            say(str(fault), "error")
            worst = BAD_INPUT
    written.end()
    if others:
        say(f"Passed over, for there is no resource in it: {others} {'file' if others == 1 else 'files'}.")
    return worst


# --- what there is to judge


def _resources(files: Sequence[Path], bar: Progress | None, resources_only: bool) -> Iterator[Given]:
    task = bar.add_task("Validating", total=None) if bar is not None else None
    for given in _all_of(files, resources_only):
        yield given
        if bar is not None and task is not None:
            bar.advance(task)


def _all_of(files: Sequence[Path], resources_only: bool) -> Iterator[Given]:
    for file in files:
        if str(file) == "-":
            yield Given("standard input", sys.stdin.buffer.read(), doubtful=resources_only)
            continue
        found = _within(file) if file.is_dir() else iter([file])
        for each in found:
            try:
                with each.open("rb") as stream:
                    yield from _of_file(each, stream, doubtful=resources_only or file.is_dir())
            except OSError as fault:
                raise Unreadable(f"{each}: it cannot be read ({fault.strerror}).") from None


def _within(folder: Path) -> Iterator[Path]:
    """Files of resources at any depth, in order of their names; nothing hidden."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _within(Path(entry.path))
        elif entry.name.endswith(_RESOURCE) and (entry.is_symlink() or entry.is_file()):  # a pipe would never end
            yield Path(entry.path)


def _of_file(file: Path, stream: BinaryIO, *, doubtful: bool) -> Iterator[Given]:
    if file.suffix != ".ndjson":
        yield Given(str(file), stream.read(), doubtful=doubtful)
        return
    if doubtful:
        if not any(map(_may_hold_a_resource, stream)):
            yield Given(str(file), b"", doubtful=True)
            return
        stream.seek(0)
    for number, line in enumerate(stream, start=1):
        if line.strip():
            yield Given(str(file), line, number)


def _may_hold_a_resource(text: bytes) -> bool:
    """Whether a text is to be judged: a resource that is broken, or in another encoding, is not to be passed over."""
    return b'"resourceType"' in text or b'"resourceType"' in text.replace(b"\0", b"")


# --- judging


@dataclass(frozen=True, slots=True)
class _Asked:
    packages: tuple[str, ...]
    profiles: tuple[str, ...]
    rules: tuple[str, ...]

    def validator(self) -> Validator:
        made = Validator(self.packages, rules=self.rules)
        made.require(self.profiles)
        return made


Judged = tuple[str, int | None, Report | None]
_here: list[tuple[Validator, _Asked]] = []  # in each process the one that works there


def _judged(given: Iterator[Given], validator: Validator, asked: _Asked, jobs: int) -> Iterator[Judged]:
    """(name, line, report) in the order given; no report of a file that is passed over, for it holds no resource."""
    if jobs == 1:
        yield from (_judge(each, validator, asked) for each in given)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (asked,)) as pool:
        waiting: deque[Future[list[Judged]]] = deque()
        for batch in _batches(given):
            waiting.append(pool.submit(_judge_batch, batch))
            if len(waiting) >= jobs * _AHEAD:
                yield from waiting.popleft().result()
        yield from chain.from_iterable(each.result() for each in waiting)


def _batches(given: Iterator[Given]) -> Iterator[list[Given]]:
    batch: list[Given] = []
    size = 0
    for each in given:
        batch.append(each)
        size += len(each.text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _begin(asked: _Asked) -> None:
    _here[:] = [(asked.validator(), asked)]


def _judge_batch(batch: list[Given]) -> list[Judged]:
    ((validator, asked),) = _here
    return [_judge(each, validator, asked) for each in batch]


def _judge(given: Given, validator: Validator, asked: _Asked) -> Judged:
    if given.doubtful and not _may_hold_a_resource(given.text):
        return given.name, given.line, None
    report = validator.validate(given.text, asked.profiles)
    found = ((_told(one, given.line) for one in part) for part in (report.issues, report.not_checked))
    return given.name, given.line, Report(*map(tuple, found))


def _told(found: Issue, line: int | None) -> Issue:
    """As it may stand in a build's log, at the line of its file: a resource of NDJSON stands on one."""
    return replace(discreet(found), line=line or found.line)


def _progress(files: Sequence[Path]) -> Any:
    """A bar on a terminal, where there may be much to do."""
    if not sys.stderr.isatty() or (len(files) == 1 and files[0].is_file() and files[0].suffix != ".ndjson"):
        return nullcontext()
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    said = TextColumn("{task.description}"), TextColumn("{task.completed:.0f} read")
    columns = (SpinnerColumn(), *said, TimeElapsedColumn())
    return Progress(*columns, console=Console(file=sys.stderr), transient=True)
