"""How an organisation stands to a person, and what follows for sharing: who is in care, who leads, what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext, AccessRequest, Decision, Directive, decide, directives_of
from fhir_mh.errors import ConsentDenied
from fhir_mh.fhir.urls import ODS_CODE
from fhir_mh.gateway.holding import Tree, about, content
from fhir_mh.issues import issue
from fhir_mh.profiles.addresses import Entry
from fhir_mh.profiles.bundle import TABLES, read_entries, table_of
from fhir_mh.store import StoredResource, Tx

DECIDING = frozenset({"Patient", "Organization", "Consent", "ServiceRequest", "Encounter", "EpisodeOfCare"})
"""The kinds of resource on which decisions rest: a write of any other kind changes nobody's standing."""

_STAYING = ("planned", "arrived", "triaged", "in-progress", "onleave")


@dataclass(frozen=True, slots=True)
class Standing:
    """in_care: organisations that care for the person now. leads: those whose plan it is."""

    in_care: frozenset[str]
    leads: frozenset[str]
    directives: tuple[Directive, ...]

    def decide(self, context: AccessContext, now: str) -> Decision:
        """What the organisation of this context may see."""
        organisation = context.organisation
        return decide(
            AccessRequest(context, organisation in self.in_care, organisation in self.leads, now), self.directives
        )

    def may_be_sent(self, partner: str, now: str) -> Decision:
        """What is sent to a partner unasked: what it may see, and only while it cares for the person."""
        decision = self.decide(AccessContext(partner), now)
        if partner in self.in_care or decision.nothing:
            return decision
        return Decision(frozenset(), sentence="This organisation does not care for the person now.")


def standing(tx: Tx, person: str) -> Standing:
    """Who cares for the person and what the person decided, as of now."""
    entries, keepers = [], set()
    for stored in about(tx, person):
        if stored.type in DECIDING:
            entries.append(Entry(content(stored.body()), f"{stored.type}/{stored.id}"))
        elif stored.type == "CarePlan" and _is_a_plan(stored):
            keepers.add(stored.custodian)
    tree = read_entries(entries, same_person=True).tree if entries else {}
    ods_of = {item["id"]: item["ods"] for item in tree.get("organisations") or () if "ods" in item}
    in_care = set(keepers)
    for placement in tree.get("placements") or ():
        if placement.get("status") == "active":
            in_care |= {_ods(placement.get(name), ods_of) for name in ("provider", "requested_by")}
    for stay in tree.get("stays") or ():
        if stay.get("status") in _STAYING:
            in_care.add(_ods(stay.get("provider"), ods_of))
    for episode in tree.get("episodes") or ():
        if episode.get("status") == "active":
            in_care.add(_ods(episode.get("organisation"), ods_of))
    directives = directives_of(tree.get("sharing") or (), ods_of)
    return Standing(frozenset(in_care - {""}), frozenset(keepers), tuple(directives))


def _is_a_plan(stored: StoredResource) -> bool:
    """Whether a CarePlan is one, and not the wishes of a statement: whoever takes these down leads nothing."""
    table = table_of(stored.body())
    return table is not None and table.section in ("care-plan", "crisis-plan")


def _ods(ref: Mapping[str, Any] | None, ods_of: Mapping[str, str]) -> str:
    if not ref:
        return ""
    identifier = ref.get("identifier") or {}
    named = identifier.get("value", "") if identifier.get("system") == ODS_CODE else ""
    return ods_of.get(ref.get("id", ""), "") or str(named)


def visible(tx: Tx, context: AccessContext, person: str, tree: Tree) -> Tree:
    """What of a person's record tree another organisation may see. Raises ConsentDenied where that is nothing."""
    decision = standing(tx, person).decide(context, now_of(tx))
    if decision.nothing:
        raise ConsentDenied(decision.sentence, issues=[issue("consent-denied", "$", sentence=decision.sentence)])
    sections = {table.field: table.section for table in TABLES if table.primary}
    return {name: value for name, value in tree.items() if sections.get(name) in decision.permitted}


def only_own(context: AccessContext, own: str) -> None:
    """Only this organisation's own systems write here; others go through their own gateway. Raises ConsentDenied."""
    if context.organisation != own:
        raise ConsentDenied(issues=[issue("consent-not-own", "$")])


def now_of(tx: Tx) -> str:
    """The transaction's time as an instant."""
    return instant(tx.now)
