"""One module reads the environment and one the time, so that tests can decide both."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import dotted, modules

ENVIRONMENT = {"os.environ", "os.getenv", "os.environb", "os.putenv"}
TIME = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.localtime",
    "time.gmtime",
    "uuid.uuid1",
}


def readings(tree: ast.Module, forbidden: set[str]) -> list[int]:
    """The lines on which one of these is named, however it was imported."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            if any(name == one or name.endswith(f".{one}") for one in forbidden):
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom):
            lines += [node.lineno for found in node.names if f"{node.module}.{found.name}" in forbidden]
    return lines


@pytest.mark.parametrize(
    ("forbidden", "reader"), [(ENVIRONMENT, "fhir_mh/settings.py"), (TIME, "fhir_mh/clock.py")], ids=["os", "time"]
)
def test_only_one_module_reads_it(forbidden: set[str], reader: str) -> None:
    found = {path: lines for path, tree in modules().items() if (lines := readings(tree, forbidden))}
    assert set(found) == {reader}, found


@pytest.mark.parametrize(
    "text", ["import os\nos.environ['A']", "from os import environ", "import datetime\ndatetime.datetime.now()"]
)
def test_every_way_of_reading_is_seen(text: str) -> None:
    assert readings(ast.parse(text), ENVIRONMENT | TIME)
