"""The partners of a gateway: those its settings name, which nobody changes here, and those kept in its store."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from fhir_mh.errors import Conflict, InvalidResource, NotFound
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.spreading import copy_at, end_sharing, look_anew
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.writing import Check
from fhir_mh.issues import Issue, issue
from fhir_mh.partner import OF_KIND, SECRET_LENGTH, SECRETS, Connection, Partner, faults, read_secret
from fhir_mh.settings import UNNAMED, Places, translated
from fhir_mh.store import Store, StoredPartner, Tx
from fhir_mh.sync.deliveries import send_again
from fhir_mh.sync.retry import reopened

Body = dict[str, Any]
REMOVED = "partner-removed"  # why the lanes of a partner that was removed have ended
_TOLD = "The two organisations exchange nothing any more."
_AT_ONCE = 50  # people looked at in one transaction
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Known:
    """A partner as it is now.

    kept: where it is changed. body: what is kept of it, without secrets. version: 0 where it is kept in the settings.
    partner: None where it cannot be used as it stands, for the reasons that issues give. removed: it is a partner no
    more, and may be owed a notice or hold copies. holds: about how many people it was sent something of ours.
    """

    ods: str
    kept: Literal["file", "api"]
    body: Body
    version: int
    partner: Partner | None
    issues: tuple[Issue, ...] = ()
    removed: bool = False
    holds: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """What became of a partner's lanes: lanes ended, notices that still go out, proposals that stay behind."""

    lanes: int
    notices: int
    proposals: int


@dataclass
class Directory:
    """All partners of one gateway. folder: of the secrets of those kept here. beyond: whether others can reach us."""

    store: Store
    home: Organisation
    check: Check
    fixed: Mapping[str, Partner]
    folder: Path | None
    beyond: bool
    _version: int = -1
    _known: Mapping[str, Known] = field(default_factory=dict)

    # --- as they are now

    async def current(self) -> Mapping[str, Known]:
        """Every partner by ODS code, those removed too; what another process has changed is taken up here.

        While the secret of one cannot be read, it is tried again each time.
        """
        version = await self.store.read(lambda tx: tx.partners.newest())
        if version != self._version or any(map(_unreadable, self._known.values())):
            version, stored = await self.store.read(lambda tx: (tx.partners.newest(), tx.partners.all()))
            self._known = {**{one.ods: self._stored(one) for one in stored}, **self._fixed()}
            self._version = version
        return self._known

    async def find(self, ods: str) -> Partner | None:
        """The partner of this code, as far as it is one and can be told from others."""
        known = (await self.current()).get(ods)
        return None if known is None or known.removed else known.partner

    async def listed(self) -> list[Known]:
        """The partners, and those removed that were sent something; by ODS code."""
        known = await self.current()
        holds = await self.store.read(lambda tx: tx.partners.holding(self.home.ods))
        counted = [replace(known[ods], holds=holds.get(ods, 0)) for ods in sorted(known)]
        return [one for one in counted if not one.removed or one.holds]

    async def read(self, ods: str) -> Known:
        """One partner. Raises NotFound."""
        found = next((one for one in await self.listed() if one.ods == ods), None)
        if found is None:
            raise NotFound(issues=[issue("sync-unknown-partner", "ods")])
        return found

    def _fixed(self) -> dict[str, Known]:
        return {ods: Known(ods, "file", _shown(partner), 0, partner) for ods, partner in self.fixed.items()}

    def _stored(self, stored: StoredPartner) -> Known:
        body = load_object(stored.text)
        removed = stored.removed is not None
        try:
            partner: Partner | None = self._checked(body)
            found: Sequence[Issue] = ()
        except InvalidResource as fault:
            partner, found = None, fault.issues
        return Known(stored.ods, "api", body, stored.version, partner, tuple(found), removed)

    def _checked(self, body: Body) -> Partner:
        return kept_partner(body, self.folder, beyond=self.beyond)

    # --- changing them

    async def add(self, body: Body) -> Known:
        """Keep a new partner. The people it cares for are shared with it once share_with has looked at everybody.

        Raises InvalidResource, Conflict (partner-known, partner-in-file).
        """
        partner = self._checked(body)
        if self.home.ods == UNNAMED:
            raise InvalidResource(issues=[issue("config-ods-needed", "ods")])

        def keep(tx: Tx) -> None:
            self._changeable(partner.ods)
            known = tx.partners.get(partner.ods)
            if partner.ods == self.home.ods or (known is not None and known.removed is None):
                raise Conflict(issues=[issue("partner-known", "ods")])
            tx.partners.add(partner.ods, dumps(body).decode())
            _try_now(tx, partner.ods)
            for person in tx.partners.keeps(partner.ods):
                copy = copy_at(tx, person, self.home.ods, partner.ods)
                if copy is not None and copy.ended_reason == _TOLD:
                    tx.currency.resume(self.home.ods, person, partner.ods)

        await self.store.write(keep)
        return await self.read(partner.ods)

    async def change(self, ods: str, body: Body, *, version: int) -> Known:
        """Keep a partner as it now is, and try at once what waits for it.

        What is at an address that it did not have before, or is of another kind, is sent everything again.

        Raises InvalidResource, NotFound, Conflict (partner-in-file), VersionConflict.
        """
        self._changeable(ods)
        if body.get("ods") != ods:
            raise InvalidResource(issues=[issue("partner-other-code", "ods")])
        self._checked(body)

        def keep(tx: Tx) -> None:
            before = tx.partners.get(ods)
            tx.partners.change(ods, dumps(body).decode(), expected=version)
            if before is not None and _addresses(body) - _addresses(load_object(before.text)):
                send_again(tx, ods)
            _try_now(tx, ods)

        await self.store.write(keep)
        return await self.read(ods)

    async def remove(self, ods: str, *, version: int | None = None) -> Left:
        """End every lane to a partner, and tell it so; what we hold of it is no longer kept up to date.

        Proposals that wait stay, and are shown to their authors as withheld. Raises NotFound, Conflict
        (partner-in-file), VersionConflict.
        """
        self._changeable(ods)

        def leave(tx: Tx) -> Left:
            tx.partners.remove(ods, expected=version)
            open_lanes = [lane for lane in tx.lanes.find(partner=ods) if lane.state != "ended"]
            for lane in open_lanes:
                end_sharing(tx, self.home, lane.person, ods, _TOLD, why=REMOVED)
            for person in tx.partners.keeps(ods):
                tx.currency.end(self.home.ods, person, ods, _TOLD)
            notices = tx.outbox.count(partner=ods, state="pending", kind="notice")
            proposals = tx.outbox.count(partner=ods, state="pending", kind="proposal")
            return Left(len(open_lanes), notices, proposals)

        return await self.store.write(leave)

    def _changeable(self, ods: str) -> None:
        if ods in self.fixed:
            raise Conflict(issues=[issue("partner-in-file", "ods")])

    # --- sharing with those that are new

    async def share_with(self, ods: str) -> None:
        """Look at each person's sharing with a partner that was added, as if each had just been placed somewhere.

        It goes on where it was left off, by whichever process.
        """
        while await self.store.write(lambda tx: self._share_some(tx, ods)):
            pass

    async def share_with_new(self) -> None:
        """The same with every partner that was added and not everybody was looked at."""
        for stored in await self.store.read(lambda tx: tx.partners.all()):
            if stored.reached is not None:
                await self.share_with(stored.ods)

    def _share_some(self, tx: Tx, ods: str) -> bool:
        stored = tx.partners.get(ods)
        if stored is None or stored.reached is None:
            return False
        persons = tx.persons(after=stored.reached, limit=_AT_ONCE)
        for person in persons:
            look_anew(tx, self.home, person, [ods])
            ask_about_ties(tx, self.home, self.check, person)
        tx.partners.reach(ods, persons[-1] if persons else None)
        return bool(persons)


