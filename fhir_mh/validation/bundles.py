"""What holds a Bundle together beyond its entries: the URLs that name them.

See https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from typing import Any

from fhir_mh.validation.walk import Place, Walk

_RESTFUL = re.compile(r"https?://.+/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")


def check(bundle: dict[str, Any], place: Place, walk: Walk) -> None:
    """Check that each entry's fullUrl agrees with the type and id of its resource."""
    held = bundle.get("entry")
    for index, entry in enumerate(held if isinstance(held, list) else ()):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        url = entry.get("fullUrl") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(url, str):
            continue
        match = _RESTFUL.fullmatch(url)
        kind, identifier = resource.get("resourceType"), resource.get("id")
        if match is None or not isinstance(kind, str) or not isinstance(identifier, str):
            continue
        if match.groups() != (kind, identifier):
            here = ((place, "entry", index, "entry"), "fullUrl", None, "fullUrl")
            walk.fail("validate-bundle-fullurl", here, expected="the type and id of its resource")
