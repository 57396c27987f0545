"""The names that callers rely on, and that they cost nothing until used."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable

import pytest

import fhir_mh
from fhir_mh import fhirpath

EMPTY = inspect.Parameter.empty


def test_the_public_names_are_these() -> None:
    assert fhir_mh.__all__ == ["CareRecord", "Validator", "__version__", "from_bundle", "to_bundle"]


def test_the_public_names_of_fhirpath_are_these() -> None:
    names = ["Environment", "Expression", "FHIRPathError", "Model", "Moment", "Node", "Quantity", "compile", "evaluate"]
    assert fhirpath.__all__ == names
    assert all(hasattr(fhirpath, name) for name in names)


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (fhirpath.evaluate, {"resource": EMPTY, "expression": EMPTY, "environment": None}),
        (fhirpath.compile, {"expression": EMPTY}),
        (fhirpath.Expression.evaluate, {"self": EMPTY, "resource": EMPTY, "environment": None}),
    ],
)
def test_fhirpath_is_called_so(function: Callable[..., object], parameters: dict[str, object]) -> None:
    assert {one.name: one.default for one in inspect.signature(function).parameters.values()} == parameters


@pytest.mark.parametrize("name", fhir_mh.__all__)
def test_each_is_there(name: str) -> None:
    assert getattr(fhir_mh, name) is not None
    assert name in dir(fhir_mh)


def test_there_is_no_other() -> None:
    with pytest.raises(AttributeError):
        fhir_mh.nothing_of_the_kind  # noqa: B018


def test_importing_it_imports_nothing_else() -> None:
    program = "import sys; before = set(sys.modules); import fhir_mh; print(*sorted(set(sys.modules) - before))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ours = [name for name in ran.stdout.split() if name.split(".")[0] not in sys.stdlib_module_names]
    assert ours == ["fhir_mh", "fhir_mh.version"]
