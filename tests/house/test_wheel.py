"""The wheel, built from the source distribution and installed elsewhere, holds all that the product needs."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from fhir_mh import __version__, shipped
from tests.house.source import PACKAGE, ROOT

pytestmark = pytest.mark.slow


def run(*command: str | Path, folder: Path) -> str:
    ran = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that sees our dependencies but not the checkout."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    install = ("install", "--quiet", "--no-index", "--no-deps", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, folder=folder)
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_it_holds_every_file_of_the_package(wheel: Path) -> None:
    ours = {
        file.relative_to(ROOT).as_posix()
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("fhir_mh/")}
    assert {name for name in held if "/_shipped/" not in name} == ours


@pytest.mark.parametrize("kind", ["mappings", "package", "policies", "examples", "codes"])
def test_it_holds_what_ships_beside_the_package(wheel: Path, kind: shipped.Kind) -> None:
    folder = shipped.path(kind)
    ours = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    with ZipFile(wheel) as archive:
        start = f"fhir_mh/_shipped/{kind}/"
        held = {name.removeprefix(start) for name in archive.namelist() if name.startswith(start)}
    assert held == {name for name in ours if "__pycache__" not in name}


def test_it_carries_licence_and_notice(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)


def test_its_command_runs_elsewhere(elsewhere: Path) -> None:
    command = elsewhere / "env" / "bin" / "fhir-mh"
    assert run(command, "--version", folder=elsewhere) == f"fhir-mh {__version__}\n"
    assert "Usage" in run(command, "--help", folder=elsewhere)


def test_its_files_are_found_where_it_is_installed(elsewhere: Path) -> None:
    program = "import fhir_mh, fhir_mh.shipped as s; print(fhir_mh.__file__, s.path('mappings'), sep='\\n')"
    shown = run(elsewhere / "env" / "bin" / "python", "-c", program, folder=elsewhere)
    assert all(line.startswith(str(elsewhere)) for line in shown.splitlines())


def test_the_public_api_works_elsewhere(elsewhere: Path) -> None:
    program = "import fhir_mh; print([getattr(fhir_mh, name) for name in fhir_mh.__all__])"
    run(elsewhere / "env" / "bin" / "python", "-c", program, folder=elsewhere)
