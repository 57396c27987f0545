"""References: their form, the types they may lead to, and whether they lead anywhere within their own document."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fhir_mh.issues import Issue
from fhir_mh.packages.base import base_facts
from fhir_mh.packages.definitions import TYPE_URL, Definitions
from fhir_mh.packages.model import is_a
from fhir_mh.packages.versions import parted
from fhir_mh.validation.rules import Rule
from fhir_mh.validation.shape import TypeRef
from fhir_mh.validation.shapes import Unresolvable
from fhir_mh.validation.walk import Place, Walk, shown

Fault = Callable[[str, dict[str, Any], Walk], Issue | None]
_RESTFUL = re.compile(
    r"(?:https?://[^\s?#]*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#.*)?"
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+\-.]*:\S+")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?\S+")  # in a transaction, a search that finds one resource


_A_TYPE = "Name one of R4's resource types."
_A_FORM = "Write Type/id, a full URL, urn:uuid:... or #id."


def led_nowhere(reference: str, walk: Walk) -> dict[str, Any]:
    """What can be done of a reference that leads nowhere: a Composition may refer only to what its document holds.

    See https://hl7.org/fhir/R4/documents.html#content
    """
    where = " in contained" if reference.startswith("#") else " in the Bundle"
    composed = walk.bundle is not None and walk.bundle.kind == "document"
    alone = composed and walk.resource.get("resourceType") == "Composition"
    return {"where": where, "otherwise": "" if alone else ", or refer to it by Type/id or full URL"}


@lru_cache(maxsize=4096)
def _restful_type(reference: str) -> str | None:
    """The type that a reference of the form Type/id names; None for one of another form."""
    match = _RESTFUL.fullmatch(reference)
    return match[1] if match else None


def reference_form(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
    """The check of every Reference, whatever it may lead to."""
    stated = value.get("type")
    if type(stated) is str and ":" not in stated and TYPE_URL + stated not in base_facts("types"):
        here = (place, "type", None, "type")
        walk.fail("validate-reference-form", here, rule=f"R4 has no resource type {shown(stated)}", mend=_A_TYPE)
    reference = value.get("reference")
    if type(reference) is not str or not reference:
        return
    must, found = walk.local(reference)
    here = (place, "reference", None, "reference")
    _as_stated(stated, value, place, walk)
    if must and found is None:
        walk.fail("validate-reference-unresolved", here, **led_nowhere(reference, walk))
    elif not must and not _ABSOLUTE.fullmatch(reference):
        kind = _restful_type(reference)
        if kind is None and _may_be_conditional(walk) and (match := _CONDITIONAL.fullmatch(reference)):
            kind = match[1]
        if kind is None:
            walk.fail("validate-reference-form", here, rule="it is neither a URL nor of the form Type/id", mend=_A_FORM)
        elif TYPE_URL + kind not in base_facts("types"):
            walk.fail("validate-reference-form", here, rule=f"R4 has no resource type {shown(kind)}", mend=_A_TYPE)


def _as_stated(stated: Any, value: dict[str, Any], place: Place, walk: Walk) -> None:
    """The check that Reference.type, where it is given, is the type of what the reference leads to."""
    seen = target_type(value, walk) if type(stated) is str else None
    if seen is not None and TYPE_URL + stated in base_facts("types") and not is_a(seen, stated):
        rule = f"its type is {shown(stated)}, and it leads to {shown(seen)}"
        mend = "Correct type, or leave it out; or refer to what was meant."
        walk.fail("validate-reference-form", (place, "type", None, "type"), rule=rule, mend=mend)


def _may_be_conditional(walk: Walk) -> bool:
    """Whether a search may stand for what it finds: in a Bundle, only where a server carries it out."""
    return walk.bundle is None or walk.bundle.kind in ("transaction", "batch")


def reference_targets(entry: TypeRef, definitions: Definitions, fault: Fault, by: str) -> Rule | None:
    """The check of what a Reference may lead to: which types, and where it is here and does not say that it follows one
    of the profiles asked for, whether it does. None where anything will do. by: the profile that says so.

    fault: the first error that a profile finds in a resource. Raises Unresolvable.
    """
    groups = [[(_type_of(url, definitions) or "Resource") for url in group] for group in entry.targets]
    groups = [group for group in groups if not {"Resource", "DomainResource"} & set(group)]
    asked = [group for group in entry.targets if any(parted(url)[0] not in base_facts("types") for url in group)]
    if not (groups or asked or entry.modes or entry.versions):
        return None
    allowed = [" or ".join(dict.fromkeys(group)) for group in groups]
    named = set.intersection(*map(set, groups)) if groups else set()

    def check(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
        if not isinstance(value, dict):
            return
        if entry.modes:
            _leads_as(entry.modes, value, place, walk, by)
        if entry.versions:
            _versioned(entry.versions, value, place, walk, by)
        seen = target_type(value, walk)
        if seen is None:
            return
        for group, names in zip(groups, allowed, strict=True) if seen not in named else ():
            if not any(is_a(seen, name) for name in group):
                walk.fail("validate-reference-type", place, None, by, seen=shown(seen), allowed=names)
                return
        found = walk.local(str(value.get("reference", "")))[1] if asked else None
        if found is None:
            return
        claimed = _claimed(found, definitions)
        for urls in asked:
            fitting = [url for url in urls if is_a(seen, _type_of(url, definitions) or seen)]
            bare = {parted(url)[0] for url in fitting}
            if fitting and claimed.isdisjoint(bare) and bare.isdisjoint(base_facts("types")):
                _follows_one(fitting, found, place, walk, fault, by)

    return check


def _leads_as(modes: tuple[tuple[str, ...], ...], value: dict[str, Any], place: Place, walk: Walk, by: str) -> None:
    """The check of how a Reference leads to its target: what stands in the same Bundle is referenced too.

    See https://hl7.org/fhir/R4/valueset-resource-aggregation-mode.html
    """
    reference = value.get("reference")
    if type(reference) is not str:
        return
    seen = {"contained"} if reference.startswith("#") else {"referenced"}
    if "referenced" in seen and walk.bundle is not None and walk.local(reference)[1] is not None:
        seen.add("bundled")
    for group in modes:
        if seen.isdisjoint(group):
            walk.fail("validate-reference-aggregation", place, None, by, seen=max(seen), allowed=" or ".join(group))
            return


def _versioned(asked: tuple[tuple[str, ...], ...], value: dict[str, Any], place: Place, walk: Walk, by: str) -> None:
    """The check that a Reference names a version of its target, or none, where one of the two is asked for.

    See https://hl7.org/fhir/R4/valueset-reference-version-rules.html
    """
    reference = value.get("reference")
    if type(reference) is not str or reference.startswith("#"):
        return
    here = (place, "reference", None, "reference")
    named = "/_history/" in reference
    if not named and ("specific",) in asked:
        mend = "Write /_history/ and the version at its end."
        walk.fail(
            "validate-reference-form", here, None, by, rule="it names no version, and one is asked for", mend=mend
        )
    elif named and ("independent",) in asked:
        mend = "Leave /_history/ and what follows out."
        walk.fail(
            "validate-reference-form", here, None, by, rule="it names a version, and none may be named", mend=mend
        )


def _follows_one(urls: list[str], found: dict[str, Any], place: Place, walk: Walk, fault: Fault, by: str) -> None:
    """The check that what a Reference leads to follows one of these profiles."""
    names = " or ".join(map(shown, urls))
    wrong: list[Issue] = []
    unknown = False
    for url in urls:
        try:
            seen = fault(url, found, walk)
        except Unresolvable:
            unknown = True
            continue
        if seen is None:
            return
        wrong.append(seen)
    if unknown:
        walk.skip("validate-unchecked-target", place, profile=names)
        return
    said = f"{wrong[0].path}: {wrong[0].message}"
    walk.fail("validate-reference-profile", place, None, by, profiles=names, said=said)


def _claimed(resource: dict[str, Any], definitions: Definitions) -> set[str]:
    """The profiles that a resource says it follows, and all that these derive from."""
    meta = resource.get("meta")
    said = meta.get("profile") if isinstance(meta, dict) else None
    urls = [url for url in said if isinstance(url, str)] if isinstance(said, list) else []
    return {found for url in urls for found in definitions.lineage(url)}


def target_type(value: dict[str, Any], walk: Walk) -> str | None:
    """The type of what a Reference leads to: of the resource if it is here, else as the URL or `type` says."""
    reference = value.get("reference")
    if isinstance(reference, str):
        found = walk.local(reference)[1]
        if found is not None:
            kind = found.get("resourceType")
            return kind if isinstance(kind, str) else None
        named = _restful_type(reference)
        if named is not None and TYPE_URL + named in base_facts("types"):
            return named
    stated = value.get("type")
    return stated if isinstance(stated, str) and TYPE_URL + stated in base_facts("types") else None


def _type_of(url: str, definitions: Definitions) -> str | None:
    """The resource type a target profile is about."""
    facts = definitions.structure(url)
    name = facts.get("type") if facts else None
    return name if isinstance(name, str) else None
