"""The pages of the profiles, the crosswalk and the example resources are what tables, package and records give."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fhir_mh import Validator
from fhir_mh.fhir.json import load_object
from fhir_mh.profiles.bundle import table_of
from fhir_mh.profiles.concerns import CONCERN
from scripts.pages import __main__ as command
from scripts.pages import index
from scripts.pages.crosswalk import crosswalk
from scripts.pages.definitions import ROOT, Package
from scripts.pages.examples import PUBLISHED, values_at
from scripts.pages.profile_page import broken
from scripts.pages.rows import rows_of

PAGES = ROOT / "docs" / "profiles"
LINK = re.compile(r"\]\((?!https?://)([^)#]*)(#[^)]*)?\)")


@pytest.fixture(scope="module")
def package() -> Package:
    return Package()


@pytest.fixture(scope="module")
def wanted() -> dict[Path, str]:
    return command.files()


def test_what_is_committed_is_what_the_sources_give(wanted: dict[Path, str]) -> None:
    assert [path.relative_to(ROOT).as_posix() for path in command.differing(wanted)] == [], "run `make pages`"


def test_a_page_that_differs_is_missing_or_too_many_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PAGES", tmp_path)
    monkeypatch.setattr(command, "EXAMPLES", tmp_path / "examples")
    monkeypatch.setattr(command, "CODES", tmp_path / "codes")
    wanted = {tmp_path / "a.md": "a", tmp_path / "b.md": "b", tmp_path / "examples" / "c.json": "c"}
    command.write(wanted, command.differing(wanted))
    assert command.differing(wanted) == []
    (tmp_path / "a.md").write_text("other", "utf-8")
    (tmp_path / "b.md").unlink()
    (tmp_path / "examples" / "d.json").write_text("d", "utf-8")
    wrong = command.differing(wanted)
    assert [path.name for path in wrong] == ["a.md", "b.md", "d.json"]
    command.write(wanted, wrong)
    assert command.differing(wanted) == []


# --- nothing is left out


@pytest.mark.parametrize("table", PUBLISHED, ids=lambda table: table.name)
def test_each_profile_has_its_page_with_every_row_of_its_table(table: Any) -> None:
    page = (PAGES / f"mh-{table.name}.md").read_text("utf-8")
    for row in rows_of(table):
        assert f"`{row.field}`" in page or row.field.startswith("("), row.field
        for path in row.paths:
            assert f"| {broken(path)}<br>" in page, path


def test_the_rows_are_the_whole_table() -> None:
    for table in PUBLISHED:
        fields = {row.field for row in rows_of(table)}
        for name, _ in table.group.rows():
            kept = {"numbers", "unknown", "id"} & {name.split(".")[-1]}
            assert not name or kept or any(name == f or name.startswith((f + ".", f + "[")) for f in fields), name


def test_the_index_leads_to_every_page_and_names_every_definition_and_rule(package: Package) -> None:
    page = (ROOT / "docs" / "profiles.md").read_text("utf-8")
    assert set(re.findall(r"\]\(profiles/(mh-[a-z-]+)\.md\)", page)) == {f"mh-{table.name}" for table in PUBLISHED}
    rules = {rule["key"] for found in package.held.values() for rule in package.rules(found)}
    named = {d["id"] for kind in ("StructureDefinition", "CodeSystem") for d in package.of_type(kind)}
    assert rules
    assert {name for name in rules | named if f"`{name}`" not in page} == set()


def test_an_index_without_a_place_for_a_table_is_refused(package: Package) -> None:
    with pytest.raises(LookupError, match="extensions"):
        index.filled("<!-- profiles: made by `make pages` --><!-- end of profiles -->", package)


@pytest.mark.parametrize("table", PUBLISHED, ids=lambda table: table.name)
def test_every_element_says_what_it_means_and_where_it_comes_from(table: Any, package: Package) -> None:
    """What is missing is written in profiles/input/fsh: meanings.fsh, or crosswalk.fsh where a source asks for it."""
    for row in rows_of(table):
        for path in row.paths:
            place = package.place(table.profile, path)
            assert place.short, f"{path} has no meaning: meanings.fsh, or the definition of its extension"
            assert all(identity for identity, _ in place.sources), f"{path} has no source: crosswalk.fsh"


# --- what is said is true


@pytest.mark.parametrize("table", PUBLISHED, ids=lambda table: table.name)
def test_the_example_of_a_profile_is_valid_and_says_so(table: Any, validator: Validator) -> None:
    resource = load_object((ROOT / "examples" / "profiles" / f"mh-{table.name}.json").read_bytes())
    found = CONCERN if table is CONCERN else table_of(resource)
    assert found is not None
    assert found.match(resource)
    assert found.name == table.name
    report = validator.validate(resource, profiles=[table.profile])
    assert [(one.code, one.path) for one in report.issues if one.severity != "warning"] == []


def test_values_are_found_where_the_table_says_and_not_beside() -> None:
    table = next(one for one in PUBLISHED if one.name == "crisis-plan")
    coded = [{"coding": [{"system": "https://w3id.org/fhir-mh/CodeSystem/crisis-plan-item", "code": code}]}
             for code in ("coping", "prevention")]  # fmt: skip
    plan = {"activity": [{"detail": {"code": code, "description": str(n)}} for n, code in enumerate(coded)]}
    for n, name in enumerate(("coping", "prevention")):
        assert list(values_at(table.group, plan, f"activity[{name}].detail.description")) == [str(n)]
    assert list(values_at(table.group, plan, "activity[review].detail.description")) == []


def test_the_cardinality_on_a_page_is_the_one_the_validator_checks(package: Package, validator: Validator) -> None:
    for table in PUBLISHED:
        resource = load_object((ROOT / "examples" / "profiles" / f"mh-{table.name}.json").read_bytes())
        for row in rows_of(table):
            for path in row.paths:
                place = package.place(table.profile, path)
                if "." in path or not place.cardinality.startswith("1") or "[" in path or path not in resource:
                    continue
                less = {key: value for key, value in resource.items() if key not in (path, f"_{path}")}
                assert not validator.validate(less, profiles=[table.profile]).valid, path


def test_every_link_leads_somewhere() -> None:
    for page in [ROOT / "docs" / "profiles.md", ROOT / "docs" / "crosswalk.md", *PAGES.glob("*.md")]:
        text = page.read_text("utf-8")
        heads = {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-")
                 for head in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}  # fmt: skip
        for target, anchor in LINK.findall(text):
            if target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
            elif anchor:
                assert anchor[1:] in heads, f"{page.name}: {anchor}"


def test_no_table_has_a_row_of_another_width() -> None:
    for page in [ROOT / "docs" / "profiles.md", ROOT / "docs" / "crosswalk.md", *PAGES.glob("*.md")]:
        width = 0
        for line in page.read_text("utf-8").splitlines():
            cells = len(re.split(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert not (width and cells) or cells == width, f"{page.name}: {line[:80]}"
            width = cells


# --- the crosswalk


def test_the_crosswalk_holds_every_item_and_says_what_is_not_there(package: Package) -> None:
    page = crosswalk(package)
    for item in range(1, 9):
        assert f"| crisis plan, item {item} of 8:" in page
    for measure in "abcd":
        assert f"| measure {measure}:" in page
    rows = {line.split(" | ")[0].strip("| "): line for line in page.splitlines() if line.startswith("| ")}
    for lacking in ("item 3 of 8", "item 4 of 8", "item 7 of 8"):
        (row,) = [line for item, line in rows.items() if lacking in item]
        assert "| none found |" in row


def test_every_mapping_of_the_package_that_asks_for_something_is_on_the_crosswalk(package: Package) -> None:
    page = crosswalk(package)
    for definition in package.held.values():
        for element in definition.get("differential", {}).get("element", ()):
            for said in element.get("mapping", ()):
                if said["identity"] not in ("fhir-mh", "prsb", "mhsds"):
                    assert f"| {said['map']} |" in page, (definition["id"], element["id"])
