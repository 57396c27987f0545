"""Ids in a record that is sent, which name nothing that is held."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.urls import ODS_CODE
from tests.unit.gateway.pair import HOME, WARD, Pair, person_with_a_plan

DENIAL: dict[str, Any] = {
    "id": "denial",
    "made_at": "2026-11-20",
    "terms": {
        "decision": "deny",
        "sections": ["crisis-plan"],
        "actors": [{"party": {"identifier": {"system": ODS_CODE, "value": WARD}}}],
    },
}


def warned_of(pair: Pair, change: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What the answer to a write of the home team warns of."""
    return [(one.severity, one.code, one.path) for one in pair.save(HOME, change).warnings]


@pytest.mark.parametrize("status", ["inactive", "entered-in-error", "active"])
@pytest.mark.parametrize("field", ["sharing", "refusals", "statements", "nominations", "choice_documents"])
def test_a_directive_is_not_ended_by_an_id_that_none_has(planned: Pair, field: str, status: str) -> None:
    planned.save(HOME, {"sharing": [DENIAL]})
    before = planned.record(HOME)
    with pytest.raises(InvalidResource) as refused:
        planned.save(HOME, {"goals": [{"description": "Sleep"}], field: [{"id": "typo", "status": status}]})
    (found,) = refused.value.issues
    assert (found.code, found.path) == ("map-unknown-reference", f"{field}[0].id")
    assert planned.record(HOME).tree == before.tree


@pytest.mark.parametrize(
    ("field", "status"),
    [
        ("placements", "completed"),
        ("stays", "finished"),
        ("care_plans", "revoked"),
        ("crisis_plans", "entered-in-error"),
    ],
)
@pytest.mark.parametrize("named", [{"id": "typo"}, {}])
def test_nothing_else_is_ended_by_an_id_that_none_has(
    planned: Pair, field: str, status: str, named: dict[str, str]
) -> None:
    with pytest.raises(InvalidResource) as refused:
        planned.save(HOME, {field: [{**named, "status": status}]})
    assert [(one.code, one.path) for one in refused.value.issues] == [("map-unknown-reference", f"{field}[0].id")]


def test_a_directive_is_not_ended_without_saying_which(planned: Pair) -> None:
    planned.save(HOME, {"sharing": [DENIAL]})
    with pytest.raises(InvalidResource) as refused:
        planned.save(HOME, {"sharing": [{"status": "inactive"}]})
    assert [(one.code, one.path) for one in refused.value.issues] == [("map-unknown-reference", "sharing[0].id")]
    assert len(planned.record(HOME).tree["sharing"]) == 1


def test_a_date_alone_says_nothing_of_what_may_be_shared(planned: Pair) -> None:
    planned.save(HOME, {"sharing": [DENIAL]})
    with pytest.raises(InvalidResource) as refused:
        planned.save(
            HOME, {"sharing": [{"id": "denial", "made_at": "2026-11"}, {"id": "denail", "made_at": "2026-11"}]}
        )
    assert [one.path for one in refused.value.issues] == ["sharing[1].id"]


@pytest.mark.parametrize(
    "new",
    [
        {"sharing": [DENIAL]},
        {"refusals": [{"id": "new", "made_at": "2020", "refuses": [{"treatment": "ECT"}]}]},
        {"refusals": [{"id": "new", "status": "inactive", "refuses": [{"treatment": "ECT"}]}]},
        {"choice_documents": [{"id": "new", "status": "proposed", "made_at": "2026-11-20"}]},
        {"documents": [{"id": "doc", "title": "Letter"}], "statements": [{"id": "new", "original": {"id": "doc"}}]},
    ],
)
def test_a_directive_that_says_what_it_decides_is_new(planned: Pair, new: dict[str, Any]) -> None:
    assert warned_of(planned, new) == []


def test_a_directive_that_is_held_is_ended_by_its_id(planned: Pair) -> None:
    planned.save(HOME, {"sharing": [DENIAL]})
    ended = planned.save(HOME, {"sharing": [{"id": "denial", "status": "inactive"}]})
    assert ended.changed == ["sharing[denial].status"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (
            {"crisis_plans": [{"id": "crisis", "contacts": [{"id": "one", "contact": {"id": "nobody"}}]}]},
            "crisis_plans[crisis].contacts[one].contact.id",
        ),
        (
            {"goals": [{"id": "goal", "description": "Sleep", "addresses": [{"id": "sleep"}, {"id": "nothing"}]}]},
            "goals[goal].addresses[1].id",
        ),
        ({"person": {"gp": [{"id": "nosuch"}]}}, "person.gp[0].id"),
        (
            {"sharing": [{"id": "s", "terms": {"exceptions": [{"actors": [{"party": {"id": "nosuch"}}]}]}}]},
            "sharing[s].terms.exceptions[0].actors[0].party.id",
        ),
    ],
)
def test_a_reference_by_an_id_that_nothing_has_is_warned_of_once(
    planned: Pair, change: dict[str, Any], path: str
) -> None:
    change = {
        "person": {"nhs_number": "9990000018", **change.get("person", {})},
        **{name: value for name, value in change.items() if name != "person"},
    }
    assert warned_of(planned, change) == [("warning", "map-unknown-reference", path)]
    assert warned_of(planned, change) == []
    assert warned_of(planned, {"goals": [{"description": "Something else"}]}) == []


def test_what_is_referred_to_may_come_with_the_reference(planned: Pair) -> None:
    plan = {"id": "crisis", "contacts": [{"id": "one", "contact": {"id": "sister"}}]}
    sister = {"id": "sister", "names": [{"family": "Example"}]}
    assert warned_of(planned, {"contacts": [sister], "crisis_plans": [plan]}) == []


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ({"id": "nosuch"}, "no organisation"),
        ({"display": "A ward"}, "no organisation"),
        (None, "no organisation"),
        ({"identifier": {"system": ODS_CODE, "value": "ZOA9"}}, "no partner"),
        ({"id": "org-ward"}, "with this organisation"),
        ({"id": "org-home"}, None),
    ],
)
def test_a_record_warns_of_a_placement_whose_provider_is_sent_nothing(
    planned: Pair, provider: dict[str, Any] | None, said: str | None
) -> None:
    everything = {"decision": "deny", "actors": [{"party": {"id": "org-ward"}}]}
    planned.save(HOME, {"sharing": [{"id": "none", "made_at": "2026-11-20", "terms": everything}]})
    new = {"id": "new", "requested_by": {"id": "org-home"}, **({"provider": provider} if provider else {})}
    for placement in (new, {**new, "level": "1"}):
        warnings = planned.save(HOME, {"placements": [placement]}).warnings
        found = [one for one in warnings if one.code == "placement-not-shared"]
        expected = ["placements[new].provider"] if said and placement is new else []
        assert [one.path for one in found] == expected
        assert all(str(said) in one.message for one in found), found
    assert warned_of(planned, {"placements": [{"id": "over", "status": "completed", "level": "2"}]}) == []


def test_nothing_is_warned_of_where_the_provider_is_sent_the_plan(pair: Pair) -> None:
    assert pair.save(HOME, person_with_a_plan()).warnings == []
