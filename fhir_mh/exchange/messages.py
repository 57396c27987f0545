"""The messages of the sync protocol and their receipts, as data and as JSON (docs/sync-protocol.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from fhir_mh import ods
from fhir_mh.errors import InvalidResource
from fhir_mh.exchange.finding import Sought, read_sought
from fhir_mh.fhir.parts import null_character_in
from fhir_mh.issue_codes import CODES
from fhir_mh.issues import Issue, issue

PROTOCOL = 1
FORMATS = ("fhir",)  # what a gateway can be sent
ASKED_AT_ONCE = 4  # messages of a check that are looked at
_NEWEST = 2**31 - 1  # the greatest positiveInt: a plan carries its edition as one

Verb = Literal["snapshot", "proposal", "notice", "marked"]
Notice = Literal["sharing-ended", "entered-in-error", "patient-merged", "merge-undone"]
Status = Literal["stored", "superseded", "merged", "partly", "conflict", "quarantined", "refused", "later"]
_VERBS = ("snapshot", "proposal", "notice", "marked")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ODS = re.compile(ods.FORM)
CODE = re.compile(r"[a-z0-9-]{1,64}")
_PATH = re.compile(r"[A-Za-z0-9$_.:\[\] -]{1,200}")
_EDITION = f"an integer from 0 to {_NEWEST}"
_STATUSES = ("stored", "superseded", "merged", "partly", "conflict", "quarantined", "refused")


@dataclass(frozen=True, slots=True)
class Message:
    """One message about one person. content holds what the verb calls for (bundle, base, notice, reason, ...).

    nhs_number: None for somebody of whom the sender knows none. Then identifiers are the (system, value) pairs by which
    systems of providers call the person.
    """

    id: str
    verb: Verb
    nhs_number: str | None
    custodian: str
    edition: int | None
    content: dict[str, Any]
    identifiers: tuple[tuple[str, str], ...] = ()

    @property
    def person(self) -> dict[str, Any]:
        """Whom it is about, as it stands in an envelope."""
        if self.nhs_number is not None:
            return {"nhs_number": self.nhs_number}
        return {"identifiers": [{"system": system, "value": value} for system, value in self.identifiers]}

    def as_json(self) -> dict[str, Any]:
        """The message as it stands in an envelope."""
        head: dict[str, Any] = {
            "id": self.id,
            "verb": self.verb,
            "person": self.person,
            "custodian": self.custodian,
        }
        if self.edition is not None:
            head["edition"] = self.edition
        return {**head, **self.content}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message. edition: of the custodian, once it holds what was sent.

    status: `later` is said by no gateway; it means that this message alone is to be tried again.

    reason: of one that was read, the code of its first finding, where that is a code of ours; `issues` tell of it in
    our words.
    """

    id: str
    status: Status
    edition: int | None = None
    conflicts: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    reason: str = ""

    @property
    def code(self) -> str:
        """The stable code of why a message was refused."""
        return self.reason or (self.issues[0].code if self.issues else "sync-refused")

    def as_json(self) -> dict[str, Any]:
        """The receipt as it stands in an answer."""
        found: dict[str, Any] = {"id": self.id, "status": self.status}
        if self.edition is not None:
            found["edition"] = self.edition
        if self.conflicts:
            found["conflicts"] = list(self.conflicts)
        if self.issues:
            found["issues"] = [fault.as_dict() for fault in self.issues]
        return found


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One entry of an envelope that has an id and is no message known here: kept whole, with what speaks against it."""

    id: str
    body: dict[str, Any]
    issues: tuple[Issue, ...]

    def as_json(self) -> dict[str, Any]:
        """The entry as it came."""
        return self.body


@dataclass(frozen=True, slots=True)
class Envelope:
    """One request: messages of any number of lanes, from one organisation to another. None say: here I am again.

    asked: messages that are not sent, of which the sender asks whether they would be understood; None: it asks nothing.
    sought: whose plan the sender asks for, if anybody's.
    """

    sender: str
    to: str
    messages: tuple[Message | Unreadable, ...]
    asked: tuple[Message | Unreadable, ...] | None = None
    sought: Sought | None = None

    def as_json(self) -> dict[str, Any]:
        """The body of the request."""
        body: dict[str, Any] = {
            "protocol": PROTOCOL,
            "from": self.sender,
            "to": self.to,
            "messages": [message.as_json() for message in self.messages],
        }
        if self.asked is not None:
            body["check"] = {"messages": [message.as_json() for message in self.asked]}
        if self.sought is not None:
            body["find"] = self.sought.as_json()
        return body


def read_envelope(body: Any) -> Envelope:
    """The envelope a JSON body holds; a message that has an id and is not understood stands in it as Unreadable.

    Raises InvalidResource (sync-envelope) naming the place of the first fault.
    """
    found = _object(body, "$")
    if found.get("protocol") != PROTOCOL:
        raise _fault("$.protocol", f"protocol {PROTOCOL}")
    messages = found.get("messages")
    if not isinstance(messages, list):
        raise _fault("$.messages", "a list of messages")
    return Envelope(
        _text(found, "from", "$", _ODS),
        _text(found, "to", "$", _ODS),
        tuple(_entry(message, f"$.messages[{n}]") for n, message in enumerate(messages)),
        _asked(found.get("check")),
        read_sought(found.get("find")),
    )


def _asked(body: Any) -> tuple[Message | Unreadable, ...] | None:
    """The messages of a check; what is no list of them asks about none."""
    if not isinstance(body, dict):
        return None
    listed = body.get("messages")
    entries = listed[:ASKED_AT_ONCE] if isinstance(listed, list) else []
    return tuple(_entry(message, f"$.check.messages[{n}]") for n, message in enumerate(entries))


def _entry(body: Any, path: str) -> Message | Unreadable:
    found = _object(body, path)
    try:
        message = read_message(found, path)
        if message.verb == "snapshot" and message.edition is None:  # only what a plain server holds has no number
            raise _fault(f"{path}.edition", _EDITION)
        return message
    except InvalidResource as fault:
        return Unreadable(_text(found, "id", path, _ID), found, fault.issues)


def read_message(body: Any, path: str = "$") -> Message:
    """The message a JSON object holds. Raises InvalidResource (sync-envelope, json-null-character)."""
    found = _object(body, path)
    if (at := null_character_in(found, path)) is not None:
        raise InvalidResource(issues=[issue("json-null-character", at)])
    verb = found.get("verb")
    if verb not in _VERBS:
        raise _fault(f"{path}.verb", "one of " + ", ".join(_VERBS))
    edition = found.get("edition")
    if edition is not None and not is_edition(edition):
        raise _fault(f"{path}.edition", _EDITION)
    if verb in ("snapshot", "proposal") and not isinstance(found.get("bundle"), dict):
        raise _fault(f"{path}.bundle", "a Bundle")
    person = _object(found.get("person"), f"{path}.person")
    head = ("id", "verb", "person", "custodian", "edition")
    return Message(
        _text(found, "id", path, _ID),
        verb,
        None if "identifiers" in person else _text(person, "nhs_number", f"{path}.person"),
        _text(found, "custodian", path, _ODS),
        edition,
        {key: value for key, value in found.items() if key not in head},
        _identifiers(person, f"{path}.person"),
    )


def is_edition(value: Any) -> bool:
    """Whether a value that came can be the number of an edition, or 0, which stands for none."""
    return type(value) is int and 0 <= value <= _NEWEST


def _identifiers(person: dict[str, Any], path: str) -> tuple[tuple[str, str], ...]:
    """What a message calls somebody without an NHS number. Raises InvalidResource where it names both, or nothing."""
    if "identifiers" not in person:
        return ()
    listed = person["identifiers"]
    if not isinstance(listed, list) or not listed or "nhs_number" in person:
        raise _fault(f"{path}.identifiers", "a list of identifiers, and no NHS number beside it")
    entries = [_object(one, f"{path}.identifiers[{n}]") for n, one in enumerate(listed)]
    return tuple(
        (_text(one, "system", f"{path}.identifiers[{n}]"), _text(one, "value", f"{path}.identifiers[{n}]"))
        for n, one in enumerate(entries)
    )


def read_person(value: Any) -> tuple[str | None, tuple[tuple[str, str], ...]] | None:
    """(NHS number, identifiers) of a person whom a notice names by the one or the other; None where by neither."""
    if isinstance(value, str) and value:
        return value, ()
    try:
        identifiers = _identifiers(_object(value, "$"), "$")
    except InvalidResource:
        return None
    return (None, identifiers) if identifiers else None


_MOST_ROWS, _LONGEST_ROW = 10_000, 1_000
"""Of the rows of a proposal that a receipt names: more, or longer ones, no record has."""


def read_receipts(body: Any) -> list[Receipt]:
    """The receipts an answer holds, without those that are not understood: their messages have none.

    Raises InvalidResource (sync-envelope) for what is no answer.
    """
    listed = _object(body, "$").get("receipts")
    if not isinstance(listed, list):
        raise _fault("$.receipts", "a list of receipts")
    return [receipt for entry in listed if (receipt := _receipt(entry)) is not None]


def _receipt(found: Any) -> Receipt | None:
    if not isinstance(found, dict) or not isinstance(found.get("id"), str) or found.get("status") not in _STATUSES:
        return None
    edition = found.get("edition")
    conflicts = found.get("conflicts")
    rows = [name for name in conflicts if isinstance(name, str)] if isinstance(conflicts, list) else []
    return Receipt(
        found["id"],
        found["status"],
        edition if is_edition(edition) else None,
        tuple(name for name in rows[:_MOST_ROWS] if len(name) <= _LONGEST_ROW),
        _findings(found.get("issues")),
        _reason(found.get("issues")),
    )


def _reason(body: Any) -> str:
    first = body[0] if isinstance(body, list) and body else None
    code = first.get("code") if isinstance(first, dict) else None
    return code if isinstance(code, str) and code in CODES else ""


def _findings(body: Any) -> tuple[Issue, ...]:
    """What a partner found, in our own words: its texts are shown to nobody, for they may say anything."""
    listed = body if isinstance(body, list) else []
    return tuple(_finding(entry["code"], entry.get("path")) for entry in listed if _has_code(entry))


def _has_code(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(code := entry.get("code"), str) and bool(CODE.fullmatch(code))


def _finding(code: str, path: Any) -> Issue:
    place = path if isinstance(path, str) and _PATH.fullmatch(path) else "$"
    return issue("sync-foreign-finding", place, code=code)


def _object(body: Any, path: str) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _fault(path, "an object")
    return body


def _text(body: dict[str, Any], name: str, path: str, form: re.Pattern[str] | None = None) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _fault(f"{path}.{name}", "a text")
    if form is not None and not form.fullmatch(value):
        raise _fault(f"{path}.{name}", f"a text of the form {form.pattern}")
    return value


def _fault(path: str, expected: str) -> InvalidResource:
    return InvalidResource(issues=[issue("sync-envelope", path, expected=expected)])
