"""The registry of stable codes: every Issue's template, kept apart from the code that raises it.

Codes are named room-thing (`json-duplicate-key`); each room has a module. A code, once released, is never given another
meaning. Templates never take values from the input except names of elements, codes and types: no personal data.
"""

from __future__ import annotations

from typing import NamedTuple

from fhir_mh.issue_codes.cli import CODES as CLI
from fhir_mh.issue_codes.code import Code
from fhir_mh.issue_codes.concern import CODES as CONCERN
from fhir_mh.issue_codes.config import CODES as CONFIG
from fhir_mh.issue_codes.conflict import CODES as CONFLICT
from fhir_mh.issue_codes.consent import CODES as CONSENT
from fhir_mh.issue_codes.json import CODES as JSON
from fhir_mh.issue_codes.law import CODES as LAW
from fhir_mh.issue_codes.map import CODES as MAP
from fhir_mh.issue_codes.merge import CODES as MERGE
from fhir_mh.issue_codes.partner import CODES as PARTNER
from fhir_mh.issue_codes.placement import CODES as PLACEMENT
from fhir_mh.issue_codes.rest import CODES as REST
from fhir_mh.issue_codes.seal import CODES as SEAL
from fhir_mh.issue_codes.server import CODES as SERVER
from fhir_mh.issue_codes.store import CODES as STORE
from fhir_mh.issue_codes.subscription import CODES as SUBSCRIPTION
from fhir_mh.issue_codes.sync import CODES as SYNC
from fhir_mh.issue_codes.validate import CODES as VALIDATE

__all__ = ["CODES", "ROOMS", "Code", "Room"]


class Room(NamedTuple):
    """what: of what its codes speak. codes: each begins with the room's name."""

    what: str
    codes: dict[str, Code]


ROOMS: dict[str, Room] = {
    "json": Room("text that is not the JSON FHIR asks for", JSON),
    "validate": Room("a resource against FHIR R4 and its profiles", VALIDATE),
    "map": Room("a record, a provider's own file, or a mapping file", MAP),
    "rest": Room("what a caller asks over HTTP", REST),
    "consent": Room("what may not be read or written, and by whom", CONSENT),
    "law": Room("what an Act asks of a plan, and nothing in the record says", LAW),
    "concern": Room("safety concerns: who may raise one, keep it and read it", CONCERN),
    "placement": Room("placements: which step is possible, for whom, and what may not be changed", PLACEMENT),
    "seal": Room("texts of the wrong person: who retracts them, and who may open them", SEAL),
    "merge": Room("two persons who are one: who says so, what speaks against it, and how it is undone", MERGE),
    "conflict": Room("two texts in one place, and what may be decided of them", CONFLICT),
    "store": Room("what is held, its versions, and the database itself", STORE),
    "subscription": Room("what a client asks to be told of, and what becomes of telling it", SUBSCRIPTION),
    "sync": Room("what partners say to each other", SYNC),
    "server": Room("a partner's plain FHIR server, and what lies on it", SERVER),
    "partner": Room("how partners are kept, and what is wrong with a connection to one", PARTNER),
    "config": Room("what the gateway was told by file, environment and arguments", CONFIG),
    "cli": Room("a command that is asked for what is not there, or whose gateway does not answer", CLI),
}

CODES: dict[str, Code] = {name: code for room in ROOMS.values() for name, code in room.codes.items()}
