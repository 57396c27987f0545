"""More seeds than the tests run: python -m tests.sim [--seeds N] [--from SEED] [--processes N]

Each run that breaks a law, or ends in anything else, is told with its seed and the end of its story; the status is
then 1. What a seed finds becomes a scenario of its own in test_scenarios.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.databases import empty_store
from tests.sim.servers import drawn
from tests.sim.test_seeds import STEPS
from tests.sim.world import World

_TOLD = 100  # seeds between two lines that say how far it is


def run(seed: int, folder: Path) -> str | None:
    """What went wrong in the run of one seed, with its story; None where the laws hold."""
    warnings.simplefilter("error")  # as in the tests
    with tempfile.TemporaryDirectory(dir=folder) as own:
        try:
            with World(seed, Path(own), folder / "empty.sqlite3", servers=drawn(seed)) as world:
                world.run(STEPS)
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # a broken law is not an Exception
            return "".join(traceback.format_exception(fault))
    return None


def runs(seeds: range, processes: int) -> Iterator[tuple[int, str | None]]:
    """Each seed in turn, and what went wrong in its run."""
    with tempfile.TemporaryDirectory(prefix="fmh") as name, ProcessPoolExecutor(processes) as pool:
        folder = Path(name)
        empty_store(folder / "empty.sqlite3")
        yield from zip(seeds, pool.map(run, seeds, [folder] * len(seeds)), strict=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    failed = []
    for seed, fault in runs(range(given.first, given.first + given.seeds), given.processes):
        if fault is not None:
            failed.append(seed)
            print(f"== seed {seed}\n{fault}", flush=True)
        if (done := seed - given.first + 1) % _TOLD == 0 or done == given.seeds:
            print(f"{done} of {given.seeds} seeds from {given.first}; the laws broke at {failed or 'none'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
