"""The pages that must keep up with the code: settings, dependencies, FHIRPath."""

from __future__ import annotations

import doctest
import re
import tomllib

import pytest

from fhir_mh.partner import Connection, Partner
from fhir_mh.settings import Client, Settings
from tests.house.source import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
DEPENDENCIES = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
CONSTRAINTS = [
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def section(heading: str) -> str:
    found = re.search(rf"^## {heading}.*?$(.*?)(?=^## |\Z)", CONFIGURATION, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


@pytest.mark.parametrize(
    ("heading", "model"),
    [("The gateway", Settings), ("Each partner", Partner), ("Each connection", Connection), ("Each client", Client)],
)
def test_the_configuration_page_lists_every_setting_and_no_other(heading: str, model: type) -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", section(heading), re.MULTILINE))
    assert {name for name in listed if not name.endswith("_file")} == set(model.model_fields)  # type: ignore[attr-defined]


def test_the_configuration_page_gives_the_defaults_that_are() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", section("The gateway"), re.MULTILINE))
    fields = {name: field.default for name, field in Settings.model_fields.items() if name in rows}
    assert rows == {
        name: default.get_secret_value() if hasattr(default, "get_secret_value") else str(default)
        for name, default in fields.items()
    }


def test_the_example_of_the_configuration_page_is_valid_toml() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", CONFIGURATION, re.DOTALL)
    assert set(tomllib.loads(example)) <= set(Settings.model_fields)


def required() -> list[str]:
    project = PROJECT["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    return sorted({re.split(r"[\[<>=;]", one)[0] for found in lists for one in found if isinstance(one, str)})


@pytest.mark.parametrize("name", required())
def test_every_dependency_is_justified_and_pinned(name: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", DEPENDENCIES)
    normal = re.sub(r"[-_.]+", "-", name).lower()
    assert normal in {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in CONSTRAINTS}


def test_every_justified_dependency_is_one() -> None:
    product = DEPENDENCIES.split("## What the product needs")[1].split("## ")[0]
    listed = {name for row in re.findall(r"^\| ([\w, .-]+) \|", product, re.MULTILINE) for name in row.split(", ")}
    wanted = {re.split(r"[\[<>=;]", one)[0] for one in PROJECT["project"]["dependencies"]}
    assert listed - {"package"} == wanted


def test_constraints_are_names_and_versions_only() -> None:
    assert [line for line in CONSTRAINTS if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_the_examples_of_the_page_on_fhirpath_give_what_they_say() -> None:
    page = (ROOT / "docs/fhirpath.md").read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, "docs/fhirpath.md", None, None)
    said: list[str] = []
    ran = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert (ran.failed, said) == (0, [])
    assert ran.attempted > 10
