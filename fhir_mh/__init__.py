"""FHIR R4 interoperability for mental-health care plans in England.

The names below are the public API; each is imported when it is first used, so that `import fhir_mh` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fhir_mh.version import VERSION

if TYPE_CHECKING:
    from fhir_mh.profiles import from_bundle, to_bundle
    from fhir_mh.records import CareRecord
    from fhir_mh.validation import Validator

__version__ = VERSION
__all__ = ["CareRecord", "Validator", "__version__", "from_bundle", "to_bundle"]

_HOMES = {
    "CareRecord": "fhir_mh.records",
    "Validator": "fhir_mh.validation",
    "from_bundle": "fhir_mh.profiles",
    "to_bundle": "fhir_mh.profiles",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fhir_mh' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
