"""The R4 types as FHIRPath sees them: which children a type has, in which JSON form, and what derives from what."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from fhir_mh.packages.base import base_facts
from fhir_mh.packages.definitions import TYPE_URL

Forms = tuple[tuple[str, str], ...]
SYSTEM = "http://hl7.org/fhirpath/System."


def type_code(code: str) -> str:
    """A type as elements name it: FHIRPath's System.String, the type of ids and urls, is FHIR's string."""
    return code[len(SYSTEM) :].lower() if code.startswith(SYSTEM) else code


@cache
def open_types() -> tuple[str, ...]:
    """The types that value[x] of an extension may take."""
    for element in base_facts("types")[TYPE_URL + "Extension"]["differential"]:
        if element["path"] == "Extension.value[x]":
            return tuple(entry["code"] for entry in element["type"])
    return ()


@cache
def _elements(type_name: str) -> dict[str, Forms]:
    """name -> forms, for a data type, a resource, or a backbone element by its path."""
    root, _, _ = type_name.partition(".")
    facts = base_facts("types").get(TYPE_URL + root)
    if facts is None:
        return {}
    found: dict[str, Forms] = dict(_elements(parent(type_name) or "")) if parent(type_name) else {}
    depth = type_name.count(".") + 1
    for element in facts.get("differential", ()):
        path = element["path"]
        if path.count(".") == depth and path.startswith(type_name + "."):
            name = path.rpartition(".")[2].removesuffix("[x]")
            found[name] = _forms(element, name)
    return found


def form_key(name: str, type_name: str) -> str:
    """The JSON key of a choice in the form of one type: `valueQuantity`."""
    return name + type_name[:1].upper() + type_name[1:]


def _forms(element: dict[str, object], name: str) -> Forms:
    path = str(element["path"])
    if "contentReference" in element:
        return ((name, str(element["contentReference"]).rpartition("#")[2]),)
    types = element.get("type")
    codes = [type_code(entry["code"]) for entry in types if "code" in entry] if isinstance(types, list) else []
    if path.endswith("[x]"):
        return tuple((form_key(name, code), code) for code in codes)
    if codes in (["BackboneElement"], ["Element"]):
        return ((name, path),)
    return ((name, codes[0]),) if codes else ()


@lru_cache(maxsize=4096)  # anybody may name types that there are not
def parent(type_name: str) -> str | None:
    """The type a type derives from; None for the roots."""
    root, within, _ = type_name.partition(".")
    facts = base_facts("types").get(TYPE_URL + root)
    if facts is None:
        return None
    if within:
        for element in facts["differential"]:
            if element["path"] == type_name and "type" in element:
                return str(element["type"][0]["code"])
        return None
    base = facts.get("baseDefinition")
    return str(base).rpartition("/")[2] if base else None


class R4Model:
    """Implements fhir_mh.fhirpath.Model over the shipped facts; stateless."""

    def child(self, type_name: str, name: str) -> Forms | None:
        """See Model.child."""
        return _elements(type_name).get(name)

    def children(self, type_name: str) -> Iterable[str]:
        """See Model.children."""
        return _elements(type_name)

    def is_a(self, type_name: str, ancestor: str) -> bool:
        """See Model.is_a."""
        return is_a(type_name, ancestor)

    def known(self, type_name: str) -> bool:
        """See Model.known."""
        return TYPE_URL + type_name in base_facts("types") or type_name in ("SimpleQuantity", "MoneyQuantity")


@lru_cache(maxsize=4096)  # expressions name types that there are not, without end
def is_a(type_name: str, ancestor: str) -> bool:
    """Whether a type is another or derives from it, directly or not."""
    here: str | None = type_name
    while here is not None:
        if here == ancestor:
            return True
        here = parent(here)
    return False


R4 = R4Model()
