"""`make schema`: writes the JSON Schema that ships from the record's models."""

from __future__ import annotations

from fhir_mh.fhir.json import dumps
from fhir_mh.records.json_schema import FILE, json_schema

if __name__ == "__main__":
    FILE.write_bytes(dumps(json_schema(), indent=True) + b"\n")
