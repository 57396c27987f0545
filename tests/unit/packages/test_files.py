"""What a package may be made of, and how each thing that it may not is refused: PackageError, naming the file."""

from __future__ import annotations

import copy
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_mh import Validator, cli
from fhir_mh.cli import exits
from fhir_mh.errors import PackageError
from fhir_mh.packages import files as bounds
from fhir_mh.packages.files import files_of
from fhir_mh.packages.source import open_package, read_package
from tests.unit.packages.made import HOME, files, folder, manifest, profile, tgz

HELD = files(manifest("vendor", "1.0.0"), profile("p", "1"))


def archive_of(place: Path, *entries: tarfile.TarInfo) -> Path:
    with tarfile.open(place, "w:gz") as target:
        for entry in entries:
            target.addfile(entry, io.BytesIO(bytes(entry.size)))
    return place


def entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.size, made.linkname = kind, size, "/etc/hostname"
    return made


def test_a_folder_and_an_archive_give_the_same_files(tmp_path: Path) -> None:
    held = {**HELD, ".index.json": b"{}", "README.md": b"", "other.xml": b"<x/>"}
    found = list(files_of(folder(tmp_path / "folder", held)))
    assert {file.name: file.text for file in found} == HELD
    assert sorted(found) == sorted(files_of(tgz(tmp_path / "a.tgz", held)))
    assert found == list(files_of(tmp_path / "folder" / "package"))


def test_what_lies_deeper_is_no_definition_of_the_package(tmp_path: Path) -> None:
    (folder(tmp_path / "x", HELD) / "package" / "examples").mkdir()
    (tmp_path / "x" / "package" / "examples" / "e.json").write_bytes(b"{")
    deeper = {**HELD, "examples/e.json": b"{"}
    for place in (tmp_path / "x", tgz(tmp_path / "x.tgz", deeper)):
        assert {file.name for file in files_of(place)} == HELD.keys()


@pytest.mark.parametrize("name", ["../p.json", "package/../../p.json", "/p.json", "package/../p.json"])
def test_a_file_that_leads_out_of_an_archive_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="p.json"):
        list(files_of(archive_of(tmp_path / "x.tgz", entry(name))))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_link_or_device_in_an_archive_is_refused(kind: bytes, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="p.json"):
        list(files_of(archive_of(tmp_path / "x.tgz", entry("package/p.json", kind))))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes by name")
def test_of_a_folder_only_plain_files_are_read(tmp_path: Path) -> None:
    place = folder(tmp_path / "x", HELD) / "package"
    (place / "linked.json").symlink_to(place / "0.json")
    assert {file.name for file in files_of(place)} == {*HELD, "linked.json"}
    (place / "nowhere.json").symlink_to(place / "none")
    with pytest.raises(PackageError, match=r"nowhere\.json"):
        list(files_of(place))
    (place / "nowhere.json").unlink()
    os.mkfifo(place / "pipe.json")
    with pytest.raises(PackageError, match=r"pipe\.json"):
        list(files_of(place))


