"""What one round has read of a server: each resource once, and of nobody who is not known here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fhir_mh.connectors.fhir_server.client import Busy, is_of_one
from fhir_mh.connectors.fhir_server.found import key_there
from fhir_mh.connectors.fhir_server.naming import Body, Key, Names
from fhir_mh.connectors.fhir_server.offered import KINDS
from fhir_mh.connectors.fhir_server.ports import Server
from fhir_mh.errors import FhirMhError, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.transport import Refused
from fhir_mh.fhir.parts import objects_in
from fhir_mh.profiles.subjects import subjects_in

_AT_ONCE = 50  # resources read between two renewals


class Unread(Exception):
    """A resource cannot be read now, though its server answers. denied: it will not show it, with our token."""

    def __init__(self, *, denied: bool) -> None:
        super().__init__()
        self.denied = denied


class Read:
    """What one round has read.

    about: by the Patient's id there. newest: how far each type was read. held: what does not move, whatever was read
    of it, for not all that it told of could be dealt with. unread: what could not be read; refused: the types. seen:
    how much was. since: of some type only what has changed was read. strangers: Patients who were nobody known here, at
    some time of the round. met: who is known and was not met before (Patient/id), once that was looked up. forgotten:
    of what nothing is to be noted any more.
    """

    def __init__(
        self,
        server: Server,
        names: Names,
        knows: Callable[[Body], Awaitable[bool]],
        hold: Callable[[], Awaitable[None]],
    ) -> None:
        self.server, self.names = server, names
        self._knows, self._hold = knows, hold
        self.about: dict[str, dict[Key, Body]] = {}
        self.newest: dict[str, str] = {}
        self.held: set[str] = set()
        self.gone: list[Key] = []
        self.patients: dict[str, Body | None] = {}
        self.others: dict[Key, Body | None] = {}
        self.unread: dict[Key, Unread] = {}
        self.refused: set[str] = set()
        self.faults: list[FhirMhError] = []
        self.seen = 0
        self.since = False
        self.strangers: set[str] = set()
        self.forgotten: set[str] = set()
        self.met: set[str] | None = None

    async def keep(self, body: Body) -> None:
        """Keep a resource that is about somebody known here; of anybody else nothing is kept.

        Where it cannot be read whom it is about, its type is read from there again.
        """
        self.seen += 1
        if self.seen % _AT_ONCE == 0:
            await self._hold()
        kind, name = key_there(body)
        try:
            if kind == "Patient":
                self.patients[name] = await self._if_known(name, body)
                there: str | None = name
            else:
                there = await self.subject(body)
            if there is None or await self.patient(there) is None:
                return
        except Unread:
            self.held.add(kind)
            return
        about = self.about.setdefault(there, {})
        if kind != "Patient":
            about[kind, name] = body

    async def subject(self, body: Body) -> str | None:
        """The id there of the Patient that a resource is about; of a Provenance, that its first target is about.

        Raises Unread.
        """
        for _, reference in subjects_in(body):
            target = self.names.target(reference)
            if target is not None and target[0] == "Patient":
                return target[1]
        for one in objects_in(body.get("target")):
            target = self.names.target(one.get("reference"))
            if target is not None and target[0] in KINDS - {"Provenance"}:
                if target[0] == "Patient":
                    return target[1]
                about = await self.other(target)
                return None if about is None else await self.subject(about)
        return None

    async def patient(self, there: str) -> Body | None:
        """A Patient of the server, read once in a round; None where that is nobody known here. Raises Unread."""
        if there not in self.patients:
            found = await self._one("Patient", there)
            self.patients[there] = None if found is None else await self._if_known(there, found)
        return self.patients[there]

    async def _if_known(self, there: str, patient: Body) -> Body | None:
        if await self._knows(patient):
            return patient
        self.strangers.add(there)
        return None

    async def other(self, key: Key) -> Body | None:
        """Any other resource, read once in a round; None where there is none. Raises Unread."""
        if key not in self.others:
            self.others[key] = await self._one(*key)
        return self.others[key]

    async def _one(self, kind: str, there: str) -> Body | None:
        """One resource; None where the server has it not, refuses it, or calls it what cannot be asked for."""
        if (kind, there) in self.unread:
            raise self.unread[kind, there]
        try:
            found = await self.server.read(kind, there)
        except Refused:
            return None
        except (UpstreamUnavailable, NotAuthenticated) as fault:
            if is_of_one(fault):
                return None
            await self.go_on_after(fault)
            self.unread[kind, there] = Unread(denied=isinstance(fault, NotAuthenticated))
            raise self.unread[kind, there] from None
        return found if found is not None and key_there(found) == (kind, there) else None

    async def go_on_after(self, fault: FhirMhError) -> None:
        """Raise a fault where the server does not answer any more: else it is of one resource, or of one search.

        One that answers that we may not see it does answer; one that is busy is asked nothing more.
        """
        if isinstance(fault, Busy):
            raise fault
        if isinstance(fault, UpstreamUnavailable) and not is_of_one(fault):
            try:
                await self.server.capability()
            except (UpstreamUnavailable, NotAuthenticated, Refused):
                raise fault from None

    def hold_back(self, there: str) -> None:
        """What was read of one person, by the Patient's id there, is not dealt with: all of it is read again."""
        self.held |= {"Patient", f"Patient/{there}", *(kind for kind, _ in self.about[there])}
