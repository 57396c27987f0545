"""What its keeper calls an item that a record shows by another id, since another of its items is called so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CALLED = "~called"
"""Where the residue of each of its resources says so."""


def called_by_keeper(item: Mapping[str, Any]) -> str | None:
    """What its keeper calls an item; None where it is shown by that."""
    residues = (item.get("unknown") or {}).values()
    return next((rest[CALLED] for rest in residues if isinstance(rest, dict) and CALLED in rest), None)
