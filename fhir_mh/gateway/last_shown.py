"""What a partner's server was last known to show of a copy of ours."""

from __future__ import annotations

from typing import Any

from fhir_mh.connectors.fhir_server.naming import Body, Key
from fhir_mh.fhir.json import load_object
from fhir_mh.gateway.holding import key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.spreading import copy_at
from fhir_mh.store import Tx


class LastShown:
    """What a server was last known to show of a copy of ours, and what it may have been written since.

    body: what it was sent in the edition that it is known to have stored (edition), or what somebody there has made of
    that since, as it was proposed (not is_sent); None where it was never sent. later: what it was sent since, if it
    took that.
    """

    def __init__(self, tx: Tx, home: Organisation, partner: str, person: str, key: Key) -> None:
        copy = copy_at(tx, person, partner, home.ods)
        stored = copy.stored.edition if copy is not None and copy.stored is not None else 0
        newest = tx.projections.get(partner, person, home.ods)
        self.body: Body | None = None
        self.edition, self.later = 0, list[Body]()
        for projection in tx.projections.newest_first(partner, person, home.ods, newest.edition if newest else 0):
            held = _in(load_object(projection.sent), key) if f'"{key[1]}"' in projection.sent else None
            if held is None:
                continue
            self.body, self.edition = held, projection.edition
            if projection.edition <= stored:
                break
            self.later.append(held)
        if self.edition > stored:  # written, and the answer lost: the oldest is what it has at least
            self.later = self.later[:-1]
        self.is_sent = True
        for own in tx.proposals.find(person, direction="received"):
            said = _in(load_object(own.payload).get("bundle"), key)
            if own.partner == partner and own.base >= self.edition and said is not None:
                self.body, self.is_sent = said, False


def _in(bundle: Any, key: Key) -> Body | None:
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    return next((entry["resource"] for entry in entries or () if key_of(entry["resource"]) == key), None)
