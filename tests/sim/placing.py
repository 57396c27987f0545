"""What staff do about placements, as steps: each site records what is its own to record, whenever that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fhir_mh.clock import instant
from fhir_mh.errors import Conflict, ConsentDenied
from fhir_mh.placements import Course, possible, read_step
from fhir_mh.placements.courses import ods_codes, ods_named
from tests.courses import courses
from tests.sim.ledger import texts_in
from tests.sim.people import AWAY, FAR, HOME

if TYPE_CHECKING:
    from tests.sim.world import World

Tree = dict[str, Any]


class Placing:
    """Steps drawn from those that are possible. Each way answers whether there was anything to do."""

    def __init__(self, world: World) -> None:
        self.world = world

    def courses(self, ods: str, number: str) -> list[Course]:
        """The placements as a site shows them; none where the person is not known there."""
        held = self.world.sites[ods].record(number)
        return [] if held is None else courses(held.tree)

    def step(self, ods: str, number: str, name: str, placement: str | None = None, **facts: Any) -> bool:
        """A site records a step; it may be somebody else's, or done by now: then nothing happened."""
        site = self.world.sites[ods]
        one = site.numbers_of_one(number)
        for each in one:  # it is recorded where the placement stands
            self.world.ledgers[each].reasons |= texts_in(facts)
        step = read_step(name, {"by": f"staff of {ods}", **facts})
        about = [one.provider for one in self.courses(ods, number) if one.id == placement]
        try:
            done = self.world.attempt(ods, lambda: site.step(number, placement, step), f"{name} {facts} of {number}")
            if done and name == "decline":
                for each in one:
                    self.world.ledgers[each].declined[ods, about[0]] = self.world.clock.now()
            return done
        except ConsentDenied:
            return False
        except Conflict as told:
            if told.issues[0].code == "placement-told-otherwise":
                return False
            if told.issues[0].code == "placement-step" and len(one) > 1:  # of a placement that another side has
                return False
            raise

    def claim(self, ods: str, number: str) -> bool:
        """A ward has admitted somebody whom nobody placed there, perhaps somebody it has never heard of."""
        if self.world.sites[ods].dead or any(one.there for one in self.courses(ods, number) if one.provider == ods):
            return False
        if self.world.sites[ods].person(number) is None:
            person = {"names": [{"use": "official", "family": f"Person {number[-3:]}"}], "birth_date": "1984-02-03"}
            if not self.world.attempt(ods, lambda: self._register(ods, number, person), f"registers {number}"):
                return False
            if self.world.sites[ods].dead:
                return False
        now = instant(self.world.clock.now())
        return self.step(ods, number, "claim", reason=self._reason(), admitted_at=now, home_team=HOME)

    def _register(self, ods: str, number: str, person: Tree) -> None:
        self.world.sites[ods].save(number, {"person": {"nhs_number": number, **person}})

    def _reason(self) -> str:
        return self.world.staff.text("placement")

    def something(self, ods: str, number: str) -> bool:
        """One step that is possible here, of one placement."""
        draw = self.world.draw
        found = [one for one in self.courses(ods, number) if ods == HOME or one.provider == ods]
        if not found:
            return False
        course = draw.choice(found)
        names = [name for name in possible(course) if name in _FACTS and (name != "admit" or ods == course.provider)]
        if ods != HOME and not course.there:
            names = [name for name in names if name != "transfer"]
        if not names:
            return False
        name = draw.choice(names)
        return self.step(ods, number, name, course.id, **_FACTS[name](self, ods, course))

    def _transfer(self, ods: str, course: Course) -> Tree:
        if ods == HOME:
            return {"reason": self._reason(), "provider": FAR if course.provider == AWAY else AWAY}
        return {"reason": self._reason(), "ward": f"ward {self.world.staff.text('placement')}"}

    def _now(self) -> str:
        return instant(self.world.clock.now())


_FACTS: dict[str, Callable[[Placing, str, Course], Tree]] = {
    "admit": lambda my, ods, course: {"admitted_at": my._now()},
    "confirm": lambda my, ods, course: {"reason": my._reason(), "level": "2"},
    "decline": lambda my, ods, course: {"reason": my._reason()},
    "leave": lambda my, ods, course: {"kind": "other", "period": {"start": my._now()}},
    "return": lambda my, ods, course: {"returned_at": my._now()},
    "delay": lambda my, ods, course: {"reason": my._reason(), "since": my._now()[:10]},
    "transfer": Placing._transfer,
    "end": lambda my, ods, course: {"reason": my._reason(), "outcome": "discharged", "at": my._now()},
    "reopen": lambda my, ods, course: {"reason": my._reason()},
}


def places(tree: Tree) -> set[str]:
    """By a record of the home team's, the providers where somebody is; one that was left by a transfer is none.

    A stay that names no placement was left by the transfer of one with its provider that has no stay, if it had begun.
    """
    codes = ods_codes(tree)  # one provider may stand there twice, as each gateway names it
    stays = [one for one in tree.get("stays", ()) if one.get("status") in ("in-progress", "onleave")]
    for placement in tree.get("placements", ()):
        moved = [one["recorded_at"] for one in placement.get("history", ()) if one["value"] == "transferred"]
        if not moved:
            continue
        its = [one["id"] for one in tree.get("stays", ()) if one.get("placement", {}).get("id") == placement["id"]]
        its += [] if its else [
            one["id"]
            for one in stays
            if "placement" not in one and one["period"]["start"] < moved[-1]
            and ods_named(one["provider"], codes) == ods_named(placement["provider"], codes)
        ][:1]  # fmt: skip
        stays = [one for one in stays if one["id"] not in its]
    return {ods_named(one["provider"], codes) or one["provider"]["id"] for one in stays}
