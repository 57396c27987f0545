"""`make bench`: every benchmark in turn, each in a process of its own so that none warms or weighs on the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """How many of the benchmarks failed; what they measured stands on standard output."""
    failed = 0
    for module in sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")):
        print(f"== {module}", flush=True)
        failed += (
            subprocess.run([sys.executable, "-m", f"benchmarks.{module}"], cwd=FOLDER.parent, check=False).returncode
            != 0
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
