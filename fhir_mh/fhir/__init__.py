"""What FHIR R4 is: lossless JSON, datatypes, references, identifiers, code systems, Bundles, outcomes."""
