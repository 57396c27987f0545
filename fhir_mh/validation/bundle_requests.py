"""What the entries of a transaction or batch ask for, as far as the Bundle itself tells that it cannot be done.

See https://hl7.org/fhir/R4/http.html#transaction and https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import re
from typing import Any

from fhir_mh.validation.walk import Place, Walk, each, shown

_TYPE = re.compile(r"/?([A-Z][A-Za-z]+)(?:\?.*)?")  # with a search, it is a conditional request
_INSTANCE = re.compile(r"/?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:\?.*)?")
_WRITES = ("POST", "PUT")
_CHANGES = ("PUT", "PATCH", "DELETE")


def check_requests(bundle: dict[str, Any], place: Place, walk: Walk) -> None:
    """Check that what is written is there, of the type and id of its address, and in a transaction is written once."""
    met: set[tuple[str, str]] = set()
    for entry, here in each(bundle, "entry", place):
        request = entry.get("request")
        method, url = (request.get("method"), request.get("url")) if isinstance(request, dict) else (None, None)
        if not isinstance(method, str) or not isinstance(url, str):
            continue
        instance = _INSTANCE.fullmatch(url)
        if method in _WRITES:
            _written(entry, method, url, instance, here, walk)
        if bundle.get("type") == "transaction" and method in _CHANGES and instance is not None:
            identity = (instance[1], instance[2])
            if identity in met:
                walk.fail("validate-bundle-identity", _url_of(here))
            met.add(identity)


def _written(
    entry: dict[str, Any], method: str, url: str, instance: re.Match[str] | None, here: Place, walk: Walk
) -> None:
    """The check of a resource that is to be created or updated. What an operation takes is for it to say."""
    of_type = _TYPE.fullmatch(url)
    found = of_type if of_type is not None else instance if method == "PUT" else None
    if found is None:
        return
    resource = entry.get("resource")
    if not isinstance(resource, dict):
        mend = "Add the resource, or correct request.method."
        walk.fail("validate-bundle-request", here, problem=f"a {method} needs a resource", mend=mend)
        return
    kind = resource.get("resourceType")
    if isinstance(kind, str) and kind != found[1]:
        problem, mend = f"it is of {shown(found[1])}, the resource is {shown(kind)}", "Make the two agree."
        walk.fail("validate-bundle-request", _url_of(here), problem=problem, mend=mend)
    elif method == "PUT" and instance is not None and resource.get("id") != instance[2]:
        problem = "an update goes to the id that the resource has" if "id" in resource else "the resource has no id"
        mend = "Give the resource the id that its request.url ends in, or correct the url."
        walk.fail("validate-bundle-request", (here, "resource", None, "resource"), problem=problem, mend=mend)


def _url_of(entry: Place) -> Place:
    return ((entry, "request", None, "request"), "url", None, "url")
