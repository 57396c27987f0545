"""Makes .venv and puts fhir_mh, its pinned dependencies and its tools into it. Does nothing where nothing changed.

Runs on a bare Python 3.11 or later; needs only the standard library. `make setup` calls it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".set-up"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def wanted() -> str:
    """What the environment is made from, as one digest: it is made again only when this changes."""
    digest = hashlib.sha256()
    for part in (Path(__file__), ROOT / "pyproject.toml", ROOT / "constraints.txt"):
        digest.update(part.read_bytes())
    digest.update(str(ROOT).encode())
    return digest.hexdigest()


def works() -> bool:
    """Whether .venv holds a Python that is new enough and has pip."""
    question = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return (
        PYTHON.exists() and subprocess.run([PYTHON, "-c", question], capture_output=True, check=False).returncode == 0
    )


def install(*what: str) -> None:
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt", *what]
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before anything is known to be new enough
        print(f"fhir_mh needs Python 3.11 or later; this is {sys.version.split()[0]}.", file=sys.stderr)
        print("Name a newer one: make setup PYTHON=/path/to/python3", file=sys.stderr)
        return 1
    if works() and STAMP.exists() and STAMP.read_text() == wanted():
        return 0
    if not works():
        print("Making a virtual environment in .venv ...", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False)
        if made.returncode:
            print("Python could not make it: its venv or ensurepip part is missing.", file=sys.stderr)
            print("On Debian and Ubuntu: apt install python3-venv", file=sys.stderr)
            return 1
    print("Installing pinned dependencies (a minute or two the first time) ...", flush=True)
    try:
        install("pip", "hatchling")  # a pip that knows dependency groups; the build backend, pinned like the rest
        install("--no-build-isolation", "--editable", ".[models,postgresql]", "--group", "dev")
    except subprocess.CalledProcessError as failed:
        print("The installation stopped; the reason is above. Running it again carries on.", file=sys.stderr)
        return failed.returncode
    STAMP.write_text(wanted())
    print("Ready.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
