"""The level of a placement is 1 or 2, whatever a service was called before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fhir_mh.errors import InvalidResource
from fhir_mh.records.placements import FORMER_TERMS
from fhir_mh.records.trees import record_of

MAP = Path(__file__).resolve().parents[2] / "profiles" / "package" / "ConceptMap-former-service-terms.json"


def level(said: str) -> str | None:
    return record_of({"person": {}, "placements": [{"level": said}]}).placements[0].level


@pytest.mark.parametrize(
    ("said", "meant"),
    [("1", "1"), ("2", "2"), ("Community rehabilitation unit", "1"), ("high-dependency  rehabilitation unit", "2")],
)
def test_a_level_is_known_by_its_former_name(said: str, meant: str) -> None:
    assert level(said) == meant


@pytest.mark.parametrize("said", ["locked rehabilitation", "Locked rehabilitation unit", "3", "slow stream", ""])
def test_a_label_that_names_no_level_is_refused_where_it_stands(said: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        level(said)
    (found,) = refused.value.issues
    assert (found.code, found.path) == ("map-invalid-record", "placements[0].level")


def test_the_package_maps_the_same_terms() -> None:
    (group,) = json.loads(MAP.read_text("utf-8"))["group"]
    mapped = {
        element["code"].replace("-", " "): element["target"][0].get("code")
        for element in group["element"]
        if element["target"][0]["equivalence"] != "unmatched"
    }
    assert mapped == FORMER_TERMS
