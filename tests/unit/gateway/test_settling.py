"""What a receipt means for what waits: a plain FHIR server has answers that no gateway gives."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.exchange.messages import Receipt
from fhir_mh.issues import issue
from fhir_mh.store import OutboxMessage, Outcome
from tests.unit.gateway.pair import HOME, WARD, Pair

pytestmark = pytest.mark.usefixtures("planned")


def settled(pair: Pair, kind: Any, status: Any, code: str, **values: Any) -> Outcome:
    """What becomes of a message of this kind that is answered so."""
    gateway = pair.gateways[HOME]

    def work(tx: Any) -> Outcome:
        (person,) = tx.persons()
        sent: OutboxMessage = tx.outbox.add(WARD, person, kind, edition=1, payload="{}")
        return gateway.exchange.settle(tx, sent, Receipt(sent.message, status, issues=(issue(code, "$", **values),)))

    return gateway.store.write_now(work)


@pytest.mark.parametrize("kind", ["snapshot", "notice"])
def test_later_means_that_this_message_waits_and_why(pair: Pair, kind: str) -> None:
    outcome = settled(pair, kind, "later", "server-changed")
    assert (outcome.state, outcome.error) == ("pending", "server-changed")


@pytest.mark.parametrize(
    ("kind", "code", "state"),
    [
        ("proposal", "server-takes-none", "superseded"),
        ("proposal", "sync-refused", "dead"),
        ("snapshot", "server-takes-none", "dead"),
        ("filed", "server-takes-none", "superseded"),
    ],
)
def test_where_a_kind_of_message_has_no_place_nothing_waits_behind_it(
    pair: Pair, kind: str, code: str, state: str
) -> None:
    outcome = settled(pair, kind, "refused", code, verb=kind)
    assert (outcome.state, outcome.error) == (state, code)


def test_an_edition_that_was_never_made_here_is_another_persons(pair: Pair) -> None:
    gateway = pair.gateways[HOME]

    def work(tx: Any) -> list[tuple[str, str | None]]:
        (person,) = tx.persons()
        newest = tx.edition(person, HOME)
        sent: OutboxMessage = tx.outbox.add(WARD, person, "snapshot", edition=newest, payload="{}")
        receipts = [Receipt(sent.message, "superseded", edition) for edition in (newest, newest + 1)]
        outcomes = [gateway.exchange.settle(tx, sent, receipt) for receipt in receipts]
        return [(one.state, one.error) for one in outcomes]

    assert gateway.store.write_now(work) == [("acked", None), ("dead", "sync-identity")]
