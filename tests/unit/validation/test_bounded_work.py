"""What is made to be slow, or to tell too much: the work stays within what the input is, the answer within bounds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from fhir_mh import Validator
from fhir_mh.fhir.json import dumps
from fhir_mh.terminology.expansion import Expansion
from fhir_mh.validation import Report, direct, questionnaires, resources, shape, unknown, walk


def codes(report: Report) -> Counter[str]:
    return Counter(found.code for found in report.issues)


@contextmanager
def calls(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> Iterator[list[int]]:
    """How often a function of the product is called, as the only entry of a list."""
    counted, called = [0], getattr(owner, name)

    def counting(*args: Any, **named: Any) -> Any:
        counted[0] += 1
        return called(*args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, counting)
        yield counted


def people(count: int, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [elements] * count}


def test_of_one_kind_the_first_thousand_are_told(validator: Validator) -> None:
    report = validator.validate({**people(3000, gven=["x"]), "telecom": [{"use": "x"}]})
    assert codes(report)["validate-element-unknown"] == walk.MOST
    assert codes(report)["validate-binding"] == 1  # what is found later, and is another matter, is told all the same
    (more,) = [found for found in report.issues if found.code == "validate-more-found"]
    assert (more.path, more.severity) == (f"Patient.name[{walk.MOST}]", "error")


def test_as_many_as_are_told_leave_no_more(validator: Validator) -> None:
    report = validator.validate(people(walk.MOST, gven=["x"]))
    assert codes(report)["validate-element-unknown"] == walk.MOST
    assert "validate-more-found" not in codes(report)


def test_rules_are_of_a_kind_by_their_key(validator: Validator) -> None:
    """A warning that nearly every resource earns hides no other rule's."""
    entry = {"resource": {"resourceType": "Patient", "contact": [{"gender": "male"}]}}
    report = validator.validate({"resourceType": "Bundle", "type": "collection", "entry": [entry] * 1500})
    assert codes(report)["validate-invariant"] == 2 * walk.MOST
    assert codes(report)["validate-more-found"] == 2


def test_what_could_not_be_checked_is_bounded_as_well(validator: Validator) -> None:
    urls = [f"https://example.org/{number}" for number in range(10_000)]
    report = validator.validate({"resourceType": "Patient", "meta": {"profile": urls}})
    assert len(report.not_checked) == walk.MOST + 1
    assert report.not_checked[-1].code == "validate-more-found"


