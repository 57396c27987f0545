"""What leaves: a waiting message as of now, and what its receipt means here (docs/sync-protocol.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir_mh.consent import Decision, direct_care
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.exchange.ports import Withheld
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.holding import about_sides, kept_by, patients_of
from fhir_mh.gateway.identity import Organisation, known_as, local_identifiers_of, nhs_number_of, numbers_in
from fhir_mh.gateway.not_taken import note_dead, note_set_aside, note_taken
from fhir_mh.gateway.older_store import LOST, known_here, make_up
from fhir_mh.gateway.projection import Projected, is_permitted, project
from fhir_mh.gateway.sameness import nhs_number_in
from fhir_mh.gateway.spreading import copy_at, end_sharing
from fhir_mh.gateway.standing import now_of, standing_in
from fhir_mh.gateway.writing import Check
from fhir_mh.store import OutboxMessage, Outcome, Proposal, Tx
from fhir_mh.store.values import ProposalState

_SETTLED: dict[str, ProposalState] = {"merged": "accepted", "partly": "partly", "conflict": "conflict"}


def compose(tx: Tx, home: Organisation, waiting: OutboxMessage) -> Message | Withheld:
    """What to send now; consent is decided anew. Withheld where nothing may be sent, or nothing new is to be said."""
    number = _number_known_there(tx, home, waiting)
    names = () if number is not None else local_identifiers_of(tx, waiting.person)
    number = number if number is not None or names else nhs_number_of(tx, waiting.person)
    if number is None and not names:
        return Withheld("sync-unknown-person")
    if waiting.kind == "notice":
        payload = load_object(waiting.payload or "{}")
        custodian = payload.pop("custodian")
        return Message(waiting.message, "notice", number, custodian, waiting.edition, payload, names)
    said: dict[str, Any]
    if waiting.kind == "proposal" and _proposal_of(tx, waiting) is None:
        return Withheld("sync-retracted")  # it was sealed since
    sides = about_sides(tx, waiting.person)
    decision = standing_in(tx, sides, home.ods).may_be_sent(waiting.partner, now_of(tx))
    if decision.nothing:
        end_sharing(tx, home, waiting.person, waiting.partner, decision.sentence)
        if waiting.kind == "proposal":
            _answer(tx, waiting, "refused", {"status": "withheld"})
        return Withheld("consent-denied")
    if waiting.kind in ("filed", "opened"):
        if not decision.content:
            return Withheld("consent-denied")
        said = {"stage": waiting.kind, **load_object(waiting.payload or "{}")}
        return Message(waiting.message, "marked", number, waiting.partner, waiting.edition, said, names)
    if waiting.kind == "proposal":
        payload, to_keeper = load_object(waiting.payload or "{}"), _to_its_keeper(decision)
        if not all(is_permitted(body, to_keeper) for body in payload["after"]):
            _answer(tx, waiting, "refused", {"status": "withheld"})
            return Withheld("consent-denied")
        said = {
            "base": waiting.edition,
            "before": _bundle(payload["before"]),
            "bundle": _bundle(payload["after"]),
        }
        if payload.get("cleared"):
            said["cleared"] = payload["cleared"]
        return Message(waiting.message, "proposal", number, waiting.partner, waiting.edition, said, names)
    projected = project(kept_by(home.ods, waiting.person, sides[waiting.person]), decision)
    beside = _told_beside(tx, home, waiting)
    edition = _edition(tx, home, waiting, projected, told="decided" in beside or "lost_after" in beside)
    if edition is None:
        return Withheld("sync-nothing-new")
    said = {"sections": sorted(decision.permitted), "bundle": projected.bundle(home.ods), **beside}
    return Message(waiting.message, "snapshot", number, home.ods, edition, said, names)


def _number_known_there(tx: Tx, home: Organisation, waiting: OutboxMessage) -> str | None:
    """The person's NHS number, once the partner knows it: by its own Patients, or by those of ours that it has stored.

    Until then the one that it has superseded, or none where they say none; a snapshot brings the Patient that tells.
    """
    known = known_as(tx, waiting.person)
    number, every = nhs_number_in(known), numbers_in(known)
    if number is None or (waiting.kind == "snapshot" and every == [number]):
        return number
    copy = copy_at(tx, waiting.person, waiting.partner, home.ods)
    edition = 0 if copy is None or copy.stored is None else copy.stored.edition
    stored = tx.projections.get(waiting.partner, waiting.person, home.ods, edition) if edition else None
    entries = load_object(stored.sent).get("entry") or () if stored is not None else ()
    ours = [entry["resource"] for entry in entries if entry["resource"]["resourceType"] == "Patient"]
    theirs = [one.body() for one in patients_of(tx, waiting.person) if one.custodian == waiting.partner]
    told = [numbers_in(patient) for patient in (*ours, *theirs)]
    if not told or any(number in numbers for numbers in told):
        return number
    return next((old for numbers in told for old in numbers if old in every), None)


def _told_beside(tx: Tx, home: Organisation, waiting: OutboxMessage) -> dict[str, Any]:
    """What a snapshot tells beside its content."""
    copy = copy_at(tx, waiting.person, waiting.partner, home.ods)
    stored = 0 if copy is None or copy.stored is None else copy.stored.edition
    said: dict[str, Any] = {"after": _may_hold(tx, home, waiting, stored)}
    since = 0 if waiting.payload else stored  # editions were lost: everything is told that is known
    said |= {**load_object(waiting.payload or "{}"), **known_here(tx, waiting.person, waiting.partner, since=since)}
    decided = _decided(tx, waiting, since)
    if decided or waiting.payload:
        said["decided"] = decided
    asked = [one.id for one in tx.askings.in_force(waiting.person) if one.partner == waiting.partner]
    if asked:
        said["asked"] = asked
    return said


def _to_its_keeper(decision: Decision) -> Decision:
    """What may be sent of a keeper's own: also what no decision of the person's opens to anybody but who leads."""
    policy = direct_care()
    return replace(decision, permitted=decision.permitted | policy.home_only | policy.never)


def _bundle(bodies: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": body} for body in bodies]}


def _decided(tx: Tx, waiting: OutboxMessage, since: int) -> list[dict[str, Any]]:
    """What became of conflicts of the partner's proposals in editions later than this one."""
    return [
        {"proposal": proposal, "path": conflict.path, "outcome": conflict.outcome}
        for conflict in tx.conflicts.decided(waiting.person, waiting.partner, after=since)
        for proposal in conflict.proposals
    ]


