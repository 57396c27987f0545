"""One organisation of the simulation: its gateway and courier on a real store, which can die at any commit."""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from fhir_mh.clock import ManualClock
from fhir_mh.consent import AccessContext
from fhir_mh.exchange.finding import Sought, Status
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.exchange.ports import Withheld
from fhir_mh.exchange.transport import Transport
from fhir_mh.gateway import Gateway, Organisation
from fhir_mh.gateway.answering import lapse
from fhir_mh.gateway.deciding import ShownConflict
from fhir_mh.gateway.exchange import GatewayExchange
from fhir_mh.gateway.finding import Found
from fhir_mh.gateway.gateway import Change, HeldRecord, Saved
from fhir_mh.gateway.identity import find_person, nhs_number_of
from fhir_mh.gateway.marking import Marked
from fhir_mh.gateway.partners import Directory
from fhir_mh.gateway.placing import Recorded
from fhir_mh.gateway.spreading import turn
from fhir_mh.gateway.standing import head_of
from fhir_mh.gateway.together import Together
from fhir_mh.gateway.writing import Check
from fhir_mh.ods import FORM
from fhir_mh.placements import Step
from fhir_mh.records.asking import Asking
from fhir_mh.records.called import called_in, of_whom
from fhir_mh.records.decisions import read_decision
from fhir_mh.store import Currency, OutboxMessage, Store, Tx, open_store
from fhir_mh.sync.courier import Courier
from tests.called import Names, as_shown, by_keeper, names_in

T = TypeVar("T")
COUNTED = re.compile(r"n\d+")
"""How systems here call what they count."""
_ELSEWHERE = re.compile(rf"'id': '({FORM}\.\.[^']+)'")
Tree = dict[str, Any]


class Died(BaseException):
    """The process of a site ended here, as by kill -9; nothing in it can catch this."""

    def __init__(self, ods: str) -> None:
        super().__init__(ods)
        self.ods = ods


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine answers that never really waits: on an inline store none of the gateway's does."""
    try:
        work.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    raise AssertionError("this waited for something")


class Watched(GatewayExchange):
    """The gateway's exchange; which messages were composed or acted upon is noted when their transaction is safe."""

    composed: list[tuple[str, Message]]
    under_way: list[tuple[str, Message, Receipt]]
    found: list[tuple[str, Sought, Status]]

    def compose(self, tx: Tx, waiting: OutboxMessage) -> Message | Withheld:
        self.composed.clear()
        composed = super().compose(tx, waiting)
        if isinstance(composed, Message):
            self.composed.append((waiting.partner, composed))
        return composed

    def find(self, tx: Tx, partner: str, sought: Sought) -> Status:
        self.found.clear()
        status = super().find(tx, partner, sought)
        self.found.append((partner, sought, status))
        return status

    def receive(self, tx: Tx, partner: str, message: Message) -> Receipt:
        self.under_way.clear()
        receipt = super().receive(tx, partner, message)
        self.under_way.append((partner, message, receipt))
        return receipt


