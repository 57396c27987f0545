"""Deliveries between two real `fhir-mh serve` processes on loopback: how many a second, how soon, in how much memory.

python -m benchmarks.deliveries [--people N] [--changes N]

A delivery is one plan version that its partner has durably stored and acknowledged. The rate: the home gateway is
started with the plans of N people waiting, and what the partner holds is counted until it is all of them: first with
all that the partner must know of somebody it has never heard of, then with a newer version of each of those plans. It
is measured where each person has a crisis plan alone, each version then being a message of its own, and where each
has a care plan and a crisis plan that are reviewed together, as they mostly are: those travel in one message. Beside
it the processor time that each delivery took of sender, receiver and PostgreSQL's backends together. The latency: one
plan is changed at a time; from the answer to the change, which is on disk by then, until the partner serves the new
words, asked every millisecond; and the same while a hundred plans a second are changed, asked every ten milliseconds:
where those asked for it cannot be had the changes fall behind, and the rate that was reached is said.

Beside them the least that could be done: httpx over aiohttp posting the same texts, one for each request, to Starlette
and sqlite3, which writes each to disk before it answers; it signs, merges, validates and decides nothing. Databases
and processes all share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
from httpx_aiohttp import AiohttpTransport
from nhs_number import generate
from nhs_number.constants import REGION_SYNTHETIC
from rich.console import Console
from rich.table import Table

from benchmarks._results import Result, note
from benchmarks.rest import cpu_of, memory_of, server
from fhir_mh.api import build_gateway
from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway import Gateway
from fhir_mh.settings import Settings, load
from fhir_mh.store import Tx
from tests.databases import NoPostgres, postgres_database, postgres_server

HOME, WARD = "ZCT1", "ZOA1"
NAMES = {HOME: "Community trust", WARD: "Ward far away"}
SECRET = "the secret of this pair, for benchmarks only"
CRISIS, BOTH = ("crisis_plans",), ("crisis_plans", "care_plans")  # the plans that each person has
CONNECTIONS = 32
PACE = 100  # changes a second
ENOUGH = 120.0  # seconds until something must have happened


def person(number: str, plans: Sequence[str] = CRISIS) -> dict[str, Any]:
    """Plans of an ordinary size, and the placement that lets them be sent."""
    signs = [{"sign": f"Sign {n}: I stop answering the phone.", "coping": "A walk with my sister."} for n in range(5)]
    steps = [{"description": f"Step {n}: Cooking with the support worker.", "kind": "Task"} for n in range(5)]
    made = {
        "crisis_plans": {"id": f"plan-{number}", "title": "Crisis plan", "status": "active", "warning_signs": signs},
        "care_plans": {"id": f"care-{number}", "title": "Care plan", "status": "active", "activities": steps},
    }
    return {
        "person": {"nhs_number": number, "names": [{"family": "Example"}], "birth_date": "1984-02-03"},
        "organisations": [{"id": f"{ods}-{number}", "ods": ods, "name": name} for ods, name in NAMES.items()],
        "placements": [
            {
                "id": f"stay-{number}", "status": "active", "level": "2",
                "requested_by": {"id": f"{HOME}-{number}"}, "provider": {"id": f"{WARD}-{number}"},
            }
        ],
        **{kind: [made[kind]] for kind in plans},
    }  # fmt: skip


def configured(folder: Path, stores: dict[str, str]) -> dict[str, Settings]:
    """The settings of both, each written to a file of its own."""
    with ExitStack() as held:
        sockets = {ods: held.enter_context(socket.socket()) for ods in NAMES}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        ports = {ods: one.getsockname()[1] for ods, one in sockets.items()}
    found = {}
    for ods, other in ((HOME, WARD), (WARD, HOME)):
        said = {"ods": ods, "name": NAMES[ods], "port": ports[ods], "store": stores[ods]}
        partner = {"ods": other, "name": NAMES[other], "base_url": f"http://127.0.0.1:{ports[other]}", "secret": SECRET}
        lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()] + ["[[partners]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in partner.items()]
        file = folder / f"{ods}.toml"
        file.write_text("\n".join(lines))
        found[ods] = load(file)
    return found


def fill(settings: Settings, numbers: Sequence[str], plans: Sequence[str] = CRISIS) -> list[bytes]:
    """Let the plans of each person wait for the partner; the texts of some of the messages, as they will be sent."""
    gateway = build_gateway(settings)

    def texts(tx: Tx) -> list[bytes]:
        lanes = tx.lanes.claim("benchmark", timedelta(0), 100)
        waiting = [tx.outbox.pending(lane, 1)[0] for lane in lanes]
        composed = [gateway.exchange.compose(tx, one) for one in waiting]
        return [dumps(one.as_json()) for one in composed if not hasattr(one, "reason")]

    with gateway.store:
        asyncio.run(saved(gateway, [person(number, plans) for number in numbers]))
        return gateway.store.write_now(texts)


def change(settings: Settings, numbers: Sequence[str], plans: Sequence[str] = CRISIS) -> None:
    """Let a newer version of each of these plans wait for the partner: one text of it is another."""
    gateway = build_gateway(settings)
    with gateway.store:
        asyncio.run(saved(gateway, [retitled(number, "Newer", plans=plans) for number in numbers]))


def retitled(number: str, title: str, plan: str = "", plans: Sequence[str] = CRISIS) -> dict[str, Any]:
    """A change of the title of somebody's plans. plan: the crisis plan's id, where it was made with another."""
    ids = {"crisis_plans": plan or f"plan-{number}", "care_plans": f"care-{number}"}
    return {"person": {"nhs_number": number}, **{kind: [{"id": ids[kind], "title": title}] for kind in plans}}


async def saved(gateway: Gateway, records: Sequence[dict[str, Any]]) -> None:
    """Have these written, fifty at a time."""
    context = AccessContext(HOME)
    for start in range(0, len(records), 50):
        await asyncio.gather(*(gateway.save(context, record) for record in records[start : start + 50]))


async def until(said: str, seen: Callable[[], Any], pause: float = 0.001) -> Any:
    """What `seen` gives once it gives anything. Raises TimeoutError."""
    end = time.perf_counter() + ENOUGH
    while time.perf_counter() < end:
        found = await seen()
        if found:
            return found
        await asyncio.sleep(pause)
    raise TimeoutError(said)


Spent = Callable[[], float]
"""Seconds of processor time that all processes under measure have used by now."""


def backends(store: str) -> list[int]:
    """The processes that PostgreSQL has for a database; none on SQLite."""
    if not store.startswith("postgresql"):
        return []
    import psycopg

    with psycopg.connect(store) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return [int(row[0]) for row in rows]


Rate = tuple[float, float]
"""Deliveries a second, from the first that is seen to have arrived until all have; processor ms for each."""


async def drained(address: str, plans: int, spent: Spent, since: str) -> Rate:
    """How fast this many plans arrive at a partner. since: an instant before any of them does."""
    async with await asking(address) as ward:
        return await _drained(ward, plans, spent, f"/fhir/CarePlan?_count=0&_lastUpdated=gt{since}")


async def _drained(ward: httpx.AsyncClient, plans: int, spent: Spent, asked: str) -> Rate:
    async def count() -> int:
        return int((await ward.get(asked)).json()["total"])

    first, began = await until("the first delivery", count), time.perf_counter()
    before, there = spent(), first
    while there < plans:  # to count them is work too: half of the time that is left is waited for each count
        took = time.perf_counter() - began
        if took > ENOUGH:
            raise TimeoutError("all deliveries")
        left = took * (plans - there) / (there - first) if there > first else 0.2
        await asyncio.sleep(min(1.0, max(0.01, left / 2)))
        there = await count()
    took, used = time.perf_counter() - began, spent() - before
    return (plans - first) / took, used * 1000 / (plans - first)


async def latencies(home: httpx.AsyncClient, ward: httpx.AsyncClient, number: str, changes: int) -> list[float]:
    """Milliseconds from the answer to each change until the partner serves it, shortest first."""
    there, here = [(await one.post("/records/find", json={"nhs_number": number})).json() for one in (ward, home)]
    plan = here["record"]["crisis_plans"][0]
    address = f"/records/{there['id']}"
    times = []
    for turn in range(changes + 5):  # the first few warm up what is compiled when first met
        title = f"Crisis plan {turn}"
        answer = await home.post("/records", json=retitled(number, title, plan["id"]))
        assert answer.status_code == 200, answer.text
        began = time.perf_counter()

        async def visible(title: str = title) -> bool:
            return title in (await ward.get(address)).text

        await until("the change", visible)
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times[5:])


async def plans_at(ward: httpx.AsyncClient) -> dict[str, str]:
    """NHS number -> the id of the plan there."""
    address, found = "/fhir/CarePlan?_count=200", {}
    while address:
        page = (await ward.get(address)).json()
        for entry in page.get("entry", ()):
            name = entry["resource"]["identifier"][0]["value"]
            found[name.removeprefix("plan-")] = entry["resource"]["id"]
        address = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
    return found


async def paced(home: httpx.AsyncClient, ward: httpx.AsyncClient, changes: int) -> tuple[float, list[float]]:
    """Changes a second, and the milliseconds from the answer to each until the partner serves it, shortest first."""
    times: list[float] = []
    asking_at_once = asyncio.Semaphore(2)  # so that the questions do not keep the ward from what they ask about

    async def one(number: str, plan: str, due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        answer = await home.post("/records", json=retitled(number, "Paced"))
        assert answer.status_code == 200, answer.text
        began = time.perf_counter()

        async def visible() -> bool:
            async with asking_at_once:
                return '"Paced"' in (await ward.get(f"/fhir/CarePlan/{plan}")).text

        await until("the change", visible, 0.01)
        times.append((time.perf_counter() - began) * 1000)

    plans = list((await plans_at(ward)).items())[:changes]
    began = time.perf_counter()
    await asyncio.gather(*(one(*plan, began + turn / PACE) for turn, plan in enumerate(plans)))
    return len(plans) / (time.perf_counter() - began), sorted(times)


async def asking(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=AiohttpTransport(), base_url=address, timeout=30)


async def between(
    addresses: dict[str, str], numbers: Sequence[str], changes: int
) -> tuple[list[float], tuple[float, list[float]]]:
    home, ward = await asking(addresses[HOME]), await asking(addresses[WARD])
    async with home, ward:
        return await latencies(home, ward, numbers[0], changes), await paced(home, ward, len(numbers))


async def bare(address: str, texts: Sequence[bytes], people: int, changes: int) -> tuple[float, list[float]]:
    """The same texts posted as they are: how many a second, and how long until one can be read."""
    client, turn = await asking(address), iter(range(people))
    headers = {"content-type": "application/json"}

    async def work() -> None:
        for number in turn:
            await client.post("/fhir/X", content=texts[number % len(texts)], headers=headers)

    async with client:
        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
        rate, times = people / (time.perf_counter() - began), []
        for number in range(changes):
            began = time.perf_counter()
            made = await client.post("/fhir/X", content=texts[number % len(texts)], headers=headers)
            await client.get(f"/fhir/X/{made.json()['id']}")
            times.append((time.perf_counter() - began) * 1000)
    return rate, sorted(times)


Row = tuple[str, float, float | None, list[float], list[float]]
"""Whose it is, first versions a second, newer ones a second, latencies in ms, MiB of each process."""


class Running:
    """Both gateways while they are measured, on these stores, with their settings in this folder."""

    def __init__(self, folder: Path, stores: dict[str, str]) -> None:
        self.folder, self.stores = folder, stores
        self.addresses: dict[str, str] = {}
        self.pids: dict[str, int] = {}

    def start(self, ods: str, stack: ExitStack) -> None:
        """Start one of them, which ends with this stack."""
        command = ("-m", "fhir_mh.cli", "serve", "--config", str(self.folder / f"{ods}.toml"))
        found = stack.enter_context(server(*command, folder=str(self.folder)))
        self.addresses[ods], self.pids[ods] = found

    def drain(self, plans: int, stack: ExitStack) -> Rate:
        """How fast the plans that wait at home leave, once it is started."""
        since = instant(datetime.now(UTC))
        self.start(HOME, stack)
        return asyncio.run(drained(self.addresses[WARD], plans, self.spent, since))

    def spent(self) -> float:
        """Seconds of processor time that all of them have used by now."""
        every = [*self.pids.values(), *(pid for store in self.stores.values() for pid in backends(store))]
        return sum(cpu_of(pid) or 0.0 for pid in every)


def measure(
    label: str, stores: dict[str, str], folder: Path, numbers: Sequence[str], plans: Sequence[str], changes: int
) -> tuple[Row, list[bytes]]:
    """The row of these stores, and some of the messages as they were sent. changes: 0 for the rates alone."""
    settings = configured(folder, stores)
    texts = fill(settings[HOME], numbers, plans)
    times: list[float] = []
    with ExitStack() as stack:
        running = Running(folder, stores)
        running.start(WARD, stack)
        rates, count = {}, len(numbers) * len(plans)
        with ExitStack() as before:
            rates["first"] = running.drain(count, before)
        change(settings[HOME], numbers, plans)
        rates["newer"] = running.drain(count, stack)
        for which, (_, each) in rates.items():
            print(f"{label}: {each:.2f} ms of processor time for each {which} version, both sides together", flush=True)
            note(Result("processor time for each delivery", f"{label}, {which} version, both sides", each, "ms"))
        if changes:
            times, paces = asyncio.run(between(running.addresses, numbers, changes))
            tell_pace(label, *paces)
        memory = [found for pid in running.pids.values() if (found := memory_of(pid)) is not None]
    return (label, rates["first"][0], rates["newer"][0], times, memory), texts


def tell_pace(label: str, pace: float, late: Sequence[float]) -> None:
    """Say how soon changes are visible while many are made. pace: how many a second there were; late: ms of each."""
    p50, p99 = percentiles(late)
    print(f"{label}: at {pace:.0f} changes a second, visible after {p50:.0f} ms (p50), {p99:.0f} ms (p99)", flush=True)
    note(Result(f"commit to visible at {PACE} a second, p99", f"{label}, {pace:.0f} reached", p99, "ms"))


def percentiles(times: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 99th of these, which are in order."""
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=4000)
    parser.add_argument("--changes", type=int, default=100)
    given = parser.parse_args()
    numbers = sorted(set(generate(for_region=REGION_SYNTHETIC, quantity=given.people)))
    rows: list[Row] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fmh")))
        for label, plans, changes in (("SQLite, two plans", BOTH, 0), ("SQLite", CRISIS, given.changes)):
            stores = {ods: f"sqlite:///{folder / ods}-{len(plans)}.sqlite3" for ods in NAMES}
            row, texts = measure(f"fhir-mh, {label}", stores, folder, numbers, plans, changes)
            rows.append(row)
        try:
            address = stack.enter_context(postgres_server())
        except NoPostgres as reason:
            print(f"without PostgreSQL: {reason}")
        else:
            stores = {ods: stack.enter_context(postgres_database(address)) for ods in NAMES}
            rows.append(measure("fhir-mh, PostgreSQL", stores, folder, numbers, CRISIS, given.changes)[0])
        command = (str(Path(__file__).with_name("rest.py")), "--bare", "bare.sqlite3")
        with server(*command, folder=str(folder)) as (address, pid):
            rate, times = asyncio.run(bare(address, texts, len(numbers), given.changes))
            rows.append(("httpx to Starlette + sqlite3, bare", rate, None, times, [memory_of(pid) or 0.0]))
    show(rows, sum(map(len, texts)) // len(texts))


def show(rows: Sequence[Row], size: int) -> None:
    """The table of this benchmark, and its lines for the table of all."""
    head = ("", "first a second", "newer a second", "p50 ms", "p99 ms", "memory MiB")
    table = Table(*head, title=f"Deliveries of {size:,} bytes")
    _, least, _, quick, _ = rows[-1]
    beside = rows[-1][0]
    for label, first, newer, times, memory in rows:
        found = percentiles(times) if times else ()
        rates = (f"{first:,.0f}", "" if newer is None else f"{newer:,.0f}")
        late = [f"{one:.1f}" for one in found] or ["", ""]
        table.add_row(label, *rates, *late, ", ".join(f"{one:.0f}" for one in memory))
        if newer is None:
            continue
        for which, rate in (("first", first), ("newer", newer)):
            how = f"{label}, {which} version"
            note(Result("deliveries", how, rate, "a second", beside, least, more_is_better=True))
        for which, ours, theirs in zip(("p50", "p99"), found, percentiles(quick), strict=False):
            note(Result(f"commit to visible, {which}", label, ours, "ms", beside, theirs))
    Console().print(table)


if __name__ == "__main__":
    main()