def _may_hold(tx: Tx, home: Organisation, waiting: OutboxMessage, stored: int) -> list[int]:
    """The editions of which the partner may hold one: that which it has stored, and those that were sent since."""
    made = tx.projections.editions(waiting.partner, waiting.person, home.ods, since=stored)
    return sorted({*([stored] if stored else ()), *made})


def _edition(tx: Tx, home: Organisation, waiting: OutboxMessage, projected: Projected, *, told: bool) -> int | None:
    """The edition this partner is sent; None where it is known to hold the same already, and is told nothing beside it.

    One edition shows one partner one thing: where a decision has changed what it may see and nothing else changed,
    that is a new edition.
    """
    partner, person = waiting.partner, waiting.person
    sent = dumps(projected.bundle(home.ods)).decode()
    edition, last = tx.edition(person, home.ods), tx.projections.get(partner, person, home.ods)
    if last is not None and last.sent == sent and not told and _holds(tx, home, waiting, last.edition):
        return None
    if last is not None and last.edition >= edition and last.sent != sent:
        tx.touch(person, home.ods)
        edition = tx.edition(person, home.ods)
    withheld = dumps([f"{kind}/{name}" for kind, name in projected.withheld]).decode()
    tx.projections.keep(partner, person, home.ods, edition, sent=sent, withheld=withheld, inexpressible="[]")
    tx.currency.mark(partner, person, home.ods, "sent", edition)
    return edition


