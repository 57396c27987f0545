"""Merging row by row: what is a change, what is a conflict, and which item is meant."""

from __future__ import annotations

import copy
from itertools import count
from typing import Any

import pytest

from fhir_mh.mapping.merge import Merged, merge, put

Tree = dict[str, Any]
HELD: Tree = {
    "person": {"id": "p", "gender": "female", "telecoms": [{"system": "phone", "value": "1"}]},
    "goals": [
        {"id": "g1", "description": {"text": "walk", "in_confidence": True}, "status": "active"},
        {"id": "g2", "description": {"text": "sleep"}, "status": "active"},
    ],
    "crisis_plans": [
        {"id": "c", "title": "crisis", "warning_signs": [{"id": "s1", "sign": {"text": "no sleep"}}],
         "unknown": {"crisis-plan": {"x": 1}}, "numbers": {"vendor": "7"}},
    ],
    "refusals": [{"id": "r", "refuses": [{"id": "t", "treatment": {"text": "ECT"}}]}],
}  # fmt: skip


def merged(theirs: Tree, *, shown: Tree | None = None, held: Tree = HELD, **options: Any) -> Merged:
    before = copy.deepcopy((held, shown, theirs))
    out = merge(held, held if shown is None else shown, theirs, **options)
    assert (held, shown, theirs) == before, "what was given was changed in place"
    return out


def with_(change: Any) -> Tree:
    tree = copy.deepcopy(HELD)
    change(tree)
    return tree


def test_nothing_said_changes_nothing() -> None:
    out = merged({})
    assert (out.tree, out.changes, out.conflicts) == (HELD, [], [])


def test_a_change_names_its_row_and_both_values() -> None:
    out = merged({"goals": [{"id": "g2", "status": "completed"}]})
    assert [(row.path, row.before, row.after) for row in out.changes] == [("goals[g2].status", "active", "completed")]
    assert out.tree == with_(lambda tree: tree["goals"][1].update(status="completed"))


def test_an_explicit_none_clears_and_absence_does_not() -> None:
    out = merged({"person": {"id": "p", "gender": None}})
    assert out.tree == with_(lambda tree: tree["person"].pop("gender"))
    assert [(row.path, row.after) for row in out.changes] == [("person.gender", None)]
    assert merged({"person": {"id": "p"}, "goals": []}).changes == []


def test_a_text_is_replaced_whole_but_stays_in_confidence() -> None:
    out = merged({"goals": [{"id": "g1", "description": {"text": "swim", "said_by": {"role": "person"}}}]})
    said = {"text": "swim", "said_by": {"role": "person"}, "in_confidence": True}
    assert out.tree["goals"][0]["description"] == said


def test_both_sides_changed_is_a_conflict_that_holds_all_three() -> None:
    ours = with_(lambda tree: tree["goals"][1].update(status="on-hold"))
    out = merged({"goals": [{"id": "g2", "status": "completed"}]}, shown=HELD, held=ours)
    assert out.tree == ours
    assert out.changes == []
    [row] = out.conflicts
    assert (row.path, row.shown, row.ours, row.theirs, row.reason) == (
        "goals[g2].status", "active", "on-hold", "completed", "both-changed",
    )  # fmt: skip


def test_both_sides_made_the_same_change() -> None:
    ours = with_(lambda tree: tree["goals"][1].update(status="completed"))
    out = merged({"goals": [{"id": "g2", "status": "completed"}]}, shown=HELD, held=ours)
    assert (out.tree, out.changes, out.conflicts) == (ours, [], [])


def test_another_row_of_an_item_that_we_changed_merges() -> None:
    ours = with_(lambda tree: tree["goals"][1].update(status="on-hold"))
    out = merged({"goals": [{"id": "g2", "status": "active", "status_reason": "moved"}]}, shown=HELD, held=ours)
    assert out.tree["goals"][1] == {
        "id": "g2", "description": {"text": "sleep"}, "status": "on-hold", "status_reason": "moved",
    }  # fmt: skip
    assert out.conflicts == []


@pytest.mark.parametrize("turn", [lambda goals: goals[::-1], lambda goals: goals[1:], lambda goals: goals])
def test_position_says_nothing(turn: Any) -> None:
    assert merged({"goals": turn(copy.deepcopy(HELD["goals"]))}).changes == []


