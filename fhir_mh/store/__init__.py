"""The store: versions, history, search and the outbox, in SQLite or PostgreSQL (design, section 6)."""

from __future__ import annotations

from collections.abc import Callable

from fhir_mh.clock import Clock, SystemClock
from fhir_mh.errors import InvalidResource
from fhir_mh.issues import issue
from fhir_mh.store.engines import address, in_memory
from fhir_mh.store.inline import CommitHook, InlineStore, no_hook
from fhir_mh.store.servers import Checkpoint, ServerCopy
from fhir_mh.store.store import Store, random_id
from fhir_mh.store.tx import Tx
from fhir_mh.store.values import (
    AuditRow,
    Breaker,
    Currency,
    Event,
    Lane,
    Mark,
    OutboxMessage,
    Outcome,
    Page,
    PersonMerge,
    Projection,
    Proposal,
    Quarantined,
    Seal,
    SealedText,
    StoredAsking,
    StoredConcern,
    StoredConflict,
    StoredPartner,
    StoredResource,
    StoredSubscription,
)

__all__ = [
    "AuditRow",
    "Breaker",
    "Checkpoint",
    "CommitHook",
    "Currency",
    "Event",
    "Lane",
    "Mark",
    "OutboxMessage",
    "Outcome",
    "Page",
    "PersonMerge",
    "Projection",
    "Proposal",
    "Quarantined",
    "Seal",
    "SealedText",
    "ServerCopy",
    "Store",
    "StoredAsking",
    "StoredConcern",
    "StoredConflict",
    "StoredPartner",
    "StoredResource",
    "StoredSubscription",
    "Tx",
    "open_store",
]

_WORKERS = 8


def open_store(
    url: str,
    *,
    clock: Clock | None = None,
    new_id: Callable[[], str] = random_id,
    inline: bool = False,
    hook: CommitHook = no_hook,
    workers: int = _WORKERS,
) -> Store:
    """The store at an address (sqlite:///FILE, postgresql://...), brought to this release's schema.

    inline: no threads, everything in the caller's, hook called around each commit; only then may the address be
    sqlite:// (memory). workers: how many reads run at once on PostgreSQL.

    Raises InvalidResource for what is not an address, Conflict for a store of a newer release or an SQLite file that
    another process writes to, UpstreamUnavailable when the database does not answer.
    """
    found, clock = address(url), clock or SystemClock()
    if inline:
        return InlineStore(found, clock, new_id, hook)
    if found.drivername.startswith("postgresql"):
        from fhir_mh.store.postgres import PostgresStore

        return PostgresStore(found, clock, new_id, workers)
    if in_memory(found):
        raise InvalidResource(issues=[issue("store-bad-address", "--store")])
    from fhir_mh.store.sqlite import SqliteStore

    return SqliteStore(found, clock, new_id)
