"""What was found on a server about one person, by the server's own names, and the messages that are made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from fhir_mh.connectors.fhir_server import answers
from fhir_mh.connectors.fhir_server.naming import Body, Key, without_storing
from fhir_mh.exchange.messages import Message, Unreadable
from fhir_mh.fhir.json import dumps
from fhir_mh.issues import Issue


@dataclass(frozen=True, slots=True)
class Found:
    """Resources of one server about one person, and what they refer to. patient: the person, as the server has them.

    answered: of copies of ours, what the server held when they were written last, where that is known. pushed: its
    system sent it, whatever it was made from; else it was found, and made from what lay there before. held: the Patient
    is the one that is held here, for none came along. named: type and id there -> id here, of copies that are known to
    lie there and perhaps noted nowhere yet. people: the persons here whom the Patient is, or may be; looked up as
    messages are made of it. unseen: they say something else than what was noted, so that they were not dealt with under
    the version that they say, unless they were received. earlier: of some, what lay there just before and was dealt
    with.
    """

    patient: Body
    resources: tuple[Body, ...]
    answered: Mapping[Key, Body] = field(default_factory=dict)
    pushed: bool = False
    held: bool = False
    named: Mapping[Key, str] = field(default_factory=dict)
    people: Collection[str] = ()
    unseen: bool = False
    earlier: Mapping[Key, Body] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """A message, and the resources of the server (as they are there) that are dealt with once it is.

    people: the persons here whom their Patient is, or may be. why: what speaks against it before it is received: it
    is set aside as it is. edition: that in which a copy of ours must have come to lie there, for it was made from it.
    """

    message: Message | Unreadable
    of: tuple[Body, ...]
    people: Collection[str]
    why: tuple[Issue, ...] = ()
    edition: int | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """A resource that says, on the server, what we wrote in an edition whose answer was lost: nothing is made of it.

    It may say less than that: whether something is to be written is for sending to see. people: as for Made.
    """

    body: Body
    edition: int
    people: Collection[str]


def key_there(body: Mapping[str, Any]) -> Key:
    """(type, id) of a resource on its server."""
    return str(body.get("resourceType")), str(body.get("id"))


def version_of(body: Mapping[str, Any]) -> str:
    """Which version of a resource this is, as its server says it: a number, a UUID, a time; or empty."""
    return answers.version_of(body) or answers.updated_of(body)


def hash_of(body: Mapping[str, Any]) -> str:
    """SHA-256 of what a resource says, whatever its server says of its own storing."""
    return sha256(dumps(without_storing(body))).hexdigest()
