"""What of the resources a decision lets through, and what it withholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fhir_mh.consent import Decision
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.parts import changed
from fhir_mh.fhir.urls import BASE, ITEM_ID
from fhir_mh.gateway.holding import Key, content
from fhir_mh.gateway.provenance import is_ours, targets_of
from fhir_mh.profiles.bundle import identifier_of, table_of
from fhir_mh.profiles.subjects import unversioned
from fhir_mh.records.sections import SECTIONS
from fhir_mh.store import StoredResource

_EVERYTHING = frozenset(SECTIONS) - {"sharing", "tasks"}


@dataclass(frozen=True, slots=True)
class Projected:
    """The resources a partner may see, and the keys of those it may not."""

    shown: list[dict[str, Any]]
    withheld: list[Key]

    def bundle(self, custodian: str) -> dict[str, Any]:
        """A collection Bundle of what is shown, each at an address of its custodian's own naming."""
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {"fullUrl": f"{BASE}/gateway/{custodian}/{body['resourceType']}/{body['id']}", "resource": body}
                for body in self.shown
            ],
        }


def project(resources: Iterable[StoredResource], decision: Decision) -> Projected:
    """The resources whose section is permitted. References to the others become identifiers.

    How a resource came to be goes where it goes. What else no table names goes only where every section may be seen,
    and what changes its own meaning in a way unknown here (modifierExtension, implicitRules) goes nowhere.
    """
    shown, withheld, told = [], [], []
    hidden: dict[str, str] = {}
    for stored in resources:
        body = content(stored.body())
        if is_ours(body):
            told.append(body)
        elif _may_go(body, decision):
            shown.append(body)
        else:
            withheld.append((stored.type, stored.id))
            hidden[f"{stored.type}/{stored.id}"] = identifier_of(body) or stored.id
    for body in told:  # whoever may see what it tells of may see this
        if _may_be_told(body, hidden):
            shown.append(body)
        else:
            withheld.append((body["resourceType"], body["id"]))
    if withheld:
        shown = [without(body, hidden) for body in shown]
    return Projected(shown, withheld)


class Sight:
    """What one decision lets be seen of what is held about a person, in the text that is served."""

    def __init__(self, resources: Iterable[StoredResource], decision: Decision) -> None:
        self._decision = decision
        self._hidden = {
            f"{stored.type}/{stored.id}": identifier_of(body) or stored.id
            for stored in resources
            if not is_ours(body := stored.body()) and not _may_go(body, decision)
        }

    def of(self, stored: StoredResource) -> StoredResource | None:
        """The resource, with identifiers for references to what is not shown; None where it is not shown itself."""
        body = stored.body()
        if not (_may_be_told(body, self._hidden) if is_ours(body) else _may_go(body, self._decision)):
            return None
        shown = without(body, self._hidden) if self._hidden else body
        return stored if shown == body else replace(stored, text=dumps(shown))


def _may_go(body: Mapping[str, Any], decision: Decision) -> bool:
    return "modifierExtension" not in body and "implicitRules" not in body and is_permitted(body, decision)


def is_permitted(body: Mapping[str, Any], decision: Decision) -> bool:
    """Whether the section of a resource is permitted; of one that no table names, every section."""
    table = table_of(dict(body))
    if table is None:
        return decision.permitted >= _EVERYTHING
    return table.section in decision.permitted


def _may_be_told(body: Mapping[str, Any], hidden: Mapping[str, str]) -> bool:
    return (
        "modifierExtension" not in body
        and "implicitRules" not in body
        and hidden.keys().isdisjoint(map(unversioned, targets_of(body)))
    )


def redirected(value: Any, moved: Mapping[str, str]) -> Any:
    """The JSON with references to Type/id that is another by now as that."""

    def one(said: dict[str, Any]) -> dict[str, Any]:
        literal = said.get("reference")
        return {**said, "reference": moved[literal]} if isinstance(literal, str) and literal in moved else said

    return changed(value, one)


def without(value: Any, hidden: Mapping[str, str]) -> Any:
    """The JSON with references to hidden resources turned into identifiers of what they meant."""

    def one(said: dict[str, Any]) -> dict[str, Any]:
        name = hidden.get(unversioned(said["reference"])) if isinstance(said.get("reference"), str) else None
        if name is None:
            return said
        rest = {key: inner for key, inner in said.items() if key not in ("reference", "display")}
        return {**rest, "identifier": {"system": ITEM_ID, "value": name}}

    return changed(value, one)
