"""What a client may be told of an event, decided as of now: as /fhir would show it to this client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from fhir_mh.consent import AccessContext
from fhir_mh.gateway.notices import Focus
from fhir_mh.gateway.topics import living
from fhir_mh.gateway.wanted import Wanted
from fhir_mh.store import Event, StoredResource, Tx

Seen = Callable[[Tx, AccessContext, Sequence[StoredResource]], Sequence[StoredResource]]
"""What of these resources a caller may see."""


class Teller:
    """Decides for each event what a client is shown of it. own: the ODS code of whose gateway this is."""

    def __init__(self, own: str, seen: Seen) -> None:
        self.own, self.seen = own, seen

    def told_of(self, tx: Tx, context: AccessContext, wanted: Wanted, event: Event) -> Focus | None:
        """What an event that waits is about; None where it is not asked for, or may not be seen.

        R4 sends a resource as it is now: that is what must be asked for, and it must not be deleted.
        """
        if wanted.topic is not None:
            return self._focus(tx, context, event) if wanted.is_about(tx, event) else None
        current = tx.get(event.type, event.id)
        if current is None or current.deleted:
            return None
        if not wanted.is_about(tx, replace(event, version=current.version, person=current.person)):
            return None
        return self._shown(tx, context, current)

    def told_again(self, tx: Tx, context: AccessContext, wanted: Wanted, event: Event) -> Focus | None:
        """What an event with a number is about; None where it is not asked for any more, or may not be seen now."""
        return self._focus(tx, context, event) if wanted.is_about(tx, event) else None

    def _focus(self, tx: Tx, context: AccessContext, event: Event) -> Focus | None:
        """What an event is about, as it is now; None where this client may not see it."""
        if event.what == "sharing-ended":
            patient = self._patient(tx, event)
            if patient is None or context.organisation not in (self.own, *event.parties.split()):
                return None
            return self._shown(tx, context, patient)
        current = tx.get(event.type, event.id)
        if current is None:
            return None
        if not current.deleted:
            return self._shown(tx, context, current)
        last = living(tx, event.type, event.id, current.version - 1)
        known = context.organisation == self.own or (last is not None and self._shown(tx, context, last) is not None)
        return Focus(event.type, event.id, None) if known else None

    def _shown(self, tx: Tx, context: AccessContext, stored: StoredResource) -> Focus | None:
        seen = self.seen(tx, context, [stored])
        return Focus(stored.type, stored.id, seen[0]) if seen else None

    def _patient(self, tx: Tx, event: Event) -> StoredResource | None:
        """Whom an event about a person alone is about: this organisation's own Patient, or else another's."""
        if event.what != "sharing-ended" or event.person is None:
            return None
        found = tx.search("Patient", persons=[event.person]).entries
        return min(found, key=lambda patient: patient.custodian != self.own, default=None)
