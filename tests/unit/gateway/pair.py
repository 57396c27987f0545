"""Two gateways and the wire between them, without HTTP: a home team (ZCT1) and a ward far away (ZOA1)."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fhir_mh.clock import ManualClock
from fhir_mh.consent import AccessContext
from fhir_mh.exchange.messages import Message, Receipt, read_message
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.gateway import Gateway, Organisation
from fhir_mh.gateway.deciding import ShownConflict
from fhir_mh.gateway.gateway import Change, HeldRecord, Saved
from fhir_mh.gateway.holding import hold
from fhir_mh.gateway.identity import find_person
from fhir_mh.issues import Issue
from fhir_mh.records.decisions import read_decision
from fhir_mh.store import Outcome, open_store
from tests.called import Names, as_shown, by_keeper, names_in
from tests.databases import empty_store

HOME, WARD = "ZCT1", "ZOA1"
NHS_NUMBER = "9990000018"
Tree = dict[str, Any]


def accept(body: dict[str, Any], *, errors_only: bool = False) -> Sequence[Issue]:
    """A check that finds nothing: what it would find is the validator's own tests' business."""
    return ()


def person_with_a_plan() -> Tree:
    """A care plan, a crisis plan with two signs, a refusal, and a placement at the ward."""
    return {
        "person": {"nhs_number": NHS_NUMBER, "names": [{"family": "Community"}], "birth_date": "1984-02-03"},
        "organisations": [
            {"id": "org-home", "ods": HOME, "name": "Community trust"},
            {"id": "org-ward", "ods": WARD, "name": "Ward far away"},
        ],
        "professionals": [{"id": "lead", "name": "Lead professional", "organisation": {"id": "org-home"}}],
        "episodes": [{"id": "episode", "organisation": {"id": "org-home"}, "lead": {"id": "lead"}}],
        "care_plans": [
            {"id": "care", "title": "Care plan", "activities": [{"id": "act", "description": {"text": "Allotment"}}]}
        ],
        "crisis_plans": [
            {
                "id": "crisis",
                "warning_signs": [
                    {"id": "sleep", "sign": {"text": "no sleep", "said_by": {"role": "person"}}, "coping": "walk"},
                    {"id": "pacing", "sign": "pacing"},
                ],
            }
        ],
        "refusals": [{"id": "refusal", "made_at": "2026-01-05", "refuses": [{"id": "ect", "treatment": "ECT"}]}],
        "placements": [
            {"id": "place", "requested_by": {"id": "org-home"}, "provider": {"id": "org-ward"}, "level": "2"}
        ],
    }


@dataclass
class Pair:
    """The two gateways. wire: every message that crossed, as text.

    plain: whether items are named as they are shown, as a system names them, and not as their keepers call them.
    """

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(datetime(2026, 11, 24, 9, tzinfo=UTC)))
    gateways: dict[str, Gateway] = field(default_factory=dict)
    wire: list[str] = field(default_factory=list)
    plain: bool = False

    def __post_init__(self) -> None:
        for ods, other in ((HOME, WARD), (WARD, HOME)):
            store = open_store(empty_store(self.folder / f"{ods}.sqlite3"), clock=self.clock, inline=True)
            self.gateways[ods] = Gateway(store, Organisation(ods, ods, {other: other}), accept, self.clock)

    def close(self) -> None:
        """Let go of both stores."""
        for gateway in self.gateways.values():
            gateway.store.close()

    def save(self, ods: str, change: Any, **options: Any) -> Saved:
        """A system of this organisation sends a record."""
        self.clock.advance(timedelta(seconds=1))
        names, tree = self.names(ods), change
        if not isinstance(change, Change):
            tree = normal({"person": {"nhs_number": NHS_NUMBER}, **copy.deepcopy(change)})
            names = self.names(ods, tree["person"].get("nhs_number", NHS_NUMBER))
            tree = as_shown(tree, names)
        return by_keeper(asyncio.run(self.gateways[ods].save(AccessContext(ods), tree, **options)), names)

    def record(self, ods: str, number: str = NHS_NUMBER) -> HeldRecord:
        """A person's record as this organisation sees it."""
        held = asyncio.run(self.gateways[ods].find(AccessContext(ods), number))
        return held if self.plain else by_keeper(held, names_in(held.tree))

    def names(self, ods: str, number: str = NHS_NUMBER) -> Names:
        """What is shown of a person at this organisation by another id than its keeper's."""
        store = self.gateways[ods].store
        person = None if self.plain else store.read_now(lambda tx: find_person(tx, number))
        return {} if person is None else names_in(store.read_now(lambda tx: hold(tx, person, ods)).tree)

    def shown(self, ods: str, called: str) -> str:
        """The id by which this organisation is shown what its keeper calls so."""
        return next((name for name, one in self.names(ods).items() if one == called), called)

    def conflicts(self, ods: str, **asked: Any) -> list[ShownConflict]:
        """Those that wait at this organisation."""
        found = asyncio.run(self.gateways[ods].deciding.waiting(AccessContext(ods), **asked))
        return by_keeper(found, self.names(ods))

    def conflict(self, ods: str, name: str) -> ShownConflict:
        """One of them, decided or not."""
        return by_keeper(asyncio.run(self.gateways[ods].deciding.read(AccessContext(ods), name)), self.names(ods))

    def decide(self, ods: str, name: str, decision: str, *, seen: int | None = None, **said: Any) -> ShownConflict:
        """The lead of this organisation decides; seen: the version of the record, by default the newest."""
        self.clock.advance(timedelta(seconds=1))
        names = self.names(ods)
        body = as_shown({"decision": decision, "by": {"id": "lead"}, **said}, names)
        seen = self.record(ods).version if seen is None else seen
        deciding = self.gateways[ods].deciding
        decided = asyncio.run(deciding.decide(AccessContext(ods), name, read_decision(body), if_match=seen))
        return by_keeper(decided, names)

    def item(self, ods: str, part: str, name: str) -> Tree:
        """One item of that record."""
        found: Tree = next(item for item in self.record(ods).tree[part] if item["id"] == name)
        return found

    def sign(self, ods: str, name: str) -> Tree:
        """One warning sign of the crisis plan."""
        signs = self.item(ods, "crisis_plans", "crisis")["warning_signs"]
        found: Tree = next(sign for sign in signs if sign["id"] == name)
        return found

    def deliver(self, *, only: str | None = None, twice: bool = False) -> list[tuple[str, Receipt]]:
        """Carry what waits, until nothing does; (verb, receipt) of each message."""
        carried: list[tuple[str, Receipt]] = []
        busy = True
        while busy:
            busy = False
            for ods in [only] if only else [HOME, WARD]:
                answers = self._round(ods, twice=twice)
                carried += answers
                busy |= bool(answers)
        return carried

    def _round(self, ods: str, *, twice: bool) -> list[tuple[str, Receipt]]:
        gateway, answers = self.gateways[ods], []
        for lane in gateway.store.write_now(lambda tx: tx.lanes.claim("test", timedelta(minutes=1), 10)):
            outcomes = []
            for waiting in gateway.store.read_now(lambda tx, lane=lane: tx.outbox.pending(lane)):
                composed = gateway.store.write_now(lambda tx, m=waiting: gateway.exchange.compose(tx, m))
                if not isinstance(composed, Message):
                    outcomes.append(Outcome(waiting.message, "superseded", composed.reason))
                    continue
                receipt = self.hand_over(ods, lane.partner, composed)
                if twice:
                    receipt = self.hand_over(ods, lane.partner, composed)
                outcomes.append(
                    gateway.store.write_now(lambda tx, m=waiting, r=receipt: gateway.exchange.settle(tx, m, r))
                )
                answers.append((composed.verb, receipt))
            gateway.store.write_now(lambda tx, lane=lane, o=outcomes: tx.lanes.finish(lane, o))
        return answers

    def hand_over(self, sender: str, to: str, message: Message) -> Receipt:
        """One message crosses, as bytes."""
        text = dumps(message.as_json())
        self.wire.append(text.decode())
        gateway = self.gateways[to]
        return gateway.store.write_now(lambda tx: gateway.exchange.receive(tx, sender, read_message(loads(text))))


def normal(value: Any) -> Any:
    """Texts given as plain strings, written out as the record keeps them."""
    names = {"sign", "coping", "words", "treatment", "reason"}
    if isinstance(value, list):
        return [normal(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {"text": inner} if key in names and isinstance(inner, str) else normal(inner)
        for key, inner in value.items()
    }
