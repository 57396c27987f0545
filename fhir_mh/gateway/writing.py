"""A changed record becomes stored resources: ours are written, changes to others' are proposed to them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

from fhir_mh.connectors.fhir_server.naming import references_in
from fhir_mh.errors import Conflict, InvalidResource
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.parts import changed as each_changed
from fhir_mh.gateway.following import KINDS, before_of, follow
from fhir_mh.gateway.holding import Holding, Key, Tree, hold
from fhir_mh.gateway.identity import Organisation, identify, nhs_number_of
from fhir_mh.gateway.retracted import refuse_sealed
from fhir_mh.gateway.sameness import contradiction
from fhir_mh.gateway.spreading import is_urgent, partners_of, spread
from fhir_mh.gateway.stamping import stamp
from fhir_mh.gateway.unclear_rules import unclear_rules
from fhir_mh.issues import Issue, has_errors, issue
from fhir_mh.mapping.row_paths import cleared, is_of_item
from fhir_mh.placements import declined_in
from fhir_mh.profiles.bundle import SHARED_KINDS, TABLES, Written, write_entries
from fhir_mh.profiles.concerns import holds_concern
from fhir_mh.profiles.table import Table
from fhir_mh.records.called import called_by_keeper, is_uuid
from fhir_mh.records.trees import record_of, tree_of
from fhir_mh.store import Tx

_NAMESPACE = uuid.UUID("3f6a2f0e-93a1-5f0e-8a1d-5e6a0c9b7d42")


class Check(Protocol):
    """What is asked of every resource before it is stored."""

    def __call__(self, body: dict[str, Any], *, errors_only: bool = False) -> Sequence[Issue]:
        """What is wrong with a resource. errors_only: what only advises would be dropped, and need not be there."""
        ...


@dataclass(slots=True)
class Outcome:
    """What a write came to: what was stored, each with the record's list and the item it says; ids of proposals."""

    stored: dict[Key, tuple[str, str]] = field(default_factory=dict)
    proposals: list[str] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)


def write_record(
    tx: Tx, home: Organisation, check: Check, holding: Holding, before: Tree, after: Tree,
    beside: Mapping[str, Tree] | None = None,
) -> Outcome:  # fmt: skip
    """Store what differs between two states of a person's record.

    before is what the change was made on (with our pending proposals), after what it is to be; what follows from its
    placements is stored with it. beside: where others who are one with the person are written with them, the record as
    it was of each that was written already; what follows beside is then settled by the caller, once all are. Raises
    InvalidResource where the record or one of its resources breaks a rule, Conflict where a placement may not be
    changed so; then nothing is stored.
    """
    after = tree_of(record_of(after))
    after = follow(tx, home, holding, before, after, beside)
    _name_resources(tx, holding, after)
    were = _bodies(before)
    changed = _changed(after, were)
    ours = [written for written in changed if _custodian(holding, written) == home.ods]
    if ours and stamp(tx, home, holding, after, ours):
        changed = _changed(after, were)
        ours = [written for written in changed if _custodian(holding, written) == home.ods]
    refuse_sealed(tx, holding, changed)
    outcome = Outcome()
    outcome.warnings = _checked(check, [written.resource for written in changed])
    for written in ours:
        _put(tx, home, holding, written.resource)
        outcome.stored[written.table.kind, written.resource["id"]] = (written.table.field, written.item_id)
    theirs = [written for written in changed if written not in ours]
    _propose(tx, home, holding, were, theirs, _cleared(before, after) if theirs else [], outcome)
    if outcome.stored:
        urgent = any(is_urgent(written.resource) for written in ours)
        spread(tx, home, holding.person, {kind for kind, _ in outcome.stored}, own=True, urgent=urgent)
        if beside is None:
            settle_beside(tx, home, check, holding.person, before, outcome.stored)
    return outcome


