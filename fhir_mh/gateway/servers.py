"""What a plain FHIR server holds becomes messages of the sync protocol (docs/sync-protocol.md, 'What comes of it').

A server knows no proposals, no editions and no custodians. What it holds about a person is of two kinds: copies of what
is kept here, in which somebody may have changed something, and resources of its own. The first become proposals, the
second a snapshot; both are then received as from any partner, so that custody, identity, quarantine, merging and Tasks
are one and the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhir_mh.connectors.fhir_server.found import Found, Made, Own, hash_of, key_there, version_of
from fhir_mh.connectors.fhir_server.naming import Body, Key, without_loose
from fhir_mh.connectors.fhir_server.reading import laid_over
from fhir_mh.errors import Conflict
from fhir_mh.exchange.messages import Message, Unreadable
from fhir_mh.fhir.json import loads
from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhir.urls import EXTENSION
from fhir_mh.gateway.holding import content, hold, key_of
from fhir_mh.gateway.identity import (
    Organisation,
    find_by_patient,
    find_named,
    names_somebody_else,
    nhs_number_of,
    numbers_in,
    persons_by_local_identifier,
    persons_by_number,
)
from fhir_mh.gateway.last_shown import LastShown, SentThere
from fhir_mh.gateway.pushed_aside import aside_name, depending, refers_aside, set_aside
from fhir_mh.gateway.sameness import contradiction, nhs_number_in
from fhir_mh.gateway.sealing import sealed_in
from fhir_mh.gateway.server_versions import ServerVersions
from fhir_mh.gateway.setting_aside import raise_task
from fhir_mh.gateway.standing import now_of, standing
from fhir_mh.gateway.writing import Check
from fhir_mh.issues import Issue, has_errors, issue
from fhir_mh.profiles.bundle import SHARED_KINDS
from fhir_mh.profiles.subjects import subjects_in
from fhir_mh.store import Quarantined, Tx
from fhir_mh.sync.receiver import Answered

_CUSTODIAN = EXTENSION + "custodian"
_NAMESPACE = uuid.UUID("c1b9a0de-8a3c-5f5b-9a43-6f0f5f2a7d10")


@dataclass(frozen=True, slots=True)
class _Copy:
    """A resource that is kept here and written there: as it is there, its id here, and the person whose alone it is."""

    there: Body
    name: str
    person: str | None


class FromServer(ServerVersions):
    """One partner's server, as it is read into one organisation's gateway. Everything is in the transaction."""

    def __init__(self, home: Organisation, check: Check, partner: str, *bases: str) -> None:
        super().__init__(home, partner, *bases)
        self.check = check

    def knows(self, tx: Tx, patient: Body) -> bool:
        """Whether a Patient of the server is about somebody known here. Of anybody else nothing is read."""
        return bool(persons_by_number(tx, numbers_in(patient)) or persons_by_local_identifier(tx, patient))

    def is_being_written(self, tx: Tx, patient: Body) -> bool:
        """Whether something is on its way there about this person: what lies there may be ours, and not noted yet."""
        lanes = [tx.lanes.get(self.partner, person) for person in self.people(tx, patient)]
        return any(lane is not None and lane.leased_until is not None and lane.leased_until > tx.now for lane in lanes)

    def contradiction(self, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Issue | None:
        """Why two Patients cannot be one person; None where they can."""
        return contradiction(theirs, [ours], "$.bundle")

    def may_go(self, tx: Tx, message: Message) -> bool:
        """Whether a message that was composed for the partner may be sent still: consent is decided anew."""
        person = find_named(tx, message.nhs_number, message.identifiers)
        if person is None:
            return False
        decision = standing(tx, person, self.home.ods).may_be_sent(self.partner, now_of(tx))
        return decision.permitted.issuperset(message.content["sections"])

    def messages(self, tx: Tx, found: Found) -> list[Made | Own]:
        """What comes of what was found about one person, in the order in which it is to be received.

        Nothing of what was dealt with in the same version, of what says nothing new, and of our own writing.
        """
        found = replace(found, people=self.people(tx, found.patient))
        people = found.people
        new = [one for one in found.resources if not self._is_over(tx, one, found)]
        new = [one for one in new if not self._is_told(tx, one, people)]
        alone = all(key_there(body)[0] in SHARED_KINDS for body in new)
        faults = [] if alone or found.held else self.check(self._translated(tx, found.patient, found), errors_only=True)
        if has_errors(faults):
            why = [one.at(f"$.bundle.entry[0].resource: {one.path}") for one in faults if one.is_error]
            return [self._set_aside((found.patient, *new), people, issue("sync-unreadable", "$.bundle"), *why)]
        copies, own = self._parted(tx, new, people)
        seconds = [body for body in own if self.is_second(tx, body, people)]
        own = [body for body in own if body not in seconds]
        meant = {key_there(body): self.by_mark(tx, body, people) or "" for body in seconds}
        found = replace(found, named={**meant, **found.named})  # what refers to another copy refers to what it is of
        named, sure = self.person(tx, found.patient)
        persons = {copy.person for copy in copies if copy.person is not None}
        if found.pushed and not found.held and sure and named is None:
            persons = set()  # whoever sends a copy of ours along may have put it into anybody's record
        elif named is not None:
            persons.add(named)
        number = nhs_number_in(found.patient)
        if len(persons) == 1:
            person = next(iter(persons))
            number = number if named is not None and number else nhs_number_of(tx, person)
            if sure and number is not None and not self._contradicts(tx, copies, person, found.patient):
                return [
                    *(self._second(body, people) for body in seconds),
                    *self._snapshots(tx, number, named, found, own, seconds),
                    *self._all_proposals(tx, number, person, copies, found),
                ]
        if number is None:
            return [self._set_aside((found.patient, *new), people, issue("sync-unknown-person", "$.bundle"))]
        about = next((nhs_number_of(tx, copy.person) for copy in copies if copy.person in persons), None)
        return [self._snapshot(tx, about or number, found, new)]

    # --- what is what

    def _is_over(self, tx: Tx, body: Body, found: Found) -> bool:
        """Whether this version was dealt with.

        A copy of ours that is pushed, or lies there unlike it was noted, only where it is what was dealt with: a server
        that was set up anew counts its versions anew.
        """
        if not self.is_known(tx, body):
            return False
        if not (found.pushed or found.unseen):
            return True
        noted = tx.server_copies.at(self.partner, *key_there(body))
        held = None if noted is None else tx.get(noted.type, noted.name)
        if noted is None or held is None or held.custodian != self.home.ods:
            return True
        if (noted.remote_version, noted.held) == (version_of(body), hash_of(body)):
            return True
        name = self._message_id("proposal", [body])
        names = (name,) if found.pushed else (name, aside_name(name))
        return any(tx.inbox.receipt(self.partner, one) is not None for one in names)

    def _is_told(self, tx: Tx, body: Body, people: Collection[str]) -> bool:
        """Whether this is what the server was told beside plans, or the copy of another gateway: that shares it."""
        if key_there(body)[0] == "Communication":
            sender = body.get("sender")
            identifier = sender.get("identifier") if isinstance(sender, dict) else None
            if isinstance(identifier, dict) and identifier.get("value") == self.home.ods:
                return tx.get("Communication", self.name_here(tx, body, people) or "") is None
        said = objects_in(body.get("extension"))
        keepers = [one.get("valueIdentifier") for one in said if one.get("url") == _CUSTODIAN]
        kept_by = {one["value"] for one in keepers if isinstance(one, dict) and isinstance(one.get("value"), str)}
        return bool(kept_by - {self.home.ods, self.partner})

    def _parted(self, tx: Tx, bodies: Iterable[Body], people: Collection[str]) -> tuple[list[_Copy], list[Body]]:
        """The copies of what is kept here, and the server's own."""
        copies, own = [], []
        for body in bodies:
            name = self.name_here(tx, body, people)
            held = None if name is None else tx.get(key_there(body)[0], name)
            if held is None or held.custodian != self.home.ods:
                own.append(body)
            else:
                copies.append(_Copy(body, held.id, None if held.type in SHARED_KINDS else held.person))
        return copies, own

    def person(self, tx: Tx, patient: Body) -> tuple[str | None, bool]:
        """Whom a Patient of the server names here; False where it names two."""
        try:
            return find_by_patient(tx, patient), True
        except Conflict:
            return None, False

    def _contradicts(self, tx: Tx, copies: Sequence[_Copy], person: str, patient: Body) -> bool:
        """Whether copies of ours are now about somebody else there; of its own, receiving finds out."""
        return bool(copies) and contradiction(patient, hold(tx, person, self.home.ods).patients(), "$") is not None

    # --- the server's own

    def _snapshots(
        self, tx: Tx, number: str, person: str | None, found: Found, own: Sequence[Body], seconds: Sequence[Body]
    ) -> Iterator[Made]:
        """One with everything that is new; what breaks a rule by one of its own, so that it stops nothing else.

        Of what is pushed also one with all that refers to what is set aside.
        """
        said = [(body, self._translated(tx, body, found)) for body in own]
        news = [(body, here) for body, here in said if not self._is_held(tx, here)]
        broken = [
            body
            for body, here in news
            if has_errors(self.check(here, errors_only=True)) or names_somebody_else(tx, here, person)
        ]
        sound = [body for body, _ in news if body not in broken]
        aside = {key_there(body) for body in (*broken, *seconds)}
        loose = depending(tx, self, sound, aside) if found.pushed else []
        sound = [body for body in sound if body not in loose]
        if sound or ((not news or found.pushed) and self._says_more(tx, person, found)):
            yield self._snapshot(tx, number, found, sound)
        for body in broken:
            yield self._snapshot(tx, number, found, [body])
        if loose:
            whole = self._snapshot(tx, number, found, loose)
            yield replace(whole, why=refers_aside(tx, self, whole.of, aside))

    def _snapshot(self, tx: Tx, number: str, found: Found, bodies: Sequence[Body]) -> Made:
        """Without an edition: a server counts none, and it is the next one when it is received."""
        others = [body for body in bodies if key_there(body) != key_there(found.patient)]
        whole = (*others,) if found.held else (found.patient, *others)
        said = [self._translated(tx, body, found) for body in whole]
        news = [body for body, here in zip(whole, said, strict=True) if not self._is_held(tx, here)]
        name = self._message_id("snapshot", whole, self._turns(tx, news, found.people))
        content = {"bundle": _bundle(said)}
        return Made(Message(name, "snapshot", number, self.partner, None, content), whole, found.people)

    def _is_held(self, tx: Tx, here: Body) -> bool:
        known = tx.get(*key_of(here))
        return known is not None and not known.deleted and content(known.body()) == here

    def is_held(self, tx: Tx, body: Body, found: Found) -> bool:
        """Whether a resource of the server's own is held here as it says."""
        return self._is_held(tx, self._translated(tx, body, found))

    def _says_more(self, tx: Tx, person: str | None, found: Found) -> bool:
        """Whether the server's Patient says what no Patient does that is held here of the person.

        Or what was set aside of them may have been for what it said before.
        """
        patient = found.patient
        if found.held or found.pushed or (person is not None and self._is_doubted(tx, person)):
            return not found.held and not self._is_held(tx, self._translated(tx, patient, found))
        held = hold(tx, person, self.home.ods).patients() if person is not None else []
        return bool(patient) and not any(laid_over(known, {**patient, "id": known["id"]}) == known for known in held)

    def _is_doubted(self, tx: Tx, person: str) -> bool:
        return any(map(_is_of_doubtful_identity, tx.quarantine.find(partner=self.partner, person=person)))

    def _translated(self, tx: Tx, body: Body, found: Found) -> Body:
        """A resource of the server's own as it is said here: its subject is the Patient of its own that it has here."""
        patient = key_there(found.patient)
        said = {**found.named} if found.held else {**found.named, patient: self.own_name(tx, *patient)}
        return self.names(tx, body, said).translated(body)

    # --- copies of ours

    def _all_proposals(
        self, tx: Tx, number: str, person: str, copies: Sequence[_Copy], found: Found
    ) -> Iterator[Made | Own]:
        """A proposal for each copy in which something was changed, so that one that is set aside stops no other.

        Of one that says what was written in an edition whose answer was lost, that.
        """
        names = {**found.named, **{key_there(copy.there): copy.name for copy in copies}}  # the answer may be lost
        there = SentThere(tx, self.home, self.partner, person)
        for copy in copies:
            kind = key_there(copy.there)[0]
            shown = LastShown(there, (kind, copy.name))
            if shown.body is None:
                yield from self._sealed(tx, number, person, copy, names, found.people)
                continue
            said = {**names, **self.shared(tx, person, copy.there), key_there(found.patient): _subject_of(shown.body)}
            here = self.names(tx, copy.there, said).translated(copy.there)
            here = without_loose(here, lambda key: self.is_kept(tx, key, found))
            if found.pushed and not self.is_next(tx, copy.there):
                shown.turn_to(here)
            before = found.earlier.get(key_there(copy.there))
            if before is None and shown.is_sent:
                before = found.answered.get(key_there(copy.there))
            answered = None if before is None else self.names(tx, before, said).translated(before)
            read = laid_over(shown.body, here, answered)
            if read == shown.body:
                continue
            alike = [(edition, one) for edition, one in shown.later if laid_over(one, here) == one]
            if alike:
                edition, _ = alike[-1]  # the oldest: what is newer may be written yet
                if not found.pushed:  # else whoever sends it along may have it from elsewhere
                    yield Own(copy.there, edition, found.people)
                continue
            late = self.is_known(tx, copy.there)  # under a version that was dealt with
            if late and shown.has_said(here):
                continue
            came = None if self.follows(tx, copy.there) else shown.turn_to_nearest(here)
            if came is not None:
                read = laid_over(shown.body, here, answered)
            why = (issue("server-pushed-reused", f"$.bundle.entry[0].resource: {kind}.meta.versionId"),) if late else ()
            content = {"base": shown.edition, "before": _bundle([shown.body]), "bundle": _bundle([read])}
            name = self._message_id("proposal", [copy.there], self._turns(tx, [copy.there], found.people))
            message = Message(name, "proposal", number, self.home.ods, None, content)
            yield Made(message, (copy.there,), found.people, why, None if found.pushed else came)

    def _sealed(
        self, tx: Tx, number: str, person: str, copy: _Copy, names: dict[Key, str], people: Collection[str]
    ) -> Iterator[Made]:
        """What somebody has made there of a copy that is under a seal here: it is received, and comes under it too."""
        newest = tx.projections.get(self.partner, person, self.home.ods)
        if newest is not None and tx.seals.holds(key_there(copy.there)[0], copy.name):
            here = self.names(tx, copy.there, names).translated(copy.there)
            content = {"base": newest.edition, "bundle": _bundle([here])}
            name = self._message_id("proposal", [copy.there])
            yield Made(Message(name, "proposal", number, self.home.ods, None, content), (copy.there,), people)

    # --- what cannot be told

    def set_aside(self, tx: Tx, made: Made) -> Answered | None:
        """The receipt of a message that is kept whole for what speaks against it; None where it is to be received.

        That is where nothing does, and where it holds what is under a seal: receiving seals it whole.
        """
        if not made.why or not isinstance(made.message, Message) or sealed_in(tx, made.message):
            return None
        return set_aside(tx, self.home, self.check, self.partner, made.message, made.why)

    def _set_aside(self, whole: tuple[Body, ...], people: Collection[str], *why: Issue) -> Made:
        """Of somebody who cannot be told: kept whole, and nobody is made of it."""
        name = self._message_id("snapshot", whole)
        body = {"id": name, "verb": "snapshot", "custodian": self.partner, "bundle": _bundle(whole)}
        return Made(Unreadable(name, body, why), whole, people)

    def _second(self, body: Body, people: Collection[str]) -> Made:
        name = self._message_id("second", [body])
        found = issue("sync-custody", "$.bundle", reference="What this is another copy of")
        held = {"id": name, "verb": "snapshot", "custodian": self.partner, "bundle": _bundle([body])}
        return Made(Unreadable(name, held, (found,)), (body,), people)

    def _message_id(self, verb: str, bodies: Iterable[Body], turns: Mapping[Key, str] | None = None) -> str:
        """The same for the same versions, however often and in whatever order they are found."""
        versions = [(body, version_of(body) or (turns or {}).get(key_there(body), "")) for body in bodies]
        said = sorted(f"{'/'.join(key_there(body))}/{version}/{hash_of(body)}" for body, version in versions)
        return str(uuid.uuid5(_NAMESPACE, "\n".join([self.partner, verb, *said])))

    def _turns(self, tx: Tx, news: Iterable[Body], people: Collection[str]) -> dict[Key, str]:
        """What stands for the versions of resources that say none, and something new: how much was said before.

        What says again what it said before it said something else is a change, and no repetition.
        """
        found = {}
        for body in news:
            held = tx.get(key_there(body)[0], self.name(tx, body, people))
            if held is not None and held.custodian == self.partner:
                found[key_there(body)] = f"@{held.version}"
            elif held is not None and held.person is not None:
                received = tx.proposals.find(held.person, direction="received")
                found[key_there(body)] = f"@{sum(one.partner == self.partner for one in received)}"
        return found

    # --- before and afterwards

    def dealt_with(self, tx: Tx, made: Made) -> None:
        """Note the versions that a message was made of: they are not looked at again."""
        for body in made.of:
            self.note(tx, body, made.people, made.edition)

    def is_in_doubt(self, tx: Tx, made: Made) -> bool:
        """Whether a message is held until people know whose it is."""
        return any(map(_is_of_doubtful_identity, tx.quarantine.find(partner=self.partner, message=made.message.id)))

    def recognised(self, tx: Tx, own: Own) -> None:
        """Note that a version is our own writing."""
        self.note(tx, own.body, own.people, own.edition, is_ours=True)

    def gone(self, tx: Tx, kind: str, there: str) -> None:
        """Tell people, once, that a resource was deleted on the server. Nothing is deleted here."""
        noted = tx.server_copies.at(self.partner, kind, there)
        held = None if noted is None else tx.get(kind, noted.name)
        if held is None or held.person is None or held.deleted:
            return
        whose = "its copy of what is kept here" if held.custodian == self.home.ods else "what it kept itself"
        said = f"{self.partner} has deleted {whose}: {kind}/{held.id}. Here it stays as it was."
        name = f"{self.partner}/{kind}/{there}/gone"
        raise_task(tx, self.home, self.check, held.person, name, "unclear-item", said, once=True)


def _subject_of(body: Body) -> str:
    """The id of the Patient that a resource of ours is about; its own id where it names none."""
    named = (reference.partition("/")[2] for _, reference in subjects_in(body) if reference.startswith("Patient/"))
    return next(named, str(body.get("id")))


def _is_of_doubtful_identity(aside: Quarantined) -> bool:
    return any(found["code"] == "sync-identity" for found in loads(aside.issues))


def _bundle(bodies: Iterable[Body]) -> Body:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": body} for body in bodies]}
