"""Every code means something: it is raised somewhere, some test sees it, and its words are fit to be shown."""

from __future__ import annotations

import re
import string
from functools import cache

import pytest

from fhir_mh.issue_codes import CODES, ROOMS
from scripts.pages.codes.said import all_said
from tests.house.source import PACKAGE, ROOT

_TYPES = """
    invalid structure required value invariant security login unknown expired forbidden suppressed processing
    not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly business-rule
    conflict transient lock-error no-store exception timeout incomplete throttled informational
"""  # https://hl7.org/fhir/R4/valueset-issue-type.html


@cache
def package_text() -> str:
    files = [file for file in sorted(PACKAGE.rglob("*")) if file.suffix in {".py", ".yaml"}]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.parent.name != "issue_codes")


@cache
def asserted_text() -> str:
    files = [file for file in sorted((ROOT / "tests").rglob("*")) if file.suffix in {".py", ".yaml", ".yml", ".json"}]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.name != "test_issue_codes.py")


def stands_in(code: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(code)}(?![\w-])", text) is not None


def test_each_is_raised_somewhere() -> None:
    assert {code for code in CODES if not stands_in(code, package_text())} == set()


def test_some_test_asserts_each() -> None:
    assert {code for code in CODES if not stands_in(code, asserted_text())} == set()


def test_each_is_explained_and_has_an_example() -> None:
    """In scripts/pages/codes/words; tests/docs/test_code_pages.py runs them."""
    assert list(all_said()) == list(CODES)


@pytest.mark.parametrize("room", ROOMS)
def test_each_is_named_for_its_room_and_stands_in_one(room: str) -> None:
    assert {code.partition("-")[0] for code in ROOMS[room].codes} == {room}
    assert len(CODES) == sum(len(one.codes) for one in ROOMS.values())


@pytest.mark.parametrize("code", sorted(CODES))
def test_its_entry_is_well_formed(code: str) -> None:
    entry = CODES[code]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", code)
    assert entry.fhir_type in _TYPES.split()
    assert entry.fix
    values = {name: "x" for text in entry[2:4] for _, name, _, _ in string.Formatter().parse(text) if name}
    assert entry.message.format(**values).endswith((".", "?")) or entry.message.endswith("}")
    assert entry.spec == "" or entry.spec.startswith("https://")
