"""Slices within slices, slices for the rest, slices by position, and what may follow them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.validation.test_profile_faults import EMAIL, FAX, PHONE, faults, patient, sliced

Json = dict[str, Any]
HOME, WORK = {**PHONE, "use": "home"}, {**PHONE, "use": "work"}


def again(least: int = 0, most: str = "*", rules: str = "open") -> list[Json]:
    """Telephones and email addresses, the telephones again by what they are used for."""
    found = sliced("closed")
    found[1]["slicing"] = {"discriminator": [{"type": "value", "path": "use"}], "rules": rules}
    whole = {"id": "Patient.telecom:phone/home", "path": "Patient.telecom", "sliceName": "phone/home"}
    use = {"id": "Patient.telecom:phone/home.use", "path": "Patient.telecom.use", "min": 1, "fixedCode": "home"}
    found[3:3] = [{**whole, "min": least, "max": most}, use]
    return found


@pytest.mark.parametrize(
    ("elements", "telecom", "found"),
    [
        (again(), [HOME, WORK, EMAIL], set()),
        (again(least=1), [WORK, EMAIL], {("validate-required", "Patient")}),
        (again(least=1), [EMAIL], set()),  # there is no telephone in which to look for one at home
        (again(most="1"), [HOME, EMAIL, HOME], {("validate-too-many", "Patient")}),
        (again(rules="closed"), [EMAIL, WORK], {("validate-slice-none", "Patient.telecom[1]")}),
        (again(), [FAX], {("validate-slice-none", "Patient.telecom[0]")}),
    ],
)
def test_a_slice_is_sliced_again(elements: list[Json], telecom: list[Json], found: set[tuple[str, str]]) -> None:
    assert faults(patient(telecom=telecom), *elements) == found


def rest(most: str = "*", **value: Any) -> list[Json]:
    named = {"id": "Patient.telecom:@default", "path": "Patient.telecom", "sliceName": "@default", "max": most}
    ranked = {"id": "Patient.telecom:@default.rank", "path": "Patient.telecom.rank", **value}
    return [*sliced("closed"), named, ranked]


@pytest.mark.parametrize(
    ("elements", "telecom", "found"),
    [
        (rest(min=1), [PHONE, {**FAX, "rank": 2}], set()),
        (rest(min=1), [PHONE, FAX], {("validate-required", "Patient.telecom[1]")}),
        (rest(most="1"), [FAX, PHONE, FAX], {("validate-too-many", "Patient")}),
        (rest(most="0"), [PHONE, EMAIL], set()),
    ],
)
def test_the_rest_has_a_slice_of_its_own(
    elements: list[Json], telecom: list[Json], found: set[tuple[str, str]]
) -> None:
    assert faults(patient(telecom=telecom), *elements) == found


@pytest.mark.parametrize(
    ("telecom", "found"),
    [
        ([EMAIL, PHONE, FAX, FAX], set()),
        ([PHONE, FAX, EMAIL], {("validate-slice-order", "Patient.telecom[2]")}),
    ],
)
def test_what_fits_no_slice_follows_those_that_do(telecom: list[Json], found: set[tuple[str, str]]) -> None:
    assert faults(patient(telecom=telecom), *sliced("openAtEnd")) == found


@pytest.mark.parametrize(
    ("telecom", "found"),
    [
        ([PHONE, EMAIL, FAX], set()),
        (
            [EMAIL, PHONE],
            {("validate-fixed", "Patient.telecom[0].system"), ("validate-fixed", "Patient.telecom[1].system")},
        ),
    ],
)
def test_slices_by_position(telecom: list[Json], found: set[tuple[str, str]]) -> None:
    assert faults(patient(telecom=telecom), *sliced(path="$this", how="position")) == found


def test_a_name_with_a_slash_is_a_slice_like_any_other_where_nothing_is_sliced_again() -> None:
    elements = sliced("closed")
    for one in elements[1:3]:
        one["id"] = one["id"].replace(":phone", ":by/phone")
    elements[1]["sliceName"] = "by/phone"
    assert faults(patient(telecom=[PHONE, EMAIL]), *elements) == set()
    assert faults(patient(telecom=[FAX]), *elements) == {("validate-slice-none", "Patient.telecom[0]")}
