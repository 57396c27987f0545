"""The steps of who admits: claim, admit, leave and return, delays, other wards, and the end of a stay."""

from __future__ import annotations

from fhir_mh.placements.courses import (
    THERE,
    WAITING,
    Course,
    Tree,
    courses,
    is_to_come,
    ods_codes,
    ods_named,
    outcome_of,
    same_moment,
    statuses,
)
from fhir_mh.placements.steps import Admit, Claim, Delay, Leave, Return
from fhir_mh.placements.terms import KEPT, Said, agree, estimate, is_told, note, organisation, same_period, says_why
from fhir_mh.placements.work import PROVIDER, Taken, Work, is_before, missing, not_yours, unfit
from fhir_mh.records.trees import tree_of

_OUTCOME = {"revoked": "cancelled", "completed": "discharged", "finished": "discharged"}
_AS_IT_STOOD = {"text": "As it stood before it was opened again."}
_AT_ADMISSION = {"text": "As agreed when the person was admitted."}


def claim(work: Work, step: Claim) -> Taken:
    """A stay that nobody has placed yet. Where a placement waits for the person here, it is its stay."""
    said, course = Said(step.by, tree_of(step.reason), work.now), expected(work)
    if course is not None and course.there:
        return work.again(course.id, same=_is_claimed(work, course, step), step=step.step)
    if course is not None:
        name = _admitted(work, course, tree_of(step), said)
        _cared_for_by(work, step.home_team, course.placement)
        return work.done(name)
    stay = _new_stay(work, tree_of(step), said)
    _cared_for_by(work, step.home_team)
    return work.done(stay["id"])


def expected(work: Work) -> Course | None:
    """What a claim of ours is told of: by which somebody is here already, or by which they are to come."""
    for course in courses(work.tree, work.keeper):
        here = course.there and (course.goes_on or course.state == "declined")
        if course.provider == work.own and (here or course.state == "planned"):
            return course
    return None


def _is_claimed(work: Work, course: Course, step: Claim) -> bool:
    """Whether this is what the claim said, as far as it was told."""
    if step.home_team is not None and not _is_cared_for_by(work, step.home_team, course.placement):
        return False
    claims = [entry for entry in statuses(course.stay or {}) if entry["value"] == "active"][:1]
    return _is_admitted(work, course, step) and all(says_why(entry, step.reason) for entry in claims)


def _is_admitted(work: Work, course: Course, step: Claim | Admit) -> bool:
    stay = course.stay or {}
    since = (stay.get("period") or {}).get("start")
    return same_moment(since, step.admitted_at) and is_told(work.tree, stay, tree_of(step), KEPT)


def admit(work: Work, course: Course, step: Admit) -> Taken:
    """The person has come."""
    if course.provider != work.own:
        raise not_yours(step.step, PROVIDER)
    placement = course.placement
    if placement is None:  # it is in the record of another who is one with the person: by this stay they have come
        return work.again(course.id, same=_is_admitted(work, course, step), step=step.step)
    for one in courses(work.tree, work.keeper):
        if one.there and one.placement is not None and one.placement["id"] == placement["id"]:
            return work.again(one.id, same=_is_admitted(work, one, step), step=step.step)
    return work.done(_admitted(work, course, tree_of(step), Said(step.by, _AT_ADMISSION, work.now)))


def _admitted(work: Work, course: Course, told: Tree, said: Said) -> str:
    """The person comes by a placement: our stay that waits for them begins, or a new one, whoever else planned one."""
    placement = course.placement or {}
    purposes = {"purposes": placement["purposes"]} if placement.get("purposes") else {}
    waiting = (stay for stay in work.tree.get("stays") or () if stay.get("status") in WAITING)
    ours = (
        stay
        for stay in waiting
        if (stay.get("placement") or {}).get("id") == placement["id"] and work.keeps("stays", stay)
    )
    _new_stay(work, {**purposes, **told}, said, next(ours, None), {"id": placement["id"]})
    return str(placement["id"])


def _new_stay(work: Work, told: Tree, said: Said, planned: Tree | None = None, placement: Tree | None = None) -> Tree:
    stay: Tree = {"id": work.mint()} if planned is None else planned
    stay |= {
        "status": "in-progress",
        "provider": stay.get("provider") or organisation(work.tree, work.own, work.mint, work.keeps),
        "period": {"start": told["admitted_at"]},
    }
    if placement is not None:
        stay["placement"] = placement
    agree(work.tree, stay, told, KEPT, said, work.mint)
    estimate(stay, told, said, work.mint)
    if placement is None:
        note(stay, "status", "active", said, work.mint)
    if planned is None:
        work.tree.setdefault("stays", []).append(stay)
    return stay


def _cared_for_by(work: Work, home_team: str | None, placement: Tree | None = None) -> None:
    """Say whose person this is, so that the home team is told of the stay."""
    if home_team is not None and not _is_cared_for_by(work, home_team, placement):
        ref = organisation(work.tree, home_team, work.mint, work.keeps)
        episode = {"id": work.mint(), "status": "active", "organisation": ref}
        work.tree.setdefault("episodes", []).append(episode)


