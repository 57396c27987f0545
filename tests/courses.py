"""The placements and stays of a record whose items say themselves who keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_mh import placements
from fhir_mh.placements import Course


def courses(tree: Mapping[str, Any]) -> list[Course]:
    """Each once."""
    return placements.courses(tree, lambda _, item: item.get("custodian"))
