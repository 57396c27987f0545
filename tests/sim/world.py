"""One run: sites, network, staff and time, all drawn from one seed."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fhir_mh.clock import ManualClock
from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, UpstreamUnavailable
from fhir_mh.gateway.writing import Check
from fhir_mh.issues import Issue
from fhir_mh.sync import deliveries
from tests.sim.finding import KEPT, Finding
from tests.sim.laws import LawBroken, Laws
from tests.sim.ledger import Ledger
from tests.sim.network import CALM, ROUGH, Link, Network, arrive
from tests.sim.people import ADA, AWAY, BEN, FAR, HOME, UNIT, Staff
from tests.sim.placing import Placing
from tests.sim.servers import PlainServer
from tests.sim.servers import links as server_links
from tests.sim.site import Died, Site, at_once
from tests.sim.wards import Wards

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SITES = (HOME, UNIT, AWAY, FAR)
SECTIONS = (None, None, frozenset({"advance-wishes"}), frozenset({"crisis-plan"}), frozenset({"care-plan"}))


def accept(body: dict[str, Any], *, errors_only: bool = False) -> Sequence[Issue]:
    """A check that finds nothing: what the validator finds is its own tests' business."""
    return ()


class _Selector(selectors.DefaultSelector):
    """One that does not wait for a time, but says that it has passed."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        self.passed += timeout
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    """A loop in which sleeping takes no time: where nothing is to be done it is at once when something is."""

    def __init__(self) -> None:
        self._waits = _Selector()
        super().__init__(self._waits)

    def time(self) -> float:
        return super().time() + self._waits.passed


class World:
    """All of one run. calm: nothing goes wrong by itself, for scenarios that say what does.

    servers: the home team's partners that have a plain FHIR server, by their codes.
    """

    def __init__(
        self, seed: int, folder: Path, empty: Path, *, calm: bool = False, check: Check = accept,
        servers: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.seed, self.calm = seed, calm
        self.working = not calm  # whether staff do things by themselves while a request is under way
        self.draw = random.Random(seed)
        self.clock = ManualClock(START)
        self.trace: list[str] = []
        self.ledgers: dict[str, Ledger] = {}
        self.net = Network(random.Random(seed + 1), CALM if calm else ROUGH)
        self.laws = Laws(self)
        self.finding = Finding(self)
        self.servers = {ods: PlainServer(ods, self, seed) for ods in servers}
        self.sites = {ods: Site(ods, folder, empty, self.clock, random.Random(seed + 2), check) for ods in SITES}
        for site in self.sites.values():
            links = {to: Link(self, site.ods, to, self.laws.on_the_wire) for to in SITES if to != site.ods}
            site.joined({**links, **server_links(self, site.ods)}, kept=AWAY if site.ods == HOME else "")
            site.on_composed = self.laws.on_composed
            site.on_receipt = self.laws.on_receipt
            site.on_asking = self.finding.answered
            site.start()
        self.sites[HOME].meet(AWAY)
        self.staff = Staff(self)
        self.placing, self.wards = Placing(self), Wards(self)
        self.runner = asyncio.Runner(loop_factory=_Loop)

    def close(self) -> None:
        """Let go of everything."""
        self.runner.close()
        for site in self.sites.values():
            site.stop()

    def __enter__(self) -> World:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        self.close()
        if fault is not None:
            fault.add_note(self.story())

    def tell(self, what: str) -> None:
        """One line of the trace."""
        self.trace.append(f"{self.clock.now():%d %H:%M:%S} {what}")

    def story(self) -> str:
        """The seed, how to see it again, and the end of the trace."""
        again = f"python -m tests.sim --from {self.seed} --seeds 1"
        return "\n".join([f"seed {self.seed}; again: {again}", *self.trace[-60:]])

    # --- people

    def attempt(self, ods: str, work: Callable[[], Any], what: str) -> bool:
        """Whether a site did something; it may die of it, before its commit or after."""
        if self.sites[ods].dead:
            return False
        self.clock.advance(timedelta(seconds=1))
        try:
            work()
        except Conflict as refused:
            if refused.issues[0].code != "sync-unknown-custodian":
                raise
            self.tell(f"{ods} {what}, and its custodian is no partner now")
            return False
        except Died:
            done = self.sites[ods].crash is not None and self.sites[ods].crash[0] == "after"
            self.tell(f"{ods} {what}, and dies {'after' if done else 'before'} the commit")
            self.stopped(ods)
            return done
        self.tell(f"{ods} {what}")
        return True

    def stopped(self, ods: str) -> None:
        """A site's process has ended."""
        self.sites[ods].stop()

    def restart(self, ods: str) -> None:
        """A site's process is started on the file it left."""
        self.tell(f"{ods} starts")
        site = self.sites[ods]
        site.start()
        self._run(ods, site.courier.recover)
        self._run(ods, site.courier.greet)
        self._run(ods, site.directory.share_with_new)

    def somebody_works(self) -> None:
        """One thing that somebody somewhere does."""
        if not self.working:
            return
        draw, staff = self.draw, self.staff
        if self.servers and draw.random() < 0.2:
            self.wards.somebody_works()
            return
        number = draw.choice([*self.ledgers, ADA]) if self.ledgers else ADA
        ods = draw.choice([HOME, HOME, HOME, AWAY, AWAY, AWAY, UNIT, FAR])
        if self.sites[ods].dead:
            return
        deeds: list[tuple[int, Callable[[], bool]]] = [
            (10, lambda: staff.edit(ods, number)),
            (3, lambda: staff.edit_two(ods, number)),
            (6, lambda: staff.add(ods, number)),
            (3, lambda: self.sites[AWAY].dead or staff.edit_by_csv(number)),
            (3, lambda: staff.move_discharge(ods, number)),
            (2, lambda: self._decides(ods, number)),
            (1, self._parts_or_meets),
            (5, lambda: staff.mark(ods, number, back=draw.choice([0, 0, 0, 1]))),
            (1, lambda: self.sites[HOME].dead or staff.retract(number)),
            (6, lambda: staff.settle_conflict(ods, number)),
            (1, self._merges_or_parts),
            (1, lambda: staff.place(number, draw.choice(["active", "active", "completed"]))),
            (1, lambda: self.placing.claim(draw.choice([AWAY, FAR]), number)),
            (6, lambda: self.placing.something(ods, number)),
            (4, lambda: self.finding.ask(draw.choice([AWAY, FAR]), number)),
        ]
        draw.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()

    def _decides(self, ods: str, number: str) -> bool:
        draw = self.draw
        about = draw.choice([AWAY, AWAY, UNIT, FAR, *self.servers, *self.servers]) if ods == HOME else ods
        return self.staff.decide(ods, number, about, permit=draw.random() < 0.5, sections=draw.choice(SECTIONS))

    def _merges_or_parts(self) -> bool:
        """The home team finds that two persons are one, or that they are not."""
        if self.sites[HOME].dead or BEN not in self.ledgers:
            return False
        return self.staff.undo_merge() or self.staff.merge(*self.draw.sample([ADA, BEN], 2))

    def _parts_or_meets(self) -> bool:
        """The home team and the ward far away are partners no more, or again."""
        home = self.sites[HOME]
        if home.dead:
            return False
        if home.shares_with(AWAY):
            return self.attempt(HOME, lambda: home.part(AWAY), f"removes {AWAY} from its partners")
        return self.attempt(HOME, lambda: home.meet(AWAY), f"adds {AWAY} to its partners")

    # --- machines

    def something_happens(self) -> None:
        """One thing that nobody meant: a cut, a crash, a late or an old request."""
        draw = self.draw
        ods = draw.choice(SITES)
        site = self.sites[ods]
        chance = draw.random()
        if site.dead:
            if chance < 0.6:
                self.restart(ods)
        elif chance < 0.12:
            site.crash = (draw.choice(["before", "after"]), draw.randint(1, 6))
            self.tell(f"{ods} will die at its {site.crash[1]}. commit from now, {site.crash[0]} it")
        elif chance < 0.16:
            self.tell(f"{ods} is killed")
            self.stopped(ods)
        elif chance < 0.26:
            pair = frozenset(draw.sample(SITES, 2))
            if self.servers and draw.random() < 0.3:
                pair = frozenset((HOME, draw.choice(sorted(self.servers))))
            self.net.cut.symmetric_difference_update({pair})
            self.tell(f"{' and '.join(sorted(pair))}: {'cut' if pair in self.net.cut else 'joined again'}")
        elif chance < 0.7 and self.net.late:
            self._arrives(self.net.late.pop(draw.randrange(len(self.net.late))), "late")
        elif chance < 0.8 and self.net.past:
            self._arrives(draw.choice(self.net.past), "once more")
        elif chance < 0.85:
            self.replay_dead(ods)

    def replay_dead(self, ods: str) -> None:
        """Somebody at a site looks at its dead letters and halted lanes, and lets them go again."""

        def work() -> None:
            for letter in site.look(lambda tx: tx.outbox.find(state="dead")):
                site.store.write_now(lambda tx, seq=letter.seq: deliveries.replay(tx, seq))
            for partner in site.transports:
                site.store.write_now(lambda tx, partner=partner: deliveries.resume(tx, partner))

        def try_again() -> None:
            role = AccessContext(ods, "quarantine")
            for one in at_once(site.gateway.quarantine.listed(role, limit=10_000)):
                at_once(site.gateway.quarantine.replay(role, one.id))

        site = self.sites[ods]
        self.attempt(ods, work, "replays its dead letters")
        self.attempt(ods, try_again, "tries again what it set aside")

    def _arrives(self, request: tuple[str, str, bytes], how: str) -> None:
        sender, to, body = request
        if self.sites[to].dead:
            return
        self.tell(f"a request {sender}->{to} arrives {how}")
        with suppress(UpstreamUnavailable):
            self.runner.run(arrive(self, sender, to, body))

    def deliver(self, ods: str) -> int:
        """One round of a site's courier."""
        self.laws.composed.clear()
        return int(self._run(ods, self.sites[ods].deliver) or 0)

    def poll(self, server: str) -> int:
        """The home team asks a partner's server what has changed there; how many messages came of it."""
        return int(self._run(HOME, server_links(self, HOME)[server].poll) or 0)

    def _run(self, ods: str, work: Callable[[], Any]) -> Any:
        if self.sites[ods].dead:
            return None
        try:
            return self.runner.run(work())
        except Died as died:
            self.tell(f"{died.ods} dies at its courier's work")
            self.stopped(died.ods)
        return None

    # --- a run

    def run(self, steps: int) -> None:
        """Steps of work, deliveries and misfortune; then quiet. Raises LawBroken."""
        self.working = True
        self.staff.register(ADA)
        self.staff.place(ADA)
        for step in range(steps):
            self.clock.advance(timedelta(seconds=self.draw.choice([1, 5, 20, 90])))
            if self.draw.random() < 0.03:
                self.tell("a long weekend passes")
                self.clock.advance(KEPT)
            if step == steps // 3:
                self.staff.register(BEN) if not self.sites[HOME].dead else None
            self.somebody_works()
            if not self.calm:
                self.something_happens()
            for ods in self.draw.sample(SITES, len(SITES)):
                if self.draw.random() < 0.6:
                    self.deliver(ods)
            for ods in self.servers:
                if self.draw.random() < 0.3:
                    self.poll(ods)
            self.laws.at_all_times()
        self.quiet()
        if self._somebody_decides():
            self.quiet()

    def _somebody_decides(self) -> bool:
        """People at each site go through most of what waits to be decided there; whether there was anything."""
        waiting = [(ods, number) for ods in SITES for number in self.ledgers for _ in self.sites[ods].conflicts(number)]
        for ods, number in waiting:
            if self.draw.random() < 0.8:
                self.staff.settle_conflict(ods, number)
        return bool(waiting)

    def settle(self, *, late: bool = True) -> None:
        """What waits is delivered; what is late arrives first, where it is to."""
        while late and self.net.late:
            self._arrives(self.net.late.pop(self.draw.randrange(len(self.net.late))), "late")
        self._until_nothing_is_due()

    def quiet(self) -> None:
        """Nobody writes, everything works, what is late arrives; then everything said must have found its place."""
        self.tell("quiet")
        usual = self.net.faults
        self.net.faults, self.net.cut = CALM, set()
        for ods, site in self.sites.items():
            site.crash = None
            if site.dead:
                self.restart(ods)
        if not self.sites[HOME].shares_with(AWAY):
            self._parts_or_meets()
        for _ in range(2):
            for ods in SITES:
                self.replay_dead(ods)
            self.settle()
        self._until_nothing_is_read()
        self.laws.at_all_times()
        self.laws.when_quiet()
        self.net.faults = usual

    def _until_nothing_is_due(self) -> None:
        for _ in range(200):
            due = [site.look(lambda tx: tx.lanes.next_due()) for site in self.sites.values()]
            waiting = [moment for moment in due if moment is not None]
            if not waiting:
                return
            self.clock.advance(max(timedelta(0), min(waiting) - self.clock.now()))
            for ods in SITES:
                self.deliver(ods)
        raise LawBroken("something is due for ever")

    def _until_nothing_is_read(self) -> None:
        """Every server is asked until nothing comes of it: what is written there is not read as news for ever."""
        for _ in range(10):
            before = self.laws.of_servers.stand()
            for ods in self.servers:
                self.clock.advance(timedelta(minutes=1))
                self.poll(ods)
            self.settle()
            if self.laws.of_servers.stand() == before:
                return
        raise LawBroken("what comes of asking the servers has no end")


__all__ = ["ADA", "AWAY", "BEN", "FAR", "HOME", "UNIT", "World"]
