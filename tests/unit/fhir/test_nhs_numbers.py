"""What could be an NHS number is never repeated, and a name that was drawn by lot comes back whole."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nhs_number import is_valid as is_nhs_number  # type: ignore[attr-defined]

from fhir_mh.fhir.nhs_numbers import ten_digits_in, without_numbers
from fhir_mh.fhir.outcome import outcome
from fhir_mh.issues import Issue

NUMBER, MISTYPED = "9990000018", "9990000019"
RANDOM = "0f1c3b5e-3c1f-4b6a-9f57-a9990000018b"  # ten digits in a row, and their check digit is right
ACROSS = "ab999000-0018-4b6a-9f57-2f7f1f4be5a1"  # six digits, a hyphen, four digits
assert is_nhs_number(NUMBER)
assert not is_nhs_number(MISTYPED)


@pytest.mark.parametrize("number", [NUMBER, MISTYPED])
@pytest.mark.parametrize(
    "text",
    [
        "{}", "Patient/{}", "urn:nhs:{}", "$.nhs{}", "face{}", "{}b", "x-{}-y", "'{}'", "{}/" + RANDOM, RANDOM + " {}",
        RANDOM + "-{}", "{}-" + RANDOM, "4b6a-9f57-{}", "0f1c3b5e-3c1f-4b6a-9f57-{}", "0f1c3b5e-{}",
    ],
)  # fmt: skip
def test_ten_digits_that_stand_alone_are_not_repeated(text: str, number: str) -> None:
    assert list(ten_digits_in(text.format(number))) == [number]
    assert without_numbers(text.format(number)) == text.format("[number]")


@pytest.mark.parametrize("text", ["999 000 0018", "999-000-0018", "999000 0018", "999+000+0018"])
def test_an_nhs_number_as_people_write_it(text: str) -> None:
    assert without_numbers(f"for {text}.") == "for [number]."
    assert list(ten_digits_in(text)) == [NUMBER]


@pytest.mark.parametrize(
    "name", [RANDOM, ACROSS, RANDOM.upper(), "urn:uuid:" + RANDOM, f"CarePlan/{ACROSS}/_history/2"]
)
def test_ten_digits_of_a_uuid_are_nobodys(name: str) -> None:
    assert without_numbers(f"Proposal {name} was sent.") == f"Proposal {name} was sent."
    assert list(ten_digits_in(name)) == []


@pytest.mark.parametrize(
    "text",
    [
        "0f1c3b5e-3c1f-4b6a-9f57-9990000018b",    # too short for a UUID
        "0f1c3b5e-3c1f-4b6a-9f57-xb9990000018b",  # not of hexadecimal digits
        "0f1c3b5e-3c1f-0b6a-9f57-a9990000018b",   # of no version
        "0f1c3b5e-3c1f-4b6a-1f57-a9990000018b",   # of another variant
        "0f1c3b5e3c1f4b6a9f57a9990000018b",       # without hyphens
        "x" + RANDOM, RANDOM + "x",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_uuid_hides_no_number(text: str) -> None:
    assert NUMBER not in without_numbers(text)


@given(st.uuids(version=4) | st.builds(uuid.uuid5, st.uuids(), st.text()))
def test_every_uuid_we_make_comes_back_whole(name: uuid.UUID) -> None:
    assert without_numbers(f"{name}") == f"{name}"


@given(st.text(st.characters(exclude_categories=["Nd"])), st.integers(0, 10**10 - 1), st.text(alphabet="abcdef-/. #x"))
def test_whatever_letters_stand_about_ten_digits_hide_nothing(before: str, number: int, after: str) -> None:
    digits = f"{number:010}"
    assert digits not in without_numbers(f"{before}{digits}{after}")


def test_an_outcome_says_neither_message_nor_fix_nor_place_with_a_number() -> None:
    found = Issue(
        "json-duplicate-key", "error", f"$.{NUMBER}", f"{NUMBER} {RANDOM}", f"Ask {NUMBER}.", "https://hl7.org"
    )
    said = outcome([found])["issue"][0]
    assert said["details"]["text"] == f"[number] {RANDOM}"
    assert said["expression"] == ["$.[number]"]
    assert said["diagnostics"] == "Ask [number]. See https://hl7.org"
