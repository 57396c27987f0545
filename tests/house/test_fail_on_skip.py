"""`make verify` lets nothing be skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SKIPPED = """
import pytest

def test_that_skips():
    pytest.skip("nothing here")

@pytest.mark.skip(reason="not now")
def test_that_is_marked():
    pass

def test_that_runs():
    pass
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest((Path(__file__).parents[2] / "conftest.py").read_text())
    return pytester


def test_a_skip_is_a_skip_without_the_option(project: pytest.Pytester) -> None:
    project.makepyfile(SKIPPED)
    project.runpytest().assert_outcomes(passed=1, skipped=2)


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_with_the_option_a_skip_is_a_failure(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    project.makepyfile(SKIPPED)
    result = project.runpytest("--fail-on-skip", *workers)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == 1
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) == 2
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_with_the_option_a_module_that_skips_itself_is_a_failure(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project.makepyfile("import pytest\npytest.skip('no corpora', allow_module_level=True)")
    assert project.runpytest("--fail-on-skip", *workers).ret != pytest.ExitCode.OK
