"""A resource that another organisation keeps, sent here as it is to be: what of it is proposed, and what cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_mh.errors import Conflict, InvalidResource
from fhir_mh.gateway.holding import Holding, Key, Tree, content, hold, key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.pending import effective
from fhir_mh.gateway.writing import Check, Outcome, write_record
from fhir_mh.issues import issue
from fhir_mh.mapping.merge import merge
from fhir_mh.mapping.row_paths import record_saying
from fhir_mh.profiles.bundle import write_entries
from fhir_mh.records.trees import record_of, tree_of
from fhir_mh.store import StoredResource, Tx

Body = dict[str, Any]


def propose(tx: Tx, home: Organisation, check: Check, known: StoredResource, body: Body) -> Outcome:
    """Propose to its custodian what a resource says otherwise than the copy held, over what of ours waits already.

    A row that a change of ours waits for is changed once more where the resource says a third thing, and stays as it
    was proposed where it says what the copy does: its author may not have seen that change. What it leaves out is
    emptied nowhere. What is not proposed so is told by a warning (rest-partly-proposed). Without a proposal the
    resource says what is shown already, or what waits: one that is sent again is answered with the same warning.

    Raises Conflict (rest-change-waits) where it only says what was there before a change that waits, InvalidResource
    (rest-not-proposed) where nothing that it changes can be proposed, and what write_record does.
    """
    holding, key, said = hold(tx, str(known.person), home.ods), key_of(body), content(body)
    before, _ = effective(tx, holding)
    wanted = holding.with_bodies([said]).tree
    after = _changed(before, holding, wanted)
    outcome = write_record(tx, home, check, holding, before, after)
    copy, waits, asked, made = (_resource(tree, key) for tree in (holding.tree, before, wanted, after))
    if outcome.proposals or _waits(before, holding, wanted):
        lost = asked != made or (asked != said and copy == content(known.body()))
        if lost:
            outcome.warnings.append(issue("rest-partly-proposed", key[0], custodian=known.custodian))
    elif said == content(known.body()):
        if waits != copy:
            raise Conflict(issues=[issue("rest-change-waits", key[0], custodian=known.custodian)])
    elif asked in (None, copy) or asked != waits:
        raise InvalidResource(issues=[issue("rest-not-proposed", key[0], custodian=known.custodian)])
    return outcome


def _changed(before: Tree, holding: Holding, wanted: Tree) -> Tree:
    """The record with the rows that the resource changes, each later text over one that waits."""
    merged = merge(before, holding.tree, wanted)
    tree = merged.tree
    for one in merged.conflicts:
        if one.reason == "both-changed":
            tree = merge(tree, tree, record_saying(one.path, one.theirs)).tree
    return tree


def _waits(before: Tree, holding: Holding, wanted: Tree) -> bool:
    """Whether the resource changes rows of the copy, and says of each what waits for it already."""
    new, beyond = merge(holding.tree, holding.tree, wanted), merge(before, holding.tree, wanted)
    return bool(new.changes) and not (new.conflicts or beyond.changes or beyond.conflicts)


def _resource(tree: Tree, key: Key) -> Mapping[str, Any] | None:
    """A resource as the record says it; None where no row of the record is said by it."""
    for written in write_entries(tree_of(record_of(tree)), relative=True):
        if key_of(written.resource) == key:
            return written.resource
    return None