def test_words_that_are_near_are_looked_for_only_for_what_is_told(
    validator: Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {f"key{number}": 1 for number in range(20_000)}
    with calls(monkeypatch, unknown, "get_close_matches") as looked:
        validator.validate({"resourceType": "Patient", **keys})
    assert looked[0] <= walk.MOST + 1
    with calls(monkeypatch, Expansion, "suggestion") as looked:
        validator.validate({"resourceType": "Patient", "name": [{"use": f"u{number}"} for number in range(5000)]})
    assert looked[0] <= walk.MOST + 1


def test_what_is_contained_is_looked_up_by_its_id(validator: Validator) -> None:
    class Contained(list[Any]):
        walked = 0

        def __iter__(self) -> Iterator[Any]:
            Contained.walked += 1
            return super().__iter__()

    held = Contained({"resourceType": "Organization", "id": f"o{number}", "name": "x"} for number in range(300))
    led = [{"reference": f"#o{number}"} for number in range(300)] + [{"reference": "#none"}]
    at = walk.Walk(None)
    at.root = {"resourceType": "Patient", "contained": held}
    assert all(at.local(one["reference"])[1] is held[number] for number, one in enumerate(led[:300]))
    assert at.local("#none") == (True, None)
    assert Contained.walked == 1
    report = validator.validate({"resourceType": "Patient", "contained": list(held), "generalPractitioner": led})
    assert [f.path for f in report.issues if f.code == "validate-reference-unresolved"] == [
        "Patient.generalPractitioner[300].reference"
    ]


def test_what_is_contained_in_what_is_contained_is_not_looked_through_again(
    validator: Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    nested: dict[str, Any] = {"resourceType": "Patient"}
    for _ in range(60):
        nested = {"resourceType": "Patient", "contained": [nested]}
    with calls(monkeypatch, direct, "_fragments") as looked:
        report = validator.validate(nested)
    assert looked[0] <= 3
    assert any("dom-2" in found.message for found in report.issues)


@pytest.mark.parametrize("number", ["1e999999999", "1e-999999999", "9" * 100_000, "0." + "9" * 100_000])
def test_a_number_of_any_size_that_can_be_is_judged(validator: Validator, number: str) -> None:
    """As a decimal it stands; as a whole number it is out of range; the range around it can be compared."""
    quantity = f'{{"value": {number}, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"}}'
    other = '{"value": 2, "unit": "h", "system": "http://unitsofmeasure.org", "code": "h"}'
    text = f"""{{"resourceType": "Observation", "status": "final", "code": {{"text": "x"}},
      "valueRange": {{"low": {quantity}, "high": {other}}},
      "component": [{{"code": {{"text": "x"}}, "valueInteger": {number}}}]}}"""
    report = validator.validate(text)
    assert [f.path for f in report.issues if f.code == "validate-primitive"] == [
        "Observation.component[0].value.ofType(integer)"
    ]


@pytest.mark.parametrize(
    ("opened", "closed"), [("[", "]"), ('{"a":', "}"), ('[{"url":', "}]")], ids=["lists", "objects", "both"]
)
def test_nesting_beyond_what_can_be_followed_is_refused(validator: Validator, opened: str, closed: str) -> None:
    text = '{"resourceType": "Patient", "extension": ' + opened * 10_000 + "1" + closed * 10_000 + "}"
    assert codes(validator.validate(text)) == {"json-too-deep": 1}


@pytest.mark.parametrize(
    "elements",
    [
        {"language": "a " * 50_000 + " "},
        {"implicitRules": " " * 100_000},
        {"identifier": [{"system": "urn:oid:1" + ".1" * 50_000 + "x"}]},
        {"managingOrganization": {"reference": "http://" + "/Aa/a" * 50_000 + "?"}},
        {"managingOrganization": {"reference": "A" * 100_000 + "?"}},
        {"birthDate": "2020" * 50_000},
        {"deceasedDateTime": "2020-01-01T00:00:00." + "1" * 100_000 + "Q"},
        {"gender": "male" * 50_000},
        {"photo": [{"data": "A" * 100_001, "size": 1}]},
        {"birthDate" * 10_000: 1},
    ],
    ids=lambda elements: next(iter(elements))[:20],
)
def test_texts_that_trap_patterns_are_judged(validator: Validator, elements: dict[str, Any]) -> None:
    """Each of these ends in a finding; a pattern that tried every way to match it would not end."""
    report = validator.validate({"resourceType": "Patient", **elements})
    assert not report.valid or codes(report)["validate-invariant"] == 1
    assert all(len(found.message) < 1000 for found in report.issues + report.not_checked)


def test_references_in_a_circle_come_to_an_end(validator: Validator) -> None:
    chain = [
        {"resourceType": "Organization", "id": f"o{n}", "name": "x", "partOf": {"reference": f"#o{(n + 1) % 50}"}}
        for n in range(50)
    ]
    held = {"resourceType": "Patient", "contained": chain, "managingOrganization": {"reference": "#o0"}}
    assert validator.validate(held).valid
    assert validator.validate(dumps(held)).valid


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), math.nan, math.inf])
def test_what_is_no_number_is_no_decimal(validator: Validator, number: Any) -> None:
    """JSON has none of these; a dict may."""
    report = validator.validate(
        {"resourceType": "Observation", "valueRange": {"low": {"value": number}, "high": {"value": 1}}}
    )
    place = "Observation.value.ofType(Range).low.value"
    assert [found.path for found in report.issues if found.code == "validate-primitive"] == [place]


def test_a_dict_nested_deeper_than_any_text_may_be_is_refused(validator: Validator) -> None:
    held: dict[str, Any] = {"url": "https://example.org/a", "valueString": "x"}
    for _ in range(20_000):
        held = {"url": "https://example.org/a", "extension": [held]}
    assert codes(validator.validate({"resourceType": "Patient", "extension": [held]}))["json-too-deep"] == 1


