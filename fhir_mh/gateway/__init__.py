"""The use cases that join records, consent, store and sync: keep, read, send, receive."""

from fhir_mh.gateway.gateway import Gateway
from fhir_mh.gateway.identity import Organisation

__all__ = ["Gateway", "Organisation"]
