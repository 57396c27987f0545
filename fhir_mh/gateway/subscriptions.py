"""The use cases of Subscriptions: a client makes, reads, changes and ends its own, and asks how they stand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fhir_mh.clock import moment_of
from fhir_mh.consent import AccessContext
from fhir_mh.errors import ConsentDenied, InvalidResource
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.notices import bundle, statuses
from fhir_mh.gateway.telling import Teller
from fhir_mh.gateway.wanted import Content, Listener, Listeners, Wanted
from fhir_mh.gateway.writing import Check
from fhir_mh.issues import has_errors, issue
from fhir_mh.partner import is_below
from fhir_mh.store import Store, StoredSubscription, Tx
from fhir_mh.store.resources import stamped
from fhir_mh.store.values import SubscriptionStatus

MOST = 100  # subscriptions of one client, and events in one answer of $events
MASK = "********"

Body = dict[str, Any]
Read = Callable[[Body, Wanted | None], Wanted]
"""Reads a Subscription; with what is held of it, for the secrets that it does not repeat. Raises InvalidResource."""


class SubscriptionUseCases:
    """Subscriptions over one store. A client is known by its organisation and name; nobody finds another's."""

    def __init__(self, store: Store, teller: Teller, check: Check, listeners: Listeners, read: Read) -> None:
        self.store, self.teller, self.check, self.listeners, self._read = store, teller, check, listeners, read

    async def create(self, context: AccessContext, body: Body, base: str) -> StoredSubscription:
        """Keep a new one. base: the address of the FHIR root, as the client reaches it.

        Raises InvalidResource, ConsentDenied (for a client that may not be notified at all, or there).
        """
        listener = self._listener(context)
        self._checked(body)
        if body.get("status") != "requested":
            raise InvalidResource(issues=[issue("subscription-status", "Subscription.status", expected="requested")])
        wanted = self._read(body, None)
        _may_be_called(listener, wanted)
        ends = _ends(body)

        def keep(tx: Tx) -> StoredSubscription:
            organisation, client = _key(context)
            if len(tx.subscriptions.of(organisation, client)) >= MOST:
                raise ConsentDenied(issues=[issue("subscription-too-many", "Subscription", most=MOST)])
            _expect_future(tx, ends)
            return tx.subscriptions.add(
                organisation, client, kinds=wanted.kinds, base=base, text=_kept(body), wanted=wanted.text(),
                greeted=wanted.topic is None, ends=ends, beat=wanted.beat_after(tx.now),
            )  # fmt: skip

        return await self.store.write(keep)

    async def update(
        self, context: AccessContext, body: Body, base: str, if_match: int | None = None
    ) -> StoredSubscription:
        """Change one: `off` ends it, `requested` begins it anew, anything else goes on where nothing else differs.

        Raises InvalidResource, NotFound, VersionConflict, ConsentDenied.
        """
        listener = self._listener(context)
        self._checked(body)
        ends, status = _ends(body), body.get("status")

        def change(tx: Tx) -> StoredSubscription:
            held = tx.subscriptions.get(*_key(context), str(body.get("id")))
            before = Wanted.read(held.wanted)
            wanted = self._read(body, before)
            now: SubscriptionStatus = "off"
            greeted = wanted.topic is None
            if status != "off":
                _may_be_called(listener, wanted)
                _expect_future(tx, ends)
                if held.status == "off" and status != "requested":
                    expected = "requested, or off"
                    raise InvalidResource(
                        issues=[issue("subscription-status", "Subscription.status", expected=expected)]
                    )
                greeted = greeted or (status != "requested" and held.greeted and wanted == before)
                now = "active" if greeted else "requested"
            return tx.subscriptions.change(
                held, now, kinds=wanted.kinds, base=base, text=_kept(body), wanted=wanted.text(), greeted=greeted,
                ends=ends, beat=wanted.beat_after(tx.now), expected=if_match,
            )  # fmt: skip

        return await self.store.write(change)

    async def read(self, context: AccessContext, name: str) -> StoredSubscription:
        """One of the caller's. Raises NotFound."""
        return await self.store.read(lambda tx: tx.subscriptions.get(*_key(context), name))

    async def listed(self, context: AccessContext) -> list[StoredSubscription]:
        """All of the caller's."""
        return await self.store.read(lambda tx: tx.subscriptions.of(*_key(context)))

    async def delete(self, context: AccessContext, name: str) -> None:
        """End one of the caller's for good. Raises NotFound."""
        await self.store.write(lambda tx: tx.subscriptions.remove(tx.subscriptions.get(*_key(context), name)))

    async def statuses(self, held: list[StoredSubscription]) -> Body:
        """What $status answers of these."""
        found = [(one, Wanted.read(one.wanted)) for one in await self._counted(held)]
        return await self.store.read(lambda tx: statuses(found, tx.now))

    async def events(self, context: AccessContext, name: str, since: int, until: int, content: Content | None) -> Body:
        """The notification of the events with these numbers, as far as they are kept; what is withheld has no focus.

        Raises NotFound; InvalidResource for one that is not of a topic.
        """

        def fetch(tx: Tx) -> Body:
            held = tx.subscriptions.get(*_key(context), name)
            wanted = Wanted.read(held.wanted)
            if wanted.topic is None:
                found = issue("subscription-no-numbers", "Subscription.criteria")
                raise InvalidResource(issues=[found])
            events = tx.subscriptions.numbered(held, since, until, MOST)
            told = [(event, self.teller.told_again(tx, context, wanted, event)) for event in events]
            return bundle(held, wanted, "query-event", told, tx.now, content)

        await self._counted([await self.read(context, name)])
        return await self.store.read(fetch)

    async def _counted(self, held: list[StoredSubscription]) -> list[StoredSubscription]:
        """These, with the numbers of what is being sent for good: whoever is sent it may ask before it is settled."""
        if not await self.store.read(lambda tx: any(tx.subscriptions.uncounted(one) for one in held)):
            return held
        return await self.store.write(lambda tx: [tx.subscriptions.count(one) for one in held])

    def _listener(self, context: AccessContext) -> Listener:
        found = self.listeners.get(_key(context))
        if found is None or not found.endpoints:
            raise ConsentDenied(issues=[issue("subscription-no-endpoints", "Subscription.channel.endpoint")])
        return found

    def _checked(self, body: Body) -> None:
        found = self.check(body)
        if has_errors(found):
            raise InvalidResource(issues=found)