def test_an_item_without_an_id_is_known_by_its_natural_key() -> None:
    sign = {"sign": {"text": "no sleep"}, "coping": {"text": "ring"}}
    out = merged({"crisis_plans": [{"id": "c", "warning_signs": [sign]}]})
    assert [row.path for row in out.changes] == ["crisis_plans[c].warning_signs[s1].coping"]


def test_of_two_that_it_may_be_none_is_taken() -> None:
    held = with_(
        lambda tree: tree["crisis_plans"][0]["warning_signs"].append({"id": "s2", "sign": {"text": "no sleep"}})
    )
    sign = {"sign": {"text": "no sleep"}, "coping": {"text": "ring"}}
    out = merged({"crisis_plans": [{"id": "c", "warning_signs": [sign]}]}, held=held)
    assert (out.tree, out.changes) == (held, [])
    assert [(row.path, row.reason) for row in out.conflicts] == [("crisis_plans[c].warning_signs[?]", "unclear-item")]


def test_an_id_that_is_not_here_is_another_item_whatever_it_says() -> None:
    out = merged({"goals": [{"id": "g3", "description": {"text": "sleep"}}]})
    assert [goal["id"] for goal in out.tree["goals"]] == ["g1", "g2", "g3"]
    assert [row.path for row in out.changes] == ["goals[g3]"]


def test_new_items_are_given_ids_and_so_are_those_inside_them() -> None:
    ids = map(str, count())
    plan = {"title": "another", "warning_signs": [{"sign": {"text": "pacing"}}]}
    out = merged({"crisis_plans": [plan]}, mint=lambda: f"new-{next(ids)}")
    assert out.tree["crisis_plans"][1] == {
        "id": "new-0", "title": "another", "warning_signs": [{"id": "new-1", "sign": {"text": "pacing"}}],
    }  # fmt: skip


def test_a_new_item_has_ids_where_its_own_lists_have_them_and_nowhere_else() -> None:
    new = {"professionals": [{"id": "p", "roles": [{"text": "Nurse"}]}],
           "contacts": [{"names": [{"family": "Example"}], "roles": [{"kind": "carer"}], "period": None}]}  # fmt: skip
    out = merged(new, mint=lambda: "new")
    assert out.tree["professionals"] == new["professionals"]
    assert out.tree["contacts"][-1]["roles"] == [{"id": "new", "kind": "carer"}]


def test_what_was_removed_here_does_not_come_back_unless_a_person_says_so() -> None:
    ours = with_(lambda tree: tree["goals"].pop())
    unchanged = merged({"goals": [{"id": "g2", "status": "active"}]}, shown=HELD, held=ours)
    assert (unchanged.tree, unchanged.conflicts) == (ours, [])
    edited = merged({"goals": [{"id": "g2", "status": "completed"}]}, shown=HELD, held=ours)
    assert edited.tree == ours
    assert [(row.path, row.reason) for row in edited.conflicts] == [("goals[g2]", "gone")]


def test_a_recorded_refusal_is_never_merged() -> None:
    theirs = {"refusals": [{"id": "r", "refuses": [{"id": "t", "treatment": {"text": "ECT, but for emergencies"}}]}]}
    out = merged(theirs, never=["refusals"])
    assert out.tree == HELD
    assert [(row.path, row.reason) for row in out.conflicts] == [("refusals[r]", "never-merged")]
    new = merged({"refusals": [{"id": "r2"}]}, never=["refusals"])
    assert [one["id"] for one in new.tree["refusals"]] == ["r", "r2"]


def test_a_list_that_is_read_only_takes_nothing_new() -> None:
    out = merged({"refusals": [{"id": "r2"}]}, read_only=["refusals"])
    assert out.tree == HELD
    assert [(row.path, row.reason) for row in out.conflicts] == [("refusals[r2]", "read-only")]


def test_values_without_ids_are_added_removed_and_keep_what_was_not_shown() -> None:
    held = with_(lambda tree: tree["person"].update(telecoms=[{"system": "phone", "value": "1", "use": "home"}]))
    view = with_(lambda tree: None)
    theirs = {"person": {"id": "p", "telecoms": [{"system": "phone", "value": "2"}]}}
    out = merge(held, view, theirs, view=view)
    assert out.tree["person"]["telecoms"] == [{"system": "phone", "value": "2", "use": "home"}]
    more = merge(
        held, view, {"person": {"id": "p", "telecoms": [*HELD["person"]["telecoms"], {"value": "3"}]}}, view=view
    )
    assert more.tree["person"]["telecoms"] == [{"system": "phone", "value": "1", "use": "home"}, {"value": "3"}]


