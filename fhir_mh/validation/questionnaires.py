"""Answers beside the questionnaire that asked for them.

See https://hl7.org/fhir/R4/questionnaireresponse.html and https://hl7.org/fhir/R4/questionnaire.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhirpath import Environment, FHIRPathError, Node
from fhir_mh.fhirpath.operators import order
from fhir_mh.fhirpath.patterns import matches_full
from fhir_mh.validation.answers import (
    LIMITS,
    answers_of,
    enabled,
    extension_value,
    extensions,
    options_of,
    permitted,
    types_of_options,
    value_of,
)
from fhir_mh.validation.compiler import Compiler
from fhir_mh.validation.references import target_type
from fhir_mh.validation.rules import says_a_code
from fhir_mh.validation.walk import Place, Walk, shown

Json = dict[str, Any]
_FINISHED = ("completed", "amended")
_TYPES = {
    "boolean": ("boolean",), "decimal": ("decimal",), "integer": ("integer",), "date": ("date",),
    "dateTime": ("dateTime",), "time": ("time",), "string": ("string",), "text": ("string",), "url": ("uri",),
    "choice": ("Coding",), "open-choice": ("Coding", "string"), "attachment": ("Attachment",),
    "reference": ("Reference",), "quantity": ("Quantity",),
}  # fmt: skip
_UNANSWERED = ("group", "display", "question")  # a question of no other type is there to be derived from


def response_rule(value: Json, place: Place, walk: Walk, compiler: Compiler) -> None:
    """The check of a QuestionnaireResponse against the questionnaire it names, where that is at hand."""
    url = value.get("questionnaire")
    if not isinstance(url, str):
        return
    here: Place = (place, "questionnaire", None, "questionnaire")
    if url.startswith("#"):
        asked = walk.local(url)[1]
    else:
        asked = compiler.definitions.questionnaire(url)
        other = None if asked else compiler.definitions.kind_of(url)
        if other is not None:
            walk.fail("validate-reference-type", here, seen=f"'{other}'", allowed="Questionnaire")
            return
    if asked is None:
        walk.skip("validate-unchecked-questionnaire", here, questionnaire=shown(url))
        return
    _Responses(value, walk, compiler).check(items_of(value), items_of(asked), place)


def items_of(value: Json) -> list[Json]:
    """The items right within a questionnaire, a response, an item or an answer."""
    return objects_in(value.get("item"))


def _taken(question: Json) -> tuple[str, ...]:
    """The types of answer that a question takes: a choice takes those of its options besides."""
    wanted = _TYPES.get(str(question.get("type")), ())
    return (*wanted, *types_of_options(question)) if "Coding" in wanted else wanted


class _Responses:
    """One response under check."""

    def __init__(self, response: Json, walk: Walk, compiler: Compiler) -> None:
        self._given, self._walk, self._compiler = answers_of(response), walk, compiler
        self._finished = response.get("status") in _FINISHED

    def check(self, given: list[Json], asked: list[Json], place: Place) -> None:
        """What was given in one place against what was asked there."""
        known = {link: item for item in asked if isinstance(link := item.get("linkId"), str)}
        seen: dict[str, int] = {}
        for index, item in enumerate(given):
            here: Place = (place, "item", index, "item")
            link = item.get("linkId")
            question = known.get(link) if isinstance(link, str) else None
            if question is None or not isinstance(link, str):
                self._walk.fail("validate-answer-unknown", here, link=shown(link))
                continue
            seen[link] = seen.get(link, 0) + 1
            if seen[link] == 2 and (question.get("type") != "group" or question.get("repeats") is not True):
                self._walk.fail("validate-answer-count", here, link=shown(link), count="two items", asked="one")
            if not enabled(question, self._given):
                self._walk.fail("validate-answer-disabled", here, link=shown(link))
            self._item(item, question, here)
        for link, question in known.items():
            if link not in seen and self._must(question):
                self._walk.fail("validate-answer-missing", place, link=shown(link))

    def _must(self, question: Json) -> bool:
        return self._finished and question.get("required") is True and enabled(question, self._given)

    def _item(self, item: Json, question: Json, here: Place) -> None:
        kind, link = question.get("type"), shown(question.get("linkId"))
        answers = objects_in(item.get("answer"))
        if kind in _UNANSWERED:
            if answers:
                self._walk.fail("validate-answer-place", here, link=link, kind=kind)
            elif kind == "group" and not items_of(item) and self._must(question):
                self._walk.fail("validate-answer-missing", here, link=link)
            self.check(items_of(item), items_of(question), here)
            return
        self._count(len(answers), question, here)
        for index, answer in enumerate(answers):
            there: Place = (here, "answer", index, "answer")
            self._answer(answer, question, there)
            self.check(items_of(answer), items_of(question), there)
        self._alone(answers, question, here)

    def _count(self, count: int, question: Json, here: Place) -> None:
        asked = enabled(question, self._given)
        least = (extension_value(question, "questionnaire-minOccurs") if asked else 0) or int(self._must(question))
        most = extension_value(question, "questionnaire-maxOccurs") or (None if question.get("repeats") is True else 1)
        link = shown(question.get("linkId"))
        if self._finished and isinstance(least, int) and count < least:
            if count or least > 1:
                self._walk.fail("validate-answer-count", here, link=link, count=count, asked=f"at least {least}")
            else:
                self._walk.fail("validate-answer-missing", here, link=link)
        elif isinstance(most, int) and count > most:
            self._walk.fail("validate-answer-count", here, link=link, count=count, asked=f"at most {most}")

    def _alone(self, answers: list[Json], question: Json, here: Place) -> None:
        """An option that excludes all others stands alone."""
        alone = [one for one in options_of(question) if extension_value(one, "questionnaire-optionExclusive") is True]
        link = shown(question.get("linkId"))
        for index, answer in enumerate(answers if alone and len(answers) > 1 else ()):
            if permitted(answer, alone):
                at: Place = (here, "answer", index, "answer")
                self._walk.fail("validate-answer-option", at, link=link, what="excludes all others")

    def _answer(self, answer: Json, question: Json, here: Place) -> None:
        key, kind, value = value_of(answer)
        if key is None:
            return
        link, at = shown(question.get("linkId")), (here, f"value.ofType({kind})", None, key)
        wanted = _taken(question)
        if wanted and kind not in wanted:
            self._walk.fail("validate-answer-type", at, link=link, seen=kind, wanted=" or ".join(wanted))
            return
        options = options_of(question)
        open_choice = question.get("type") == "open-choice" and kind == "string"
        if options and not open_choice and not permitted(answer, options):
            told = here if kind == "Coding" else at
            self._walk.fail("validate-answer-option", told, link=link, what="is not among them")
        url = question.get("answerValueSet")
        if isinstance(url, str) and not open_choice:
            self._bound(url, kind, value, at, link)
        for what in self._broken_limits(question, kind, value):
            self._walk.fail("validate-answer-limit", at, link=link, limit=what)

    def _bound(self, url: str, kind: str, value: Any, at: Place, link: str) -> None:
        expansion = None if url.startswith("#") else self._compiler.terminology.expand(url)
        coded = kind == "Coding" and isinstance(value, dict)
        system, code = (value.get("system", ""), value.get("code")) if coded else (None, value)
        told = says_a_code(value) if coded else isinstance(code, str)
        answer = expansion.holds(system, code) if expansion is not None and told else None
        if answer is None:
            self._walk.skip("validate-unchecked-answer", at, link=link, value_set=shown(url))
        elif answer is False:
            self._walk.fail("validate-answer-option", at, link=link, what="is not in their value set")

    def _broken_limits(self, question: Json, kind: str, value: Any) -> Iterator[str]:
        around = Environment(self._walk.model, None)
        if isinstance(value, str) and kind in ("string", "uri"):
            most, least = question.get("maxLength"), extension_value(question, "minLength")
            if isinstance(most, int) and len(value) > most:
                yield f"at most {most} characters"
            if isinstance(least, int) and len(value) < least:
                yield f"at least {least} characters"
            form = extension_value(question, "regex")
            try:
                if isinstance(form, str) and not matches_full(value, form, around.spend):
                    yield "the form that it asks for"
            except FHIRPathError:
                pass  # a form that cannot be read asks for nothing that could be checked
        for name, side in LIMITS.items():
            edge = extension_value(question, name)
            if edge is None:
                continue
            try:
                compared = order([Node(value, kind)], [Node(edge, kind)], around)
            except FHIRPathError:
                compared = None
            if compared is None:
                yield f"its {name}, with which it cannot be compared"
            elif compared == side:
                yield f"its {name}"
        media = [held for held in extensions(question, "mimeType") if isinstance(held, str)]
        if kind == "Attachment" and media and isinstance(value, dict) and value.get("contentType") not in media:
            yield "the media types that it takes"
        types = [held for held in extensions(question, "questionnaire-referenceResource") if isinstance(held, str)]
        if kind == "Reference" and types and isinstance(value, dict):
            seen = target_type(value, self._walk)
            if seen is not None and seen not in types:
                yield "the types of resource that it takes"
