"""Records as they are sent: in part, with what is misspelt named and nothing else shown."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.errors import InvalidResource
from fhir_mh.records.partial import read_partial


def test_absent_stays_absent_and_null_stays_null() -> None:
    body = {"person": {"gender": None}, "care_plans": [{"activities": [{"description": "To the allotment"}]}]}
    assert read_partial(body) == {
        "person": {"gender": None},
        "care_plans": [{"activities": [{"description": {"text": "To the allotment"}}]}],
    }


def test_items_keep_their_order_whatever_a_whole_record_would_do() -> None:
    signs = [{"sign": {"text": "unanswered"}}, {"sign": {"text": "answered"}, "coping": {"text": "a walk"}}]
    tree = read_partial({"crisis_plans": [{"warning_signs": signs}]})
    assert tree["crisis_plans"][0]["warning_signs"] == signs


def test_an_item_that_is_named_may_leave_out_what_is_held() -> None:
    named = {"crisis_plans": [{"id": "plan", "warning_signs": [{"id": "sign", "coping": "a walk"}]}]}
    assert read_partial(named)["crisis_plans"][0]["warning_signs"][0] == {"id": "sign", "coping": {"text": "a walk"}}
    with pytest.raises(InvalidResource):
        read_partial({"crisis_plans": [{"warning_signs": [{"coping": "a walk"}]}]})


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"person": {"Zebedee": 1}}, "person"),
        ({"Zebedee": 1}, "$"),
        ({"person": {"birth_date": "Zebedee"}}, "person.birth_date"),
        ({"person": {"gender": "Zebedee"}}, "person.gender"),
        ({"goals": [{"description": ["Zebedee"]}]}, "goals[0].description"),
        ({"goals": "Zebedee"}, "goals"),
    ],
)
def test_what_was_sent_is_never_shown(body: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        read_partial(body)
    (found,) = refused.value.issues
    assert found.path == place
    assert "zebedee" not in f"{found.message} {found.fix}".lower()
    assert "_Words" not in found.message


def test_an_id_that_means_an_item_of_another_organisation_is_refused_at_its_place() -> None:
    with pytest.raises(InvalidResource) as refused:
        read_partial({"contacts": [{"id": "ZCT1.1"}, {"id": "ZCT1..1", "names": [{"family": "Sister"}]}]})
    assert [(one.code, one.path) for one in refused.value.issues] == [("map-invalid-record", "contacts[1].id")]


def test_an_id_that_stands_twice_in_one_list_is_refused_at_its_place() -> None:
    signs = [{"id": "s", "sign": "a"}, {"sign": "b"}, {"id": "s", "sign": "c"}]
    goals = [{"id": "s", "description": "one"}, {"id": "s", "description": "two"}]
    with pytest.raises(InvalidResource) as refused:
        read_partial({"goals": goals, "crisis_plans": [{"id": "s", "warning_signs": signs}]})
    assert [(one.code, one.path) for one in refused.value.issues] == [
        ("map-duplicate-item", "goals[1].id"), ("map-duplicate-item", "crisis_plans[0].warning_signs[2].id"),
    ]  # fmt: skip
