"""The HTTP application: FHIR REST, plain records, sync, and the pages that explain them, behind one front door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from fhir_mh import __version__
from fhir_mh.api.access import Door
from fhir_mh.api.concerns_routes import Concerns
from fhir_mh.api.conflicts_routes import Conflicts
from fhir_mh.api.currency_routes import CurrencyRoutes
from fhir_mh.api.delivering import Connected, delivering, directory, owner_of
from fhir_mh.api.delivering import routes as delivery_routes
from fhir_mh.api.faults import answer_to
from fhir_mh.api.fhir_rest import FhirRest
from fhir_mh.api.finding_routes import Finding
from fhir_mh.api.front import MAX_BODY, Front
from fhir_mh.api.hooks import Woken
from fhir_mh.api.merges_routes import Merges
from fhir_mh.api.notifying import notifying, subscriptions_of
from fhir_mh.api.pages import Pages
from fhir_mh.api.placements_routes import Placements
from fhir_mh.api.quarantine_routes import Quarantine
from fhir_mh.api.records_routes import Records
from fhir_mh.api.seals_routes import Seals
from fhir_mh.api.servers import to_server
from fhir_mh.api.subscription_routes import Subscriptions
from fhir_mh.api.types import kept_types
from fhir_mh.clock import SystemClock
from fhir_mh.gateway import Gateway
from fhir_mh.settings import Settings
from fhir_mh.sync.backlog import Counts
from fhir_mh.validation import Validator

LARGE = 8 * 1024  # bytes of an answer from which on it is compressed, for whoever takes gzip


def create_app(
    gateway: Gateway, settings: Settings, *, validator: Validator | None = None, max_body: int = MAX_BODY
) -> FastAPI:
    """The application over one gateway. While it runs (its lifespan), what waits for partners and clients is delivered.

    validator: what `$validate` asks; by default one of its own, for one validator judges one resource at a time, and
    no write is to wait for a long Bundle that somebody only asks about. max_body: bytes of a request's body. Closing
    the gateway's store is the caller's, once the application has ended.
    """
    door, counts, woken = Door(settings), Counts(), Woken()
    transports = Connected(directory(gateway, settings), SystemClock(), to_server(gateway))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        owner, clock = owner_of(settings), SystemClock()
        here = delivering(gateway, settings, counts, woken, owner, app.state.transports)
        async with here, notifying(gateway, settings, owner, clock):
            yield

    app = FastAPI(
        title="fhir_mh",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.transports = transports
    subscriptions = Subscriptions(subscriptions_of(gateway, settings), door).routes()
    routes = FhirRest(gateway, door, validator or Validator(), transports.partners).routes(subscriptions)
    app.router.routes.extend(routes)
    records = Records(gateway, door).router()
    app.include_router(records)
    further = [
        *Concerns(gateway, door).routes(),
        *CurrencyRoutes(gateway, door).routes(),
        *Finding(gateway, door, transports).routes(),
        *Placements(gateway, door).routes(),
        *Quarantine(gateway, door).routes(),
        *Seals(gateway, door).routes(),
        *Merges(gateway, door).routes(),
        *Conflicts(gateway, door).routes(),
        *delivery_routes(gateway, settings, door, counts, woken),
        *Pages(settings).routes(),
    ]
    app.router.routes.extend(further)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    words = _fixed_words([*routes, *records.routes, *further]) | kept_types()
    app.add_middleware(GZipMiddleware, minimum_size=LARGE, compresslevel=5)
    app.add_middleware(Front, door=door, vocabulary=words, max_body=max_body)
    return app


def _fixed_words(routes: Sequence[BaseRoute]) -> set[str]:
    """The parts of addresses that are no parameter: those the log may show."""
    parts = {part for route in routes for part in str(getattr(route, "path", "")).split("/")}
    return {part for part in parts if "{" not in part}


async def _refused(_: Request, fault: Exception) -> Response:
    return answer_to(fault)