@pytest.mark.parametrize("bound", ["file", "total", "what is passed over"])
def test_no_more_is_read_than_a_package_may_hold(bound: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_FILE", 100 if bound == "file" else 10**6)
    monkeypatch.setattr(bounds, "MAX_TOTAL", 10**6 if bound == "file" else 20_000)
    large = {f"{number}.json": b"{}".ljust(9_000) for number in range(1 if bound == "file" else 3)}
    named = r"0\.json" if bound == "file" else "x"
    if bound == "what is passed over":
        large = {"picture.png": bytes(10**6)}
    else:
        with pytest.raises(PackageError, match=named):
            list(files_of(folder(tmp_path / "x", large)))
    with pytest.raises(PackageError, match=named):
        list(files_of(tgz(tmp_path / "x.tgz", large)))


@pytest.mark.parametrize("cut", [1, 40, -20])
def test_an_archive_cut_short_is_refused(cut: int, tmp_path: Path) -> None:
    whole = tgz(tmp_path / "x.tgz", HELD)
    whole.write_bytes(whole.read_bytes()[:cut])
    with pytest.raises(PackageError, match=r"x\.tgz"):
        list(files_of(whole))


BROKEN = {
    "no JSON": {"bad.json": b'{"resourceType": "StructureDefinition"'},
    "no UTF-8": {"bad.json": b'"StructureDefinition\xff"'},
    "no manifest": {"package.json": b"{"},
    "a manifest that is a list": {"package.json": b"[]"},
    "dependencies that are a list": {"package.json": b'{"name": "a", "dependencies": ["b"]}'},
    "a version that is a number": {"package.json": b'{"name": "a", "dependencies": {"b": 1}}'},
    "releases that are no list": {"package.json": b'{"name": "a", "fhirVersions": "4.0.1"}'},
    "a manifest of R5": {"package.json": b'{"name": "a", "fhirVersions": ["5.0.0"]}'},
    "an old manifest of STU3": {"package.json": b'{"name": "a", "fhir-version-list": ["3.0.1"]}'},
}


@pytest.mark.parametrize("held", BROKEN.values(), ids=BROKEN.keys())
def test_a_package_that_would_be_misread_is_refused(
    held: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (folder(tmp_path / "x", held), tgz(tmp_path / "x.tgz", held)):
        with pytest.raises(PackageError, match=r"package a\b|package\.json|bad\.json"):
            open_package(place)
        resource = tmp_path / "p.json"
        resource.write_text('{"resourceType": "Patient"}')
        assert cli.main(["validate", "--package", str(place), str(resource)]) == exits.BAD_INPUT
    assert "Traceback" not in capsys.readouterr().err


OF_NO_USE: dict[str, tuple[str, bytes]] = {
    "a resource": ("a.json", b'{"resourceType": "Patient"}'),
    "a Bundle of nothing": ("a.json", b'{"resourceType": "Bundle", "type": "collection"}'),
    "a definition without a url": ("a.json", b'{"resourceType": "StructureDefinition", "name": "A"}'),
    "a list": ("a.json", b"[]"),
    "broken": ("a.json", b"{"),
    "nothing": ("a.txt", b""),
}


@pytest.mark.parametrize(("name", "text"), OF_NO_USE.values(), ids=OF_NO_USE.keys())
def test_what_holds_no_definition_is_no_package(
    name: str, text: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = tmp_path / "p.json"
    resource.write_text('{"resourceType": "Patient"}')
    places = [folder(tmp_path / "x", {name: text}), tgz(tmp_path / "x.tgz", {name: text})]
    for place in [*places, *[places[0] / name][: name.endswith(".json")]]:
        with pytest.raises(PackageError, match=r"a\.json|x|x\.tgz"):
            open_package(place)
        assert cli.main(["validate", "--package", str(place), str(resource)]) == exits.BAD_INPUT
        said = capsys.readouterr().err
        assert "a.json" in said or (place.name in said and text != b"{")


def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = folder(tmp_path / "x", {"bad.json": b'{"resourceType": "StructureDefinition"\n "url"'})
    resource = tmp_path / "p.json"
    resource.write_text('{"resourceType": "Patient"}')
    assert cli.main(["validate", "--package", str(place), str(resource)]) == exits.BAD_INPUT
    assert capsys.readouterr().err.startswith("bad.json:2:2: fatal json-unreadable")


def test_a_package_of_a_manifest_alone_may_be_there_for_what_it_rests_on(tmp_path: Path) -> None:
    assert open_package(folder(tmp_path / "x", files(manifest("vendor", "1.0.0")))).definitions == []


def test_a_profile_without_a_url_among_others_is_told(tmp_path: Path) -> None:
    nameless = profile("p", "1")
    del nameless["url"]
    held = files(profile("p", "1")) | {"nameless.json": json.dumps(nameless).encode()}
    (note,) = open_package(folder(tmp_path / "x", held)).notes
    assert note.startswith("nameless.json")


MALFORMED = [
    {"differential": {"element": "text"}},
    {"differential": {"element": ["text"]}},
    {"differential": []},
    {"differential": {"element": [{"path": 1}]}},
    {"differential": {"element": [{"path": "Patient.name", "max": "many"}]}},
    {"differential": {"element": [{"path": "Patient.name", "min": "1"}]}},
    {"differential": {"element": [{"id": "Patient.name"}]}},
    {"differential": {"element": [{"path": "Patient.name", "type": ["HumanName"]}]}},
    {"differential": {"element": [{"path": "Patient.name", "binding": "x"}]}},
    {"baseDefinition": 1},
    {"baseDefinition": "https://example.org/fhir/p"},
]


@pytest.mark.parametrize("more", MALFORMED, ids=str)
def test_a_definition_that_is_not_formed_as_fhir_says_is_told_when_it_is_asked_for(
    more: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = folder(tmp_path / "x", files(manifest("vendor", "1.0.0"), profile("p", "1") | more))
    resource = tmp_path / "p.json"
    resource.write_text('{"resourceType": "Patient", "meta": {"profile": ["https://example.org/fhir/p"]}}')
    ended = cli.main(["validate", "--package", str(place), str(resource)])
    said = capsys.readouterr().err
    unchecked = "validate-unchecked-profile" in said or "validate-unusable-profile" in said
    assert (ended, unchecked) in ((exits.BAD_INPUT, False), (exits.DONE, True)), said


def test_a_key_that_stands_twice_is_told_with_its_file(tmp_path: Path) -> None:
    text = b'{"resourceType": "ValueSet", "url": "https://example.org/x", "status": "draft", "status": "active"}'
    with pytest.raises(PackageError, match=r"twice\.json"):
        list(read_package(folder(tmp_path / "x", {"twice.json": text})))


WHOLE = profile(
    "p",
    "1",
    {
        "path": "Patient.name",
        "min": 1,
        "max": "2",
        "type": [{"code": "HumanName", "profile": ["x|1"]}],
        "constraint": [{"key": "a", "severity": "error", "expression": "true", "human": "h"}],
        "slicing": {"discriminator": [{"type": "value", "path": "use"}], "rules": "open", "ordered": False},
    },
    {"path": "Patient.name", "sliceName": "one", "maxLength": 3},
    {"path": "Patient.gender", "binding": {"strength": "required", "valueSet": "x|1"}},
    {"path": "Patient.link.other", "type": [{"code": "Reference", "targetProfile": ["x"]}]},
)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_definition_it_is_used_or_refused(data: st.DataObject) -> None:
    """Any part of a profile replaced by anything that JSON can say: a report or a PackageError, nothing else."""
    broken = copy.deepcopy(WHOLE)
    holder: Any = broken
    for step in data.draw(st.sampled_from(list(places(WHOLE)))):
        outer, holder, last = holder, holder[step], step
    outer[last] = data.draw(anything)
    with suppress(PackageError):
        validator = Validator(resources=[broken, profile("q", "1", base=HOME + "p")])
        validator.validate(NAMED)


NAMED = {
    "resourceType": "Patient",
    "meta": {"profile": [HOME + "p", HOME + "q"]},
    "name": [{"text": "A"}, {"use": "usual"}],
    "gender": "male",
    "link": [{"other": {"reference": "Patient/1"}, "type": "refer"}],
}


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if here:
        yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in items:
        yield from places(held, (*here, key))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda held: st.lists(held, max_size=3) | st.dictionaries(st.sampled_from(["path", "id", "code", "element"]), held),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_whatever_byte_of_an_archive_is_another_it_is_read_or_refused(at: int, byte: int, tmp_path: Path) -> None:
    text = bytearray(tgz(tmp_path / "x.tgz", HELD).read_bytes())
    text[at % len(text)] = byte
    (tmp_path / "x.tgz").write_bytes(text)
    with suppress(PackageError):
        list(read_package(tmp_path / "x.tgz"))
