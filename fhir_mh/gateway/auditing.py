"""Who did what, when and why, as AuditEvents in the store's audit log; nothing of what a record says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.urls import BASE, CODE_SYSTEM, ODS_CODE
from fhir_mh.gateway.identity import Organisation
from fhir_mh.issues import issue
from fhir_mh.store import AuditRow, Tx

_PURPOSE_OF_USE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"


@dataclass(frozen=True, slots=True)
class Audited:
    """kind and act: what was done, as codes. action: FHIR's code of it. who: in words. why: a CodeableConcept.

    what: the kind of the thing it was done to, and its name; no name of a person, and no NHS number.
    """

    kind: str
    act: str
    action: str
    who: str
    why: Mapping[str, Any]
    what: tuple[str, str]


def audit(tx: Tx, home: Organisation, person: str | None, done: Audited) -> None:
    """Keep what was done, in the transaction that does it. person: the id here of who it is about."""
    event: Mapping[str, Any] = {
        "resourceType": "AuditEvent",
        "type": {"system": CODE_SYSTEM + "audit-event", "code": done.kind},
        "subtype": [{"system": CODE_SYSTEM + "audit-event", "code": done.act}],
        "action": done.action,
        "recorded": instant(tx.now),
        "outcome": "0",
        "purposeOfEvent": [done.why],
        "agent": [{"who": {"display": done.who}, "requestor": True}],
        "source": {"observer": {"identifier": {"system": ODS_CODE, "value": home.ods}}},
        "entity": [{"what": {"identifier": {"system": f"{BASE}/Id/{done.what[0]}", "value": done.what[1]}}}],
    }
    tx.audit.append([AuditRow(tx.now, person, dumps(event).decode())])


def note_act(
    tx: Tx, home: Organisation, context: AccessContext, person: str | None, kind: str, act: str, what: str, why: str
) -> None:
    """Keep what somebody did with a whole record. kind: what it was done to (seal, merge); what: its name."""
    done = Audited(kind, act, "R" if act == "open" else "E", who_is(context), {"text": why}, (kind, what))
    audit(tx, home, person, done)


def who_is(context: AccessContext) -> str:
    """A caller, in words."""
    return f"{context.organisation} {context.client or context.role}"


def purpose(code: str, reason: str | None) -> dict[str, Any]:
    """Why something was asked for, as a CodeableConcept. code: of HL7 v3 PurposeOfUse."""
    why: dict[str, Any] = {"coding": [{"system": _PURPOSE_OF_USE, "code": code}]}
    return {**why, "text": reason} if reason else why


def needed(reason: str) -> None:
    """Raises InvalidResource where no reason is given."""
    if not reason.strip():
        raise InvalidResource(issues=[issue("rest-body", "reason", expected="a text")])