def test_what_belongs_to_no_slice_is_told_within_bounds(validator: Validator) -> None:
    """Why it does not is said of a few, once, however many there are."""
    parts = [{"code": {"coding": [{"code": f"c{number}"}]}} for number in range(20_000)]
    bp = "http://hl7.org/fhir/StructureDefinition/bp"
    report = validator.validate({"resourceType": "Observation", "meta": {"profile": [bp]}, "component": parts})
    assert len(report.issues) < 2 * walk.MOST
    assert all(len(found.message) < 3000 for found in report.issues)


def test_checks_of_combinations_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends resources chooses which profiles they claim together, and must not fill the memory by it."""
    monkeypatch.setattr(resources, "_KEPT", 3)
    validator = Validator()
    held = validator._checkers.resources._held
    profiles = [url for url in validator._definitions.profiles() if url.endswith(("-care-plan", "-crisis-plan"))]
    assert len(profiles) == 2
    for claimed in ([], profiles[:1], profiles[1:], profiles, []):
        validator.validate({"resourceType": "CarePlan", "meta": {"profile": claimed}})
        assert 0 < len(held) <= 3


def test_of_value_sets_that_are_not_at_hand_nothing_is_kept(validator: Validator) -> None:
    asked = {"linkId": "q", "type": "choice", "answerValueSet": "https://nowhere.example/vs"}
    validator.validate(
        {
            "resourceType": "QuestionnaireResponse",
            "contained": [{"resourceType": "Questionnaire", "id": "q", "status": "active", "item": [asked]}],
            "questionnaire": "#q",
            "status": "completed",
            "item": [{"linkId": "q", "answer": [{"valueCoding": {"code": "x"}}]}],
        }
    )
    assert "https://nowhere.example/vs" not in validator._checkers.terminology._held


def test_answers_are_looked_up_once_for_all_questions(validator: Validator, monkeypatch: pytest.MonkeyPatch) -> None:
    depends = {"enableWhen": [{"question": "q0", "operator": "exists", "answerBoolean": True}]}
    asked = [{"linkId": f"q{number}", "type": "string", **(depends if number else {})} for number in range(50)]
    given = [{"linkId": f"q{number}", "answer": [{"valueString": "x"}]} for number in range(50)]
    with calls(monkeypatch, questionnaires, "answers_of") as counted:
        validator.validate(
            {
                "resourceType": "QuestionnaireResponse",
                "contained": [{"resourceType": "Questionnaire", "id": "q", "status": "active", "item": asked}],
                "questionnaire": "#q",
                "status": "completed",
                "item": given,
            }
        )
    assert counted == [1]


def narrowed(*elements: dict[str, Any]) -> dict[str, Any]:
    """A profile on Patient that says this of it."""
    return {
        "resourceType": "StructureDefinition",
        "url": "https://example.org/narrowed",
        "name": "Narrowed",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": "Patient", "path": "Patient"}, *elements]},
    }


def test_a_rule_that_goes_through_all_for_each_is_ended_and_said_not_to_be_checked() -> None:
    rule = {"key": "own-1", "severity": "error", "human": "No two families of one name."}
    rule["expression"] = "%resource.name.where(family = %context.family).count() = 1"
    other = {"key": "own-2", "severity": "error", "human": "A name has a text.", "expression": "text.exists()"}
    validator = Validator(
        resources=[narrowed({"id": "Patient.name", "path": "Patient.name", "constraint": [rule, other]})]
    )
    for count, ended in ((20, False), (3000, True)):
        named = {"resourceType": "Patient", "name": [{"family": f"F{number}"} for number in range(count)]}
        report = validator.validate(named, ["https://example.org/narrowed"])
        assert any(found.code == "validate-unchecked-invariant" for found in report.not_checked) is ended
        told = sum(found.path.startswith("Patient.name") for found in report.issues)
        assert told >= min(count, walk.MOST)  # the other rule is asked to the end


def test_slices_are_made_without_looking_at_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for count in (100, 200):
        slices = [
            {"id": f"Patient.name:s{number}", "path": "Patient.name", "sliceName": f"s{number}"}
            for number in range(count)
        ]
        with calls(monkeypatch, shape.Shape, "copy") as counted:
            Validator(resources=[narrowed(*slices)]).require(["https://example.org/narrowed"])
        made.append(counted[0])
    assert made[1] - made[0] <= 10 * 100
