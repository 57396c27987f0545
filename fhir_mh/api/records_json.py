"""The plain JSON that vendors without FHIR are answered with."""

from __future__ import annotations

from typing import Any

from fhir_mh.api.currency_forms import asking
from fhir_mh.clock import instant
from fhir_mh.gateway.gateway import HeldRecord, Saved
from fhir_mh.records.agreements import AgreementStanding, standing_of
from fhir_mh.records.legal import cautions_of
from fhir_mh.store import Currency, Mark


def held(record: HeldRecord) -> dict[str, Any]:
    """A record as one caller may see it, with who keeps what, what is pending, and what is out of date."""
    return {
        "id": record.id,
        "version": record.version,
        "record": record.tree,
        "custodians": _custodians(record),
        "pending": [
            {
                "id": one.id,
                "custodian": one.custodian,
                "state": one.state,
                "code": one.code,
                "changes": list(one.paths),
                "unmerged": [
                    {"path": row.path, "shown": row.shown, "ours": row.ours, "earlier": list(row.earlier)}
                    for row in one.unmerged
                ],
            }
            for one in record.pending
            if one.state != "decided"
        ],
        "decided": [
            {
                "id": one.id,
                "custodian": one.custodian,
                "path": row.path,
                "outcome": row.outcome,
                "shown": row.shown,
                "ours": row.ours,
            }
            for one in record.pending
            for row in one.decided
        ],
        "copies": [
            {**copy(one), "asking": asking(record.pulled.get((one.person, one.partner, one.custodian)))}
            for one in record.copies
        ],
        "agreements": [agreement(one) for one in standing_of(record.tree)],
        "plans": [
            {"plan": one.plan, "version": one.version, "content_hash": one.content_hash, "same": one.same}
            for one in record.plans
        ],
        "cautions": [{"refusal": one.refusal, "text": one.text} for one in cautions_of(record.tree, record.as_of)],
        "merged": record.merged,
        "retracted": [{"custodian": one.custodian, "at": instant(one.sealed)} for one in record.sealed],
        "asked_by_law": [found.as_dict() for found in record.asked],
    }


def _custodians(record: HeldRecord) -> dict[str, dict[str, str]]:
    """list -> item id -> ODS code, of the items this caller sees."""
    seen = {
        (name, item["id"])
        for name, value in record.tree.items()
        for item in (value if isinstance(value, list) else [value])
        if isinstance(item, dict) and "id" in item
    }
    found: dict[str, dict[str, str]] = {}
    for (name, item_id), custodian in record.custodians.items():
        if (name, item_id) in seen:
            found.setdefault(name, {})[item_id] = custodian
    return found


def agreement(one: AgreementStanding) -> dict[str, Any]:
    """Whether what one party agreed to is the plan as it is now; current is null where a version is not known."""
    return {
        "agreement": one.agreement,
        "plan": one.plan,
        "agreed_version": one.agreed_version,
        "plan_version": one.plan_version,
        "current": one.current,
    }


def copy(one: Currency) -> dict[str, Any]:
    """How current one organisation's copy of one custodian's part is. Of what it never reached, null."""
    newest = one.stored or one.sent
    return {
        "person": one.person,
        "partner": one.partner,
        "custodian": one.custodian,
        "edition": newest.edition if newest else None,
        "sent": _mark(one.sent),
        "stored": _mark(one.stored),
        "filed": _mark(one.filed),
        "opened": _mark(one.opened),
        "kept_up_to_date": one.ended_at is None,
        "reason": one.ended_reason,
    }


def _mark(mark: Mark | None) -> dict[str, Any] | None:
    return None if mark is None else {"edition": mark.edition, "at": instant(mark.at)}


def saved(result: Saved) -> dict[str, Any]:
    """What became of a write. changed: paths in the record. proposed: ids of proposals to other organisations."""
    return {
        "id": result.id,
        "version": result.version,
        "changed": result.changed,
        "proposed": result.proposed,
        "tasks": result.tasks,
        "warnings": [found.as_dict() for found in result.warnings],
    }
