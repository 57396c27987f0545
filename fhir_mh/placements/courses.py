"""A placement and its stay as one course, and the state it is in, read from a record's JSON tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fhir_mh.consent.directives import in_utc
from fhir_mh.fhir.urls import ODS_CODE

Tree = dict[str, Any]
State = Literal[
    "planned", "claimed", "declined", "under-way", "on-leave", "left", "waiting", "lapsed", "ended", "void"
]  # fmt: skip

ENDED = ("revoked", "completed")
THERE = ("arrived", "triaged", "in-progress", "onleave")
GONE = ("finished", "cancelled")
WAITING = ("planned", "unknown")


@dataclass(frozen=True, slots=True)
class Course:
    """One placement with its stay, or a stay that nobody has placed.

    id: the placement's, else the stay's. provider: ODS code, empty where none is named. state: `planned` (nobody has
    come yet); `claimed` (a provider says that the person is there, and no placement says so) and `declined`;
    `under-way` and `on-leave`; `left` (the stay is over, the placement is not); `waiting` (drafted or on hold);
    `lapsed` (the placement is over, the stay is not); `ended`; `void` (entered in error).
    """

    id: str
    placement: Tree | None
    stay: Tree | None
    provider: str
    state: State

    @property
    def there(self) -> bool:
        """Whether the person is there, or on leave from there, as far as its keeper has said."""
        return self.stay is not None and self.stay.get("status", "in-progress") in THERE

    @property
    def of_placement(self) -> bool:
        """Whether it is what a placement has come to, and not one of its further stays."""
        return self.placement is not None and self.id == self.placement["id"]

    @property
    def goes_on(self) -> bool:
        """Whether somebody may be there by it, or is to come."""
        return self.state in ("planned", "claimed", "under-way", "on-leave", "left")


def ods_codes(tree: Mapping[str, Any]) -> dict[str, str]:
    """The ODS codes of a record's organisations, by id."""
    return {item["id"]: item["ods"] for item in tree.get("organisations") or () if "ods" in item}


def ods_named(ref: Mapping[str, Any] | None, codes: Mapping[str, str]) -> str:
    """The ODS code of the organisation that a reference means: as it says itself, else as the organisation says.

    Empty where neither does.
    """
    if not ref:
        return ""
    identifier = ref.get("identifier") or {}
    named = identifier.get("value", "") if identifier.get("system") == ODS_CODE else ""
    return str(named) or codes.get(ref.get("id", ""), "")


def courses(tree: Mapping[str, Any]) -> list[Course]:
    """Every placement and stay of a record, each once."""
    codes = ods_codes(tree)
    of, alone = _linked(tree)
    unlinked = [(placement, stay) for placement, stay, told in _unlinked(tree, of, alone) if told]
    for placement, stay in unlinked:
        of[placement["id"]].append(stay)
    taken = {stay["id"] for _, stay in unlinked}
    found = []
    for placement in tree.get("placements") or ():
        linked = of[placement["id"]]
        main = _main(placement, linked)
        found.append(_course(tree, placement["id"], placement, main, codes))
        found += [_course(tree, stay["id"], placement, stay, codes) for stay in linked if stay is not main]
    return found + [_course(tree, stay["id"], None, stay, codes) for stay in alone if stay["id"] not in taken]


def _main(placement: Tree, linked: list[Tree]) -> Tree | None:
    """The stay by which a placement is told: one by which somebody is there, else the last that is over, else waits."""
    there = next((stay for stay in linked if _there(stay)), None)
    over = [stay for stay in linked if _is_over(placement, stay)]
    waits = [stay for stay in linked if stay.get("status") in WAITING]
    return there or last_left(over) or (waits[-1] if waits else last_left(linked))


def last_left(stays: list[Tree]) -> Tree | None:
    """Of stays that are over the last by which somebody was there; None of none."""
    return max(stays, key=_left_at, default=None)


def _left_at(stay: Tree) -> tuple[bool, str, str]:
    start, end = in_utc(_period(stay).get("start")) or "", in_utc(_period(stay).get("end")) or ""
    return stay.get("status") == "finished", end or start, start


