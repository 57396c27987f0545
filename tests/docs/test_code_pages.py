"""The pages of the codes: each example gives its code where the page says, and put right it no longer does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fhir_mh.cli import main
from fhir_mh.fhir.nhs_numbers import ten_digits_in
from fhir_mh.issue_codes import CODES, ROOMS
from fhir_mh.issues import Issue
from scripts.pages.codes import said as words
from scripts.pages.codes.page import pages
from scripts.pages.codes.runs import finding, found
from scripts.pages.codes.said import all_said
from scripts.pages.definitions import ROOT

PAGES = ROOT / "docs" / "codes"
MUST_RUN = {"json", "validate", "map", "config", "law", "consent", "concern"}
"""Rooms whose codes are all to be had on one machine in a moment."""
RUN = [code for code, said in all_said().items() if said.kind != "told"]
ADVICE = re.compile(r"^Rule (dom-6|txt-1)\b")


def told(issues: tuple[Issue, ...]) -> list[str]:
    """`code @ place` of each, but for advice that there is no narrative."""
    return [f"{one.code} @ {one.path}" for one in issues if one.severity != "warning" or not ADVICE.match(one.message)]


@pytest.mark.parametrize("code", RUN)
def test_an_example_gives_its_code_at_its_place_and_nothing_else(code: str) -> None:
    said = all_said()[code]
    assert sorted(told(found(code).wrong)) == sorted([f"{code} @ {said.at}", *said.beside])


@pytest.mark.parametrize("code", RUN)
def test_put_right_it_gives_no_finding(code: str) -> None:
    """But where a command goes on to ask a gateway, and none is there."""
    assert [one for one in told(found(code).right) if not one.startswith("cli-no-gateway")] == []
    assert "mended" in all_said()[code].example or "put_right" in all_said()[code].example


def test_what_is_told_and_not_run_is_what_needs_a_server_or_a_fault() -> None:
    told_only = set(CODES) - set(RUN)
    assert {code for code in told_only if code.partition("-")[0] in MUST_RUN} == {"validate-more-found"}  # it is long
    for code in told_only:
        assert finding(code).severity == CODES[code].severity
        assert "was not run" in pages()[f"{code}.md"]


def test_each_code_has_a_page_and_stands_in_the_index_under_its_room() -> None:
    index = pages()["README.md"]
    assert pages().keys() == {"README.md", *(f"{code}.md" for code in CODES)}
    for name, room in ROOMS.items():
        section = index.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| \[`([a-z0-9-]+)`\]\(\1\.md\) \|", section, re.MULTILINE) == sorted(room.codes)


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_page_explains_every_name_of_the_template(code: str) -> None:
    page = pages()[f"{code}.md"]
    for name in words.names_of(code):
        assert f"- `{{{name}}}`: " in page
    assert CODES[code].spec in page


def test_no_page_holds_a_number_that_could_be_somebodys() -> None:
    numbers = {number for text in pages().values() for number in ten_digits_in(text)}
    assert numbers
    assert {number for number in numbers if not number.startswith("999")} == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("cli-no-gateway:", "cli-gateway:"),  # one code has no entry, and one entry no code
        lambda text: text.replace("  means: >-", "  meaning: >-", 1),
        lambda text: text.replace("  command:", "  situation:", 1),
        lambda text: text.replace("names: {hint:", "names: {guess:", 1),
    ],
)
def test_a_code_without_a_whole_entry_is_refused(
    change: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in words.WORDS.glob("*.yaml"):
        text = file.read_text("utf-8")
        (tmp_path / file.name).write_text(change(text) if file.stem == "cli" else text, "utf-8")  # type: ignore[operator]
    monkeypatch.setattr(words, "WORDS", tmp_path)
    with pytest.raises(LookupError, match="cli-"):
        words.all_said.__wrapped__()


def test_an_example_that_gives_another_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from scripts.pages.codes import runs

    other = {"map-no-person": words.Said("map-no-person", "x", {}, "elsewhere", "map", {})}
    monkeypatch.setattr(runs, "found", lambda code: found("map-no-person"))
    monkeypatch.setattr(runs, "all_said", lambda: other)
    with pytest.raises(LookupError, match=r"map-no-person.*elsewhere.*Bundle"):
        finding("map-no-person")


# --- in a terminal


@pytest.mark.parametrize("code", ["json-encoding", "validate-binding", "rest-proposed", "store-gone"])
def test_the_command_prints_the_page(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", code]) == 0
    shown = capsys.readouterr()
    assert (PAGES / f"{code}.md").read_text("utf-8").endswith(shown.out)
    assert shown.out.startswith(f"# {code}\n")
    assert shown.err == ""


def test_every_page_can_be_printed_and_begins_with_what_the_code_means() -> None:
    from fhir_mh.cli.explain import meaning, page

    for code, said in all_said().items():
        assert page(code).startswith(f"# {code}\n")
        assert meaning(code) == said.means
