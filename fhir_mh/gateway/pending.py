"""Our own changes to what others keep: laid over the record until it shows them, and told of where it will not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.fhir.parts import objects_in
from fhir_mh.gateway.choosing import OUTCOMES
from fhir_mh.gateway.holding import Holding, Tree
from fhir_mh.mapping.merge import Change, merge
from fhir_mh.mapping.row_paths import is_within, record_saying, value_at, with_cleared
from fhir_mh.records.append_only import APPEND_ONLY
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
class Decided:
    """A row of ours in conflict, of which a person at its custodian's has decided: what is shown there now, and ours.

    outcome: accepted, kept (the custodian's stands), rewritten, added (as an entry of its own), directive (answered by
    a new one). The text of ours stays in the custodian's Task.
    """

    path: str
    outcome: str
    shown: Any
    ours: Any


@dataclass(frozen=True, slots=True)
class Pending:
    """A change of ours to somebody else's plan that its custodian's copy does not show.

    state: pending (on its way), accepted (the edition that shows it has not come yet), conflict (a Task of the
    custodian's), partly (some rows of each), decided (nothing of it waits any more), refused, quarantined (set aside
    there, for a person to look at), withheld (the person does not share with the custodian, so that it was not sent).
    code: why it was refused or set aside, as fhir-mh explain knows it. paths: of the resources that change. unmerged:
    the rows of it that the record does not show. They are told of until it says the same, or until we have written
    something else in their place; what we wrote without seeing them there tells of them as earlier. decided: rows that
    are not waited for any more, told of as long.
    """

    id: str
    custodian: str
    state: str
    paths: tuple[str, ...]
    unmerged: tuple[Unmerged, ...] = ()
    decided: tuple[Decided, ...] = ()
    code: str | None = None


def effective(tx: Tx, holding: Holding) -> tuple[Tree, list[Pending]]:
    """The record with our own pending proposals laid over what is acknowledged, and what its custodians do not show.

    A row that the custodian has changed meanwhile shows the custodian's value.
    """
    tree = holding.tree
    listed: list[tuple[Proposal, Tree, list[str], list[Change], bool]] = []
    written: dict[str, tuple[str, list[Any]]] = {}
    for proposal in tx.proposals.find(holding.person, direction="sent"):
        said = load_object(proposal.outcome) if proposal.outcome else {}
        awaited = _awaited(proposal, said)
        if not awaited and not _left_out(proposal, said) and not listed:
            continue  # shown as it was proposed, and nothing before it that it could have taken the place of
        payload = load_object(proposal.payload)
        shown = holding.with_bodies(payload["before"], proposal.custodian).tree
        changed = holding.with_bodies([*payload["before"], *payload["after"]], proposal.custodian)
        as_shown = partial(changed.as_shown, keeper=proposal.custodian)
        wanted = with_cleared(changed.tree, map(as_shown, payload.get("cleared", ())))
        said = _as_shown(said, as_shown)
        changes = merge(shown, shown, wanted).changes
        if awaited:
            left_out = _unmerged(proposal, said, changes) if proposal.state == "partly" else []
            tree = merge(tree, _as_if_shown(shown, left_out), wanted, never=APPEND_ONLY).tree
        left = changes if awaited else _unmerged(proposal, said, changes)
        _note(written, proposal.id, said, changes, left)
        listed.append((proposal, said, payload["paths"], left, awaited))
    found: list[Pending] = []
    for proposal, said, paths, left, awaited in listed:
        rows = tuple(_rows(tree, proposal.id, left, written))
        decided = tuple(_decided(tree, proposal.id, said, left, written))
        if rows or decided or awaited:
            state = "decided" if decided and not rows and not awaited else _state(tx, proposal, said)
            code = said.get("code") if state in ("refused", "quarantined") else None
            found.append(Pending(proposal.id, proposal.custodian, state, tuple(paths), rows, decided, code))
    return tree, found


def _as_if_shown(shown: Tree, rows: Iterable[Change]) -> Tree:
    """What was shown, as if these rows had said what they were to say: so that they are laid over nothing."""
    said = shown
    for row in rows:
        said = merge(said, shown, record_saying(row.path, row.after)).tree
    return said


def _as_shown(said: Tree, as_shown: Callable[[str], str]) -> Tree:
    """What a custodian said of its rows, with each as the record shows it."""
    decided = {as_shown(path): outcome for path, outcome in said.get("decided", {}).items()}
    return {**said, "conflicts": [as_shown(path) for path in said.get("conflicts") or ()], "decided": decided}


def _note(
    written: dict[str, tuple[str, list[Any]]], proposal: str, said: Tree, changes: Iterable[Change],
    left: Sequence[Change],
) -> None:  # fmt: skip
    """Note by row which proposal wrote there last, and our texts that did not become the custodian's, newest first.

    A text that the next was written over is not kept: its author saw it in the record. Nor is one that was decided on.
    """
    for change in changes:
        _, texts = written.get(change.path, ("", []))
        kept = [text for text in texts if text not in (change.before, change.after)]
        waits = [change.after] if _outcome(said, change.path) is None else []
        written[change.path] = (proposal, [*waits, *kept] if change in left else [])


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
    conflicts = said.get("conflicts") or ()
    return [one for one in changes if any(is_within(one.path, whole) for whole in conflicts)]


def _rows(
    tree: Tree, proposal: str, left: Iterable[Change], written: Mapping[str, tuple[str, list[Any]]]
) -> Iterable[Unmerged]:
    for change in left:
        shown, (last, texts) = value_at(tree, change.path), written[change.path]
        waiting = [text for text in texts if text != shown]
        if last == proposal and waiting:  # the custodian may show our last text, and not the one before
            yield Unmerged(change.path, shown, waiting[0], tuple(waiting[1:]))


# --- what the custodian's people decided


def _decided(
    tree: Tree, proposal: str, said: Tree, left: Iterable[Change], written: Mapping[str, tuple[str, list[Any]]]
) -> Iterable[Decided]:
    for change in left:
        outcome, shown = _outcome(said, change.path), value_at(tree, change.path)
        if outcome is not None and written[change.path][0] == proposal and shown != change.after:
            yield Decided(change.path, outcome, shown, change.after)


def note_decided(tx: Tx, person: str, custodian: str, told: Any) -> None:
    """Keep what a snapshot says of conflicts of our proposals to its custodian; pass over what is not understood."""
    listed = objects_in(told)
    for proposal in tx.proposals.find(person, direction="sent") if listed else ():
        said = load_object(proposal.outcome) if proposal.outcome else {}
        found = {
            one["path"]: one["outcome"]
            for one in listed
            if is_about(tx, proposal, said, one.get("proposal"))
            and isinstance(one.get("path"), str)
            and one.get("outcome") in OUTCOMES.values()
        }
        if found and proposal.custodian == custodian:
            said["decided"] = {**said.get("decided", {}), **found}
            tx.proposals.settle(proposal.id, proposal.state, dumps(said).decode())


def is_about(tx: Tx, proposal: Proposal, said: Tree, name: Any) -> bool:
    """Whether a custodian means this proposal, which it knows by the message that brought it."""
    if name in (proposal.id, said.get("message")):
        return True
    sent = tx.outbox.get(name) if isinstance(name, str) else None  # replayed, and its receipt has not come
    return sent is not None and load_object(sent.payload or "{}").get("proposal") == proposal.id


def _outcome(said: Tree, path: str) -> str | None:
    """What was decided of a row of a proposal; None where nothing was."""
    return next((str(outcome) for whole, outcome in said.get("decided", {}).items() if is_within(path, whole)), None)
