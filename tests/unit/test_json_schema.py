"""The published JSON Schema is what the models say, and a record's version is read as docs/records.md says."""

from __future__ import annotations

import pytest

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.records import CareRecord
from fhir_mh.records.json_schema import FILE, json_schema
from fhir_mh.records.partial import read_partial
from fhir_mh.records.trees import record_of


def test_what_is_published_is_what_the_models_say() -> None:
    assert load_object(FILE.read_bytes()) == load_object(dumps(json_schema())), "run `make schema`"


def test_it_is_named_by_dialect_and_version() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith("/schema/care-record/1")
    assert schema["properties"]["schema_version"]["const"] == "1"


def test_every_field_of_a_record_is_in_it() -> None:
    assert set(json_schema()["properties"]) == set(CareRecord.model_fields)


def test_the_command_line_writes_it(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    from fhir_mh.cli.schema import run

    assert run() == 0
    assert capfdbinary.readouterr().out == FILE.read_bytes()


@pytest.mark.parametrize("version", ["2", "", None, 1])
def test_another_version_is_refused_whole(version: object) -> None:
    body = {"schema_version": version, "person": {"birth_date": "1984-02-03"}}
    for reading in (record_of, read_partial):
        with pytest.raises(InvalidResource) as refused:
            reading(body)
        assert [(found.code, found.path) for found in refused.value.issues] == [
            ("map-invalid-record", "schema_version")
        ]


def test_left_out_it_is_the_first() -> None:
    assert record_of({"person": {"birth_date": "1984-02-03"}}).schema_version == "1"
