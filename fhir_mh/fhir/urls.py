"""The addresses of our own definitions, in one place. BASE is a permanent-identifier path, not a live site."""

from __future__ import annotations

BASE = "https://w3id.org/fhir-mh"
PROFILE = f"{BASE}/StructureDefinition/"
EXTENSION = f"{BASE}/StructureDefinition/"
CODE_SYSTEM = f"{BASE}/CodeSystem/"
VALUE_SET = f"{BASE}/ValueSet/"

ITEM_ID = f"{BASE}/Id/record-item"  # identifier.system of an item's id, minted once and carried everywhere
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
FORMER_NHS_NUMBER = f"{BASE}/Id/former-nhs-number"  # UK Core lets a Patient have one identifier of NHS_NUMBER
ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
SDS_USER = "https://fhir.nhs.uk/Id/sds-user-id"
SNOMED = "http://snomed.info/sct"
UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition/"
