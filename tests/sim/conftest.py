"""An empty store to copy, so that opening one costs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_mh.gateway import finding
from tests.databases import empty_store


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that holds nothing."""
    file = tmp_path_factory.mktemp("sim") / "empty.sqlite3"
    empty_store(file)
    return file


@pytest.fixture(autouse=True)
def _never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was promised comes with a later round: time is the simulation's own."""
    monkeypatch.setattr(finding, "LOOKS", 0)
