"""A placement and its stay as one course, and the state it is in, read from a record's JSON tree."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from fhir_mh.clock import instant, moment_of
from fhir_mh.consent.directives import in_utc
from fhir_mh.fhir.urls import ODS_CODE

_LEEWAY = timedelta(minutes=5)  # by which another system's clock may be ahead
_SUMMER_TIME = timedelta(hours=1)  # by which a day in England begins before it does in UTC
Tree = dict[str, Any]
Keeper = Callable[[str, Tree], str | None]  # of a list and an item in it: who keeps it
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


def courses(tree: Mapping[str, Any], keeper: Keeper) -> list[Course]:
    """Every placement and stay of a record, each once. keeper: who keeps an item, for not each says so itself."""
    codes, declined = ods_codes(tree), declined_in(tree)
    of, alone = _linked(tree)
    unlinked = [(placement, stay) for placement, stay, told in _unlinked(tree, of, alone, keeper) if told]
    for placement, stay in unlinked:
        of[placement["id"]].append(stay)
    taken = {stay["id"] for _, stay in unlinked}
    found = []
    for placement in tree.get("placements") or ():
        linked = of[placement["id"]]
        main = _main(placement, linked)
        found.append(_course(placement["id"], placement, main, codes, declined))
        further = (stay for stay in linked if stay is not main)
        found += [_course(stay["id"], placement, stay, codes, declined) for stay in further]
    claims = (stay for stay in alone if stay["id"] not in taken)
    return found + [_course(stay["id"], None, stay, codes, declined) for stay in claims]


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
    start, end = _utc(_period(stay).get("start")), _utc(_period(stay).get("end"))
    return stay.get("status") == "finished", end or start, start


def _linked(tree: Mapping[str, Any]) -> tuple[dict[str, list[Tree]], list[Tree]]:
    """The stays that name each placement, by its id; and those that name none."""
    of: dict[str, list[Tree]] = {placement["id"]: [] for placement in tree.get("placements") or ()}
    alone: list[Tree] = []
    for stay in tree.get("stays") or ():
        of.get((stay.get("placement") or {}).get("id", ""), alone).append(stay)
    return of, alone


@dataclass(frozen=True, slots=True)
class _Span:
    """A placement or a stay, whom it is with (ODS code), and from when to when: UTC, empty where it is not told."""

    part: Tree
    provider: str
    since: str
    until: str


def _spans(placements: list[Tree], codes: Mapping[str, str], keeper: Keeper, *more: str) -> dict[str, list[_Span]]:
    """The placements that may have stays, of more statuses too, by provider: first what it does not keep, in time."""
    found = []
    for one in placements:
        span = _Span(one, ods_named(one.get("provider"), codes), _utc(_open_since(one)), _utc(_over_since(one)))
        if span.provider and one.get("status", "active") in ("active", "completed", *more):
            found.append(span)
    found.sort(key=lambda one: (keeper("placements", one.part) == one.provider, one.since))
    at: dict[str, list[_Span]] = {}
    for span in found:
        at.setdefault(span.provider, []).append(span)
    return at


def _stayed(stays: list[Tree], codes: Mapping[str, str]) -> list[_Span]:
    """The stays to which somebody has come: first by which they are there, then the last that are over."""
    found = []
    for one in stays:
        period = _period(one)
        if _there(one) or one.get("status") == "finished":
            provider = ods_named(one.get("provider"), codes)
            found.append(_Span(one, provider, _utc(period.get("start")), _utc(period.get("end"))))
    return sorted(found, key=lambda one: (_there(one.part), one.until), reverse=True)


def _unlinked(
    tree: Mapping[str, Any], of: Mapping[str, list[Tree]], alone: list[Tree], keeper: Keeper
) -> Iterator[tuple[Tree, Tree, bool]]:
    """Placements with a stay that names none, each once; and whether it can be told that it is its stay.

    of, alone: what _linked gives. It is the stay of the first placement with its provider that was open while it
    lasted; one that the provider keeps of itself comes after all others. One that goes on, and may have begun before a
    placement ended, is the stay of that one where no other is: so people are asked.
    """
    codes, declined, placements = ods_codes(tree), declined_in(tree), list(tree.get("placements") or ())
    at, doubtful = _spans(placements, codes, keeper), []
    free = {one["id"] for one in placements if not any(_came_by(one, stay) for stay in of[one["id"]])}
    for stay in _stayed(alone, codes):
        there = _there(stay.part)
        was_open = _there_since if there else _lasted
        each = [(one.part, told) for one in at.get(stay.provider, ()) if (told := was_open(one, stay)) is not False]
        if there and stay.part["id"] in declined:
            each = [one for one in each if one[0].get("status", "active") == "active"]
        if not each:
            continue
        first, told = min(each, key=lambda one: one[1] is None) if there else each[0]
        if told is None and there:
            doubtful.append((first, stay.part))
        elif first["id"] in free:
            free.discard(first["id"])
            yield first, stay.part, told is True
    for first, one in doubtful:
        if first["id"] in free:
            free.discard(first["id"])
            yield first, one, True
    yield from ((placement, stay, True) for placement, stay in _planned(tree, alone, keeper))


def _planned(tree: Mapping[str, Any], alone: list[Tree], keeper: Keeper) -> Iterator[tuple[Tree, Tree]]:
    """Stays that somebody else has planned with a provider and that name no placement, each with that of its provider.

    That is the one that goes on; where none does, the last that has ended, unless the stay is told to begin after that.
    What a provider plans of itself is a claim.
    """
    codes, at = ods_codes(tree), dict[str, list[_Span]]()
    for stay in (one for one in alone if one.get("status") == "planned"):
        provider, start = ods_named(stay.get("provider"), codes), _utc(_period(stay).get("start"))
        if keeper("stays", stay) in (None, provider):
            continue
        at = at or _spans(list(tree.get("placements") or ()), codes, keeper, "revoked")
        each = at.get(provider, ())
        going_on = [one for one in each if one.part.get("status", "active") == "active"]
        over = [one for one in each if one.part.get("status") in ENDED and not _is_later(start, one.until)]
        planned = next(iter(going_on), None) or max(over, key=lambda one: one.until, default=None)
        if planned is not None:
            yield planned.part, stay


def planned_in_vain(tree: Mapping[str, Any], keeper: Keeper) -> set[str]:
    """The stays that are planned and name no placement, where the placement that each was planned by has ended."""
    found = _planned(tree, _linked(tree)[1], keeper)
    return {stay["id"] for placement, stay in found if placement.get("status") in ENDED}


def _came_by(placement: Tree, stay: Tree) -> bool:
    """Whether somebody came by a stay, and it was not over when its placement was opened again last."""
    return _there(stay) or (stay.get("status") == "finished" and ended_since(placement, stay) is not False)


def _there_since(placement: _Span, stay: _Span) -> bool | None:
    """Whether a placement goes on, or was open when a stay that goes on began; None where that cannot be told."""
    if placement.part.get("status", "active") == "active":
        return True
    return _is_later(placement.until, stay.since) if placement.until else False


def _lasted(placement: _Span, stay: _Span) -> bool | None:
    """Whether a placement was open while a stay lasted; None where it still is and that cannot be told."""
    after = _is_later(stay.since, placement.since) or _is_later(stay.until, placement.since)
    if placement.part.get("status", "active") == "active":
        return after
    with_it = placement.until != "" and placement.until == stay.until
    return with_it or (after is True and _is_later(placement.until, stay.since) is True)


def _open_since(placement: Tree) -> str | None:
    """When a placement was opened again last, else when it was asked for; None where that is not told."""
    opened = [entry["recorded_at"] for entry in statuses(placement) if entry["value"] == "active"]
    return str(opened[-1]) if opened else placement.get("requested_at")


def _over_since(placement: Tree) -> str | None:
    """When a placement ended; None where it has not, or that is not told."""
    return str(statuses(placement)[-1]["recorded_at"]) if outcome_of(placement) else None


def ends(tree: Mapping[str, Any]) -> dict[str, set[str]]:
    """When placements ended, by the ODS code of whom they were with: UTC, empty where it is not told."""
    codes, found = ods_codes(tree), dict[str, set[str]]()
    for one in tree.get("placements") or ():
        if one.get("status") in ENDED:
            found.setdefault(ods_named(one.get("provider"), codes), set()).add(_utc(_over_since(one)))
    return found


def is_after_all(ended: Mapping[str, set[str]], claim: Course) -> bool:
    """Whether it is certain that a claim began after every placement with its provider that has ended.

    ended: what ends gives.
    """
    since = _utc(_period(claim.stay or {}).get("start"))
    return all(_is_later(end, since) is False for end in ended.get(claim.provider, ()))


def _utc(moment: str | None) -> str:
    return in_utc(moment) or ""


def _period(stay: Tree) -> Tree:
    return stay.get("period") or {}


def _course(
    name: str, placement: Tree | None, stay: Tree | None, codes: Mapping[str, str], declined: Collection[str]
) -> Course:
    provider = ods_named((placement or {}).get("provider"), codes) or ods_named((stay or {}).get("provider"), codes)
    state = _claimed(stay or {}, declined) if placement is None else _placed(placement, stay)
    return Course(name, placement, stay, provider, state)


def _there(stay: Tree) -> bool:
    return stay.get("status", "in-progress") in THERE


def _claimed(stay: Tree, declined: Collection[str]) -> State:
    status = stay.get("status", "in-progress")
    if status == "entered-in-error":
        return "void"
    if status in GONE:
        return "ended"
    return "declined" if stay["id"] in declined else "claimed"


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


def tasks_about(tree: Mapping[str, Any]) -> dict[str, list[Tree]]:
    """The Tasks about claims, by the id of the stay."""
    found: dict[str, list[Tree]] = {}
    for task in tree.get("tasks") or ():
        if task.get("kind") == "placement" and task.get("field") == "stays":
            found.setdefault((task.get("about") or {}).get("id", ""), []).append(task)
    return found


def task_about(tree: Mapping[str, Any], stay: str) -> Tree | None:
    """The Task about a claim."""
    return next(iter(tasks_about(tree).get(stay, ())), None)


def declined_in(tree: Mapping[str, Any]) -> set[str]:
    """The stays that were claims, and were declined."""
    return {stay for stay, tasks in tasks_about(tree).items() if any(one.get("status") == "rejected" for one in tasks)}


def statuses(part: Mapping[str, Any]) -> list[Tree]:
    """The entries of a history that say how far it has come, as they were recorded."""
    return [entry for entry in part.get("history") or () if entry.get("term") == "status"]


def outcome_of(part: Mapping[str, Any]) -> str:
    """How a placement or a stay that is over came to its end, as its history says; empty where it does not."""
    said = statuses(part)
    return str(said[-1]["value"]) if said and said[-1]["value"] != "active" else ""


def same_moment(one: str | None, other: str | None) -> bool:
    """Whether two dates or times are told alike, whatever the zone."""
    return _utc(one) == _utc(other)


def later(one: str | None, other: str | None) -> bool | None:
    """Whether a moment lies after another; None where, as precise as they are known, that cannot be told."""
    return _is_later(_utc(one), _utc(other))


def is_to_come(told: str | None, now: str) -> bool:
    """Whether a moment is still to come, but for what clocks and days in England may differ by. now: an instant."""
    moment = moment_of(now)
    if told is None or moment is None:
        return False
    return bool(later(told, instant(moment + (_LEEWAY if "T" in told else _SUMMER_TIME))))


def _is_later(first: str, second: str) -> bool | None:
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


def untold(tree: Mapping[str, Any], courses_of: list[Course], keeper: Keeper) -> list[tuple[Tree, Tree]]:
    """Placements that go on with nobody there, each with a stay that is over: whether by it, cannot be told.

    courses_of, keeper: the record's.
    """
    of, alone = _linked(tree)
    found = [(placement, stay) for placement, stay, told in _unlinked(tree, of, alone, keeper) if not told]
    for placement in tree.get("placements") or ():
        over = [stay for stay in of[placement["id"]] if stay.get("status") in GONE]
        found += [(placement, stay) for stay in over if ended_since(placement, stay) is None]
    waiting = {one.id for one in courses_of if one.of_placement and one.state == "planned"}
    return [(placement, stay) for placement, stay in found if placement["id"] in waiting]
