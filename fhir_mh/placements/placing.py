"""The steps of who places: open, confirm and decline a claim, transfer, and the ends of a placement."""

from __future__ import annotations

from fhir_mh.placements.courses import (
    ENDED,
    GONE,
    Course,
    Tree,
    courses,
    later,
    ods_codes,
    ods_named,
    same_moment,
    statuses,
    task_about,
)
from fhir_mh.placements.staying import end_stay, go_on, is_to_end, move_ward, say_reopened
from fhir_mh.placements.steps import Confirm, Decline, End, Open, Reopen, Transfer
from fhir_mh.placements.terms import PLACED, Said, agree, is_told, note, organisation, same_period, says_why
from fhir_mh.placements.work import PLACER, PROVIDER, Taken, Work, not_yours, unfit
from fhir_mh.records.trees import tree_of

_AT_OPENING = {"text": "As agreed when the placement was opened."}


def open_placement(work: Work, step: Open) -> Taken:
    """A new placement with a provider. One that is open there already is the same one, or a contradiction."""
    told, held = tree_of(step), going_on(work, step.provider)
    if held is not None:
        return work.again(held["id"], same=_same_terms(work, held, told), step=step.step)
    said = Said(step.by, _AT_OPENING, work.now)
    return work.done(_new(work, step.provider, told, said)["id"])


def going_on(work: Work, provider: str) -> Tree | None:
    """The placement with a provider that goes on; one that the provider says of itself is none yet."""
    for course in courses(work.tree, work.keeper):
        placement = course.placement
        if placement is None or course.provider != provider or course.state not in ("planned", "under-way", "on-leave"):
            continue
        if provider == work.own or work.keepers.get(("placements", placement["id"])) != provider:
            return placement
    return None


def _new(work: Work, provider: str, told: Tree, said: Said) -> Tree:
    placement: Tree = {
        "id": work.mint(),
        "status": "active",
        "requested_at": work.now,
        "requested_by": organisation(work.tree, work.own, work.mint, work.keeps),
        "provider": organisation(work.tree, provider, work.mint, work.keeps),
    }
    if "planned" in told:
        placement["planned"] = told["planned"]
    agree(work.tree, placement, told, PLACED, said, work.mint)
    work.tree.setdefault("placements", []).append(placement)
    return placement


def _same_terms(work: Work, placement: Tree, told: Tree) -> bool:
    codes = ods_codes(work.tree)
    for field in PLACED:
        value = placement.get(field)
        shown = ods_named(value, codes) if field.endswith("commissioner") else value
        if field in told and told[field] != shown:
            return False
    return "planned" not in told or same_period(placement.get("planned"), told["planned"])


def confirm(work: Work, course: Course, step: Confirm) -> Taken:
    """The claim becomes a placement of ours, and its keeper is asked to say so of the stay."""
    if not work.places(course):
        raise not_yours(step.step, PLACER)
    if course.placement is not None:
        return work.again(course.id, same=_same_terms(work, course.placement, tree_of(step)), step=step.step)
    return work.done(confirmed(work, course, tree_of(step), Said(step.by, tree_of(step.reason), work.now)))


def confirmed(work: Work, course: Course, told: Tree, said: Said) -> str:
    """The id of the placement that a claim becomes; where one with its provider goes on, it is a stay of that one."""
    stay = course.stay or {}
    placement = going_on(work, course.provider)
    if placement is None:
        purposes = {"purposes": stay["purposes"]} if stay.get("purposes") else {}
        placement = _new(work, course.provider, {**purposes, **told}, said)
        note(placement, "status", "active", said, work.mint)
    else:
        agree(work.tree, placement, told, PLACED, said, work.mint)
    stay["placement"] = {"id": placement["id"]}
    task = task_about(work.tree, stay["id"])
    if task is not None:
        task["status"] = "completed"
    return str(placement["id"])


