"""`make bench`: every benchmark in turn, then one table of all they measured.

Each runs in a process of its own, so that none warms or weighs on the next.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks._results import FILE, noted, table_of

FOLDER = Path(__file__).resolve().parent
WIDE = 140  # columns of the last table where no terminal says how many there are


def main() -> int:
    """How many of the benchmarks failed; what they measured stands on standard output."""
    failed = 0
    with tempfile.NamedTemporaryFile(prefix="fmh") as file:
        for module in sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")):
            print(f"== {module}", flush=True)
            command = [sys.executable, "-m", f"benchmarks.{module}"]
            ran = subprocess.run(command, cwd=FOLDER.parent, check=False, env={**os.environ, FILE: file.name})
            failed += ran.returncode != 0
        console = Console()
        console = console if console.is_terminal else Console(width=WIDE)
        console.print(table_of(noted(Path(file.name))))
    return failed


if __name__ == "__main__":
    sys.exit(main())
