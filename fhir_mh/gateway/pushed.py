"""What a partner's FHIR system sends here itself of what it holds (docs/sync-protocol.md, 'What it sends itself').

It is taken in as if it had been found on its server: whose it is, what is its own and what a change of ours, what is
set aside. Only that all of it is one transaction, and that the sender is told what became of each entry.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from fhir_mh.connectors.fhir_server.found import Found, Made, key_there, version_of
from fhir_mh.connectors.fhir_server.naming import Key
from fhir_mh.errors import InvalidResource, UpstreamUnavailable, VersionConflict
from fhir_mh.exchange.messages import Message
from fhir_mh.exchange.ports import Exchange
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway.identity import same_one
from fhir_mh.gateway.pushed_aside import aside_name, refers_aside
from fhir_mh.gateway.pushed_names import Named, Sent
from fhir_mh.gateway.resources import TransactionEntry
from fhir_mh.gateway.servers import FromServer
from fhir_mh.issues import Issue, issue
from fhir_mh.profiles.bundle import SHARED_KINDS
from fhir_mh.profiles.concerns import holds_concern
from fhir_mh.store import StoredResource, Tx
from fhir_mh.sync.receiver import Answered, receive_within

_NAMESPACE = uuid.UUID("0f4b5d6e-9c21-5e0d-b7a8-6d3f1e2c4a90")


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one entry. stored: what is held here of it. is_own: whether its sender keeps it."""

    status: str
    stored: StoredResource | None = None
    is_own: bool = False
    issues: tuple[Issue, ...] = ()


Answer = Callable[[Sequence[Told]], str]
Became = tuple[Answered, int]
"""The receipt of a message, and which of its resources this is."""


