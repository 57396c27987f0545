"""What our validator and HL7's engine say of one resource, and where they differ.

Two errors are about one place as corpora/fhir-test-cases/score.py judges it: the same element, or one around the other.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fhir_mh.validation import Report
from tests.conformance.hl7 import Finding
from tests.house.source import ROOT

CORPORA = ROOT.parent / "shared" / "corpora"
_IN_BRACKETS = re.compile(r"\[(?:x|url='.*?')\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """One error, of either side. place: an element, without indexes."""

    code: str
    place: str
    words: str


@dataclass(frozen=True, slots=True)
class Difference:
    """An error of one side at a place where the other has none. others: what that other side says elsewhere."""

    side: str
    said: Said
    others: tuple[Said, ...]
    kinds: tuple[str, ...]

    def told(self, name: str) -> str:
        elsewhere = ", ".join(f"{other.code} @ {other.place}" for other in self.others[:3])
        return f"{name}: {self.side} {self.said.code} @ {self.said.place}: {self.said.words[:160]} | {elsewhere}"


@dataclass(frozen=True, slots=True)
class Argued:
    """A class of differences that differing.yaml argues."""

    side: str
    code: str
    reason: str
    seen: int
    says: str = ""
    at: str = ".*"
    by: str = ""
    beside: str = ""

    def covers(self, difference: Difference) -> bool:
        """Whether a difference is of this class, by all that the class says of it."""
        said = difference.said
        return (
            difference.side == self.side
            and re.search(f"(?:{self.code})$", said.code) is not None
            and re.search(self.says, said.words, re.DOTALL) is not None
            and re.fullmatch(self.at, said.place, re.DOTALL) is not None
            and any(re.fullmatch(self.by or ".*", kind) for kind in difference.kinds)
            and (not self.beside or any(re.search(f"(?:{self.beside})$", told.code) for told in difference.others))
        )


def argued() -> list[Argued]:
    """The classes of differing.yaml, in its order: the first that covers a difference counts it."""
    held = yaml.safe_load((Path(__file__).parent / "differing.yaml").read_text("utf-8"))
    return [Argued(**entry) for entry in held]


def of_ours(report: Report) -> list[Said]:
    """Our errors."""
    return [Said(found.code, _place(found.path), found.message) for found in report.issues if found.is_error]


def of_theirs(found: Sequence[Finding]) -> list[Said]:
    """The errors of HL7's engine."""
    return [
        Said(entry.id.rpartition("/")[2], _place(_IN_BRACKETS.sub("", entry.path)), entry.message)
        for entry in found
        if entry.wrong
    ]


def differences(ours: Sequence[Said], theirs: Sequence[Said], kinds: tuple[str, ...]) -> Iterator[Difference]:
    """Each error whose place the other side finds nothing wrong with."""
    for side, mine, others in (("ours", ours, theirs), ("theirs", theirs, ours)):
        for said in mine:
            if not any(_score().same_place(said.place, other.place) for other in others):
                yield Difference(side, said, tuple(others), kinds)


def _place(path: str) -> str:
    """An element without indexes; what stands beside a primitive, under its name with `_`, is at that primitive."""
    return str(_score().element(path)).replace("._", ".")


@cache
def _score() -> Any:
    spec = importlib.util.spec_from_file_location("score", CORPORA / "fhir-test-cases" / "score.py")
    assert spec and spec.loader
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    return score
