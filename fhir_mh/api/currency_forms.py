"""How current a person's copies are, as plain JSON and as the Parameters that `$currency` answers with."""

from __future__ import annotations

from typing import Any

from fhir_mh.clock import instant
from fhir_mh.fhir.urls import CODE_SYSTEM, ITEM_ID, ODS_CODE
from fhir_mh.gateway.copies_sent import Reached
from fhir_mh.gateway.currency import Copy, PersonCurrency, PlanCurrency
from fhir_mh.store import StoredAsking

Json = dict[str, Any]
_STAGES = ("sent", "stored", "filed", "opened")


# --- plain JSON


def plain(found: PersonCurrency) -> Json:
    """The answer of GET /records/{id}/currency."""
    current = found.current
    return {
        "id": found.id,
        "as_of": found.as_of,
        "current_crisis_plan": {"plan": current.plan, "reason": current.reason, "sentence": current.sentence},
        "plans": [_plan(plan) for plan in found.plans],
    }


def _plan(plan: PlanCurrency) -> Json:
    part = plan.part
    return {
        "list": part.list,
        "id": part.id,
        "kind": part.kind,
        "title": part.title,
        "custodian": part.custodian,
        "version": part.version,
        "content_hash": part.content_hash,
        "copies": [_copy(copy) for copy in plan.copies],
    }


def _copy(copy: Copy) -> Json:
    return {
        "partner": copy.partner,
        **{stage: _reached(getattr(copy, stage)) for stage in _STAGES},
        "newest": copy.newest,
        "kept_up_to_date": copy.kept_up_to_date,
        "since": None if copy.since is None else instant(copy.since),
        "reason": copy.reason,
        "asking": asking(copy.asking),
    }


def asking(pulled: StoredAsking | None) -> Json | None:
    """By which asking a copy was pulled, and when that was made."""
    return None if pulled is None else {"id": pulled.id, "at": instant(pulled.asked)}


def _reached(stage: Reached | None) -> Json | None:
    if stage is None:
        return None
    return {
        "edition": stage.edition,
        "at": instant(stage.at),
        "version": stage.version,
        "content_hash": stage.content_hash,
        "newest": stage.newest,
    }


# --- FHIR


def parameters(found: PersonCurrency) -> Json:
    """The answer of Patient/{id}/$currency, as OperationDefinition/currency has it. What is not known is left out."""
    plans = {plan.part.id: plan for plan in found.plans if plan.part.list == "crisis_plans"}
    chosen = plans.get(found.current.plan or "")
    current = [
        *(_identity(chosen) if chosen is not None else []),
        {
            "name": "reason",
            "valueCoding": {"system": CODE_SYSTEM + "current-plan-reason", "code": found.current.reason},
        },
        {"name": "sentence", "valueString": found.current.sentence},
    ]
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "asOf", "valueInstant": found.as_of},
            {"name": "currentCrisisPlan", "part": current},
            *({"name": "plan", "part": _plan_parts(plan)} for plan in found.plans),
        ],
    }


def _identity(plan: PlanCurrency) -> list[Json]:
    part = plan.part
    return [
        {
            "name": "resource",
            "valueReference": {
                "reference": f"{part.primary[0]}/{part.primary[1]}",
                "identifier": {"system": ITEM_ID, "value": part.id},
            },
        },
        {"name": "custodian", "valueIdentifier": _ods(part.custodian)},
    ]


def _plan_parts(plan: PlanCurrency) -> list[Json]:
    part = plan.part
    said = [
        ("kind", "valueCode", part.kind),
        ("title", "valueString", part.title),
        ("version", "valuePositiveInt", part.version),
        ("contentHash", "valueString", part.content_hash),
    ]
    copies = [{"name": "copy", "part": _copy_parts(copy)} for copy in plan.copies]
    return [*_identity(plan), *_known(said), *copies]


def _copy_parts(copy: Copy) -> list[Json]:
    stages = [(stage, getattr(copy, stage)) for stage in _STAGES]
    said = [
        ("newest", "valueBoolean", copy.newest),
        ("keptUpToDate", "valueBoolean", copy.kept_up_to_date),
        ("since", "valueInstant", None if copy.since is None else instant(copy.since)),
        ("reason", "valueString", copy.reason),
    ]
    return [
        {"name": "organisation", "valueIdentifier": _ods(copy.partner)},
        *({"name": name, "part": _stage_parts(stage)} for name, stage in stages if stage is not None),
        *_known(said),
        *([] if copy.asking is None else [{"name": "asking", "part": _asking_parts(copy.asking)}]),
    ]


def _asking_parts(pulled: StoredAsking) -> list[Json]:
    return _known([("id", "valueString", pulled.id), ("at", "valueInstant", instant(pulled.asked))])


def _stage_parts(stage: Reached) -> list[Json]:
    said = [
        ("edition", "valuePositiveInt", stage.edition),
        ("at", "valueInstant", instant(stage.at)),
        ("version", "valuePositiveInt", stage.version),
        ("contentHash", "valueString", stage.content_hash),
        ("newest", "valueBoolean", stage.newest),
    ]
    return _known(said)


def _known(said: list[tuple[str, str, Any]]) -> list[Json]:
    return [{"name": name, kind: value} for name, kind, value in said if value is not None]


def _ods(code: str) -> Json:
    return {"system": ODS_CODE, "value": code}
