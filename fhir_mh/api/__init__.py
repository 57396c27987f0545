"""HTTP in: FHIR REST, plain records, and the pages that explain them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fhir_mh.api.app import create_app
    from fhir_mh.api.setting_up import build_gateway

__all__ = ["build_gateway", "create_app"]

_HOMES = {"create_app": "fhir_mh.api.app", "build_gateway": "fhir_mh.api.setting_up"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fhir_mh.api' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
