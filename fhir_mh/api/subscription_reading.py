"""A Subscription that is valid R4, read into what is to be sent; what is not supported is refused, with its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from fhir_mh.api.faults import Refused
from fhir_mh.api.searching import no_nhs_number, pairs_of, read_search
from fhir_mh.api.types import kept_types
from fhir_mh.errors import InvalidResource
from fhir_mh.gateway.notices import BACKPORT
from fhir_mh.gateway.searching import Search
from fhir_mh.gateway.subscriptions import MASK
from fhir_mh.gateway.topics import SHARING_ENDED, TOPICS, Topic
from fhir_mh.gateway.wanted import CONTENTS, Content, Wanted
from fhir_mh.issues import Issue, issue
from fhir_mh.partner import ENDPOINT, is_encrypted

_CHANNEL = "Subscription.channel"
_CRITERIA = "Subscription.criteria"
_JSON_TYPES = ("application/fhir+json", "application/json")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:")  # of a topic; a search begins with a type
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_SEARCHED = ("patient", "subject", "identifier", "_id")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\x20-\x7e]{1,4000})")
_NOT_THEIRS = frozenset({
    "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive", "te",
    "trailer", "upgrade", "proxy-authorization", "proxy-connection", "accept-encoding", "expect",
})  # fmt: skip
_MOST, _MOST_TIMEOUT, _LEAST_HEARTBEAT = 100, 45, 10
_SETTINGS = {
    "backport-max-count": ("valuePositiveInt", 1, _MOST),
    "backport-timeout": ("valueUnsignedInt", 1, _MOST_TIMEOUT),
    "backport-heartbeat-period": ("valueUnsignedInt", _LEAST_HEARTBEAT, 2**31 - 1),
}

Json = dict[str, Any]


def read_subscription(body: Json, held: Wanted | None) -> Wanted:
    """What a Subscription asks for. held: as it was, for the headers that come back masked.

    Raises InvalidResource with every finding.
    """
    return _Reading(body, held).read()


class _Reading:
    """One Subscription, and what is found to be wrong with it."""

    def __init__(self, body: Json, held: Wanted | None) -> None:
        self.body, self.channel, self.held = body, body["channel"], held
        self.found: list[Issue] = []

    def read(self) -> Wanted:
        criteria = self.body.get("criteria")
        text = criteria if isinstance(criteria, str) else ""
        of_topic = _ADDRESS.match(text) is not None
        topic = self._topic(text) if of_topic else None
        searches = self._filters(topic) if of_topic else [self._search(text, _CRITERIA)]
        settings = self._settings(of_topic)
        wanted = Wanted(
            topic=None if topic is None else topic.url,
            searches=tuple(search for search in searches if search is not None),
            endpoint=self._endpoint(),
            headers=tuple(self._headers()),
            payload="payload" in self.channel,
            content=self._content(of_topic),
            most=settings.get("backport-max-count", 20) if of_topic else 1,
            timeout=settings.get("backport-timeout", 30),
            heartbeat=settings.get("backport-heartbeat-period"),
        )
        if self.found:
            raise InvalidResource(issues=self.found)
        return wanted

    def _refuse(self, code: str, place: str, **values: Any) -> None:
        self.found.append(issue(code, place, **values))

    # --- criteria

    def _topic(self, url: str) -> Topic | None:
        topic = TOPICS.get(url)
        if topic is None:
            near = get_close_matches(url, list(TOPICS), n=1)
            self._refuse("subscription-topic", _CRITERIA, guess=f" Did you mean {near[0]}?" if near else "")
        return topic

    def _filters(self, topic: Topic | None) -> Iterator[Search | None]:
        for number, one in _extensions(self.body.get("_criteria")):
            place = f"{_CRITERIA}.extension[{number}]"
            if one.get("url") != BACKPORT + "backport-filter-criteria":
                continue
            value = one.get("valueString")
            search = self._search(value if isinstance(value, str) else "", place)
            if search is not None and topic is not None and search.kind not in topic.kinds:
                self._criteria(place, "the topic is not about this type", f"Name {' or '.join(topic.kinds)}.")
            elif search is not None and topic is SHARING_ENDED and search.identifiers is not None:
                self._criteria(place, "this topic can be narrowed by _id only", "Send Patient?_id=ID.")
            yield search

    def _search(self, text: str, place: str) -> Search | None:
        kind, _, query = text.partition("?")
        if not _TYPE.fullmatch(kind) or kind not in kept_types():
            fix = "Send Type or Type?patient=Patient/ID, or the address of a topic."
            self._criteria(place, "they begin with no type that is kept here", fix)
            return None
        try:
            pairs = pairs_of(query)
            no_nhs_number(pairs, "")
            asked = read_search(kind, pairs, lenient=False)
        except Refused as refused:
            if refused.issues[0].code == "rest-nhs-number-in-url":
                self._criteria(place, "they hold an NHS number", "Name the person by patient=Patient/ID.")
            else:
                self._criteria(place, "a parameter is not understood", f"Use {', '.join(_SEARCHED)}, as in searches.")
            return None
        if any(name not in _SEARCHED for name, _ in pairs):
            self._criteria(place, "this parameter says nothing of a change", f"Use {', '.join(_SEARCHED)} only.")
            return None
        if not all(value.strip(",") for _, value in pairs):  # a search passes it over: then this is about everybody
            self._criteria(place, "a parameter has no value", "Give it one, or leave it out.")
            return None
        return asked.search

    def _criteria(self, place: str, problem: str, fix: str) -> None:
        self._refuse("subscription-criteria", place, problem=problem, fix=fix)

    # --- the channel

    def _endpoint(self) -> str:
        if self.channel.get("type") != "rest-hook":
            self._refuse("subscription-channel", f"{_CHANNEL}.type", problem="Nothing is sent over such a channel")
        endpoint = self.channel.get("endpoint")
        if not isinstance(endpoint, str) or re.fullmatch(ENDPOINT, endpoint) is None or not is_encrypted(endpoint):
            self._refuse(
                "subscription-channel", f"{_CHANNEL}.endpoint", problem="This is no address that can be called"
            )
            return ""
        return endpoint

    def _content(self, of_topic: bool) -> Content:
        payload, place = self.channel.get("payload"), f"{_CHANNEL}.payload"
        if payload is not None and payload.partition(";")[0].strip() not in _JSON_TYPES:
            fix = "Send application/fhir+json, or of a search none."
            self._refuse("subscription-payload", place, problem="Nothing is sent in this format", fix=fix)
        if not of_topic:
            return "full-resource"
        wanted = [
            one.get("valueCode")
            for _, one in _extensions(self.channel.get("_payload"))
            if one.get("url") == BACKPORT + "backport-payload-content"
        ]
        if payload is None or len(wanted) != 1 or wanted[0] not in CONTENTS:
            fix = f"Send payload, and in its extension backport-payload-content one of {', '.join(CONTENTS)}."
            self._refuse("subscription-payload", place, problem="A topic needs to be told how much to send", fix=fix)
            return "empty"
        return CONTENTS[CONTENTS.index(wanted[0])]

    def _settings(self, of_topic: bool) -> dict[str, int]:
        found = {}
        for number, one in _extensions(self.channel):
            name = str(one.get("url")).removeprefix(BACKPORT)
            place = f"{_CHANNEL}.extension[{number}]"
            if name not in _SETTINGS:
                continue
            key, least, most = _SETTINGS[name]
            value = one.get(key)
            if not of_topic:
                fix = "Leave it out, or subscribe to a topic."
                self._refuse("subscription-setting", place, problem="Of a search this cannot be chosen", fix=fix)
            elif type(value) is not int or not least <= value <= most:
                fix = f"Send {key} from {least} to {most}."
                self._refuse("subscription-setting", place, problem="This number cannot be kept to", fix=fix)
            else:
                found[name] = value
        return found

    def _headers(self) -> Iterator[str]:
        kept = [(_named(one), one) for one in self.held.headers] if self.held is not None else []
        read = [_HEADER.fullmatch(one) if isinstance(one, str) else None for one in self.channel.get("header", ())]
        masked = Counter(match[1].lower() for match in read if match is not None and match[2] == MASK)
        stored = Counter(name for name, _ in kept)
        for number, match in enumerate(read):
            place = f"{_CHANNEL}.header[{number}]"
            if match is None:
                self._refuse("subscription-header", place, problem="This is not a header")
            elif match[1].lower() in _NOT_THEIRS:
                self._refuse("subscription-header", place, problem="This header is the gateway's to set")
            elif match[2] == MASK:
                name = match[1].lower()
                if not stored[name]:
                    self._refuse("subscription-header", place, problem="No header of this name is stored")
                elif masked[name] != stored[name]:
                    problem = "Of headers of this name not as many come back masked as are stored"
                    self._refuse("subscription-header", place, problem=problem)
                else:
                    held = next(one for one in kept if one[0] == name)
                    kept.remove(held)
                    yield held[1]
            else:
                yield f"{match[1]}: {match[2].strip()}"


def _named(header: str) -> str:
    """The name of a header; case does not tell names apart."""
    return header.partition(":")[0].lower()


def _extensions(element: Any) -> Sequence[tuple[int, Json]]:
    """The extensions of an element, with their places; what is no object among them the validator has refused."""
    listed = element.get("extension", ()) if isinstance(element, dict) else ()
    return [(number, one) for number, one in enumerate(listed) if isinstance(one, dict)]
