"""What a partner's server was last known to show of a copy of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from itertools import count, takewhile, zip_longest
from typing import Any

from fhir_mh.connectors.fhir_server.naming import Body, Key
from fhir_mh.connectors.fhir_server.reading import laid_over
from fhir_mh.fhir.json import load_object
from fhir_mh.gateway.holding import key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.spreading import copy_at
from fhir_mh.store import Proposal, ServerCopy, Tx


class SentThere:
    """What one partner was sent of what is kept here about a person, and what it has proposed.

    Within one transaction each edition is read once, and only as far back as is asked, however many resources ask.
    """

    def __init__(self, tx: Tx, home: Organisation, partner: str, person: str) -> None:
        self.tx, self.home, self.partner, self.person = tx, home, partner, person
        self._read: list[tuple[int, dict[Key, Body]]] = []
        self._more = self._projections()

    @cached_property
    def stored(self) -> int:
        """The edition that the partner is known to have stored; 0 for none."""
        copy = copy_at(self.tx, self.person, self.partner, self.home.ods)
        return copy.stored.edition if copy is not None and copy.stored is not None else 0

    @cached_property
    def _proposed(self) -> list[tuple[Proposal, dict[Key, Body]]]:
        own = [one for one in self.tx.proposals.find(self.person, direction="received") if one.partner == self.partner]
        return [(one, _bodies(load_object(one.payload).get("bundle"))) for one in own]

    def proposed(self, key: Key, since: datetime | None = None) -> list[tuple[int, Body]]:
        """(base, resource) of what it has proposed of a resource, the oldest first."""
        found = [(one, bodies[key]) for one, bodies in self._proposed if key in bodies]
        return [(one.base, body) for one, body in found if since is None or one.created > since]

    def noted(self, key: Key) -> ServerCopy | None:
        """What is noted of a resource there."""
        return self.tx.server_copies.get(self.partner, *key)

    def proposed_last(self, key: Key, noted: ServerCopy | None) -> list[tuple[int, Body]]:
        """The same, but for what was written over from here: an edition whose answer was lost is written once more.

        What was found there in its place is received before it is noted that it was written over, if only just.
        """
        return self.proposed(key, noted.seen if noted is not None and noted.sent is not None else None)

    def written(self, key: Key, noted: ServerCopy | None) -> int:
        """The edition in which a resource was last written there, as far as is known.

        Where that is not noted it is the one that the partner has stored: of those that it was sent, not all may be. Of
        what that leaves out, as its section is denied since, nothing is known: it may be of any that it was sent.
        """
        if noted is not None and noted.edition:
            return noted.edition
        newest = next((edition for edition, _ in self.sent(key) if edition <= self.stored), 0)
        return newest if newest == self.stored else 0

    def unanswered(self, key: Key, noted: ServerCopy | None, written: int) -> set[int] | None:
        """In which editions a resource has left, and no answer came; None where it may lie there in any."""
        found = self.tx.server_copies.unanswered(self.partner, *key)
        return found if written or (noted is None and found) else None

    def ever(self, key: Key) -> bool:
        """Whether it was ever sent a resource."""
        return any(True for _ in self.sent(key))

    def sent(self, key: Key) -> Iterator[tuple[int, Body]]:
        """(edition, resource) of what it was ever sent of a resource, the newest first."""
        for number in count():
            if number == len(self._read):
                following = next(self._more, None)
                if following is None:
                    return
                self._read.append(following)
            edition, bodies = self._read[number]
            if key in bodies:
                yield edition, bodies[key]

    def _projections(self) -> Iterator[tuple[int, dict[Key, Body]]]:
        projections, whose = self.tx.projections, (self.partner, self.person, self.home.ods)
        newest = projections.get(*whose)
        for projection in projections.newest_first(*whose, newest.edition if newest else 0):
            yield projection.edition, _bodies(load_object(projection.sent))


class LastShown:
    """What a server was last known to show of a copy of ours, and what it may have been written since.

    body: what it was sent in the edition in which that is known to have been written there (edition), or what somebody
    there has made of that since, as it was proposed (not is_sent); None where it was never sent. later: what may have
    been written there since, each with its edition, the newest first: in what it has left, and no answer came.
    """

    def __init__(self, there: SentThere, key: Key) -> None:
        self.there, self.key = there, key
        self.body: Body | None = None
        self.edition, self.later = 0, list[tuple[int, Body]]()
        noted = there.noted(key)
        self.written = there.written(key, noted)
        self.unanswered = there.unanswered(key, noted, self.written)
        for edition, held in there.sent(key):
            if self.unanswered is None or edition in self.unanswered:
                self.later.append((edition, held))
            if edition <= self.written or not self.later:
                self.edition, self.body = edition, held
            if edition <= self.written:
                break
        else:
            if self.later:
                self.edition, self.body = self.later[-1]
        self.is_sent = True
        for base, said in there.proposed_last(key, noted):
            if base >= self.edition:
                self.body, self.is_sent = said, False

    def has_said(self, here: Body) -> bool:
        """Whether this says nothing but what its author was sent, or has proposed, at some time."""
        known = [*self.there.proposed(self.key), *self.there.sent(self.key)]
        return any(laid_over(said, here) == said for _, said in known)

    def turn_to(self, here: Body) -> None:
        """Take it as made from what it is nearest to, of all that its author was sent since it last proposed a change.

        Of what is alike near, from the oldest: what was changed here since is then for people to decide, and is never
        taken for something that its author has changed back.
        """
        found = self._known_to_its_author()
        if found:
            self.edition, self.body = _nearest(found, here)
            self.later = []

    def turn_to_nearest(self, here: Body) -> int | None:
        """Take it as made from what it is nearest to, of all that may lie there; of alike near, from the oldest.

        The edition that has been written there after all, where it is nearest to one that was unanswered; else None.
        """
        if self.body is None or not self.later:
            return None
        found = [(self.edition, self.body), *reversed(self.later)]
        edition, body = _nearest(found, here)
        if body is self.body:
            return None
        self.edition, self.body, self.is_sent = edition, body, True
        return edition

    def _known_to_its_author(self) -> list[tuple[int, Body]]:
        """(edition, resource), the oldest first: its author's last proposal, and what left for it in later editions.

        Each but where it says something else than the one before.
        """
        found = self.there.proposed(self.key)[-1:]
        since = found[0][0] if found else 0
        for edition, held in reversed(list(takewhile(lambda one: one[0] > since, self.there.sent(self.key)))):
            has_left = self.unanswered is None or edition in self.unanswered or edition <= self.written
            if has_left and (not found or found[-1][1] != held):
                found.append((edition, held))
        return found


def _nearest(known: Iterable[tuple[int, Body]], here: Body) -> tuple[int, Body]:
    return min(known, key=lambda one: _apart(one[1], laid_over(one[1], here)))


def _apart(first: Any, second: Any) -> int:
    """In how many places two values differ."""
    if isinstance(first, dict) and isinstance(second, dict):
        return sum(_apart(first.get(key), second.get(key)) for key in first.keys() | second.keys())
    if isinstance(first, list) and isinstance(second, list):
        return sum(_apart(one, other) for one, other in zip_longest(first, second))
    return int(first != second)


def _bodies(bundle: Any) -> dict[Key, Body]:
    """The resources of a Bundle of ours."""
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    return {key_of(entry["resource"]): entry["resource"] for entry in reversed(entries or ())}
