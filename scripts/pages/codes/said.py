"""What is said of each code by hand: in words, and by an example. One YAML file for each room, in words/.

CODE:
  means: what is wrong, in plain words; its first sentence stands in the index
  names: {name: what stands there}     # each {name} of the template
  at: the place that is told
  beside: [CODE @ PLACE]               # what the example cannot but give as well
  KIND: {...}                          # the example; examples.py says which kinds there are
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fhir_mh.issue_codes import CODES, ROOMS

WORDS = Path(__file__).parent / "words"
KINDS = ("validate", "map", "mapping", "config", "command", "store", "law", "gateway", "told")


@dataclass(frozen=True)
class Said:
    """One code's entry. example: of its kind, as it stands in the file. beside: what it cannot but give as well."""

    code: str
    means: str
    names: dict[str, str]
    at: str
    kind: str
    example: dict[str, Any]
    beside: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """What it means, in a sentence."""
        return self.means.split(". ", maxsplit=1)[0].rstrip(".") + "."


@cache
def all_said() -> dict[str, Said]:
    """Every code with its entry, room by room. Raises LookupError for the first code that has none, or not a whole one.

    An entry for a code that is not registered is refused as well: nothing is explained that cannot be met.
    """
    found: dict[str, Said] = {}
    for room, held in ROOMS.items():
        entries = yaml.safe_load((WORDS / f"{room}.yaml").read_text("utf-8"))
        for code in [*held.codes, *entries]:
            if code not in entries or code not in held.codes:
                raise LookupError(f"{code} stands in one of fhir_mh/issue_codes/{room}.py and words/{room}.yaml only")
        found |= {code: _said(code, entries[code]) for code in held.codes}
    return found


def _said(code: str, entry: dict[str, Any]) -> Said:
    kinds = [key for key in entry if key in KINDS]
    strange = entry.keys() - {"means", "names", "at", "beside", *KINDS}
    if len(kinds) != 1 or strange or not entry.get("means"):
        raise LookupError(f"{code} needs means, at and one example; there are {', '.join(entry)}")
    names = entry.get("names", {})
    if names.keys() != names_of(code):
        raise LookupError(f"{code} needs the names {', '.join(sorted(names_of(code)))}")
    return Said(code, entry["means"].strip(), names, entry.get("at", ""), kinds[0], entry[kinds[0]],
                tuple(entry.get("beside", ())))  # fmt: skip


def names_of(code: str) -> set[str]:
    """The {names} of a code's template."""
    texts = (CODES[code].message, CODES[code].fix)
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
