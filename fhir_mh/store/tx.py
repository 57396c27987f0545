"""The transaction a write or read function is handed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fhir_mh.store.resources import Resources
from fhir_mh.store.session import Session


class Tx(Resources):
    """Everything in the store, as of one transaction: resources and people directly, the rest by name.

    now is the time of the whole transaction, in whole milliseconds. A function that is handed a Tx may run more
    than once (its first try may have lost a race), so it changes nothing but the store; what must happen
    after the commit goes through after_commit.
    """

    def __init__(self, session: Session, now: datetime, new_id: Callable[[], str]) -> None:
        super().__init__(session, now.replace(microsecond=now.microsecond // 1000 * 1000), new_id)
        self.committed: list[Callable[[], None]] = []

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call something quick once this transaction is safe, in whichever thread committed it; never after a rollback.

        For waking somebody up (loop.call_soon_threadsafe), not for work: an exception from it is dropped.
        """
        self.committed.append(call)
