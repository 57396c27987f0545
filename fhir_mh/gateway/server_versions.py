"""Which versions of one partner's server were dealt with, and where what is kept here lies there."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fhir_mh.connectors.fhir_server.answers import count_of
from fhir_mh.connectors.fhir_server.found import hash_of, key_there, version_of
from fhir_mh.connectors.fhir_server.naming import Body, Key, Names, minted
from fhir_mh.connectors.fhir_server.offered import KINDS
from fhir_mh.gateway.server_names import ServerNames
from fhir_mh.profiles.bundle import SHARED_KINDS
from fhir_mh.store import ServerCopy, Tx

_NOT_NOTED = ("Patient", *SHARED_KINDS)
"""Who somebody is and who provides what may be found there and be ours as well: where ours lies, sending notes."""


class ServerVersions(ServerNames):
    """The versions of one server's resources. Everything is in the transaction."""

    def is_known(self, tx: Tx, body: Body) -> bool:
        """Whether this version was dealt with, or an older one comes after a newer."""
        if key_there(body)[0] in _NOT_NOTED:
            return False
        version, known = self._versions(tx, body)
        ahead = _ahead(version, known)
        return bool(version) and version == known if ahead is None else ahead <= 0

    def uncounted(self, tx: Tx, bodies: Iterable[Body]) -> list[Body]:
        """Those that are noted in another version, where the two are no numbers: which is newer cannot be told."""
        versions = [(body, *self._versions(tx, body)) for body in bodies]
        return [
            body for body, version, known in versions if known and version != known and _ahead(version, known) is None
        ]

    def is_next(self, tx: Tx, body: Body) -> bool:
        """Whether this is known to be a later version than the one noted, and so made from what lay there."""
        ahead = _ahead(*self._versions(tx, body))
        return ahead is not None and ahead > 0

    def follows(self, tx: Tx, body: Body) -> bool:
        """Whether this is known to be the very next version after the one noted: between them nothing was written."""
        return _ahead(*self._versions(tx, body)) == 1

    def _versions(self, tx: Tx, body: Body) -> tuple[str, str]:
        """The version that a resource says, and the one noted of it; each empty where there is none."""
        noted = tx.server_copies.at(self.partner, *key_there(body))
        return version_of(body), "" if noted is None else noted.remote_version

    def is_second(self, tx: Tx, body: Body, people: Collection[str]) -> bool:
        """Whether this says that it is what is kept here, and another one there is known to be that."""
        kind, there = key_there(body)
        return (
            kind != "Patient"
            and tx.server_copies.at(self.partner, kind, there) is None
            and self.by_mark(tx, body, people) is not None
        )

    def firsts(self, tx: Tx, patient: Body, bodies: Iterable[Body]) -> list[ServerCopy]:
        """Where those lie that are noted of what these, which are about this Patient, say that they are as well."""
        people = self.people(tx, patient)
        noted = [
            tx.server_copies.get(self.partner, key_there(body)[0], self.by_mark(tx, body, people) or "")
            for body in bodies
            if self.is_second(tx, body, people)
        ]
        return [one for one in noted if one is not None]

    def written(self, tx: Tx, bodies: Iterable[Body]) -> list[ServerCopy]:
        """Of copies that we wrote last, and that are in another version by now: what was noted then."""
        noted = [tx.server_copies.at(self.partner, *key_there(body)) for body in bodies if not self.is_known(tx, body)]
        return [one for one in noted if one is not None and one.sent is not None]

    def behind(self, tx: Tx, bodies: Iterable[Body]) -> list[tuple[Body, ServerCopy]]:
        """Of copies of ours those that may have said something else since they were seen last, with what was noted."""
        found = []
        for body in bodies:
            noted = tx.server_copies.at(self.partner, *key_there(body))
            version, known = self._versions(tx, body)
            ahead = _ahead(version, known)
            skipped = version != known if ahead is None else ahead > 1
            if noted is not None and known and skipped:
                held = tx.get(noted.type, noted.name)
                if held is not None and held.custodian == self.home.ods:
                    found.append((body, noted))
        return found

    def wanted(self, tx: Tx, bodies: Iterable[Body]) -> set[Key]:
        """Whom and what these resources name that stands on the same server, and is not noted."""
        targets = Names(self.partner, self.bases).targets([body for body in bodies if not self.is_known(tx, body)])
        known = {key for key in targets if key[0] in SHARED_KINDS or key[0] in KINDS - {"Patient"}}
        return {key for key in known if tx.server_copies.at(self.partner, *key) is None}

    def note(
        self, tx: Tx, body: Body, people: Collection[str], edition: int | None = None, *, is_ours: bool = False
    ) -> None:
        """Note the version of a resource of the server as dealt with.

        edition: that in which it was found to have been written there. is_ours: nobody there has changed it since.
        """
        kind, there = key_there(body)
        if kind in _NOT_NOTED or self.is_second(tx, body, people) or self.is_known(tx, body):
            return
        noted = tx.server_copies.at(self.partner, kind, there)
        name = (
            noted.name if noted is not None else self.name_here(tx, body, people) or minted(self.partner, kind, there)
        )
        held = hash_of(body)
        sent = "" if is_ours else noted.sent if noted is not None and noted.held == held else None
        tx.server_copies.keep(
            ServerCopy(self.partner, kind, name, there, version_of(body), held, sent, edition=edition)
        )


def _ahead(version: str, known: str) -> int | None:
    """By how much a version is later than another; None where not both are counted."""
    new, old = count_of(version), count_of(known)
    return None if new is None or old is None else new - old
