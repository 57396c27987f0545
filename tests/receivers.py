"""What a client has at its endpoint: a web server on loopback that keeps what it is sent, and may be away or refuse."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 60.0  # seconds, before a test is given up

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        found: Json = json.loads(self.body)
        return found

    @property
    def status(self) -> Json:
        """Of a notification: its first entry, each parameter by its name; of events a list."""
        return told_by(self.json["entry"][0]["resource"])

    @property
    def numbers(self) -> list[int]:
        return [event["event-number"] for event in self.status["notification-event"]]


def told_by(parameters: Json) -> Json:
    """A status of the backport as plain values."""
    found: Json = {"notification-event": []}
    for one in parameters["parameter"]:
        if "part" in one:
            event = {part["name"]: _value(part) for part in one["part"]}
            found["notification-event"].append({**event, "event-number": int(event["event-number"])})
        else:
            found[one["name"]] = _value(one)
    return found


def _value(parameter: Json) -> Any:
    (value,) = [value for key, value in parameter.items() if key.startswith("value")]
    return value["reference"] if isinstance(value, dict) and "reference" in value else value


class Receiver:
    """answer: the status that it answers. gate: closed, a request waits there before it is answered.
    most: requests at a time.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refused: list[Request] = []
        self.answer, self.location, self.cookie = 200, "", ""
        self._under_way = self.most = 0
        self.gate = threading.Event()
        self.gate.set()
        self.changed = threading.Condition()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def take(self, request: Request) -> int:
        with self.changed:
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            answer = self.answer
            (self.requests if 200 <= answer < 300 else self.refused).append(request)
            self.changed.notify_all()
        self.gate.wait(PATIENCE)
        with self.changed:
            self._under_way -= 1
        return answer

    def until(self, holds: Callable[[], Any]) -> None:
        with self.changed:
            assert self.changed.wait_for(holds, PATIENCE), "it never came to be"

    def of_type(self, kind: str) -> list[Request]:
        """The notifications of a type, in the order in which they came."""
        return [one for one in list(self.requests) if one.method == "POST" and one.body and one.status["type"] == kind]

    @property
    def events(self) -> list[Json]:
        """Every event, in the order in which they came, each as often as it came."""
        return [event for one in self.of_type("event-notification") for event in one.status["notification-event"]]

    def come(self) -> None:
        """Be there, from now on, at the same address."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.take(Request(self.command, self.path, headers, body))
                self.send_response(status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                if receiver.cookie:
                    self.send_header("Set-Cookie", receiver.cookie)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None:
                """Who hangs up says nothing."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def go(self) -> None:
        """Be away: nothing listens at the address any more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def receiver() -> Iterator[Receiver]:
    """One that is there."""
    found = Receiver()
    found.come()
    try:
        yield found
    finally:
        found.gate.set()
        found.go()
