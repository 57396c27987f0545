"""The laws of docs/sync-protocol.md, held against the ledger: on the wire, at all times, and when all is quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.gateway.older_store import LOST
from tests.sim.ledger import DECISION, SECTION_OF, Ledger, Row, items_in, text_at, texts_in
from tests.sim.people import AWAY, FAR, HOME, UNIT
from tests.sim.placing import places
from tests.sim.sameness import as_held_in, of_anybody
from tests.sim.server_laws import LawBroken, ServerLaws

if TYPE_CHECKING:
    from tests.sim.site import Site
    from tests.sim.world import World

Tree = dict[str, Any]
SITES = (HOME, UNIT, AWAY)


class Laws:
    """Watches one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.of_servers = ServerLaws(world)
        self._looked: dict[tuple[str, str], int] = {}
        self.composed: dict[tuple[str, str, str], Tree] = {}  # (sender, to, id) -> composed in this round, not sent yet

    # --- nothing withdrawn is sent

    def on_composed(self, sender: str, to: str, message: Message) -> None:
        """A site has committed that it sends this now: whatever of it the sender knows to be denied is a leak.

        What is committed there before the request leaves, while others are under way, counts from the next send on.
        """
        said: Tree = loads(dumps(message.as_json()))
        self._may_leave(sender, to, said)
        self.composed[sender, to, message.id] = said

    def on_the_wire(self, sender: str, to: str, body: bytes) -> None:
        """A request leaves now. What of it was not composed for just this send is looked at as of now."""
        for message in loads(body)["messages"]:
            self.world.tell(f"{sender}->{to} {_brief(message)}")
            if self.composed.pop((sender, to, message["id"]), None) != message:
                self._may_leave(sender, to, message)

    def _may_leave(self, sender: str, to: str, message: Tree) -> None:
        ledger = self.world.ledgers[message["person"]["nhs_number"]]
        if not self.world.sites[sender].shares_with(to):
            _law(message["verb"] == "notice", f"{to} is no partner of {sender}, and is sent a {message['verb']}")
        sections = {text.partition("#")[0] for text in texts_in(message)}
        foreign = texts_in(message) - ledger.edited() - ledger.reasons
        _law(not foreign, f"texts of somebody else are sent to {to}: {foreign}")
        at = self.world.sites[sender]
        again = set() if at.dead else texts_in(message) & _retracted_there(at, ledger)
        _law(not again, f"{sender} sends {to} what it has sealed: {sorted(again)}")
        decided = DECISION.search(str(message.get("bundle")))
        _law(decided is None or to == HOME, f"{sender} tells {to} what the person decided of others: {decided}")
        if message["verb"] == "marked":
            everything = set(SECTION_OF.values())
            _law(not everything <= self._denied(ledger, sender, to), f"{sender} tells {to} that it reads its copy")
        if message["verb"] == "proposal":
            return
        leaked = sections & self._denied(ledger, sender, to)
        _law(not leaked, f"{sender} sends {to} what the person does not share with it: {sorted(leaked)}")
        if sender == HOME and to in (AWAY, FAR) and not self._placed(ledger, to):
            beyond = sections - self._opened(ledger, sender, to, surely=False)
            _law(not beyond, f"{to} does not care for the person now, and is sent {sorted(beyond)}")

    # --- each message is acted upon once, in order

    def on_receipt(self, ods: str, sender: str, message: Message, receipt: Receipt) -> None:
        """A site has committed what it made of a message."""
        site = self.world.sites[ods]
        self.world.tell(f"{ods} answers {sender} {message.id[:6]} {receipt.status} {receipt.edition} "
                        f"{[one.code for one in receipt.issues]}")  # fmt: skip
        _law(site.acted[sender, message.id] == 1, f"{ods} acts on {message.id} a second time")
        self.world.ledgers[message.nhs_number].learns(
            ods, {found[0] for found in DECISION.finditer(str(message.content.get("bundle")))}
            if receipt.status == "stored" else ()
        )  # fmt: skip
        if message.verb == "snapshot" and receipt.status == "stored" and message.edition is not None:
            held = site.stored.get((sender, message.nhs_number), 0)
            _law(message.edition >= held, f"{ods} goes back from edition {held} of {sender} to {message.edition}")
            site.stored[sender, message.nhs_number] = message.edition
            _law(receipt.code != LOST, f"{ods} takes the store of {sender} for an older one")

    # --- no absence is a deletion

    def at_all_times(self) -> None:
        """No item that was shown anywhere is gone there, and no mark runs ahead."""
        self._marks_run_behind()
        for ods, site in self.world.sites.items():
            for number, ledger in self.world.ledgers.items():
                if site.dead:
                    continue
                version = site.version(number)
                if version is None or self._looked.get((ods, number)) == version:
                    continue
                self._looked[ods, number] = version
                held = site.record(number)
                assert held is not None
                items, shown = items_in(held.tree), ledger.shown.setdefault(ods, set())
                told = {row.path for one in held.pending for row in (*one.unmerged, *one.decided)}
                retracted = {name for _, name in ledger.retracted}  # what refers to it says so in another way
                gone = {
                    item
                    for item in shown - items
                    if item[0] != "tasks" and retracted.isdisjoint(item) and not _told_of(item, told)
                }
                again = texts_in(held.tree) & _retracted_there(site, ledger)
                _law(not again, f"{ods} shows what it has sealed: {sorted(again)}")
                _law(not gone, f"{ods} shows no more: {sorted(gone)}")
                shown |= items

    def _marks_run_behind(self) -> None:
        """What was filed or opened was stored, what was stored was sent, and a custodian knows of nothing else."""
        for ods, site in self.world.sites.items():
            for number in self.world.ledgers:
                for copy in [] if site.dead else site.copies(number):
                    reached = [mark.edition if mark else 0 for mark in (copy.filed, copy.opened)]
                    stored = copy.stored.edition if copy.stored else 0
                    _law(max(reached) <= stored, f"{ods} shows as filed or opened what was not stored: {copy}")
                    if copy.custodian == ods:
                        sent = copy.sent.edition if copy.sent else 0
                        _law(stored <= sent, f"{ods} shows as stored what it did not send: {copy}")

    # --- when all is quiet

    def _marks_converged(self, ledger: Ledger) -> None:
        """A custodian knows how far each copy has come, as far as it may be told."""
        for ods, site in self.world.sites.items():
            for copy in site.copies(ledger.number):
                person = str(site.person(ledger.number))
                lane = site.look(lambda tx, copy=copy, person=person: tx.lanes.get(copy.custodian, person))
                denied = set(SECTION_OF.values()) <= self._denied(ledger, ods, copy.custodian)
                if copy.custodian in self.world.servers:
                    continue
                if copy.partner != ods or denied or lane is None or lane.state == "ended":
                    continue
                known = [
                    (one.filed, one.opened) for one in self.world.sites[copy.custodian].copies(ledger.number)
                    if (one.partner, one.custodian) == (ods, copy.custodian)
                ]  # fmt: skip
                _law(
                    known == [(copy.filed, copy.opened)], f"{ods} has marked {copy}, and {copy.custodian} knows {known}"
                )

    def when_quiet(self) -> None:
        """Nothing said is lost, every copy is the custodian's, every proposal has an outcome."""
        for ledger in self.world.ledgers.values():
            self._nothing_lost(ledger)
            self._sealed_everywhere(ledger)
            self._converged(ledger)
            self._refusals_unmerged(ledger)
            self._marks_converged(ledger)
            self._in_one_place(ledger)
            for ods, server in self.world.servers.items():
                sections = self._may_hold(ledger, HOME, ods)
                self.of_servers.when_quiet(ledger, server, sections, self._aside(ledger))
        for site in self.world.sites.values():
            self._outcomes_seen(site)
            for one in site.look(lambda tx: tx.proposals.find(direction="sent", state="pending")):
                lane = site.look(lambda tx, one=one: tx.lanes.get(one.custodian, one.person))
                _law(lane is not None and lane.state == "ended", f"{site.ods} waits for an answer for ever: {one.id}")

    def _outcomes_seen(self, site: Site) -> None:
        """Whose text was decided on knows how, where anything at all is shared with them."""

        def decided(tx: Any) -> list[tuple[Any, Any]]:
            found = [
                one for person in tx.persons() for ods in SITES for one in tx.conflicts.decided(person, ods, after=0)
            ]
            return [(one, tx.lanes.get(one.theirs_by, one.person)) for one in found if one.theirs_by != site.ods]

        for conflict, lane in site.look(decided):
            if lane is None or lane.state == "ended":
                continue
            author = self.world.sites[conflict.theirs_by]
            for name in conflict.proposals:
                sent = author.look(lambda tx: tx.proposals.find(direction="sent"))
                told = [loads(one.outcome or "{}") for one in sent]
                told = [said for said, one in zip(told, sent, strict=True) if name in (one.id, said.get("message"))]
                same = [said.get("decided", {}).get(conflict.path) for said in told] == [conflict.outcome]
                _law(same, f"{author.ods} was not told that {conflict.path} is {conflict.outcome}: {told}")

    def _nothing_lost(self, ledger: Ledger) -> None:
        """Every text stands, or was overwritten by somebody who saw it, or is held for somebody to look at."""
        before = {said.text: said.seen for said in ledger.said}
        aside = self._aside(ledger)
        kept: dict[str, tuple[Tree, set[str], set[str]]] = {}  # by keeper: what it shows, holds otherwise, ever held
        for row in sorted({said.row for said in ledger.said}):
            keeper = HOME if row[:2] in ledger.retracted else self._keeper(ledger, row)
            if keeper not in kept:
                kept[keeper] = self._kept(keeper, ledger)
            tree, beside, history = kept[keeper]
            shown = text_at(tree, row)
            found, reached = aside | beside | {shown}, set[str | None]()
            while found:
                text = found.pop()
                if text is not None and text not in reached:
                    reached.add(text)
                    found.add(before.get(text))
            lost = {said.text for said in ledger.texts(row)} - reached
            _law(not lost, f"lost at {row}, kept by {keeper}: {sorted(lost)}; it says {shown}")
            _law(shown is None or shown in history, f"no version holds {row}")

    def _aside(self, ledger: Ledger) -> set[str]:
        """What is under seal anywhere, or shown to its author as not taken."""
        return {text for one in self.world.sites.values() for text in _under_seal(one) | self._told(one, ledger)}

    def _kept(self, keeper: str, ledger: Ledger) -> tuple[Tree, set[str], set[str]]:
        """What a keeper shows; the texts in its Tasks and of what it set aside; those of every version."""
        site = self.world.sites[keeper]
        held = site.record(ledger.number)
        _law(held is not None, f"{keeper} keeps something of {ledger.number} and does not know the person")
        assert held is not None
        return (
            held.tree, texts_in(held.tree.get("tasks")) | self._set_aside(site, ledger), self._history(site, ledger)
        )  # fmt: skip

    def _sealed_everywhere(self, ledger: Ledger) -> None:
        """What was retracted is shown nowhere."""
        for ods, site in self.world.sites.items():
            held = site.record(ledger.number)
            left = texts_in(held.tree) & ledger.retracted_texts() if held is not None else set()
            _law(not left, f"{ods} still shows what was retracted: {sorted(left)}")
            told = self._told(site, ledger) & ledger.retracted_texts()
            _law(not told, f"{ods} still tells of what was retracted: {sorted(told)}")

    def _keeper(self, ledger: Ledger, row: Row) -> str:
        for ods, site in self.world.sites.items():
            held = site.record(ledger.number)
            if held is not None and held.custodians.get((row[0], row[1])) == ods:
                return ods
        raise LawBroken(f"nobody keeps {row}")

    def _set_aside(self, site: Site, ledger: Ledger) -> set[str]:
        kept = site.look(lambda tx: tx.quarantine.find(state=None, limit=10_000))
        return {text for one in kept if ledger.number in one.text for text in texts_in(one.text)}

    def _told(self, site: Site, ledger: Ledger) -> set[str]:
        """Texts of a site's own that did not become the custodian's, as their authors are shown them."""
        held, found = site.record(ledger.number), set()
        for one in held.pending if held else ():
            found |= texts_in(held.tree if held and one.state == "withheld" and not one.unmerged else one.unmerged)
        return found

    def _history(self, site: Site, ledger: Ledger) -> set[str]:
        person = str(site.person(ledger.number))

        def read(tx: Any) -> set[str]:
            found: set[str] = set()
            for stored in tx.person_resources(person):
                for entry in tx.history(stored.type, stored.id, limit=10_000).entries:
                    found |= texts_in(entry.text)
            return found

        return site.look(read)

    def _converged(self, ledger: Ledger) -> None:
        """Each gateway that may hold a copy shows what its custodian shows, and that it is kept up to date."""
        for keeper, at in self.world.sites.items():
            kept = at.record(ledger.number)
            if kept is None:
                continue
            for ods, site in self.world.sites.items():
                sections = self._may_hold(ledger, keeper, ods)
                copy = site.record(ledger.number)
                unsent = copy is not None and any(one.state == "withheld" for one in copy.pending)
                if ods == keeper or not sections or unsent:
                    continue
                for name, section in SECTION_OF.items():
                    ours = [item for item in kept.tree.get(name, ()) if kept.custodians[name, item["id"]] == keeper]
                    if section not in sections or not ours:
                        continue
                    _law(copy is not None, f"{ods} was never told of {name} that {keeper} keeps")
                    assert copy is not None
                    theirs = {item["id"]: item for item in copy.tree.get(name, ())}
                    whole = sections == set(SECTION_OF.values())
                    for item in ours:
                        found = theirs.get(item["id"])
                        meant = of_anybody(as_held_in(copy.tree, item))
                        same = meant == of_anybody(found) if whole else texts_in(item) == texts_in(found)
                        _law(same, f"{ods} shows {found} for {name} of {keeper}, which is {item}")
                self._current(ledger, keeper, site)

    def _current(self, ledger: Ledger, keeper: str, site: Site) -> None:
        copy = site.record(ledger.number)
        if copy is None:
            return
        ended = [one for one in copy.copies if one.partner == site.ods and one.custodian == keeper and one.ended_at]
        _law(not ended, f"{site.ods} shows its copy of {keeper} as ended, and it may have it")

    def _may_hold(self, ledger: Ledger, keeper: str, ods: str) -> set[str]:
        """The sections that a partner is to be kept up to date in. Only what the home team keeps, and the home team."""
        if ods == keeper or (keeper != HOME and ods != HOME):
            return set()
        if keeper == HOME and ods in (AWAY, FAR) and not self._placed(ledger, ods):
            return self._opened(ledger, keeper, ods, surely=True)
        if keeper == HOME and ods not in (AWAY, FAR) and not any(one.registered for one in self._one(ledger, HOME)):
            return set()
        return set(SECTION_OF.values()) - self._denied(ledger, keeper, ods)

    def _one(self, ledger: Ledger, ods: str) -> list[Ledger]:
        """Of everybody who is one with a person at a site."""
        site = self.world.sites[ods]
        numbers = [ledger.number] if site.dead else site.numbers_of_one(ledger.number)
        return [self.world.ledgers[number] for number in numbers]

    def _opened(self, ledger: Ledger, sender: str, to: str, *, surely: bool) -> set[str]:
        """What an asking has opened: whoever asked for one of those who are one there has asked for all.

        What the person has permitted is what each of them has who has decided anything; what one has denied is denied.
        """
        all_ = self._one(ledger, sender)
        said = [one.permitted(sender, to) for one in all_ if one.has_decided(sender)]
        permitted = said[0].intersection(*said[1:]) if said else frozenset[str]()
        each = (self.world.finding.opened(one, sender, to, permitted, surely=surely) for one in all_)
        opened = set[str]().union(*each)
        return opened - self._denied(ledger, sender, to)

    def _denied(self, ledger: Ledger, sender: str, to: str) -> frozenset[str]:
        """What a sender knows it may not send: what any of those who are one there has denied."""
        return frozenset().union(*(one.denied(sender, to) for one in self._one(ledger, sender)))

    def _placed(self, ledger: Ledger, ods: str) -> bool:
        """Whether the home team has placed the person with a provider far away, and the placement has not ended."""
        return any(self._placed_by(one, ods) for one in self._one(ledger, HOME))

    def _placed_by(self, ledger: Ledger, ods: str) -> bool:
        held = self.world.sites[HOME].record(ledger.number)
        codes = {one["id"]: one["ods"] for one in held.tree.get("organisations", ()) if "ods" in one} if held else {}
        return held is not None and any(
            placement["status"] == "active"
            and held.custodians["placements", placement["id"]] == HOME
            and codes.get(placement["provider"]["id"]) == ods
            for placement in held.tree.get("placements", ())
        )

    def _in_one_place(self, ledger: Ledger) -> None:
        """Nobody is in two places without a question to a person; one that was left by a transfer is none."""
        one, held = self.world.sites[HOME].one(ledger.number), self.world.sites[HOME].record(ledger.number)
        tree = one.tree if one is not None else held.tree if held is not None else {}
        there = places(tree)
        asked = [
            task
            for task in tree.get("tasks", ())
            if task["kind"] == "placement" and "about" in task and task["status"] != "cancelled"
        ]
        _law(len(there) < 2 or bool(asked), f"{ledger.number} is in {sorted(there)}, and nobody is asked")

    def _refusals_unmerged(self, ledger: Ledger) -> None:
        """A recorded refusal says only what was said to whoever keeps it."""
        for keeper, site in self.world.sites.items():
            held = site.record(ledger.number)
            for refusal in held.tree.get("refusals", ()) if held else ():
                if held is None or held.custodians["refusals", refusal["id"]] != keeper:
                    continue
                for text in texts_in(refusal):
                    by = next(said.by for said in ledger.said if said.text == text)
                    _law(by == keeper, f"{keeper} merged into a refusal what {by} wrote: {text}")


