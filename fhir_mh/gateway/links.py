"""Patient.link of persons who are one: whose Patient is in use, and whose was superseded by it.

Only our own Patients are linked; others' are theirs to change. See https://hl7.org/fhir/R4/patient.html#links
"""

from __future__ import annotations

from typing import Any

from fhir_mh.gateway.holding import content, patients_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.store import StoredResource, Tx

Body = dict[str, Any]
_REPLACES, _REPLACED_BY = "replaces", "replaced-by"


def link(tx: Tx, home: Organisation, kept: str, superseded: str) -> dict[str, int]:
    """Link our own Patients of two persons who become one; Type/id -> the version that says so."""
    ours, theirs = own_first(tx, home, kept), own_first(tx, home, superseded)
    changed: dict[str, int] = {}
    for one in ours:
        if one.custodian == home.ods and theirs:
            body = _with_links(content(one.body()), _REPLACES, theirs)
            changed |= _put(tx, home, one, body)
    for one in theirs:
        if one.custodian == home.ods and ours:
            body = _with_links({**content(one.body()), "active": False}, _REPLACED_BY, ours[:1])
            changed |= _put(tx, home, one, body)
    return changed


def unlinked(tx: Tx, now: StoredResource, version: int) -> Body:
    """A Patient as it is without what a merge put there. version: the one by which it was put."""
    before = tx.get_version(now.type, now.id, version - 1)
    linked_ = tx.get_version(now.type, now.id, version)
    was: Body = content(before.body()) if before is not None else {}
    body: Body = content(now.body())
    if linked_ is not None and body == content(linked_.body()):
        return was
    added = [one for one in (content(linked_.body()) if linked_ else {}).get("link") or () if one not in _links(was)]
    kept = [one for one in _links(body) if one not in added]
    if kept:
        body["link"] = kept
    else:
        body.pop("link", None)
    if body.get("active") is False and was.get("active") is not False:
        body.pop("active") if "active" not in was else body.update(active=was["active"])
    return body


def linked(tx: Tx, known: StoredResource, body: Body) -> Body:
    """A Patient that a system sends, with the links that a merge in force gave the one it takes the place of."""
    if known.type != "Patient" or known.person is None or known.deleted:
        return body
    sides = tx.merges.sides(known.person)
    lost = [one for one in _links(known.body()) if _of_merge(tx, one, sides) and one not in _links(body)]
    return {**body, "link": [*_links(body), *lost]} if lost else body


def _of_merge(tx: Tx, one: Body, sides: list[str]) -> bool:
    kind, _, name = str((one.get("other") or {}).get("reference")).partition("/")
    return one.get("type") == _REPLACES and kind == "Patient" and tx.person_of("Patient", name) in sides[1:]


def own_first(tx: Tx, home: Organisation, person: str) -> list[StoredResource]:
    """The Patients that are held of a person, our own first."""
    return sorted(patients_of(tx, person), key=lambda one: one.custodian != home.ods)


def _links(body: Body) -> list[Any]:
    listed = body.get("link")
    return listed if isinstance(listed, list) else []


def _with_links(body: Body, kind: str, others: list[StoredResource]) -> Body:
    new = [{"other": {"reference": f"Patient/{one.id}"}, "type": kind} for one in others]
    return {**body, "link": [*_links(body), *(one for one in new if one not in _links(body))]}


def _put(tx: Tx, home: Organisation, one: StoredResource, body: Body) -> dict[str, int]:
    return {f"{one.type}/{one.id}": tx.put(body, person=one.person, custodian=home.ods).version}
