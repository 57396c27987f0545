"""Events for the clients that asked to be told, written in the transaction of the change that they tell of.

What is noted is that something changed which a subscription may be about. Whether it is, and whether its client may see
it, is decided when it is sent: a change costs one look at the few subscriptions there are, and waits for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_mh.store.part import Part
from fhir_mh.store.session import Row, Session
from fhir_mh.store.values import to_ms

SHARING_ENDED = "sharing-ended"  # among the kinds of a subscription: it is told of this, too


def listening(session: Session) -> Sequence[Row]:
    """(id, kinds) of each subscription that is not off."""
    return session.all("SELECT id, kinds FROM subscriptions WHERE status <> 'off'")


def note_change(part: Part, found: Sequence[Row], type: str, id: str, version: int, person: str | None) -> None:
    """Note for those of these subscriptions that are about resources of this type that one has this version now."""
    _note(part, found, type, ("changed", type, id, version, person, ""))


def note_ending(part: Part, person: str, parties: str) -> None:
    """Note that a copy is no longer kept up to date. parties: the ODS codes of who holds it and who keeps it."""
    _note(part, listening(part.session), SHARING_ENDED, (SHARING_ENDED, "Patient", "", 0, person, parties))


def _note(part: Part, found: Sequence[Row], kind: str, event: tuple[object, ...]) -> None:
    wanted = [row[0] for row in found if f" {kind} " in row[1]]
    if not wanted:
        return
    now = to_ms(part.now)
    part.session.many(
        "INSERT INTO events (subscription, what, type, id, version, person, parties, occurred)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(subscription, *event, now) for subscription in wanted],
    )
    part.noted()
