"""What is odd in England whatever a profile says: numbers and codes that other people's systems will read otherwise.

See https://digital.nhs.uk/services/nhs-number and UK Core's code systems LegalStatusClassificationEngland and -Wales.
"""

from __future__ import annotations

import re
from typing import Any

from nhs_number import is_valid as is_nhs_number  # type: ignore[attr-defined]

from fhir_mh import ods
from fhir_mh.fhir.urls import NHS_NUMBER, ODS_CODE
from fhir_mh.validation.walk import Place, Walk

_ODS = {ODS_CODE, "https://fhir.nhs.uk/Id/ods-site-code"}
_ods_code = re.compile(ods.FORM).fullmatch
_ENGLAND = "https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland"
_GUARDIANSHIP = (
    "35"  # of section 7; Wales's list has it for a community treatment order, England's has no code for that
)
_community_treatment = re.compile(r"community\s+treatment|\bCTO\b|\b17A\b", re.IGNORECASE).search


def identifier_rule(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
    """The check of every Identifier: an NHS number has ten digits and a right check digit, an ODS code its form."""
    system, held = value.get("system"), value.get("value")
    if type(system) is not str or type(held) is not str:
        return
    if system == NHS_NUMBER:
        if not (held.isascii() and held.isdigit() and is_nhs_number(held)):
            walk.fail("validate-nhs-number", (place, "value", None, "value"))
    elif system in _ODS and not _ods_code(held):
        walk.fail("validate-ods-code", (place, "value", None, "value"))


def legal_status_rule(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
    """The check of every CodeableConcept: code 35 of England's list is not meant for a community treatment order."""
    codings, text = value.get("coding"), value.get("text")
    for index, coding in enumerate(codings if isinstance(codings, list) else ()):
        if not isinstance(coding, dict) or coding.get("code") != _GUARDIANSHIP or coding.get("system") != _ENGLAND:
            continue
        if any(isinstance(said, str) and _community_treatment(said) for said in (text, coding.get("display"))):
            walk.fail("validate-legal-status", ((place, "coding", index, "coding"), "code", None, "code"))
