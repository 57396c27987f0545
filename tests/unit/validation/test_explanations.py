"""What is wrong is said in words, and how to mend it, not in FHIRPath."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.packages.base import base_facts
from fhir_mh.profiles.bundle import TABLES
from fhir_mh.terminology.expansion import MAX_LISTED, Expansion
from fhir_mh.validation import Validator
from fhir_mh.validation.explanations import _explanations, explain

PACKAGE = Path(__file__).parents[3] / "profiles" / "package"
ELSEWHERE = {"ref-1", "txt-1", "txt-2"}  # these checks say more than their rule does
KINDS = {table.kind for table in TABLES} | {"Resource", "DomainResource", "Bundle"}


def rules(definitions: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """(path of the element, key) of every rule."""
    for definition in definitions:
        for element in definition.get("differential", ()):
            for rule in element.get("constraint", ()):
                yield element["path"], rule["key"]


def met_by_our_resources() -> list[tuple[str, str]]:
    """The rules of R4 on the resources of our profiles, and on every data type that they are made of."""
    types = [facts for facts in base_facts("types").values() if facts["kind"] != "resource" or facts["type"] in KINDS]
    return sorted({(path, key) for path, key in rules(types) if key not in ELSEWHERE and not aside(path)})


def aside(path: str) -> bool:
    return path.startswith(("ElementDefinition", "DataRequirement", "TriggerDefinition"))  # of definitions alone


@pytest.mark.parametrize(("path", "key"), met_by_our_resources())
def test_every_rule_of_r4_that_our_resources_meet_is_explained(path: str, key: str) -> None:
    said = _explanations().get(f"{path} {key}") or _explanations()[key]
    assert said[0].endswith(".")
    assert said[1].endswith(".")


def of_our_own() -> dict[str, str]:
    """What each rule of our profiles says, by its key."""
    own = [json.loads(file.read_text("utf-8")) for file in PACKAGE.glob("StructureDefinition-*.json")]
    return {
        rule["key"]: rule["human"]
        for definition in own
        for element in definition["differential"]["element"]
        for rule in element.get("constraint", ())
    }


def all_of_r4() -> list[tuple[str, str]]:
    """The rules of R4 on types and in its own profiles."""
    return sorted(rules([*base_facts("types").values(), *base_facts("profiles").values()]))


def test_no_rule_of_r4_is_told_by_its_expression() -> None:
    for path, key in all_of_r4():
        if key not in ELSEWHERE:
            assert explain(path, key, "", "an.expression")[0] != "This must hold: an.expression", f"{path} {key}"


def test_nothing_is_explained_that_is_no_rule() -> None:
    of_r4 = set(all_of_r4())
    known = {key for _, key in of_r4} | {f"{path} {key}" for path, key in of_r4}
    assert {key for key in _explanations() if key.startswith("mh-")} == of_our_own().keys()
    assert {key for key in _explanations() if not key.startswith("mh-")} <= known - ELSEWHERE


def test_every_rule_of_our_own_says_what_is_wrong_and_how_to_mend_it() -> None:
    for key, human in of_our_own().items():
        wrong, mend = explain("CarePlan", key, human, "an.expression")
        assert wrong == human
        assert "an.expression" not in mend


def test_a_rule_of_a_package_is_told_in_its_own_words_else_by_its_expression() -> None:
    assert explain("CarePlan", "their-1", "A plan has a title.", "title.exists()") == (
        "A plan has a title.",
        "Make this hold: title.exists()",
    )
    assert explain("CarePlan", "their-1", "", "title.exists()")[0] == "This must hold: title.exists()"


def test_a_key_that_r4_uses_twice_is_told_apart() -> None:
    task, parameter = explain("Task", "inv-1", "", "x"), explain("Parameters.parameter", "inv-1", "", "x")
    assert task != parameter
    assert "x" not in task + parameter


def test_a_finding_carries_the_explanation_and_the_rule_s_key() -> None:
    plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"reference": "Patient/a"}}
    plan["activity"] = [{"reference": {"reference": "Task/a"}, "detail": {"status": "scheduled"}}]
    (found,) = Validator().validate(plan).issues[:1]
    assert "both a detail and a reference" in found.message
    assert "cpl-3" in found.message
    assert found.fix.startswith("Keep detail")


# --- codes


def expansion(*codes: str, whole: bool = True) -> Expansion:
    return Expansion({"urn:s": frozenset(codes)}, frozenset(), whole)


def test_a_code_that_is_not_there_is_answered_with_those_that_are() -> None:
    assert expansion("active", "draft").suggestion({"code": "zzz", "system": "urn:s"}) == "Use one of: active, draft."


def test_a_code_nearly_right_is_guessed() -> None:
    assert (
        expansion("active", "draft")
        .suggestion({"code": "activ", "system": "urn:s"})
        .startswith("Did you mean 'active'?")
    )


def test_a_long_list_is_not_written_out() -> None:
    codes = [f"c{n}" for n in range(MAX_LISTED + 1)]
    assert expansion(*codes).suggestion({"code": "zzz", "system": "urn:s"}) == "Use a code of that value set."


def test_codes_that_cannot_all_be_listed_are_not_called_the_only_ones() -> None:
    assert "one of" not in expansion("active", whole=False).suggestion({"code": "zzz", "system": "urn:s"})


def test_a_coding_without_its_system_is_told_which_it_is() -> None:
    assert expansion("TREAT").suggestion({"code": "TREAT"}) == 'Add "system": "urn:s" to the coding.'


def test_a_coding_of_a_wrong_system_is_told_the_right_one() -> None:
    assert "urn:s" in expansion("TREAT").suggestion({"code": "TREAT", "system": "urn:other"})


def test_of_an_extensible_value_set_another_code_may_stand() -> None:
    said = expansion("active").suggestion({"code": "zzz", "system": "urn:s"}, extensible=True)
    assert said.endswith("yours may stand.")


@pytest.mark.parametrize("value", [5, None, [], True])
def test_what_is_no_object_is_a_finding_and_no_exception(value: Any) -> None:
    (found,) = Validator().validate(value).issues
    assert (found.code, found.path) == ("json-not-an-object", "")
