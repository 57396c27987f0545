"""A custodian whose store is older than what its partners hold, as after an older backup was put back.

Its newly minted editions have numbers that partners have stored already, with other content (docs/sync-protocol.md).
"""

from __future__ import annotations

from typing import Any

from fhir_mh.exchange.messages import Receipt
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.pending import is_about
from fhir_mh.gateway.setting_aside import raise_task
from fhir_mh.gateway.spreading import copy_at
from fhir_mh.gateway.writing import Check
from fhir_mh.store import OutboxMessage, Tx

LOST = "sync-editions-lost"
_LOST_AT_MOST = 1_000_000  # editions: a partner that says that it holds a later one is not believed
_NEVER_REACHED = 2**30


def is_of_an_older_store(said: dict[str, Any], edition: int, held: int, *, differs: bool) -> bool:
    """Whether a snapshot's sender does not know of the edition that is held of the same Patient.

    said: the content of the message. differs: whether it is the edition held, in another text. What merely comes late
    looks the same where its edition is below the one held; its sender can tell.
    """
    if "lost_after" in said and held < edition:
        return False  # it knows by now
    if held >= edition:
        return differs if held == edition else True
    known = _may_be_held(said, held)
    return held not in known and held > min(known, default=0)


def _may_be_held(said: dict[str, Any], held: int) -> list[int]:
    """The editions of which a snapshot says that its receiver may hold one; who says nothing knows the one held."""
    after = said.get("after")
    return [one for one in after if type(one) is int] if isinstance(after, list) else [held]


def make_up(tx: Tx, home: Organisation, check: Check, sent: OutboxMessage, receipt: Receipt) -> bool:
    """Whether a receipt shows that editions were lost here: then a new edition goes out above all, and people know.

    They have been told where what was sent says already that some were lost. Where it was set aside, for it brings back
    what was retracted, people alone are told: so would the next.
    """
    if receipt.code != LOST:
        return False
    copy, held = copy_at(tx, sent.person, sent.partner, home.ods), receipt.edition or 0
    if copy is None or copy.sent is None:
        return False
    stored = 0 if copy.stored is None else copy.stored.edition
    aside = receipt.status == "quarantined"  # then it holds what it held
    least = stored + 1 if aside else copy.sent.edition
    if not least <= held <= min(tx.edition(sent.person, home.ods) + _LOST_AT_MOST, _NEVER_REACHED):
        return False
    said = (
        f"{sent.partner} holds an edition of this plan, or an answer to what it proposed, that is not known here: what "
        "is stored here is older than what partners hold, as after an older backup was put back. Compare the record "
        "with their copies: what was written since, refusals above all, is to be recorded again. A retraction may have "
        "been undone by the backup: what was recorded for the wrong person then stands here again: retract it again. "
        "They are sent what is held here."
    )
    if not sent.payload:
        name = f"{LOST}/{sent.partner}/{sent.person}/{stored}"
        raise_task(tx, home, check, sent.person, name, "unclear-item", said, once=True)
    if aside:
        return False
    edition = max(tx.edition(sent.person, home.ods), held) + 1
    tx.set_edition(sent.person, home.ods, edition)
    urgent = tx.outbox.was_urgent(sent.partner, sent.person)
    payload = dumps({"lost_after": stored}).decode()
    tx.outbox.add(sent.partner, sent.person, "snapshot", edition=edition, payload=payload, urgent=urgent, replaces=True)
    return True


_MERGED = ("accepted", "partly")


def known_here(tx: Tx, person: str, partner: str, *, since: int) -> dict[str, list[str]]:
    """The proposals of a partner that are known here to have been merged, or to be conflicts: none of these is lost.

    Those that were answered in an edition later than the one named.
    """
    found = [
        one
        for one in tx.proposals.find(person, direction="received")
        if one.partner == partner and one.outcome and load_object(one.outcome)["edition"] > since
    ]
    return {
        "merged": [one.id for one in found if one.state in _MERGED],
        "conflicts": [one.id for one in found if one.state == "conflict"],
    }


def put_back(tx: Tx, person: str, custodian: str, content: dict[str, Any], held: int, edition: int) -> bool:
    """What a custodian merged of our proposals in editions that it lost is shown as not merged, with both texts.

    So is what became a conflict in them, where it says which of these it knows. What was decided in them is open again:
    who tells of lost editions tells every decision that it knows. held: the edition until now. Returns whether it does
    not know yet that some were lost.
    """
    after, merged, conflicts, decided = map(content.get, ("lost_after", "merged", "conflicts", "decided"))
    knows = type(after) is int
    if not knows and not isinstance(merged, list):
        return False
    since = after if type(after) is int else max(held, min(_may_be_held(content, held), default=0))
    states = (*_MERGED, "conflict") if isinstance(conflicts, list) else _MERGED
    known = [name for listed in (merged, conflicts) if isinstance(listed, list) for name in listed]
    lost = False
    for proposal in tx.proposals.find(person, direction="sent"):
        said = load_object(proposal.outcome) if proposal.outcome else {}
        answered = said.get("edition")
        if proposal.custodian != custodian or proposal.state not in states or type(answered) is not int:
            continue
        if since < answered <= edition and not any(is_about(tx, proposal, said, name) for name in known):
            said = {**said, "status": "lost", "code": LOST, "decided": {}}
            tx.proposals.settle(proposal.id, "refused", dumps(said).decode())
            lost = not knows
        elif knows and isinstance(decided, list) and said.get("decided"):
            tx.proposals.settle(proposal.id, proposal.state, dumps({**said, "decided": {}}).decode())
    return lost
