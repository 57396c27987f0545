"""What holds for all tests, wherever they are.

`--fail-on-skip`: a skipped test, or a module that skips itself, counts as failed. `make verify` uses it.

What tests write stays in memory where there is room for it, so that nothing waits for a disk: every commit of a store
is flushed. TMPDIR says where else it is to be.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from typing import Any

import pytest

_MEMORY, _ROOM = "/dev/shm", 4 << 30  # bytes; and PostgreSQL must be able to run from there  # noqa: S108


def _has_room() -> bool:
    try:
        return shutil.disk_usage(_MEMORY).free > _ROOM and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    except (OSError, AttributeError):
        return False


if "TMPDIR" not in os.environ and _has_room() and os.access(_MEMORY, os.W_OK):
    os.environ["TMPDIR"] = tempfile.tempdir = _MEMORY


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="count every skipped test as failed")


def _refuse(report: Any) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{reason} (and --fail-on-skip lets nothing be skipped)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("fail_on_skip"):
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and collector.config.getoption("fail_on_skip"):
        _refuse(report)
    return report
