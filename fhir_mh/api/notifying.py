"""The clients that may be notified, and the notifier's life beside the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fhir_mh.api.lasting import lasting
from fhir_mh.api.subscription_reading import read_subscription
from fhir_mh.clock import Clock
from fhir_mh.consent import AccessContext
from fhir_mh.exchange.hooks import Hooks
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.notifying import Notifier
from fhir_mh.gateway.subscriptions import SubscriptionUseCases
from fhir_mh.gateway.telling import Teller
from fhir_mh.gateway.wanted import Listener, Listeners
from fhir_mh.settings import Settings
from fhir_mh.sync.dispatch import Dispatch


def listeners(settings: Settings) -> Listeners:
    """The clients with a name. One that has two tokens, as while they are changed, is one client with all endpoints."""
    found: dict[tuple[str, str], Listener] = {}
    for client in settings.clients:
        if client.name is None:
            continue
        key = client.organisation, client.name
        context = AccessContext(client.organisation, client.role, client.purpose, client.name)
        held = found.setdefault(key, Listener(context, ()))
        found[key] = Listener(held.context, held.endpoints + client.endpoints)
    return {key: one for key, one in found.items() if one.endpoints}


def subscriptions_of(gateway: Gateway, settings: Settings) -> SubscriptionUseCases:
    """The use cases of Subscriptions over a gateway."""
    teller = Teller(gateway.home.ods, gateway.seen)
    return SubscriptionUseCases(gateway.store, teller, gateway.check, listeners(settings), read_subscription)


@asynccontextmanager
async def notifying(gateway: Gateway, settings: Settings, owner: str, clock: Clock) -> AsyncIterator[None]:
    """While this is entered, clients are told what they subscribed to. Without clients that may be, nothing is done."""
    known = listeners(settings)
    if not known:
        yield
        return
    hooks = Hooks()
    notifier = Notifier(gateway.store, Teller(gateway.home.ods, gateway.seen), known, hooks, clock, owner=owner)
    stop = asyncio.Event()
    task = asyncio.create_task(lasting("the notifier", Dispatch(notifier).run, stop))
    try:
        yield
    finally:
        stop.set()
        await task
        await hooks.close()
