"""FHIRPath where HL7's suite says nothing: faults with their place, hostile expressions, FHIR's JSON forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mh import fhirpath
from fhir_mh.fhirpath import Expression, FHIRPathError
from fhir_mh.fhirpath.lexer import tokens
from fhir_mh.packages.base import base_facts

PATIENT = {
    "resourceType": "Patient",
    "birthDate": "1970-01",
    "_birthDate": {"extension": [{"url": "urn:e", "valueString": "x"}]},
    "name": [{"given": ["A", None], "_given": [None, {"id": "g"}]}],
    "deceasedBoolean": False,
    "contained": [{"resourceType": "Organization", "id": "o", "name": "N"}],
}


def run(text: str, value: dict[str, Any] | None = None) -> list[Any]:
    return fhirpath.evaluate(value or PATIENT, text)


@pytest.mark.parametrize(
    ("text", "kind", "position"),
    [
        ("a.", "syntax", 2),
        ("a b", "syntax", 2),
        ("a.b(", "syntax", 4),
        ("1 + ", "syntax", 4),
        ("none()", "syntax", 0),
        ("where()", "syntax", 0),
        ("'\\q'", "syntax", 1),
        ("@2024-13", "syntax", 0),
        ("/* x", "syntax", 0),
        ("is(1)", "syntax", 0),
    ],
)
def test_faults_name_their_place(text: str, kind: str, position: int) -> None:
    with pytest.raises(FHIRPathError) as caught:
        Expression(text)
    assert (caught.value.kind, caught.value.position) == (kind, position)


@pytest.mark.parametrize(
    "text", ["(" * 500, "-" * 5000 + "1", "1" + "+1" * 100 + "+" + "(" * 100, "a" * 20 + ".where(" * 200, "9" * 5000]
)
def test_hostile_expressions_are_refused(text: str) -> None:
    with pytest.raises(FHIRPathError):
        Expression(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                ".",
                "(",
                ")",
                "'x'",
                "1",
                "where",
                "exists()",
                "name",
                "|",
                "and",
                "[",
                "]",
                "$this",
                "%x",
                "-",
                "is",
                "@2024",
            ]
        ),
        max_size=9,
    )
)
def test_any_text_is_compiled_or_refused(pieces: list[str]) -> None:
    try:
        run(" ".join(pieces))
    except FHIRPathError as fault:
        assert fault.kind in ("syntax", "semantic", "execution")


def test_every_base_invariant_compiles() -> None:
    for facts in base_facts("types").values():
        for element in facts.get("differential", ()):
            for rule in element.get("constraint", ()):
                fhirpath.compile(rule["expression"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("birthDate.extension('urn:e').value", ["x"]),
        ("name.given", ["A", None]),
        ("name.given.count()", [2]),
        ("name.given[1].hasValue()", [False]),
        ("deceased", [False]),
        ("deceased is boolean", [True]),
        ("contained.ofType(Organization).name", ["N"]),
        ("birthDate < @1970-02-01", [True]),
        ("birthDate = @1970-01-05", []),
        ("birthDate > '1960'", [True]),
        ("descendants().ofType(Organization).count()", [1]),
        ("none", []),
        ("1 | 1 | 2", [1, 2]),
        ("{} and false", [False]),
        ("'+42'.toInteger()", [42]),
        (f"'{'9' * 5000}'.toInteger()", []),
        (f"'{'9' * 5000}'.convertsToInteger()", [False]),
    ],
)
def test_fhir_json(text: str, expected: list[Any]) -> None:
    assert run(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "name.given.matches('(')",
        "(1|2) + 1",
        "'a' + 1",
        "Patient.gone.single() + %none",
        "contained.resolve()",
        "2.power(99999)",
        "5 'mg'.round('a')",
        "2 days.round(1 'd')",
    ],
)
def test_failures_are_fhirpath_errors_or_empty(text: str) -> None:
    try:
        assert run(text) == []
    except FHIRPathError as fault:
        assert fault.kind == "execution"


def test_messages_never_hold_values() -> None:
    with pytest.raises(FHIRPathError) as caught:
        run("name.given.first() + 1")
    assert "A" not in str(caught.value).split()


def test_tokens_keep_their_places() -> None:
    assert [(token.text, token.at) for token in tokens("a . b")] == [("a", 0), (".", 2), ("b", 4), ("", 5)]
