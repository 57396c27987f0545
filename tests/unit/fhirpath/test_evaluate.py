"""FHIRPath by itself: what is given, what comes back as plain Python, what references lead to."""

from __future__ import annotations

import copy
import json
import sys
from decimal import Decimal
from typing import Any

import pytest

from fhir_mh import fhirpath
from fhir_mh.fhir.json import loads
from fhir_mh.fhirpath import FHIRPathError, Moment, Node, Quantity

PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "birthDate": "1970-01",
    "multipleBirthInteger": 2,
    "_gender": {"extension": [{"url": "urn:e", "valueString": "x"}]},
    "name": [{"family": "F", "given": ["A", "B"]}],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/elsewhere"}, {"reference": "#none"}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "N", "partOf": {"reference": "#"}}],
}
OBSERVATION = loads(
    """{"resourceType": "Observation", "status": "final", "code": {"text": "c"},
        "valueQuantity": {"value": 1.50, "unit": "mg", "code": "mg"}, "subject": {"reference": "Patient/p"},
        "extension": [{"url": "urn:e", "valueDecimal": 1E3}]}"""
)
BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"fullUrl": "urn:uuid:1", "resource": PATIENT},
        {"resource": OBSERVATION},
        {"resource": {"resourceType": "Group", "id": "g", "managingEntity": {"reference": "urn:uuid:1"}}},
    ],
}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("active", [True]),
        ("multipleBirth", [2]),
        ("name.given", ["A", "B"]),
        ("name", [{"family": "F", "given": ["A", "B"]}]),
        ("birthDate", ["1970-01"]),
        ("gender", [None]),
        ("gender.extension.value", ["x"]),
        ("nothing", []),
        ("1 + 1", [2]),
        ("1 / 4", [Decimal("0.25")]),
        ("name.exists()", [True]),
        ("birthDate + 1 month", [Moment.parse("1970-02")]),
        ("@T10:30", [Moment.parse("10:30")]),
        ("4 'mg' + 1 'mg'", [Quantity(Decimal(5), "mg")]),
        ("%resource.id | %rootResource.id | %context.id", ["p"]),
        ("$this.id", ["p"]),
    ],
)
def test_what_comes_back_is_plain(expression: str, found: list[Any]) -> None:
    values = fhirpath.evaluate(PATIENT, expression)
    assert values == found
    assert [type(value) for value in values] == [type(value) for value in found]
    assert fhirpath.compile(expression).evaluate(PATIENT) == values


def test_elements_are_those_of_the_resource_and_it_stays_as_it_was() -> None:
    before = copy.deepcopy(PATIENT)
    (name,) = fhirpath.evaluate(PATIENT, "name.where(given.exists())")
    assert name is PATIENT["name"][0]  # type: ignore[index]
    assert before == PATIENT


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("@2024", "2024"),
        ("@2024-05-06T10:00:00.0+01:00", "2024-05-06T10:00:00.0+01:00"),
        ("@T10", "10"),
        ("1.50", "1.50"),
        ("1.50 'mg'", "1.50 'mg'"),
        ("2 days", "2 days"),
        ("true", "True"),
    ],
)
def test_its_own_values_are_written_with_str(expression: str, text: str) -> None:
    (value,) = fhirpath.evaluate(None, expression)
    assert str(value) == text


def test_moments_are_equal_where_they_are_written_alike() -> None:
    (zulu,), (same,), (other,) = (fhirpath.evaluate(None, f"@2024-05-06T10:00{zone}") for zone in ("Z", "Z", "+00:00"))
    assert zulu == same
    assert hash(zulu) == hash(same)
    assert zulu != other
    assert zulu.compare(other) == 0
    assert "2024-05-06T10:00Z" in repr(zulu)


def test_decimals_are_as_they_were_written() -> None:
    assert [str(one) for one in fhirpath.evaluate(OBSERVATION, "value.value | extension.value")] == ["1.50", "1E3"]
    assert fhirpath.evaluate(OBSERVATION, "value.value.toString()") == ["1.50"]
    assert fhirpath.evaluate(
        json.loads('{"resourceType": "Observation", "valueQuantity": {"value": 1.5}}'), "value.value"
    ) == [Decimal("1.5")]


