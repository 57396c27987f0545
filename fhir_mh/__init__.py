"""FHIR R4 interoperability for mental-health care plans in England."""
