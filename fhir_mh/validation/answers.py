"""Answers and questions one at a time: what is said, whether it is one of the options, whether it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhirpath import Environment, FHIRPathError, Node
from fhir_mh.fhirpath.operators import order, same
from fhir_mh.packages.model import R4

Json = dict[str, Any]
Answers = dict[str, list[Node]]
_STANDARD = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-"
LIMITS = {"minValue": -1, "maxValue": 1, "questionnaire-minQuantity": -1, "questionnaire-maxQuantity": 1}
_FORMS = dict(R4.child("QuestionnaireResponse.item.answer", "value") or ())
_OPTIONS = dict(R4.child("Questionnaire.item.answerOption", "value") or ())
_ENABLING = dict(R4.child("Questionnaire.item.enableWhen", "answer") or ())


def value_of(answer: Json) -> tuple[str | None, str, Any]:
    """(key, type, value) of what an answer says; the key is None where it says nothing."""
    for key, kind in _FORMS.items():
        if key in answer:
            return key, kind, answer[key]
    return None, "", None


def extensions(element: Json, name: str) -> Iterator[Any]:
    """The values of an element's extensions of FHIR's own, or of SDC, by that name."""
    for extension in objects_in(element.get("extension")):
        if extension.get("url") in (_STANDARD + name, _SDC + name):
            yield from (value for key, value in extension.items() if key.startswith("value"))


def extension_value(element: Json, name: str) -> Any:
    """The first of them; None where there is none."""
    return next(extensions(element, name), None)


def options_of(question: Json) -> list[Json]:
    """The options that a question offers."""
    return objects_in(question.get("answerOption"))


def types_of_options(question: Json) -> list[str]:
    """The types that these options are of."""
    return [kind for option in options_of(question) for key, kind in _OPTIONS.items() if key in option]


def permitted(answer: Json, options: list[Json]) -> bool:
    """Whether an answer is one of these options: codings by system and code, all else by value."""
    key, kind, value = value_of(answer)
    if key is None:
        return True
    if kind == "Coding" and isinstance(value, dict):
        said = (value.get("system"), value.get("code"))
        codings = [option["valueCoding"] for option in options if isinstance(option.get("valueCoding"), dict)]
        return any((coding.get("system"), coding.get("code")) == said for coding in codings)
    return any(option[key] == value for option in options if key in option and key in _OPTIONS)


def answers_of(response: Json) -> Answers:
    """The answers of a response by the linkId of their question, wherever they stand."""
    found: Answers = {}
    waiting = [response]
    while waiting:
        here = waiting.pop()
        answers, link = objects_in(here.get("answer")), here.get("linkId")
        waiting += [*objects_in(here.get("item")), *answers]
        if isinstance(link, str):
            said = [Node(value, kind) for key, kind, value in map(value_of, answers) if key is not None]
            found.setdefault(link, []).extend(said)
    return found


def enabled(question: Json, given: Answers) -> bool:
    """Whether a question is asked, by the answers that it depends on. One that cannot be told is."""
    conditions = objects_in(question.get("enableWhen"))
    if not conditions:
        return True
    met = [_met(condition, given) for condition in conditions]
    return any(met) if question.get("enableBehavior") == "any" else all(met)


def _met(condition: Json, given: Answers) -> bool:
    link = condition.get("question")
    answers = given.get(link, []) if isinstance(link, str) else []
    operator = condition.get("operator")
    key = next((key for key in _ENABLING if key in condition), None)
    if key is None or operator is None:
        return True
    wanted = Node(condition[key], _ENABLING[key])
    if operator == "exists":
        return bool(answers) is condition[key]
    around = Environment(R4, None)
    try:
        if operator in ("=", "!="):
            equal = any(_equal(answer, wanted, around) for answer in answers)
            return equal if operator == "=" else not equal
        compared = [order([answer], [wanted], around) for answer in answers]
    except FHIRPathError:
        return True
    accepted = {">": (1,), "<": (-1,), ">=": (0, 1), "<=": (-1, 0)}.get(str(operator), (-1, 0, 1))
    return any(found in accepted for found in compared)


def _equal(answer: Node, wanted: Node, around: Environment) -> bool:
    if isinstance(answer.value, dict) and isinstance(wanted.value, dict) and wanted.type == "Coding":
        return all(answer.value.get(key) == wanted.value.get(key) for key in ("system", "code"))
    return same([answer], [wanted], around) is True
