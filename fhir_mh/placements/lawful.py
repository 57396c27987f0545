"""What no change of a record may do to placements and stays, by whichever way it comes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_mh.issues import Issue, issue
from fhir_mh.mapping.row_paths import item_at_head
from fhir_mh.placements.courses import ENDED, GONE, is_to_come, statuses

_OVER = {"placements": ENDED, "stays": GONE}
_ADDED_TO = ("history", "estimated_discharge", "length_of_stay")


def broken_terms(
    before: Mapping[str, Any], after: Mapping[str, Any], own: str, keepers: Mapping[tuple[str, str], str], now: str
) -> list[Issue]:
    """What a change of placements and stays that we keep does that it may not.

    An entry of a history is never changed or taken away; what has ended goes on, or ends otherwise, only with a new
    entry that says so and why. What was entered in error may always be said to be. Nobody has left who leaves tomorrow:
    no stay is over at a time that is still to come. now: an instant.
    """
    found = [one for field in _OVER for one in _of_list(field, before, after)]
    found += _left_to_come(before, after, now)
    return [one for one in found if keepers.get(_item_of(one), own) == own]


def _item_of(found: Issue) -> tuple[str, str]:
    field, item = item_at_head(found.path)
    return field, item or ""


def _of_list(field: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Issue]:
    were = {item["id"]: item for item in before.get(field) or ()}
    for item in after.get(field) or ():
        was = were.get(item["id"])
        if was is None:
            continue
        place = f"{field}[{item['id']}]"
        for name in _ADDED_TO:
            if not all(any(_says(entry, past) for entry in item.get(name) or ()) for past in was.get(name) or ()):
                yield issue("placement-history", f"{place}.{name}")
        over, status = _OVER[field], item.get("status")
        if was.get("status") in over and status not in (was["status"], "entered-in-error") and not _said_why(was, item):
            yield issue("placement-ended", f"{place}.status")


def _left_to_come(before: Mapping[str, Any], after: Mapping[str, Any], now: str) -> Iterator[Issue]:
    """A finding for each stay that a change has over before it is: sharing would end with it."""
    were = {item["id"]: (item.get("status"), item.get("period")) for item in before.get("stays") or ()}
    for stay in after.get("stays") or ():
        said = (stay.get("status"), stay.get("period"))
        if said[0] == "finished" and said != were.get(stay["id"]) and is_to_come((said[1] or {}).get("end"), now):
            yield issue("placement-to-come", f"stays[{stay['id']}].period.end", step="end")


def _says(entry: Mapping[str, Any], past: Mapping[str, Any]) -> bool:
    """Whether an entry still says all that it said; ids and what other formats call it are no part of that."""
    return all(entry.get(name) == value for name, value in past.items() if name not in ("id", "numbers", "unknown"))


def _said_why(was: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    new = [entry for entry in statuses(item) if entry not in (was.get("history") or ())]
    return any((entry.get("reason") or {}).get("text") for entry in new)
