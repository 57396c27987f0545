"""People: who is known here by which identifiers, and the two numbers that rise as their records change.

The record version of a person rises once in each transaction that touched any of the person's resources, or changed
otherwise what the record shows (a proposal that is kept or settled); the edition of (person, custodian) once in each
that changed that custodian's. Both rise at the first touch, so that the same transaction can already write the new
number into a message; on PostgreSQL this also makes the transactions of one person queue up behind each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from fhir_mh.errors import Conflict, NotFound
from fhir_mh.issues import issue
from fhir_mh.store.part import Part, pairs
from fhir_mh.store.session import Session


class People(Part):
    """The persons of one store, within one transaction."""

    def __init__(self, session: Session, now: datetime, new_id: Callable[[], str]) -> None:
        super().__init__(session, now, new_id)
        self._raised: set[str | tuple[str, str]] = set()
        self._editions: dict[tuple[str, str], int] = {}  # as far as this transaction has looked

    # --- who

    def add_person(self, person: str | None = None) -> str:
        """The id of a new person, minted here unless given; a person already there is left as it is."""
        person = person or self.new_id()
        self.session.run(
            "INSERT INTO persons (id, version, created) VALUES (?, 0, ?) ON CONFLICT (id) DO NOTHING",
            person,
            self._now_ms,
        )
        return person

    def has_person(self, person: str) -> bool:
        return self.session.one("SELECT 1 FROM persons WHERE id = ?", person) is not None

    def find_person(self, system: str, value: str) -> str | None:
        """The person who has this identifier, or None."""
        return self.persons_with([(system, value)]).get((system, value))

    def persons_with(self, identifiers: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The person who has each of these identifiers (system, value); those of nobody are left out."""
        asked = pairs("system", "value", identifiers)
        sql = "SELECT system, value, person FROM person_identifiers WHERE "
        rows = [row for condition, values in asked for row in self.session.all(sql + condition, *values)]
        return {(row[0], row[1]): row[2] for row in rows}

    def identify(self, person: str, system: str, value: str) -> None:
        """Give a person an identifier; giving the same one again does nothing.

        Raises Conflict when it belongs to somebody else, NotFound when there is no such person.
        """
        if self.session.run(
            "INSERT INTO person_identifiers (system, value, person) SELECT ?, ?, id FROM persons WHERE id = ?"
            " ON CONFLICT (system, value) DO NOTHING",
            system,
            value,
            person,
        ):
            return
        holder = self.find_person(system, value)
        if holder is None:
            raise NotFound(issues=[issue("store-unknown-person", "Patient")])
        if holder != person:
            raise Conflict(issues=[issue("store-identifier-taken", "Patient.identifier")])

    def identifiers_of(self, person: str) -> list[tuple[str, str]]:
        """(system, value) of every identifier of a person, superseded ones too, in stable order."""
        rows = self.session.all(
            "SELECT system, value FROM person_identifiers WHERE person = ? ORDER BY system, value", person
        )
        return [(row[0], row[1]) for row in rows]

    def persons(self, *, after: str = "", limit: int = 1000) -> list[str]:
        """Ids of the people of this store in order, those after the one named."""
        rows = self.session.all("SELECT id FROM persons WHERE id > ? ORDER BY id LIMIT ?", after, limit)
        return [row[0] for row in rows]

    def known_by_now(self) -> str:
        """How many people there are, and identifiers of them: another text as soon as there is one more."""
        row = self.session.made("SELECT (SELECT count(*) FROM persons), (SELECT count(*) FROM person_identifiers)")
        return f"{row[0]}/{row[1]}"

    # --- how far

    def record_head(self, person: str) -> int:
        """The record version: 0 for somebody nothing was ever written about. Raises NotFound for an unknown person."""
        row = self.session.one("SELECT version FROM persons WHERE id = ?", person)
        if row is None:
            raise NotFound(issues=[issue("store-unknown-person", "Patient")])
        return int(row[0])

    def edition(self, person: str, custodian: str) -> int:
        """The edition of this custodian's resources about this person; 0 when there are none."""
        known = self._editions.get((person, custodian))
        if known is None:
            row = self.session.one("SELECT edition FROM editions WHERE person = ? AND custodian = ?", person, custodian)
            known = self._editions[person, custodian] = 0 if row is None else int(row[0])
        return known

    def editions(self, person: str) -> dict[str, int]:
        """custodian -> edition, of everybody whose resources about this person were ever stored here."""
        rows = self.session.all("SELECT custodian, edition FROM editions WHERE person = ? ORDER BY custodian", person)
        return {row[0]: int(row[1]) for row in rows}

    def set_edition(self, person: str, custodian: str, edition: int) -> None:
        """For copies: the edition the sender says they are. This transaction then does not raise it by itself."""
        self.raise_head(person)
        self._raised.add((person, custodian))
        self._editions[person, custodian] = edition
        self.session.run(
            "INSERT INTO editions (person, custodian, edition) VALUES (?, ?, ?)"
            " ON CONFLICT (person, custodian) DO UPDATE SET edition = excluded.edition",
            person,
            custodian,
            edition,
        )

    def touch(self, person: str, custodian: str) -> None:
        """Raise the record version and the edition, each once in this transaction."""
        self.raise_head(person)
        if (person, custodian) not in self._raised:
            self._raised.add((person, custodian))
            row = self.session.made(
                "INSERT INTO editions (person, custodian, edition) VALUES (?, ?, 1)"
                " ON CONFLICT (person, custodian) DO UPDATE SET edition = editions.edition + 1 RETURNING edition",
                person,
                custodian,
            )
            self._editions[person, custodian] = int(row[0])

    def raise_head(self, person: str) -> None:
        """Raise the record version alone, once in this transaction: what is shown changes though nothing was stored.

        Raises NotFound for an unknown person.
        """
        if person in self._raised:
            return
        if not self.session.run("UPDATE persons SET version = version + 1 WHERE id = ?", person):
            raise NotFound(issues=[issue("store-unknown-person", "Patient")])
        self._raised.add(person)
