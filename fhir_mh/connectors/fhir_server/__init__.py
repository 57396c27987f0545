"""A partner that is a plain FHIR R4 server (docs/sync-protocol.md, 'A server that is not fhir_mh')."""