def test_a_data_type_is_given_with_its_type() -> None:
    assert fhirpath.evaluate(Node({"family": "F", "given": ["A"]}, "HumanName"), "given | family") == ["A", "F"]
    name = Node(PATIENT["name"][0], "HumanName")  # type: ignore[index]
    assert fhirpath.evaluate(name, "%resource.id & family", {"resource": PATIENT}) == ["pF"]


@pytest.mark.parametrize(
    ("value", "expression", "found"),
    [
        ("A", "name.given contains %x", [True]),
        (["A", "B"], "name.given.all($this in %x)", [True]),
        ([], "%x.empty()", [True]),
        (None, "%x.empty()", [True]),
        (2, "multipleBirth = %x", [True]),
        (2.5, "%x * 2", [Decimal("5.0")]),
        (True, "active = %x", [True]),
        (OBSERVATION, "%x.status", ["final"]),
        ([OBSERVATION, PATIENT], "%x.ofType(Patient).id", ["p"]),
        (Moment.parse("1970"), "birthDate ~ %x", [False]),
        (Quantity(Decimal(1), "g"), "1000 'mg' = %x", [True]),
        (Node({"family": "F"}, "HumanName"), "name.family = %x.family", [True]),
    ],
)
def test_variables(value: Any, expression: str, found: list[Any]) -> None:
    assert fhirpath.evaluate(PATIENT, expression, {"x": value}) == found


@pytest.mark.parametrize(
    ("resource", "environment"),
    [
        ({"id": "x"}, {}),
        ({"resourceType": "HumanName"}, {}),
        ({"resourceType": "Nothing"}, {}),
        ({"resourceType": ["Patient"]}, {}),
        ([], {}),
        ("Patient", {}),
        (PATIENT, {"x": {"family": "F"}}),
        (PATIENT, {"x": [[1]]}),
        (PATIENT, {"x": object()}),
        (PATIENT, {"resource": "Patient/p"}),
    ],
)
def test_what_is_no_resource_is_refused(resource: Any, environment: dict[str, Any]) -> None:
    with pytest.raises(FHIRPathError) as caught:
        fhirpath.evaluate(resource, "id", environment)
    assert caught.value.kind == "execution"


@pytest.mark.parametrize(
    ("resource", "expression", "found"),
    [
        (PATIENT, "managingOrganization.resolve().name", ["N"]),
        (PATIENT, "managingOrganization.resolve().partOf.resolve().id", ["p"]),
        (PATIENT, "generalPractitioner.resolve()", []),
        (PATIENT, "'#o'.resolve().name", ["N"]),
        (BUNDLE, "entry.resource.ofType(Observation).subject.resolve().id", ["p"]),
        (BUNDLE, "entry.resource.ofType(Group).managingEntity.resolve().birthDate", ["1970-01"]),
        (BUNDLE, "entry.resource.ofType(Patient).managingOrganization.resolve().name", ["N"]),
        ({**BUNDLE, "entry": [{"resource": PATIENT}] * 2}, "'#o'.resolve()", []),
    ],
)
def test_references_are_followed_within_the_resource(resource: Any, expression: str, found: list[Any]) -> None:
    assert fhirpath.evaluate(resource, expression) == found


def test_one_evaluation_has_one_now() -> None:
    assert fhirpath.evaluate(None, "(1 | 2 | 3).select(now()).distinct().count()") == [1]


def test_index_and_total_are_what_they_were_after_a_loop() -> None:
    expression = "(5 | 6).select((7 | 8 | 9).aggregate($total + $this, 0) + $index)"
    assert fhirpath.evaluate(None, expression) == [24, 25]


