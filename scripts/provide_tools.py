"""Provides the developer's tools that the virtual environment cannot hold; needs no root except for the browser.

    python scripts/provide_tools.py [sushi] [packages] [engine] [browser]

sushi      SUSHI, at the version pinned here, from npm into .tools/sushi
packages   UK Core and R4 core in ~/.fhir/packages, put there by ../shared/tools/fhir-packages where that is beside the
           checkout; where it is not, SUSHI fetches what it can from the FHIR registry
engine     HL7's validation engine, built with Maven from tests/conformance/engine into .tools; it runs on Java 17
browser    Chromium on the path, from Debian's packages where this is root on Debian

What is there already is left alone. What cannot be had is told in one line each; the exit code is then 1.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
SUSHI_VERSION = "3.21.0"
SUSHI = TOOLS / f"sushi-{SUSHI_VERSION}" / "node_modules" / ".bin" / "sushi"
ENGINE_SOURCES = ROOT / "tests" / "conformance" / "engine"
FILLER = ROOT.parent / "shared" / "tools" / "fhir-packages"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class NotToBeHad(Exception):
    """Why a tool cannot be provided, in one line."""


def run(*command: str | Path) -> None:
    """Run a command quietly. Raises NotToBeHad with the last line it wrote where it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise NotToBeHad(f"{Path(command[0]).name} failed: {said[-1] if said else f'exit code {done.returncode}'}")


def needed(command: str, why: str) -> str:
    """The path of a command. Raises NotToBeHad where it is not on this machine."""
    found = shutil.which(command)
    if found is None:
        raise NotToBeHad(f"{command} is not on the path; {why}.")
    return found


def sushi() -> None:
    """The pinned SUSHI, installed once and whole: a broken-off installation leaves no command behind."""
    if SUSHI.exists():
        return
    npm = needed("npm", "SUSHI runs on Node: install Node 18 or later with npm")
    print(f"Installing SUSHI {SUSHI_VERSION} into .tools ...", flush=True)
    wanted = SUSHI.parents[2]
    fresh = wanted.with_suffix(".part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    quiet = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    run(npm, "install", "--prefix", fresh, *quiet, f"fsh-sushi@{SUSHI_VERSION}")
    shutil.rmtree(wanted, ignore_errors=True)
    fresh.rename(wanted)


def engine_folder() -> Path:
    """Where the engine built from the sources as they stand is, or would be: engine.jar, and dependency/*.jar."""
    digest = hashlib.sha256()
    for file in sorted(file for file in ENGINE_SOURCES.rglob("*") if file.suffix in (".xml", ".java")):
        digest.update(file.read_bytes())
    return TOOLS / f"engine-{digest.hexdigest()[:12]}" / "target"


def engine() -> None:
    """HL7's validation engine, built once for the sources as they stand."""
    needed("java", "HL7's validation engine needs a Java runtime, 17 or later")
    wanted = engine_folder().parent
    if wanted.exists():
        return
    maven = needed("mvn", "Maven builds HL7's validation engine")
    print("Building HL7's validation engine into .tools ...", flush=True)
    fresh = wanted.with_suffix(".part")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(ENGINE_SOURCES, fresh)
    run(maven, "-q", "-B", "-f", fresh / "pom.xml", "package")
    for older in TOOLS.glob("engine-*"):
        if older != fresh:
            shutil.rmtree(older)
    fresh.rename(wanted)


def packages() -> None:
    """The FHIR packages that our profiles rest on, in the user's package cache."""
    if FILLER.exists():
        run(sys.executable, FILLER)


def browser() -> None:
    """A Chromium on the path."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    apt = needed("apt-get", "install Chromium, which the tests of pages drive, by this system's own means")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise NotToBeHad("Chromium is not on the path and this is not root: apt-get install chromium")
    print("Installing Chromium from Debian's packages ...", flush=True)
    run(apt, "update", "-q")
    run(apt, "install", "-qy", "--no-install-recommends", "chromium")


PROVIDED: dict[str, Callable[[], None]] = {"sushi": sushi, "packages": packages, "engine": engine, "browser": browser}


def main(names: list[str]) -> int:
    """Provide each tool named; returns 1 where one could not be had, after trying them all."""
    failed = False
    for name in names:
        try:
            PROVIDED[name]()
        except NotToBeHad as reason:
            failed = True
            print(f"{name}: {reason}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
