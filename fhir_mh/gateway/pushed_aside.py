"""What of a pushed transaction is set aside before it is received (docs/sync-protocol.md, 'What it sends itself')."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace

from fhir_mh.connectors.fhir_server.found import key_there
from fhir_mh.connectors.fhir_server.naming import Body, Key, Names, references_at
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.gateway.identity import Organisation, find_named
from fhir_mh.gateway.server_names import ServerNames
from fhir_mh.gateway.setting_aside import SettingAside
from fhir_mh.gateway.writing import Check
from fhir_mh.issues import Issue, issue
from fhir_mh.store import Tx
from fhir_mh.sync.receiver import Answered, once

_NAMESPACE = uuid.UUID("2f6a1f9c-0f6e-5a51-8b0d-7a4be1c95d36")


def depending(tx: Tx, names: ServerNames, bodies: Sequence[Body], aside: Collection[Key]) -> list[Body]:
    """Those that refer to what is set aside and is not held here, or to others that do."""
    found: list[Body] = []
    while True:
        keys = {*aside, *map(key_there, found)}
        more = [one for one in bodies if one not in found and refers_aside(tx, names, [one], keys)]
        if not more:
            return found
        found += more


def refers_aside(tx: Tx, names: ServerNames, bodies: Sequence[Body], aside: Collection[Key]) -> tuple[Issue, ...]:
    """A finding for each reference of what one message is made of to what is set aside and is not held here.

    Whom it is about, and what a Patient refers to, is nothing that is followed.
    """
    there, found = Names(names.partner, names.bases), list[Issue]()
    loose = {key for key in aside if key[0] != "Patient" and not _is_held(tx, names, key)}
    loose -= set(map(key_there, bodies))
    for number, body in enumerate(bodies):
        kind, _ = key_there(body)
        for path, reference in references_at(body, kind) if loose and kind != "Patient" else ():
            if there.target(reference) in loose:
                found.append(issue("server-refers-aside", f"$.bundle.entry[{number}].resource: {path}"))
    return tuple(found)


def _is_held(tx: Tx, names: ServerNames, key: Key) -> bool:
    held = tx.get(key[0], names.called(tx, *key))
    return held is not None and not held.deleted


def aside_name(message: str) -> str:
    """By which id a message is kept that is set aside as it is: by its own it is received once it can be."""
    return str(uuid.uuid5(_NAMESPACE, message))


def set_aside(
    tx: Tx, home: Organisation, check: Check, partner: str, message: Message, why: Sequence[Issue]
) -> Answered:
    """The receipt of a message that is kept whole as it is, for people to try again; the same, whenever it comes."""
    message = replace(message, id=aside_name(message.id))

    def keep() -> Receipt:
        person = find_named(tx, message.nhs_number, message.identifiers)
        return SettingAside(home, check).keep(tx, partner, message, person, list(why))

    return once(tx, partner, message.id, keep)