class Site:
    """A gateway that can be killed and started again on the file it left."""

    def __init__(
        self, ods: str, folder: Path, empty: Path, clock: ManualClock, draw: random.Random, check: Check
    ) -> None:
        self.ods, self.clock, self.draw, self.check = ods, clock, draw, check
        self._ids = random.Random(f"{ods} {draw.random()}")  # a seed again is the same run, ids and their order too
        self._read: dict[tuple[str, datetime], tuple[HeldRecord, Names, HeldRecord] | None] = {}
        self.file = folder / f"{ods}.sqlite3"
        shutil.copy(empty, self.file)
        self.partners: dict[str, str] = {}
        self.transports: dict[str, Transport] = {}
        self.dead = True
        self.crash: tuple[str, int] | None = None  # before or after a commit, and after how many more
        self.acted: Counter[tuple[str, str]] = Counter()  # (sender, message id)
        self.stored: dict[tuple[str, str], int] = {}  # (sender, NHS number) -> edition of the newest copy
        self.on_asking: Callable[[str, str, Sought, Status], None] = lambda site, sender, sought, status: None
        self.on_composed: Callable[[str, str, Message], None] = lambda site, to, message: None
        self.on_receipt: Callable[[str, str, Message, Receipt], None] = lambda site, sender, message, receipt: None

    def joined(self, partners: Mapping[str, Transport], *, kept: str = "") -> None:
        """Whom this site shares with, and how it reaches them. kept: the one that its store names, not its settings."""
        self.transports = dict(partners)
        self.partners = {ods: ods for ods in partners if ods != kept}

    def start(self) -> None:
        """Open the store, as it was left, and take back what an earlier life had leased."""
        self.crash = None
        self._read.clear()
        self.store: Store = open_store(
            f"sqlite:///{self.file}", clock=self.clock, new_id=self._mint, inline=True, hook=self._hook
        )
        self.gateway = Gateway(self.store, Organisation(self.ods, self.ods, self.partners), self.check, self.clock)
        self.gateway.exchange = self.exchange = Watched(self.gateway.home, self.check)
        self.exchange.composed, self.exchange.under_way, self.exchange.found = [], [], []
        self.courier = Courier(
            self.store, self.exchange, self.transports, self.clock, own=self.ods, owner=self.ods, draw=self.draw.random
        )
        self.directory = Directory(self.store, self.gateway.home, self.check, {}, None, beyond=False)
        self.dead = False

    def stop(self) -> None:
        """Let go of the file; what was not committed is gone."""
        self.dead = True
        self.store.close()

    def _mint(self) -> str:
        return str(UUID(int=self._ids.getrandbits(128), version=4))

    def _hook(self, stage: str) -> None:
        if self.dead:
            raise Died(self.ods)
        if self.crash is not None and self.crash[0] == stage:
            self.crash = (stage, self.crash[1] - 1)
            if self.crash[1] <= 0:
                self.dead = True
        if stage == "after":
            self._committed()
        if self.dead:
            raise Died(self.ods)

    def _committed(self) -> None:
        self._read.clear()
        for partner, message in [] if self.dead else self.exchange.composed:
            self.on_composed(self.ods, partner, message)
        self.exchange.composed.clear()
        for sender, message, receipt in self.exchange.under_way:
            self.acted[sender, message.id] += 1
            self.on_receipt(self.ods, sender, message, receipt)
        self.exchange.under_way.clear()
        for partner, sought, status in self.exchange.found:
            self.on_asking(self.ods, partner, sought, status)
        self.exchange.found.clear()

    # --- what its people do and see

    def save(self, number: str, change: Tree | Change) -> Saved:
        """A system of this organisation sends a record."""
        self.exchange.under_way.clear()
        if isinstance(change, Change):
            return at_once(self.gateway.save(AccessContext(self.ods), change))
        one, change = self.one(number), self._said(number, change)
        if one is not None:  # who writes sees the one record, and writes there by its names
            side = one.side_of(str(self.person(number)))
            change = {name: [{**item, "id": one.name(side, item["id"])} if item["id"] in side.ids else item
                             for item in value] for name, value in change.items()}  # fmt: skip
            number = self.numbers_of_one(number)[0]
        return at_once(self.gateway.save(AccessContext(self.ods), {"person": {"nhs_number": number}, **change}))

    def step(self, number: str, placement: str | None, step: Step) -> Recorded:
        """A system of this organisation records a step of a placement."""
        self.exchange.under_way.clear()
        person, one = str(self.person(number)), self.one(number)
        placement = self.shown_as(number, placement)
        if one is not None:
            placement = None if placement is None else one.name(one.side_of(person), placement)
            person = one.kept.person
        return at_once(self.gateway.placements.record(AccessContext(self.ods), person, placement, step))

    def conflicts(self, number: str) -> list[ShownConflict]:
        """What waits here for somebody to decide about a person."""
        person = self.person(number)
        if person is None:
            return []
        found = at_once(self.gateway.deciding.waiting(AccessContext(self.ods), record=person))
        return [by_keeper(one, self.names(number)) for one in found if one.stored.person == person]

    def decide(self, conflict: ShownConflict, said: Tree) -> ShownConflict:
        """Somebody of this organisation decides one, having read it as it is."""
        self.exchange.under_way.clear()
        decision = read_decision({"by": {"display": "Somebody on duty"}, **said})
        context, name = AccessContext(self.ods), conflict.stored.id
        return at_once(self.gateway.deciding.decide(context, name, decision, if_match=conflict.version))

    def record(self, number: str) -> HeldRecord | None:
        """The person's record as people see it here; None where the person is not known. Read once between commits.

        Of somebody who is one with another, that side of the one record, by its own names. Items go by what their
        keepers call them.
        """
        read = self._once(number)
        return None if read is None else read[2]

    def shown(self, number: str) -> HeldRecord | None:
        """The same with items under the ids by which they are shown here."""
        read = self._once(number)
        return None if read is None else read[0]

    def names(self, number: str) -> Names:
        """What people call what is shown here: as its keeper does, who is named too where keepers may count alike."""
        read = self._once(number)
        return {} if read is None else read[1]

    def _once(self, number: str) -> tuple[HeldRecord, Names, HeldRecord] | None:
        """A record as it is shown, what people call what is in it, and as they see it."""
        asked = (number, self.clock.now())
        if asked not in self._read:
            held = self._record(number)
            self._read[asked] = None if held is None else (held, names := _names_of(held), _as_called(held, names))
        return self._read[asked]

    def _said(self, number: str, change: Tree) -> Tree:
        own = {found[1]: found[0] for found in re.finditer(f"({COUNTED.pattern})@{self.ods}", str(change))}
        said: Tree = as_shown(change, {**self.names(number), **own})
        return said

    def shown_as(self, number: str, called: str | None) -> str | None:
        """The id by which something is shown here that people call so."""
        return self._said(number, {"id": called})["id"]

    def version(self, number: str) -> int | None:
        """Of the person's record; None where the person is not known."""
        person = self.person(number)
        return None if person is None else self.look(lambda tx: head_of(tx, person))

    def _record(self, number: str) -> HeldRecord | None:
        person, one = self.person(number), self.one(number)
        if person is None:
            return None
        held = at_once(self.gateway.record(AccessContext(self.ods), person))
        if one is None:
            return held
        side = one.side_of(person)
        copies = self.copies(number)
        return replace(held, tree=side.tree, custodians=side.holding.keepers, pending=side.pending, copies=copies)

    def one(self, number: str) -> Together | None:
        """The one record of somebody who is one with another here; None for anybody else."""
        person = self.person(number)
        if person is None or len(self.look(lambda tx: tx.merges.sides(person))) < 2:
            return None
        return self.look(lambda tx: Together(tx, person, self.ods))

    def would_be_anothers(self, number: str, change: Tree) -> bool:
        """Whether something in a change is new, of somebody who is one with another who is kept."""
        one, names = (
            self.one(number),
            {item["id"] for value in self._said(number, change).values() if isinstance(value, list) for item in value},
        )
        side = None if one is None else one.side_of(str(self.person(number)))
        return one is not None and side is not None and side is not one.kept and not names <= side.ids

    def numbers_of_one(self, number: str) -> list[str]:
        """The numbers of everybody who is one with a person here, that of the one who is kept first."""
        person = self.person(number)
        if person is None:
            return [number]
        return self.look(lambda tx: [str(nhs_number_of(tx, side)) for side in tx.merges.sides(person)])

    async def find(self, asking: Asking) -> Found:
        """A system of this organisation asks every partner for somebody's plan."""
        return await self.gateway.finding.find(AccessContext(self.ods), asking, self.transports)

    async def deliver(self) -> int:
        """What has lapsed or turned by now is looked at, and one round of the courier."""
        while self.store.write_now(lambda tx: lapse(tx, self.gateway.home)):
            pass
        for person in self.store.read_now(lambda tx: tx.turnings.due(100)):
            self.store.write_now(lambda tx, person=person: turn(tx, self.gateway.home, person))  # type: ignore[misc]
        return await self.courier.deliver_due()

    def mark(self, number: str, marked: Marked) -> None:
        """A system of this organisation says that it filed a copy, or that a person opened it."""
        self.exchange.under_way.clear()
        at_once(self.gateway.currency.mark(AccessContext(self.ods), str(self.person(number)), marked))

    def copies(self, number: str) -> list[Currency]:
        """How far each copy has come that this site knows of; none where the person is not known."""
        person = self.person(number)
        return [] if person is None else self.look(lambda tx: tx.currency.of(person))

    def person(self, number: str) -> str | None:
        """The id of the person here."""
        return self.store.read_now(lambda tx: find_person(tx, number))

    def shares_with(self, ods: str) -> bool:
        """Whether an organisation is a partner now, by settings or by store."""
        return ods in self.partners or ods in self.look(lambda tx: tx.partners.codes())

    def part(self, ods: str) -> None:
        """The partner that the store names is none any more."""
        at_once(self.directory.remove(ods))

    def meet(self, ods: str) -> None:
        """It is a partner, for the first time or again."""
        way = {"base_url": f"http://127.0.0.1/{ods}"}
        at_once(self.directory.add({"ods": ods, "name": ods, "connections": [way]}))
        at_once(self.directory.share_with(ods))

    def look(self, fn: Callable[[Tx], T]) -> T:
        """What stands in the store."""
        return self.store.read_now(fn)


def _names_of(held: HeldRecord) -> Names:
    called, keepers = called_in(held.tree), {name: keeper for (_, name), keeper in held.custodians.items()}
    counted = {name: called.get(name, name) for name in keepers}
    return {
        **names_in(held.tree),
        **{name: f"{one}@{keepers[name]}" for name, one in counted.items() if COUNTED.fullmatch(one)},
    }


def _as_called(held: HeldRecord, names: Names) -> HeldRecord:
    names = {**names, **_named_elsewhere(held.tree)}
    tree, custodians, pending = by_keeper((held.tree, held.custodians, held.pending), names)
    return replace(held, tree=tree, custodians=custodians, pending=pending)


def _named_elsewhere(tree: Tree) -> Names:
    """What people call what a record refers to and does not show."""
    found = {name: of_whom(name) for name in _ELSEWHERE.findall(str(tree))}
    return {name: f"{one}@{whose}" if COUNTED.fullmatch(one) else one for name, (whose, one) in found.items()}
