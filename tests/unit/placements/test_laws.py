"""Whatever steps are recorded by whomever in whatever order, these hold. Both sides see one record at once."""

from __future__ import annotations

from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fhir_mh.errors import Conflict, ConsentDenied, InvalidResource
from fhir_mh.placements import Terms, Whose, broken_terms, followed
from fhir_mh.records.trees import record_of, tree_of
from tests.courses import courses
from tests.unit.placements.test_steps import FAR, HOME, NOW, WARD, Both

Tree = dict[str, Any]
STEPS = (
    "open", "claim", "confirm", "decline", "admit", "change", "transfer", "leave", "return", "delay", "end", "reopen",
)  # fmt: skip
TERMS = Terms(72)


class Placements(RuleBasedStateMachine):
    """A home team and two wards record steps; the home team's gateway lets follow what follows."""

    @initialize()
    def begin(self) -> None:
        self.both = Both()
        self.before: Tree = {}
        self.reopened: set[str] = set()

    @rule(
        who=strategies.sampled_from((HOME, WARD, FAR)),
        step=strategies.sampled_from(STEPS),
        which=strategies.integers(0, 9),
        to=strategies.sampled_from((WARD, FAR)),
        level=strategies.sampled_from(("1", "2")),
        day=strategies.sampled_from(("2026-11-22", "2026-11-23", "2026-11-24")),
    )
    def record(self, who: str, step: str, which: int, to: str, level: str, day: str) -> None:
        """Somebody records a step that is theirs, or tries one that is not."""
        known = courses(self.both.tree)
        name = known[which % len(known)].id if known else "none"
        more = {
            "open": {"provider": to, "level": level}, "transfer": {"provider": to}, "end": {"at": day},
            "change": {"estimated_discharge": day}, "claim": {"admitted_at": day}, "return": {"returned_at": day},
        }.get(step, {})  # fmt: skip
        if not known and step not in ("open", "claim"):
            return
        if step in ("open", "claim") and (step == "open") != (who == HOME):
            return
        self.before = self.both.tree
        try:
            self.both.step(who, step, None if step in ("open", "claim") else name, **more)
        except (Conflict, ConsentDenied, InvalidResource):
            assert self.both.tree is self.before
            return
        if step == "reopen":
            self.reopened.add(name)
        assert broken_terms(self.before, self.both.tree, who, self.both.keepers, NOW) == []
        self._follow()

    def _follow(self) -> None:
        whose = Whose(HOME, self.both.keepers)
        after = followed(self.before, self.both.tree, whose, TERMS, NOW, self.both.mint)
        again = followed(after, after, whose, TERMS, NOW, self.both.mint)
        assert again is after, "it follows once"
        assert tree_of(record_of(after)) == {**tree_of(record_of(after))}
        self.both.tree = after
        for task in after.get("tasks") or ():
            self.both.keepers.setdefault(("tasks", task["id"]), HOME)

    @invariant()
    def history_only_grows(self) -> None:
        for who in (HOME, WARD, FAR):
            found = broken_terms(self.before, self.both.tree, who, self.both.keepers, NOW)
            assert [one for one in found if one.code == "placement-history"] == []
        had = {entry["id"] for entry in _entries(self.before)}
        assert had <= {entry["id"] for entry in _entries(self.both.tree)}

    @invariant()
    def what_has_ended_goes_on_only_by_reopening(self) -> None:
        were = {one["id"]: one["status"] for one in self.before.get("placements") or ()}
        for one in self.both.tree.get("placements") or ():
            if were.get(one["id"]) in ("completed", "revoked") and one["status"] == "active":
                assert one["id"] in self.reopened
                assert one["history"][-1]["value"] == "active"
                assert one["history"][-1]["reason"]["text"]

    @invariant()
    def nobody_is_in_two_places_unasked(self) -> None:
        there = [one for one in courses(self.both.tree) if one.there]
        moved = {
            one["id"]
            for one in self.both.tree.get("placements") or ()
            if one["status"] == "completed" and one["history"][-1]["value"] == "transferred"
        }
        here = {one.provider for one in there if one.id not in moved}
        asked = [one for one in self.both.tree.get("tasks") or () if one["kind"] == "placement"]
        assert len(here) < 2 or any(one["status"] != "cancelled" for one in asked)

    @invariant()
    def a_discharge_is_followed_up(self) -> None:
        for one in self.both.tree.get("placements") or ():
            left = one["status"] == "completed" and one["history"][-1]["value"] == "discharged"
            asked = [task for task in self.both.tree.get("tasks") or () if task["kind"] == "follow-up"]
            assert not left or any(task["due"] for task in asked)

    @precondition(lambda self: bool(courses(self.both.tree)))
    @invariant()
    def every_stay_and_placement_is_in_one_course(self) -> None:
        found = courses(self.both.tree)
        stays = [one.stay["id"] for one in found if one.stay is not None]
        assert sorted(stays) == sorted(one["id"] for one in self.both.tree.get("stays") or ())
        assert len({one.id for one in found}) == len(found)


def _entries(tree: Tree) -> list[Tree]:
    parts = [*(tree.get("placements") or ()), *(tree.get("stays") or ())]
    names = ("history", "estimated_discharge", "length_of_stay", "delays", "leaves")
    return [entry for part in parts for name in names for entry in part.get(name) or ()]


TestPlacements = Placements.TestCase
TestPlacements.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
