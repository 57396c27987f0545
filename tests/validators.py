"""One validator for a whole session of tests."""

from __future__ import annotations

from functools import cache

from fhir_mh import Validator


@cache
def shared_validator() -> Validator:
    """With what it ships. It compiles a definition when it first meets it, so that one serves a whole session."""
    return Validator()
