"""Which step is possible in which state, for whom; and what a record is after it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from fhir_mh.errors import Conflict, InvalidResource, NotFound
from fhir_mh.fhir.parts import copied
from fhir_mh.issues import issue
from fhir_mh.placements import placing, staying
from fhir_mh.placements.courses import ENDED, WAITING, Course, State, courses, is_to_come
from fhir_mh.placements.steps import Change, Claim, Delay, End, Leave, Open, Reopen, Return, Step, Transfer
from fhir_mh.placements.terms import DATED, KEPT, PLACED, Mint, Said, agree, estimate
from fhir_mh.placements.whose import Beside
from fhir_mh.placements.work import Taken, Work, missing
from fhir_mh.records.trees import tree_of

_AT_THE_PROVIDER = ("change", "leave", "return", "delay", "end")
POSSIBLE: Mapping[State, tuple[str, ...]] = {
    "planned": ("admit", "change", "transfer", "end"),
    "claimed": ("confirm", "decline", *_AT_THE_PROVIDER),
    "declined": ("confirm", *_AT_THE_PROVIDER),
    "under-way": (*_AT_THE_PROVIDER, "transfer"),
    "on-leave": (*_AT_THE_PROVIDER, "transfer"),
    "left": ("transfer", "end", "reopen"),
    "waiting": ("change", "end", "reopen"),
    "lapsed": (*_AT_THE_PROVIDER, "reopen"),
    "ended": ("reopen",),
    "void": (),
}
"""The steps that a placement takes in each state."""
REPEATED: Mapping[State, tuple[str, ...]] = {
    "planned": ("confirm",),
    "declined": ("decline",),
    "under-way": ("admit", "confirm"),
    "on-leave": ("admit", "confirm"),
    "lapsed": ("transfer",),
    "ended": ("end", "transfer"),
}
"""The steps that have brought it there: told again alike they change nothing, told otherwise they are refused.

