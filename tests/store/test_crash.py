"""kill -9 in the middle of writing: what was acknowledged is there, and nothing is there in half."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fhir_mh.store import Tx, open_store

ROOT = Path(__file__).parents[2]

WRITER = """
import asyncio, sys
from fhir_mh.store import open_store

store = open_store(sys.argv[1])
start = int(sys.argv[2])

def write(number):
    def fn(tx):
        person = tx.add_person(f"p{number}")
        tx.put({"resourceType": "Goal", "id": f"a{number}", "x": "w" * 3000}, person=person, custodian="A")
        tx.put({"resourceType": "Goal", "id": f"b{number}"}, person=person, custodian="A")
        tx.outbox.add("W", person, "snapshot", edition=tx.edition(person, "A"), message=f"m{number}")
    return fn

async def writer(lane):
    for turn in range(10_000):
        number = start + turn * 8 + lane
        await store.write(write(number))
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()

async def main():
    await asyncio.gather(*(writer(lane) for lane in range(8)))

asyncio.run(main())
"""


def _write_until_killed(address: str, start: int) -> list[int]:
    """The numbers whose write was acknowledged before the process was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, address, str(start)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(100)]
    time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    lines = rest.split("\n")[:-1]  # a line without its end was never said
    return acknowledged + [int(line) for line in lines]


def _whole(tx: Tx, number: int) -> bool:
    """All of a write, or (False) none of it; anything between fails."""
    present = [
        tx.has_person(f"p{number}"),
        tx.get("Goal", f"a{number}") is not None,
        tx.get("Goal", f"b{number}") is not None,
        tx.outbox.get(f"m{number}") is not None,
        tx.edition(f"p{number}", "A") == 1,
        tx.lanes.get("W", f"p{number}") is not None,
    ]
    assert len(set(present)) == 1, (number, present)
    return present[0]


@pytest.mark.parametrize("times", [3])
def test_what_was_acknowledged_survives_and_nothing_is_there_in_half(store_url: str, times: int) -> None:
    acknowledged: list[int] = []
    for turn in range(times):
        acknowledged += _write_until_killed(store_url, turn * 100_000)
    with open_store(store_url) as store:
        for number in acknowledged:
            assert store.read_now(lambda tx, number=number: _whole(tx, number)), number
        for turn in range(times):
            mine = [number for number in acknowledged if number // 100_000 == turn]
            for number in range(max(mine) - 8, max(mine) + 17):  # what was under way when the process died
                store.read_now(lambda tx, number=number: _whole(tx, number))
        assert store.write_now(lambda tx: tx.add_person("after")) == "after"
