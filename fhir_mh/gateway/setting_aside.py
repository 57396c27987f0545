"""What arrives and is not taken in: kept whole, with a Task for the team where the person is known."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

from fhir_mh.clock import instant
from fhir_mh.errors import InvalidResource
from fhir_mh.exchange.messages import Message, Receipt, read_message
from fhir_mh.fhir.json import dumps, load_object, loads
from fhir_mh.gateway.holding import Tree, hold, is_taken
from fhir_mh.gateway.identity import Organisation, numbers_in, persons_by_number, same_one
from fhir_mh.gateway.proposals import bodies_of
from fhir_mh.gateway.spreading import partners_of
from fhir_mh.gateway.writing import Check, write_record
from fhir_mh.issues import Issue
from fhir_mh.placements import held_as
from fhir_mh.store import Quarantined, Tx

_NAMESPACE = uuid.UUID("b5d2b7e6-6c0a-5f6f-9c57-0e9d3b3f8a61")
_KINDS = ("identity", "unclear-item")


@dataclass(frozen=True, slots=True)
class Replay:
    """A message that is held already and tried again. by: JSON text of who had it tried. received: when it came."""

    id: str
    by: str
    received: datetime


@dataclass(frozen=True, slots=True)
class SettingAside:
    """Sets messages aside for one organisation; one that is replayed stays the one it was, with the new reason."""

    home: Organisation
    check: Check
    replay: Replay | None = None

    def keep(self, tx: Tx, partner: str, message: Message, person: str | None, found: list[Issue]) -> Receipt:
        """Keep a message whole, with what speaks against it."""
        listed = dumps([one.as_dict() for one in found]).decode()
        body = message.as_json()
        if self.replay is None:
            name = tx.quarantine.add(partner, dumps(body).decode(), listed, person=person, message=message.id).id
        else:
            name = self.replay.id
            tx.quarantine.renew(name, listed, self.replay.by, person=person)
        if person is not None:
            kind = "identity" if found[0].code == "sync-identity" else "unclear-item"
            said = f"What {partner} sent was set aside: {found[0].message}"
            whole = _is_whole(body)
            task = _task_of_all(partner, person, kind) if whole else message.id
            once = whole and any(_reason(one) == found[0].code for one in _others(tx, partner, person, name))
            raise_task(tx, self.home, self.check, person, task, kind, said, once=once)
        return Receipt(message.id, "quarantined", issues=tuple(found))

    def keep_apart(self, tx: Tx, partner: str, message: Message, persons: list[str], found: Issue) -> None:
        """Two people held here are said to be one: nothing of either goes out until people decide, and each has a Task.

        What passes a halted lane still does: notices, and what the person refuses. Said again, it asks nobody again,
        and halts nothing: people may have resumed the lanes.
        """
        said = f"What {partner} sent says that this person and another one held here are one. {found.fix}"
        partners, whole = partners_of(tx, self.home), _is_whole(message.as_json())
        task = _task_of_all_that_say(partner, persons) if whole else message.id
        once = whole and _is_said_elsewhere(tx, partner, persons, "" if self.replay is None else self.replay.id)
        for person in persons:
            its_task = task_of_each(task, person)
            asked = raise_task(tx, self.home, self.check, person, its_task, "identity", said, once=once)
            for name in partners if asked or not once else ():
                tx.lanes.halt(name, person, found.code)


def close_tasks_about(
    tx: Tx, home: Organisation, check: Check, held: Quarantined, status: Literal["completed", "cancelled"]
) -> None:
    """Nothing is left to do about one that was set aside; a Task about several is closed with the last of them."""
    if held.person is None or held.message is None:
        return
    close_task(tx, home, check, held.person, held.message, status)
    if _is_whole(load_object(held.text)) and not any(_others(tx, held.partner, held.person, held.id)):
        for kind in _KINDS:
            close_task(tx, home, check, held.person, _task_of_all(held.partner, held.person, kind), status)


def close_tasks_of_each(
    tx: Tx, home: Organisation, check: Check, held: Quarantined, status: Literal["completed", "cancelled"]
) -> None:
    """The same of the Tasks of those who were said to be one."""
    persons, names = _said_to_be_one_by(tx, held), [str(held.message)]
    if _is_whole(load_object(held.text)) and not _is_said_elsewhere(tx, held.partner, persons, held.id):
        names.append(_task_of_all_that_say(held.partner, persons))
    for person in persons:
        for name in names:
            close_task(tx, home, check, person, task_of_each(name, person), status)


def people_said_to_be_one(tx: Tx, message: Message) -> list[str]:
    """The persons held apart here whom a snapshot says are one: one number is the other's superseded one."""
    known = _named_as_one(tx, message)
    return [] if same_one(tx, known) else known


