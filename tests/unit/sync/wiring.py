"""Two gateways of integers in one process, wired to each other without HTTP."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from fhir_mh.clock import ManualClock
from fhir_mh.exchange.messages import Envelope, Receipt, read_envelope, read_receipts
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.store import Store, open_store
from fhir_mh.sync.courier import Courier, Limits
from fhir_mh.sync.receiver import receive
from fhir_mh.sync.retry import Retry
from tests.databases import sqlite_database
from tests.unit.sync.counting import CountingExchange

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOME, WARD, CLINIC = "ZCT1", "ZIU1", "ZOA1"
PEOPLE = ("9990000026", "9990000034", "9990000042")


OPEN = ExitStack()
"""The stores of the nodes that the test under way has made; conftest closes them after it."""


class Wire:
    """A transport into another node's receiver. before: called with each envelope; may raise what a transport may."""

    def __init__(self, node: Node, sender: str) -> None:
        self.node, self.sender = node, sender
        self.sent: list[Envelope] = []
        self.before: Callable[[Envelope], None] = lambda envelope: None
        self.after: Callable[[list[Receipt]], list[Receipt]] = lambda receipts: receipts

    async def send(self, envelope: Envelope) -> list[Receipt]:
        self.sent.append(envelope)
        self.before(envelope)
        carried = read_envelope(loads(dumps(envelope.as_json())))
        answered = await receive(self.node.store, self.node.exchange, self.sender, carried)
        return self.after(read_receipts({"receipts": loads(dumps(answered))}))

    async def close(self) -> None: ...


class Node:
    """A store, an exchange and a courier of one organisation."""

    def __init__(self, own: str, clock: ManualClock, **hooks: Any) -> None:
        self.own, self.clock = own, clock
        self.store: Store = open_store(OPEN.enter_context(sqlite_database()), clock=clock, inline=True)
        OPEN.callback(self.store.close)
        self.exchange = CountingExchange(own, **hooks)
        self.wires: dict[str, Wire] = {}
        self.courier = self.new_courier()

    def new_courier(self, owner: str = "this process", **limits: int) -> Courier:
        self.courier = Courier(
            self.store, self.exchange, self.wires, self.clock, own=self.own, owner=owner,
            retry=Retry(), limits=Limits(**limits), draw=random.Random(1).random,
        )  # fmt: skip
        return self.courier

    def joined(self, other: Node) -> Wire:
        self.wires[other.own] = Wire(other, self.own)
        return self.wires[other.own]

    def count(self, number: str, *partners: str) -> int:
        return self.store.write_now(lambda tx: self.exchange.count(tx, number, list(partners)))


def nodes(clock: ManualClock, *names: str) -> Iterator[Node]:
    """Nodes, every one joined to every other."""
    made = [Node(name, clock) for name in names]
    for node in made:
        for other in made:
            if node is not other:
                node.joined(other)
    return iter(made)
