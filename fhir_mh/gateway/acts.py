"""What people did with whole records, for the audit log: who, what, when and why; nothing of what a record says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.urls import BASE, CODE_SYSTEM, ODS_CODE
from fhir_mh.gateway.identity import Organisation
from fhir_mh.issues import issue
from fhir_mh.store import AuditRow, Tx


def note_act(
    tx: Tx, home: Organisation, context: AccessContext, person: str | None, kind: str, act: str, what: str, why: str
) -> None:
    """Keep an AuditEvent. kind: what it was done to (seal, merge); what: its name; act: what was done, and why."""
    who = f"{context.organisation} {context.client or context.role}"
    event: Mapping[str, Any] = {
        "resourceType": "AuditEvent",
        "type": {"system": CODE_SYSTEM + "audit-event", "code": kind},
        "subtype": [{"system": CODE_SYSTEM + "audit-event", "code": act}],
        "action": "R" if act == "open" else "E",
        "recorded": instant(tx.now),
        "outcome": "0",
        "purposeOfEvent": [{"text": why}],
        "agent": [{"who": {"display": who}, "requestor": True}],
        "source": {"observer": {"identifier": {"system": ODS_CODE, "value": home.ods}}},
        "entity": [{"what": {"identifier": {"system": f"{BASE}/Id/{kind}", "value": what}}}],
    }
    tx.audit.append([AuditRow(tx.now, person, dumps(event).decode())])


def needed(reason: str) -> None:
    """Raises InvalidResource where no reason is given."""
    if not reason.strip():
        raise InvalidResource(issues=[issue("sync-envelope", "reason", expected="a text")])
