"""Who is whom: each row of the table in fhir_mh/gateway/sameness.py, as data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fhir_mh.fhir.urls import FORMER_NHS_NUMBER, ITEM_ID, NHS_NUMBER
from fhir_mh.gateway.sameness import (
    VERIFICATION,
    Verdict,
    judge,
    local_identifiers_in,
    patient_of,
    shows_to_mean,
)

FIRST, SECOND = "9990000018", "9990000026"
BORN, OTHER_DAY = "1984-02-03", "1985-02-03"
ROWAN, JANE, SAM = ("Example", "Rowan"), ("Example", "Jane"), ("Sample", "Sam")
Json = dict[str, Any]


def patient(
    number: str | None = FIRST,
    status: str | None = None,
    born: str | None = None,
    name: tuple[str, str] | None = None,
    postcode: str | None = None,
    former: str | None = None,
) -> Json:
    found: Json = {"resourceType": "Patient", "identifier": []}
    if number:
        entry: Json = {"system": NHS_NUMBER, "value": number}
        if status:
            entry["extension"] = [{"url": VERIFICATION, "valueCodeableConcept": {"coding": [{"code": status}]}}]
        found["identifier"].append(entry)
    if former:
        found["identifier"].append({"system": FORMER_NHS_NUMBER, "use": "old", "value": former})
    if born:
        found["birthDate"] = born
    if name:
        found["name"] = [{"family": name[0], "given": [name[1]]}]
    if postcode:
        found["address"] = [{"postalCode": postcode}]
    return found


HELD = {"born": BORN, "name": ROWAN, "postcode": "ZZ99 3AA"}
SAME, FLAGGED = Verdict(), Verdict(differs=("name",))
STOP = {what: Verdict(what) for what in ("NHS number", "date of birth", "name")}


@pytest.mark.parametrize(
    ("arriving", "held", "verdict"),
    [
        # another number in use
        ({"number": SECOND, "status": "01", **HELD}, HELD, STOP["NHS number"]),
        ({"number": SECOND, **HELD}, HELD, STOP["NHS number"]),
        ({"number": SECOND, "former": FIRST, "born": BORN}, HELD, SAME),
        ({"number": FIRST, "born": BORN}, {**HELD, "number": SECOND, "former": FIRST}, SAME),
        ({"number": SECOND, "former": FIRST, "born": OTHER_DAY}, HELD, STOP["date of birth"]),
        # the date of birth, whatever the number's standing
        ({"status": "01", "born": OTHER_DAY, "name": ROWAN}, HELD, STOP["date of birth"]),
        ({"number": None, "born": OTHER_DAY, "name": ROWAN}, HELD, STOP["date of birth"]),
        ({"status": "01", "born": "1984"}, HELD, SAME),
        ({"born": "1984-03"}, HELD, STOP["date of birth"]),
        # verified: names and addresses are flagged
        ({"status": "01", "name": SAM}, HELD, FLAGGED),
        ({"status": "01", "born": BORN, "name": JANE}, HELD, FLAGGED),
        ({"status": "01", "name": ROWAN, "postcode": "zz993aa"}, HELD, SAME),
        ({"status": "01", "postcode": "ZZ99 1AA"}, HELD, Verdict(differs=("address",))),
        ({"status": "01", "name": SAM, "postcode": "ZZ99 1AA"}, HELD, Verdict(differs=("address", "name"))),
        # not verified, or found by a local identifier: the number alone does not outweigh the name
        ({"name": SAM}, HELD, STOP["name"]),
        ({"status": "02", "name": SAM}, HELD, STOP["name"]),
        ({"number": None, "name": SAM}, HELD, STOP["name"]),
        ({"name": SAM, "born": BORN}, HELD, FLAGGED),
        ({"name": SAM, "born": BORN}, {"name": ROWAN}, STOP["name"]),
        ({"name": JANE}, HELD, FLAGGED),
        ({}, HELD, SAME),
        ({"name": SAM}, {}, SAME),
    ],
)
def test_each_row_of_the_table(arriving: Json, held: Json, verdict: Verdict) -> None:
    assert judge(patient(**arriving), [patient(**held)]) == verdict


def test_nobody_held_contradicts_nobody() -> None:
    assert judge(patient(**HELD), []) == SAME


def test_every_patient_held_is_asked() -> None:
    assert judge(patient(born=OTHER_DAY), [patient(), patient(born=BORN)]) == STOP["date of birth"]
    assert judge(patient(name=SAM), [patient(name=ROWAN), patient(name=SAM)]) == SAME


def test_who_names_a_person_by_its_id_may_change_the_name() -> None:
    assert judge(patient(name=SAM), [patient(name=ROWAN)], by_identifier=False) == FLAGGED
    assert judge(patient(born=OTHER_DAY), [patient(born=BORN)], by_identifier=False) == STOP["date of birth"]


def test_a_record_says_who_it_is_about_as_a_patient_does() -> None:
    said = patient_of({
        "nhs_number": "999 000 0018", "nhs_number_status": "01", "former_nhs_numbers": [SECOND], "birth_date": BORN,
        "names": [{"family": "Sample", "given": ["Sam"]}], "addresses": [{"postcode": "ZZ99 3AA"}],
        "identifiers": [{"system": "urn:pas", "value": "7"}],
    })  # fmt: skip
    assert judge(said, [patient(**HELD)]) == FLAGGED
    assert local_identifiers_in(said) == [("urn:pas", "7")]


def test_what_is_no_local_identifier() -> None:
    odd = [{"system": NHS_NUMBER, "value": FIRST}, {"system": ITEM_ID, "value": "x"}, {"value": "x"},
           {"system": "urn:pas"}, {"system": "urn:pas", "value": "6", "use": "old"}, "x"]  # fmt: skip
    assert local_identifiers_in({"identifier": odd}) == []


PATIENTS = st.builds(
    patient, st.sampled_from([None, FIRST, SECOND]), st.sampled_from([None, "01", "02"]),
    st.sampled_from([None, "1984", BORN, OTHER_DAY]), st.sampled_from([None, ROWAN, JANE, SAM]),
    st.sampled_from([None, "ZZ99 3AA", "ZZ99 1AA"]), st.sampled_from([None, FIRST, SECOND]),
)  # fmt: skip


@given(PATIENTS, PATIENTS)
def test_nobody_with_another_date_of_birth_is_ever_the_same(arriving: Json, held: Json) -> None:
    one, other = arriving.get("birthDate"), held.get("birthDate")
    if one and other and not one.startswith(other) and not other.startswith(one):
        assert judge(arriving, [held]).stop is not None


@given(PATIENTS)
def test_everybody_is_the_same_as_themselves(one: Json) -> None:
    assert judge(one, [one]) == SAME


KEYS = st.sampled_from(["identifier", "system", "value", "extension", "name", "given", "address", "birthDate"])
ODD = st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner))


@given(ODD)
@example(5)
@example([{"system": NHS_NUMBER, "value": "9990000018", "extension": 5}])
@example([{"system": NHS_NUMBER, "value": "9990000018",
           "extension": [{"url": VERIFICATION, "valueCodeableConcept": {"coding": 5}}]}])  # fmt: skip
def test_odd_json_is_judged_and_not_raised(odd: Any) -> None:
    said = {"identifier": odd, "name": odd, "address": odd}
    judge(said, [patient(**HELD)])
    shows_to_mean(said, [patient(**HELD)])


ADA = {"name": [{"family": "Adeyemi", "given": ["Ada"]}, {"use": "old", "family": "Bello"}], "birthDate": "1984-02-03"}


@pytest.mark.parametrize(
    ("asked", "held", "shown"),
    [
        ({"name": [{"family": "ADEYEMI"}], "birthDate": "1984-02-03"}, ADA, True),
        ({"name": [{"family": "Smith", "given": ["Ada"]}], "birthDate": "1984-02-03"}, ADA, True),
        ({"name": [{"family": "Bello"}], "birthDate": "1984-02-03"}, ADA, True),
        ({"name": [{"family": "Smith"}], "birthDate": "1984-02-03"}, ADA, False),
        ({"name": [{"family": "Adeyemi"}], "birthDate": "1984-02-04"}, ADA, False),
        ({"name": [{"family": "Adeyemi"}], "birthDate": "1984-02-03"}, {**ADA, "birthDate": "1984"}, False),
        ({"name": [{"family": "Adeyemi"}], "birthDate": "1984-02-03"}, {"name": ADA["name"]}, False),
        ({"name": [{"family": "Adeyemi"}], "birthDate": "1984-02-03"}, {"birthDate": "1984-02-03"}, False),
        ({"name": [{"given": ["A"]}], "birthDate": "1984-02-03"}, {**ADA, "name": [{"given": ["A"]}]}, False),
    ],
)
def test_who_asks_shows_to_mean_a_person_by_date_of_birth_and_name(
    asked: dict[str, Any], held: dict[str, Any], shown: bool
) -> None:
    number = {"identifier": [{"system": NHS_NUMBER, "value": "9990000018"}]}
    assert shows_to_mean({**number, **asked}, [{**number, **held}]) is shown
    assert not shows_to_mean({**number, **asked}, [])
    other = {"identifier": [{"system": NHS_NUMBER, "value": "9990000026"}]}
    assert not shows_to_mean({**number, **asked}, [{**other, **held}])
