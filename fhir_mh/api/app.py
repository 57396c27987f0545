"""The HTTP application: FHIR REST, plain records, and the pages that explain them, behind one front door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from fhir_mh import __version__
from fhir_mh.api.access import Door
from fhir_mh.api.faults import answer_to
from fhir_mh.api.fhir_rest import FhirRest
from fhir_mh.api.front import MAX_BODY, Front
from fhir_mh.api.records_routes import Records
from fhir_mh.api.types import kept_types
from fhir_mh.gateway import Gateway
from fhir_mh.settings import Settings

_WORDS = ("records", "find")  # FastAPI keeps the routes of a router apart


def create_app(
    gateway: Gateway,
    settings: Settings,
    *,
    changed: Callable[[], None] = lambda: None,
    running: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    routes: Sequence[BaseRoute] = (),
    max_body: int = MAX_BODY,
) -> FastAPI:
    """The application over one gateway.

    changed: called after each write that callers had committed here, to wake whoever delivers. running: entered
    while the application runs. routes: further ones, such as those of sync. The gateway's store is not closed.
    """
    door = Door(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with running():
            yield

    app = FastAPI(
        title="fhir_mh", version=__version__, lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    app.router.routes.extend(FhirRest(gateway, door, changed).routes())
    app.include_router(Records(gateway, door, changed).router())
    app.router.routes.extend(routes)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_middleware(Front, door=door, vocabulary=_vocabulary(app), max_body=max_body)
    return app


def _vocabulary(app: FastAPI) -> set[str]:
    """The parts of addresses that the log may show: those that are fixed, and the resource types."""
    fixed = {part for route in app.router.routes for part in str(getattr(route, "path", "")).split("/")}
    return {part for part in fixed if "{" not in part} | kept_types() | set(_WORDS)


async def _refused(_: Request, fault: Exception) -> Response:
    return answer_to(fault)
