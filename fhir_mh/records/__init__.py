"""What people and clinicians agreed, in plain words: pydantic models, no FHIR."""

from fhir_mh.records.record import CareRecord

__all__ = ["CareRecord"]
