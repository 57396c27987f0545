"""The network between the sites: it drops, delays, reorders, repeats and cuts off, as its seed has it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.exchange.finding import Sought, Status, answer_to, read_answer
from fhir_mh.exchange.messages import Envelope, Receipt, read_envelope, read_receipts
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.issues import issue
from fhir_mh.sync.receiver import receive
from tests.sim.site import Died

if TYPE_CHECKING:
    from tests.sim.world import World


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely each fault is, of a request."""

    dropped: float = 0.0
    late: float = 0.0
    twice: float = 0.0
    unanswered: float = 0.0
    meanwhile: float = 0.0


ROUGH = Faults(dropped=0.08, late=0.08, twice=0.1, unanswered=0.08, meanwhile=0.1)
CALM = Faults()


@dataclass(slots=True)
class Network:
    """What is on its way, what ever was, and who is cut off from whom."""

    draw: random.Random
    faults: Faults = CALM
    cut: set[frozenset[str]] = field(default_factory=set)
    late: list[tuple[str, str, bytes]] = field(default_factory=list)
    past: list[tuple[str, str, bytes]] = field(default_factory=list)


class Link:
    """The way from one site to another: a Transport."""

    def __init__(self, world: World, sender: str, to: str, watch: Callable[[str, str, bytes], None]) -> None:
        self.world, self.sender, self.to, self.watch = world, sender, to, watch

    async def send(self, envelope: Envelope) -> list[Receipt]:
        """See Transport."""
        return read_receipts(loads(await self._carried(envelope)))

    async def _carried(self, envelope: Envelope) -> bytes:
        """The answer to a request, as far as the network lets both through."""
        if self.world.sites[self.sender].dead:
            raise Died(self.sender)
        net, body = self.world.net, dumps(envelope.as_json())
        if frozenset((self.sender, self.to)) in net.cut:
            raise _unreachable()
        self.watch(self.sender, self.to, body)
        net.past.append((self.sender, self.to, body))
        if self._happens(net.faults.dropped, "is lost"):
            raise _unreachable()
        if self._happens(net.faults.late, "is late"):
            net.late.append((self.sender, self.to, body))
            raise _unreachable()
        answer = await arrive(self.world, self.sender, self.to, body)
        if self._happens(net.faults.twice, "arrives twice"):
            answer = await arrive(self.world, self.sender, self.to, body)
        if self._happens(net.faults.meanwhile, "is under way while somebody works"):
            self.world.somebody_works()
        if self.world.sites[self.sender].dead:
            raise Died(self.sender)
        if self._happens(net.faults.unanswered, "gets no answer"):
            raise _unreachable()
        return answer

    async def find(self, sought: Sought) -> Status | None:
        """See Transport."""
        return read_answer(loads(await self._carried(Envelope(self.sender, self.to, (), sought=sought))), sought)

    async def close(self) -> None: ...

    def _happens(self, chance: float, what: str) -> bool:
        if chance and self.world.net.draw.random() < chance:
            self.world.tell(f"a request {self.sender}->{self.to} {what}")
            return True
        return False


async def arrive(world: World, sender: str, to: str, body: bytes) -> bytes:
    """A request reaches a site, as bytes; its answer. Raises UpstreamUnavailable where it is not there, or dies."""
    site = world.sites[to]
    if site.dead or not site.shares_with(sender):
        raise _unreachable()
    envelope, content = read_envelope(loads(body)), dict[str, Any]()
    try:
        content["receipts"] = await receive(site.store, site.exchange, sender, envelope)
        if envelope.sought is not None:
            sought = envelope.sought
            status = await site.store.write(lambda tx: site.exchange.find(tx, sender, sought))
            content["find"] = answer_to(sought, status)
    except Died as died:
        if died.ods != to:
            raise
        world.tell(f"{to} dies while it receives")
        world.stopped(to)
        raise _unreachable() from None
    return dumps(content)


def _unreachable() -> UpstreamUnavailable:
    return UpstreamUnavailable(issues=[issue("sync-unreachable", "$", reason="ConnectError")])