class Pushed:
    """One partner's system, as what it sends is taken in."""

    def __init__(self, reading: FromServer, exchange: Exchange) -> None:
        self.reading, self.exchange = reading, exchange
        self.partner = reading.partner

    def take(self, tx: Tx, entries: Sequence[TransactionEntry], answer: Answer) -> str:
        """Take in all of these entries.

        What is answered, as `answer` puts it: of what is sent again, and says nothing new, what was answered then.

        Raises InvalidResource, VersionConflict, UpstreamUnavailable: nothing is then to be kept of it.
        """
        named = Named(tx, self.reading, entries)
        due = named.sent
        _each_once(due)
        for one in due:
            if holds_concern(one.body):
                raise InvalidResource(issues=[issue("concern-not-a-record", one.entry.path)])
        found = list(self._found(named))
        if named.astray:
            raise InvalidResource(issues=named.astray)
        read = [one for some in found for one in self.reading.messages(tx, some)]
        made = [one for one in read if isinstance(one, Made)]
        name = _name_of(self.partner, entries)
        before = tx.inbox.receipt(self.partner, name)
        if before is not None and all(self._is_dealt_with(tx, one) for one in made):
            return before
        if made and any(self.reading.is_being_written(tx, some.patient) for some in found):
            raise UpstreamUnavailable(issues=[issue("server-being-written", due[0].entry.path)])
        self._expect(named, made)
        were = {one.key: named.held(one.key) for one in due}
        became = self._received(tx, made, due)
        among = {key_there(body): some for some in found for body in (some.patient, *some.resources)}
        said = answer(
            [self._told(named, one, were[one.key], became.get(one.key, []), among.get(one.key)) for one in due]
        )
        tx.inbox.record_anew(self.partner, name, said)
        return said

    # --- whose it is

    def _found(self, named: Named) -> Iterator[Found]:
        """What came, person by person."""
        about: dict[Key, list[Sent]] = {}
        for one in named.sent:
            key = named.patient_of(one)
            if key is not None:
                about.setdefault(key, []).append(one)
            elif one.key[0] not in SHARED_KINDS:
                raise InvalidResource(issues=[issue("rest-unknown-patient", one.entry.path)])
        for key, some in about.items():
            known = named.patient(key)
            if known is None:
                raise InvalidResource(issues=[issue("rest-unknown-patient", some[0].entry.path)])
            patient, beside = known
            person = named.person(key)
            self._met_by_its_own(named, person, some)
            if person is not None:  # of whom nobody knows all is set aside
                named.astray += [found for one in some if not one.passed for found in named.crossing(one, person)]
            resources = [one.body for one in some if one.key != key and not one.passed]
            provides = [one.body for one in named.provides([*resources, *([patient] if beside else [])])]
            yield Found(patient, (*resources, *provides), pushed=True, held=not beside, named=named.ours)

    def _met_by_its_own(self, named: Named, person: str | None, some: Sequence[Sent]) -> None:
        """That what meets the condition of an entry is about the same person. Raises InvalidResource."""
        for one in some:
            met = named.held(one.key) if one.entry.condition is not None and one.key[0] != "Patient" else None
            if met is not None and met.person is not None and not same_one(named.tx, {met.person, person or ""}):
                problem, fix = "what meets its condition is about another person", "Name it by its id, or by another."
                place = one.entry.path.removesuffix(".resource") + ".request"
                raise InvalidResource(issues=[issue("rest-bundle-entry", place, problem=problem, fix=fix)])

    def _expect(self, named: Named, made: Sequence[Made]) -> None:
        """That of its own resources which would be changed each is in the version that its entry names.

        A change of ours is compared with what the sender was sent, which says more than a version.
        """
        news = {key_there(body) for one in made for body in one.of}
        for one in named.sent:
            held, wanted = named.held(one.key), one.entry.if_match
            if wanted is None or one.key not in news or (held is not None and held.custodian != self.partner):
                continue
            if held is None or held.version != wanted:
                version = 0 if held is None else held.version
                place = one.entry.path
                raise VersionConflict(issues=[issue("store-version-conflict", place, type=one.key[0], version=version)])

    # --- what becomes of it

    def _is_dealt_with(self, tx: Tx, made: Made) -> bool:
        names = (made.message.id, aside_name(made.message.id))
        return any(tx.inbox.receipt(self.partner, name) is not None for name in names)

    def _received(self, tx: Tx, made: Sequence[Made], due: Sequence[Sent]) -> dict[Key, list[Became]]:
        """What became of each resource: the receipts of the messages that were made of it."""
        became: dict[Key, list[Became]] = {}
        aside: set[Key] = set()
        for one in made:
            why = one.why
            if isinstance(one.message, Message) and one.message.verb == "proposal":
                why = (*why, *refers_aside(tx, self.reading, one.of, aside))
            receipt = self.reading.set_aside(tx, replace(one, why=why)) or self._receive(tx, one, due)
            if receipt["status"] == "quarantined":
                aside |= set(map(key_there, one.of))
            for number, body in enumerate(one.of):
                became.setdefault(key_there(body), []).append((receipt, number))
        return became

    def _receive(self, tx: Tx, made: Made, due: Sequence[Sent]) -> Answered:
        """Its receipt. Raises InvalidResource where it is refused: what is kept nowhere is not said to be taken."""
        receipt = receive_within(tx, self.exchange, self.partner, made.message)
        if receipt["status"] == "refused":
            whose = next((one for one in due if one.key in {key_there(body) for body in made.of}), due[0])
            number = next((n for n, body in enumerate(made.of) if key_there(body) == whose.key), 0)
            raise InvalidResource(issues=_issues(receipt, number, whose))
        if receipt["status"] != "quarantined":
            for body in made.of:
                self._note(tx, body, made.people)
        return receipt

    def _note(self, tx: Tx, body: Mapping[str, Any], people: Collection[str]) -> None:
        """Note the version of a resource, where it says one, and by which id its own is known.

        Where ours lies on its server, only who reads or writes there finds out.
        """
        noted = tx.server_copies.at(self.partner, *key_there(body))
        held = tx.get(key_there(body)[0], self.reading.name(tx, dict(body), people))
        is_own = held is not None and held.custodian == self.partner
        if (noted is None and is_own) or (noted is not None and version_of(body)):
            self.reading.note(tx, dict(body), people)

    def _told(
        self, named: Named, sent: Sent, was: StoredResource | None, receipts: Sequence[Became], among: Found | None
    ) -> Told:
        first = receipts[0] if receipts else (None, 0)
        receipt, number = next((one for one in receipts if one[0]["status"] != "quarantined"), first)
        held = named.now(sent)
        place = sent.entry.path
        if sent.passed:
            return self._of("200 OK", held)
        if receipt is None:
            return self._nothing_new(named, sent, held, among)
        if receipt["status"] == "quarantined":
            return self._of(
                "202 Accepted", None, (issue("server-pushed-aside", place), *_issues(receipt, number, sent))
            )
        if receipt["status"] == "merged":
            return self._of("200 OK", held, (issue("server-pushed-merged", place, edition=receipt["edition"]),))
        if receipt["status"] in ("partly", "conflict"):
            rows = ", ".join(receipt["conflicts"])
            return self._of("202 Accepted", held, (issue("server-pushed-waits", place, rows=rows),))
        if held is not None and was is not None and held.version == was.version:
            return self._of("200 OK", held, (issue("rest-unchanged", place),))
        return self._of("201 Created" if was is None else "200 OK", held)

    def _of(self, status: str, held: StoredResource | None, found: tuple[Issue, ...] = ()) -> Told:
        return Told(status, held, held is not None and held.custodian == self.partner, found)

    def _nothing_new(self, named: Named, sent: Sent, held: StoredResource | None, among: Found | None) -> Told:
        """Of what no message was made of: it is held already or came late, or it is somebody else's or named by nothing
        and passed over."""
        place = sent.entry.path
        if among is None or held is None or held.custodian not in (self.partner, self.reading.home.ods):
            return self._of("200 OK", None, (issue("server-pushed-passed", place),))
        if held.custodian != self.partner and held.person is not None:
            if not named.sent_of(held.person).ever((held.type, held.id)):
                raise InvalidResource(issues=[issue("sync-no-projection", place)])
            return self._of("200 OK", held, (issue("server-pushed-known", place),))
        code = "rest-unchanged" if self.reading.is_held(named.tx, sent.body, among) else "server-pushed-late"
        return self._of("200 OK", held, (issue(code, place),))