def _linked(tree: Mapping[str, Any]) -> tuple[dict[str, list[Tree]], list[Tree]]:
    """The stays that name each placement, by its id; and those that name none."""
    of: dict[str, list[Tree]] = {placement["id"]: [] for placement in tree.get("placements") or ()}
    alone: list[Tree] = []
    for stay in tree.get("stays") or ():
        of.get((stay.get("placement") or {}).get("id", ""), alone).append(stay)
    return of, alone


def _unlinked(
    tree: Mapping[str, Any], of: Mapping[str, list[Tree]], alone: list[Tree]
) -> Iterator[tuple[Tree, Tree, bool]]:
    """Placements with a stay that names none, each once; and whether it can be told that it is its stay.

    of, alone: what _linked gives. It is the stay of the first placement with its provider that was open while it
    lasted; one that the provider keeps of itself comes after all others. One that goes on, and may
    have begun before a placement ended, is the stay of that one where no other is: so people are asked.
    """
    codes, placements = ods_codes(tree), list(tree.get("placements") or ())
    at = {placement["id"]: ods_named(placement.get("provider"), codes) for placement in placements}
    placements.sort(key=lambda one: (one.get("custodian") == at[one["id"]], in_utc(_open_since(one)) or ""))
    free = {one["id"] for one in placements if not any(_came_by(one, stay) for stay in of[one["id"]])}
    doubtful = []
    for stay in sorted(alone, key=lambda one: (_there(one), in_utc(_period(one).get("end")) or ""), reverse=True):
        provider = ods_named(stay.get("provider"), codes)
        with_it = [one for one in placements if provider and at[one["id"]] == provider]
        each = [(one, told) for one in with_it if (told := _was_open(tree, one, stay)) is not False]
        if not each:
            continue
        first, told = min(each, key=lambda one: one[1] is None) if _there(stay) else each[0]
        if told is None and _there(stay):
            doubtful.append((first, stay))
        elif first["id"] in free:
            free.discard(first["id"])
            yield first, stay, told is True
    for first, stay in doubtful:
        if first["id"] in free:
            free.discard(first["id"])
            yield first, stay, True


def _came_by(placement: Tree, stay: Tree) -> bool:
    """Whether somebody came by a stay, and it was not over when its placement was opened again last."""
    return _there(stay) or (stay.get("status") == "finished" and ended_since(placement, stay) is not False)


def _was_open(tree: Mapping[str, Any], placement: Tree, stay: Tree) -> bool | None:
    """Whether a placement was open while a stay lasted; None where that cannot be told."""
    status, since, period = placement.get("status", "active"), _open_since(placement), _period(stay)
    if status not in ("active", "completed") or not (_there(stay) or stay.get("status") == "finished"):
        return False  # nobody came, or is to come
    after = _there(stay) or later(period.get("start"), since) or later(period.get("end"), since)
    if status == "active":
        return after
    over = _over_since(placement)
    if _there(stay):
        declined = over is None or task_about(tree, stay["id"], "rejected") is not None
        return False if declined else later(over, period.get("start"))
    with_it = over is not None and in_utc(over) == in_utc(period.get("end"))
    return with_it or (after is True and later(over, period.get("start")) is True)


def _open_since(placement: Tree) -> str | None:
    """When a placement was opened again last, else when it was asked for; None where that is not told."""
    opened = [entry["recorded_at"] for entry in statuses(placement) if entry["value"] == "active"]
    return str(opened[-1]) if opened else placement.get("requested_at")


def _over_since(placement: Tree) -> str | None:
    """When a placement ended; None where it has not, or that is not told."""
    return str(statuses(placement)[-1]["recorded_at"]) if outcome_of(placement) else None


def is_after_all(tree: Mapping[str, Any], stay: Tree) -> bool:
    """Whether it is certain that a stay began after every placement with its provider that has ended."""
    codes = ods_codes(tree)
    provider = ods_named(stay.get("provider"), codes)
    return all(
        later(_over_since(one), _period(stay).get("start")) is False
        for one in tree.get("placements") or ()
        if one.get("status") in ENDED and ods_named(one.get("provider"), codes) == provider
    )


def _period(stay: Tree) -> Tree:
    return stay.get("period") or {}


