"""The state of the deliveries in figures, for people and for Prometheus. No person is in any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from fhir_mh.clock import instant
from fhir_mh.issues import issue
from fhir_mh.store import Tx
from fhir_mh.store.values import BreakerState

Counts = Counter[tuple[str, str]]
"""Receipts since this process began, by partner and status."""

_OTHER = "other"  # a label for every partner that is not configured (any more): labels must not grow without end


@dataclass(frozen=True, slots=True)
class Standing:
    """How the deliveries to one partner stand.

    oldest: since when the oldest message waits. alarm: since when the alarm stands.
    """

    partner: str
    waiting: int
    oldest: datetime | None
    dead: int
    halted: int
    quarantined: int
    breaker: BreakerState
    alarm: datetime | None
    delivered: Mapping[str, int]

    def age(self, now: datetime) -> float:
        """Seconds that the oldest message has waited; 0 where none does."""
        return 0.0 if self.oldest is None else max(0.0, (now - self.oldest).total_seconds())


def standings(tx: Tx, partners: Collection[str], counts: Counts) -> list[Standing]:
    """How each partner stands: all that are configured, and any other for which there is something left."""
    held = tx.backlog
    waiting, oldest, dead, halted = held.waiting(), held.oldest(), held.dead(), held.halted()
    quarantined, breakers, alarms = held.quarantined(), held.breakers(), held.alarms()
    return [
        Standing(
            partner,
            waiting.get(partner, 0),
            oldest.get(partner),
            dead.get(partner, 0),
            halted.get(partner, 0),
            quarantined.get(partner, 0),
            breakers[partner].state if partner in breakers else "closed",
            alarms.get(partner),
            {status: number for (name, status), number in sorted(counts.items()) if name == partner},
        )
        for partner in sorted({*partners, *waiting, *dead, *halted, *quarantined, *alarms})
    ]


def summary(tx: Tx, partners: Collection[str], counts: Counts, alarm_after: int) -> dict[str, Any]:
    """JSON-ready. alarm_after: minutes.

    `alarms` says what to do of each partner whose backlog is too old, and of each that refused something for good.
    """
    found, refused = standings(tx, partners, counts), tx.backlog.refused()
    return {
        "alarm_after_minutes": alarm_after,
        "partners": [_told(one, tx.now) for one in found],
        "alarms": [
            *(
                issue("sync-backlog-old", one.partner, partner=one.partner, minutes=alarm_after).as_dict()
                for one in found
                if one.alarm is not None
            ),
            *(issue("sync-refused", one.partner).as_dict() for one in found if one.partner in refused),
        ],
    }


def _told(one: Standing, now: datetime) -> dict[str, Any]:
    return {
        "partner": one.partner,
        "waiting": one.waiting,
        "oldest": None if one.oldest is None else instant(one.oldest),
        "age_seconds": int(one.age(now)),
        "dead": one.dead,
        "halted": one.halted,
        "quarantined": one.quarantined,
        "breaker": one.breaker,
        "alarm": None if one.alarm is None else instant(one.alarm),
        "delivered": dict(one.delivered),
    }


# --- Prometheus


def exposition(tx: Tx, partners: Collection[str], counts: Counts) -> str:
    """The same in Prometheus's text format 0.0.4.

    See https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
    """
    found = [(one.partner if one.partner in partners else _OTHER, one) for one in standings(tx, partners, counts)]
    return "".join(f"{line}\n" for line in _lines(found, tx.now))


_Join = Callable[[Iterable[float]], float]

_GAUGES: tuple[tuple[str, str, _Join, Callable[[Standing, datetime], float]], ...] = (
    ("waiting", "Messages that wait.", sum, lambda one, _: one.waiting),
    ("oldest_waiting_seconds", "How long the oldest message has waited.", max, lambda one, now: one.age(now)),
    ("dead_letters", "Messages refused for good.", sum, lambda one, _: one.dead),
    ("halted_lanes", "Lanes that a person is to look at.", sum, lambda one, _: one.halted),
    ("quarantined", "Messages of the partner that were set aside here.", sum, lambda one, _: one.quarantined),
    ("backlog_alarm", "1 while the oldest has waited too long.", max, lambda one, _: int(one.alarm is not None)),
)
"""Name, what it says, how several partners are put under one label, and the figure of one."""


def _lines(found: list[tuple[str, Standing]], now: datetime) -> Iterator[str]:
    for name, about, joined, figure in _GAUGES:
        yield from _head(name, "gauge", about)
        for label in dict.fromkeys(label for label, _ in found):
            value = joined([figure(one, now) for partner, one in found if partner == label])
            yield f'fhir_mh_{name}{{partner="{label}"}} {value}'
    yield from _head("breaker", "gauge", "1 for the state that the partner's breaker is in.")
    for label, one in found:
        if label != _OTHER:
            for state in get_args(BreakerState):
                yield f'fhir_mh_breaker{{partner="{label}",state="{state}"}} {int(one.breaker == state)}'
    yield from _head("deliveries_total", "counter", "Messages that the partner dealt with, since this process began.")
    delivered = Counter[tuple[str, str]]()
    for label, one in found:
        delivered.update({(label, status): number for status, number in one.delivered.items()})
    for (label, status), number in delivered.items():
        yield f'fhir_mh_deliveries_total{{partner="{label}",status="{status}"}} {number}'


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP fhir_mh_{name} {about}"
    yield f"# TYPE fhir_mh_{name} {kind}"