def _told_of(item: Row, told: set[str]) -> bool:
    """Whether its author is told, by these paths, that an item did not become its keeper's."""
    (field, name), inside = item[:2], item[2:]
    path = f"{field}[{name}]" + (f".{inside[0]}[{inside[1]}]" if inside else "")
    return path in told


def _retracted_there(site: Site, ledger: Ledger) -> set[str]:
    """Retracted, and sealed at a site: what is sealed whole holds other items too, not retracted there yet."""
    if not ledger.retracted:
        return set()
    sealed = site.look(lambda tx: {kept.name for one in tx.seals.find() for kept in tx.seals.texts(one.id)})
    return ledger.retracted_texts(sealed) & _under_seal(site)


def _under_seal(site: Site) -> set[str]:
    """Every text that is sealed at a site."""
    return site.look(lambda tx: {
        text for one in tx.seals.find() for kept in tx.seals.texts(one.id) for text in texts_in(kept.text)
    })  # fmt: skip


def _law(holds: bool, words: str) -> None:
    if not holds:
        raise LawBroken(words)


def _brief(message: Tree) -> str:
    texts = sorted(texts_in(message.get("bundle")), key=lambda text: int(text.partition("#")[2]))
    head = f"{message['id'][:6]} {message['verb']} {message.get('edition')} of {message['person']['nhs_number'][-3:]}"
    return f"{head}: {message.get('notice') or ' '.join(texts[-8:])}"


__all__ = ["LawBroken", "Laws"]
