"""POST and GET a second against a real `fhir-mh serve`, beside the least that Starlette and sqlite3 can be asked for.

python -m benchmarks.rest [--seconds N] [--connections N]

A closed loop: each connection is kept alive and sends its next request when the last answer is in. The resource is a
CarePlan of about 5 KB. A POST counts once it was validated, is on disk and was answered 201. Client and server share
the machine, so compare the server's CPU time for each request first. The bare server validates nothing, keeps no
versions and answers reads from one table; it writes each resource to disk before it answers, as ours does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks._results import Result, note
from fhir_mh.fhir.json import dumps, loads

JSON = "application/fhir+json"
TICK = os.sysconf("SC_CLK_TCK")


def plan(patient: str) -> bytes:
    """A valid CarePlan of about 5 KB."""
    words = "Ring my sister before anybody else, and sit with me until she is here. " * 2
    return dumps(
        {
            "resourceType": "CarePlan",
            "identifier": [{"system": "urn:example:plan", "value": str(uuid4())}],
            "status": "active",
            "intent": "plan",
            "title": "Crisis plan",
            "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "736253002"}]}],
            "subject": {"reference": f"Patient/{patient}"},
            "period": {"start": "2026-11-24"},
            "activity": [
                {"id": str(number), "detail": {"kind": "Task", "status": "in-progress", "description": words}}
                for number in range(20)
            ],
        }
    )


# --- the client


class Connection:
    """One kept-alive connection, with as little between it and the socket as can be."""

    def __init__(self, address: str) -> None:
        found = urlsplit(address)
        self.host, self.port = found.hostname or "", found.port or 80

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
        if body:
            head += f"Content-Type: {JSON}\r\nContent-Length: {len(body)}\r\n"
        self.writer.write(head.encode() + b"\r\n" + body)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        at = answer.find(b"content-length:")
        length = int(answer[at + 15 : answer.find(b"\r\n", at)]) if at >= 0 else 0
        return int(answer[9:12]), await self.reader.readexactly(length)


@dataclass
class Figure:
    """What one loop came to. cpu: the server's milliseconds for each request. memory: MiB at its end."""

    rate: float
    p50: float
    p99: float
    cpu: float | None
    memory: float | None


async def loop(
    address: str, pid: int, seconds: float, connections: int, request: Callable[[], tuple[str, str, bytes]], wanted: int
) -> Figure:
    """Run one closed loop. Raises RuntimeError for an answer with another status than the one wanted."""
    times: list[float] = []
    opened = [Connection(address) for _ in range(connections)]
    for one in opened:
        await one.open()
    began, spent = time.perf_counter(), cpu_of(pid)
    end = began + seconds

    async def work(connection: Connection) -> None:
        while (start := time.perf_counter()) < end:
            status, text = await connection.ask(*request())
            if status != wanted:
                raise RuntimeError(f"answered {status}: {text[:500]!r}")
            times.append(time.perf_counter() - start)

    await asyncio.gather(*(work(one) for one in opened))
    took = time.perf_counter() - began
    for one in opened:
        one.writer.close()
    times.sort()
    used = cpu_of(pid)
    cpu = None if spent is None or used is None else (used - spent) * 1000 / len(times)
    return Figure(
        len(times) / took,
        times[len(times) // 2] * 1000,
        times[int(len(times) * 0.99)] * 1000,
        cpu,
        memory_of(pid),
    )


def cpu_of(pid: int) -> float | None:
    """Seconds of CPU a process has used; None where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICK


def memory_of(pid: int) -> float | None:
    """Resident MiB; None where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), None)


# --- the servers


@contextmanager
def server(*command: str, folder: str) -> Iterator[tuple[str, int]]:
    """Address and process id of a server that prints its address."""
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.terminate()
        process.wait(20)


def bare(file: str) -> None:
    """Serve one table with Starlette and sqlite3."""
    import socket

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE r (id TEXT PRIMARY KEY, text BLOB)")

    async def create(request: Request) -> Response:
        name, text = str(uuid4()), await request.body()
        loads(text)
        connection.execute("INSERT INTO r VALUES (?, ?)", (name, text))
        return Response(b'{"id":"%s"}' % name.encode(), 201, media_type=JSON)

    async def read(request: Request) -> Response:
        row = connection.execute("SELECT text FROM r WHERE id = ?", (request.path_params["id"],)).fetchone()
        return Response(row[0], media_type=JSON)

    routes = [
        Route("/fhir/{type}/{id}", read, methods=["GET"]),
        Route("/fhir/{type}", create, methods=["POST"]),
    ]
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, access_log=False, http="httptools")
    uvicorn.Server(config).run([listening])


async def measure(address: str, pid: int, seconds: float, connections: int) -> dict[str, Figure]:
    """POST, then GET of what was posted."""
    first = Connection(address)
    await first.open()
    status, text = await first.ask("POST", "/fhir/Patient", b'{"resourceType":"Patient"}')
    assert status == 201, text
    patient = loads(text)["id"]
    bodies = [plan(patient) for _ in range(500)]
    names = []
    for body in bodies[:200]:  # warms up what is compiled when first met
        status, text = await first.ask("POST", "/fhir/CarePlan", body)
        assert status == 201, text
        names.append(loads(text)["id"])
    turn = iter(range(10**9))
    posts = await loop(
        address, pid, seconds, connections, lambda: ("POST", "/fhir/CarePlan", bodies[next(turn) % 500]), 201
    )
    gets = await loop(
        address, pid, seconds, connections, lambda: ("GET", f"/fhir/CarePlan/{names[next(turn) % 200]}", b""), 200
    )
    return {"POST": posts, "GET": gets}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--bare", metavar="FILE", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        bare(given.bare)
        return
    found: dict[str, dict[str, Figure]] = {}
    for name, command in (
        ("fhir-mh serve", ("-m", "fhir_mh.cli", "serve", "--port", "0", "--ods", "ZCT1")),
        ("Starlette + sqlite3, bare", (str(Path(__file__).resolve()), "--bare", "bare.sqlite3")),
    ):
        with tempfile.TemporaryDirectory(prefix="fmh") as folder, server(*command, folder=folder) as (address, pid):
            found[name] = uvloop.run(measure(address, pid, given.seconds, given.connections))
    for what in ("POST", "GET"):
        (ours, one), (beside, least) = ((name, figures[what]) for name, figures in found.items())
        note(Result(what, ours, one.rate, "a second", beside, least.rate, more_is_better=True))
        if one.memory is not None:
            note(Result(f"memory after {what}", ours, one.memory, "MiB", beside, least.memory))
    table = Table("", "server", "a second", "p50 ms", "p99 ms", "CPU ms each", "memory MiB")
    for what in ("POST", "GET"):
        for name, figures in found.items():
            one = figures[what]
            cpu = "" if one.cpu is None else f"{one.cpu:.2f}"
            memory = "" if one.memory is None else f"{one.memory:.0f}"
            table.add_row(what, name, f"{one.rate:,.0f}", f"{one.p50:.2f}", f"{one.p99:.2f}", cpu, memory)
    Console().print(table)


if __name__ == "__main__":
    main()
