"""Another project builds on our package: SUSHI takes it as a dependency, with a profile on a profile of ours."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from fhir_mh.packages.source import cache
from scripts import build_profiles
from scripts.provide_tools import SUSHI

CONFIGURATION = """\
canonical: https://vendor.example/fhir
fhirVersion: 4.0.1
version: 1.0.0
status: draft
FSHOnly: true
dependencies: {fhir-mh: 0.1.0}
"""
SHORTHAND = """\
Profile: VendorCrisisPlan
Parent: https://w3id.org/fhir-mh/StructureDefinition/mh-crisis-plan
Id: vendor-crisis-plan
Description: "A crisis plan with a title."
* title 1..1
"""


@pytest.mark.slow
def test_sushi_builds_a_profile_on_ours(tmp_path: Path) -> None:
    beneath = [f"{name}#{version}" for name, version in build_profiles.manifest()["dependencies"].items()]
    if not SUSHI.exists() or not all((cache() / name).is_dir() for name in beneath):
        pytest.skip("SUSHI is not in .tools or UK Core not in the package cache: `make profiles` provides both")
    packages = tmp_path / "home" / ".fhir" / "packages"
    ours = packages / f"fhir-mh#{build_profiles.manifest()['version']}"
    ours.mkdir(parents=True)
    for name in beneath:
        (packages / name).symlink_to(cache() / name)
    assert build_profiles.main(["--snapshots", str(tmp_path / "ours.tgz")]) == 0
    with tarfile.open(tmp_path / "ours.tgz") as held:
        held.extractall(ours, filter="data")
    sources = tmp_path / "vendor" / "input" / "fsh"
    sources.mkdir(parents=True)
    (tmp_path / "vendor" / "sushi-config.yaml").write_text(CONFIGURATION)
    (sources / "plan.fsh").write_text(SHORTHAND)
    around = {**os.environ, "HOME": str(tmp_path / "home")}
    ran = subprocess.run([SUSHI, "build", tmp_path / "vendor"], env=around, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    made = tmp_path / "vendor" / "fsh-generated" / "resources" / "StructureDefinition-vendor-crisis-plan.json"
    profile = json.loads(made.read_text())
    assert profile["type"] == "CarePlan"
    assert [(e["path"], e["min"]) for e in profile["differential"]["element"]] == [("CarePlan.title", 1)]
