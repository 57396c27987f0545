"""Which crisis plan is current where several organisations each keep one for the person, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from fhir_mh.clock import moment_of

Tree = Mapping[str, Any]
Naming = Callable[[Tree | None], str]
Reason = Literal["only-plan", "only-in-force", "leads-care", "home-team", "newest", "none", "none-in-force", "not-told"]
REASONS: dict[Reason, str] = {
    "only-plan": "It is the only crisis plan here, and it is in force.",
    "only-in-force": "It is the only one of {count} crisis plans here that is in force.",
    "leads-care": "{custodian}, which keeps it, leads the person's care now: it has an active episode with a lead.",
    "home-team": "{custodian}, which keeps it, is the home team of the person's placement.",
    "newest": "It was agreed, reviewed or changed last, on {date}.",
    "none": "There is no crisis plan here.",
    "none-in-force": "No crisis plan here is in force.",
    "not-told": "{count} crisis plans are in force, and it cannot be told which is current: {because}.",
}
"""Why a crisis plan is the current one, or why none can be named: a code, and the sentence that people are told."""
_STALE = "{sentence} But this copy is not kept up to date: {custodian} may have changed it since."

_DAY = len("2026-11-24")


@dataclass(frozen=True, slots=True)
class CurrentPlan:
    """plan: the id of the crisis plan that is current; None where none is, or where it cannot be told."""

    plan: str | None
    reason: Reason
    sentence: str


def current_crisis_plan(
    tree: Tree, keepers: Mapping[str, str], stale: Collection[str], now: str, ods: Naming
) -> CurrentPlan:
    """Which crisis plan of a record's JSON tree is the current one.

    A plan in force goes before all others: active, within its period, and not replaced by another that is. Of several,
    that of the organisation which leads the person's care; else the one agreed, reviewed or changed last. What these do
    not tell apart is not told apart. Of a copy that is not kept up to date the sentence says so. keepers: who keeps
    each plan, by its id. stale: ids of the copies that are not kept up to date, whose newest date is not known. now: an
    instant. ods: gives the ODS code of the organisation that a reference means, empty where none is known. Pure: no
    clock, no storage.
    """
    found = _current(tree, keepers, stale, now, ods)
    if found.plan not in stale:
        return found
    said = _STALE.format(sentence=found.sentence, custodian=keepers.get(found.plan or "") or "its keeper")
    return replace(found, sentence=said)


def _current(tree: Tree, keepers: Mapping[str, str], stale: Collection[str], now: str, ods: Naming) -> CurrentPlan:
    plans = [plan for plan in tree.get("crisis_plans") or () if plan.get("status") != "entered-in-error"]
    if not plans:
        return _said(None, "none")
    active = [plan for plan in plans if _in_force(plan, now)]
    replaced = {ref.get("id") for plan in active for ref in plan.get("replaces") or ()}
    active = [plan for plan in active if plan["id"] not in replaced]
    if not active:
        return _said(None, "none-in-force")
    if len(active) == 1:
        only: Reason = "only-plan" if len(plans) == 1 else "only-in-force"
        return _said(active[0]["id"], only, count=len(plans))
    return _of_several(tree, active, keepers, stale, ods)


def _said(plan: str | None, reason: Reason, **values: object) -> CurrentPlan:
    return CurrentPlan(plan, reason, REASONS[reason].format(**values))


def _in_force(plan: Tree, now: str) -> bool:
    """Active, begun and not over; a day that is named still counts whole."""
    period = plan.get("period") or {}
    start, end = period.get("start") or "", period.get("end") or ""
    return plan.get("status", "active") == "active" and not _before(now, start) and not (end and _before(end, now))


def _before(first: str, second: str) -> bool:
    """Whether a moment surely lies before another, each as precise as it is known."""
    one, other = _moment(first), _moment(second)
    if one is not None and other is not None:
        return one < other
    known = min(len(first), len(second), _DAY)
    return first[:known] < second[:known]


def _moment(text: str) -> datetime | None:
    """A date and time in UTC, a leap second as the one before; None for a date alone, and for what no calendar has."""
    return moment_of(text.replace(":60", ":59"))


# --- several in force


def _of_several(
    tree: Tree, active: Sequence[Tree], keepers: Mapping[str, str], stale: Collection[str], ods: Naming
) -> CurrentPlan:
    custodians = {keepers.get(plan["id"], "") for plan in active}
    leading, home = _leading(tree, ods) & custodians, _home(tree, ods) & custodians
    chosen = leading & home or leading or home
    if leading and home and not leading & home:
        return _not_told(active, "one keeper leads the person's care, and another is the home team")
    if len(chosen) != 1:
        return _newest(active, tree, stale)
    (custodian,) = chosen
    theirs = [plan for plan in active if keepers.get(plan["id"], "") == custodian]
    if len(theirs) > 1:
        return _newest(theirs, tree, stale)
    return _said(theirs[0]["id"], "leads-care" if custodian in leading else "home-team", custodian=custodian)


def _leading(tree: Tree, ods: Naming) -> set[str]:
    """The organisations that have an active episode of the person's care with somebody who leads it."""
    return {
        ods(episode.get("organisation"))
        for episode in tree.get("episodes") or ()
        if episode.get("status", "active") == "active" and episode.get("lead")
    } - {""}


def _home(tree: Tree, ods: Naming) -> set[str]:
    """The home teams of the placements that are active: who asked for them."""
    return {
        ods(placement.get("requested_by"))
        for placement in tree.get("placements") or ()
        if placement.get("status", "active") == "active"
    } - {""}


def _newest(plans: Sequence[Tree], tree: Tree, stale: Collection[str]) -> CurrentPlan:
    dated = {
        plan["id"]: "" if plan["id"] in stale else max(_dates(plan, tree), key=_order, default="") for plan in plans
    }
    if "" in dated.values():
        return _not_told(plans, "it is not known of each when it was last agreed, reviewed or changed")
    last = max(dated, key=lambda name: _order(dated[name]))
    if not all(_before(date, dated[last]) for name, date in dated.items() if name != last):
        return _not_told(plans, "the newest were agreed, reviewed or changed at the same time, as far as it is known")
    return _said(last, "newest", date=dated[last][:_DAY])


def _not_told(plans: Sequence[Tree], because: str) -> CurrentPlan:
    return _said(None, "not-told", count=len(plans), because=because)


def _order(date: str) -> tuple[str, str]:
    """Orders moments in UTC, and a day or month after what is known to lie in it, as its newest may."""
    moment = _moment(date)
    return (date + "~", date) if moment is None else (moment.isoformat(), date)


def _dates(plan: Tree, tree: Tree) -> Iterator[str]:
    """When a plan was agreed, reviewed or changed, as far as it says so itself."""
    for agreement in tree.get("agreements") or ():
        if (agreement.get("plan") or {}).get("id") == plan["id"] and agreement.get("decision") in ("agreed", "partly"):
            yield agreement["recorded_at"]
    yield from (review["held"] for review in plan.get("reviews") or () if review.get("held"))
    yield from _written(plan)


def _written(value: Any) -> Iterator[str]:
    """When anything in a plan was written down: its making, its texts, its notes."""
    if isinstance(value, list):
        for inner in value:
            yield from _written(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in ("created", "recorded_at", "time") and isinstance(inner, str):
                yield inner
            elif name not in ("unknown", "numbers"):
                yield from _written(inner)
