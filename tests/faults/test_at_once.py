"""What is decided while a message is being composed, on PostgreSQL, where both are transactions of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.gateway import Gateway, Organisation
from fhir_mh.store import Tx, open_store
from fhir_mh.sync.courier import Courier
from tests.databases import postgres_database
from tests.unit.gateway.pair import HOME, WARD, Pair, accept, person_with_a_plan


def composed_while(pair: Pair, act: Callable[[], object]) -> None:
    """A message is composed, `act` is done before that is committed, and the message leaves and arrives after both."""
    home, ward = pair.gateways[HOME], pair.gateways[WARD]
    courier = Courier(home.store, home.exchange, {}, pair.clock, own=HOME, owner="one")
    (lane,) = home.store.write_now(lambda tx: tx.lanes.claim("one", timedelta(minutes=1), 10))
    is_composed, go_on, found = threading.Event(), threading.Event(), list[Any]()

    def compose(tx: Tx) -> Any:
        parcel = courier._compose(tx, lane)
        is_composed.set()
        assert go_on.wait(60)
        return parcel

    composing = threading.Thread(target=lambda: found.append(home.store.write_now(compose)))
    composing.start()
    assert is_composed.wait(60)
    acting = threading.Thread(target=act)
    acting.start()
    acting.join(1)  # it may wait for what is being composed
    go_on.set()
    composing.join()
    acting.join()
    (parcel,) = found
    receipt = ward.store.write_now(lambda tx: ward.exchange.receive(tx, HOME, parcel.message))
    assert home.store.write_now(lambda tx: courier._settling(parcel, receipt)(tx, parcel.lane))


@pytest.mark.parametrize("withdrawn", [True, False])
def test_what_leaves_meanwhile_is_told_to_be_over(postgres: str, tmp_path: Path, withdrawn: bool) -> None:
    pair = Pair(tmp_path)
    pair.gateways[HOME].store.close()
    with postgres_database(postgres) as address:
        store = open_store(address, clock=pair.clock)
        home = Organisation(HOME, HOME, {WARD: WARD})
        pair.gateways[HOME] = gateway = Gateway(store, home, accept, pair.clock)
        pair.save(HOME, person_with_a_plan())
        if withdrawn:
            denial = {"id": "no", "made_at": "2026-11-24", "terms": {"decision": "deny"}}
            composed_while(pair, lambda: pair.save(HOME, {"sharing": [denial]}))
        else:
            pair.deliver()
            pair.save(HOME, {"goals": [{"id": "wrong", "description": {"text": "of another person"}}]})
            record, by = pair.record(HOME).id, AccessContext(HOME, role="seals")
            retract = gateway.seals.retract
            composed_while(pair, lambda: asyncio.run(retract(by, record, [("goals", "wrong")], "wrong record")))
        pair.deliver()
        held = pair.record(WARD)
        assert withdrawn is any(one.custodian == HOME and one.ended_at is not None for one in held.copies)
        assert not held.tree.get("goals")
        pair.close()