def _named_as_one(tx: Tx, message: Message) -> list[str]:
    """The same, whether or not people have made them one by now."""
    patients = [body for body in bodies_of(message) if body.get("resourceType") == "Patient"]
    numbers = [number for patient in patients for number in numbers_in(patient)]
    named = list(dict.fromkeys([*([message.nhs_number] if message.nhs_number else ()), *numbers]))
    known = persons_by_number(tx, named) if len(named) > 1 else []  # one number is no two people's
    return sorted(known) if len(known) > 1 else []


def _said_to_be_one_by(tx: Tx, held: Quarantined) -> list[str]:
    try:
        return _named_as_one(tx, read_message(load_object(held.text)))
    except InvalidResource:  # what is no message names nobody
        return []


def _is_said_elsewhere(tx: Tx, partner: str, persons: list[str], name: str) -> bool:
    """Whether another snapshot of a partner's gateway that is held here says of the same persons that they are one."""
    others = (one for person in persons for one in _others(tx, partner, person, name))
    return any(_said_to_be_one_by(tx, one) == persons for one in others)


def _is_whole(body: Mapping[str, Any]) -> bool:
    """Whether a message is a gateway's snapshot: the next one says again all that it said."""
    return body.get("verb") == "snapshot" and body.get("edition") is not None


def _reason(held: Quarantined) -> str:
    return str(loads(held.issues)[0]["code"])


def _others(tx: Tx, partner: str, person: str, name: str) -> Iterator[Quarantined]:
    """The other snapshots of a partner's gateway about a person that are held here, read as they are asked for."""
    after: str | None = None
    while some := tx.quarantine.find(partner=partner, person=person, after=after):
        yield from (one for one in some if one.id != name and _is_whole(load_object(one.text)))
        after = some[-1].id


def _task_of_all(partner: str, person: str, kind: str) -> str:
    return f"{partner}/{person}/{kind}"


def _task_of_all_that_say(partner: str, persons: list[str]) -> str:
    return "/".join([partner, *persons])


def task_of_each(message: str, person: str) -> str:
    """The name of the Task about a message that each of several people has."""
    return f"{message}/{person}"


def raise_task(
    tx: Tx, home: Organisation, check: Check, person: str, name: str, kind: str, said: str, *, once: bool = False
) -> bool:
    """Tell the team of the person, and whether they are told. Nothing where nothing is held.

    The same name again makes the same Task anew, whatever became of it; once leaves it as it is by then.
    """
    task: Tree = {
        "kind": kind,
        "status": "requested",
        "description": said,
        "raised_at": instant(tx.now),
    }
    return _put_task(tx, home, check, person, name, task, "always" if not once else "new")


def is_raised(tx: Tx, name: str) -> bool:
    """Whether there is a Task of this name, whatever became of it, unless it was retracted."""
    held = tx.get("Task", str(uuid.uuid5(_NAMESPACE, name)))
    return held is not None and not held.deleted


def close_task(
    tx: Tx, home: Organisation, check: Check, person: str, name: str, status: Literal["completed", "cancelled"]
) -> None:
    """Nothing is left to do about what a Task of this name was raised for; nothing where there is none."""
    _put_task(tx, home, check, person, name, {"status": status}, "known")


def _put_task(
    tx: Tx, home: Organisation, check: Check, person: str, name: str, said: Tree,
    where: Literal["always", "new", "known"],
) -> bool:  # fmt: skip
    holding = hold(tx, person, home.ods)
    if not holding.bodies:
        return False
    before = holding.tree
    tasks = {one["id"]: one for one in before.get("tasks") or ()}
    found = held_as(str(uuid.uuid5(_NAMESPACE, name)), tasks, partial(is_taken, tx, person))
    if where != "always" and (where == "known") != (found in tasks):
        return False
    tasks[found] = {**tasks.get(found, {}), "id": found, **said}
    write_record(tx, home, check, holding, before, {**before, "tasks": list(tasks.values())})
    return True
