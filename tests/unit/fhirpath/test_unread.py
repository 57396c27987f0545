"""Where a key stands twice, as FHIRPath."""

from __future__ import annotations

import pytest

from fhir_mh import Validator


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"resourceType": "Patient", "gender": "male", "gender": "female"}', "Patient.gender"),
        ('{"gender": "male", "gender": "female", "resourceType": "Patient"}', "Patient.gender"),
        ('{"resourceType": "Patient", "name": [{}, {"family": "a", "family": "b"}]}', "Patient.name[1].family"),
        ('{"resourceType": "Patient", "_gender": {}, "_gender": {}}', "Patient.gender"),
        ('{"resourceType": "Patient", "contact": [{"name": {"text": "a", "text": "b"}}]}',
         "Patient.contact[0].name.text"),
        ('{"resourceType": "Patient", "deceasedBoolean": true, "deceasedBoolean": true}',
         "Patient.deceased.ofType(boolean)"),
        ('{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Media", "width": 1, "width": 2}}]}',
         "Bundle.entry[0].resource.width"),
        ('{"resourceType": "Observation", "valueQuantity": {"code": "a", "code": "b"}}',
         "Observation.value.ofType(Quantity).code"),
        ('{"resourceType": "Bundle", "entry": [{"resource": {"gender": 1, "gender": 2}}]}', "Bundle.entry[0].resource"),
        ('{"resourceType": "Patient", "extension": [{"extension": [{"url": "a", "url": "b"}]}]}',
         "Patient.extension[0].extension[0].url"),
        ('{"resourceType": "Patient", "gendre": "male", "gendre": "female"}', "Patient"),
        ('{"resourceType": "Patient", "resourceType": "Patient"}', "Patient"),
        ('{"resourceType": "Patient", "name": {"a.b": [], "a.b": []}}', "Patient.name"),
        ('{"resourceType": "Patients", "gender": "male", "gender": "female"}', ""),
        ('{"resourceType": 1, "gender": "male", "gender": "female"}', ""),
        ('{"gender": "male", "gender": "female"}', ""),
        ('[{"gender": "male", "gender": "female"}]', ""),
    ],
)  # fmt: skip
def test_a_key_that_stands_twice_has_its_place_in_fhirpath_or_none(validator: Validator, text: str, path: str) -> None:
    for sent in (text, text.encode(), "\ufeff" + text):
        assert [(one.code, one.path) for one in validator.validate(sent).issues] == [("json-duplicate-key", path)]