def _issues(receipt: Answered, number: int, sent: Sent) -> tuple[Issue, ...]:
    """Why a message was not taken in, at the place of an entry, which is this one of the message."""
    return tuple(
        Issue(one["code"], one["severity"], _place(one["path"], number, sent), one["message"], one.get("fix", ""))
        for one in receipt.get("issues", ())
    )


def _place(path: str, number: int, sent: Sent) -> str:
    """A place in this resource of a message as a place in the entry; in any other, the entry."""
    at, _, inside = path.partition(": ")
    kind = sent.key[0]
    is_in = at == f"$.bundle.entry[{number}].resource" and inside.startswith(f"{kind}.")
    return sent.entry.path + inside.removeprefix(kind) if is_in else sent.entry.path


def _each_once(due: Sequence[Sent]) -> None:
    """Raises InvalidResource where a resource stands there twice."""
    seen: set[Key] = set()
    for one in due:
        if one.key in seen:
            place = one.entry.path.removesuffix(".resource")
            problem, fix = "it stands twice in the transaction", "Send each resource once."
            raise InvalidResource(issues=[issue("rest-bundle-entry", place, problem=problem, fix=fix)])
        seen.add(one.key)


def _name_of(partner: str, entries: Sequence[TransactionEntry]) -> str:
    """By what the answer to these entries is kept: the same for the same at the same places."""
    said = [[one.path, one.method, one.id, one.full_url, one.condition, one.if_match, one.body] for one in entries]
    return str(uuid.uuid5(_NAMESPACE, f"{partner}/{sha256(dumps(said)).hexdigest()}"))
