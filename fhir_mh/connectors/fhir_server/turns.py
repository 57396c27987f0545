"""Whose turn it is to ask a partner's server: one worker's at a time, of those that share the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fhir_mh.store import Store, Tx

LEASE = timedelta(minutes=5)  # longer than any step of a round takes; it is renewed before each
_LEASED, _NOBODY = "lease", ""


class Lost(Exception):
    """Another worker asks this server now."""


class Turn:
    """One worker's turn at one partner's server. owner names the worker among those that share the store."""

    def __init__(self, store: Store, partner: str, owner: str) -> None:
        self.store, self.partner, self.owner = store, partner, owner

    async def is_due(self, every: timedelta) -> bool:
        """Whether the last round, whoever's it was, ended that long ago; while one is under way none is due."""

        def due(tx: Tx) -> bool:
            held = tx.checkpoints.get(self.partner, _LEASED)
            if held is None or held.position == self.owner:
                return True
            return tx.now >= held.at + (every if held.position == _NOBODY else LEASE)

        return await self.store.read(due)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """While this is entered, nobody else asks the server; then it is let go. Raises Lost where another asks it."""
        await self.hold()
        try:
            yield
        finally:
            await self.store.write(self._let_go)

    async def hold(self) -> None:
        """Go on being the one that asks, before each step. Raises Lost."""
        if not await self.store.write(self._lease):
            raise Lost

    def _lease(self, tx: Tx) -> bool:
        held = tx.checkpoints.get(self.partner, _LEASED)
        if held is not None and held.position not in (self.owner, _NOBODY) and tx.now < held.at + LEASE:
            return False
        tx.checkpoints.set(self.partner, _LEASED, self.owner)
        return True

    def _let_go(self, tx: Tx) -> None:
        held = tx.checkpoints.get(self.partner, _LEASED)
        if held is not None and held.position == self.owner:
            tx.checkpoints.set(self.partner, _LEASED, _NOBODY)
