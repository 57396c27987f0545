"""Tables of a few rows, read and written: what is known goes to the record, and what is not comes back where it was."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.mapping.codecs import BOOLEAN, DATE, DATETIME, INTEGER, TEXT, Codes, Unfit
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import MISSING, Derived, Group
from fhir_mh.mapping.slices import Many, Slices
from fhir_mh.mapping.templates import Template
from fhir_mh.profiles.elements import CODING, code, extension, fixed, holds, items, one, row, stated, tree, words

URL = "https://w3id.org/fhir-mh/StructureDefinition/"
TABLE: Group = tree(
    fixed("kind", "plan"),
    row("title", "title"),
    row("born", "born", DATE),
    code("status", "status", "draft active"),
    *words("about", "about"),
    stated("number", {"system": "urn:ours"}, row("number", "value")),
    one("coding", "main", {"system": "urn:main"}, row("main", "code")),
    extension("extension", "rank", row("rank", "valueInteger", INTEGER)),
    items("steps", "step", "step", row("text", "text")),
)


def read(json: Any) -> tuple[Any, dict[str, Any], list[tuple[str, str]]]:
    into: dict[str, Any] = {}
    ctx = Context()
    rest = TABLE.read(json, into, ctx)
    return rest, into, [(fault.code, fault.path) for fault in ctx.faults]


def write(item: dict[str, Any], rest: Any = None) -> Any:
    return TABLE.write(item, rest, Context())


def test_each_row_goes_to_its_field_and_back() -> None:
    json = {
        "kind": "plan", "title": "t", "born": "1984-02", "status": "active", "about": "words",
        "number": {"system": "urn:ours", "value": "7"}, "coding": [{"system": "urn:main", "code": "m"}],
        "extension": [{"url": URL + "rank", "valueInteger": 3}], "step": [{"id": "a", "text": "one"}],
    }  # fmt: skip
    rest, item, faults = read(json)
    assert (rest, faults) == (None, [])
    assert item == {
        "title": "t", "born": "1984-02", "status": "active", "about": {"text": "words"}, "number": "7", "main": "m",
        "rank": 3, "steps": [{"id": "a", "text": "one"}],
    }  # fmt: skip
    assert write(item) == json


@pytest.mark.parametrize(
    "json",
    [
        {"kind": "other"},
        {"title": "t", "colour": "red"},
        {"kind": "plan", "colour": {"deep": [1]}},
        {"kind": "plan", "number": {"system": "urn:theirs", "value": "7"}},
        {"kind": "plan", "coding": [{"system": "urn:x"}, {"system": "urn:main", "code": "m", "more": 1}, {"a": 1}]},
        {"kind": "plan", "coding": [{"system": "urn:main", "code": "a"}, {"system": "urn:main", "code": "b"}]},
        {"kind": "plan", "extension": [{"url": "urn:v", "valueString": "x"}, {"url": URL + "rank", "valueInteger": 1}]},
        {"kind": "plan", "extension": [{"url": URL + "rank", "valueInteger": 1, "_valueInteger": {"id": "i"}}]},
        {"kind": "plan", "step": [{"id": "a", "text": "one", "x": 1}, {"id": "b", "y": 2}]},
    ],
)
def test_what_no_row_knows_comes_back_where_it_was(json: Any) -> None:
    rest, item, faults = read(json)
    assert not faults
    assert write(item, rest) == json


def test_what_is_not_known_goes_with_its_item() -> None:
    _, item, _ = read({"kind": "plan", "step": [{"id": "a", "x": 1}, {"id": "b", "x": 2}]})
    item["steps"].reverse()
    assert write(item)["step"] == [{"id": "b", "x": 2}, {"id": "a", "x": 1}]
    del item["steps"][0]
    assert write(item)["step"] == [{"id": "a", "x": 1}]


@pytest.mark.parametrize(
    ("json", "faults"),
    [
        ([], [("map-wrong-type", "")]),
        ({"title": 7}, [("map-wrong-type", "title")]),
        ({"title": ""}, [("map-wrong-type", "title")]),
        ({"title": None}, [("map-wrong-type", "title")]),
        ({"status": "ended"}, [("map-unknown-code", "status")]),
        ({"born": "1984-13"}, [("map-wrong-format", "born")]),
        ({"about": 1, "title": 2}, [("map-wrong-type", "title"), ("map-wrong-type", "about")]),
        ({"step": {}}, [("map-wrong-type", "step")]),
        ({"step": [{"id": "a"}, 1]}, [("map-wrong-type", "step[1]")]),
        ({"step": [{"id": "a", "text": 1}]}, [("map-wrong-type", "step[0].text")]),
        ({"coding": ["x"]}, [("map-wrong-type", "coding[0]")]),
        ({"~absent": ["kind"]}, [("map-wrong-type", "~absent")]),
        (
            {"extension": [{"url": URL + "rank", "valueInteger": True}]},
            [("map-wrong-type", "extension[0].valueInteger")],
        ),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(json: Any, faults: list[tuple[str, str]]) -> None:
    assert read(json)[2] == faults


def test_equal_entries_keep_what_is_their_own() -> None:
    table = Slices([Many("coding", None, "codes", CODING, key=lambda part: str(part.get("code")))])
    json = [{"code": "a"}, {"code": "b"}, {"code": "a", "x": 1}, {"code": "a", "x": 2}]
    item: dict[str, Any] = {}
    rest = table.read(json, item, Context())
    assert table.write(item, rest, Context()) == json
    del item["codes"][1]
    assert table.write(item, rest, Context()) == [json[0], json[2], json[3]]


def test_a_derived_value_is_compared_when_read_and_stays_as_it_came_until_what_it_derives_from_changes() -> None:
    table = Group({"count": Derived("number of steps", lambda item: len(item.get("steps", [])) or None)})
    ctx = Context()
    item: dict[str, Any] = {"steps": [1, 2]}
    assert table.write(item, None, ctx) == {"count": 2}
    table.read({"count": 2}, item, ctx)
    ctx.settle()
    assert (item, ctx.warnings) == ({"steps": [1, 2]}, [])
    table.read({"count": 3}, item, ctx)
    ctx.settle()
    assert [(found.code, found.severity) for found in ctx.warnings] == [("map-derived-differs", "warning")]
    assert item["steps"] == [1, 2]
    assert table.write(item, None, ctx) == {"count": 3}
    item["steps"].append(3)
    item["steps"].append(4)
    assert table.write(item, None, ctx) == {"count": 4}
    item["steps"] = []
    assert table.write(item, None, ctx) is MISSING


@pytest.mark.parametrize(
    ("said", "yes", "no"),
    [
        ({"url": "u"}, [{"url": "u"}, {"url": "u", "x": 1}], [{}, {"url": "v"}, "u", None, ["u"]]),
        ({}, [{}, {"a": 1}], ["", None, []]),
        ({"a": {"b": [{"c": "d"}]}}, [{"a": {"b": [{}, {"c": "d", "e": 1}]}}],
         [{"a": {"b": []}}, {"a": [1]}, {"a": {"b": {"c": "d"}}}]),
        ([{"a": "1"}, {"b": "2"}], [[{"b": "2"}, {"a": "1"}]], [[{"a": "1"}], {"a": "1"}]),
        ({"n": 1, "t": "x"}, [{"n": 1, "t": "x"}], [{"n": 1}, {"t": "x"}, {"n": 2, "t": "x"}]),
    ],
)  # fmt: skip
def test_a_template_holds_where_all_it_says_is_said(said: Any, yes: list[Any], no: list[Any]) -> None:
    assert all(holds(said)(json) for json in yes)
    assert not any(holds(said)(json) for json in no)


def test_a_template_may_say_what_must_not_be_said() -> None:
    template = Template({"system": "s"}, unless={"use": "old"})
    assert template({"system": "s", "use": "official"})
    assert not template({"system": "s", "use": "old"})


@pytest.mark.parametrize(
    ("codec", "good", "bad"),
    [
        (TEXT, ["a", " "], ["", 1, None, True, ["a"]]),
        (DATE, ["2026", "2026-02", "2026-02-28"],
         ["2026-13", "26", "2026-2-1", "2026-11-24T09:30:00Z", 2026, "2026\n"]),
        (DATETIME, ["2026", "2026-11-24T09:30:00Z", "2026-11-24T09:30:00.50+01:00"],
         ["2026-11-24T09:30", "2026-11-24 09:30:00Z"]),
        (BOOLEAN, [True, False], [1, 0, "true", None]),
        (INTEGER, [0, -3], [True, "1", 1.5]),
    ],
)  # fmt: skip
def test_a_codec_takes_its_own_and_nothing_else(codec: Any, good: list[Any], bad: list[Any]) -> None:
    assert [codec.write(codec.read(value)) for value in good] == good
    for value in bad:
        with pytest.raises(Unfit):
            codec.read(value)


def test_codes_without_a_counterpart_are_refused() -> None:
    codec = Codes({"A": "active", "R": "active", "D": "draft"})
    assert [codec.read(code) for code in "ARD"] == ["active", "active", "draft"]
    assert codec.write("active") == "A"
    with pytest.raises(Unfit) as fault:
        codec.read("X")
    assert fault.value.code == "map-unknown-code"


def test_an_object_that_is_somebody_elses_is_kept_whole_and_never_mixed_with_ours() -> None:
    theirs = {"kind": "plan", "number": {"system": "urn:theirs", "value": "7", "~absent": 1}}
    rest, item, faults = read(theirs)
    assert not faults
    assert write(item, rest) == theirs
    assert write({**item, "number": "8"}, rest)["number"] == {"system": "urn:ours", "value": "8"}
