"""The command-line form of an Issue."""

from __future__ import annotations

import io

from fhir_mh.cli.issue_text import plain, write
from fhir_mh.issues import Issue

FOUND = Issue("json-duplicate-key", "error", "$.status", "It stands twice.", "Remove one.", "https://hl7.org", 12, 5)


def test_all_that_is_known() -> None:
    assert plain(FOUND, "plan.json").splitlines() == [
        "plan.json:12:5: error json-duplicate-key at $.status",
        "    It stands twice.",
        "    Fix: Remove one.",
        "    See: https://hl7.org",
    ]


def test_only_what_is_known() -> None:
    found = Issue("json-duplicate-key", "warning", "", "It stands twice.")
    assert plain(found) == "warning json-duplicate-key\n    It stands twice."
    assert plain(found, "plan.json").startswith("plan.json: warning ")


def test_long_lines_are_not_broken_and_markup_means_nothing() -> None:
    stream = io.StringIO()
    found = Issue("json-duplicate-key", "error", "Bundle.entry[0].resource", "[bold]" + "word " * 60)
    write([found], "plan.json", stream)
    assert stream.getvalue() == plain(found, "plan.json") + "\n"
    assert "[bold]" in stream.getvalue()


def test_names_that_others_chose_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in plain(Issue("json-duplicate-key", "error", "$.\x1b[2J", "x"), "\x1b]0;name\x07.json")
