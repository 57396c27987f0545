"""The transaction a write or read function is handed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from fhir_mh.errors import FhirMhError
from fhir_mh.store.askings import Askings
from fhir_mh.store.audit import AuditLog
from fhir_mh.store.backlog import Backlog
from fhir_mh.store.concerns import Concerns
from fhir_mh.store.conflicts import Conflicts
from fhir_mh.store.copies import Currencies, Projections, Proposals
from fhir_mh.store.lanes import Lanes
from fhir_mh.store.merges import Merges
from fhir_mh.store.outbox import Outbox
from fhir_mh.store.pages import Pages
from fhir_mh.store.part import Part, nobody
from fhir_mh.store.partners import Partners
from fhir_mh.store.receiving import Inbox, Quarantine
from fhir_mh.store.resources import Resources
from fhir_mh.store.seals import Seals
from fhir_mh.store.servers import Checkpoints, ServerCopies
from fhir_mh.store.session import Session
from fhir_mh.store.subscriptions import Subscriptions
from fhir_mh.store.turnings import Turnings

P = TypeVar("P", bound=Part)


class Tx(Resources):
    """Everything in the store, as of one transaction: resources and people directly, the rest by name.

    now is the time of the whole transaction, in whole milliseconds. A function that is handed a Tx may run more
    than once (its first try may have lost a race), so it changes nothing but the store; what must happen
    after the commit goes through after_commit.
    """

    def __init__(
        self, session: Session, now: datetime, new_id: Callable[[], str], sender: Callable[[], None] = nobody,
        notifier: Callable[[], None] = nobody,
    ) -> None:  # fmt: skip
        super().__init__(session, now.replace(microsecond=now.microsecond // 1000 * 1000), new_id)
        self.committed: list[Callable[[], None]] = []
        self._sender, self._notifier = sender, notifier
        self.noted = self._call_notifier

    @cached_property
    def lanes(self) -> Lanes:
        return self._part(Lanes)

    @cached_property
    def outbox(self) -> Outbox:
        return self._part(Outbox)

    @cached_property
    def backlog(self) -> Backlog:
        return self._part(Backlog)

    @cached_property
    def inbox(self) -> Inbox:
        return self._part(Inbox)

    @cached_property
    def quarantine(self) -> Quarantine:
        return self._part(Quarantine)

    @cached_property
    def projections(self) -> Projections:
        return self._part(Projections)

    @cached_property
    def proposals(self) -> Proposals:
        return self._part(Proposals)

    @cached_property
    def currency(self) -> Currencies:
        return self._part(Currencies)

    @cached_property
    def concerns(self) -> Concerns:
        return self._part(Concerns)

    @cached_property
    def seals(self) -> Seals:
        return self._part(Seals)

    @cached_property
    def conflicts(self) -> Conflicts:
        return self._part(Conflicts)

    @cached_property
    def merges(self) -> Merges:
        return self._part(Merges)

    @cached_property
    def askings(self) -> Askings:
        return self._part(Askings)

    @cached_property
    def turnings(self) -> Turnings:
        return self._part(Turnings)

    @cached_property
    def audit(self) -> AuditLog:
        return self._part(AuditLog)

    @cached_property
    def partners(self) -> Partners:
        return self._part(Partners)

    @cached_property
    def server_copies(self) -> ServerCopies:
        return self._part(ServerCopies)

    @cached_property
    def checkpoints(self) -> Checkpoints:
        return self._part(Checkpoints)

    @cached_property
    def pages(self) -> Pages:
        return self._part(Pages)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        return self._part(Subscriptions)

    def _part(self, kind: type[P]) -> P:
        part = kind(self.session, self.now, self.new_id)
        part.queued, part.noted = self._call_sender, self._call_notifier
        return part

    def _call_sender(self) -> None:
        self._call_once(self._sender)

    def _call_notifier(self) -> None:
        self._call_once(self._notifier)

    def _call_once(self, call: Callable[[], None]) -> None:
        if call not in self.committed:
            self.after_commit(call)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """What is written inside is undone where an expected fault is raised; the fault goes on to the caller."""
        raised, calls = set(self._raised), len(self.committed)
        self.session.run("SAVEPOINT whole")
        try:
            yield
        except FhirMhError:
            self.session.run("ROLLBACK TO SAVEPOINT whole")
            self.session.run("RELEASE SAVEPOINT whole")  # else one around this one would be undone to here alone
            self._raised, self._editions = raised, {}
            self.merges.look_again()
            del self.committed[calls:]
            raise
        self.session.run("RELEASE SAVEPOINT whole")

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call something quick once this transaction is safe, in whichever thread committed it; never after a rollback.

        For waking somebody up (loop.call_soon_threadsafe), not for work: an exception from it is dropped.
        """
        self.committed.append(call)