def settle(
    tx: Tx, home: Organisation, check: Check, person: str, were: Mapping[Key, Mapping[str, Any] | None],
    beside: Mapping[str, Mapping[Key, Mapping[str, Any] | None]] | None = None,
) -> None:  # fmt: skip
    """Store what follows where resources came by themselves. were: their former bodies, None for one that is new.

    beside: the same by person, of everybody of whom some came at once.
    Raises Conflict where a placement or stay of ours may not be changed so.
    """
    if KINDS.isdisjoint(kind for kind, _ in were):
        return
    sides = tx.merges.sides(person)
    if not any(tx.edition(one, home.ods) or tx.person_resources(one, type="EpisodeOfCare") for one in sides):
        return  # what follows is for who keeps some of it, or has the person in care, and that is not us
    holding = hold(tx, person, home.ods)
    before = before_of(holding, were)
    others = [(one, beside[one]) for one in sides if one != person and one in beside] if beside else []
    past = {one: before_of(hold(tx, one, home.ods), theirs) for one, theirs in others}
    _settle_side(tx, home, check, holding, before, past)
    settle_beside(tx, home, check, person, before, were)


def _settle_side(
    tx: Tx, home: Organisation, check: Check, holding: Holding, before: Tree, were: Mapping[str, Tree]
) -> None:
    """Store what follows in one record. were: as follow has it."""
    held = holding.tree
    after = follow(tx, home, holding, before, held, were)
    if after is not held:
        write_record(tx, home, check, holding, held, after)


def settle_beside(tx: Tx, home: Organisation, check: Check, person: str, before: Tree, changed: Iterable[Key]) -> None:
    """Store what follows in the records of those who are one with a person.

    before: the person's record, as it was. changed: the resources of it that were stored since.
    """
    others = [one for one in tx.merges.sides(person) if one != person]
    kinds = {kind for kind, _ in changed} if others else set()
    follows = not KINDS.isdisjoint(kinds)
    if not follows and "Task" in kinds:  # by which a claim is declined
        follows = declined_in(before) != declined_in(hold(tx, person, home.ods).tree)
    for other in others if follows else ():
        holding = hold(tx, other, home.ods)
        _settle_side(tx, home, check, holding, holding.tree, {person: before})


def _bodies(tree: Tree) -> dict[Key, Mapping[str, Any]]:
    if len(tree) == 1 and not tree["person"]:
        return {}
    return {(w.table.kind, w.resource["id"]): w.resource for w in write_entries(tree, relative=True)}


def _changed(after: Tree, were: Mapping[Key, Mapping[str, Any]]) -> list[Written]:
    """The resources of a record that do not say what they said."""
    entries = write_entries(after, relative=True)
    items = {f"{one.table.kind}/{one.resource['id']}": one.item_id for one in entries}
    found = []
    for one in entries:
        before = were.get((one.table.kind, one.resource["id"]))
        if one.resource != before:
            body = one.resource if before is None else _naming_as_before(one.resource, before, items)
            if body != before:
                found.append(replace(one, resource=body))
    return found


def _naming_as_before(body: dict[str, Any], before: Mapping[str, Any], items: Mapping[str, str]) -> dict[str, Any]:
    """A resource that goes on naming what it named by an id, though items of several lists are called so by now.

    items: Type/id -> the id of the item that it says. Whoever says the type means it.
    """
    named = {*references_in(before)}
    by_item: dict[str, list[str]] = {}
    for name in named & items.keys():
        by_item.setdefault(items[name], []).append(name)

    def one(said: dict[str, Any]) -> dict[str, Any]:
        name = said.get("reference")
        if "type" in said or not isinstance(name, str) or name in named:
            return said
        known = by_item.get(items.get(name, ""), [])
        return {**said, "reference": known[0]} if len(known) == 1 else said

    return cast(dict[str, Any], each_changed(body, one))


def _cleared(before: Tree, after: Tree) -> list[str]:
    """The rows that somebody emptied. On the wire they are named, for what is not mentioned is not emptied."""
    return cleared(tree_of(record_of(before)), after)


def _custodian(holding: Holding, written: Written) -> str:
    return holding.custodian_of((written.table.kind, written.resource["id"]), written.table, written.item_id)


