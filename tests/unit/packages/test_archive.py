"""`fhir-mh package build`: one file, the same bytes each time, that other people's tools can load."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fhir_mh import __version__, cli, shipped
from fhir_mh.cli import exits
from fhir_mh.errors import PackageError
from fhir_mh.packages.archive import archive, package_archive, package_name
from fhir_mh.packages.base import base_facts
from fhir_mh.packages.definitions import Definitions
from fhir_mh.packages.facts import to_ship
from fhir_mh.validation import Validator
from tests.house.source import ROOT

PLAN = "https://w3id.org/fhir-mh/StructureDefinition/mh-crisis-plan"


def members(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as held:
        return {entry.name: held.extractfile(entry).read() for entry in held}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def packed() -> bytes:
    return package_archive()


def test_it_holds_every_file_of_the_package_unchanged(packed: bytes) -> None:
    held = members(packed)
    index = held.pop("package/.index.json")
    assert held == {f"package/{file.name}": file.read_bytes() for file in shipped.path("package").iterdir()}
    assert json.loads(index)["index-version"] == 1


def test_its_manifest_says_name_version_dependencies_and_licence(packed: bytes) -> None:
    manifest = json.loads(members(packed)["package/package.json"])
    assert package_name() == f"{manifest['name']}-{__version__}.tgz"
    assert manifest["fhirVersions"] == ["4.0.1"]
    assert manifest["dependencies"]["hl7.fhir.r4.core"] == "4.0.1"
    assert len(manifest["dependencies"]) == 2
    assert manifest["license"] == "Apache-2.0"
    for name in ("LICENSE", "NOTICE"):
        assert members(packed)[f"package/{name}"] == (ROOT / name).read_bytes()


def test_its_index_names_each_definition(packed: bytes) -> None:
    held = members(packed)
    entries: list[dict[str, Any]] = json.loads(held["package/.index.json"])["files"]
    definitions = {name for name in held if name.endswith(".json")} - {"package/package.json", "package/.index.json"}
    assert {f"package/{entry['filename']}" for entry in entries} == definitions
    for entry in entries:
        definition = json.loads(held[f"package/{entry['filename']}"])
        assert {key: definition.get(key) for key in entry if key != "filename"} == {
            key: value for key, value in entry.items() if key != "filename"
        }
        assert "url" in entry


def test_equal_files_give_equal_bytes_in_any_order(packed: bytes) -> None:
    files = {name.removeprefix("package/"): text for name, text in members(packed).items()}
    files.pop(".index.json")
    turned = dict(reversed(files.items()))
    assert archive(turned) == packed == package_archive()
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as held:
        assert {(entry.mtime, entry.uid, entry.uname, entry.mode) for entry in held} == {(0, 0, "", 0o644)}
    assert packed[4:8] == bytes(4)  # nor is the time in the header of what compresses it


def test_our_own_loader_reads_of_it_what_ships(packed: bytes, tmp_path: Path) -> None:
    file = tmp_path / "ours.tgz"
    file.write_bytes(packed)
    loaded = Definitions([file], own=False)
    own = {url: facts for url, facts in base_facts("own").items() if url.startswith("https://w3id.org/fhir-mh/")}
    assert own
    for url, facts in own.items():
        kinds = {"StructureDefinition": loaded.structure, "ValueSet": loaded.value_set}
        kinds |= {"CodeSystem": loaded.code_system, "SearchParameter": loaded.search_parameter}
        found = kinds[facts["resourceType"]](url)
        assert found is not None
        assert to_ship(found, ours=True) == facts
    report = Validator([file]).validate({"resourceType": "CarePlan", "status": "active", "intent": "order"}, [PLAN])
    assert "validate-pattern" in {found.code for found in report.issues}


def test_the_command_writes_it_and_says_where(
    packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["package", "build"]) == exits.DONE
    assert (tmp_path / package_name()).read_bytes() == packed
    assert cli.main(["package", "build", "--output", str(tmp_path / "x.tgz")]) == exits.DONE
    assert (tmp_path / "x.tgz").read_bytes() == packed
    assert capsys.readouterr().out.splitlines() == [package_name(), str(tmp_path / "x.tgz")]
    assert {file.name for file in tmp_path.iterdir()} == {package_name(), "x.tgz"}


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["package", "build", "--output", str(tmp_path / "none" / "x.tgz")]) == exits.BAD_INPUT
    assert "cannot be written" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "files", [{}, {"package.json": b"{"}, {"package.json": b'{"name":"a","version":"1"}', "a.json": b"["}]
)
def test_a_damaged_installation_is_told(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_bytes(text)
    monkeypatch.setattr(shipped, "path", lambda kind: tmp_path)
    with pytest.raises(PackageError, match="install fhir_mh again"):
        package_archive()
    assert cli.main(["package", "build", "--output", str(tmp_path / "x.tgz")]) == exits.BAD_INPUT
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "x.tgz").exists()
