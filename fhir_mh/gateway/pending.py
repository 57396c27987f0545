"""Our own changes to what others keep: laid over the record until it shows them, and told of where it will not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_mh.fhir.json import load_object
from fhir_mh.gateway.holding import APPEND_ONLY, Holding, Tree
from fhir_mh.mapping.merge import Change, merge
from fhir_mh.store import Proposal, Tx


@dataclass(frozen=True, slots=True)
class Unmerged:
    """A row where something of ours is not shown: its path, what is shown there now, the newest of ours that is not.

    earlier: what we had written there before, newest first, where the record did not show that either when the last
    was written. Whoever wrote the last may not have meant to replace it: to a refusal that another keeps, each of
    two people may have added.
    """

    path: str
    shown: Any
    ours: Any
    earlier: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """A change of ours to somebody else's plan that its custodian's copy does not show.

    state: pending (on its way), accepted (the edition that shows it has not come yet), conflict (a Task of the
    custodian's), partly (some rows of each), refused, quarantined (set aside there, for a person to look at), withheld
    (the person does not share with the custodian, so that it was not sent). paths: of the resources that change.
    unmerged: the rows of it that the record does not show. They are told of until it says the same, or until we have
    written something else in their place; what we wrote without seeing them there tells of them as earlier.
    """

    id: str
    custodian: str
    state: str
    paths: tuple[str, ...]
    unmerged: tuple[Unmerged, ...] = ()


def effective(tx: Tx, holding: Holding) -> tuple[Tree, list[Pending]]:
    """The record with our own pending proposals laid over what is acknowledged, and what its custodians do not show.

    A row that the custodian has changed meanwhile shows the custodian's value.
    """
    tree = holding.tree
    listed: list[tuple[Proposal, str, list[str], list[Change], bool]] = []
    written: dict[str, tuple[str, list[Any]]] = {}
    for proposal in tx.proposals.find(holding.person, direction="sent"):
        said = load_object(proposal.outcome) if proposal.outcome else {}
        awaited = _awaited(proposal, said)
        if not awaited and not _left_out(proposal, said) and not listed:
            continue  # shown as it was proposed, and nothing before it that it could have taken the place of
        payload = load_object(proposal.payload)
        shown = holding.with_bodies(payload["before"]).tree
        wanted = holding.with_bodies([*payload["before"], *payload["after"]]).tree
        changes = merge(shown, shown, wanted).changes
        if awaited:
            tree = merge(tree, shown, wanted, never=APPEND_ONLY).tree
        left = changes if awaited else _unmerged(proposal, said, changes)
        _note(written, proposal.id, changes, left)
        listed.append((proposal, _state(tx, proposal, said), payload["paths"], left, awaited))
    found: list[Pending] = []
    for proposal, state, paths, left, awaited in listed:
        rows = tuple(_rows(tree, proposal.id, left, written))
        if rows or awaited:
            found.append(Pending(proposal.id, proposal.custodian, state, tuple(paths), rows))
    return tree, found


def _note(
    written: dict[str, tuple[str, list[Any]]], proposal: str, changes: Iterable[Change], left: Sequence[Change]
) -> None:
    """Note by row which proposal wrote there last, and our texts that did not become the custodian's, newest first.

    A text that the next was written over is not kept: its author saw it in the record.
    """
    for change in changes:
        _, texts = written.get(change.path, ("", []))
        kept = [text for text in texts if text not in (change.before, change.after)]
        written[change.path] = (proposal, [change.after, *kept] if change in left else [])


def _awaited(proposal: Proposal, said: Tree) -> bool:
    """Whether the custodian's answer, or an edition that shows what came of it, has not come yet."""
    if proposal.state == "pending":
        return True
    if proposal.state not in ("accepted", "partly"):
        return False
    return isinstance(said.get("edition"), int) and bool(said.get("carried", 0) < said["edition"])


def _left_out(proposal: Proposal, said: Tree) -> bool:
    return proposal.state in ("conflict", "refused") or (proposal.state == "partly" and bool(said.get("conflicts")))


def _state(tx: Tx, proposal: Proposal, said: Tree) -> str:
    """The state people are shown: a finer one than the store's."""
    if proposal.state == "pending":  # not even sent while sharing with its custodian has ended
        lane = tx.lanes.get(proposal.custodian, proposal.person)
        return "withheld" if lane is not None and lane.state == "ended" else "pending"
    if proposal.state == "refused" and said.get("status") in ("quarantined", "withheld"):
        return str(said["status"])
    return str(proposal.state)


def _unmerged(proposal: Proposal, said: Tree, changes: Iterable[Change]) -> list[Change]:
    """The rows of a proposal that the custodian did not take."""
    if proposal.state == "accepted":
        return []
    if proposal.state == "refused":
        return list(changes)
    conflicts = tuple(said.get("conflicts") or ())
    return [one for one in changes if one.path.startswith(conflicts)]


def _rows(
    tree: Tree, proposal: str, left: Iterable[Change], written: Mapping[str, tuple[str, list[Any]]]
) -> Iterable[Unmerged]:
    for change in left:
        shown, (last, texts) = _value(tree, change.path), written[change.path]
        waiting = [text for text in texts if text != shown]
        if last == proposal and waiting:  # the custodian may show our last text, and not the one before
            yield Unmerged(change.path, shown, waiting[0], tuple(waiting[1:]))


def _value(tree: Tree, path: str) -> Any:
    """What stands at a row's path: fields by name, items by id in brackets."""
    value: Any = tree
    for step in path.replace("]", "").replace("[", ".[").split("."):
        if isinstance(value, list) and step.startswith("["):
            value = next((item for item in value if item.get("id") == step[1:]), None)
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
