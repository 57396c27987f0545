"""Nothing in the repository names the machine it was written on, or where packages were downloaded from."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.house.source import ROOT

HOMES = r"/(?:home|Users|root)/\w+"
REGISTRIES = r"(?:pythonhosted\.org|pypi\.org/simple|registry\.npmjs\.org)"
TRACE = re.compile(f"{HOMES}|{REGISTRIES}")
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".json", ".fsh", ".cfg", ".ini", ".sh", ".csv", ""}
THIS = "tests/house/test_no_traces.py"


def test_no_committed_file_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout")
    found = []
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if name != THIS and file.suffix in TEXT and file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            found += [f"{name}: {trace}" for trace in TRACE.findall(text)]
    assert found == []