def needs(*held: Tree) -> Tree:
    return {"person": {"id": "p", "communication_needs": list(held)}}


def test_an_edited_value_is_not_put_in_the_place_of_one_that_says_more() -> None:
    more, less = {"text": "large print", "recorded_at": "2026"}, {"text": "large print"}
    out = merged(needs(more, {"text": "a signer"}), held=needs(more, less))
    assert out.tree == needs(more, {"text": "a signer"})
    assert [(row.path, row.before, row.after) for row in out.changes] == [
        ("person.communication_needs", [more, less], [more, {"text": "a signer"}])
    ]


def test_of_two_values_alike_one_may_be_edited() -> None:
    said = {"text": "large print"}
    assert merged(needs(said, {"text": "x"}), held=needs(said, said)).tree == needs(said, {"text": "x"})
    assert merged(needs(said), held=needs(said, said)).tree == needs(said)


def test_which_of_two_that_were_shown_alike_was_edited_is_for_a_person_to_say() -> None:
    secret, known = {"text": "large print", "in_confidence": True}, {"text": "large print", "recorded_at": "2026"}
    held, view = needs(secret, known), needs({"text": "large print"}, {"text": "large print"})
    out = merge(held, view, needs({"text": "large print"}, {"text": "x"}), view=view)
    assert (out.tree, out.changes) == (held, [])
    assert [(row.path, row.reason) for row in out.conflicts] == [("person.communication_needs", "unclear-item")]


def test_a_value_told_in_confidence_does_not_lose_that_where_it_is_not_clear_what_took_its_place() -> None:
    secret = {"text": "do not phone", "in_confidence": True}
    held, view = needs({"text": "large print"}, secret), needs({"text": "large print"}, {"text": "do not phone"})
    out = merge(held, view, needs({"text": "do not phone or text"}), view=view)
    assert (out.tree, out.changes) == (held, [])
    assert [(row.path, row.reason) for row in out.conflicts] == [("person.communication_needs", "unclear-item")]


def test_new_words_of_a_value_stay_in_confidence_and_are_nobodys() -> None:
    held = needs({"text": "an interpreter", "said_by": {"role": "person"}, "in_confidence": True})
    view = needs({"text": "an interpreter"})
    out = merge(held, view, needs({"text": "copes without"}), view=view)
    assert out.tree == needs({"text": "copes without", "in_confidence": True})


def test_what_takes_the_place_of_one_value_is_not_taken_for_another() -> None:
    def person(*telecoms: Tree) -> Tree:
        return {"person": {"id": "p", "telecoms": list(telecoms)}}

    held = person({"value": "1", "use": "home"}, {"value": "2", "use": "old", "rank": 1})
    view = person({"value": "1"}, {"value": "2"})
    out = merge(held, view, person({"value": "2", "system": "phone"}, {"value": "3"}), view=view)
    assert out.tree == person({"value": "2", "system": "phone", "use": "home"}, {"value": "3", "use": "old", "rank": 1})


def test_unknown_content_is_settled_for_each_format_by_itself() -> None:
    out = merged({"crisis_plans": [{"id": "c", "unknown": {"csv": {"y": 2}}, "numbers": {"vendor": "8"}}]})
    assert out.tree["crisis_plans"][0]["unknown"] == {"crisis-plan": {"x": 1}, "csv": {"y": 2}}
    assert out.tree["crisis_plans"][0]["numbers"] == {"vendor": "8"}


def test_put_changes_only_what_the_view_could_say() -> None:
    def get(tree: Tree) -> Tree:
        return {"goals": [{"id": goal["id"], "status": goal["status"]} for goal in tree["goals"]]}

    assert put(HELD, get(HELD), get=get).tree == HELD
    edited = get(HELD)
    edited["goals"][0]["status"] = "completed"
    assert put(HELD, edited, get=get).tree == with_(lambda tree: tree["goals"][0].update(status="completed"))


REFUSAL: Tree = {"id": "r", "status": "active", "made_at": "2026-11-24", "custodian": "ZCT1",
                 "refuses": [{"id": "t", "treatment": {"text": "ECT"}}]}  # fmt: skip


