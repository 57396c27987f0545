"""Every step in every state: taken, answered alike again, or refused with a code."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from fhir_mh.errors import Conflict, ConsentDenied, FhirMhError, InvalidResource, NotFound
from fhir_mh.placements import STEPS, Situation, Taken, in_order, possible, read_step, take
from fhir_mh.placements.machine import POSSIBLE, REPEATED
from fhir_mh.records.trees import record_of
from tests.courses import courses

Tree = dict[str, Any]
HOME, WARD, FAR = "ZCT1", "ZOA1", "ZOA2"
NOW = "2026-11-24T09:00:00.000Z"
BY = {"by": "Somebody", "reason": "For a reason."}
FACTS: dict[str, Tree] = {
    "open": {"by": "Somebody", "provider": WARD, "level": "2"},
    "claim": {**BY, "admitted_at": "2026-11-20"},
    "confirm": {**BY, "level": "2"},
    "decline": BY,
    "admit": {"by": "Somebody", "admitted_at": "2026-11-20"},
    "change": {**BY, "estimated_discharge": "2027-03-01"},
    "transfer": {**BY, "provider": FAR},
    "leave": {"by": "Somebody", "kind": "escorted", "period": {"start": "2026-11-22"}},
    "return": {"by": "Somebody", "returned_at": "2026-11-23"},
    "delay": {**BY, "since": "2026-11-23"},
    "end": {**BY, "outcome": "discharged", "at": "2026-11-24"},
    "reopen": BY,
}


class Both:
    """One record as the home team and the ward hold it once everything has arrived: each keeps its own part."""

    def __init__(self) -> None:
        self.tree: Tree = {"person": {"id": "person"}, "care_plans": [{"id": "care"}]}
        self.keepers: dict[tuple[str, str], str] = {("care_plans", "care"): HOME}
        self.numbers = itertools.count(1)

    def mint(self) -> str:
        return f"id-{next(self.numbers)}"

    def step(self, who: str, name: str, placement: str | None = None, **more: Any) -> Taken:
        facts = {**FACTS[name], **more}
        situation = Situation(self.tree, who, self.keepers, NOW, self.mint)
        taken = take(situation, placement, read_step(name, {k: v for k, v in facts.items() if v is not None}))
        record_of(taken.tree)
        self.tree = taken.tree
        for field in ("placements", "stays"):
            for item in taken.tree.get(field) or ():
                self.keepers.setdefault((field, item["id"]), who)
        return taken

    @property
    def only(self) -> str:
        (course,) = courses(self.tree)
        return course.id

    def state(self) -> str:
        return courses(self.tree)[0].state


def planned() -> Both:
    both = Both()
    both.step(HOME, "open")
    return both


def claimed() -> Both:
    both = Both()
    both.step(WARD, "claim")
    return both


def declined() -> Both:
    both = claimed()
    both.step(HOME, "decline", both.only)
    return both


def under_way() -> Both:
    both = planned()
    both.step(WARD, "admit", both.only)
    return both


def on_leave() -> Both:
    both = under_way()
    both.step(WARD, "leave", both.only)
    return both


def left() -> Both:
    both = under_way()
    both.step(WARD, "end", both.only)
    return both


def lapsed() -> Both:
    both = under_way()
    both.step(HOME, "end", both.only)
    return both


def ended() -> Both:
    both = left()
    both.step(HOME, "end", both.only)
    return both


def waiting() -> Both:
    both = planned()
    both.tree["placements"][0]["status"] = "on-hold"
    return both


def void() -> Both:
    both = planned()
    both.tree["placements"][0]["status"] = "entered-in-error"
    return both


IN: dict[str, Callable[[], Both]] = {
    "planned": planned, "claimed": claimed, "declined": declined, "under-way": under_way, "on-leave": on_leave,
    "left": left, "waiting": waiting, "lapsed": lapsed, "ended": ended, "void": void,
}  # fmt: skip
LATER = [name for name in STEPS if name not in ("open", "claim")]


def test_every_state_is_reached() -> None:
    assert IN.keys() == POSSIBLE.keys()
    for state, make in IN.items():
        assert make().state() == state


@pytest.mark.parametrize("state", IN)
@pytest.mark.parametrize("step", LATER)
def test_a_step_is_taken_where_the_table_says_so_and_refused_everywhere_else(state: str, step: str) -> None:
    told = []
    for who in (HOME, WARD):
        both = IN[state]()
        try:
            told.append("repeated" if both.step(who, step, both.only).repeated else "taken")
        except FhirMhError as refused:
            told.append(refused.issues[0].code)
            assert refused.issues[0].fix
    if step in possible(courses(IN[state]().tree)[0]):
        missing = {"change", "transfer"} & {step} and state in ("planned", "waiting")
        assert "taken" in told or missing, told
    elif step in (*POSSIBLE[state], *REPEATED.get(state, ())):  # type: ignore[index,call-overload]
        assert "taken" not in told
        assert "placement-step" not in told
    else:
        assert told == ["placement-step"] * 2


@pytest.mark.parametrize(
    ("state", "who", "step"),
    [
        ("planned", HOME, "admit"), ("planned", WARD, "end"), ("planned", WARD, "transfer"),
        ("claimed", WARD, "confirm"), ("claimed", FAR, "confirm"),
        ("claimed", WARD, "decline"), ("claimed", HOME, "end"), ("under-way", HOME, "leave"),
        ("on-leave", HOME, "return"), ("under-way", WARD, "transfer"), ("ended", FAR, "reopen"),
    ],
)  # fmt: skip
def test_each_records_what_is_its_own_to_record(state: str, who: str, step: str) -> None:
    both = IN[state]()
    before = both.tree
    with pytest.raises(ConsentDenied) as refused:
        both.step(who, step, both.only)
    assert [one.code for one in refused.value.issues] == ["placement-not-yours"]
    assert both.tree is before


REPEATS = [
    ("planned", HOME, "open"), ("claimed", WARD, "claim"), ("declined", HOME, "decline"), ("under-way", WARD, "admit"),
    ("on-leave", WARD, "leave"), ("ended", HOME, "end"), ("ended", WARD, "end"), ("lapsed", HOME, "end"),
]  # fmt: skip
OTHERWISE: dict[str, Tree] = {
    "open": {"level": "1"}, "claim": {"admitted_at": "2026-11-19"}, "admit": {"admitted_at": "2026-11-19"},
    "leave": {"kind": "other"}, "end": {"at": "2026-11-23"},
}  # fmt: skip


@pytest.mark.parametrize(("state", "who", "step"), REPEATS)
def test_told_again_alike_it_is_the_same_answer_and_told_otherwise_a_conflict(state: str, who: str, step: str) -> None:
    both = IN[state]()
    before = both.tree
    name = None if step in ("open", "claim") else both.only
    taken = both.step(who, step, name)
    assert (taken.repeated, taken.tree) == (True, before)
    if step not in OTHERWISE:
        return
    with pytest.raises(Conflict) as refused:
        both.step(who, step, name, **OTHERWISE[step])
    assert [one.code for one in refused.value.issues] == ["placement-told-otherwise"]


@pytest.mark.parametrize(("who", "step", "field"), [(WARD, "leave", "period"), (HOME, "open", "planned")])
@pytest.mark.parametrize("end", ["start", "end"])
def test_the_same_period_in_another_zone_is_told_alike(who: str, step: str, field: str, end: str) -> None:
    both = under_way() if step == "leave" else Both()
    name = both.only if step == "leave" else None
    period = {"start": "2026-11-23T09:00:00Z", "end": "2026-11-25T09:00:00Z"}
    both.step(who, step, name, **{field: period})
    elsewhere = {**period, end: period[end].replace("T09:00:00Z", "T10:00:00+01:00")}
    assert both.step(who, step, name, **{field: elsewhere}).repeated
    with pytest.raises(Conflict) as refused:
        both.step(who, step, name, **{field: {**period, end: period[end].replace("Z", "+01:00")}})
    assert [one.code for one in refused.value.issues] == ["placement-told-otherwise"]


TOLD_MORE: list[tuple[str, str, str, Tree]] = [
    ("claimed", WARD, "claim", {"home_team": HOME}), ("claimed", WARD, "claim", {"ward": "Oak"}),
    ("claimed", WARD, "claim", {"estimated_discharge": "2027-01-10"}),
    ("claimed", WARD, "claim", {"reason": "Another."}),
    ("claimed", WARD, "claim", {"purposes": [{"text": "Rest"}]}), ("under-way", WARD, "admit", {"ward": "Oak"}),
    ("under-way", WARD, "admit", {"estimated_discharge": "2027-01-10"}),
    ("under-way", WARD, "admit", {"length_of_stay": "4 weeks"}), ("declined", HOME, "decline", {"reason": "Another."}),
    ("ended", WARD, "end", {"discharged_to": {"text": "Home"}}), ("left", WARD, "end", {"reason": "Another."}),
    ("ended", HOME, "end", {"reason": "Another."}),
]  # fmt: skip


@pytest.mark.parametrize(("state", "who", "step", "more"), TOLD_MORE)
def test_a_fact_that_was_not_told_before_is_refused_and_not_dropped(
    state: str, who: str, step: str, more: Tree
) -> None:
    both = IN[state]()
    with pytest.raises(Conflict) as refused:
        both.step(who, step, None if step == "claim" else both.only, **more)
    assert [one.code for one in refused.value.issues] == ["placement-told-otherwise"]


def test_a_step_with_every_fact_is_told_again_alike_also_after_a_change() -> None:
    kept = {"ward": "Oak", "estimated_discharge": "2027-01-10", "length_of_stay": "4 weeks"}
    moved = {"ward": "Elm", "estimated_discharge": "2027-02-01", "length_of_stay": "8 weeks"}
    for make, step, more in (
        (planned, "admit", kept), (planned, "claim", {**kept, "home_team": HOME}),
        (planned, "claim", {"home_team": "ZCT9"}), (Both, "claim", {**kept, "home_team": HOME}),
    ):  # fmt: skip
        both = make()
        name = both.only if step == "admit" else None
        both.step(WARD, step, name, **more)
        assert both.step(WARD, step, name, **more).repeated
        both.step(WARD, "change", both.only, **moved)
        assert both.step(WARD, step, name, **more).repeated
    gone = {"discharged_to": {"text": "Home"}, "at": "2026-11-24T08:00:00Z"}
    both = under_way()
    both.step(WARD, "end", both.only, **gone)
    assert both.step(WARD, "end", both.only, **{**gone, "at": "2026-11-24T08:00:00+00:00"}).repeated


def test_a_claim_says_whose_person_it_is_also_where_another_has_placed_them() -> None:
    both = planned()
    both.step(WARD, "claim", home_team="ZCT9")
    codes = {one["id"]: one["ods"] for one in both.tree["organisations"]}
    assert [codes[one["organisation"]["id"]] for one in both.tree["episodes"]] == ["ZCT9"]


def test_a_transfer_told_again_with_other_terms_is_refused() -> None:
    both = under_way()
    old, told = both.only, {"level": "1", "placing_commissioner": "ZIC1", "at": "2026-11-23"}
    new = both.step(HOME, "transfer", old, **told).id
    assert both.step(HOME, "transfer", old, **told).repeated
    both.step(HOME, "change", new, estimated_discharge=None, level="2", placing_commissioner="ZIC2")
    assert both.step(HOME, "transfer", old, **told).repeated
    for more in ({"placing_commissioner": "ZIC3"}, {"at": "2026-11-22"}, {"reason": "Another."}):
        with pytest.raises(Conflict) as refused:
            both.step(HOME, "transfer", old, **{**told, **more})
        assert [one.code for one in refused.value.issues] == ["placement-told-otherwise"]
    assert both.step(HOME, "transfer", new, **told).id == new
    for more in ({"level": "2"}, {"at": "2026-11-22"}, {"reason": "Another."}):
        with pytest.raises(Conflict, match="with other facts"):
            both.step(HOME, "transfer", new, **{**told, "placing_commissioner": "ZIC3", **more})


def test_nobody_is_transferred_to_where_they_are() -> None:
    both = under_way()
    before = both.tree
    with pytest.raises(InvalidResource) as refused:
        both.step(HOME, "transfer", both.only, provider=WARD, level="2")
    assert [(one.code, one.path) for one in refused.value.issues] == [("map-invalid-record", "provider")]
    assert both.tree is before


@pytest.mark.parametrize("who", [HOME, WARD])
def test_another_ward_is_no_step_of_a_placement_that_is_over_but_is_told_again(who: str) -> None:
    both = under_way()
    both.step(WARD, "transfer", both.only, provider=None, ward="Larch")
    both.step(HOME, "end", both.only)
    assert (both.state(), both.step(who, "transfer", both.only, provider=None, ward="Larch").repeated) == (
        "lapsed",
        True,
    )
    with pytest.raises(Conflict) as refused:
        both.step(who, "transfer", both.only, provider=None, ward="Oak")
    assert [one.code for one in refused.value.issues] == ["placement-step"]
    assert both.tree["stays"][0]["ward"] == "Larch"


def test_a_transfer_ends_one_placement_and_opens_another_that_says_so() -> None:
    both = under_way()
    old = both.only
    new = both.step(HOME, "transfer", old).id
    first, second = both.tree["placements"]
    assert (first["id"], first["status"], second["id"], second["status"]) == (old, "completed", new, "active")
    assert second["replaces"]["id"] == old
    assert second["level"] == "2"
    again = both.step(HOME, "transfer", old)
    assert (again.repeated, again.id) == (True, new)
    with pytest.raises(Conflict, match="with other facts"):
        both.step(HOME, "transfer", old, provider="ZOA3")


def test_a_transfer_to_where_a_placement_goes_on_moves_into_that_one() -> None:
    both = under_way()
    old = both.only
    new = both.step(HOME, "open", provider=FAR, level="2").id
    assert both.step(HOME, "transfer", old, level="1").id == new
    first, second = both.tree["placements"]
    assert (first["status"], second["status"]) == ("completed", "active")
    assert (second["replaces"]["id"], second["level"]) == (old, "1")
    assert both.step(HOME, "transfer", old).repeated
    both.step(HOME, "reopen", old)
    assert both.step(HOME, "transfer", old).id == new
    assert [one["status"] for one in both.tree["placements"]] == ["completed", "active"]


def test_what_a_provider_says_of_itself_is_no_placement_to_move_into_or_to_have_opened() -> None:
    for step in ("transfer", "open"):
        both = under_way()
        both.tree["placements"].append({"id": "own", "status": "active", "provider": {"id": "far"}})
        both.tree["organisations"].append({"id": "far", "ods": FAR})
        both.keepers["placements", "own"] = FAR
        taken = both.step(HOME, step, both.tree["placements"][0]["id"], provider=FAR)
        assert (taken.repeated, taken.id == "own") == (False, False)


def test_a_claim_where_a_placement_goes_on_is_confirmed_as_its_stay() -> None:
    both = planned()
    both.tree["stays"] = [{"id": "own", "status": "planned", "provider": both.tree["placements"][0]["provider"]}]
    both.keepers["stays", "own"] = WARD
    assert both.step(HOME, "confirm", "own", level="1").id == both.tree["placements"][0]["id"]
    (placement,), (stay,) = both.tree["placements"], both.tree["stays"]
    assert (stay["placement"], placement["level"]) == ({"id": placement["id"]}, "1")
    assert both.step(HOME, "confirm", "own", level="1").repeated


def test_another_ward_is_a_change_of_the_stay() -> None:
    both = under_way()
    both.step(WARD, "transfer", both.only, provider=None, ward="Larch")
    both.step(WARD, "transfer", both.only, provider=None, ward="Oak")
    (stay,) = both.tree["stays"]
    assert stay["ward"] == "Oak"
    assert [entry["value"] for entry in stay["history"] if entry["term"] == "ward"] == ["Larch", "Oak"]


def test_a_transfer_goes_to_one_place() -> None:
    for facts in ({**BY}, {**BY, "provider": FAR, "ward": "Oak"}):
        with pytest.raises(InvalidResource, match="Say either provider"):
            read_step("transfer", facts)


def test_a_claim_becomes_a_placement_and_its_keeper_is_to_say_so_of_the_stay() -> None:
    both = claimed()
    stay = both.only
    taken = both.step(HOME, "confirm", stay)
    (placement,) = both.tree["placements"]
    assert placement["id"] == taken.id != stay
    assert both.tree["stays"][0]["placement"] == {"id": taken.id}
    assert both.state() == "under-way"
    assert both.step(HOME, "confirm", stay).repeated, "the stay's id still means it"


def test_a_claim_where_a_placement_waits_is_its_admission() -> None:
    both = planned()
    name = both.only
    assert both.step(WARD, "claim").id == name
    assert both.state() == "under-way"


def test_a_claim_says_whose_person_it_is() -> None:
    both = Both()
    both.step(WARD, "claim", home_team=HOME)
    codes = {one["id"]: one["ods"] for one in both.tree["organisations"]}
    assert [codes[one["organisation"]["id"]] for one in both.tree["episodes"]] == [HOME]


def test_a_change_keeps_what_was_with_its_reason() -> None:
    both = under_way()
    for date, reason in (("2027-03-01", "First estimate"), ("2027-05-01", "The flat is late")):
        both.step(WARD, "change", both.only, estimated_discharge=date, reason=reason)
    entries = both.tree["stays"][0]["estimated_discharge"]
    assert [(one["value"], one["reason"]["text"], one["recorded_by"]) for one in entries] == [
        ("2027-03-01", "First estimate", "Somebody"), ("2027-05-01", "The flat is late", "Somebody"),
    ]  # fmt: skip
    assert both.step(WARD, "change", both.only, estimated_discharge="2027-05-01").repeated
    both.step(HOME, "change", both.only, estimated_discharge=None, level="1", purposes=[{"text": "A flat"}])
    both.step(HOME, "change", both.only, estimated_discharge=None, host_commissioner="ZIC1")
    (placement,) = both.tree["placements"]
    said = [(one["term"], one["value"]) for one in placement["history"]]
    assert said == [("level", "2"), ("level", "1"), ("purpose", "A flat"), ("host-commissioner", "ZIC1")]


def test_what_was_recorded_last_is_in_force_whenever_it_arrived() -> None:
    first, second, third = "2026-11-24T07:00:00Z", "2026-11-24T09:00:00+01:00", "2026-11-24T08:30:00Z"
    for moments, order in (
        ((third, first, second), [1, 2, 0]), ((first, second, third), [0, 1, 2]), ((third, None, first), [2, 1, 0]),
        ((third, "2026-11-24"), [0, 1]), ((third, "2026-11-23"), [1, 0]), ((None, None), [0, 1]), ((), []),
    ):  # fmt: skip
        entries: list[Tree] = [{"value": n, **({"recorded_at": at} if at else {})} for n, at in enumerate(moments)]
        assert [one["value"] for one in in_order(entries)] == order


def test_a_change_is_a_repeat_of_what_is_in_force_and_not_of_what_arrived_last() -> None:
    both = under_way()
    both.tree["stays"][0]["estimated_discharge"] = [
        {"id": "newer", "value": "2027-02-01", "recorded_at": "2026-11-24T08:30:00Z", "reason": {"text": "Relapse"}},
        {"id": "older", "value": "2027-01-10", "recorded_at": "2026-11-24T08:00:00Z", "reason": {"text": "No flat"}},
    ]
    assert both.step(WARD, "change", both.only, estimated_discharge="2027-02-01").repeated
    assert not both.step(WARD, "change", both.only, estimated_discharge="2027-01-10").repeated


def test_what_no_entry_says_is_noted_before_it_is_changed() -> None:
    both = planned()
    both.tree["placements"][0].pop("history")
    both.step(HOME, "change", both.only, estimated_discharge=None, level="1")
    assert [one["value"] for one in both.tree["placements"][0]["history"]] == ["2", "1"]


def test_what_is_said_of_a_part_that_is_not_there_is_refused() -> None:
    for make, told in ((planned, {}), (claimed, {"estimated_discharge": None, "level": "1"})):
        both = make()
        with pytest.raises(Conflict) as refused:
            both.step(HOME, "change", both.only, **told)
        assert refused.value.issues[0].code == "placement-part-missing"


def test_a_delay_is_told_and_then_over() -> None:
    both = under_way()
    both.step(WARD, "delay", both.only)
    assert both.step(WARD, "delay", both.only).repeated
    both.step(WARD, "delay", both.only, until="2026-12-01")
    assert [one["until"] for one in both.tree["stays"][0]["delays"]] == ["2026-12-01"]
    with pytest.raises(Conflict, match="with other facts"):
        both.step(WARD, "delay", both.only, until="2026-12-02")


def test_somebody_comes_back_from_leave_once() -> None:
    both = on_leave()
    both.step(WARD, "return", both.only)
    assert both.state() == "under-way"
    assert both.step(WARD, "return", both.only).repeated
    with pytest.raises(Conflict, match="with other facts"):
        both.step(WARD, "return", both.only, returned_at="2026-11-24")


@pytest.mark.parametrize(
    ("state", "who", "step", "fact"),
    [
        ("under-way", WARD, "end", "at"), ("planned", HOME, "end", "at"), ("under-way", HOME, "transfer", "at"),
        ("planned", WARD, "admit", "admitted_at"), ("planned", WARD, "claim", "admitted_at"),
        ("on-leave", WARD, "return", "returned_at"),
    ],
)  # fmt: skip
def test_what_is_still_to_come_has_not_happened(state: str, who: str, step: str, fact: str) -> None:
    for moment in ("2026-12-24T10:00:00Z", "2026-11-25", "2026-12", "2027", "2026-11-24T09:05:01Z"):
        both = IN[state]()
        before = both.tree
        with pytest.raises(InvalidResource) as refused:
            both.step(who, step, None if step == "claim" else both.only, **{fact: moment})
        assert [(one.code, one.path) for one in refused.value.issues] == [("placement-to-come", fact)]
        assert both.tree is before
    for moment in ("2026-11-24T09:05:00Z", "2026-11-24T10:04:00+01:00", "2026-11-24"):
        both = IN[state]()
        assert not both.step(who, step, None if step == "claim" else both.only, **{fact: moment}).repeated


def test_a_day_begins_when_it_does_in_england() -> None:
    both = under_way()
    late = Situation(both.tree, WARD, both.keepers, "2026-06-30T23:10:00.000Z", both.mint)
    step = read_step("end", {**FACTS["end"], "at": "2026-07-01"})
    assert not take(late, both.only, step).repeated


@pytest.mark.parametrize(
    ("came", "goes", "is_refused"),
    [
        ("2026-11-20", "2026-11-13", True),
        ("2026-11-20T10:00:00Z", "2026-11-20T09:00:00Z", True),
        ("2026-11-20", "2026-11-19T22:59:00Z", True),
        ("2026-11-20", "2026-11-19T23:30:00Z", False),  # in summer it is that day already
        ("2026-11-20T10:00:00Z", "2026-11-20T09:57:00Z", False),
        ("2026-11-20T10:00:00Z", "2026-11-20", False),
        ("2026-11", "2026-11-01", False),
    ],
)
def test_nobody_goes_on_leave_before_they_came_or_is_back_before_they_went(
    came: str, goes: str, is_refused: bool
) -> None:
    both = planned()
    both.step(WARD, "admit", both.only, admitted_at=came)
    refused = codes_of(lambda: both.step(WARD, "leave", both.only, period={"start": goes}))
    assert refused == ([("map-invalid-record", "period.start")] if is_refused else [])
    both = under_way()
    both.step(WARD, "leave", both.only, period={"start": came})
    refused = codes_of(lambda: both.step(WARD, "return", both.only, returned_at=goes))
    assert refused == ([("map-invalid-record", "returned_at")] if is_refused else [])


def codes_of(told: Callable[[], Taken]) -> list[tuple[str, str]]:
    """What a step that does not fit is refused with, and where."""
    try:
        told()
    except InvalidResource as refused:
        return [(one.code, one.path) for one in refused.issues]
    return []


def test_leave_that_was_told_ahead_and_came_to_nothing_is_over_before_it_begins() -> None:
    both = under_way()
    both.step(WARD, "leave", both.only, period={"start": "2026-11-25", "end": "2026-11-26"})
    both.step(WARD, "return", both.only, returned_at="2026-11-24T08:00:00Z")
    assert both.state() == "under-way"


def test_leave_may_be_told_before_it_begins() -> None:
    both = under_way()
    both.step(WARD, "leave", both.only, period={"start": "2026-11-25"})
    assert both.state() == "on-leave"


def test_what_may_be_recorded_next_is_said() -> None:
    assert "leave" in possible(courses(under_way().tree)[0])
    assert "return" not in possible(courses(under_way().tree)[0])
    assert "return" in possible(courses(on_leave().tree)[0])
    assert "leave" not in possible(courses(on_leave().tree)[0])


def test_an_unknown_placement_and_unknown_facts_are_refused() -> None:
    with pytest.raises(NotFound):
        planned().step(HOME, "end", "another")
    with pytest.raises(InvalidResource) as refused:
        read_step("end", {"by": "Somebody", "outcome": "gone", "when": "today"})
    assert {(one.code, one.path) for one in refused.value.issues} == {
        ("map-invalid-record", "outcome"), ("map-invalid-record", "at"), ("map-invalid-record", "reason"),
        ("map-unknown-field", "$"),
    }  # fmt: skip


def test_a_fact_that_is_nearly_one_of_ours_is_named_and_it_is_said_where_the_facts_are_described() -> None:
    with pytest.raises(InvalidResource) as refused:
        read_step("leave", {"by": "Somebody", "kind": "escorted", "period": {"strat": "2026-11-25"}})
    (found,) = refused.value.issues
    assert (found.code, found.path) == ("map-unknown-field", "period.strat")
    assert "'start'" in found.fix
    assert "docs/placements.md" in found.fix


def test_a_label_that_names_no_level_is_refused_in_a_step_too() -> None:
    with pytest.raises(InvalidResource, match="Say 1 or 2"):
        read_step("open", {"by": "Somebody", "provider": WARD, "level": "locked rehabilitation"})


def test_nothing_given_is_changed_in_place() -> None:
    both = under_way()
    before, shown = both.tree, str(both.tree)
    both.step(WARD, "end", both.only)
    assert str(before) == shown