def decline(work: Work, course: Course, step: Decline) -> Taken:
    """The claim is not confirmed: the question about it is closed, with the reason."""
    if not work.places(course) or course.stay is None:
        raise not_yours(step.step, PLACER)
    reason = tree_of(step.reason)
    task = task_about(work.tree, course.stay["id"])
    if course.state == "declined":
        last = ((task or {}).get("texts") or [{}])[-1]
        same = (last.get("words") or {}).get("text") == step.reason.text
        return work.again(course.id, same=same, step=step.step)
    if task is None:
        task = claim_task(work.mint(), course, work.now)
        work.tree.setdefault("tasks", []).append(task)
    task["status"] = "rejected"
    task.setdefault("texts", []).append({"id": work.mint(), "label": f"declined by {step.by}", "words": reason})
    return work.done(course.id)


def claim_task(name: str, course: Course, now: str) -> Tree:
    """The question whether a claim is to be confirmed."""
    stay = course.stay or {}
    since = (stay.get("period") or {}).get("start")
    return {
        "id": name,
        "kind": "placement",
        "status": "requested",
        "about": {"id": stay["id"], "type": "Encounter"},
        "field": "stays",
        "description": f"{course.provider} says that the person is there{f' since {since}' if since else ''}, and no "
        "placement says so. Confirm or decline it; until then nothing is shared with them for it.",
        "raised_at": now,
    }


def transfer(work: Work, course: Course, step: Transfer) -> Taken:
    """To another ward of the provider; or to another provider, by which one placement ends and another begins."""
    said = Said(step.by, tree_of(step.reason), step.at or work.now)
    if step.ward is not None:
        return move_ward(work, course, step.ward, said, step.step)
    if not work.places(course) or course.placement is None:
        raise not_yours(step.step, PLACER)
    provider, old = str(step.provider), course.placement
    if old.get("status") in ENDED:
        new = next((one for one in reversed(work.tree["placements"]) if _replaces(one, old)), old)
        same = new is not old and _is_moved_to(work, old, new, step)
        return work.again(new["id"], same=same, step=step.step)
    if provider == course.provider:
        former = next((one for one in work.tree["placements"] if _replaces(old, one)), None)
        if former is None:
            raise unfit("provider", "The person is placed there already; another ward of it is told by ward")
        return work.again(course.id, same=_is_moved_to(work, former, old, step), step=step.step)
    stayed = [one for one in courses(work.tree, work.keeper) if one.placement is old and is_to_end(work, one)]
    new = _moved_to(work, old, provider, tree_of(step), said)
    end_placement(work, old, "transferred", said)
    for one in stayed:
        end_stay(work, one.stay or {}, "transferred", said)
    return work.done(new["id"])


def _is_moved_to(work: Work, old: Tree, new: Tree, step: Transfer) -> bool:
    """Whether this is how one placement became another, as far as it was told."""
    last = next(reversed(statuses(old)), None)
    if last is None or not says_why(last, step.reason):
        return False
    if step.at is not None and not same_moment(last["recorded_at"], step.at):
        return False
    there = ods_named(new.get("provider"), ods_codes(work.tree)) == step.provider
    return there and is_told(work.tree, new, tree_of(step), PLACED)


def _replaces(placement: Tree, old: Tree) -> bool:
    return bool((placement.get("replaces") or {}).get("id") == old["id"])


def _moved_to(work: Work, old: Tree, provider: str, told: Tree, said: Said) -> Tree:
    """The placement with another provider after this one: the one that goes on there already, or else a new one."""
    placement = going_on(work, provider)
    if placement is None:
        names = ("level", "out_of_area_reason", "purposes", "interventions")
        kept = {name: old[name] for name in names if old.get(name)}
        commissioner = ods_named(old.get("placing_commissioner"), ods_codes(work.tree))
        kept |= {"placing_commissioner": commissioner} if commissioner else {}
        placement = _new(work, provider, {**kept, **told}, said)
    else:
        agree(work.tree, placement, told, PLACED, said, work.mint)
    if not placement.get("replaces"):
        _replaced_no_more(work, placement, old)
        placement["replaces"] = {"id": old["id"], "type": "ServiceRequest"}
    return placement


