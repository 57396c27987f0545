"""fhir-mh explain: the page of a code, from what ships, for people and for pipes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from fhir_mh.cli import exits, main
from fhir_mh.cli.explain import meaning, page
from fhir_mh.errors import NotFound
from fhir_mh.issue_codes import CODES

BAD = '{"resourceType": "Patient", "gender": "woman"}'


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_page_that_ships(code: str) -> None:
    assert page(code).startswith(f"# {code}\n\n{meaning(code)}\n")
    assert "\n## An example\n" in page(code)


def test_in_a_pipe_it_is_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "json-encoding"]) == exits.DONE
    assert capsys.readouterr().out == page("json-encoding")


def test_on_a_terminal_it_is_laid_out(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["explain", "json-encoding"]) == exits.DONE
    shown = capsys.readouterr().out
    assert "json-encoding" in shown
    assert "```" not in shown


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("validate-bindings", "validate-binding"), ("unreadable-json", None), ("json", None), ("", None)],
)
def test_what_is_no_code_is_refused_with_the_nearest(
    wrong: str, near: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", wrong]) == exits.BAD_INPUT
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error cli-unknown-code")
    assert near is None or f"Did you mean {near}" in shown.err


@pytest.mark.parametrize("wrong", ["../README", "README", "validate-binding.md"])
def test_only_codes_are_read(wrong: str) -> None:
    with pytest.raises(NotFound):
        page(wrong)


# --- where a finding is told, the page is named or carried along


@pytest.fixture
def bad(tmp_path: Path) -> str:
    file = tmp_path / "bad.json"
    file.write_text(BAD, "utf-8")
    return str(file)


def test_sarif_says_of_each_rule_what_its_page_says(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", bad, "--format", "sarif"])
    (ran,) = json.loads(capsys.readouterr().out)["runs"]
    rules = {rule["id"]: rule for rule in ran["tool"]["driver"]["rules"]}
    assert "validate-binding" in rules
    for code, rule in rules.items():
        assert rule["shortDescription"] == {"text": meaning(code)}
        assert rule["help"] == {"text": page(code), "markdown": page(code)}
        assert rule["helpUri"] == CODES[code].spec


@pytest.mark.parametrize(("terminal", "lines"), [(True, 1), (False, 0)])
def test_the_text_form_leads_there_once_and_only_on_a_terminal(
    terminal: bool, lines: int, bad: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    main(["validate", bad, bad])
    shown = capsys.readouterr()
    assert shown.err.count("fhir-mh explain") == lines
    assert "fhir-mh explain" not in shown.out


def test_where_nothing_was_found_it_is_not_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "good.json"
    file.write_text('{"resourceType": "Binary", "contentType": "text/plain"}', "utf-8")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    main(["validate", str(file)])
    assert "fhir-mh explain" not in capsys.readouterr().err
