"""Answers against the questionnaire that asked for them."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import Validator

Json = dict[str, Any]
URL = "https://example.org/Questionnaire/asked"
FHIR, SDC = "http://hl7.org/fhir/StructureDefinition/", "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-"
ITEM, ANSWER = "QuestionnaireResponse.item[0]", "QuestionnaireResponse.item[0].answer[0]"


def extension(name: str, home: str = FHIR, **value: Any) -> Json:
    return {"extension": [{"url": home + name, **value}]}


def asks(*items: Json) -> Json:
    return {"resourceType": "Questionnaire", "url": URL, "status": "active", "item": [*items]}


def response(*items: Json, status: str = "completed") -> Json:
    return {"resourceType": "QuestionnaireResponse", "status": status, "questionnaire": URL,
            **({"item": [*items]} if items else {})}  # fmt: skip


def given(*answers: Any, link: str = "q", form: str = "valueString", **more: Any) -> Json:
    return {"linkId": link, "answer": [{form: answer} for answer in answers], **more}


def coded(system: str, *codes: str) -> Json:
    return given(*({"system": system, "code": code, "display": "Shown"} for code in codes), form="valueCoding")


def faults(questionnaire: Json, answered: Json) -> set[tuple[str, str]]:
    report = Validator(resources=[questionnaire]).validate(answered)
    return {(one.code, one.path) for one in (*report.issues, *report.not_checked) if "answer" in one.code}


def question(kind: str = "string", link: str = "q", **more: Any) -> Json:
    return {"linkId": link, "type": kind, "text": "Asked", **more}


OPTIONS = {"answerOption": [{"valueString": "yes"}, {"valueString": "no"}]}
CODED = [{"valueCoding": {"system": "urn:s", "code": code}} for code in "ab"]
CODED[1] |= extension("questionnaire-optionExclusive", valueBoolean=True)
KG, STONE = ({"value": 10, "system": "http://unitsofmeasure.org", "code": code} for code in ("kg", "[stone_av]"))
MOST = extension("questionnaire-maxQuantity", SDC, valueQuantity=KG)


@pytest.mark.parametrize(
    ("item", "right", "wrong", "code", "place"),
    [
        (question(), given("x"), given("x", link="r"), "validate-answer-unknown", ITEM),
        (question("integer"), given(7, form="valueInteger"), given("x"), "validate-answer-type",
         ANSWER + ".value.ofType(string)"),
        (question(), given("x"), given("x", "y"), "validate-answer-count", ITEM),
        (question(repeats=True), given("x", "y"), given(7, form="valueInteger"), "validate-answer-type",
         ANSWER + ".value.ofType(integer)"),
        (question(repeats=True, **extension("questionnaire-maxOccurs", valueInteger=2)), given("x", "y"),
         given("x", "y", "z"), "validate-answer-count", ITEM),
        (question(repeats=True, **extension("questionnaire-minOccurs", valueInteger=2)), given("x", "y"),
         given("x"), "validate-answer-count", ITEM),
        (question("display"), {"linkId": "q"}, given("x"), "validate-answer-place", ITEM),
        (question("group"), {"linkId": "q"}, given("x"), "validate-answer-place", ITEM),
        (question("question"), {"linkId": "q"}, given("x"), "validate-answer-place", ITEM),
        (question(**OPTIONS), given("yes"), given("perhaps"), "validate-answer-option",
         ANSWER + ".value.ofType(string)"),
        (question("choice", answerOption=CODED), coded("urn:s", "a"), coded("urn:t", "a"), "validate-answer-option",
         ANSWER),
        (question("choice", repeats=True, answerOption=CODED), coded("urn:s", "b"), coded("urn:s", "b", "a"),
         "validate-answer-option", ANSWER),
        (question("choice", **OPTIONS), given("yes"), given("perhaps"), "validate-answer-option",
         ANSWER + ".value.ofType(string)"),
        (question("open-choice", answerOption=CODED), given("in my own words"), given(7, form="valueInteger"),
         "validate-answer-type", ANSWER + ".value.ofType(integer)"),
        (question(maxLength=3), given("abc"), given("abcd"), "validate-answer-limit", ANSWER + ".value.ofType(string)"),
        (question(**extension("minLength", valueInteger=3)), given("abc"), given("ab"), "validate-answer-limit",
         ANSWER + ".value.ofType(string)"),
        (question(**extension("regex", valueString="[a-z]+")), given("abc"), given("ab1"), "validate-answer-limit",
         ANSWER + ".value.ofType(string)"),
        (question("date", **extension("minValue", valueDate="2026-01-01")), given("2026-01-01", form="valueDate"),
         given("2025-12-31", form="valueDate"), "validate-answer-limit", ANSWER + ".value.ofType(date)"),
        (question("integer", **extension("maxValue", valueInteger=24)), given(24, form="valueInteger"),
         given(25, form="valueInteger"), "validate-answer-limit", ANSWER + ".value.ofType(integer)"),
        (question("quantity", **MOST), given(KG, form="valueQuantity"), given(STONE, form="valueQuantity"),
         "validate-answer-limit", ANSWER + ".value.ofType(Quantity)"),
        (question("quantity", **MOST), given(KG, form="valueQuantity"),
         given({**KG, "code": "m"}, form="valueQuantity"), "validate-answer-limit", ANSWER + ".value.ofType(Quantity)"),
        (question("attachment", **extension("mimeType", valueCode="image/png")),
         given({"contentType": "image/png", "url": "urn:x"}, form="valueAttachment"),
         given({"contentType": "text/html", "url": "urn:x"}, form="valueAttachment"), "validate-answer-limit",
         ANSWER + ".value.ofType(Attachment)"),
        (question("reference", **extension("questionnaire-referenceResource", valueCode="Patient")),
         given({"reference": "Patient/a"}, form="valueReference"),
         given({"reference": "Organization/a"}, form="valueReference"), "validate-answer-limit",
         ANSWER + ".value.ofType(Reference)"),
        (question("choice", answerValueSet="http://hl7.org/fhir/ValueSet/name-use"),
         given({"system": "http://hl7.org/fhir/name-use", "code": "old"}, form="valueCoding"),
         given({"system": "http://hl7.org/fhir/name-use", "code": "new"}, form="valueCoding"), "validate-answer-option",
         ANSWER + ".value.ofType(Coding)"),
        (question("choice", answerValueSet="https://example.org/ValueSet/elsewhere"), {"linkId": "q"},
         given({"system": "urn:s", "code": "a"}, form="valueCoding"), "validate-unchecked-answer",
         ANSWER + ".value.ofType(Coding)"),
    ],
)  # fmt: skip
def test_an_answer_is_what_was_asked_for(item: Json, right: Json, wrong: Json, code: str, place: str) -> None:
    assert faults(asks(item), response(right)) == set()
    assert faults(asks(item), response(wrong)) == {(code, place)}


@pytest.mark.parametrize(("status", "missed"), [("completed", True), ("amended", True), ("in-progress", False)])
def test_what_is_required_is_there_once_a_response_is_finished(status: str, missed: bool) -> None:
    asked = asks(question(required=True), question("group", "g", required=True, item=[question(link="h")]))
    missing = "validate-answer-missing"
    assert faults(asked, response(status=status)) == ({(missing, "QuestionnaireResponse")} if missed else set())
    empty = response({"linkId": "q"}, {"linkId": "g"}, status=status)
    places = {(missing, ITEM), (missing, "QuestionnaireResponse.item[1]")}
    assert faults(asked, empty) == (places if missed else set())
    whole = response(given("x"), {"linkId": "g", "item": [given("y", link="h")]}, status=status)
    assert faults(asked, whole) == set()


WHEN: list[tuple[Json, Any, bool]] = [
    ({"operator": "=", "answerString": "yes"}, "yes", True),
    ({"operator": "=", "answerString": "yes"}, "no", False),
    ({"operator": "!=", "answerString": "yes"}, "no", True),
    ({"operator": "exists", "answerBoolean": True}, "x", True),
    ({"operator": "exists", "answerBoolean": False}, "x", False),
    ({"operator": ">", "answerInteger": 3}, 4, True),
    ({"operator": ">", "answerInteger": 3}, 3, False),
    ({"operator": "<=", "answerInteger": 3}, 3, True),
    (
        {"operator": "=", "answerCoding": {"system": "urn:s", "code": "a"}},
        {"system": "urn:s", "code": "a", "display": "A"},
        True,
    ),
]


@pytest.mark.parametrize(("condition", "answer", "enabled"), WHEN)
def test_a_question_is_asked_by_the_answers_to_others(condition: Json, answer: Any, enabled: bool) -> None:
    kind, form = {str: ("string", "valueString"), int: ("integer", "valueInteger")}.get(
        type(answer), ("choice", "valueCoding")
    )
    asked = asks(question(kind), question(link="r", required=True, enableWhen=[{"question": "q", **condition}]))
    first = given(answer, form=form)
    unanswered = {("validate-answer-missing", "QuestionnaireResponse")} if enabled else set()
    assert faults(asked, response(first)) == unanswered
    answered = set() if enabled else {("validate-answer-disabled", "QuestionnaireResponse.item[1]")}
    assert faults(asked, response(first, given("x", link="r"))) == answered


@pytest.mark.parametrize(("behavior", "asked"), [("any", True), ("all", False), (None, False)])
def test_of_several_conditions_all_or_any_must_hold(behavior: str | None, asked: bool) -> None:
    conditions = [{"question": "q", "operator": "=", "answerString": text} for text in ("yes", "no")]
    item = question(
        link="r", required=True, enableWhen=conditions, **({"enableBehavior": behavior} if behavior else {})
    )
    found = faults(asks(question(), item), response(given("yes")))
    assert found == ({("validate-answer-missing", "QuestionnaireResponse")} if asked else set())


def test_what_is_not_asked_for_needs_no_answers() -> None:
    least = extension("questionnaire-minOccurs", valueInteger=2)
    other = question(
        link="r", repeats=True, enableWhen=[{"question": "q", "operator": "exists", "answerBoolean": False}], **least
    )
    assert faults(asks(question(), other), response(given("x"))) == set()
    disabled = {("validate-answer-disabled", "QuestionnaireResponse.item[1]")}
    assert faults(asks(question(), other), response(given("x"), {"linkId": "r"})) == disabled


def test_questions_within_answers_and_groups_that_repeat() -> None:
    inner = question(item=[question("integer", "age")])
    asked = asks(question("group", "g", repeats=True, item=[inner]))
    one = {
        "linkId": "g",
        "item": [{"linkId": "q", "answer": [{"valueString": "x", "item": [given("old", link="age")]}]}],
    }
    place = "QuestionnaireResponse.item[0].item[0].answer[0].item[0].answer[0].value.ofType(string)"
    assert faults(asked, response(one, {"linkId": "g"})) == {("validate-answer-type", place)}
    once = asks(question("group", "g", item=[inner]))
    twice = faults(once, response({"linkId": "g"}, {"linkId": "g"}))
    assert twice == {("validate-answer-count", "QuestionnaireResponse.item[1]")}


@pytest.mark.parametrize("url", ["https://example.org/Questionnaire/none", "#none"])
def test_a_questionnaire_that_is_not_at_hand_is_said_not_to_be_checked(url: str) -> None:
    report = Validator().validate(response(given("x")) | {"questionnaire": url})
    found = {(one.code, one.path) for one in report.not_checked}
    assert ("validate-unchecked-questionnaire", "QuestionnaireResponse.questionnaire") in found


def test_a_contained_questionnaire_asks_too() -> None:
    asked = {**asks(question("integer")), "id": "asked"}
    report = Validator().validate(response(given("x")) | {"contained": [asked], "questionnaire": "#asked"})
    assert "validate-answer-type" in {one.code for one in report.issues}


def test_what_is_no_questionnaire_is_refused() -> None:
    report = Validator().validate(response() | {"questionnaire": "http://hl7.org/fhir/ValueSet/name-use"})
    found = {(one.code, one.path) for one in report.issues if one.is_error}
    assert found == {("validate-reference-type", "QuestionnaireResponse.questionnaire")}


@pytest.mark.parametrize(
    "spoilt",
    [7, ["x"], [{"linkId": 7}], [{"linkId": {}}, {"linkId": []}], [{"linkId": "q", "type": 7, "answerOption": 7}], {}],
)
def test_a_questionnaire_that_is_malformed_asks_for_nothing_that_it_does_not_say(spoilt: Any) -> None:
    report = Validator(resources=[asks() | {"item": spoilt}]).validate(
        response({"linkId": "q", "answer": [7, {"valueString": "x"}]})
    )
    assert {one.code for one in report.issues if "answer" in one.code} <= {"validate-answer-unknown"}
