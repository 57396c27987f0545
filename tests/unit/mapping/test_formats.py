"""Providers' own formats: what is wrong with a file is refused whole, with a code and its place in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mh.errors import FhirMhError, InvalidResource
from fhir_mh.mapping.codecs import Unfit
from fhir_mh.mapping.formats import Format, load_format
from fhir_mh.mapping.formats.dates import BadForm, DateForms, Form
from fhir_mh.mapping.formats.paths import RECORD, UnknownField, path_of, value_at
from fhir_mh.mapping.nodes import MISSING
from fhir_mh.records.trees import record_of, tree_of

ROOT = Path(__file__).resolve().parents[3]
EXTRACT = (ROOT / "examples" / "community-extract.json").read_bytes()
WARD = (ROOT / "examples" / "ward.csv").read_bytes()
TRUST, CSV = load_format("community-trust"), load_format("out-of-area-csv")


def refused(known: Format, text: bytes) -> list[tuple[str, str]]:
    """(code, place) of every fault of a file."""
    with pytest.raises(InvalidResource) as fault:
        known.read(text)
    return [(found.code, found.path) for found in fault.value.issues]


def extract(change: Any) -> bytes:
    said = json.loads(EXTRACT)
    change(said)
    return json.dumps(said).encode()


def ward(old: str, new: str, encoding: str = "cp1252") -> bytes:
    text = WARD.decode("cp1252")
    assert old in text
    return text.replace(old, new, 1).encode(encoding)


# --- JSON


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (lambda e: e["goals"][0].update(state="GONE"), [("map-unknown-code", "$.goals[0].state")]),
        (lambda e: e["patient"].update(dob="1984-02-03"), [("map-wrong-format", "$.patient.dob")]),
        (lambda e: e["patient"].update(dob="31/02/1984"), [("map-wrong-format", "$.patient.dob")]),
        (lambda e: e["patient"].update(nhs_no="9990000019"), [("map-wrong-value", "$.patient.nhs_no")]),
        (lambda e: e["patient"].pop("trust_number"), [("map-missing-value", "$.patient.trust_number")]),
        (lambda e: e["extract"].update(layout="CT-1"), [("map-wrong-value", "$.extract.layout")]),
        (lambda e: e["goals"].append(dict(e["goals"][0])), [("map-duplicate-item", "$.goals[{n}].goal_ref")]),
        (lambda e: e.update(goals={}), [("map-wrong-type", "$.goals")]),
        (lambda e: e["goals"].append("x"), [("map-wrong-type", "$.goals[{n}]")]),
        (lambda e: e.pop("patient"), [("map-missing-value", "$.patient")]),
        (lambda e: e["patient"].pop("trust_number"), [("map-no-id-scope", "$.goals[0].goal_ref")]),
        (lambda e: e["patient"].update(gp_practice="##CLEAR##"), [("map-cannot-clear", "$.patient.gp_practice")]),
        (lambda e: e["patient"].update(surname="##CLEAR##"), [("map-cannot-clear", "$.patient.surname")]),
        (lambda e: e["care_plan"].update(author="S-99"), [("map-unknown-reference", "$.care_plan.author")]),
    ],
)  # fmt: skip
def test_an_extract_says_where_it_is_wrong(change: Any, faults: list[tuple[str, str]]) -> None:
    goals = len(json.loads(EXTRACT)["goals"])
    found = refused(TRUST, extract(change))
    expected = [(code, place.format(n=goals)) for code, place in faults]
    assert set(expected) <= set(found)


def test_every_fault_of_a_file_is_told_at_once_with_line_and_column() -> None:
    text = (
        b'{\n "extract": {"layout": "CT-2", "trust": "ZCT1"},\n "patient": {"trust_number": 7,\n'
        b'  "sex": "Q", "died": "J"}\n}'
    )
    with pytest.raises(InvalidResource) as fault:
        TRUST.read(text)
    told = [(found.code, found.path, found.line, found.column) for found in fault.value.issues]
    assert told == [("map-unknown-code", "$.patient.sex", 4, 10), ("map-unknown-code", "$.patient.died", 4, 23)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"{", "json-unreadable"), (b'{"a": 1, "a": 2}', "json-duplicate-key"), (b"[]", "json-not-an-object"),
        (b'{"a": "\xe9"}', "json-encoding"),
    ],
)  # fmt: skip
def test_text_that_is_no_json_object(text: bytes, code: str) -> None:
    assert [found for found, _ in refused(TRUST, text)] == [code]


def test_what_the_extract_has_no_row_for_goes_back_to_it() -> None:
    text = extract(lambda e: (e["goals"][0].update(colour="red"), e.update(vendor={"build": [1, 2]})))
    tree = TRUST.read(text).tree
    again = json.loads(TRUST.write(tree))
    assert again["goals"][0]["colour"] == "red"
    assert again["vendor"] == {"build": [1, 2]}
    assert "red" not in CSV.write(tree).decode("cp1252")


def test_the_systems_own_numbers_come_back_and_make_the_same_ids_each_time() -> None:
    first, second = TRUST.read(EXTRACT).tree, TRUST.read(EXTRACT).tree
    for name in ("goals", "professionals", "contacts", "care_plans"):
        assert [one["id"] for one in first[name]] == [one["id"] for one in second[name]]
    came, back = json.loads(EXTRACT), json.loads(TRUST.write(first))
    assert [goal["goal_ref"] for goal in back["goals"]] == [goal["goal_ref"] for goal in came["goals"]]


def test_the_word_that_empties_a_field_empties_it_and_a_missing_key_does_not() -> None:
    held = TRUST.read(EXTRACT).tree
    name = next(
        key for key, where in (("mobile", "mobile"), ("phone", "phone")) if json.loads(EXTRACT)["patient"].get(key)
    )
    gone = TRUST.put(held, extract(lambda e: e["patient"].pop(name)))
    assert (gone.tree, gone.changes) == (held, [])
    cleared = TRUST.put(held, extract(lambda e: e["goals"][0].update(started="##CLEAR##")))
    assert [(row.path.partition("]")[2], row.after) for row in cleared.changes] == [(".start_date", None)]


# --- CSV


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (ward("RECORD_TYPE,ID", "RECORD_KIND,ID"),
         [("map-missing-column", "row 1"), ("map-unknown-column", "row 1, column 1")]),
        (ward("STAFF,NHS_NO,ODS", "STAFF,NHS_NO"), [("map-missing-column", "row 1")]),
        (ward("STAFF,NHS_NO", "STAFF,STAFF"),
         [("map-missing-column", "row 1"), ("map-duplicate-column", "row 1, column 14")]),
        (ward("14/03/1988", "1988-03-14"), [("map-wrong-format", "row 2, column DATE")]),
        (ward(",Female,", ",Femail,"), [("map-unknown-code", "row 2, column KIND")]),
        (ward("9990000018", "9990000019"), [("map-wrong-value", "row 2, column NHS_NO")]),
        (ward("NEEDS_TO_KNOW", "NEEDS_TO_BE"), [("map-unknown-row", "row 3")]),
    ],
)  # fmt: skip
def test_a_csv_file_says_where_it_is_wrong(text: bytes, faults: list[tuple[str, str]]) -> None:
    found = refused(CSV, text)
    assert [one for one in found if one[0] != "map-row-length"] == faults


def test_a_row_with_too_few_cells() -> None:
    rows = WARD.count(b"\n")
    assert refused(CSV, WARD + b"SIGN,x\r\n") == [("map-row-length", f"row {rows + 1}")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (ward("Lead Professional", "Lead Professionäl", "utf-8"), "row 11, column NAME"),
        ("RECORD_TYPE".encode("utf-16"), "row 1, column 1"),
        (WARD.replace(b"Lead", b"\x81", 1), "row 11, column NAME"),
    ],
)  # fmt: skip
def test_a_file_in_another_encoding_is_words_nobody_wrote(text: bytes, place: str) -> None:
    [(code, where)] = refused(CSV, text)
    assert (code, where) == ("map-wrong-encoding", place)


def test_a_fault_never_shows_what_stood_there() -> None:
    with pytest.raises(InvalidResource) as fault:
        CSV.read(ward("14/03/1988", "Maggie Oakes"))
    assert "Maggie" not in json.dumps([found.as_dict() for found in fault.value.issues])


def test_a_character_that_the_file_cannot_hold_is_in_the_loss_report() -> None:
    tree = CSV.read(WARD).tree
    tree["goals"][0]["description"]["text"] = "a garden 🌱"
    assert [(loss.path, loss.what) for loss in CSV.losses(tree) if loss.path.startswith("goals")] == [
        ("goals[].description.text", "said differently")
    ]
    assert CSV.put(tree, CSV.write(tree)).tree == tree


def test_entries_of_different_lists_may_have_one_id() -> None:
    plan = {
        "id": "1", "title": "Plan", "status": "active",
        "warning_signs": [{"id": "1", "sign": "Sleep", "coping": "Ring Mum"}],
        "prevention": [{"id": "1", "description": "Walks"}],
    }  # fmt: skip
    refusals = [{"id": one, "made_at": "2026-01-05", "refuses": [{"id": "1", "treatment": one}]} for one in "12"]
    goals = [{"id": "1", "description": {"text": "Sleep"}}]
    person = {"id": "p", "nhs_number": "9990000018", "names": [{"family": "Community"}]}
    tree = tree_of(record_of({"person": person, "goals": goals, "crisis_plans": [plan], "refusals": refusals}))
    merged = CSV.put(tree, CSV.write(tree))
    assert (merged.changes, merged.conflicts, merged.tree) == ([], [], tree)
    assert not any(one.what == "left out" for one in CSV.losses(tree))


# --- places, dates, mapping files


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("person.nhs_number", "1"),
        ("goals[first].status", "active"),
        ("goals[last].status", "completed"),
        ("goals[status=completed].id", "b"),
        ("goals[status=active|completed].id", "a"),
        ("goals[status=rejected].id", None),
        ("person.gp[first]", None),
    ],
)
def test_a_place_in_a_record(path: str, found: Any) -> None:
    tree = {
        "person": {"nhs_number": "1"},
        "goals": [{"id": "a", "status": "active"}, {"id": "b", "status": "completed"}],
    }
    assert value_at(tree, path_of(RECORD, path)) == found


@pytest.mark.parametrize(
    "path",
    ["goal", "goals.status", "goals[status=never].id", "goals[colour=red].id", "person.nhs_number.x", "person[first]",
     "goals[].id", "goals[first", "Goals"],
)  # fmt: skip
def test_a_place_that_is_not_there(path: str) -> None:
    with pytest.raises(UnknownField):
        path_of(RECORD, path)


@pytest.mark.parametrize(
    ("form", "zone", "text", "iso"),
    [
        ("DD/MM/YYYY", None, "24/11/2026", "2026-11-24"),
        ("MM/YYYY", None, "11/2026", "2026-11"),
        ("YYYY", None, "2026", "2026"),
        ("DD/MM/YYYY HH:mm:ss", "UK", "24/07/2026 09:30:00", "2026-07-24T09:30:00+01:00"),
        ("DD/MM/YYYY HH:mm:ss", "UK", "24/11/2026 09:30:00", "2026-11-24T09:30:00Z"),
        ("DD/MM/YYYY HH:mm:ss", "UK", "25/10/2026 01:30:00", "2026-10-25T01:30:00+01:00"),
        ("YYYY-MM-DDTHH:mmZ", None, "2026-11-24T09:30+02:00", "2026-11-24T09:30:00+02:00"),
        ("YYYYMMDD", None, "20260228", "2026-02-28"),
    ],
)
def test_a_date_is_read_and_written_with_just_what_it_says(form: str, zone: str | None, text: str, iso: str) -> None:
    known = Form(form, zone)
    assert known.read(text) == iso
    assert known.write(iso) == text


@pytest.mark.parametrize(
    ("form", "zone", "text"),
    [
        ("DD/MM/YYYY", None, "31/02/2026"), ("DD/MM/YYYY", None, "1/2/2026"), ("MM/YYYY", None, "13/2026"),
        ("DD/MM/YYYY HH:mm", "UK", "29/03/2026 01:30"),
    ],
)  # fmt: skip
def test_a_day_or_time_that_does_not_exist_is_not_read(form: str, zone: str | None, text: str) -> None:
    assert Form(form, zone).read(text) is None


def test_precision_is_never_invented_and_never_cut() -> None:
    days = DateForms([Form("DD/MM/YYYY", None)], timed=True)
    assert days.write("2026-11") is MISSING
    assert days.write("2026-11-24T09:30:00Z") is MISSING
    minutes = DateForms([Form("DD/MM/YYYY HH:mm", "UTC")], timed=True)
    assert minutes.write("2026-11-24T09:30:15Z") is MISSING
    assert minutes.write("2026-11-24T09:30:00+01:00") is MISSING
    with pytest.raises(Unfit):
        days.read("11/2026")


@pytest.mark.parametrize(
    ("form", "zone"), [("DD/MM", None), ("DD/YYYY", None), ("YYYY YYYY", None),
        ("DD/MM/YYYY HH:mm", None), ("DD/MM/YYYY HH:mmZ", "UK")]
)  # fmt: skip
def test_a_form_that_makes_no_sense(form: str, zone: str | None) -> None:
    with pytest.raises(BadForm):
        Form(form, zone)


ROWS = "name: small\nkind: csv\ncolumns: [WHAT, ID, TEXT]\nrows:\n"
HEAD = "name: small\nkind: json\ndocument:\n  id: person.id\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (HEAD + "  born: person.birth_day\n", "map-file-unknown-field"),
        (HEAD + "  born: person.birth_date\n  born: person.gender\n", "map-file-duplicate-key"),
        (HEAD + "  born: {field: person.birth_date, colour: red}\n", "map-file-unknown-key"),
        (HEAD + "  sex: {field: person.gender, codes: {F: woman}}\n", "map-file-bad-value"),
        (HEAD + "  goals: {list: goals, fields: {text: description}}\n", "map-file-bad-value"),
        (HEAD + "  goals: {list: goals, matched_by: id, fields: {text: description}}\n", "map-file-no-match"),
        (HEAD + "  l: {list: person.languages, each: {codes: nowhere.json}}\n", "map-file-no-concept-map"),
        ("name: small\nkind: json\n", "map-file-missing-key"),
        ("kind: [", "map-file-unreadable"),
        (ROWS + "  - {when: {WHAT: P}, into: person, fields: {ID: id, TEX: gender}}\n", "map-file-unknown-column"),
        (ROWS + "  - {when: {WHOM: P}, into: person, fields: {ID: id}}\n", "map-file-unknown-column"),
    ],
)
def test_a_mapping_file_says_where_it_is_wrong(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(FhirMhError) as fault:
        load_format(file)
    assert code in [found.code for found in fault.value.issues]
    assert all(found.line for found in fault.value.issues if found.code == code)


def test_a_third_format_needs_a_file_and_no_python(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(
        "name: small\nkind: csv\ncolumns: [WHAT, ID, TEXT]\nrows:\n"
        "  - {when: {WHAT: P}, into: person, fields: {ID: id, TEXT: 'names[first].text'}}\n"
        "  - {when: {WHAT: G}, list: goals, matched_by: [description.text], fields: {TEXT: description}}\n",
        encoding="utf-8",
    )
    try:
        small = load_format(file)
    except FhirMhError as fault:
        pytest.fail(str([found.as_dict() for found in fault.issues]))
    text = b"WHAT,ID,TEXT\r\nP,5f0c1f5e-3c1f-4b6a-9f57-2f7f1f4be5a1,Kit\r\nG,,to walk\r\n"
    tree = small.read(text).tree
    assert small.write(tree) == text
    assert [goal["description"]["text"] for goal in tree["goals"]] == ["to walk"]


# --- what has ended since a file was sent


def ended(known: Format, text: bytes, part: str, **now: Any) -> tuple[dict[str, Any], bytes]:
    """The record of a file, one entry of which has ended since and was written anew; and the file as it was sent."""
    held = known.read(text).tree
    sent = known.write(held)
    held[part][0].update(now)
    return held, sent


@pytest.mark.parametrize(
    ("known", "text", "part", "now"),
    [
        (CSV, WARD, "crisis_plans", {"status": "completed"}),
        (CSV, WARD, "care_plans", {"status": "revoked"}),
        (CSV, WARD, "statements", {"status": "inactive", "withdrawn": {"at": "2026-11-01"}}),
        (CSV, WARD, "stays", {"status": "finished"}),
        (TRUST, EXTRACT, "crisis_plans", {"status": "revoked", "version": 9}),
        (TRUST, EXTRACT, "care_plans", {"status": "completed"}),
    ],
)
def test_an_older_file_begins_nothing_again_that_has_ended(
    known: Format, text: bytes, part: str, now: dict[str, Any]
) -> None:
    held, sent = ended(known, text, part, **now)
    merged = known.put(held, sent)
    assert (merged.changes, merged.conflicts, merged.tree) == ([], [], held)


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        ([], ["Needs time", "Letters"]),
        (["Letters"], ["Needs time", "Letters"]),
        (["Letters", "A signer"], ["Letters", "A signer"]),
        (["A signer"], ["Needs time", "Letters", "A signer"]),
        (["Needs time", "Letters", "A signer"], ["Needs time", "Letters", "A signer"]),
        (["Letters", "A signer", "Pictures"], ["Needs time", "Letters", "A signer", "Pictures"]),
        (["A signer", "Pictures", "Quiet"], ["Needs time", "Letters", "A signer", "Pictures", "Quiet"]),
    ],
)
def test_a_row_of_values_that_is_left_out_deletes_none(change: list[str], needs: list[str]) -> None:
    held = CSV.read(WARD).tree
    assert with_needs(held, ["Needs time", "Letters"], change) == needs


def with_needs(held: dict[str, Any], shown: list[str], change: list[str]) -> list[str]:
    """What somebody needs, after rows that say so came back where others were shown."""
    held["person"]["communication_needs"] = [{"text": text} for text in shown]
    lines = [line for line in CSV.write(held).decode("cp1252").splitlines() if "NEEDS_TO_KNOW" not in line]
    rows = [f"NEEDS_TO_KNOW,,{text},,,,,,,,,,,," for text in change]
    merged = CSV.put(held, "\r\n".join([*lines, *rows, ""]).encode("cp1252"))
    assert not merged.conflicts
    return [one["text"] for one in merged.tree["person"]["communication_needs"]]


@given(*[st.lists(st.sampled_from("ABCDEF"), min_size=1, unique=True)] * 2)
def test_no_row_of_values_is_gone_that_none_took_the_place_of(shown: list[str], change: list[str]) -> None:
    held = {"person": {"id": "p", "nhs_number": "9990000018", "names": [{"family": "Community"}]}}
    needs = with_needs(held, shown, change)
    assert set(change) <= set(needs)
    gone = set(shown) - set(needs)
    assert not gone if len(change) != len(shown) else len(needs) == len(shown)


def test_an_older_file_takes_nothing_from_a_text_that_it_cannot_say() -> None:
    held = CSV.read(WARD).tree
    coping = {"text": "Ring \u2605 Mum", "said_by": {"role": "person"}}
    held["crisis_plans"][0]["warning_signs"][0]["coping"] = coping
    sent = CSV.write(held)
    held["crisis_plans"][0]["status"] = "completed"
    held["crisis_plans"].append({"id": "11111111-1111-4111-8111-111111111111", "title": "New", "status": "active"})
    merged = CSV.put(held, sent)
    assert (merged.changes, merged.conflicts, merged.tree) == ([], [], held)


def test_what_an_older_file_says_otherwise_of_what_has_ended_is_put_before_a_person() -> None:
    held, sent = ended(CSV, WARD, "crisis_plans", status="completed")
    plan = held["crisis_plans"][0]
    plan["warning_signs"][0]["coping"] = {"text": "Written at home"}
    new = b"SIGN,,A new sign,,,,,,,,,,,,\r\n"
    merged = CSV.put(held, sent + new)
    assert (merged.changes, merged.tree) == ([], held)
    coping, sign = merged.conflicts
    assert coping.path == f"crisis_plans[{plan['id']}].warning_signs[{plan['warning_signs'][0]['id']}].coping"
    assert (coping.reason, coping.ours["text"]) == ("both-changed", "Written at home")
    assert coping.theirs["text"] != coping.ours["text"]
    assert (sign.path, sign.reason) == (f"crisis_plans[{plan['id']}].warning_signs[?]", "unclear-item")


@pytest.mark.parametrize("status", ["active", "inactive"])
def test_a_statement_is_never_changed_by_a_file(status: str) -> None:
    held, sent = ended(CSV, WARD, "statements", status=status)
    merged = CSV.put(held, sent + b"WISH,,A new wish,,Care,,,,,,,,,,\r\n")
    assert (merged.changes, merged.tree) == ([], held)
    assert [(one.path, one.reason) for one in merged.conflicts] == [
        (f"statements[{held['statements'][0]['id']}]", "never-merged")
    ]
