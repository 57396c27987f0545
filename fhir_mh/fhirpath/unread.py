"""Resources read from text: where that is not the JSON that FHIR asks for, the place is told as FHIRPath.

See https://hl7.org/fhir/R4/fhirpath.html#simple
"""

from __future__ import annotations

import re
from typing import Any

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import load_last, load_object
from fhir_mh.packages.model import R4

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def load_resource(text: str | bytes) -> dict[str, Any]:
    """As load_object(), but the path of what is wrong is FHIRPath, or none where the resource has no type of R4.

    What is no element of R4 is told of the object that it stands in.
    """
    try:
        return load_object(text)
    except InvalidResource as fault:
        raise InvalidResource(issues=[found.at(_in_fhirpath(found.path, text)) for found in fault.issues]) from None


def _in_fhirpath(path: str, text: str | bytes) -> str:
    """`$.valueQuantity.code` as FHIRPath: what each key is, the model tells."""
    root = load_last(text) if path else None
    kind = _type_of(root, "Resource")
    return _place(kind, root, path) if kind else ""


def _place(kind: str, root: Any, path: str) -> str:
    labels, here, around = [kind], root, kind
    for step in _STEP.finditer(path):
        if step[2] is not None:
            labels[-1] += f"[{step[2]}]"
            here = here[int(step[2])] if isinstance(here, list) and int(step[2]) < len(here) else None
            continue
        around = _type_of(here, around)
        element = _element(around, step[1])
        if element is None:
            break
        label, around = element
        labels.append(label)
        here = here.get(step[1]) if isinstance(here, dict) else None
    return ".".join(labels)


def _type_of(value: Any, stated: str) -> str:
    """The type of a value by its element's; of a resource what it says itself, or nothing where R4 has no such type."""
    if not R4.is_a(stated, "Resource"):
        return stated
    said = value.get("resourceType") if isinstance(value, dict) else None
    return said if isinstance(said, str) and said.isalpha() and R4.is_a(said, "Resource") else ""


def _element(around: str, key: str) -> tuple[str, str] | None:
    """(what FHIRPath calls it, its type) of the element that a JSON key is of."""
    plain = key.removeprefix("_")
    for name in R4.children(around):
        for form, code in R4.child(around, name) or ():
            if form == plain:
                return name if form == name else f"{name}.ofType({code})", code
    return None
