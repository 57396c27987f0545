"""What a partner's server was last known to show of a copy of ours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile, zip_longest
from typing import Any

from fhir_mh.connectors.fhir_server.naming import Body, Key
from fhir_mh.connectors.fhir_server.reading import laid_over
from fhir_mh.fhir.json import load_object
from fhir_mh.gateway.holding import key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.spreading import copy_at
from fhir_mh.store import Tx


class LastShown:
    """What a server was last known to show of a copy of ours, and what it may have been written since.

    body: what it was sent in the edition that it is known to have stored (edition), or what somebody there has made of
    that since, as it was proposed (not is_sent); None where it was never sent. later: what it was sent since, if it
    took that.
    """

    def __init__(self, tx: Tx, home: Organisation, partner: str, person: str, key: Key) -> None:
        self.tx, self.home, self.partner, self.person, self.key = tx, home, partner, person, key
        copy = copy_at(tx, person, partner, home.ods)
        stored = copy.stored.edition if copy is not None and copy.stored is not None else 0
        self.body: Body | None = None
        self.edition, self.later = 0, list[Body]()
        for edition, held in self._sent():
            self.body, self.edition = held, edition
            if edition <= stored:
                break
            self.later.append(held)
        if self.edition > stored:  # written, and the answer lost: the oldest is what it has at least
            self.later = self.later[:-1]
        self.is_sent = True
        for own in tx.proposals.find(person, direction="received"):
            said = _in(load_object(own.payload).get("bundle"), key)
            if own.partner == partner and own.base >= self.edition and said is not None:
                self.body, self.is_sent = said, False

    def _sent(self) -> Iterator[tuple[int, Body]]:
        """(edition, resource) of what was ever sent of it, the newest first."""
        projections, whose = self.tx.projections, (self.partner, self.person, self.home.ods)
        newest = projections.get(*whose)
        for projection in projections.newest_first(*whose, newest.edition if newest else 0):
            held = _in(load_object(projection.sent), self.key) if f'"{self.key[1]}"' in projection.sent else None
            if held is not None:
                yield projection.edition, held

    def turn_to(self, here: Body) -> None:
        """Take it as made from what it is nearest to, of all that its author was sent since it last proposed a change.

        Of what is alike near, from the oldest: what was changed here since is then for people to decide, and is never
        taken for something that its author has changed back.
        """
        found = self._known_to_its_author()
        if found:
            self.edition, self.body = min(found, key=lambda one: _apart(one[1], laid_over(one[1], here)))
            self.later = []

    def _known_to_its_author(self) -> list[tuple[int, Body]]:
        """(edition, resource), the oldest first: its author's last proposal, and what it was sent in later editions."""
        since, found = 0, list[tuple[int, Body]]()
        for own in self.tx.proposals.find(self.person, direction="received"):
            said = _in(load_object(own.payload).get("bundle"), self.key) if own.partner == self.partner else None
            if said is not None:
                since, found = own.base, [(own.base, said)]
        later = list(takewhile(lambda one: one[0] > since, self._sent()))
        return [*found, *reversed(later)]


def _apart(first: Any, second: Any) -> int:
    """In how many places two values differ."""
    if isinstance(first, dict) and isinstance(second, dict):
        return sum(_apart(first.get(key), second.get(key)) for key in first.keys() | second.keys())
    if isinstance(first, list) and isinstance(second, list):
        return sum(_apart(one, other) for one, other in zip_longest(first, second))
    return int(first != second)


def _in(bundle: Any, key: Key) -> Body | None:
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    return next((entry["resource"] for entry in entries or () if key_of(entry["resource"]) == key), None)