def _addresses(body: Body) -> set[tuple[str, str]]:
    """What is at the other end, and where, of each connection of a body that was found to be in order."""
    return {(one.get("kind", "gateway"), one["base_url"].rstrip("/")) for one in body["connections"]}


def _try_now(tx: Tx, ods: str) -> None:
    """What waits for another try at a partner may be lucky now."""
    tx.lanes.set_breaker(reopened(tx.lanes.breaker(ods), tx.now))
    tx.lanes.hasten(ods)


def kept_partner(body: Body, folder: Path | None, *, beyond: bool) -> Partner:
    """The partner that a body describes, with its secrets from the folder.

    Raises InvalidResource with every fault: one of the form, a secret in the body itself, a file that cannot be read.
    """
    found: list[Issue] = []
    listed = body.get("connections")
    connections = (
        [dict(one) if isinstance(one, dict) else one for one in listed] if isinstance(listed, list) else listed
    )
    for index, connection in enumerate(connections if isinstance(connections, list) else ()):
        if isinstance(connection, dict):
            found += [one.at(f"connections[{index}].{one.path}") for one in _fill_in(connection, folder)]
    try:
        partner = Partner.model_validate({**body, **({"connections": connections} if "connections" in body else {})})
    except ValidationError as refused:
        raise InvalidResource(issues=[*found, *translated(refused, Partner, Places())]) from None
    found += [fault.at(_place(fault.place)) for fault in faults(partner, beyond=beyond)]
    if found:
        raise InvalidResource(issues=found)
    return partner


def _fill_in(connection: Body, folder: Path | None) -> list[Issue]:
    """Put what the files named hold in the place of their names; what speaks against it."""
    found = []
    for name in SECRETS:
        if name in connection:
            found.append(issue("partner-secret-told", name))
            del connection[name]
        file = connection.pop(f"{name}_file", None)
        if file is None:
            continue
        fault = _fault_of(file, folder)
        secret = read_secret(folder / file) if fault is None and folder is not None else None
        if fault is not None or secret is None:
            where = f"in the gateway's folder of secrets, {folder and folder.absolute()}"
            found.append((fault or issue("config-secret-file", "", where=where)).at(f"{name}_file"))
        connection[name] = secret or "-" * SECRET_LENGTH  # only the file is complained of
    return found


def _fault_of(file: Any, folder: Path | None) -> Issue | None:
    if folder is None:
        return issue("partner-no-folder", "")
    if not isinstance(file, str) or not _FILE_NAME.fullmatch(file):
        hint = "Name a file in the folder of secrets, without a path."
        return issue("config-invalid", "", problem="it is no name of a file", hint=hint)
    return None


def _place(location: tuple[int | str, ...]) -> str:
    named = f"{location[-1]}_file" if location[-1] in SECRETS else location[-1]
    return Places().of((*location[:-1], named))


def _shown(partner: Partner) -> Body:
    body = partner.model_dump(mode="json", exclude={"connections"})
    return {**body, "connections": [_told(connection) for connection in partner.connections]}


def _told(connection: Connection) -> Body:
    """A connection as it is shown: no secret, and nothing that only the other kind has."""
    others = frozenset().union(*(names for kind, names in OF_KIND.items() if kind != connection.kind))
    return connection.model_dump(mode="json", exclude={*SECRETS, *others}, exclude_none=True)


def _unreadable(known: Known) -> bool:
    return known.partner is None and not known.removed