def _course(
    tree: Mapping[str, Any], name: str, placement: Tree | None, stay: Tree | None, codes: Mapping[str, str]
) -> Course:
    provider = ods_named((placement or {}).get("provider"), codes) or ods_named((stay or {}).get("provider"), codes)
    state = _claimed(tree, stay or {}) if placement is None else _placed(placement, stay)
    return Course(name, placement, stay, provider, state)


def _there(stay: Tree) -> bool:
    return stay.get("status", "in-progress") in THERE


def _claimed(tree: Mapping[str, Any], stay: Tree) -> State:
    status = stay.get("status", "in-progress")
    if status == "entered-in-error":
        return "void"
    if status in GONE:
        return "ended"
    return "declined" if task_about(tree, stay["id"], "rejected") is not None else "claimed"


def _placed(placement: Tree, stay: Tree | None) -> State:
    status, there = placement.get("status", "active"), stay is not None and _there(stay)
    if status == "entered-in-error":
        return "void"
    if status in ENDED:
        return "lapsed" if there else "ended"
    if status != "active":
        return "waiting"
    if stay is not None and there:
        return "on-leave" if stay.get("status") == "onleave" else "under-way"
    return "left" if stay is not None and _is_over(placement, stay) else "planned"


def _is_over(placement: Tree, stay: Tree) -> bool:
    """Whether a stay is over, and was not when the placement was opened again last."""
    return stay.get("status") in GONE and ended_since(placement, stay) is True


def is_untold(course: Course) -> bool:
    """Whether a stay that goes on may have begun before its placement ended or after it, as far as either is told."""
    placement, stay = course.placement, course.stay
    if placement is None or stay is None or (stay.get("placement") or {}).get("id") == placement["id"]:
        return False
    return later(_over_since(placement), _period(stay).get("start")) is None


def task_about(tree: Mapping[str, Any], item: str, status: str | None = None) -> Tree | None:
    """The task about a claim, by the stay's id; where a status is given, only one in it."""
    for task in tree.get("tasks") or ():
        about = (task.get("about") or {}).get("id")
        if (
            task.get("kind") == "placement"
            and about == item
            and task.get("field") == "stays"
            and (status is None or task.get("status", "requested") == status)
        ):
            found: Tree = task
            return found
    return None


def statuses(part: Mapping[str, Any]) -> list[Tree]:
    """The entries of a history that say how far it has come, as they were recorded."""
    return [entry for entry in part.get("history") or () if entry.get("term") == "status"]


def outcome_of(part: Mapping[str, Any]) -> str:
    """How a placement or a stay that is over came to its end, as its history says; empty where it does not."""
    said = statuses(part)
    return str(said[-1]["value"]) if said and said[-1]["value"] != "active" else ""


def later(one: str | None, other: str | None) -> bool | None:
    """Whether a moment lies after another; None where, as precise as they are known, that cannot be told."""
    first, second = in_utc(one) or "", in_utc(other) or ""
    known = min(len(first), len(second))
    if first[:known] != second[:known]:
        return first[:known] > second[:known]
    return False if "T" in first and "T" in second else None


def ended_since(placement: Tree, stay: Tree) -> bool | None:
    """Whether a stay that is over ended after its placement was opened again last; None where it cannot be told.

    True where it never was.
    """
    said = statuses(placement)
    if not said or said[-1]["value"] != "active" or not any(entry["value"] != "active" for entry in said):
        return True
    return later(_period(stay).get("end"), said[-1]["recorded_at"])


def untold(tree: Mapping[str, Any]) -> list[tuple[Tree, Tree]]:
    """Placements that go on with nobody there, each with a stay that is over: whether by it, cannot be told."""
    of, alone = _linked(tree)
    found = [(placement, stay) for placement, stay, told in _unlinked(tree, of, alone) if not told]
    for placement in tree.get("placements") or ():
        over = [stay for stay in of[placement["id"]] if stay.get("status") in GONE]
        found += [(placement, stay) for stay in over if ended_since(placement, stay) is None]
    waiting = {one.id for one in courses(tree) if one.of_placement and one.state == "planned"}
    return [(placement, stay) for placement, stay in found if placement["id"] in waiting]
