"""Regular expressions in FHIRPath: what they match, and that none of them can hold everybody up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import pytest

from fhir_mh import fhirpath
from fhir_mh.fhirpath import FHIRPathError, patterns
from fhir_mh.fhirpath.patterns import LONGEST_REPLACED
from fhir_mh.fhirpath.syntax import Call, Literal
from fhir_mh.packages.base import base_facts

LONG = 60  # seconds after which a run counts as held up; one that is not takes as long as Python does to start
matches, matches_full, replace_matches = (
    partial(function, spend=lambda steps: None)
    for function in (patterns.matches, patterns.matches_full, patterns.replace_matches)
)
HELD_UP = """
from fhir_mh import Validator

rules = ["title.matches('(a+)+$')", "title.matchesFull('(a|a)*')", "title.matches('^(a*)*$')",
         "title.replaceMatches('(a*)*b', '') = title", "title.matches('(.*a){20}$')"]
constraint = [{"key": f"k{n}", "severity": "error", "human": "x", "expression": rule} for n, rule in enumerate(rules)]
profile = {"resourceType": "StructureDefinition", "url": "https://example.org/p", "type": "CarePlan",
           "kind": "resource", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/CarePlan",
           "derivation": "constraint",
           "differential": {"element": [{"id": "CarePlan", "path": "CarePlan", "constraint": constraint}]}}
plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"reference": "Patient/a"}}
validator = Validator(resources=[profile])
for title in ("a" * 5000 + "!", "a" * 200_000 + "!"):
    report = validator.validate({**plan, "title": title}, ["https://example.org/p"])
    print(*(one.code for one in report.issues if one.severity == "error"), *(one.code for one in report.not_checked))
"""


def test_no_expression_of_a_package_holds_the_validator_up() -> None:
    ran = subprocess.run([sys.executable, "-c", HELD_UP], capture_output=True, text=True, timeout=LONG, check=False)
    assert ran.stderr == ""
    told, too_long = ran.stdout.splitlines()
    assert told.split() == ["validate-invariant"] * 4
    assert too_long.split() == ["validate-invariant"] * 4 + ["validate-unchecked-invariant"]


@pytest.mark.parametrize(
    ("value", "expression", "part", "whole"),
    [
        ("abc", "b", True, False),
        ("abc", "a.c", True, True),
        ("a\nc", "a.c", True, True),
        ("ab\n", "^ab$", False, False),
        ("ab", "a|ab", True, True),
        ("abab", "(ab)+", True, True),
        ("é", r"^\p{L}$", True, True),
        ("", "a*", True, True),
        ("ABC", "(?i)abc", True, True),
    ],
)
def test_a_part_and_the_whole_of_a_text(value: str, expression: str, part: bool, whole: bool) -> None:
    assert (matches(value, expression), matches_full(value, expression)) == (part, whole)


@pytest.mark.parametrize(
    ("value", "expression", "by", "found"),
    [
        ("2026-11-25", r"(\d+)-(\d+)-(\d+)", "$3/$2/$1", "25/11/2026"),
        ("aéb", "é", "[$0]", "a[é]b"),
        ("ab", "(c)?b", "<$1>", "a<>"),
        ("a", "a", r"\1\n", r"\1\n"),
        ("abc", "", "x", "abc"),
        ("abc", "x*", "-", "-a-b-c-"),
    ],
)
def test_parts_are_replaced(value: str, expression: str, by: str, found: str) -> None:
    assert replace_matches(value, expression, by) == found


@pytest.mark.parametrize(
    "run",
    [
        lambda: matches("a", "("),
        lambda: matches("a", "(?=a)"),
        lambda: matches_full("aa", r"(a)\1"),
        lambda: matches("a", "((a{1,1000}){1,1000}){1,1000}"),
        lambda: matches("\ud800", "a"),
        lambda: matches("a", "\ud800"),
        lambda: replace_matches("a", "(a)", "$2"),
        lambda: replace_matches("a" * (LONGEST_REPLACED + 1), "a", "b"),
        lambda: replace_matches("a", "a", "b" * (LONGEST_REPLACED + 1)),
    ],
)
def test_what_cannot_be_matched_is_an_error_that_shows_no_value(run: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FHIRPathError) as caught:
        run()
    assert caught.value.kind == "execution"
    assert capfd.readouterr() == ("", "")


def test_a_text_as_long_as_may_be_is_replaced() -> None:
    assert replace_matches("a" * LONGEST_REPLACED, "a", "") == ""


def written_out(tree: Any) -> Iterator[str]:
    """Every regular expression that stands in an expression as it is."""
    if isinstance(tree, Call) and tree.name in ("matches", "matchesFull", "replaceMatches"):
        first = tree.arguments[0]
        assert isinstance(first, Literal)
        yield str(first.values[0])
    inner = [getattr(tree, one.name) for one in fields(tree)] if is_dataclass(tree) else ()
    for held in inner:
        for one in held if isinstance(held, tuple) else (held,):
            yield from written_out(one)


def test_all_that_r4_and_our_profiles_ask_of_a_text_can_be_matched() -> None:
    asked = {
        found
        for part in ("types", "profiles", "own")
        for facts in base_facts(part).values()
        for element in facts.get("differential", ())
        for rule in element.get("constraint", ())
        for found in written_out(fhirpath.compile(rule["expression"]).tree)
    }
    assert len(asked) > 5
    for expression in asked:
        matches("x", expression)
