"""How an organisation stands to a person, and what follows for sharing: who is in care, who leads, what was decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fhir_mh.clock import instant
from fhir_mh.consent import (
    AccessContext,
    AccessRequest,
    Decision,
    Directive,
    decide,
    directives_of,
    find_and_pull,
    strictest,
    together,
)
from fhir_mh.errors import Conflict, ConsentDenied, NotFound, VersionConflict
from fhir_mh.fhir.json import load_object
from fhir_mh.fhir.urls import ODS_CODE
from fhir_mh.gateway.holding import Holding, Tree, about_sides, name_apart
from fhir_mh.gateway.named import named_to_decide
from fhir_mh.gateway.overtaking import IN_ERROR, STAYING, is_overtaken
from fhir_mh.issues import Issue, issue
from fhir_mh.placements.courses import ENDED, ods_codes, ods_named, planned_in_vain
from fhir_mh.profiles.bundle import table_of
from fhir_mh.store import StoredAsking, StoredResource, Tx

DECIDING = frozenset({"Patient", "Organization", "Consent", "ServiceRequest", "Encounter", "EpisodeOfCare"})
"""The kinds of resource on which decisions rest: a write of ours of any other kind changes nobody's standing."""
DECIDING_OF_OTHERS = DECIDING | {"CarePlan"}
"""The same of what another organisation keeps: whoever comes to keep a plan leads it, and is in care."""

