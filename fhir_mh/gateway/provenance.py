"""Who made the record what it is where two texts met: a Provenance of each resource that a merge or decision changed.

They are kept here, as the resources are. No table reads them: they are in nobody's record, and nothing is made of one
that arrives. R4 gives a row no place in a Provenance: it stands beside its source, by its path, without content.
See https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fhir_mh.clock import instant
from fhir_mh.fhir.urls import BASE, ITEM_ID, ODS_CODE
from fhir_mh.gateway.holding import Holding, Key
from fhir_mh.gateway.identity import Organisation
from fhir_mh.mapping.row_paths import is_of_item
from fhir_mh.store import StoredConflict, Tx

POLICY = f"{BASE}/sync-protocol"
"""By what these were made (Provenance.policy), and what they are known by."""

_OPERATION = {"system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation", "code": "UPDATE"}
_LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"

Body = dict[str, Any]


def is_ours(body: Mapping[str, Any]) -> bool:
    """Whether a resource is a Provenance of this kind."""
    return body.get("resourceType") == "Provenance" and body.get("policy") == [POLICY]


def targets_of(body: Mapping[str, Any]) -> list[str]:
    """What a Provenance is about, as Type/id."""
    listed = body.get("target")
    targets = listed if isinstance(listed, list) else []
    return [str(one.get("reference")) for one in targets if isinstance(one, dict)]


def of_merge(
    tx: Tx, home: Organisation, person: str, changed: Mapping[Key, tuple[str, str]], rows: Sequence[str], author: str,
    proposal: str,
) -> None:  # fmt: skip
    """Say of what a proposal changed who proposed it and who keeps it.

    changed: the resources stored, with the record's list and the item each belongs to. rows: the paths that changed.
    """
    source = {"identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{proposal}"}}
    agents = [_agent("author", _organisation(author)), _agent("custodian", _organisation(home.ods))]
    for key, place in changed.items():
        paths = [path for path in rows if is_of_item(path, *place)]
        if paths:
            entities = [{"role": "source", "what": {**source, "display": path}} for path in paths]
            _put(tx, home, person, key, "merge", agents, entities)


def of_decision(
    tx: Tx,
    home: Organisation,
    holding: Holding,
    conflict: StoredConflict,
    changed: Iterable[Key],
    by: Mapping[str, Any],
) -> None:
    """Say of what a decision changed, or of the Task where it changed nothing else, who decided between whose texts."""
    authors = dict.fromkeys([conflict.theirs_by, home.ods])
    agents = [_agent("verifier", _who(holding, by)), *(_agent("author", _organisation(ods)) for ods in authors)]
    what = {"identifier": {"system": ITEM_ID, "value": conflict.id}, "display": conflict.path}
    targets = [key for key in changed if key[0] != "Task"] or [("Task", conflict.id)]
    for key in targets:
        _put(tx, home, holding.person, key, "verify", agents, [{"role": "source", "what": what}])


def _put(
    tx: Tx, home: Organisation, person: str, target: Key, act: str, agents: list[Body], entities: list[Body]
) -> None:
    body = {
        "resourceType": "Provenance",
        "id": tx.new_id(),
        "target": [{"reference": f"{target[0]}/{target[1]}"}],
        "recorded": instant(tx.now),
        "policy": [POLICY],
        "activity": {"coding": [_OPERATION, {"system": _LIFECYCLE, "code": act}]},
        "agent": agents,
        "entity": entities,
    }
    tx.put(body, person=person, custodian=home.ods)


def _agent(part: str, who: Body) -> Body:
    return {"type": {"coding": [{"system": _PARTICIPANT, "code": part}]}, "who": who}


def _organisation(ods: str) -> Body:
    return {"type": "Organization", "identifier": {"system": ODS_CODE, "value": ods}}


def _who(holding: Holding, by: Mapping[str, Any]) -> Body:
    """A professional of the record by reference; anybody else as they were named."""
    for found in holding.reading.taken:
        if found.table is not None and found.table.field == "professionals" and found.item_id == by.get("id"):
            return {"reference": f"{found.table.kind}/{found.entry.resource['id']}"}
    return {"display": str(by.get("display"))}
