"""What whoever records a sharing rule is warned of: that it comes to more, or less, than it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_mh.consent import DIRECT
from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhir.urls import CODE_SYSTEM
from fhir_mh.issues import Issue, issue
from fhir_mh.profiles.bundle import table_of

_SECTION = CODE_SYSTEM + "section"
_DEPENDS_ON = ("securityLabel", "code", "data", "dataPeriod")


def unclear_rules(body: Mapping[str, Any]) -> list[Issue]:
    """A warning for each element of a sharing preference that no decision looks into; none for any other resource.

    See docs/sync-protocol.md, 'Consent', and https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision
    """
    table = table_of(dict(body))
    said = body.get("provision") if table is not None and table.field == "sharing" else None
    return list(_in_rule(said, "Consent.provision")) if isinstance(said, dict) else []


def _in_rule(rule: Mapping[str, Any], path: str) -> Iterator[Issue]:
    unclear = [name for name in _DEPENDS_ON if rule.get(name)]
    if any(coding.get("system") != _SECTION for coding in objects_in(rule.get("class"))):
        unclear.append("class")
    actions = objects_in(rule.get("action"))
    if not {str(coding.get("code")) for action in actions for coding in objects_in(action.get("coding"))} <= DIRECT:
        unclear.append("action")
    yield from (issue("consent-rule-unclear", f"{path}.{name}", name=name) for name in unclear)
    for number, inner in enumerate(objects_in(rule.get("provision"))):
        yield from _in_rule(inner, f"{path}.provision[{number}]")
