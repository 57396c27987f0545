"""Receiving, quarantine, projections, proposals, currency, audit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.errors import Conflict, NotFound
from fhir_mh.records.sections import SECTIONS
from fhir_mh.store import AuditRow, Mark, Store

START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def test_a_message_is_acted_on_once(store: Store, clock: ManualClock) -> None:
    assert store.read_now(lambda tx: tx.inbox.receipt("HOME", "m1")) is None
    store.write_now(lambda tx: tx.inbox.record("HOME", "m1", '{"state":"stored"}'))
    assert store.read_now(lambda tx: tx.inbox.receipt("HOME", "m1")) == '{"state":"stored"}'
    assert store.read_now(lambda tx: tx.inbox.receipt("WARD", "m1")) is None
    with pytest.raises(Conflict):
        store.write_now(lambda tx: tx.inbox.record("HOME", "m1", "{}"))
    clock.advance(timedelta(days=30))
    assert store.write_now(lambda tx: tx.inbox.purge(START)) == 0
    assert store.write_now(lambda tx: tx.inbox.purge(START + timedelta(days=1))) == 1


def test_what_was_answered_anew_stands_in_place_of_what_was_before(store: Store) -> None:
    for said in ("{}", '{"state":"stored"}'):
        store.write_now(lambda tx, s=said: tx.inbox.record_anew("HOME", "m1", s))
        assert store.read_now(lambda tx: tx.inbox.receipt("HOME", "m1")) == said


def test_what_is_not_understood_is_kept_whole(store: Store) -> None:
    held = store.write_now(lambda tx: tx.quarantine.add("HOME", "{broken", "[]", message="m1"))
    assert (held.state, held.text, held.received) == ("held", "{broken", START)
    assert store.read_now(lambda tx: tx.quarantine.find()) == [held]
    store.write_now(lambda tx: tx.quarantine.renew(held.id, '["new"]', "{}", person="1"))
    (renewed,) = store.read_now(lambda tx: tx.quarantine.find(person="1"))
    assert (renewed.state, renewed.issues, renewed.text, renewed.changed) == ("held", '["new"]', "{broken", START)
    store.write_now(lambda tx: tx.quarantine.settle(held.id, "replayed", '{"by":"us"}'))
    assert store.read_now(lambda tx: tx.quarantine.find()) == []
    assert [each.id for each in store.read_now(lambda tx: tx.quarantine.find(state=None, partner="HOME"))] == [held.id]
    moved = store.read_now(lambda tx: tx.quarantine.get(held.id))
    assert moved is not None
    assert (moved.state, moved.outcome, moved.changed, moved.text) == ("replayed", '{"by":"us"}', START, "{broken")
    for gone in ("nothing", held.id):  # what is not held any more is not moved again
        with pytest.raises(NotFound):
            store.write_now(lambda tx, gone=gone: tx.quarantine.settle(gone, "discarded"))


def test_the_projection_of_each_edition_is_kept(store: Store) -> None:
    def keep(edition: int, sent: str) -> None:
        store.write_now(
            lambda tx: tx.projections.keep("W", "1", "HOME", edition, sent=sent, withheld="[]", inexpressible="[]")
        )

    keep(3, "three")
    keep(4, "four")
    keep(4, "four again")
    newest = store.read_now(lambda tx: tx.projections.get("W", "1", "HOME"))
    older = store.read_now(lambda tx: tx.projections.get("W", "1", "HOME", 3))
    assert newest is not None
    assert older is not None
    assert (newest.edition, newest.sent, older.sent, older.made) == (4, "four again", "three", START)
    assert store.write_now(lambda tx: tx.projections.forget_before("W", "1", "HOME", 4)) == 1
    assert store.read_now(lambda tx: tx.projections.get("W", "1", "HOME", 3)) is None


def test_a_proposal_is_pending_until_it_is_settled(store: Store, clock: ManualClock) -> None:
    made = store.write_now(lambda tx: tx.proposals.add("received", "W", "1", "HOME", base=3, payload="{}", id="prop-1"))
    assert store.read_now(lambda tx: tx.proposals.find("1", direction="received", state="pending")) == [made]
    assert store.read_now(lambda tx: tx.proposals.find("1", direction="sent")) == []
    with pytest.raises(Conflict):
        store.write_now(lambda tx: tx.proposals.add("received", "W", "1", "HOME", base=3, payload="{}", id="prop-1"))
    clock.advance(timedelta(seconds=5))
    store.write_now(lambda tx: tx.proposals.settle("prop-1", "conflict", '{"task":"t-1"}'))
    settled = store.read_now(lambda tx: tx.proposals.get("prop-1"))
    assert settled is not None
    assert (settled.state, settled.outcome, settled.created, settled.changed) == (
        "conflict",
        '{"task":"t-1"}',
        START,
        START + timedelta(seconds=5),
    )
    with pytest.raises(NotFound):
        store.write_now(lambda tx: tx.proposals.settle("prop-2", "refused"))


def test_a_projection_is_found_from_an_edition_back(store: Store) -> None:
    def keep(edition: int) -> None:
        store.write_now(
            lambda tx: tx.projections.keep("W", "1", "HOME", edition, sent=f"{edition}", withheld="", inexpressible="")
        )

    for edition in (2, 5, 9):
        keep(edition)
    for until, found in ((1, []), (2, ["2"]), (8, ["5", "2"]), (100, ["9", "5", "2"])):
        back = store.read_now(
            lambda tx, until=until: [one.sent for one in tx.projections.newest_first("W", "1", "HOME", until)]
        )
        assert back == found
    assert store.read_now(lambda tx: list(tx.projections.newest_first("X", "1", "HOME", 9))) == []


def test_whether_a_mark_changed_anything_is_said(store: Store) -> None:
    for edition, changed in ((2, True), (2, False), (1, False), (3, True)):
        made = store.write_now(lambda tx, edition=edition: tx.currency.mark("W", "1", "HOME", "filed", edition))
        assert made is changed


def test_since_when_a_section_is_not_covered_is_kept_until_it_is_again(store: Store, clock: ManualClock) -> None:
    every = [name for name in SECTIONS if name != "tasks"]
    editions = iter(range(2, 9))

    def cover(sections: list[str] | None) -> dict[str, datetime]:
        clock.advance(timedelta(hours=1))
        edition = next(editions)
        store.write_now(lambda tx: tx.currency.hold("W", "1", "HOME", edition, sections))
        (found,) = store.read_now(lambda tx: tx.currency.of("1"))
        assert found.stored == Mark(edition, clock.now())
        return dict(found.lapsed)

    first = cover(every)
    assert first == {"tasks": START + timedelta(hours=1)}
    without = [name for name in every if name != "crisis-plan"]
    assert cover(without) == {**first, "crisis-plan": START + timedelta(hours=2)}
    assert cover(without) == {**first, "crisis-plan": START + timedelta(hours=2)}
    assert cover(None) == {**first, "crisis-plan": START + timedelta(hours=2)}
    assert cover(every) == first


def test_an_older_edition_leaves_the_one_that_is_held(store: Store, clock: ManualClock) -> None:
    newest = store.write_now(lambda tx: tx.currency.hold("W", "1", "HOME", 3, None))
    clock.advance(timedelta(hours=1))
    assert store.write_now(lambda tx: tx.currency.hold("W", "1", "HOME", 2, None)) == newest
    assert store.read_now(lambda tx: tx.currency.of("1")) == [newest]


def test_currency_moves_forward_only(store: Store, clock: ManualClock) -> None:
    store.write_now(lambda tx: tx.currency.mark("W", "1", "HOME", "sent", 2))
    store.write_now(lambda tx: tx.currency.mark("W", "1", "HOME", "stored", 2, START - timedelta(seconds=1)))
    clock.advance(timedelta(hours=1))
    for edition in (1, 2):
        store.write_now(lambda tx, edition=edition: tx.currency.mark("W", "1", "HOME", "sent", edition))
    (found,) = store.read_now(lambda tx: tx.currency.of("1"))
    assert found.sent == Mark(2, START)
    assert found.stored == Mark(2, START - timedelta(seconds=1))
    assert (found.filed, found.opened, found.ended_at) == (None, None, None)
    store.write_now(lambda tx: tx.currency.mark("W", "1", "HOME", "sent", 3))
    (found,) = store.read_now(lambda tx: tx.currency.of("1", partner="W"))
    assert found.sent == Mark(3, START + timedelta(hours=1))
    assert store.read_now(lambda tx: tx.currency.of("1", partner="X")) == []


def test_a_copy_no_longer_kept_says_why(store: Store) -> None:
    store.write_now(lambda tx: tx.currency.end("W", "1", "HOME", "The person ended sharing."))
    (found,) = store.read_now(lambda tx: tx.currency.of("1"))
    assert (found.ended_at, found.ended_reason) == (START, "The person ended sharing.")
    store.write_now(lambda tx: tx.currency.resume("W", "1", "HOME"))
    (found,) = store.read_now(lambda tx: tx.currency.of("1"))
    assert (found.ended_at, found.ended_reason) == (None, None)


def test_audit_rows_are_kept_in_order(store: Store) -> None:
    rows = [AuditRow(START + timedelta(seconds=n), "1" if n else None, f'{{"n":{n}}}') for n in range(3)]
    store.write_now(lambda tx: tx.audit.append(rows))
    store.write_now(lambda tx: tx.audit.append([]))
    kept = store.read_now(lambda tx: tx.audit.find())
    assert [row for _number, row in kept] == rows
    assert [row for _number, row in store.read_now(lambda tx: tx.audit.find(person="1", limit=1))] == rows[1:2]
    assert [row for _number, row in store.read_now(lambda tx: tx.audit.find(after=kept[1][0]))] == rows[2:]
    late = START + timedelta(seconds=2)
    assert [row for _number, row in store.read_now(lambda tx: tx.audit.find(since=late))] == rows[2:]
