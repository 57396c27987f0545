"""What ends an asking before it lapses: a placement with the asker, or that its stay is over, told since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fhir_mh.clock import instant
from fhir_mh.consent.directives import in_utc
from fhir_mh.gateway.holding import Holding, Key, Tree
from fhir_mh.gateway.named import versions
from fhir_mh.placements.courses import ENDED, later, ods_named, outcome_of, statuses
from fhir_mh.store import StoredAsking, Tx

IN_ERROR = "entered-in-error"
STAYING = ("planned", "arrived", "triaged", "in-progress", "onleave")


class Side(Protocol):
    """What is held of one person. tree: of its record. codes: of the organisations of the tree."""

    @property
    def holding(self) -> Holding: ...
    @property
    def tree(self) -> Tree: ...
    @property
    def codes(self) -> Mapping[str, str]: ...


def is_overtaken(tx: Tx, sides: Sequence[Side], asking: StoredAsking) -> bool:
    """Whether something since says of the asker what its asking said: a placement with it, or that its stay is over.

    Since: stored here after the asking, for what is dated ahead was known by then. Whichever of those who are one it
    asked for, and of whichever it is said. A placement that the asker keeps itself is a claim, and says nothing.
    """

    def of_asker(field: str) -> list[tuple[Tree, Side, Key]]:
        each = [(one, side) for side in sides for one in side.tree.get(field) or ()]
        return [
            (one, side, side.holding.primaries[field, one["id"]])
            for one, side in each
            if ods_named(one.get("provider"), side.codes) == asking.partner
        ]

    for placement, side, key in of_asker("placements"):
        if side.holding.custodians[key] != asking.partner and _is_placed_since(tx, placement, key, asking):
            return True
    stays = of_asker("stays")
    if any(stay.get("status", "in-progress") in STAYING for stay, _, _ in stays):
        return False
    return any(_is_over_since(tx, stay, key, asking) for stay, _, key in stays)


def _is_placed_since(tx: Tx, placement: Tree, key: Key, asking: StoredAsking) -> bool:
    """Whether a placement was opened after an asking, or one that was open is so no more.

    One that has ended when it first comes here counts where it says itself that it was since; one that was open here,
    unless it says that it had ended before.
    """
    if placement.get("status") == IN_ERROR:
        return False
    before, after = _told(tx, key, asking)
    was, since = (before or {}).get("status"), [one.get("status") for one in after]
    if was == "active":
        said = [entry["recorded_at"] for entry in statuses(placement)]
        late = outcome_of(placement) != "" and later(instant(asking.asked), said[-1]) is True
        return not late and any(status != "active" for status in since)
    if "active" in since:
        return True
    moments = [placement.get("requested_at"), *(entry["recorded_at"] for entry in statuses(placement))]
    came_ended = before is None and since[0] in ENDED
    return came_ended and any(_is_since(moment, instant(asking.asked)) for moment in moments)


def _is_over_since(tx: Tx, stay: Tree, key: Key, asking: StoredAsking) -> bool:
    """Whether a stay came to its end after an asking, as far as is known, and that was not held here by then."""
    end, since = in_utc((stay.get("period") or {}).get("end")) or "", instant(asking.asked)
    if not end or stay.get("status") == IN_ERROR or end < since[: len(end)]:
        return False
    before, after = _told(tx, key, asking)
    return before is None or not all(_is_over(one) for one in (before, *after))


def _is_over(encounter: Mapping[str, Any]) -> bool:
    return encounter.get("status") not in (*STAYING, IN_ERROR) and "end" in (encounter.get("period") or {})


def _told(tx: Tx, key: Key, asking: StoredAsking) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """A resource as it was held here at an asking, None where it was not; and as it was stored since, in order."""
    since: list[dict[str, Any]] = []
    for stored in versions(tx, key):
        body = None if stored.deleted else stored.body()
        if stored.updated <= asking.asked:
            return body, since
        since = since if body is None else [body, *since]
    return None, since


def _is_since(moment: str | None, since: str) -> bool:
    """Whether a moment, as precise as it is known, lies after an instant."""
    known = in_utc(moment) or ""
    return known != "" and known > since[: len(known)]
