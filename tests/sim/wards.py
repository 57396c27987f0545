"""People on wards whose system is a plain FHIR server: they read and change what lies there, and know no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fhir_mh.fhir.urls import NHS_NUMBER
from tests.sim.ledger import TEXT, Ledger, Said, Written, texts_in
from tests.sim.servers import PlainServer

if TYPE_CHECKING:
    from tests.sim.world import World

Tree = dict[str, Any]
Place = tuple[str | int, ...]


class Wards:
    """What they do. Each way of doing something answers whether there was anything to do."""

    def __init__(self, world: World) -> None:
        self.world, self.draw = world, world.draw

    def somebody_works(self, ods: str | None = None) -> bool:
        """One thing that somebody on a ward with such a server does, or its system does by itself."""
        if not self.world.servers or not self.world.working:
            return False
        server = self.world.servers[ods or self.draw.choice(sorted(self.world.servers))]
        deed = self.draw.choices([self.edit, self.add, self.add_own, self.lose, self.delete], [8, 2, 2, 1, 1])[0]
        return bool(deed(server))

    def edit(self, server: PlainServer, text: str | None = None) -> bool:
        """Somebody writes other words in the place of those that they see. text: which."""
        found = [
            (body, place, seen)
            for body in held(server)
            for place, seen in texts_of(body)
            if (text is None or seen == text) and self._may_change(seen)
        ]
        if not found:
            return False
        body, place, seen = self.draw.choice(found)
        ledger = self._whose(seen)
        said = self.world.staff.text(seen.partition("#")[0])
        put_at(body, place, said)
        if not self._saved(server, ledger, body, Written(said, server.ods, seen), f"writes {said} for {seen} in"):
            return False
        row = next((one.row for one in ledger.said if one.text == seen), None)
        if row is not None:
            ledger.said.append(Said(said, row, server.ods, seen))
        return True

    def add(self, server: PlainServer) -> bool:
        """Somebody adds an activity to a plan that lies there."""
        plans = [body for body in held(server, "CarePlan") if body.get("activity") and self._of(server, body)]
        if not plans:
            return False
        body = self.draw.choice(plans)
        ledger = self._of(server, body)
        sections = sorted({text.partition("#")[0] for text in texts_in(body)})
        if ledger is None or len(sections) != 1:
            return False
        said = self.world.staff.text(sections[0])
        body["activity"].append({"detail": {"status": "in-progress", "description": said}})
        return self._saved(server, ledger, body, Written(said, server.ods, None), f"adds {said} to")

    def add_own(self, server: PlainServer) -> bool:
        """Somebody writes a goal of the ward's own."""
        patients = [one for one in server.all("Patient") if number_of(one) in self.world.ledgers]
        if not patients:
            return False
        patient = self.draw.choice(patients)
        said = self.world.staff.text("care-plan")
        subject = {"reference": f"Patient/{patient['id']}"}
        body = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": said}, "subject": subject}
        ledger, written = self.world.ledgers[number_of(patient)], Written(said, server.ods, None)
        return self._saved(server, ledger, body, written, f"writes {said} in a new")

    def lose(self, server: PlainServer) -> bool:
        """The system loses an element of something, or writes it in another order."""
        found = held(server)
        if not found:
            return False
        body = self.draw.choice(found)
        kept = {"resourceType", "id", "meta", "identifier", "subject", "patient", "target", "description"}
        names = sorted(name for name in body.keys() - kept if not self._is_new(body[name]))
        if not names:
            return False
        name = self.draw.choice(names)
        del body[name]
        self.world.tell(f"{server.ods} loses {name} of {body['resourceType']}/{body['id']}")
        server.put(body)
        return True

    def delete(self, server: PlainServer) -> bool:
        """Somebody deletes a copy there, of which nothing was written there."""
        found = [one for one in held(server, "Goal", "CarePlan") if not self._is_new(one)]
        if not found:
            return False
        body = self.draw.choice(found)
        self.world.tell(f"{server.ods} deletes {body['resourceType']}/{body['id']}: {sorted(texts_in(body))}")
        server.delete(body["resourceType"], body["id"])
        return True

    # --- below

    def _is_new(self, value: Any) -> bool:
        """Whether this holds anything that was written on such a server, and may not be read yet."""
        written = {one.text for ledger in self.world.ledgers.values() for one in ledger.there}
        return not written.isdisjoint(texts_in(value))

    def _may_change(self, seen: str) -> bool:
        return any(seen in ledger.edited() for ledger in self.world.ledgers.values())

    def _whose(self, seen: str) -> Ledger:
        return next(ledger for ledger in self.world.ledgers.values() if seen in ledger.edited())

    def _of(self, server: PlainServer, body: Tree) -> Ledger | None:
        return self.world.ledgers.get(number_in(server, body))

    def _saved(self, server: PlainServer, ledger: Ledger, body: Tree, said: Written, what: str) -> bool:
        """Whether what somebody wrote lies there: the server may not keep it."""
        now = server.put(body)
        kept = said.text in texts_in(now)
        self.world.tell(f"{server.ods} {what} {now['resourceType']}/{now['id']}{'' if kept else ', which is lost'}")
        if kept:
            ledger.there.append(said)
        return kept


def held(server: PlainServer, *kinds: str) -> list[Tree]:
    """What lies there that a ward works with."""
    known = dict.fromkeys((one.kind, one.name) for one in server.versions if not kinds or one.kind in kinds)
    found = (server.held(*key) for key in known if key[0] not in ("Patient", "Provenance", "Communication"))
    return [one for one in found if one is not None]


def number_in(server: PlainServer, body: Tree) -> str:
    """The NHS number of whom a resource of a server is about; empty where that is not told."""
    subject = body.get("subject") or body.get("patient") or {}
    patient = server.held("Patient", str(subject.get("reference")).partition("/")[2])
    return "" if patient is None else number_of(patient)


def number_of(patient: Tree) -> str:
    """The NHS number of a Patient of a server; empty where it has none."""
    found = [one.get("value") for one in patient.get("identifier", ()) if one.get("system") == NHS_NUMBER]
    return str(found[0]) if found else ""


def texts_of(value: Any, at: Place = ()) -> Iterator[tuple[Place, str]]:
    """Where texts of the simulation stand, each alone in its place."""
    if isinstance(value, list):
        for place, inner in enumerate(value):
            yield from texts_of(inner, (*at, place))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_of(inner, (*at, key))
    elif isinstance(value, str) and TEXT.fullmatch(value):
        yield at, value


def put_at(value: Any, place: Place, text: str) -> None:
    """Write a text in a place."""
    for step in place[:-1]:
        value = value[step]
    value[place[-1]] = text
