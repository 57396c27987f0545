"""Vital signs: FHIR asks that an observation of one carries its LOINC code, whatever other codes stand beside it.

See https://hl7.org/fhir/R4/observation-vitalsigns.html
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from fhir_mh.fhir.parts import objects_in
from fhir_mh.terminology.snomed import SYSTEM as SNOMED
from fhir_mh.validation.compiler import Compiler
from fhir_mh.validation.walk import Place, Walk

_LOINC = "http://loinc.org"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def observation_rule(value: dict[str, Any], place: Place, walk: Walk, compiler: Compiler) -> None:
    """The check of an Observation of that category whose code in SNOMED CT says which sign it is."""
    category = value.get("category")
    kinds = {coding for held in category for coding in _codings(held)} if isinstance(category, list) else set()
    codings = _codings(value.get("code")) if (_CATEGORY, "vital-signs") in kinds else set()
    asked = {_pairs()[code] for system, code in codings if system == SNOMED and code in _pairs()}
    if asked and not any((_LOINC, code) in codings for code in asked):
        walk.fail("validate-vital-sign", (place, "code", None, "code"), asked=" or ".join(sorted(asked)))


def _codings(concept: Any) -> set[tuple[str, str]]:
    held = concept.get("coding") if isinstance(concept, dict) else None
    found = [(coding.get("system"), coding.get("code")) for coding in objects_in(held)]
    return {(system, code) for system, code in found if isinstance(system, str) and isinstance(code, str)}


@cache
def _pairs() -> dict[str, str]:
    """The SNOMED CT code of a vital sign -> the LOINC code that R4's profile of it fixes."""
    text = files("fhir_mh.validation").joinpath("vital_signs.yaml").read_text("utf-8")
    return {str(code): str(same) for code, same in yaml.safe_load(text).items()}