def _is_cared_for_by(work: Work, home_team: str, placement: Tree | None) -> bool:
    """Whether the record says so already: an episode, or who asked for the placement."""
    codes = ods_codes(work.tree)
    said = [episode.get("organisation") for episode in work.tree.get("episodes") or ()]
    return home_team in (ods_named(ref, codes) for ref in (*said, (placement or {}).get("requested_by")))


def leave(work: Work, course: Course, step: Leave) -> Taken:
    """The person is on leave from now on."""
    stay = _own_stay(work, course, step.step)
    told = {name: value for name, value in tree_of(step).items() if name != "by"}
    leaves = stay.get("leaves") or []
    if stay.get("status") == "onleave":
        last = leaves[-1] if leaves else {}
        same = same_period(last.get("period"), told["period"]) and all(
            last.get(name) == value for name, value in told.items() if name != "period"
        )
        return work.again(course.id, same=same, step=step.step)
    if is_before(told["period"].get("start"), (stay.get("period") or {}).get("start")):
        raise unfit("period.start", "Nobody goes on leave before they came")
    stay["leaves"] = [*leaves, {"id": work.mint(), **told}]
    stay["status"] = "onleave"
    return work.done(course.id)


def come_back(work: Work, course: Course, step: Return) -> Taken:
    """The person is back; from a leave that was told ahead also before it began."""
    stay = _own_stay(work, course, step.step)
    leaves = stay.get("leaves") or []
    if stay.get("status") != "onleave":
        if not leaves:
            raise missing("leave")
        return work.again(course.id, same=same_moment(leaves[-1].get("returned_at"), step.returned_at), step=step.step)
    began = (leaves[-1].get("period") or {}).get("start") if leaves else None
    if is_before(step.returned_at, began) and not is_to_come(began, work.now):
        raise unfit("returned_at", "Nobody is back before the leave began")
    stay["status"] = "in-progress"
    if leaves:
        leaves[-1]["returned_at"] = step.returned_at
    return work.done(course.id)


def _own_stay(work: Work, course: Course, step: str) -> Tree:
    if course.stay is None or not course.there:
        raise missing("stay")
    if not work.provides(course):
        raise not_yours(step, PROVIDER)
    return course.stay


def delay(work: Work, course: Course, step: Delay) -> Taken:
    """One more delay with its reason; or one that was told before is over."""
    stay = course.stay
    if stay is None or not course.there:
        raise missing("stay")
    new: Tree = {"since": step.since, "reason": tree_of(step.reason)}
    if step.until is not None:
        new["until"] = step.until
    for known in stay.get("delays") or ():
        if (known.get("since"), (known.get("reason") or {}).get("text")) == (step.since, step.reason.text):
            if "until" in known or step.until is None:
                return work.again(course.id, same=known.get("until") == step.until, step=step.step)
            known["until"] = step.until
            return work.done(course.id)
    stay["delays"] = [*(stay.get("delays") or ()), {"id": work.mint(), **new}]
    return work.done(course.id)


def move_ward(work: Work, course: Course, ward: str, said: Said, step: str) -> Taken:
    """The person moves to another ward of the same provider."""
    if course.stay is None or not course.there:
        raise missing("stay")
    if not agree(work.tree, course.stay, {"ward": ward}, KEPT, said, work.mint):
        return work.again(course.id, same=True, step=step)
    return work.done(course.id)


def is_to_end(work: Work, course: Course) -> bool:
    """Whether its stay is not over, and ours to end: the person is with us, or was to come."""
    waits = (course.stay or {}).get("status") in WAITING and work.keeps("stays", course.stay)
    return work.provides(course) and (course.there or waits)


def end_stay(work: Work, stay: Tree, outcome: str, said: Said) -> None:
    """The stay is over; its history says how, from when and why. One that never began is cancelled, with no start."""
    status, period = stay.get("status", "in-progress"), stay.get("period") or {}
    began = status in THERE or (status == "unknown" and outcome != "cancelled")
    stay["status"] = "finished" if began and outcome != "cancelled" else "cancelled"
    stay["period"] = {**{name: at for name, at in period.items() if began or name != "start"}, "end": said.at}
    note(stay, "status", outcome, said, work.mint)


def go_on(work: Work, stay: Tree, said: Said) -> None:
    """The stay that was over goes on, and nobody has left by it; one that never began waits again."""
    say_reopened(work, stay, said)
    period = {name: at for name, at in (stay.get("period") or {}).items() if name != "end"}
    stay["status"] = "in-progress" if stay["status"] == "finished" or "start" in period else "planned"
    for name in ("period", "discharged_to"):
        stay.pop(name, None)
    stay |= {"period": period} if period else {}


def say_reopened(work: Work, part: Tree, said: Said) -> None:
    """The history of a placement or a stay says that it goes on; and before that how it stood, if it did not yet."""
    if not outcome_of(part):
        stood = str(part["status"])
        note(part, "status", _OUTCOME.get(stood, stood), Said(said.by, _AS_IT_STOOD, said.at), work.mint)
    note(part, "status", "active", said, work.mint)