@pytest.mark.parametrize(
    "said", [{"refuses": [{"treatment": {"text": "Lithium"}}]}, {"status": "draft"}, {"formalities": {"signed": True}}]
)
def test_a_directive_of_the_same_day_that_says_anything_else_is_a_new_one(said: Tree) -> None:
    held = {**HELD, "refusals": [REFUSAL]}
    new = {"made_at": "2026-11-24", "refuses": [{"treatment": {"text": "ECT"}}], **said}
    out = merged({"refusals": [new]}, held=held, mint=lambda: "new")
    assert (out.tree["refusals"][0], len(out.tree["refusals"]), out.conflicts) == (REFUSAL, 2, [])


def test_a_directive_without_an_id_that_says_all_that_one_held_does_is_that_one() -> None:
    held = {**HELD, "refusals": [REFUSAL]}
    again = {"made_at": "2026-11-24", "refuses": [{"treatment": {"text": "ECT"}}]}
    out = merged({"refusals": [again]}, held=held)
    assert (out.tree, out.changes, out.conflicts) == (held, [], [])
    ended = {**HELD, "refusals": [{**REFUSAL, "status": "inactive"}]}
    assert len(merged({"refusals": [again]}, held=ended).tree["refusals"]) == 2, "made anew once it was taken back"


def test_a_nomination_of_somebody_else_is_another_one() -> None:
    held = {**HELD, "nominations": [{"id": "n", "status": "active", "nominee": {"id": "mum"}}]}
    out = merged({"nominations": [{"status": "active", "nominee": {"id": "dad"}}]}, held=held)
    assert [one["nominee"]["id"] for one in out.tree["nominations"]] == ["mum", "dad"]


def signs(*items: Tree) -> Tree:
    return {"crisis_plans": [{"id": "c", "warning_signs": list(items)}]}


@pytest.mark.parametrize("word", ["pacing", "no sleep"])
def test_a_second_entry_in_the_same_words_is_a_second_item(word: str) -> None:
    first, second = ({"sign": {"text": word}, "coping": {"text": way}} for way in ("ring Mum", "ring the ward"))
    out = merged(signs(first, second))
    said = [one["coping"]["text"] for one in out.tree["crisis_plans"][0]["warning_signs"] if "coping" in one]
    assert (said, out.conflicts) == (["ring Mum", "ring the ward"], [])


def test_what_is_said_again_as_it_was_is_not_written_over_by_a_second_one() -> None:
    out = merged(signs({"sign": {"text": "no sleep"}, "coping": {"text": "x"}}, {"sign": {"text": "no sleep"}}))
    assert out.tree["crisis_plans"][0]["warning_signs"] == [
        {"id": "s1", "sign": {"text": "no sleep"}}, {"sign": {"text": "no sleep"}, "coping": {"text": "x"}},
    ]  # fmt: skip


def test_of_an_id_that_stands_twice_neither_text_is_put_over_the_other() -> None:
    out = merged({"goals": [{"id": "n", "description": {"text": word}} for word in ("one", "two")]})
    assert [one["description"]["text"] for one in out.tree["goals"]] == ["walk", "sleep", "one"]
    assert [(row.path, row.reason) for row in out.conflicts] == [("goals[n]", "unclear-item")]


def test_words_said_again_keep_who_said_them_unless_that_is_emptied() -> None:
    known = {"text": "walk", "said_by": {"role": "person"}, "recorded_by": "Nurse"}
    held = {**HELD, "goals": [{"id": "g1", "description": known}]}

    def after(said: Tree, **options: Any) -> Any:
        return merged({"goals": [{"id": "g1", "description": said}]}, held=held, **options)

    assert after({"text": "walk"}, partial=True).changes == []
    more = after({"text": "walk", "language": "en"}, partial=True)
    assert more.tree["goals"][0]["description"] == {**known, "language": "en"}
    assert after({"text": "swim"}, partial=True).tree["goals"][0]["description"] == {"text": "swim"}
    emptied = after({"text": "walk", "said_by": None}, partial=True)
    assert emptied.tree["goals"][0]["description"].get("said_by") is None
    assert len(after({"text": "walk"}).changes) == 1, "the whole of it, as it is to be"


def test_words_in_a_list_said_again_keep_who_said_them() -> None:
    known = {"text": "large print", "said_by": {"role": "person"}}
    out = merged(needs({"text": "large print"}, {"text": "x"}), held=needs(known), partial=True)
    assert out.tree == needs(known, {"text": "x"})
