"""HL7's engine, started once where it is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_mh.packages.archive import package_archive
from fhir_mh.packages.source import cache
from scripts.build_profiles import config
from tests.conformance.hl7 import Engine, absent


@pytest.fixture(scope="session")
def beneath() -> list[Path]:
    """The packages that ours names as its dependencies, in the user's package cache."""
    folders = [cache() / f"{name}#{version}" for name, version in config()["dependencies"].items()]
    missing = [folder.name for folder in folders if not folder.is_dir()]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not in the FHIR package cache: `make profiles` puts it there")
    return folders


@pytest.fixture(scope="session")
def engine(beneath: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """HL7's, with our package as `fhir-mh package build` writes it and those it rests on."""
    if absent():
        pytest.skip(absent())
    scratch = tmp_path_factory.mktemp("engine")
    ours = scratch / "ours.tgz"
    ours.write_bytes(package_archive())
    with Engine([*beneath, ours], scratch) as started:
        yield started
