"""Writes in groups: one thread takes what has queued up while the last group was written to disk, and commits it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

from fhir_mh.store.store import closed
from fhir_mh.store.tx import Tx

_GROUP = 128  # writes; more would make the first of them wait for the last


class Write:
    """One write on its way: what to run, what came of it, and whom to tell."""

    __slots__ = ("fault", "fn", "future", "loop", "tx", "value")

    def __init__(self, fn: Callable[[Tx], Any], future: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        self.fn, self.future, self.loop = fn, future, loop
        self.value: Any = None
        self.fault: BaseException | None = None
        self.tx: Tx | None = None

    def run(self, tx: Tx) -> None:
        """Do it, in this transaction."""
        self.tx = tx
        self.value = self.fn(tx)

    def resolve(self) -> None:
        """Tell the caller, in the caller's thread where that is an event loop."""
        if self.future.cancelled():
            return
        if self.fault is not None:
            self.future.set_exception(self.fault)
        else:
            self.future.set_result(self.value)


class Groups:
    """The thread, and what waits for it. commit: does all of a group, and notes what came of each of its writes."""

    def __init__(self, commit: Callable[[list[Write]], None]) -> None:
        self._commit = commit
        self._queue: SimpleQueue[Write | None] = SimpleQueue()
        self._gate = threading.Lock()  # nothing enters the queue behind the sign that it ends
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="fhir-mh-store-writer", daemon=True)
        self._thread.start()

    async def write(self, fn: Callable[[Tx], Any]) -> Any:
        """What fn answers, once its group is committed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._enter(Write(fn, future, loop))
        return await future

    def write_now(self, fn: Callable[[Tx], Any]) -> Any:
        """As write, blocking the calling thread."""
        future: Future[Any] = Future()
        self._enter(Write(fn, future, None))
        return future.result()

    def close(self) -> None:
        """Finish what was handed in; nothing is taken any more."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if not self.is_here:
            self._thread.join()

    @property
    def is_here(self) -> bool:
        """Whether this is the thread that writes."""
        return threading.current_thread() is self._thread

    def _enter(self, write: Write) -> None:
        if self.is_here:
            raise RuntimeError("a write inside a write would wait for itself: use the Tx at hand")
        with self._gate:
            if self._closed:
                raise closed()
            self._queue.put(write)

    def _work(self) -> None:
        running = True
        while running:
            group, running = self._next_group()
            if group:
                self._commit(group)
                _tell(group)

    def _next_group(self) -> tuple[list[Write], bool]:
        """What is waiting, at least one write unless the store is being closed; and whether to go on."""
        group: list[Write] = []
        entry = self._queue.get()
        while entry is not None:
            group.append(entry)
            if len(group) == _GROUP:
                return group, True
            try:
                entry = self._queue.get_nowait()
            except Empty:
                return group, True
        return group, False


def _tell(group: list[Write]) -> None:
    """Resolve every caller, waking each event loop once."""
    loops: dict[asyncio.AbstractEventLoop, list[Write]] = {}
    for write in group:
        if write.loop is None:
            write.resolve()
        else:
            loops.setdefault(write.loop, []).append(write)
    for loop, writes in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve_all, writes)
        except RuntimeError:  # the loop has ended, and with it whoever waited
            continue


def _resolve_all(writes: list[Write]) -> None:
    for write in writes:
        write.resolve()
