"""Safety concerns: raised here for this organisation to look into, and read by nobody but who may.

The rule (docs/safety-concerns.md): a concern is read by clients of the organisation that owns it in the role
`concerns`, and by whoever holds the receipt that was given for it; by nobody who acts for the organisation complained
of, whatever else they hold. To everybody else it is not there. It stands in tables of its own that name no person.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.errors import ConsentDenied, InvalidResource, NotFound
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.urls import PROFILE
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.writing import Check
from fhir_mh.issues import Issue, has_errors, issue
from fhir_mh.profiles.concerns import concern_of, read_concern, task_of
from fhir_mh.records.concerns import SafetyConcern
from fhir_mh.store import Store, StoredConcern, Tx

ROLE = "concerns"
_CLOSED = ("completed", "rejected", "entered-in-error")
_PROFILE = PROFILE + "mh-safety-concern"


@dataclass(frozen=True, slots=True)
class Raised:
    """A concern that was raised. receipt: shown this once; only its digest is kept."""

    stored: StoredConcern
    receipt: str
    warnings: list[Issue]


class ConcernUseCases:
    """Raising, reading and answering concerns that this organisation owns."""

    def __init__(self, store: Store, home: Organisation, check: Check) -> None:
        self.store, self.home, self.check = store, home, check

    async def submit(self, context: AccessContext, concern: SafetyConcern) -> Raised:
        """Keep a new concern under an id given here.

        Raises ConsentDenied to who acts for the organisation complained of; InvalidResource for a concern about this
        organisation itself, with another owner, or with an answer already.
        """
        if _same(concern.about, self.home.ods):
            raise InvalidResource(issues=[issue("concern-own-service", "about")])
        if _same(context.organisation, concern.about):
            raise ConsentDenied(issues=[issue("concern-not-for-you", "$")])
        if concern.owner not in (None, self.home.ods):
            raise InvalidResource(issues=[issue("concern-owner", "owner")])
        if concern.replies or concern.status != "requested":
            raise InvalidResource(
                issues=[issue("concern-answered-already", "replies" if concern.replies else "status")]
            )
        receipt = secrets.token_urlsafe(24)

        def keep(tx: Tx) -> Raised:
            given = concern.model_copy(
                update={
                    "id": tx.new_id(),
                    "owner": self.home.ods,
                    "raised_at": concern.raised_at or instant(tx.now),
                    "unknown": _without_id(concern.unknown),
                }
            )
            text, warnings = self._text(given)
            stored = tx.concerns.add(
                given.id, owner=self.home.ods, about=given.about, receipt=_digest(receipt), text=text
            )
            return Raised(stored, receipt, warnings)

        return await self.store.write(keep)

    def _text(self, concern: SafetyConcern) -> tuple[str, list[Issue]]:
        """The Task as it is kept, and warnings. Raises InvalidResource where it breaks a rule of its profile."""
        task = task_of(concern)
        meta = task.get("meta") or {}
        profiles = meta.get("profile") or []
        if _PROFILE not in profiles:
            task = {**task, "meta": {**meta, "profile": [*profiles, _PROFILE]}}
        found = list(self.check(task))
        if has_errors(found):
            raise InvalidResource(issues=[one for one in found if one.is_error])
        return dumps(task).decode(), [one for one in found if one.severity == "warning"]

    async def read(self, context: AccessContext, name: str) -> StoredConcern:
        """A concern, to a client of its owner in the role for it. Raises NotFound to everybody else."""
        return await self.store.read(lambda tx: self._own(context, tx.concerns.get(name)))

    async def find(self, context: AccessContext, receipt: str) -> StoredConcern:
        """A concern, to whoever holds its receipt and does not act for the organisation complained of.

        Raises NotFound.
        """

        def search(tx: Tx) -> StoredConcern:
            found = tx.concerns.by_receipt(_digest(receipt))
            if found is None or _same(context.organisation, found.about):
                raise NotFound(issues=[issue("concern-not-found", "receipt")])
            return found

        return await self.store.read(search)

    async def waiting(self, context: AccessContext) -> list[StoredConcern]:
        """The concerns that are not closed, the oldest first. Raises ConsentDenied to all but clients in the role."""
        if not self._is_clerk(context):
            raise ConsentDenied(issues=[issue("concern-clerks-only", "")])
        return await self.store.read(lambda tx: tx.concerns.waiting(self.home.ods))

    async def answer(self, context: AccessContext, name: str, said: Mapping[str, Any]) -> StoredConcern:
        """Add a reply, and with it perhaps another status or due date; everything else stays as it was raised.

        said: a reply as plain JSON, with `status` and `due` where they change. Raises NotFound, InvalidResource.
        """

        def keep(tx: Tx) -> StoredConcern:
            held = self._own(context, tx.concerns.get(name))
            before = concern_of(held.body()).model_dump(exclude_none=True)
            reply = {key: value for key, value in said.items() if key not in ("status", "due")}
            reply = {"id": tx.new_id(), "at": instant(tx.now), **reply}
            changed = {key: said[key] for key in ("status", "due") if key in said}
            after = read_concern({**before, **changed, "replies": [*before["replies"], reply]})
            text, _ = self._text(after)
            return tx.concerns.put(held, text, open=after.status not in _CLOSED)

        return await self.store.write(keep)

    def _own(self, context: AccessContext, found: StoredConcern | None) -> StoredConcern:
        """The concern, if it is this caller's to read. Not there and not theirs are told alike."""
        if found is None or not self._is_clerk(context) or found.owner != context.organisation:
            raise NotFound(issues=[issue("concern-not-found", "id")])
        return found

    def _is_clerk(self, context: AccessContext) -> bool:
        return context.organisation == self.home.ods and context.role == ROLE


def _same(one: str, other: str) -> bool:
    """Whether two ODS codes may be one organisation: a site's code begins with that of its organisation."""
    return one.startswith(other) or other.startswith(one)


def _digest(receipt: str) -> str:
    return sha256(receipt.encode()).hexdigest()


def _without_id(unknown: Mapping[str, Any]) -> dict[str, Any]:
    """What came with a concern, but for the resource's own id: ids are given here."""
    kept = {
        name: {key: value for key, value in rest.items() if key != "id"} if isinstance(rest, dict) else rest
        for name, rest in unknown.items()
    }
    return {name: rest for name, rest in kept.items() if rest}