_PARTIES = {
    "placements": ("provider", "requested_by", "placing_commissioner", "host_commissioner"),
    "stays": ("provider",),
    "episodes": ("organisation",),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """in_care: organisations that care for the person now. leads: those whose plan it is.

    commissioning: those that commission a placement that is open; they see what the person has agreed to, no more.
    voices: the person's directives; of two persons who are one those of each that has any, for what one of them denies
    the other does not permit.
    asking: of those that have asked for the plan, and whose asking keeps sharing alive, the purposes they asked for.
    met: those of any placement, stay or episode, over or not: that the person is known here is nothing new to them.
    It is gone through only where somebody asks, for nothing that is sent depends on it.
    """

    in_care: frozenset[str]
    leads: frozenset[str]
    voices: tuple[tuple[Directive, ...], ...]
    commissioning: frozenset[str] = frozenset()
    asking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    met: Callable[[], frozenset[str]] = frozenset

    def decide(self, context: AccessContext, now: str) -> Decision:
        """What the organisation of this context may see."""
        organisation, opened = context.organisation, frozenset[str]()
        if context.purpose in self.asking.get(organisation, ()):
            opened = find_and_pull().opens.get(context.purpose, opened)
        request = AccessRequest(context, organisation in self.in_care, organisation in self.leads, now, opened)
        return strictest([decide(request, directives) for directives in self.voices or ((),)])

    def takes_part(self, partner: str) -> bool:
        """Whether an organisation cares for the person now, or commissions the care."""
        return partner in self.in_care or partner in self.commissioning

    def has_part(self, organisation: str) -> bool:
        """Whether an organisation takes part or did, or has asked for the plan: the person is known to it."""
        return self.takes_part(organisation) or organisation in self.asking or organisation in self.met()

    def may_be_sent(self, partner: str, now: str) -> Decision:
        """What is sent to a partner: what it may see, while it cares for the person or commissions the care.

        To one that has asked for the plan also what it may see for each purpose that it asked for.
        """
        decision = self.decide(AccessContext(partner), now)
        each = [decision] if self.takes_part(partner) else []
        each += [self.decide(AccessContext(partner, purpose=one), now) for one in self.asking.get(partner, ())]
        if each:
            return together(each)
        if decision.nothing:
            return decision
        return Decision(frozenset(), sentence="This organisation does not care for the person now.")


def standing(tx: Tx, person: str, own: str) -> Standing:
    """As standing_in, of what is held now."""
    return standing_in(tx, about_sides(tx, person), own)


def standing_in(tx: Tx, sides: Mapping[str, Iterable[StoredResource]], own: str) -> Standing:
    """Who cares for a person and what the person decided, as of now. own: the organisation whose gateway asks.

    sides: what about_sides gives of the person.

    That somebody is with a provider is not the provider's own to say: its claim counts once a placement of somebody
    else confirms it, and ends with that placement. Of persons who are one, what is held of any counts for all.
    """
    each = [_held(tx, side, held, own) for side, held in sides.items()]
    ours = any(own in one.leads for one in each)
    found = [_of_side(tx, one, each, own, vain, ours=ours) for one, vain in zip(each, _in_vain(each), strict=True)]
    asking: dict[str, tuple[str, ...]] = {}
    for made in (one for side in found for one in side.asking):
        if is_overtaken(tx, found, made):
            continue
        asking[made.partner] = (*asking.get(made.partner, ()), made.purpose)
    return Standing(
        frozenset().union(*(one.in_care for one in found)),
        frozenset().union(*(one.leads for one in found)),
        _voices(tx, list(sides), [one.directives for one in found]),
        frozenset().union(*(one.commissioning for one in found)),
        asking,
        lambda: frozenset().union(*(_met(one, own) for one in found)),
    )


class _Side(NamedTuple):
    """What is held of one person. directives: each with Type/id of the resource that says it, none where another
    organisation keeps it. codes: of the organisations of the tree."""

    in_care: set[str]
    leads: frozenset[str]
    directives: list[tuple[str | None, Directive]]
    commissioning: set[str]
    asking: Sequence[StoredAsking]
    tree: Tree
    codes: Mapping[str, str]
    holding: Holding


def _voices(
    tx: Tx, sides: list[str], held: Sequence[Sequence[tuple[str | None, Directive]]]
) -> tuple[tuple[Directive, ...], ...]:
    """Each side's directives, and with them what the person has decided here since the side is one with others.

    That counts for those whom a merge made one, and not for whom a later one adds. What another organisation took down
    it took down of one of the two, whom it may not hold as one.
    """
    said = dict(zip(sides, held, strict=True))
    voices = {side: [one for _, one in each] for side, each in said.items()}
    for merge in tx.merges.in_force(sides) if len(sides) > 1 else ():
        if merge.before is None or merge.made is None:
            continue
        heads = load_object(merge.before)["heads"]
        known, day = {name for each in heads.values() for name in each}, instant(merge.made)[:10]
        members = [side for side in sides if side in heads]
        since = [
            one
            for side in members
            for name, one in said[side]
            if name is not None and name not in known and (one.made_at or "")[:10] >= day
        ]
        for side in members:
            voices[side] += since
    return tuple(tuple(dict.fromkeys(voice)) for voice in voices.values() if voice)


@dataclass(frozen=True, slots=True)
class _Held:
    """What decisions about one person rest on. leads: whose plan it is."""

    holding: Holding
    tree: Tree
    leads: frozenset[str]

    def codes(self, others: Iterable[_Held]) -> dict[str, str]:
        """The ODS codes of organisations as this person's record names them: also of those of others it is one with."""
        named: dict[str, str] = {}
        for one in others:
            codes, person = ods_codes(one.tree), one.holding.person
            named |= codes if one is self else {name_apart(person, name): code for name, code in codes.items()}
        return {**named, **ods_codes(self.tree)}


def _held(tx: Tx, person: str, found: Iterable[StoredResource], own: str) -> _Held:
    holding = Holding(person, own)
    leads = set()
    for stored in found:
        if stored.type in DECIDING:
            holding.add(stored)
        elif stored.type == "CarePlan" and _is_a_plan(stored):
            leads.add(stored.custodian)
    return _Held(holding, named_to_decide(tx, holding), frozenset(leads))


def _in_vain(each: Sequence[_Held]) -> list[set[str]]:
    """Of each of those who are one the stays that a placement was to bring, of any of them, and that has ended."""
    if len(each) == 1:
        alone = each[0].holding.keepers
        return [planned_in_vain(each[0].tree, lambda name, item: alone[name, item["id"]])]
    whole: dict[str, list[Tree]] = {"placements": [], "stays": []}
    keepers: dict[tuple[str, str], str] = {}
    for at, one in enumerate(each):
        codes = one.codes(each)
        for name, items in whole.items():
            for item in one.tree.get(name) or ():
                provider = {"identifier": {"system": ODS_CODE, "value": ods_named(item.get("provider"), codes)}}
                placed = {"id": f"{at}/{(item.get('placement') or {}).get('id')}"}
                items.append({**item, "id": f"{at}/{item['id']}", "provider": provider, "placement": placed})
                keepers[name, f"{at}/{item['id']}"] = one.holding.keepers[name, item["id"]]
    found = planned_in_vain(whole, lambda name, item: keepers[name, item["id"]])
    return [
        {stay["id"] for stay in one.tree.get("stays") or () if f"{at}/{stay['id']}" in found}
        for at, one in enumerate(each)
    ]


def _of_side(tx: Tx, held: _Held, sides: Sequence[_Held], own: str, in_vain: set[str], *, ours: bool) -> _Side:
    """in_vain: the stays of this side that _in_vain gives. ours: whether any plan of those who are one is ours."""
    holding, tree, leads, codes = held.holding, held.tree, held.leads, held.codes(sides)
    keepers = holding.keepers
    in_care, commissioning, ended = set(leads), set(), set()
    admitted = {
        (stay.get("placement") or {}).get("id")
        for stay in tree.get("stays") or ()
        if keepers["stays", stay["id"]] == own
    }
    for placement in tree.get("placements") or ():
        provider, keeper = ods_named(placement.get("provider"), codes), keepers["placements", placement["id"]]
        if placement.get("status") in ENDED:
            ended.add(placement["id"])
        if placement.get("status") == "active" and (keeper == own or keeper != provider):
            of_itself = {keeper} if ours and keeper != own and placement["id"] not in admitted else set()
            in_care |= {provider, ods_named(placement.get("requested_by"), codes)} - of_itself
            commissioning |= {ods_named(placement.get(f"{whose}_commissioner"), codes) for whose in ("placing", "host")}
    for stay in tree.get("stays") or ():
        provider, keeper = ods_named(stay.get("provider"), codes), keepers["stays", stay["id"]]
        over = (stay.get("placement") or {}).get("id") in ended or stay["id"] in in_vain
        if stay.get("status") in STAYING and not over and (keeper == own or keeper != provider):
            in_care.add(provider)
    for episode in tree.get("episodes") or ():
        if episode.get("status") == "active":
            in_care.add(ods_named(episode.get("organisation"), codes))
    directives = [
        ("/".join(holding.primaries["sharing", one.id]) if keepers["sharing", one.id] == own else None, one)
        for one in directives_of(tree.get("sharing") or (), codes)
    ]
    asking = tx.askings.in_force(holding.person)
    return _Side(in_care - {""}, leads, directives, commissioning - {""}, asking, tree, codes, holding)


def _met(side: _Side, own: str) -> set[str]:
    """The organisations of every placement, stay and episode that was, but for what a provider alone says of itself."""
    found: set[str] = set()
    for field_name, names in _PARTIES.items():
        for item in side.tree.get(field_name) or ():
            keeper = side.holding.keepers[field_name, item["id"]]
            if item.get("status") == IN_ERROR:
                continue
            if keeper != own and keeper == ods_named(item.get("provider"), side.codes):
                continue
            found |= {ods_named(item.get(name), side.codes) for name in names}
    return found - {""}


def _is_a_plan(stored: StoredResource) -> bool:
    """Whether a CarePlan is one, and not the wishes of a statement: whoever takes these down leads nothing."""
    table = table_of(stored.body())
    return table is not None and table.section in ("care-plan", "crisis-plan")


def only_own(context: AccessContext, own: str) -> None:
    """Only this organisation's own systems write here; others go through their own gateway. Raises ConsentDenied."""
    if context.organisation != own:
        raise ConsentDenied(issues=[issue("consent-not-own", "$")])


def expect_record(tx: Tx, record_id: str, path: str = "id") -> None:
    """Raises NotFound where there is no record of this id."""
    if not tx.has_person(record_id):
        raise NotFound(issues=[issue("rest-unknown-record", path)])


def expect_newest(tx: Tx, record_id: str, if_match: int | None) -> None:
    """Raises VersionConflict where a version is named that is not the record's newest."""
    newest = head_of(tx, record_id)
    if if_match is not None and if_match != newest:
        raise VersionConflict(issues=[issue("store-version-conflict", "If-Match", version=newest, type="record")])


def head_of(tx: Tx, person: str) -> int:
    """The version of a person's record; of persons who are one it rises with that of each."""
    return sum(tx.record_head(one) for one in tx.merges.sides(person))


def expect_kept(tx: Tx, person: str, path: str) -> None:
    """Raises Conflict (merge-superseded) for somebody who is one with another, whose record is the one to write to."""
    if tx.merges.root(person) != person:
        raise Conflict(issues=[issue("merge-superseded", path)])


def merged_notes(tx: Tx, person: str, path: str) -> list[Issue]:
    """What a write is told of somebody whose record is that of two persons who are one; nothing of anybody else."""
    return [issue("merge-in-force", path)] if len(tx.merges.sides(person)) > 1 else []


def now_of(tx: Tx) -> str:
    """The transaction's time as an instant."""
    return instant(tx.now)