def _name_resources(tx: Tx, holding: Holding, tree: Tree) -> None:
    """Give each new item's resources an id that is unique in the store, whatever ids its source counts by.

    What was under that id may be under a seal, of an item whose other resources are here: then another is made.
    """
    for table in TABLES:
        for item in [tree["person"]] if table.field == "person" else tree.get(table.field) or ():
            rest = (item.get("unknown") or {}).get(table.name) or {}
            known = (table.field, item["id"]) in holding.keepers
            absent = not table.primary and not any(item.get(name) for name in table.needs)
            if "id" in rest or absent or (known and table.primary) or _unique(table, item):
                continue
            unique = str(uuid.uuid5(_NAMESPACE, f"{holding.person}/{table.field}/{item['id']}"))
            if known and tx.seals.holds(table.kind, unique):
                unique = tx.new_id()
            item.setdefault("unknown", {}).setdefault(table.name, {})["id"] = unique


def _unique(table: Table, item: Mapping[str, Any]) -> bool:
    """Whether an item's id may serve as its resource's: a UUID, of something that only one record holds.

    One that was made to tell it from another is what it is called here alone.
    """
    return table.kind not in SHARED_KINDS and is_uuid(item["id"]) and called_by_keeper(item) is None


def _checked(check: Check, bodies: Sequence[dict[str, Any]]) -> list[Issue]:
    """The warnings about these resources. Raises InvalidResource with every finding where there is an error."""
    found = []
    for body in bodies:
        if holds_concern(body):
            raise InvalidResource(issues=[issue("concern-not-a-record", f"{body['resourceType']}/{body['id']}")])
        prefix = f"{body['resourceType']}/{body['id']}"
        found += [replace(one, path=f"{prefix}: {one.path}") for one in (*check(body), *unclear_rules(body))]
    if has_errors(found):
        raise InvalidResource(issues=[one for one in found if one.is_error])
    return [one for one in found if one.severity == "warning"]


def _put(tx: Tx, home: Organisation, holding: Holding, body: dict[str, Any]) -> None:
    if body["resourceType"] == "Patient":
        doubt = contradiction(body, holding.patients(), "Patient", by_identifier=False)
        if doubt is not None:
            raise Conflict(issues=[doubt])
        identify(tx, holding.person, body)
    tx.put(body, person=holding.person, custodian=home.ods)


def _propose(
    tx: Tx,
    home: Organisation,
    holding: Holding,
    were: Mapping[Key, Mapping[str, Any]],
    changed: Sequence[Written],
    emptied: Sequence[str],
    outcome: Outcome,
) -> None:
    """Send each other custodian one proposal with the whole of every item of theirs that changed, before and after.

    emptied: the rows that were cleared, whoever keeps them.
    """
    by_custodian: dict[str, list[Written]] = {}
    for written in changed:
        by_custodian.setdefault(_custodian(holding, written), []).append(written)
    partners = partners_of(tx, home) if by_custodian else ()
    for custodian, theirs in by_custodian.items():
        bodies = [written.resource for written in theirs]
        if custodian not in partners:
            raise Conflict(issues=[issue("sync-unknown-custodian", "$", custodian=custodian)])
        keys = [(body["resourceType"], body["id"]) for body in bodies]
        payload = {
            "nhs_number": nhs_number_of(tx, holding.person),
            "before": [were[key] for key in keys if key in were],
            "after": bodies,
            "paths": [f"{kind}/{name}" for kind, name in keys],
            "cleared": [
                holding.as_kept(path)
                for path in emptied
                if any(is_of_item(path, one.table.field, one.item_id) for one in theirs)
            ],
        }
        base = tx.edition(holding.person, custodian)
        made = tx.proposals.add(
            "sent", custodian, holding.person, custodian, base=base, payload=dumps(payload).decode()
        )
        text = dumps({**payload, "proposal": made.id}).decode()
        tx.outbox.add(custodian, holding.person, "proposal", edition=base, payload=text, message=made.id)
        tx.raise_head(holding.person)  # the record shows it from now on
        outcome.proposals.append(made.id)
