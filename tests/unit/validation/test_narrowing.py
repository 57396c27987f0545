"""What an element of a differential says of bindings, and how often an extension stands that a profile names."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import Validator
from fhir_mh.packages.definitions import Definitions
from fhir_mh.validation.shape import Binding
from fhir_mh.validation.shapes import Shapes

HOME = "https://example.org/fhir/"
R4 = "http://hl7.org/fhir/StructureDefinition/"
MARITAL = "http://hl7.org/fhir/ValueSet/marital-status"


def profile(name: str, *elements: dict[str, Any], kind: str = "Patient", base: str = "", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition",
        "url": HOME + name,
        "type": kind,
        "kind": "resource" if kind == "Patient" else "complex-type",
        "derivation": "constraint",
        "baseDefinition": base or R4 + kind,
        "differential": {"element": list(elements)},
        **more,
    }


def bound(**said: str) -> dict[str, Any]:
    return {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus", "binding": said}


OTHER = "https://example.org/fhir/ValueSet/other"


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ({"strength": "required"}, [("required", MARITAL)]),
        ({"strength": "required", "valueSet": MARITAL}, [("required", MARITAL)]),
        ({"strength": "preferred", "valueSet": MARITAL}, [("extensible", MARITAL)]),
        ({"strength": "example"}, [("extensible", MARITAL)]),
        ({"strength": "required", "valueSet": OTHER}, [("extensible", MARITAL), ("required", OTHER)]),
        ({"strength": "preferred", "valueSet": OTHER}, [("extensible", MARITAL), ("preferred", OTHER)]),
        ({"description": "nothing else"}, [("extensible", MARITAL)]),
    ],
    ids=str,
)
def test_a_binding_is_strengthened_or_added_to(said: dict[str, str], held: list[tuple[str, str]]) -> None:
    shapes = Shapes(Definitions(resources=[profile("p", bound(**said))]))
    found = shapes.children(shapes.of_profile(HOME + "p"))["maritalStatus"].bindings
    assert list(found) == [Binding(*each) for each in held]


def test_a_strength_alone_is_of_the_value_set_that_the_parent_bound_last() -> None:
    parent = profile("p", bound(strength="preferred", valueSet=OTHER))
    child = profile("q", bound(strength="required"), base=HOME + "p")
    shapes = Shapes(Definitions(resources=[parent, child]))
    found = shapes.children(shapes.of_profile(HOME + "q"))["maritalStatus"].bindings
    assert found == (Binding("extensible", MARITAL), Binding("required", OTHER))


def refused(root: dict[str, Any], said: dict[str, Any]) -> bool:
    """Whether a profile that names an extension refuses it twice; root and said: of its definition, of the profile."""
    extension = profile(
        "e",
        {"id": "Extension", "path": "Extension", **root},
        {"id": "Extension.url", "path": "Extension.url", "fixedUri": HOME + "e"},
        kind="Extension",
        context=[{"type": "element", "expression": "Patient"}],
    )
    named = {
        "id": "Patient.extension:e",
        "path": "Patient.extension",
        "sliceName": "e",
        "type": [{"code": "Extension", "profile": [HOME + "e"]}],
        **said,
    }
    validator = Validator(resources=[extension, profile("p", named)])
    one = {"url": HOME + "e", "valueCode": "x"}
    found = validator.validate({"resourceType": "Patient", "extension": [one, one]}, [HOME + "p"])
    assert {issue.code for issue in found.issues if issue.is_error} <= {"validate-too-many"}
    assert validator.validate({"resourceType": "Patient", "extension": [one]}, [HOME + "p"]).valid
    return not found.valid


@pytest.mark.parametrize(
    ("root", "said", "once"),
    [
        ({"max": "1"}, {}, True),
        ({"max": "1"}, {"max": "*"}, False),
        ({"max": "*"}, {}, False),
        ({"max": "*"}, {"max": "1"}, True),
        ({}, {}, False),
    ],
    ids=str,
)
def test_an_extension_stands_as_often_as_the_profile_says_else_its_own_definition(
    root: dict[str, Any], said: dict[str, Any], once: bool
) -> None:
    assert refused(root, said) is once


@pytest.mark.parametrize("code", ["HumanNam", "CodeableReference", ""])
def test_a_profile_with_a_type_that_r4_has_not_is_not_checked(code: str) -> None:
    named = {"id": "Patient.name", "path": "Patient.name", "type": [{"code": code}]}
    resource = {"resourceType": "Patient", "meta": {"profile": [HOME + "p"]}, "name": [{"text": "A"}]}
    report = Validator(resources=[profile("p", named)]).validate(resource)
    assert [found.code for found in report.not_checked] == ["validate-unusable-profile"]
