"""A sharing rule begins or ends by its date: what follows from it at home and at the ward, while nobody writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import InvalidResource
from fhir_mh.gateway import Gateway, Organisation, spreading
from fhir_mh.gateway.identity import find_person
from fhir_mh.gateway.lapsing import Lapsing
from fhir_mh.gateway.marking import Marked
from fhir_mh.store import Currency, Tx
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, accept, person_with_a_plan
from tests.unit.gateway.test_merging import OTHER, knows, merge, second

Tree = dict[str, Any]


def rule(decision: str, start: str | None, end: str | None, whom: str = "org-ward") -> Tree:
    """A preference recorded on 24 November 2026, about one organisation and for a time."""
    period = {name: day for name, day in (("start", start), ("end", end)) if day is not None}
    terms = {"decision": decision, "actors": [{"party": {"id": whom}}], "period": period}
    return {"sharing": [{"id": "rule", "made_at": "2026-11-24", "terms": {"exceptions": [terms]}}]}


def until(pair: Pair, moment: str) -> list[str]:
    """Time goes on to a moment, with what each gateway does by itself; the verbs that crossed."""
    pair.clock.advance(datetime.fromisoformat(moment).replace(tzinfo=UTC) - pair.clock.now())

    async def once(ods: str) -> None:
        stop = asyncio.Event()
        gateway = pair.gateways[ods]
        work = asyncio.create_task(Lapsing(gateway.store, gateway.home, gateway.check).run(stop))
        await asyncio.sleep(0)
        stop.set()
        await work

    for ods in (HOME, WARD):
        asyncio.run(once(ods))
    return [verb for verb, _ in pair.deliver()]


def copy(pair: Pair, ods: str, partner: str, custodian: str) -> Currency:
    """A copy, as the gateway of ods knows it."""
    (one,) = [one for one in pair.record(ods).copies if (one.partner, one.custodian) == (partner, custodian)]
    return one


def sign(text: str) -> Tree:
    return {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "later", "sign": text}]}]}


def test_a_denial_begins_and_ends_by_its_dates_while_nobody_writes(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.save(HOME, rule("deny", "2026-11-25", "2026-11-30"))
    pair.deliver()
    assert until(pair, "2026-11-24T23:59:59.999") == []
    assert until(pair, "2026-11-25T00:00:00") == ["notice"]
    for ods in (HOME, WARD):
        ended = copy(pair, ods, WARD, HOME)
        assert ended.ended_at is not None
        assert "decided on 2026-11-24" in str(ended.ended_reason)
    pair.save(HOME, sign("in the days between"))
    assert pair.deliver() == []
    before = copy(pair, WARD, WARD, HOME).stored
    assert until(pair, "2026-11-30T23:59:59.999") == []
    assert until(pair, "2026-12-01T00:00:00") == ["snapshot"]
    assert pair.sign(WARD, "later")["sign"]["text"] == "in the days between"
    for ods in (HOME, WARD):
        resumed = copy(pair, ods, WARD, HOME)
        assert (resumed.ended_at, resumed.ended_reason) == (None, None)
        assert before is not None
        assert resumed.stored is not None
        assert resumed.stored.edition > before.edition
    assert until(pair, "2027-12-01T00:00:00") == [], "nothing else was to come"


def test_sharing_is_resumed_with_an_edition_of_its_own_though_nothing_was_written(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.save(HOME, rule("deny", "2026-11-25", "2026-11-30"))
    pair.deliver()
    assert until(pair, "2026-11-26T00:00:00") == ["notice"]
    ended = copy(pair, WARD, WARD, HOME).stored
    assert until(pair, "2026-12-02T00:00:00") == ["snapshot"]
    resumed = copy(pair, WARD, WARD, HOME)
    assert resumed.ended_at is None
    assert ended is not None
    assert resumed.stored is not None
    assert resumed.stored.edition > ended.edition


def test_what_was_never_sent_for_a_denial_is_sent_once_that_has_run_out(pair: Pair) -> None:
    pair.save(HOME, {**person_with_a_plan(), **rule("deny", None, "2026-11-30T12:00:00Z")})
    assert pair.deliver() == []
    assert until(pair, "2026-11-30T12:00:00") == [], "the last moment is still of the denial"
    assert until(pair, "2026-11-30T12:00:00.001") == ["snapshot"]
    assert pair.sign(WARD, "sleep")["coping"]["text"] == "walk"


def test_a_permission_begins_and_ends_by_its_dates(pair: Pair) -> None:
    permitted = rule("permit", "2026-11-25", "2026-11-30")
    permitted["sharing"][0]["terms"]["decision"] = "deny"
    pair.save(HOME, {**person_with_a_plan(), **permitted})
    assert pair.deliver() == []
    assert until(pair, "2026-11-25T00:00:00") == ["snapshot"]
    assert copy(pair, HOME, WARD, HOME).ended_at is None
    assert until(pair, "2026-12-01T00:00:00") == ["notice"]
    assert copy(pair, HOME, WARD, HOME).ended_at is not None
    assert copy(pair, WARD, WARD, HOME).ended_at is not None


def test_what_the_ward_keeps_is_withheld_and_shared_again_by_the_dates_of_a_rule_that_it_recorded(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    pair.save(WARD, {"stays": [{"id": "stay", "status": "in-progress", "provider": {"id": "org-ward"}}]})
    pair.save(WARD, rule("deny", "2026-11-25", "2026-11-30", "org-home"))
    pair.deliver()
    assert "placement" not in copy(pair, HOME, HOME, WARD).lapsed
    assert until(pair, "2026-11-25T00:00:00") == ["snapshot"]
    assert "placement" in copy(pair, HOME, HOME, WARD).lapsed
    currency, record = pair.gateways[WARD].currency, pair.record(WARD).id
    asyncio.run(currency.mark(AccessContext(WARD), record, Marked(HOME, "filed", 1)))
    assert pair.deliver() == []
    assert sorted(until(pair, "2026-12-01T00:00:00")) == ["marked", "snapshot"]
    assert "placement" not in copy(pair, HOME, HOME, WARD).lapsed
    assert copy(pair, HOME, WARD, HOME).filed is not None


def test_a_rule_that_was_recorded_while_there_was_no_partner_ends_all_the_same(pair: Pair) -> None:
    joined = pair.gateways[HOME]
    pair.gateways[HOME] = Gateway(joined.store, Organisation(HOME, HOME, {}), accept, pair.clock)
    pair.save(HOME, {**person_with_a_plan(), **rule("deny", None, "2026-11-25")})
    assert until(pair, "2026-11-24T12:00:00") == []
    pair.gateways[HOME] = joined
    assert until(pair, "2026-11-25T12:00:00") == []
    assert until(pair, "2026-11-26T00:00:00") == ["snapshot"]


def test_a_rule_about_one_of_two_who_are_one_ends_for_both(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.save(HOME, second(**rule("deny", None, "2026-11-30")))
    pair.deliver()
    merge(pair)
    assert "notice" in [verb for verb, _ in pair.deliver()]
    assert copy(pair, HOME, WARD, HOME).ended_at is not None
    assert until(pair, "2026-12-01T00:00:00") == ["snapshot", "snapshot"]
    assert {one.ended_at for one in pair.record(HOME).copies if (one.partner, one.custodian) == (WARD, HOME)} == {None}
    assert knows(pair, WARD, OTHER)


def test_a_rule_that_was_replaced_turns_nothing(pair: Pair) -> None:
    pair.save(HOME, {**person_with_a_plan(), **rule("deny", "2026-11-25", None)})
    pair.save(HOME, rule("deny", None, "2026-11-30"))
    pair.deliver()
    pair.save(HOME, rule("permit", None, None))
    assert pair.deliver() != []
    look = pair.gateways[HOME].store.read_now
    person = look(lambda tx: find_person(tx, NHS_NUMBER))
    pair.clock.advance(timedelta(days=365))
    assert person is not None
    assert look(lambda tx: tx.turnings.due(10)) == []


def test_one_person_who_cannot_be_looked_at_holds_up_nobody_else(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**person_with_a_plan(), "person": {"nhs_number": OTHER, "names": [{"family": "Other"}]}}
    for person in (person_with_a_plan(), other):
        pair.save(HOME, {**person, **rule("deny", None, "2026-11-30")})
    first = pair.record(HOME).id
    looked, look = list[str](), spreading.look_anew

    def look_anew(tx: Tx, home: Organisation, person: str, partners: Iterable[str], *, urgent: bool = False) -> None:
        looked.append(person)
        if person == first:
            raise InvalidResource
        look(tx, home, person, partners, urgent=urgent)

    monkeypatch.setattr(spreading, "look_anew", look_anew)
    assert until(pair, "2026-12-01T00:00:00") == ["snapshot"]
    assert first in looked
    monkeypatch.undo()
    assert until(pair, "2026-12-01T00:01:00") == ["snapshot"], "it is looked at again the next time"
