"""The facts of FHIR R4 (4.0.1) that ship with fhir_mh, in three parts so that each is read only when it is needed."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path
from typing import Any, Literal

import orjson

from fhir_mh.errors import PackageError

Part = Literal["types", "profiles", "terminology"]
PARTS: tuple[Part, ...] = ("types", "profiles", "terminology")
DATA = Path(__file__).parent / "data"


def packed(part: Part) -> Path:
    """The file that holds one part."""
    return DATA / f"r4-{part}.json.gz"


@cache
def base_facts(part: Part) -> dict[str, dict[str, Any]]:
    """Canonical URL -> facts: data types and resources, profiles and extensions, or value sets and code systems.

    Raises PackageError when the installation is damaged.
    """
    try:
        return dict(orjson.loads(zlib.decompress(packed(part).read_bytes(), wbits=31)))
    except (OSError, ValueError, zlib.error):
        raise PackageError(f"The base definitions ({packed(part).name}) are missing or damaged: install fhir_mh again.") from None