def _replaced_no_more(work: Work, placement: Tree, old: Tree) -> None:
    """Before a placement that goes on replaces another: what once replaced it, and led to that one, does so no more."""
    by_id, line = {one["id"]: one for one in work.tree["placements"]}, [old]
    while not _replaces(line[-1], placement):
        before = by_id.get((line[-1].get("replaces") or {}).get("id", ""))
        if before is None or before in line:
            return
        line.append(before)
    if work.keeps("placements", line[-1]):
        line[-1].pop("replaces")


def end(work: Work, course: Course, step: End) -> Taken:
    """Of placement and stay, that which is ours and goes on ends."""
    said, ended = Said(step.by, tree_of(step.reason), step.at), False
    places = work.places(course) and course.placement is not None
    over = course.stay if work.provides(course) and (course.stay or {}).get("status") in GONE else None
    if is_to_end(work, course):
        end_stay(work, course.stay or {}, step.outcome, said)
        if step.discharged_to is not None:
            (course.stay or {})["discharged_to"] = tree_of(step.discharged_to)
        ended = True
    if places and (course.placement or {}).get("status") not in ENDED:
        end_placement(work, course.placement or {}, step.outcome, said)
        ended = True
    if ended:
        return work.done(course.id)
    ours = course.placement if places else over
    if ours is None:
        raise not_yours(step.step, PROVIDER if course.placement is None else PLACER)
    return work.again(course.id, same=_is_ended(ours, over, step), step=step.step)


def _is_ended(ours: Tree, over: Tree | None, step: End) -> bool:
    """Whether this is how it ended. over: the stay, where it is ours to say where they were discharged to."""
    last = next(reversed(statuses(ours)), None)
    if last is None or last["value"] != step.outcome or not says_why(last, step.reason):
        return False
    gone_to = None if over is None or step.discharged_to is None else tree_of(step.discharged_to)
    return same_moment(last["recorded_at"], step.at) and gone_to in (None, (over or {}).get("discharged_to"))


def end_placement(work: Work, placement: Tree, outcome: str, said: Said) -> None:
    """The placement is over; its history says how, from when and why."""
    placement["status"] = "revoked" if outcome == "cancelled" else "completed"
    note(placement, "status", outcome, said, work.mint)


def reopen(work: Work, course: Course, step: Reopen) -> Taken:
    """Of placement and stay, that which is ours and is over goes on."""
    said, opened = Said(step.by, tree_of(step.reason), _opened_at(work, course)), False
    stay, placement = course.stay, course.placement
    if placement is not None and work.places(course) and placement.get("status", "active") != "active":
        say_reopened(work, placement, said)
        placement["status"] = "active"
        opened = True
    if stay is not None and work.provides(course) and stay.get("status") in GONE:
        go_on(work, stay, said)
        opened = True
    if not opened:
        raise not_yours(step.step, PROVIDER if placement is None else PLACER)
    return work.done(course.id)


def _opened_at(work: Work, course: Course) -> str:
    """Now; or the last of its ends, where that was told a little ahead: what is opened would be over by it again."""
    ends = [entry["recorded_at"] for part in (course.placement, course.stay) for entry in statuses(part or {})[-1:]]
    at, told = work.now, ((course.stay or {}).get("period") or {}).get("end")
    for end in (*ends, told):
        at = end if end is not None and later(end, at) else at
    return at


def is_reopened(work: Work, course: Course, step: Reopen) -> bool:
    """Whether this very step was recorded before: nothing of ours is over, and its history ends with these words."""
    placement = course.placement if course.placement is not None and work.places(course) else {}
    stay = course.stay if course.stay is not None and work.provides(course) else {}
    if placement.get("status", "active") != "active" or stay.get("status") in GONE:
        return False
    return any(_says_reopened(statuses(part)[-2:], step) for part in (placement, stay))


def _says_reopened(said: list[Tree], step: Reopen) -> bool:
    if len(said) < 2 or said[0]["value"] == "active" or said[1]["value"] != "active":
        return False
    words = (said[1].get("recorded_by"), (said[1].get("reason") or {}).get("text"))
    return words == (step.by, step.reason.text)
