"""A long backlog between two real `fhir-mh serve` processes on loopback: how fast it drains, and in how much memory.

python -m benchmarks.backlog [--people N]      (100000 is what is promised of)

The home gateway is started with a snapshot of each of N people waiting, as after a partner's long absence. While they
leave, the memory of both processes is looked at twice a second: it may not grow with what waits. The plans are copies
of one that the gateway itself made, under other ids, for making N through the gateway would take longer than the drain.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
from nhs_number import generate
from nhs_number.constants import REGION_SYNTHETIC
from rich.console import Console
from rich.table import Table

from benchmarks._results import Result, note
from benchmarks.deliveries import HOME, NAMES, WARD, asking, configured, person
from benchmarks.rest import memory_of, server
from fhir_mh.api import build_gateway
from fhir_mh.consent import AccessContext
from fhir_mh.fhir.json import loads
from fhir_mh.fhir.urls import NHS_NUMBER
from fhir_mh.gateway.holding import about
from fhir_mh.settings import Settings
from fhir_mh.store import StoredResource, Tx

AT_ONCE = 500  # people in one transaction


def fill(settings: Settings, numbers: Sequence[str]) -> None:
    """Let a plan of each person wait for the partner."""
    gateway = build_gateway(settings)
    first, *others = numbers

    def copied(tx: Tx, model: Sequence[StoredResource], number: str) -> None:
        whole = b"\n".join(stored.text for stored in model).replace(first.encode(), number.encode())
        for stored in model:
            whole = whole.replace(stored.id.encode(), str(uuid4()).encode())
        made = tx.add_person()
        tx.identify(made, NHS_NUMBER, number)
        for text in whole.split(b"\n"):
            tx.put(loads(text), person=made, custodian=HOME)
        tx.outbox.add(WARD, made, "snapshot", edition=tx.edition(made, HOME), replaces=True)

    with gateway.store as store:
        saved = asyncio.run(gateway.save(AccessContext(HOME), person(first)))
        model = store.read_now(lambda tx: about(tx, saved.id))
        for start in range(0, len(others), AT_ONCE):
            some = others[start : start + AT_ONCE]
            store.write_now(lambda tx, some=some: [copied(tx, model, number) for number in some])


async def drain(ward: httpx.AsyncClient, people: int, pids: Sequence[int]) -> tuple[float, list[list[float]]]:
    """Deliveries a second, and the memory of the processes each time that it was looked at."""
    began, samples = time.perf_counter(), []
    while True:
        total = int((await ward.get("/fhir/CarePlan?_count=0")).json()["total"])
        samples.append([float(total), *(memory_of(pid) or 0.0 for pid in pids)])
        if total >= people:
            return people / (time.perf_counter() - began), samples
        await asyncio.sleep(0.5)


async def run(address: str, people: int, pids: Sequence[int]) -> tuple[float, list[list[float]]]:
    async with await asking(address) as ward:
        return await drain(ward, people, pids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=5000)
    given = parser.parse_args()
    numbers = sorted(set(generate(for_region=REGION_SYNTHETIC, quantity=given.people)))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fmh")))
        settings = configured(folder, {ods: f"sqlite:///{folder / ods}.sqlite3" for ods in NAMES})
        began = time.perf_counter()
        fill(settings[HOME], numbers)
        print(f"{len(numbers):,} snapshots wait, made in {time.perf_counter() - began:.0f} s", flush=True)
        addresses, pids = {}, []
        for ods in (WARD, HOME):
            command = ("-m", "fhir_mh.cli", "serve", "--config", str(folder / f"{ods}.toml"))
            addresses[ods], pid = stack.enter_context(server(*command, folder=str(folder)))
            pids.append(pid)
        rate, samples = asyncio.run(run(addresses[WARD], len(numbers), pids))
    show(len(numbers), rate, samples)


def show(people: int, rate: float, samples: Sequence[Sequence[float]]) -> None:
    """How the memory went, and the lines for the table of all."""
    table = Table("delivered", "receiver MiB", "sender MiB", title=f"A backlog of {people:,}: {rate:,.0f} a second")
    for tenth in range(11):
        at = next(one for one in samples if one[0] >= people * tenth / 10)
        table.add_row(*(f"{figure:,.0f}" for figure in at))
    Console().print(table)
    note(Result("backlog drained", f"fhir-mh, SQLite, {people:,}", rate, "a second", more_is_better=True))
    for name, column in (("receiver", 1), ("sender", 2)):
        half = [one[column] for one in samples if one[0] >= people / 10]
        note(Result(f"backlog, growth of the {name}", f"last nine tenths of {people:,}", max(half) - half[0], "MiB"))


if __name__ == "__main__":
    main()