def _holds(tx: Tx, home: Organisation, waiting: OutboxMessage, edition: int) -> bool:
    """Whether the partner has stored this edition, knows that it is kept up to date, and waits for none later."""
    copy = copy_at(tx, waiting.person, waiting.partner, home.ods)
    if copy is None or copy.ended_at is not None or copy.stored is None or copy.stored.edition < edition:
        return False
    promised = [
        load_object(proposal.outcome).get("edition")
        for proposal in tx.proposals.find(waiting.person, direction="received")
        if proposal.partner == waiting.partner and proposal.state in ("accepted", "partly") and proposal.outcome
    ]
    return all(not isinstance(one, int) or one <= copy.stored.edition for one in promised)


def settle(tx: Tx, home: Organisation, check: Check, sent: OutboxMessage, receipt: Receipt) -> Outcome:
    """Note how far the partner has come; only a refusal is a dead letter.

    But not of a mark, for nobody waits for one, nor where a partner's system knows nothing of the kind.
    """
    if receipt.status == "later":
        return Outcome(sent.message, "pending", receipt.code)
    if sent.kind == "proposal":
        _settle_proposal(tx, sent, receipt)
    if receipt.status == "refused":
        none = sent.kind == "proposal" and receipt.code == "server-takes-none"
        let_go = none or sent.kind in ("filed", "opened")
        if let_go:
            return Outcome(sent.message, "superseded", receipt.code)
        return _dead(tx, home, check, sent, receipt.code)
    lost = sent.kind == "snapshot" and make_up(tx, home, check, sent, receipt)
    if lost and sent.payload:  # it was told so before: else whoever always says so is sent to without a pause
        return Outcome(sent.message, "pending", LOST)
    if lost and receipt.status == "superseded":
        return Outcome(sent.message, "superseded", LOST)
    if sent.kind == "snapshot" and receipt.edition is not None and receipt.edition > tx.edition(sent.person, home.ods):
        return _dead(tx, home, check, sent, "sync-identity")  # it holds what we never made: this is another person's
    if sent.kind == "snapshot" and receipt.status in ("stored", "superseded") and receipt.edition is not None:
        tx.currency.mark(sent.partner, sent.person, home.ods, "stored", receipt.edition)
        note_taken(tx, home, check, sent)
    if sent.kind == "snapshot" and receipt.status == "quarantined":
        note_set_aside(tx, home, check, sent, receipt.code)
    return Outcome(sent.message, "acked", "sync-quarantined" if receipt.status == "quarantined" else None)


def _dead(tx: Tx, home: Organisation, check: Check, sent: OutboxMessage, code: str) -> Outcome:
    if sent.kind == "snapshot":
        note_dead(tx, home, check, sent, code)
    return Outcome(sent.message, "dead", code)


def _settle_proposal(tx: Tx, sent: OutboxMessage, receipt: Receipt) -> None:
    said: dict[str, Any] = {"status": receipt.status, "edition": receipt.edition, "conflicts": list(receipt.conflicts)}
    said["message"] = sent.message
    if receipt.status in ("refused", "quarantined"):
        said["code"] = receipt.code
    if receipt.issues:
        said["issues"] = [found.as_dict() for found in receipt.issues]
    _answer(tx, sent, _SETTLED.get(receipt.status, "refused"), said)


def _answer(tx: Tx, sent: OutboxMessage, state: ProposalState, said: dict[str, Any]) -> None:
    """Keep what became of a proposal of ours, for its author to see."""
    proposal = _proposal_of(tx, sent)
    if proposal is not None:
        known = load_object(proposal.outcome) if proposal.outcome else {}
        tx.proposals.settle(proposal.id, state, dumps({**known, **said}).decode())
        tx.raise_head(proposal.person)


def _proposal_of(tx: Tx, waiting: OutboxMessage) -> Proposal | None:
    """The proposal that a message carries, also where it was replayed under another id."""
    return tx.proposals.get(load_object(waiting.payload or "{}").get("proposal") or waiting.message)
