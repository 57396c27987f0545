"""Bugs that a seed with a plain FHIR server has found, each told as a story, so that it is never found again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.connectors.fhir_server.found import Found
from fhir_mh.connectors.fhir_server.looking import Looking
from fhir_mh.connectors.fhir_server.taking_in import TakingIn
from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.issues import issue
from tests.fhir_server import Defects
from tests.sim.ledger import text_at, texts_in
from tests.sim.network import CALM, Faults
from tests.sim.people import ADA, BEN, HOME
from tests.sim.servers import Flat, PlainServer
from tests.sim.world import World

WARD = "ZPS1"
CHOIR = ("care_plans", "care", "activities", "choir", "description")
GOAL = ("goals", "goal", "preferred_outcome")
Tree = dict[str, Any]


@pytest.fixture
def world(tmp_path: Path, empty: Path) -> Iterator[World]:
    """Nothing goes wrong here by itself. The ward's server holds Ada's plan; it keeps all that it is given."""
    with begun(tmp_path, empty) as made:
        made.settle()
        yield made


@contextmanager
def begun(folder: Path, empty: Path, **defects: Any) -> Iterator[World]:
    """The same before anything was sent."""
    with World(1, folder, empty, calm=True, servers=[WARD]) as made:
        server = made.servers[WARD]
        server.defects, server.flat = Defects(**defects), Flat(shuffles=False, loses=0)
        made.working = True
        made.staff.register(ADA)
        yield made


def ward(world: World) -> PlainServer:
    return world.servers[WARD]


def plan(world: World, title: str = "Care plan") -> Tree:
    """The care plan as it lies there."""
    (found,) = [one for one in ward(world).all("CarePlan") if one["title"] == title]
    return found


def shown(world: World, row: tuple[str, ...], number: str = ADA) -> str | None:
    held = world.sites[HOME].record(number)
    return None if held is None else text_at(held.tree, row)


def goals_of_the_plan(world: World) -> list[str]:
    held = world.sites[HOME].record(ADA)
    assert held is not None
    return [one["id"] for one in held.tree["care_plans"][0]["goals"]]


def edit(world: World, row: tuple[str, ...]) -> str:
    """Somebody on the ward writes other words there; which."""
    assert world.wards.edit(ward(world), shown(world, row))
    return world.ledgers[ADA].there[-1].text


def just_before_we_write(world: World, monkeypatch: pytest.MonkeyPatch, row: tuple[str, ...]) -> list[str]:
    """Somebody on the ward writes other words there just before our next transaction arrives; which, once they have."""
    written, said = ward(world)._bundle, list[str]()

    def just_before(bundle: Tree) -> Tree:
        monkeypatch.undo()
        said.append(edit(world, row))
        return written(bundle)

    monkeypatch.setattr(ward(world), "_bundle", just_before)
    return said


def sealed(world: World) -> list[str]:
    """Everything that is under a seal at home."""
    return world.sites[HOME].look(lambda tx: [one.text for made in tx.seals.find() for one in tx.seals.texts(made.id)])


def not_answered(world: World) -> None:
    """One round in which what is written to the server is not answered."""
    world.working = False
    world.net.faults = Faults(unanswered=1)
    world.deliver(HOME)
    world.net.faults = CALM
    world.working = True


def test_items_of_two_persons_that_are_called_alike_are_two_there(world: World) -> None:
    world.staff.register(BEN)
    world.quiet()
    plans = [one for one in ward(world).all("CarePlan") if one["title"] == "Care plan"]
    assert len({one["subject"]["reference"] for one in plans}) == 2
    assert len({one["author"]["reference"] for one in plans if "author" in one}) in (0, 2)


def test_a_goal_that_was_deleted_there_is_not_taken_out_of_the_plan_here(world: World) -> None:
    (goal,) = ward(world).all("Goal")
    ward(world).delete("Goal", goal["id"])
    text = edit(world, CHOIR)
    world.staff.edit(HOME, ADA, GOAL)
    world.quiet()
    assert (shown(world, CHOIR), goals_of_the_plan(world)) == (text, ["goal"])


def test_a_goal_that_was_deleted_there_before_its_writing_was_answered_is_not_taken_out_either(
    tmp_path: Path, empty: Path
) -> None:
    with begun(tmp_path, empty) as world:
        not_answered(world)
        (goal,) = ward(world).all("Goal")
        text = edit(world, CHOIR)
        ward(world).delete("Goal", goal["id"])
        world.quiet()
        assert (shown(world, CHOIR), goals_of_the_plan(world)) == (text, ["goal"])


def test_what_refers_to_something_written_anew_refers_to_that(world: World) -> None:
    (goal,) = ward(world).all("Goal")
    ward(world).delete("Goal", goal["id"])
    world.staff.edit(HOME, ADA, GOAL)
    world.settle()
    (anew,) = ward(world).all("Goal")
    assert plan(world)["goal"] == [{"reference": f"Goal/{anew['id']}"}]
    text = edit(world, CHOIR)
    world.quiet()
    assert (shown(world, CHOIR), goals_of_the_plan(world)) == (text, ["goal"])


def test_where_the_answer_was_lost_a_change_there_still_refers_to_what_is_kept_here(
    tmp_path: Path, empty: Path
) -> None:
    with begun(tmp_path, empty) as world:
        not_answered(world)
        text = edit(world, CHOIR)
        world.quiet()
        assert (shown(world, CHOIR), goals_of_the_plan(world)) == (text, ["goal"])


def test_where_the_answer_was_lost_and_only_the_plan_was_read_it_still_refers_to_what_is_kept_here(
    tmp_path: Path, empty: Path
) -> None:
    with begun(tmp_path, empty) as world:
        not_answered(world)
        text = edit(world, CHOIR)
        ward(world).refused = "Goal"
        world.net.faults = Faults(late=1)  # else a fault of the server's would be one of the simulation
        world.poll(WARD)
        assert (shown(world, CHOIR), goals_of_the_plan(world)) == (text, ["goal"])


def test_what_lies_there_without_an_answer_and_is_denied_since_is_of_no_later_edition(
    tmp_path: Path, empty: Path
) -> None:
    with begun(tmp_path, empty) as world:
        not_answered(world)
        world.net.cut.add(frozenset({HOME, WARD}))
        world.staff.edit(HOME, ADA, CHOIR)
        world.deliver(HOME)
        ours = shown(world, CHOIR)
        world.staff.decide(HOME, ADA, WARD, permit=False, sections=frozenset({"care-plan"}))
        allotment = (*CHOIR[:3], "allotment", "description")
        text = edit(world, allotment)
        world.net.cut.clear()
        world.quiet()
        assert (shown(world, CHOIR), shown(world, allotment)) == (ours, text)


def test_what_was_deleted_there_and_written_anew_without_an_answer_is_the_copy(world: World) -> None:
    (goal,) = ward(world).all("Goal")
    ward(world).delete("Goal", goal["id"])
    world.staff.edit(HOME, ADA, GOAL)
    not_answered(world)
    text = edit(world, CHOIR)
    world.poll(WARD)
    assert (shown(world, CHOIR), goals_of_the_plan(world)) == (text, ["goal"])
    assert world.sites[HOME].look(lambda tx: tx.quarantine.find(state=None)) == []


def test_what_was_changed_there_before_our_writing_was_read_back_comes_home(
    tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allotment = (*CHOIR[:3], "allotment", "description")
    with begun(tmp_path, empty, representation=False) as world:
        world.settle()
        world.staff.edit(HOME, ADA, CHOIR)
        written, said = ward(world)._bundle, list[str]()

        def meanwhile(bundle: Tree) -> Tree:
            answer = written(bundle)
            monkeypatch.undo()
            said.append(edit(world, allotment))
            return answer

        monkeypatch.setattr(ward(world), "_bundle", meanwhile)
        world.quiet()
        assert [shown(world, allotment)] == said


def test_what_was_written_over_is_taken_in_though_what_lies_there_says_what_was_seen_last(
    tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrative = {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">made up</div>'}}
    with begun(tmp_path, empty, if_match=False, adds=narrative) as world:
        world.settle()
        world.staff.edit(HOME, ADA, CHOIR)
        not_answered(world)
        world.staff.edit(HOME, ADA, GOAL)
        world.deliver(HOME)  # what lies there was written by us, and is seen as if somebody there had written it
        said = just_before_we_write(world, monkeypatch, CHOIR)
        world.clock.advance(timedelta(minutes=5))
        not_answered(world)
        assert said[0] not in texts_in(plan(world))
        world.quiet()
        assert said[0] in texts_in(world.sites[HOME].record(ADA))


@pytest.mark.parametrize("uuids", [False, True])
def test_what_was_written_over_without_an_answer_is_read_though_somebody_there_has_gone_on_since(
    tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch, uuids: bool
) -> None:
    """Nobody there has seen it: whoever goes on saw what we had written."""
    allotment = (*CHOIR[:3], "allotment", "description")
    with begun(tmp_path, empty, if_match=False, uuids=uuids) as world:
        world.settle()
        world.staff.edit(HOME, ADA, CHOIR)
        said = just_before_we_write(world, monkeypatch, allotment)
        not_answered(world)
        assert said[0] not in texts_in(plan(world))
        world.clock.advance(timedelta(seconds=5))
        later = edit(world, CHOIR)
        world.clock.advance(timedelta(minutes=5))
        world.poll(WARD)
        assert (shown(world, allotment), shown(world, CHOIR)) == (said[0], later)


def test_that_two_persons_are_one_is_not_told_as_the_end_of_sharing_and_each_is_kept_up(world: World) -> None:
    world.staff.register(BEN)
    world.settle()
    assert world.staff.merge(ADA, BEN)
    world.settle()
    assert ward(world).all("Communication") == []
    world.staff.edit(HOME, BEN, CHOIR)
    world.quiet()
    newest = world.ledgers[BEN].said[-1].text
    assert newest in {text for one in ward(world).all("CarePlan") for text in texts_in(one)}


@pytest.mark.parametrize("patients", ["one", "none in use", "two"])
def test_what_the_ward_wrote_about_the_wrong_person_comes_under_the_seal_before_it_is_deleted_there(
    world: World, patients: str
) -> None:
    (patient,) = ward(world).all("Patient")
    if patients != "one":
        ward(world).put({**patient, "active": False} if patients == "none in use" else {**patient, "id": "another"})
    text = edit(world, GOAL)
    world.staff.retract(ADA, ("goals", "goal"))
    world.quiet()
    assert ward(world).all("Goal") == []
    assert text in texts_in(sealed(world))


@pytest.mark.parametrize("answered", [True, False])
def test_what_the_ward_wrote_about_the_wrong_person_just_before_it_is_deleted_is_sealed(
    world: World, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    respond, seen = ward(world).respond, shown(world, GOAL)

    def just_before(method: str, *asked: Any) -> tuple[int, Any]:
        if method == "DELETE" and not world.ledgers[ADA].there:
            world.wards.edit(ward(world), seen)
        return respond(method, *asked)

    monkeypatch.setattr(ward(world), "respond", just_before)
    world.staff.retract(ADA, ("goals", "goal"))
    if not answered:
        world.net.faults = Faults(unanswered=1)
        world.deliver(HOME)
        world.net.faults = CALM
    world.quiet()
    assert ward(world).all("Goal") == []
    assert world.ledgers[ADA].there[0].text in texts_in(sealed(world))


def test_what_the_ward_wrote_about_the_wrong_person_is_sealed_though_our_writing_was_not_answered(
    tmp_path: Path, empty: Path
) -> None:
    with begun(tmp_path, empty) as world:
        not_answered(world)
        text = edit(world, GOAL)
        world.staff.retract(ADA, ("goals", "goal"))
        world.quiet()
        assert ward(world).all("Goal") == []
        assert text in texts_in(sealed(world))


def test_an_older_version_of_the_same_moment_is_not_taken_for_what_came_after(
    tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begun(tmp_path, empty, uuids=True, if_match=False) as world:
        moment = world.clock.now()
        monkeypatch.setattr(ward(world), "now", lambda: moment)
        for _ in range(2):
            world.settle()
            world.staff.edit(HOME, ADA, CHOIR)
        world.settle()
        monkeypatch.undo()
        world.staff.edit(HOME, ADA, CHOIR)
        world.quiet()
        assert shown(world, CHOIR) == world.ledgers[ADA].said[-1].text
        held = world.sites[HOME].record(ADA)
        assert held is not None
        assert "tasks" not in held.tree


def test_an_organisation_that_two_records_name_by_one_uuid_stops_neither(world: World) -> None:
    named = "0b7e3c1e-8f43-4f0a-9d5e-0d6f6b6a1c11"
    world.staff.register(BEN)
    world.settle()
    for number in (ADA, BEN):
        team = {"organisations": [{"id": named, "ods": "ZXY9", "name": "A team"}],
                "episodes": [{"id": "third", "organisation": {"id": named}}]}  # fmt: skip
        assert world.attempt(
            HOME, lambda number=number, team=team: world.sites[HOME].save(number, team), "names a team"
        )
        world.staff.edit(HOME, number, CHOIR)
    world.quiet()
    (team,) = [one for one in ward(world).all("Organization") if one["name"] == "A team"]
    episodes = [
        one["patient"]["reference"]
        for one in ward(world).all("EpisodeOfCare")
        if one["managingOrganization"]["reference"] == f"Organization/{team['id']}"
    ]
    assert len(set(episodes)) == 2
    before = world.laws.of_servers.stand()
    for one in ward(world).all("EpisodeOfCare"):
        ward(world).put({**one, "period": {"start": "2026-01-01"}})
    world.quiet()
    for number in (ADA, BEN):
        held = world.sites[HOME].record(number)
        assert held is not None
        third = next(one for one in held.tree["episodes"] if one["id"] == "third")
        assert third["organisation"] == {"id": named}
        assert third["period"] == {"start": "2026-01-01"}
    assert before != world.laws.of_servers.stand()


def changed_twice(world: World, first: Tree, second: Tree) -> None:
    """Somebody on the ward writes the goal, and writes it again before the server is asked."""
    world.settle()
    world.poll(WARD)
    for said in (first, second):
        world.clock.advance(timedelta(minutes=6))
        (goal,) = ward(world).all("Goal")
        ward(world).put({**goal, **said})


def the_goal(world: World) -> Tree:
    held = world.sites[HOME].record(ADA)
    assert held is not None
    goal: Tree = held.tree["goals"][0]
    return goal


def test_what_a_server_adds_is_no_change_though_two_versions_came_since(tmp_path: Path, empty: Path) -> None:
    with begun(tmp_path, empty, adds={"category": [{"text": "added by the server"}]}) as world:
        changed_twice(world, {"lifecycleStatus": "on-hold"}, {"statusReason": "ward wrote"})
        world.poll(WARD)
        goal = the_goal(world)
        assert (goal["status"], "categories" in goal) == ("on-hold", False)


def test_what_is_later_waits_for_what_could_not_be_dealt_with(
    tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begun(tmp_path, empty) as world:
        changed_twice(world, {"statusReason": "earlier"}, {"lifecycleStatus": "on-hold"})
        taken = TakingIn.receive

        async def failing(taking: TakingIn, found: Found) -> tuple[int, bool]:
            monkeypatch.undo()
            return 0, False

        monkeypatch.setattr(TakingIn, "receive", failing)
        world.poll(WARD)
        assert TakingIn.receive is taken
        assert the_goal(world)["status"] == "active", "what is later is not taken in before"
        world.clock.advance(timedelta(minutes=1))
        world.poll(WARD)
        found = the_goal(world)
        assert (found["status"], found["status_reason"]) == ("on-hold", "earlier")


def test_one_history_that_cannot_be_read_stops_nothing_else(
    tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begun(tmp_path, empty, uuids=True) as world:
        changed_twice(world, {"lifecycleStatus": "on-hold"}, {"statusReason": "ward wrote"})

        async def between(looking: Looking, noted: Any, body: Tree) -> list[Tree]:
            raise UpstreamUnavailable(issues=[issue("server-pages", "$")])

        monkeypatch.setattr(Looking, "between", between)
        world.poll(WARD)
        assert the_goal(world)["status"] == "on-hold"


def test_a_change_there_that_says_a_part_of_what_never_left_is_not_taken_for_all_of_it(world: World) -> None:
    goal = {"id": "goal", "status": "on-hold", "status_reason": "reacted badly"}
    world.sites[HOME].save(ADA, {"goals": [goal]})
    world.working, world.net.faults = False, Faults(dropped=1)
    world.deliver(HOME)
    world.working, world.net.faults = True, CALM
    (there,) = ward(world).all("Goal")
    ward(world).put({**there, "lifecycleStatus": "on-hold"})
    world.poll(WARD)
    for _ in range(2):
        world.clock.advance(timedelta(minutes=6))
        world.settle()
    (there,) = ward(world).all("Goal")
    assert "reacted badly" in str(there)


def test_what_is_written_once_more_is_no_change_back_of_what_it_wrote_over(
    tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrative = {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">made up</div>'}}
    with begun(tmp_path, empty, if_match=False, uuids=True, adds=narrative) as world:
        not_answered(world)
        world.clock.advance(timedelta(minutes=5))
        world.deliver(HOME)  # it is found there, and is put off until that is taken in
        said = just_before_we_write(world, monkeypatch, CHOIR)
        world.clock.advance(timedelta(minutes=5))
        not_answered(world)
        assert said[0] not in texts_in(plan(world))
        world.clock.advance(timedelta(minutes=5))
        world.poll(WARD)
        assert shown(world, CHOIR) == said[0]
        world.quiet()
        assert said[0] in texts_in(plan(world))
