"""What the law asks of a record, where it is in force: warnings of what is missing, never a refusal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from fhir_mh.consent.policies import PolicyFile
from fhir_mh.issues import Issue, issue
from fhir_mh.records.legal import detained

Tree = Mapping[str, Any]


def asked_by_law(tree: Tree, moment: str, policies: Sequence[PolicyFile], named: Collection[str] = ()) -> list[Issue]:
    """What the laws that are on at the moment find missing from a record's JSON tree.

    moment: an instant in UTC. named: the policies that the settings turn on. A policy that is not in force, or that
    nobody turned on, finds nothing. Each Issue names the law and the version of its policy.
    """
    found = []
    for policy in policies:
        if policy.asks is not None and policy.is_on(moment, named):
            law = f"{policy.source.name}, policy version {policy.version}"
            code, missing = _MISSING[policy.asks]
            found += [issue(code, path, law=law) for path in missing(tree, moment, policy.values)]
    return found


def _plan_of_the_detained(tree: Tree, moment: str, values: Tree) -> Iterator[str]:
    """Somebody detained has a statutory care and treatment plan."""
    if detained(tree, moment) and not list(_statutory(tree, values["category"])):
        yield "care_plans"


def _statutory(tree: Tree, category: Tree) -> Iterator[Tree]:
    for plan in tree.get("care_plans") or ():
        codings = [coding for concept in plan.get("categories") or () for coding in concept.get("codings") or ()]
        said = [(coding.get("system"), coding.get("code")) for coding in codings]
        if plan.get("status", "active") == "active" and (category["system"], category["code"]) in said:
            yield plan


def _nominated_person(tree: Tree, moment: str, values: Tree) -> Iterator[str]:
    """The nominated person of somebody detained was asked about each plan in force, as it is now."""
    if not detained(tree, moment):
        return
    nominated = {
        contact["id"]
        for contact in tree.get("contacts") or ()
        for role in contact.get("roles") or ()
        if role.get("kind") in values["roles"] and not _over(role.get("period") or {}, moment)
    }
    if not nominated:
        return
    for plan in tree.get("care_plans") or ():
        if plan.get("status", "active") == "active" and not _was_asked(tree, plan, nominated):
            yield f"care_plans[{plan['id']}]"


def _over(period: Tree, moment: str) -> bool:
    end: str = period.get("end") or ""
    return bool(end) and moment[: len(end)][:10] > end[:10]


def _was_asked(tree: Tree, plan: Tree, whom: Collection[str]) -> bool:
    """Whether one of them said something, whatever it was, to the plan at its version now."""
    return any(
        (agreement.get("who") or {}).get("id") in whom
        and (agreement.get("plan") or {}).get("id") == plan["id"]
        and agreement.get("plan_version") == plan.get("version")
        for agreement in tree.get("agreements") or ()
    )


def _help_with_choices(tree: Tree, moment: str, values: Tree) -> Iterator[str]:
    """Within so many months of a discharge, help with an advance choice document was offered."""
    offered = [
        (document.get("help") or {}).get("offered_on", "")[:10] for document in tree.get("choice_documents") or ()
    ]
    for stay in tree.get("stays") or ():
        end = (stay.get("period") or {}).get("end", "")[:10]
        ended = stay.get("status") == "finished" and len(end) == len("2026-11-24") and end <= moment[:10]
        if ended and moment[:10] <= _months_later(end, values["months"]) and not any(day >= end for day in offered):
            yield f"stays[{stay['id']}]"


def _months_later(day: str, months: int) -> str:
    """The same day so many months on; in a shorter month it stands after that month's last, which compares rightly."""
    years, month = divmod(int(day[:4]) * 12 + int(day[5:7]) - 1 + months, 12)
    return f"{years:04}-{month + 1:02}-{day[8:]}"


_MISSING: dict[str, tuple[str, Callable[[Tree, str, Tree], Iterator[str]]]] = {
    "care-and-treatment-plan": ("law-care-and-treatment-plan", _plan_of_the_detained),
    "nominated-person-consulted": ("law-nominated-person-consulted", _nominated_person),
    "help-with-choice-document": ("law-help-with-choice-document", _help_with_choices),
}
