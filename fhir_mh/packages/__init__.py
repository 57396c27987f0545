"""FHIR packages: reading them, the facts in them, and the R4 base that ships with fhir_mh."""
