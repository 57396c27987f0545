"""`fhir-mh validate`: what it writes where, and its exit codes."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
import yaml

from fhir_mh.cli import exits, main, validate

GOOD = '{"resourceType": "Patient", "gender": "female"}'
BAD = '{"resourceType": "Patient",\n "gender": "somebody"}'
UNREADABLE = '{"resourceType": "Patient",\n "gender": }'


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    named = {"good": GOOD, "bad": BAD, "unreadable": UNREADABLE, "twice": '{"a": 1, "a": 2}', "list": "[]"}
    for name, text in named.items():
        (tmp_path / f"{name}.json").write_text(text)
    (tmp_path / "latin.json").write_bytes(b'{"resourceType": "Patient", "id": "\xe9"}')
    return {name: str(tmp_path / f"{name}.json") for name in (*named, "latin")}


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["good"], exits.DONE),
        (["bad"], exits.NOT_HELD),
        (["unreadable"], exits.NOT_HELD),
        (["good", "bad", "good"], exits.NOT_HELD),
    ],
)
def test_one_file_with_an_error_is_enough(files: dict[str, str], names: list[str], code: int) -> None:
    assert main(["validate", *(files[name] for name in names)]) == code


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("bad", "2:12: error validate-binding at Patient.gender"),
        ("unreadable", "2:12: fatal json-unreadable"),
        ("twice", "1:10: fatal json-duplicate-key\n"),
        ("list", "1:1: fatal json-not-an-object\n"),
        ("latin", "1:36: fatal json-encoding"),
    ],
)
def test_a_finding_stands_on_standard_output_with_its_place_and_how_to_mend_it(
    files: dict[str, str], name: str, head: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["validate", files[name]])
    said = capsys.readouterr()
    found = [block for block in said.out.split(f"{files[name]}:") if block.startswith(head)]
    assert found, said.out
    assert "\n    Fix: " in found[0]
    assert said.err.splitlines()[-1].startswith(f"{files[name]}: 1 error")


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_json_is_an_object_for_each_file(form: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", files["good"], files["bad"], "--format", form])
    out = capsys.readouterr().out
    good, bad = json.loads(out) if form == "json" else map(json.loads, out.splitlines())
    assert (good["file"], good["valid"]) == (files["good"], True)
    assert bad["valid"] is False
    (found,) = [one for one in bad["issues"] if one["severity"] == "error"]
    assert (found["code"], found["path"], found["line"], found["column"]) == (
        "validate-binding", "Patient.gender", 2, 12,
    )  # fmt: skip
    assert list(found) == ["severity", "code", "path", "line", "column", "message", "fix", "spec", "profile"]


def test_sarif_is_a_result_for_each_finding(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", files["good"], files["bad"], "--format", "sarif"])
    (ran,) = json.loads(capsys.readouterr().out)["runs"]
    (found,) = [one for one in ran["results"] if one["level"] == "error"]
    (place,) = found["locations"]
    assert found["ruleId"] == "validate-binding"
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": files["bad"]}, "region": {"startLine": 2, "startColumn": 12},
    }  # fmt: skip
    assert place["logicalLocations"] == [{"fullyQualifiedName": "Patient.gender"}]
    assert {one["ruleId"] for one in ran["results"]} == {rule["id"] for rule in ran["tool"]["driver"]["rules"]}


def test_junit_is_a_case_for_each_resource(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", files["good"], files["bad"], "--format", "junit"])
    suite = ElementTree.fromstring(capsys.readouterr().out).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite] == [files["good"], files["bad"]]
    assert [len(case) for case in suite] == [0, 1]
    assert "validate-binding at Patient.gender" in (suite[1][0].text or "")


def test_junit_tells_the_resources_of_one_file_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = str(folder / "many.ndjson")
    main(["validate", many, "--format", "junit"])
    suite = ElementTree.fromstring(capsys.readouterr().out)[0]
    assert [case.get("name") for case in suite] == [f"{many}:1", f"{many}:3", f"{many}:4"]


@pytest.mark.parametrize("form", ["json", "ndjson", "sarif", "junit", "outcome"])
def test_of_nothing_each_form_is_whole(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(tmp_path), "--format", form]) == exits.DONE
    out = capsys.readouterr().out
    if form == "junit":
        assert ElementTree.fromstring(out)[0].get("tests") == "0"
    elif form == "json":
        assert json.loads(out) == []
    elif form == "sarif":
        assert json.loads(out)["runs"][0]["results"] == []
    else:
        assert out == ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a resource deep down, others a line each, what is none, and what is hidden."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "bad.json").write_text(BAD)
    (tmp_path / "deep" / "er" / "bad.json").write_text(BAD)
    (tmp_path / "deep" / "package.json").write_text('{"name": "x"}')
    (tmp_path / "notes.txt").write_text("none")
    line = BAD.replace("\n", "")
    (tmp_path / "many.ndjson").write_text(f"{GOOD}\n\n{line}\n{GOOD}\n")
    return tmp_path


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_folder_is_read_at_any_depth(folder: Path, jobs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(folder), "--format", "ndjson", "--jobs", jobs]) == exits.NOT_HELD
    said = capsys.readouterr()
    found = [json.loads(line) for line in said.out.splitlines()]
    many = str(folder / "many.ndjson")
    assert [(one["file"], one["valid"]) for one in found] == [
        (str(folder / "deep/er/bad.json"), False), (many, True), (many, False), (many, True),
    ]  # fmt: skip
    assert [one["line"] for one in found[2]["issues"] if one["severity"] == "error"] == [3]
    assert "1 file" in said.err, "what was passed over is said"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_holds_no_resource_is_passed_over_where_it_may(
    jobs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = {"package.json": b'{"name": "x"}', "log.ndjson": b'{"at": 1}\n{"at": 2}\n', "tsconfig.json": b"{ // x\n}"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
    named = [str(tmp_path / name) for name in texts]
    assert main(["validate", "--jobs", jobs, *named]) == exits.NOT_HELD
    capsys.readouterr()
    assert main(["validate", "--resources-only", "--jobs", jobs, "--format", "ndjson", *named]) == exits.DONE
    said = capsys.readouterr()
    assert said.out == ""
    assert "3 files" in said.err, "what was passed over is said"


@pytest.mark.parametrize(
    "text",
    [
        UNREADABLE.encode(),
        GOOD[:-1].encode(),
        GOOD.encode("utf-16"),
        b'{"type": "collection", "entry": [{"resource": {"resourceType": "Patient"}}]}',
    ],
    ids=["broken", "cut off", "another encoding", "without its own type"],
)
def test_a_resource_that_is_broken_is_not_passed_over(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(text)
    assert main(["validate", "--resources-only", str(tmp_path / "one.json")]) == exits.NOT_HELD
    assert main(["validate", str(tmp_path)]) == exits.NOT_HELD


def test_the_hook_of_pre_commit_passes_over_what_is_no_resource(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load(Path(__file__).parents[3].joinpath(".pre-commit-hooks.yaml").read_text("utf-8"))
    (tmp_path / "package.json").write_text('{"name": "x"}')
    (tmp_path / "bad.json").write_text(BAD)
    program, *asked = hook["entry"].split()
    assert program == "fhir-mh"
    assert main([*asked, str(tmp_path / "package.json")]) == exits.DONE
    assert main([*asked, str(tmp_path / "package.json"), str(tmp_path / "bad.json")]) == exits.NOT_HELD


def test_the_bar_moves_with_each_resource(folder: Path) -> None:
    bar = SimpleNamespace(done=0, add_task=lambda *_, **__: 1)
    bar.advance = lambda _: setattr(bar, "done", bar.done + 1)
    assert [given.line for given in validate._resources([folder / "many.ndjson"], bar, False)] == [1, 3, 4]
    assert bar.done == 3


def test_what_cannot_be_read_ends_the_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.json").symlink_to(folder / "nowhere.json")
    assert main(["validate", str(folder), "--format", "json"]) == exits.BAD_INPUT
    said = capsys.readouterr()
    assert "broken.json: it cannot be read" in said.err
    assert json.loads(said.out) == []


def test_a_number_that_may_be_a_persons_is_not_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "twice.json"
    file.write_text('{"9990000018": 1, "9990000018": 2}')
    for form in ("text", "json", "sarif", "junit", "outcome"):
        main(["validate", str(file), "--format", form])
        said = capsys.readouterr()
        assert "json-duplicate-key" in said.out
        assert "9990000018" not in said.out + said.err


def test_an_outcome_is_an_operation_outcome_for_each_file(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["validate", files["unreadable"], files["bad"], "--format", "outcome"])
    outcomes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["resourceType"] for one in outcomes] == ["OperationOutcome"] * 2
    assert outcomes[0]["issue"][0]["details"]["coding"][0]["code"] == "json-unreadable"


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(BAD.encode())))
    assert main(["validate", "-"]) == exits.NOT_HELD
    assert "standard input:2:12: error validate-binding" in capsys.readouterr().out


def test_what_could_not_be_checked_is_said_and_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "claims.json"
    file.write_text('{"resourceType": "Patient", "meta": {"profile": ["https://example.org/unknown"]}}')
    assert main(["validate", str(file)]) == exits.DONE
    said = capsys.readouterr()
    assert "not checked" in said.err


def test_a_profile_that_is_not_at_hand_ends_the_command(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["validate", files["good"], "--profile", "https://example.org/unknown"]
    assert main(asked) == exits.BAD_INPUT
    assert "https://example.org/unknown" in capsys.readouterr().err
    assert main(["validate", files["good"], "--package", "no-such-package@1"]) == exits.BAD_INPUT


def test_only_the_rule_sets_asked_for_count(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", files["bad"], "--rules", "profile, clinical"]) == exits.DONE
    assert main(["validate", files["bad"], "--rules", "bass"]) == exits.BAD_INPUT
    assert "bass" in capsys.readouterr().err
