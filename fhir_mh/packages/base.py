"""The facts that ship with fhir_mh, in parts so that each is read only when it is needed: R4 (4.0.1), and our own."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path
from typing import Any, Literal

import orjson

from fhir_mh.errors import PackageError

Part = Literal["types", "profiles", "terminology", "displays", "searches"]
PARTS: tuple[Part, ...] = ("types", "profiles", "terminology", "displays", "searches")
DATA = Path(__file__).parent / "data"


def packed(part: Part | Literal["own"]) -> Path:
    """The file that holds one part."""
    return DATA / ("own.json.gz" if part == "own" else f"r4-{part}.json.gz")


@cache
def base_facts(part: Part | Literal["own"]) -> dict[str, dict[str, Any]]:
    """Canonical URL -> facts: data types and resources, profiles and extensions, value sets and code systems, what the
    codes of these code systems are shown by (code -> texts), or search parameters.

    `own` is what profiles/ is compiled to, with the UK Core definitions beneath (scripts/build_profiles.py).
    Raises PackageError when the installation is damaged.
    """
    try:
        return dict(orjson.loads(zlib.decompress(packed(part).read_bytes(), wbits=31)))
    except (OSError, ValueError, zlib.error):
        raise PackageError(
            f"The base definitions ({packed(part).name}) are missing or damaged: install fhir_mh again."
        ) from None
