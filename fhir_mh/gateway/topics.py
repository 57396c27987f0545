"""What a client can ask to be told of: each topic says which changes of which resources are its events.

A topic's canonical URL is TOPIC and its name. docs/rest.md explains them; GET /fhir/metadata lists them.
See https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/components.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhir.urls import BASE, EXTENSION, SNOMED
from fhir_mh.gateway.holding import content
from fhir_mh.profiles.bundle import TABLES, table_of
from fhir_mh.store import StoredResource, Tx

TOPIC = f"{BASE}/SubscriptionTopic/"
_REVIEW = "425268008"
_HELD, _NEXT_DUE = EXTENSION + "review-held", EXTENSION + "next-due"

Body = dict[str, Any]


def _any_change(_before: Body | None, _after: Body | None) -> bool:
    return True


def _new(before: Body | None, after: Body | None) -> bool:
    return before is None and after is not None


def _reviews_differ(before: Body | None, after: Body | None) -> bool:
    return _reviews(before) != _reviews(after)


@dataclass(frozen=True, slots=True)
class Topic:
    """tables: the mapping tables that its resources are of. is_event: whether a change of one counts."""

    name: str
    tables: frozenset[str]
    is_event: Callable[[Body | None, Body | None], bool] = _any_change

    @property
    def url(self) -> str:
        """The canonical URL."""
        return TOPIC + self.name

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of resource that an event may be about."""
        found = {table.kind for table in TABLES if table.name in self.tables}
        return tuple(sorted(found)) or ("Patient",)

    def counts(self, before: Body | None, after: Body | None) -> bool:
        """Whether that a resource was this and is that now is an event; one that says the same as before is none."""
        tables = {table.name for body in (before, after) if body is not None and (table := table_of(body)) is not None}
        if self.tables.isdisjoint(tables):
            return False
        if before is not None and after is not None and content(before) == content(after):
            return False
        return self.is_event(before, after)

    def counts_gone(self, kind: str) -> bool:
        """Whether that a resource is gone, of which nothing is left but its type, may be an event."""
        return kind in self.kinds and self.is_event is _any_change and bool(self.tables)


SHARING_ENDED = Topic("sharing-ended", frozenset())
"""Its events are about a person, not a resource: store/noting.py."""

TOPICS: Mapping[str, Topic] = {
    topic.url: topic
    for topic in (
        Topic("plan-changed", frozenset({"care-plan", "goal"})),
        Topic("crisis-plan-changed", frozenset({"crisis-plan", "crisis-contacts"})),
        Topic("placement-changed", frozenset({"placement", "stay"})),
        Topic("task-raised", frozenset({"task"}), _new),
        Topic(
            "advance-wishes-changed",
            frozenset({
                "advance-statement", "advance-wishes", "recorded-refusal", "nomination", "power-of-attorney",
                "advance-choice-document",
            }),
        ),
        Topic("sharing-preference-changed", frozenset({"sharing-preference"})),
        Topic("review-date-changed", frozenset({"care-plan", "crisis-plan", "treatment-review"}), _reviews_differ),
        SHARING_ENDED,
    )
}  # fmt: skip
"""By canonical URL, in the order in which they are listed."""


def versions_of(tx: Tx, kind: str, name: str, version: int) -> tuple[StoredResource | None, StoredResource | None]:
    """A version of a resource, after the one before it; see living()."""
    return living(tx, kind, name, version - 1), living(tx, kind, name, version)


def living(tx: Tx, kind: str, name: str, version: int) -> StoredResource | None:
    """A version of a resource: None where there was none, where it is deleted, or is sealed."""
    found = tx.get_version(kind, name, version) if version else None
    return None if found is None or found.deleted else found


def _reviews(body: Body | None) -> list[Any]:
    """For when what is planned, and when it was held, of the reviews in a plan or of a treatment review."""
    if body is None:
        return []
    if body.get("resourceType") == "Task":
        return [body.get("restriction"), body.get("executionPeriod"), _extensions(body, _NEXT_DUE)]
    found = []
    for activity in objects_in(body.get("activity")):
        detail = _object(activity.get("detail"))
        codings = objects_in(_object(detail.get("code")).get("coding"))
        if any(one.get("system") == SNOMED and one.get("code") == _REVIEW for one in codings):
            found.append([detail.get("scheduledPeriod"), detail.get("status"), _extensions(activity, _HELD)])
    return found


def _extensions(element: Body, url: str) -> list[Body]:
    return [one for one in objects_in(element.get("extension")) if one.get("url") == url]


def _object(value: Any) -> Body:
    return value if isinstance(value, dict) else {}