A step `reopen` brings it to many; that it was recorded is read from the history."""


_HAPPENED = ("admitted_at", "returned_at", "at")
"""When what a step tells has happened. Not `period`, of leave: it is told when somebody goes."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a step meets. tree: a record's JSON tree. own: the ODS code of the organisation that records the step.

    keepers: (list, item id) -> ODS code of who keeps the item. now: an instant, UTC. mint: gives ids to new items.
    beside: as Whose has it.
    """

    tree: Mapping[str, Any]
    own: str
    keepers: Mapping[tuple[str, str], str]
    now: str
    mint: Mint
    beside: Sequence[Beside] = ()

    def work(self) -> Work:
        """A copy to work on."""
        return Work(copied(dict(self.tree)), self.own, self.keepers, self.now, self.mint, self.beside)


class Shown(NamedTuple):
    """How a course is shown, where a record shows more than is in the one in which a step is recorded.

    placement, stay: their ids in that one, None for what is not in it.
    """

    state: State
    placement: str | None
    stay: str | None

    def of(self, course: Course) -> Course:
        """A course as that record alone has it, without what it is not shown with."""
        if course.stay is not None and course.stay["id"] != self.stay:
            course = replace(course, stay=None)
        if course.placement is not None and course.stay is not None and course.placement["id"] != self.placement:
            course = replace(course, id=course.stay["id"], placement=None)
        return course


def possible(course: Course) -> tuple[str, ...]:
    """The steps that a placement takes as it is now, whoever records them."""
    away = course.stay is not None and course.stay.get("status") == "onleave"
    not_now = ("leave" if away else "return",) if course.there else ("leave", "return", "delay")
    return tuple(step for step in POSSIBLE[course.state] if step not in not_now)


def take(situation: Situation, name: str | None, step: Step, shown: Shown | None = None) -> Taken:
    """The record after a step; name is the id of the placement it is about, None for one that opens it.

    What somebody else keeps is changed in the record that comes back, for the caller to propose it to them. A step
    that is told again alike changes nothing. Raises NotFound, Conflict (not possible now, or told again otherwise),
    ConsentDenied (somebody else's to record), InvalidResource (a time that is still to come).
    """
    _expect_happened(step, situation.now)
    work = situation.work()
    if isinstance(step, Open):
        return placing.open_placement(work, step)
    if isinstance(step, Claim):
        return staying.claim(work, step)
    course = next((one for one in courses(work.tree, work.keeper) if named(one, name)), None)
    if course is None:
        raise NotFound(issues=[issue("placement-not-found", "placement")])
    course, state = (course, course.state) if shown is None else (shown.of(course), shown.state)
    if isinstance(step, Reopen) and placing.is_reopened(work, course, step):
        return work.again(course.id, same=True, step=step.step)
    if step.step not in (*POSSIBLE[state], *REPEATED.get(state, ())):
        raise _not_now(course, state, step)
    taken = _TAKEN[step.step](work, course, step)
    if step.step == "transfer" and not taken.repeated and step.step not in POSSIBLE[state]:  # to another ward
        raise _not_now(course, state, step)
    return taken


def _not_now(course: Course, state: State, step: Step) -> Conflict:
    """The refusal of a step that the state does not take."""
    said = ", ".join(possible(replace(course, state=state))) or "none"
    return Conflict(issues=[issue("placement-step", "$", state=state, step=step.step, possible=said)])


def stands_at(situation: Situation, name: str | None, step: Step) -> tuple[str | None, Course | None]:
    """In whose record a step is recorded, where that of a person is several; and what it is about, as it is shown.

    By the id of the placement or stay there: None where the step begins a new one. A stay of ours is told of where it
    is, though the placement is in another record; so is any stay by a step that tells of it alone.
    """
    work = situation.work()
    if isinstance(step, Open):
        return (placing.going_on(work, step.provider) or {}).get("id"), None
    claim = isinstance(step, Claim)
    found = courses(work.tree, work.keeper)
    course = staying.expected(work) if claim else next((one for one in found if named(one, name)), None)
    if course is None:
        return name, None
    ours = work.keeps("stays", course.stay) and not work.places(course)
    of_stay = course.there if claim else ours or _is_of_stay(work, course, step)
    return str(course.stay["id"] if course.stay is not None and of_stay else course.id), course


def _is_of_stay(work: Work, course: Course, step: Step) -> bool:
    """Whether a step tells of a stay alone, and changes nothing of the placement."""
    if isinstance(step, Change):
        return PLACED.keys().isdisjoint(tree_of(step))
    if isinstance(step, End):  # of a placement that has ended what goes on can end, or waits
        waits = (course.stay or {}).get("status") in WAITING
        ended = (course.placement or {}).get("status") in ENDED
        return ended and (course.there or waits) and work.keeps("stays", course.stay)
    return isinstance(step, Leave | Return | Delay) or (isinstance(step, Transfer) and step.ward is not None)


def _expect_happened(step: Step, now: str) -> None:
    """Raises InvalidResource where it is told when the step happened, and that is still to come."""
    for name in _HAPPENED:
        if is_to_come(getattr(step, name, None), now):
            raise InvalidResource(issues=[issue("placement-to-come", name, step=step.step)])


def named(course: Course, name: str | None) -> bool:
    """Whether an id means this placement: its own, or that of its stay."""
    return name is not None and name in (course.id, (course.stay or {}).get("id"))


def _change(work: Work, course: Course, step: Change) -> Taken:
    """Other terms, each where it stands; a step that tells only what holds already is a repeat."""
    told, said = tree_of(step), Said(step.by, tree_of(step.reason), work.now)
    changed = False
    of_stay = {name: told[name] for name in (*DATED, "ward") if name in told}
    of_placement = {name: told[name] for name in PLACED if name in told}
    if course.placement is None and set(of_placement) == {"purposes"}:
        of_stay, of_placement = {**of_stay, **of_placement}, {}
    if of_placement:
        if course.placement is None:
            raise missing("placement")
        changed |= agree(work.tree, course.placement, of_placement, PLACED, said, work.mint)
    if of_stay:
        if course.stay is None:
            raise missing("stay")
        changed |= agree(work.tree, course.stay, of_stay, KEPT, said, work.mint)
        changed |= estimate(course.stay, of_stay, said, work.mint)
    return work.done(course.id) if changed else work.again(course.id, same=True, step=step.step)


_TAKEN: Mapping[str, Callable[[Work, Course, Any], Taken]] = {
    "admit": staying.admit,
    "confirm": placing.confirm,
    "decline": placing.decline,
    "change": _change,
    "transfer": placing.transfer,
    "leave": staying.leave,
    "return": staying.come_back,
    "delay": staying.delay,
    "end": placing.end,
    "reopen": placing.reopen,
}
