"""What a broken invariant means and how to mend it, in plain words. Read only where one is broken."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml


def explain(type_name: str, key: str, human: str, expression: str) -> tuple[str, str]:
    """(what is wrong, how to mend it) for a broken invariant of an element of this type.

    Our own words come first, then what the definition says of its rule (human), then the FHIRPath expression.
    """
    said = _explanations()
    wrong, mend = said.get(f"{type_name} {key}") or said.get(key) or ("", "")
    return wrong or human or f"This must hold: {expression}", mend or f"Make this hold: {expression}"


@cache
def _explanations() -> dict[str, tuple[str, str]]:
    text = files("fhir_mh.validation").joinpath("explanations.yaml").read_text("utf-8")
    return {str(key): (wrong, mend) for key, (wrong, mend) in yaml.safe_load(text).items()}
