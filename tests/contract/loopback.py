"""Servers on loopback in threads of this process: gateways as they are served, and what is none."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import uvicorn

from fhir_mh.api import build_gateway, create_app
from fhir_mh.clock import SystemClock
from fhir_mh.gateway import Gateway
from fhir_mh.settings import load
from tests.databases import sqlite_database
from tests.validators import shared_validator

CERTIFICATES = Path(__file__).parent / "certificates"


class Off(SystemClock):
    """A clock that is that far ahead."""

    def __init__(self, by: timedelta) -> None:
        self.by = by

    def now(self) -> datetime:
        return super().now() + self.by


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address at which an ASGI application answers."""
    ready = threading.Event()
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
    server = _Server(config, ready)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def gateway_of(ods: str, *, ahead: timedelta | None = None, store: str = "", **settings: Any) -> Iterator[str]:
    """A gateway of this organisation, served; its address. ahead: of its clock. store: by default a fresh file."""
    with _gateway(ods, ahead, store, settings) as (gateway, said), served(_app(gateway, said)) as address:
        yield address


@contextmanager
def _gateway(ods: str, ahead: timedelta | None, store: str, settings: dict[str, Any]) -> Iterator[tuple[Gateway, Any]]:
    with sqlite_database() as fresh:
        said = load(ods=ods, name=ods, store=store or fresh, **settings)
        clock = SystemClock() if ahead is None else Off(ahead)
        gateway = build_gateway(said, clock=clock, validator=shared_validator())
        with gateway.store:
            yield gateway, said


def _app(gateway: Gateway, settings: Any) -> Any:
    return create_app(gateway, settings, validator=shared_validator())


class _Page(BaseHTTPRequestHandler):
    """A web server that knows nothing of the protocol."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>It works</html>")

    def log_message(self, *_: object) -> None: ...


@contextmanager
def web_server(certificate: str | None = None) -> Iterator[str]:
    """A plain web server, over TLS where a certificate is named."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        scheme = "http"
        if certificate is not None:
            scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATES / certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment] - who hangs up says nothing
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{scheme}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
