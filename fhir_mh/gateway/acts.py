"""What people did with whole records, for the audit log: who, what, when and why; nothing of what a record says."""

from __future__ import annotations

from fhir_mh.consent import AccessContext
from fhir_mh.errors import InvalidResource
from fhir_mh.gateway.auditing import Audited, audit
from fhir_mh.gateway.identity import Organisation
from fhir_mh.issues import issue
from fhir_mh.store import Tx


def note_act(
    tx: Tx, home: Organisation, context: AccessContext, person: str | None, kind: str, act: str, what: str, why: str
) -> None:
    """Keep an AuditEvent. kind: what it was done to (seal, merge); what: its name; act: what was done, and why."""
    who = f"{context.organisation} {context.client or context.role}"
    audit(tx, home, person, Audited(kind, act, "R" if act == "open" else "E", who, {"text": why}, (kind, what)))


def needed(reason: str) -> None:
    """Raises InvalidResource where no reason is given."""
    if not reason.strip():
        raise InvalidResource(issues=[issue("sync-envelope", "reason", expected="a text")])