def shown(held: StoredSubscription) -> bytes:
    """A subscription as its client reads it: how it stands now."""
    body = load_object(held.text)
    body["id"], body["status"] = held.id, held.status
    if held.status == "error" and held.error is not None:
        body["error"] = held.error
    return dumps(stamped(body, held.version, held.updated))


def _key(context: AccessContext) -> tuple[str, str]:
    return context.organisation, context.client or ""


def _kept(body: Body) -> str:
    """The text as it is kept and shown: the secrets of its channel stand elsewhere, how it stands is put in anew."""
    kept = {name: value for name, value in body.items() if name != "error"}
    headers = [f"{one.partition(':')[0]}: {MASK}" for one in body["channel"].get("header", ())]
    if headers:
        kept["channel"] = {**body["channel"], "header": headers}
    return dumps(kept).decode()


def _may_be_called(listener: Listener, wanted: Wanted) -> None:
    if not is_below(wanted.endpoint, listener.endpoints):
        raise ConsentDenied(issues=[issue("subscription-endpoint", "Subscription.channel.endpoint")])


def _ends(body: Body) -> datetime | None:
    ends = moment_of(body.get("end"))
    if ends is None and "end" in body:  # a leap second is an instant of FHIR's
        raise InvalidResource(issues=[issue("subscription-end", "Subscription.end")])
    return ends


def _expect_future(tx: Tx, ends: datetime | None) -> None:
    if ends is not None and ends <= tx.now:
        raise InvalidResource(issues=[issue("subscription-end", "Subscription.end")])
