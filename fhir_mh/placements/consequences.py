"""What follows from how placements stand: what ends with what, and what people are asked to do. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, product
from typing import Any

from fhir_mh.clock import instant, moment_of
from fhir_mh.fhir.parts import copied
from fhir_mh.placements.asking import Asking, name_of, never_taken, task
from fhir_mh.placements.courses import (
    ENDED,
    GONE,
    Course,
    Tree,
    courses,
    ended_since,
    ends,
    is_after_all,
    is_untold,
    last_left,
    ods_codes,
    ods_named,
    outcome_of,
    statuses,
    tasks_about,
    untold,
)
from fhir_mh.placements.placing import claim_task, confirmed, end_placement
from fhir_mh.placements.terms import Mint, Said
from fhir_mh.placements.whose import Whose, is_dead
from fhir_mh.placements.work import Work

_CHANGED = ("placements", "stays", "tasks", "organisations")
"""The lists of a record that anything is ever changed in here."""

_LAPSED = (
    "The placement has ended, and {} still says that the person is there. Ask them: either the stay is over too, or "
    "the placement is to be opened again."
)
_NOWHERE = (
    "{} says that the person was transferred, and no placement says where to. Find out who cares for the person now."
)
_OVERLAP = (
    "Two placements overlap, with {} and with {}. Both go on seeing what they may. Find out where the person is, and "
    "end or transfer one of them."
)
_UNTOLD = (
    "{} says that a stay is over, and it cannot be told whether it was before this placement was opened or after. Find "
    "out whether the person has left: then end the placement."
)
_TWICE = (
    "Two placements with {} go on. The person is there by one of them only, and what is recorded of that one does not "
    "end the other. Find out which it is, and end the other."
)
_NO_PLAN = "No discharge plan is recorded: who does what, by when, for the person to be well at home?"
_FOLLOW_UP = "The person was discharged: be in touch with them within {} hours."


@dataclass(frozen=True, slots=True)
class Terms:
    """What a gateway counts with. follow_up_hours: after a discharge. confirm_claims: as they arrive."""

    follow_up_hours: int
    confirm_claims: bool = False


def followed(
    before: Mapping[str, Any], after: Tree, whose: Whose, terms: Terms, now: str, mint: Mint, owner: Tree | None = None,
    is_taken: Callable[[str], bool] = never_taken,
) -> Tree:  # fmt: skip
    """The record with what follows from its placements, given what it was before. The same one where nothing does.

    A placement of ours ends with the stay that its provider has ended; a claim is confirmed where the terms say so, and
    it is certain that it began after what has ended there; what a person must look at becomes a Task (of `owner`), and
    is taken back once it is no longer so. A Task has no id that is_taken says it may not have. Done again, nothing more
    follows. Nothing given is changed in place.
    """
    if not after.get("placements") and not after.get("stays"):
        return after
    tree = {**after, **{name: copied(after[name]) for name in _CHANGED if name in after}}
    work = Work(tree, whose.own, whose.keepers, now, mint)
    _noted(before, work, whose)
    leads = whose.leads(tree)
    were, found = courses(_past(before, whose), whose.keeper), courses(_whole(tree, whose), whose.keeper)
    there = _were_there(were)
    for course in _own(found, tree):
        stay = _left_by(_whole(tree, whose), course, there)
        if stay is not None and whose.keeps("placements", course.placement):
            _end_with_stay(work, course, stay)
    if leads and terms.confirm_claims:
        _confirm(found, work, whose)
    found, asking = courses(_whole(tree, whose), whose.keeper), Asking(tree, whose, owner, is_taken)
    asking.ask(_on_ending(were, _own(found, tree), asking, terms, now))
    asking.look([*_to_look_at(found, asking, leads, now), *_told_too_little(before, found, asking, now)])
    return after if tree == after else tree


def _whole(tree: Mapping[str, Any], whose: Whose) -> Tree:
    """A record together with what is held of others who are one with the person: in one order, seen from any of them.

    Which stay is whose may rest on that order alone.
    """
    return _joined(tree, [(one.tree, one.later) for one in whose.beside])


def _past(before: Mapping[str, Any], whose: Whose) -> Tree:
    """The same before the change."""
    return _joined(before, [(one.before, one.later) for one in whose.beside])


def _joined(tree: Mapping[str, Any], beside: Sequence[tuple[Mapping[str, Any], bool]]) -> Tree:
    names = {name for one, _ in beside for name in one if name != "person"}
    each = [*(one for one, later in beside if not later), tree, *(one for one, later in beside if later)]
    return {**tree, **{name: [item for one in each for item in one.get(name) or ()] for name in names}}


def _own(found: list[Course], tree: Mapping[str, Any]) -> list[Course]:
    """The courses of which the placement, or the stay of which there is none, is in a record."""
    ids = {item["id"] for name in ("placements", "stays") for item in tree.get(name) or ()}
    return [course for course in found if (course.placement or course.stay or {}).get("id") in ids]


def _noted(before: Mapping[str, Any], work: Work, whose: Whose) -> None:
    """A placement of ours that was ended by a mere change of its status says in its history that it was."""
    were = {item["id"]: item for item in before.get("placements") or ()}
    for item in work.tree.get("placements") or ():
        was = were.get(item["id"])
        ended = item.get("status") in ENDED and was is not None and was.get("status", "active") not in ENDED
        if ended and whose.keeps("placements", item) and not outcome_of(item):
            outcome = "cancelled" if item["status"] == "revoked" else "discharged"
            end_placement(work, item, outcome, Said(whose.own, {"text": "Its status was changed."}, work.now))


def _were_there(were: list[Course]) -> dict[str, set[str]]:
    """By which stays somebody was there, by the id of their placement."""
    found: dict[str, set[str]] = {}
    for course in were:
        if course.there and course.stay is not None and course.placement is not None:
            found.setdefault(course.placement["id"], set()).add(course.stay["id"])
    return found


def _left_by(tree: Tree, course: Course, there: Mapping[str, set[str]]) -> Tree | None:
    """The stay with whose end a placement ends. there: before the change, by whose stays somebody was there.

    Who was there as far as was known, and is no more, has left, whatever time is told, and by the stay they were there.
    """
    if not course.of_placement or course.state not in ("left", "planned"):
        return None
    were = there.get(course.id, set())
    left = last_left([stay for stay in tree.get("stays") or () if stay["id"] in were and stay.get("status") in GONE])
    return left or (course.stay if course.state == "left" else None)


def _end_with_stay(work: Work, course: Course, stay: Tree) -> None:
    placement, end = course.placement or {}, (stay.get("period") or {}).get("end")
    outcome = outcome_of(stay) or "discharged"
    if outcome == "discharged" and stay["status"] == "cancelled":  # nobody goes home from where they have not come
        outcome = "cancelled"
    at = end if end and ended_since(placement, stay) else work.now
    reason = {"text": "The provider has ended the stay."}
    end_placement(work, placement, outcome, Said(course.provider or work.own, reason, at))


def _confirm(found: list[Course], work: Work, whose: Whose) -> None:
    """Confirm each claim of which it is certain that it is none of what has ended, nor of what another record has."""
    ended = ends(_whole(work.tree, whose))
    said, own = Said(work.own, {"text": "Confirmed by policy as it arrived."}, work.now), _own(found, work.tree)
    elsewhere = {course.provider for course in found if course not in own and course.placement and course.goes_on}
    for course in own:
        if _is_claim(course, whose) and is_after_all(ended, course) and course.provider not in elsewhere:
            confirmed(work, course, {}, said)


def _is_claim(course: Course, whose: Whose) -> bool:
    """Whether a provider of itself says that somebody is there, and nobody placed them."""
    stay = course.stay
    return course.state == "claimed" and stay is not None and not whose.keeps("stays", stay) and bool(course.provider)


# --- what is asked once, when somebody has left


def _on_ending(were: list[Course], found: list[Course], asking: Asking, terms: Terms, now: str) -> Iterator[Tree]:
    """The discharge plan where it is empty, from who keeps the stay or placed; follow-up, from who placed."""
    tree, whose = _whole(asking.tree, asking.whose), asking.whose
    left = [course for course in were if _has_left(course)]
    over, gone = {course.id for course in left}, {course.stay["id"] for course in left if course.stay is not None}
    dead = is_dead(tree) or any(one.dead for one in whose.beside)
    known = {item["id"] for course in were for item in (course.placement, course.stay) if item is not None}
    for course in found:
        if course.placement is not None and not course.of_placement:
            continue
        if course.id in over or not _has_left(course) or dead or not _was_known(course, known):
            continue
        placed = whose.keeps("placements", course.placement)
        kept = whose.keeps("stays", course.stay) and (course.stay or {}).get("id") not in gone
        about: Tree = {"id": course.id, "type": "ServiceRequest"}
        if course.stay in (asking.tree.get("stays") or ()):
            about = {"id": (course.stay or {}).get("id"), "type": "Encounter"}
        end = _ended_at(course) or now
        if (placed or kept) and not (course.stay or {}).get("discharge_plan"):
            yield task("incomplete-plan", f"{course.id}/{end}/plan", now, about, _NO_PLAN)
        if placed and not _is_followed_up(tree, course):
            words = _FOLLOW_UP.format(terms.follow_up_hours)
            made = task("follow-up", f"{course.id}/{end}/follow-up", now, about, words)
            yield {**made, "due": _after(end, terms.follow_up_hours)}


def _is_followed_up(tree: Tree, course: Course) -> bool:
    stay = (course.stay or {}).get("id")
    return any((one.get("stay") or {}).get("id") == stay for one in tree.get("follow_ups") or () if stay)


def _has_left(course: Course) -> bool:
    """Whether somebody was there and went home; also where the provider says so, and who placed that they moved."""
    if course.placement is not None and outcome_of(course.placement):
        return course.state in ("ended", "lapsed") and (_is_discharged(course.placement) or _went_home(course))
    return course.state in ("ended", "left") and (course.stay or {}).get("status") == "finished"


def _is_discharged(part: Tree) -> bool:
    return outcome_of(part) == "discharged"


def _went_home(course: Course) -> bool:
    stay = course.stay or {}
    return (
        outcome_of(course.placement or {}) == "transferred"
        and stay.get("status") == "finished"
        and _is_discharged(stay)
    )


def _was_known(course: Course, known: set[str]) -> bool:
    """Not what comes as past already, with an old record."""
    return bool(known & {item["id"] for item in (course.placement, course.stay) if item is not None})


def _ended_at(course: Course) -> str | None:
    if course.placement is not None and _is_discharged(course.placement):
        return str(statuses(course.placement)[-1]["recorded_at"])
    end = ((course.stay or {}).get("period") or {}).get("end")
    return None if end is None else str(end)


def _after(moment: str, hours: int) -> str:
    """So many hours after a moment; of a mere date, after its end, as a date. It itself where nothing can be later."""
    told = moment_of(moment.replace(":60", ":59"))
    try:
        if told is not None:
            return instant(told + timedelta(hours=hours))
        if "T" in moment or len(moment) < len("2026-11-24"):
            return moment
        return (datetime.fromisoformat(moment) + timedelta(hours=hours)).date().isoformat()
    except (ValueError, OverflowError):  # no day of the calendar, or its last
        return moment


# --- what somebody must look at for as long as it is so


def _to_look_at(found: list[Course], asking: Asking, leads: bool, now: str) -> Iterator[Tree]:
    tree, whose, known = asking.tree, asking.whose, tasks_about(asking.tree)
    moved = {(one.get("replaces") or {}).get("id") for one in tree.get("placements") or ()}
    for course in _own(found, tree):
        if leads and _is_claim(course, whose):
            claim = next(iter(known.get(course.id, ())), None)
            yield claim_task(claim["id"] if claim else name_of(course.id, "claim"), course, now)
        placement = course.placement
        if placement is None or not whose.keeps("placements", placement):
            continue
        transferred = outcome_of(placement) == "transferred"
        name, about = placement["id"], {"id": placement["id"], "type": "ServiceRequest"}
        if course.state == "lapsed" and (not transferred or is_untold(course)):
            yield task("placement", f"{name}/lapsed", now, about, _LAPSED.format(course.provider))
        if course.state == "ended" and transferred and name not in moved:
            yield task("placement", f"{name}/nowhere", now, about, _NOWHERE.format(course.provider))
    yield from _overlaps([course for course in found if course.goes_on and course.provider], tree, whose, leads, now)


def _told_too_little(before: Mapping[str, Any], found: list[Course], asking: Asking, now: str) -> Iterator[Tree]:
    """Whether somebody has left where it cannot be told: asked once the end of a stay is told, and while it is so."""
    tree, past = _whole(asking.tree, asking.whose), _past(before, asking.whose)
    were, own = {stay["id"]: _told_end(stay) for stay in past.get("stays") or ()}, asking.tree.get("placements") or ()
    placed = {placement["id"] for placement in before.get("placements") or ()}
    codes = ods_codes(tree)
    for placement, stay in untold(tree, found, asking.whose.keeper):
        if placement not in own:
            continue
        name, provider = f"{placement['id']}/{stay['id']}/{_told_end(stay)}/left", placement.get("provider")
        anew = placement["id"] in placed and were.get(stay["id"]) != _told_end(stay)
        if asking.whose.keeps("placements", placement) and (anew or asking.is_asked(name_of(name))):
            about = {"id": placement["id"], "type": "ServiceRequest"}
            yield task("placement", name, now, about, _UNTOLD.format(ods_named(provider, codes)))


def _told_end(stay: Mapping[str, Any]) -> tuple[Any, Any]:
    return stay.get("status"), (stay.get("period") or {}).get("end")


def _overlaps(going_on: list[Course], tree: Tree, whose: Whose, leads: bool, now: str) -> Iterator[Tree]:
    """Nobody is in two places: two placements with two providers are a transfer, or a mistake; two with one are one.

    Of two records of one person the first asks about what is in both.
    """
    own, trees = _own(going_on, tree), [one.tree for one in whose.beside if one.later]
    later = [course for one in trees for course in _own(going_on, one)]
    for one, other in (*combinations(own, 2), *product(own, later)):
        ours = leads or any(whose.keeps("placements", course.placement) for course in (one, other))
        twice = one.provider == other.provider
        if not ours or (twice and not _are_two_placements(one, other)):
            continue
        ids = "/".join(sorted((one.id, other.id)))
        about = {"id": one.id, "type": "Encounter" if one.placement is None else "ServiceRequest"}
        words = _TWICE.format(one.provider) if twice else _OVERLAP.format(one.provider, other.provider)
        yield task("placement", f"{ids}/overlap", now, about, words)


def _are_two_placements(one: Course, other: Course) -> bool:
    """Not two stays of one placement, nor one of which the question is whether it is a placement."""
    return one.placement is not None and other.placement is not None and one.placement["id"] != other.placement["id"]
