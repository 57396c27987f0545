"""The laws of docs/sync-protocol.md, 'A server that is not fhir_mh', held against what lies on such servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sim.ledger import Ledger, texts_in
from tests.sim.people import HOME
from tests.sim.servers import PlainServer
from tests.sim.wards import held, number_in

if TYPE_CHECKING:
    from tests.sim.world import World

Tree = dict[str, Any]


class LawBroken(BaseException):
    """A promise of the protocol was not kept. Not an Exception, so that the code under test cannot catch it."""


class ServerLaws:
    """Watches the plain servers of one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def on_the_wire(self, server: str, body: bytes, said: frozenset[str]) -> None:
        """A request leaves for a server: it says nothing but what the laws have seen of what it is made of."""
        more = texts_in(body) - said
        _law(not more, f"{server} is sent what stands in no message to it: {sorted(more)}")

    def stand(self) -> tuple[object, ...]:
        """Whatever would be another if anything were written: on the servers, and at the home team."""
        site = self.world.sites[HOME]

        def count(tx: Any) -> tuple[object, ...]:
            persons = sorted(tx.persons())
            return (
                [(person, tx.edition(person, HOME)) for person in persons],
                len(tx.proposals.find()), len(tx.quarantine.find(state=None, limit=10_000)),
            )  # fmt: skip

        versions = tuple(site.version(number) for number in self.world.ledgers)
        there = tuple(len(server.versions) for server in self.world.servers.values())
        return there, versions, site.look(count)

    def when_quiet(self, ledger: Ledger, server: PlainServer, sections: set[str], aside: set[str]) -> None:
        """All was read, nothing read is lost, and the server holds what the home team says now."""
        ours = self._ours(ledger)
        told = aside | self._told(ledger)
        everything = told | self._ever(ledger)
        written = [one for one in ledger.there if one.server == server.ods]
        lost = (
            {one.text for one in written} - {one.seen for one in written} - everything
        )  # who wrote again saw the first
        _law(not lost, f"written on {server.ods} and nowhere at {HOME}: {sorted(lost)}")
        newest = {text for bodies in ours.values() for text in texts_in(bodies)}
        for key, said in ours.items():
            there, deleted = self._there(server, key)
            texts = {text for text in texts_in(said) if text.partition("#")[0] in sections and text in ledger.edited()}
            if not texts or deleted:  # it is written anew with the next edition
                continue
            sent = set().union(*(texts_in(one) | texts_in(server.sent.get(_key(one))) for one in there))
            _law(texts <= sent, f"{server.ods} was never sent {sorted(texts - sent)} of {key}")
        for body in held(server):
            stale = texts_in(body) & ledger.edited() - newest
            stale = {text for text in stale if text.partition("#")[0] in sections} - told - self._own(ledger)
            _law(not stale, f"{server.ods} still shows {sorted(stale)} in {_key(body)}, and nobody is told")
            again = texts_in(body) & ledger.retracted_texts()
            if number_in(server, body) != ledger.number:  # it went to the other person, whose it is
                again -= self._said_of_others(ledger)
            _law(not again, f"{server.ods} still shows what was retracted: {sorted(again)}")

    # --- what the home team holds

    def _ours(self, ledger: Ledger) -> dict[tuple[str, str], Tree]:
        """The newest of every resource that the home team keeps of a person, by type and id here."""
        site = self.world.sites[HOME]
        person = str(site.person(ledger.number))
        found = site.look(lambda tx: [one for one in tx.person_resources(person) if one.custodian == HOME])
        return {(one.type, one.id): one.body() for one in found if not one.deleted and one.type != "Task"}

    def _said_of_others(self, ledger: Ledger) -> set[str]:
        """Texts of what the home team says now of other people."""
        others = [other for other in self.world.ledgers.values() if other is not ledger]
        return set().union(*(texts_in(body) for other in others for body in self._ours(other).values()))

    def _own(self, ledger: Ledger) -> set[str]:
        """Texts of what others keep."""
        site = self.world.sites[HOME]
        person = str(site.person(ledger.number))
        found = site.look(lambda tx: [one for one in tx.person_resources(person) if one.custodian != HOME])
        return set().union(*(texts_in(one.body()) for one in found if not one.deleted))

    def _told(self, ledger: Ledger) -> set[str]:
        """The texts of Tasks and of what is set aside."""
        site = self.world.sites[HOME]
        record = site.record(ledger.number)
        kept = site.look(lambda tx: tx.quarantine.find(state=None, limit=10_000))
        aside = set().union(*(texts_in(one.text) for one in kept))
        return aside | (texts_in(record.tree.get("tasks")) if record is not None else set())

    def _ever(self, ledger: Ledger) -> set[str]:
        """Every text of every version."""
        site = self.world.sites[HOME]
        person = str(site.person(ledger.number))

        def read(tx: Any) -> set[str]:
            kept = tx.person_resources(person)
            return set().union(*(
                texts_in(entry.text) for one in kept for entry in tx.history(one.type, one.id, limit=10_000).entries
            ))  # fmt: skip

        return site.look(read)

    def _there(self, server: PlainServer, key: tuple[str, str]) -> tuple[list[Tree], bool]:
        """What lies there of a resource, as it is noted; and whether that was deleted there."""
        noted = self.world.sites[HOME].look(lambda tx: tx.server_copies.get(server.ods, *key))
        there = None if noted is None else server.held(key[0], noted.remote_id)
        return ([], noted is not None) if there is None else ([there], False)


def _key(body: Tree) -> tuple[str, str]:
    return body["resourceType"], body["id"]


def _law(holds: bool, words: str) -> None:
    if not holds:
        raise LawBroken(words)
