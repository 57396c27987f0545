"""`fhir-mh serve`: a gateway that answers over HTTP until it is told to stop."""

from __future__ import annotations

import gc
import importlib.util
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from fhir_mh.api import build_gateway, create_app
from fhir_mh.errors import ConfigurationError
from fhir_mh.issues import issue
from fhir_mh.settings import Settings

_PATIENCE = 10  # seconds for requests under way when the gateway is told to stop
_GARBAGE = 20_000, 20, 50  # objects before a look for those in circles, and how many looks before a longer one: a
# gateway holds a million that stay, the rules it has compiled, and going through these took a fifth of its time


def run(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM, then let requests under way finish. 0 after such an end, 1 where it never began.

    Raises ConfigurationError when the port cannot be had, and what opening the store raises.
    """
    _log_to_stderr()
    listening = _listen(settings)
    try:
        gc.set_threshold(*_GARBAGE)
        gateway = build_gateway(settings)
        with gateway.store:
            config = uvicorn.Config(
                create_app(gateway, settings),
                http="httptools" if importlib.util.find_spec("httptools") else "h11",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=not settings.on_loopback,
                timeout_graceful_shutdown=_PATIENCE,
            )
            server = _Server(config, _address(settings, listening))
            server.run([listening])
    finally:
        listening.close()
    return 0 if server.started else 1


class _Server(uvicorn.Server):
    """Says where it is once it can be reached, and counts being told to stop as an end like any other."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"{self._address}\n")
            sys.stdout.flush()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, without raising the signal once more at the end."""
        held = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in held.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.handle_exit(number, frame)


def _listen(settings: Settings) -> socket.socket:
    """A socket on the address of the settings; connections wait in it until the gateway is ready."""
    host = settings.host.strip("[]")
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, settings.port))
    except OSError as fault:
        listening.close()
        problem = (fault.strerror or "it cannot be had").lower()
        hint = "Choose another, or 0 for any free one."
        raise ConfigurationError(issues=[issue("config-invalid", "--port", problem=problem, hint=hint)]) from None
    return listening


def _address(settings: Settings, listening: socket.socket) -> str:
    host = f"[{settings.host.strip('[]')}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listening.getsockname()[1]}"


def _log_to_stderr() -> None:
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=form)
    for name in ("uvicorn", "httpx", "aiohttp", "sqlalchemy", "alembic"):  # they may show more than we would
        logging.getLogger(name).setLevel(logging.WARNING)
