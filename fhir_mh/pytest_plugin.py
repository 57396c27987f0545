"""For tests of other projects: what they make conforms, or the test fails with what is wrong and how to mend it.

Installed with fhir_mh, pytest offers the fixtures below; FHIR packages to check against besides ours are named in the
project's pytest settings: `fhir_packages = ["build/package.tgz", "hl7.fhir.us.core#6.1.0"]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fhir_mh import Validator
    from fhir_mh.validation import Report

_SETTING = "fhir_packages"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting."""
    parser.addini(_SETTING, "FHIR packages to check against: .tgz, folder, JSON file or name#version.", "linelist")


@pytest.fixture(scope="session")
def fhir_validator(pytestconfig: pytest.Config) -> Validator:
    """The validator of this session, with the packages that `fhir_packages` names (files from the root folder)."""
    from fhir_mh import Validator

    named = pytestconfig.getini(_SETTING)
    return Validator([pytestconfig.rootpath / each if (pytestconfig.rootpath / each).exists() else each
                      for each in named])  # fmt: skip


@pytest.fixture
def assert_conforms(fhir_validator: Validator) -> Callable[..., Report]:
    """`assert_conforms(resource, *profiles, warnings=True)`: the Report, once nothing in it is an error.

    resource: a dict, or JSON as text or bytes (then lines are named too). profiles: URLs it must follow besides those
    it claims. warnings=False lets no warning pass either. Fails the test otherwise; what could not be checked is in
    the report's not_checked. PackageError where a profile is not at hand.
    """

    def check(resource: dict[str, Any] | str | bytes, *profiles: str, warnings: bool = True) -> Report:
        __tracebackhide__ = True
        from fhir_mh.cli.issue_text import plain

        report = fhir_validator.validate(resource, profiles)
        wrong = [one for one in report.issues if one.is_error or (not warnings and one.severity == "warning")]
        if wrong:
            pytest.fail("\n".join(["This resource does not conform:", *map(plain, wrong)]), pytrace=False)
        return report

    return check
