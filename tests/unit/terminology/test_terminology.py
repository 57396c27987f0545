"""Value sets offline: what is a member, what is not, and what cannot be told."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.packages.definitions import Definitions
from fhir_mh.terminology.expansion import Terminology
from fhir_mh.terminology.snomed import well_formed

CS: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": "urn:cs",
    "content": "complete",
    "concept": [{"code": "a", "concept": [{"code": "b", "concept": [{"code": "c"}]}]}, {"code": "d"}],
}


def terminology(*includes: dict[str, Any], exclude: list[dict[str, Any]] | None = None, **more: Any) -> Terminology:
    compose = {"include": list(includes), **({"exclude": exclude} if exclude else {})}
    value_set = {"resourceType": "ValueSet", "url": "urn:vs", "compose": compose}
    return Terminology(Definitions(resources=[CS, value_set, *more.get("others", ())]))


def holds(terms: Terminology, code: str, system: str | None = "urn:cs") -> bool | None:
    found = terms.expand("urn:vs")
    assert found is not None
    return found.holds(system, code)


def filtered(operation: str, value: str = "b") -> dict[str, Any]:
    return {"system": "urn:cs", "filter": [{"property": "concept", "op": operation, "value": value}]}


@pytest.mark.parametrize(
    ("include", "members"),
    [
        ({"system": "urn:cs"}, "abcd"),
        ({"system": "urn:cs", "concept": [{"code": "a"}]}, "a"),
        (filtered("is-a"), "bc"),
        (filtered("descendent-of"), "c"),
        (filtered("is-not-a"), "ad"),
    ],
)
def test_what_an_include_holds(include: dict[str, Any], members: str) -> None:
    terms = terminology(include)
    assert "".join(code for code in "abcd" if holds(terms, code)) == members
    assert holds(terms, "z") is False


def test_exclusion_takes_away() -> None:
    terms = terminology({"system": "urn:cs"}, exclude=[filtered("is-a")])
    assert [code for code in "abcd" if holds(terms, code)] == ["a", "d"]


def test_a_system_that_is_not_here_is_not_known() -> None:
    terms = terminology({"system": "http://snomed.info/sct"}, {"system": "urn:cs"})
    assert holds(terms, "1", "http://snomed.info/sct") is None
    assert holds(terms, "z") is False
    assert holds(terms, "z", None) is None
    assert terms.expand("urn:none") is None


def test_an_imported_value_set_that_is_not_here_is_not_known() -> None:
    assert holds(terminology({"valueSet": ["urn:gone"]}), "a") is None


def test_systems_and_imports_of_one_include_are_both_required() -> None:
    other = {
        "resourceType": "ValueSet",
        "url": "urn:o",
        "compose": {"include": [{"system": "urn:cs", "concept": [{"code": "b"}]}]},
    }
    terms = terminology({"system": "urn:cs", "valueSet": ["urn:o"]}, others=[other])
    assert [code for code in "abcd" if holds(terms, code)] == ["b"]


def test_a_value_set_that_imports_itself_ends() -> None:
    assert holds(terminology({"valueSet": ["urn:vs"]}), "a") is None


LANGUAGE, MEDIA = "urn:ietf:bcp:47", "urn:ietf:bcp:13"


@pytest.mark.parametrize(
    ("system", "code", "member"),
    [
        (LANGUAGE, "cy", True),
        (LANGUAGE, "EN-gb", True),
        (LANGUAGE, "bfi", True),
        (LANGUAGE, "en-XX", None),
        (LANGUAGE, "zh-Hans-CN", None),
        (LANGUAGE, "en-GB-oed", None),
        (LANGUAGE, "tlh", None),
        (LANGUAGE, "English (UK)", False),
        (LANGUAGE, "en_GB", False),
        (LANGUAGE, "en-", False),
        (MEDIA, "image/PNG", True),
        (MEDIA, "text/plain; charset=utf-8", True),
        (MEDIA, "application/dicom; variant=DICOM WADO-RS", True),
        (MEDIA, "json", True),
        (MEDIA, "application/x-theirs", None),
        (MEDIA, "pdf", False),
        (MEDIA, "/pdf", False),
        (MEDIA, "image/", False),
        (MEDIA, "image/png image/gif", False),
        (None, "cy", True),
        ("urn:other", "cy", False),
    ],
)
def test_codes_that_are_built_by_rule_are_told_by_their_form(system: str, code: str, member: bool | None) -> None:
    assert holds(terminology({"system": LANGUAGE}, {"system": MEDIA}), code, system) is member


PART = {"system": LANGUAGE, "filter": [{"property": "ext-lang", "op": "exists", "value": "false"}]}


def test_form_does_not_tell_a_member_of_a_part_of_such_a_system() -> None:
    listed = {"system": LANGUAGE, "concept": [{"code": "cy"}]}
    other = {"resourceType": "ValueSet", "url": "urn:o", "compose": {"include": [listed]}}
    for terms in (
        terminology(PART),
        terminology({"system": LANGUAGE}, exclude=[listed]),
        terminology({"system": LANGUAGE}, exclude=[PART]),
        terminology({"system": LANGUAGE, "valueSet": ["urn:o"]}, others=[other]),
    ):
        assert holds(terms, "en", LANGUAGE) is None
    assert holds(terminology(listed), "en", LANGUAGE) is False


@pytest.mark.parametrize(
    "code", ["736253002", "734163000", "2181441000000107", "816301000000100", "1052911000000106", "73211009: x"]
)
def test_snomed_identifiers(code: str) -> None:
    assert well_formed(code)


@pytest.mark.parametrize("code", ["736253001", "12345", "0123456", "", "abc", "73625300２"])
def test_what_is_no_snomed_identifier(code: str) -> None:
    assert not well_formed(code)
