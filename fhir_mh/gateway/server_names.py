"""What the resources of one partner's server are called here: copies of ours, and its own."""

from __future__ import annotations

from collections.abc import Collection

from fhir_mh.connectors.fhir_server.found import Found, key_there
from fhir_mh.connectors.fhir_server.naming import Body, Key, Names, is_minted, minted
from fhir_mh.connectors.fhir_server.rendering import tagged
from fhir_mh.fhir.urls import ITEM_ID
from fhir_mh.gateway.identity import Organisation, numbers_in, persons_by_local_identifier, persons_by_number
from fhir_mh.profiles.bundle import SHARED_KINDS, identifier_of
from fhir_mh.store import Tx


class ServerNames:
    """The names of one server's resources. Everything is in the transaction.

    bases: its addresses. people: the persons here whom the Patient is, or may be, whom a resource is about.
    """

    def __init__(self, home: Organisation, partner: str, *bases: str) -> None:
        self.home, self.partner, self.bases = home, partner, bases

    def people(self, tx: Tx, patient: Body) -> set[str]:
        """The persons here whom a Patient of the server is, or may be: by number, local identifier, or as held."""
        found = {*persons_by_number(tx, numbers_in(patient)), *persons_by_local_identifier(tx, patient)}
        held = tx.get("Patient", self.called(tx, *key_there(patient)))
        return found if held is None or held.person is None else {*found, held.person}

    def name(self, tx: Tx, body: Body, people: Collection[str]) -> str:
        """What a resource of the server is called here, be it ours or its own."""
        return self.name_here(tx, body, people) or self.own_name(tx, *key_there(body))

    def own_name(self, tx: Tx, kind: str, there: str) -> str:
        """What a resource of the server's own is called here; what it was told of by that name is called so already."""
        held = tx.get(kind, there) if is_minted(there) else None
        return there if held is not None and held.custodian == self.partner else minted(self.partner, kind, there)

    def called(self, tx: Tx, kind: str, there: str) -> str:
        """What a resource of the server is called here: as noted, or as its own."""
        noted = tx.server_copies.at(self.partner, kind, there)
        return noted.name if noted is not None else self.own_name(tx, kind, there)

    def name_here(self, tx: Tx, body: Body, people: Collection[str]) -> str | None:
        """The id here of a resource that was written there by us: as noted, or as its mark says.

        None for the server's own, and for a Patient: who a person is, each says for itself.
        """
        kind, there = key_there(body)
        if kind == "Patient":
            return None
        noted = tx.server_copies.at(self.partner, kind, there)
        if noted is not None:
            return noted.name
        name = self.by_mark(tx, body, people)
        return None if name is None or tx.server_copies.get(self.partner, kind, name) is not None else name

    def by_mark(self, tx: Tx, body: Body, people: Collection[str]) -> str | None:
        """The id here of a resource of ours whose mark this bears: its id in a tag, else its item's identifier.

        Items of two records may be called alike: an identifier alone is looked for in what is kept of these.
        """
        item, tag = identifier_of(body), next(iter(tagged(body)), None)
        if tag is not None or item is None or not people:
            return tag
        kind, kept = key_there(body)[0], [self.home.ods]
        found = tx.search(kind, identifiers=[(ITEM_ID, item)], custodians=kept, persons=sorted(people)).entries
        if not found and tx.seals.holds(kind, item):  # an id that is a UUID is the item's: it was retracted
            return item
        return found[0].id if len(found) == 1 else None

    def names(self, tx: Tx, body: Body, said: dict[Key, str]) -> Names:
        """What this resource and those that it refers to are called here."""
        targets = Names(self.partner, self.bases).targets(body)
        known = {key: self.called(tx, *key) for key in targets | {key_there(body)}}
        return Names(self.partner, self.bases, {**known, **said})

    def shared(self, tx: Tx, person: str, body: Body) -> dict[Key, str]:
        """What who provides what, as it lies there for another person's record too, is called in this one's."""
        found: dict[Key, str] = {}
        for key in Names(self.partner, self.bases).targets(body):
            noted = tx.server_copies.at(self.partner, *key) if key[0] in SHARED_KINDS else None
            held = None if noted is None else tx.get(key[0], noted.name)
            item = None if held is None or held.person == person else identifier_of(held.body())
            if item is not None:
                alike = tx.search(key[0], identifiers=[(ITEM_ID, item)], custodians=[self.home.ods]).entries
                found.update((key, one.id) for one in alike if one.person == person)
        return found

    def is_kept(self, tx: Tx, here: Key, found: Found) -> bool:
        """Whether what is called so here is held, or comes along."""
        held = tx.get(*here)
        if held is not None:
            return not held.deleted
        return any(here == (kind, self.own_name(tx, kind, there)) for kind, there in map(key_there, found.resources))
