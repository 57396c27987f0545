"""What a broken invariant means and how to mend it, in plain words. Read only where one is broken."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def explain(type_name: str, key: str, human: str, expression: str) -> tuple[str, str]:
    """(what is wrong, how to mend it) for a broken invariant of an element of this type.

    Our own words come first, then what the definition says of its rule (human), then the FHIRPath expression.
    """
    said = _explanations()
    wrong, mend = said.get(f"{type_name} {key}") or said.get(key) or ("", "")
    return wrong or human or f"This must hold: {expression}", mend or f"Make this hold: {expression}"


@cache
def _explanations() -> dict[str, tuple[str, str]]:
    import yaml  # a valid resource needs none of it

    text = files("fhir_mh.validation").joinpath("explanations.yaml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the quick one, where PyYAML was built with it
    said = yaml.load(text, loader)  # noqa: S506 - either loader is a safe one
    return {str(key): (wrong, mend) for key, (wrong, mend) in said.items()}
