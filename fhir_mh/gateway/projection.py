"""What of the resources a decision lets through, and what it withholds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fhir_mh.consent import Decision
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.parts import changed
from fhir_mh.fhir.urls import BASE
from fhir_mh.gateway.holding import Key, content, key_of
from fhir_mh.gateway.provenance import is_ours, targets_of
from fhir_mh.gateway.withholding import withheld_of, without
from fhir_mh.profiles.bundle import table_of
from fhir_mh.records.sections import SECTIONS
from fhir_mh.store import StoredResource

Body = dict[str, Any]
_EVERYTHING = frozenset(SECTIONS) - {"sharing", "tasks"}


@dataclass(frozen=True, slots=True)
class Projected:
    """The resources a partner may see, and the keys of those it may not."""

    shown: list[Body]
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
    shown, hidden, told = list[Body](), list[tuple[Body, str]](), list[Body]()
    for stored in resources:
        body = content(stored.body())
        if is_ours(body):
            told.append(body)
        elif _may_go(body, decision):
            shown.append(body)
        else:
            hidden.append((body, stored.custodian))
    withheld = [key_of(body) for body, _ in hidden]
    names = {_address(body) for body in shown}
    for body in told:  # whoever may see what it tells of may see this
        if _may_be_told(body, names):
            shown.append(body)
        else:
            withheld.append(key_of(body))
    if withheld:
        apart = withheld_of(hidden)
        shown = [without(body, apart) for body in shown]
    return Projected(shown, withheld)


class Sight:
    """What one decision lets be seen of what is held about a person, in the text that is served."""

    def __init__(self, resources: Iterable[StoredResource], decision: Decision) -> None:
        self._decision = decision
        bodies = [(body, stored.custodian) for stored in resources if not is_ours(body := stored.body())]
        hidden = [(body, keeper) for body, keeper in bodies if not _may_go(body, decision)]
        self._hidden = {_address(body) for body, _ in hidden}
        self._shown = {_address(body) for body, _ in bodies} - self._hidden
        self._withheld = withheld_of(hidden)

    def of(self, stored: StoredResource) -> StoredResource | None:
        """The resource, with identifiers for references to what is not shown; None where it is not shown itself.

        An earlier version is not shown either where the one of now is not.
        """
        body = stored.body()
        if _address(body) in self._hidden:
            return None
        if not (_may_be_told(body, self._shown) if is_ours(body) else _may_go(body, self._decision)):
            return None
        shown = without(body, self._withheld) if self._withheld.addresses else body
        return stored if shown == body else replace(stored, text=dumps(shown))


def _address(body: Mapping[str, Any]) -> str:
    return "/".join(key_of(body))


def _may_go(body: Mapping[str, Any], decision: Decision) -> bool:
    return "modifierExtension" not in body and "implicitRules" not in body and is_permitted(body, decision)


def is_permitted(body: Mapping[str, Any], decision: Decision) -> bool:
    """Whether the section of a resource is permitted; of one that no table names, every section."""
    table = table_of(dict(body))
    if table is None:
        return decision.permitted >= _EVERYTHING
    return table.section in decision.permitted


def _may_be_told(body: Mapping[str, Any], shown: Collection[str]) -> bool:
    """Whether how something came to be may be told: all that it is about is shown, and named as it is named here."""
    targets = targets_of(body)
    return (
        "modifierExtension" not in body
        and "implicitRules" not in body
        and targets != []
        and all(target in shown for target in targets)
    )


def redirected(value: Any, moved: Mapping[str, str]) -> Any:
    """The JSON with references to Type/id that is another by now as that."""

    def one(said: dict[str, Any]) -> dict[str, Any]:
        literal = said.get("reference")
        return {**said, "reference": moved[literal]} if isinstance(literal, str) and literal in moved else said

    return changed(value, one)