def test_half_a_character_is_none() -> None:
    assert fhirpath.evaluate(None, r"'\ud83d\ude00' | '\\ud83d\\ude00'.unescape('json')") == ["\U0001f600"]
    for expression in (r"'\ud83d'", r"'\\ud83d'.unescape('json')"):
        with pytest.raises(FHIRPathError):
            fhirpath.evaluate(None, expression)


def test_a_number_beyond_what_python_writes_is_no_fault_of_ours() -> None:
    with pytest.raises(FHIRPathError):
        fhirpath.evaluate(None, "%x.toString()", {"x": 10 ** (sys.get_int_max_str_digits() + 1)})


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("@2016 + 364 days", ["2016"]),
        ("@2016 + 365 days", ["2017"]),
        ("@2016 - 1 month", ["2016"]),
        ("@2016 - 12 months", ["2015"]),
        ("@2016-02 + 59 days", ["2016-03"]),
        ("@2024-01-31 + 1.9 months", ["2024-02-29"]),
        ("@2024-05-06 - 25 hours", ["2024-05-05"]),
        ("@2024-01-01T00:00 + 1.5 days", ["2024-01-02T00:00"]),
        ("@2024-01-01T00:00:31 + 0.1 seconds", ["2024-01-01T00:00:31.1"]),
        ("@2024-01-01T00:00:00.000 + 1 's'", ["2024-01-01T00:00:01.000"]),
        ("@T23:30:00.5 + 1 millisecond", ["23:30:00.501"]),
        ("@T23:30 + 1 hour", ["00:30"]),
        ("@2024 = @T10:30", ["False"]),
        ("1 year = 1 'a'", []),
        ("1 year < 13 'mo'", []),
        ("1 year ~ 1 'a'", ["True"]),
        ("1 year = 12 months", ["True"]),
        ("1 week = 7 'd'", ["True"]),
        ("true & 1.50 & {}", ["true1.50"]),
        ("name.given.repeat('x')", ["x"]),
        (r"'\"1\"'.unescape('json')", ['"1"']),
    ],
)
def test_what_the_standard_says(expression: str, found: list[str]) -> None:
    assert [str(value) for value in fhirpath.evaluate(PATIENT, expression)] == found


def test_elements_without_a_value_are_told_apart_by_what_they_have() -> None:
    patient = {
        "resourceType": "Patient",
        "name": [{"given": [None] * 3, "_given": [{"id": "1"}, {"id": "2"}, {"id": "1"}]}],
    }
    assert fhirpath.evaluate(patient, "name.given.distinct().id") == ["1", "2"]
    assert fhirpath.evaluate(patient, "name.given[0] = name.given[1]") == [False]
    assert fhirpath.evaluate(patient, "name.given[0] = name.given[2]") == [True]


@pytest.mark.parametrize("unit", ["year", "month", "week", "day"])
def test_a_time_has_no_days(unit: str) -> None:
    with pytest.raises(FHIRPathError) as caught:
        fhirpath.evaluate(None, f"@T10:30 + 1 {unit}")
    assert caught.value.kind == "execution"


def test_what_is_the_same_for_every_item_is_worked_out_once() -> None:
    """Else a rule on each element of a long definition would look through all of it each time, and reach the bound."""
    people = {"resourceType": "Patient", "name": [{"family": "Kit"}] * 3000}
    assert fhirpath.evaluate(people, "name.all(family = %resource.name.first().family)") == [True]
    assert fhirpath.evaluate(people, "name.skip(2998).select(%context.name[0].family & $index.toString())") == [
        "Kit0",
        "Kit1",
    ]


def test_what_follows_from_the_item_is_worked_out_for_each() -> None:
    person = {"resourceType": "Patient", "name": [{"family": "A"}, {"family": "B"}]}
    assert fhirpath.evaluate(person, "name.select(%resource.name.where(family = 'B').family & family)") == ["BA", "BB"]
    assert fhirpath.evaluate(person, "name.select(%resource.name[$index].family)") == ["A", "B"]
    assert fhirpath.evaluate(person, "name.select(%resource.name.skip($index).family.first())") == ["A", "B"]
