"""The JSON Schema of a CareRecord, for vendors without FHIR to write their own checks and classes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fhir_mh.records.record import CareRecord

FILE = Path(__file__).with_name("care-record.schema.json")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ADDRESS = "https://w3id.org/fhir-mh/schema/care-record/"  # a permanent name, not a live site


def json_schema() -> dict[str, Any]:
    """The schema that the models say now; FILE is the one that is published, and a test holds the two together.

    Its address ends in the generation of the form (`schema_version`). See https://json-schema.org/draft/2020-12
    """
    version = CareRecord.model_fields["schema_version"].default
    return {"$schema": _DIALECT, "$id": f"{_ADDRESS}{version}", **CareRecord.model_json_schema()}
