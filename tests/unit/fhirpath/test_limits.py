"""Whatever an expression asks for, an evaluation ends: with a result, or with FHIRPathError of kind limit."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import Validator, fhirpath
from fhir_mh.fhirpath import Environment, FHIRPathError, Node, environment
from fhir_mh.fhirpath.environment import LONGEST_TEXT, MOST_STEPS
from fhir_mh.fhirpath.parser import MAX_CHAIN, MAX_LENGTH
from fhir_mh.packages import model
from fhir_mh.packages.model import R4

DIV = "<div xmlns='http://www.w3.org/1999/xhtml'>" + "word " * 4000 + "</div>"
PATIENTS = [
    {
        "resourceType": "Patient",
        "id": f"p{i}",
        "name": [{"given": ["a", "b"]}] * 5,
        "text": {"status": "empty", "div": DIV},
    }
    for i in range(300)
]
BUNDLE = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in PATIENTS]}
MANY = {"many": list(range(1000))}


@pytest.mark.parametrize(
    "expression",
    [
        "descendants().select(%resource.descendants())",
        "descendants().where(%resource.descendants().exists($this = %context))",
        "descendants().all(%resource.select($this).descendants().count() > 0)",
        "descendants().exists(%resource.select($this).descendants().empty())",
        "children().repeat(%resource.descendants().select(descendants()))",
        "descendants().select(resolve() | %resource.entry.resource.name.given)",
        "descendants().combine(descendants()).subsetOf(descendants())",
        "descendants().intersect(descendants())",
        "descendants().exclude(descendants().combine(descendants()))",
        "descendants() ~ descendants()",
        "descendants().select(%resource = %resource)",
        "descendants().select(%resource.entry.first() in %resource.entry)",
        "%many.repeat($this + 1)",
        "%many.select(%many.select(%many))",
        "%many.select(%many.select(" + " + ".join("1" * 150) + "))",
        "%many.aggregate($total.combine($total), 1)",
        "%many.aggregate($total | %many.select($this + $total.count()), 1)",
        "%many.aggregate($total + $total, 'a')",
        "%many.aggregate($total & $total, 'a')",
        "%many.aggregate($total.replace('a', 'aaaaaaaaaa'), 'a')",
        "%many.aggregate($total.encode('hex'), 'abc')",
        "%many.aggregate($total.toChars().join('--'), 'abc')",
        "%many.aggregate($total.split('').join('--'), 'abc')",
        "%many.select(%many.join('-' & %resource.entry.resource.text.`div`.first()))",
        "%many.select(%resource.entry.resource.text.`div`.select(upper()))",
        "%many.select(%resource.entry.resource.text.`div`.select($this ~ $this))",
        "%many.select(%resource.entry.resource.text.`div`.select($this = $this))",
        "%many.select(%resource.entry.resource.text.`div`.select($this <= $this))",
        "%many.select(%resource.entry.resource.text.`div`.htmlChecks())",
        "%many.select(%resource.entry.resource.text.`div`.select(matches('(w|o)*r(w|o){900}x')))",
        "%many.select('a'.matches('\\\\pL{100}' & $this.toString()))",
        "%many.select($this.toString().replaceMatches('(\\\\d)\\\\pL{90}', '$1'))",
        "entry.first().resource.text.`div`.substring(0, 9999).replaceMatches('(w|o)*r(w|o){100}x|w', 'b')",
        "'a'.replaceMatches('a', '" + "$0" * 400 + "').replaceMatches('(a*)', '" + "$1" * 4000 + "')",
    ],
)  # fmt: skip
def test_what_takes_too_long_is_ended(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "MOST_STEPS", MOST_STEPS // 10)  # the same, sooner
    given = {"many": [str(one) for one in range(1000)]} if "join('-'" in expression else MANY
    with pytest.raises(FHIRPathError) as caught:
        fhirpath.evaluate(BUNDLE, expression, given)
    assert caught.value.kind == "limit"


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 10_000 + "1" + ")" * 10_000,
        "(" * 500 + "1" + ")" * 500,
        "-" * 5000 + "1",
        "1" + "+1" * 300_000,
        "1" + "+1" * (MAX_CHAIN + 1),
        "a" + ".a" * (MAX_CHAIN + 1),
        "a" + "[0]" * (MAX_CHAIN + 1),
        "a" + ".first()" * (MAX_CHAIN + 1),
        "1" + " is Integer" * (MAX_CHAIN + 1),
        "'" + "x" * MAX_LENGTH + "'",
        "/*" * 500_000,
        "a.where(" * 100 + "b" + ")" * 100,
    ],
)
def test_what_is_too_large_is_refused(expression: str) -> None:
    with pytest.raises(FHIRPathError) as caught:
        fhirpath.compile(expression)
    assert caught.value.kind == "limit"


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (" and ".join(["true"] * (MAX_CHAIN - 1)), [True]),
        ("(" * 50 + "1" + ")" * 50, [1]),
        ("%many.select($this * 2).where($this > 5).count()", [997]),
        ("entry.resource.descendants().distinct().count() > 1000", [False]),
        ("descendants().count()", [6301]),
        ("descendants().distinct().count() > 900", [True]),
        ("repeat(children()).count() > 900", [True]),
        ("entry.resource.text.`div`.first().matches('^(.*word)+ </div>$')", [True]),
    ],
)
def test_what_is_asked_in_earnest_is_answered(expression: str, found: list[Any]) -> None:
    assert fhirpath.evaluate(BUNDLE, expression, MANY) == found


@pytest.mark.parametrize(
    "expression",
    [
        "%many.aggregate($total * $total, 3)",
        "%many.aggregate($total * $total, 3.1)",
        "%many.aggregate($total / 10, 3.1)",
        "%many.aggregate($total.power(2), 3)",
        "(1/3).power(1000)",
        "9223372036854775807 + 1",
        "0.ln()",
        "1000.exp()",
        "1.lowBoundary(1000000)",
        "5 'm' / 0 'm'",
        "@9999-12-31 + 1 day",
        "@2024 + 99999999999999999.0 years",
        "@2024-01-01 + 99999999999999999999.0 seconds",
    ],
)
def test_a_number_beyond_all_bounds_is_none(expression: str) -> None:
    assert fhirpath.evaluate(BUNDLE, expression, MANY) == []


def test_a_loop_pays_for_what_it_runs_and_gives() -> None:
    around = Environment(R4, None)
    fhirpath.compile("(1 | 2 | 3).select($this + 1)").run([], around)
    assert around.left == MOST_STEPS - (3 + 2) - 3 * (3 + 1)


def test_a_resource_within_itself_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "MOST_STEPS", MOST_STEPS // 10)
    endless: dict[str, Any] = {"resourceType": "Patient", "contained": []}
    endless["contained"].append(endless)
    with pytest.raises(FHIRPathError) as caught:
        fhirpath.evaluate(endless, "descendants().count()")
    assert caught.value.kind == "limit"


def test_a_text_as_long_as_may_be_is_made() -> None:
    half = "a" * (LONGEST_TEXT // 2)
    assert len(fhirpath.evaluate(None, "%x + %x", {"x": half})[0]) == LONGEST_TEXT
    with pytest.raises(FHIRPathError):
        fhirpath.evaluate(None, "%x + %x + 'a'", {"x": half})


def test_a_rule_that_takes_too_long_is_said_not_to_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "MOST_STEPS", MOST_STEPS // 10)
    hostile = "descendants().select(%resource.descendants().select(%resource.descendants())).empty()"
    rule = {"key": "x", "severity": "error", "human": "x", "expression": hostile}
    profile = {
        "resourceType": "StructureDefinition", "url": "https://example.org/p", "type": "Bundle", "kind": "resource",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Bundle", "derivation": "constraint",
        "differential": {"element": [{"id": "Bundle", "path": "Bundle", "constraint": [rule]}]},
    }  # fmt: skip
    report = Validator(resources=[profile]).validate(
        {**BUNDLE, "entry": BUNDLE["entry"][:30]}, ["https://example.org/p"]
    )
    assert [(one.code, one.path) for one in report.not_checked] == [("validate-unchecked-invariant", "Bundle")]


def test_deep_json_is_no_traceback() -> None:
    value: dict[str, Any] = {"url": "u"}
    for _ in range(3000):
        value = {"url": "u", "extension": [value]}
    patient = Node({"resourceType": "Patient", "extension": [value]}, "Patient")
    with pytest.raises(FHIRPathError) as caught:
        fhirpath.evaluate(patient, "extension.combine(extension).distinct()")
    assert caught.value.kind == "limit"
    assert fhirpath.evaluate(patient, "extension = extension") == [True]


def test_nothing_is_kept_of_what_never_ends() -> None:
    """Types that there are not, and long expressions, come without end; what is remembered of them must not."""
    fhirpath.evaluate({"resourceType": "Patient", "contained": [{"resourceType": "Known"}]}, "descendants().meta")
    before = model._elements.cache_info().currsize, model.parent.cache_info().currsize
    for i in range(50):
        patient = {"resourceType": "Patient", "contained": [{"resourceType": f"Unknown{i}", "id": "x"}]}
        assert fhirpath.evaluate(patient, "contained.id | contained.descendants()") == ["x"]
    assert (model._elements.cache_info().currsize, model.parent.cache_info().currsize) == before
    assert fhirpath.compile("a.b") is fhirpath.compile("a.b")
    long = "a or " * 100 + "'" + "b" * 3000 + "'"
    assert fhirpath.compile(long) is not fhirpath.compile(long)
