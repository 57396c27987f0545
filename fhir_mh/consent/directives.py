"""A person's sharing preferences as rules that can be held against a request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from fhir_mh import ods
from fhir_mh.clock import instant, moment_of
from fhir_mh.fhir.urls import ODS_CODE

Decided = Literal["permit", "deny"]
SOMEBODY = "?"
"""Stands among ODS codes for somebody who cannot be told, and so may be anybody."""
_is_ods = re.compile(ods.FORM).fullmatch
DIRECT = frozenset({"access", "collect", "use", "disclose"})
"""The actions of a rule that is about sharing as it is done here: each decision is about all of them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with everything that must hold for it, those around it included. None: it names none, so any.

    organisations: ODS codes; with SOMEBODY among them it may be about anybody. starts, ends: its own and those of the
    rules around it; each holds, for no comparing of texts tells whether a day or the month around it ends first.
    unclear: it depends on something that cannot be checked here. Such a permit never permits, and such a denial denies
    whatever else it names.
    """

    decision: Decided
    depth: int
    organisations: frozenset[str] | None = None
    sections: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    starts: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()
    unclear: bool = False

    @property
    def specificity(self) -> int:
        """How many things it names."""
        return sum(named is not None for named in (self.organisations, self.sections, self.purposes))

    def covers(self, other: Rule) -> bool:
        """Whether everything the other rule says to an organisation that both speak of, this one speaks of too."""
        mine, theirs = (self.sections, self.purposes), (other.sections, other.purposes)
        return all(a is None or (b is not None and b <= a) for a, b in zip(mine, theirs, strict=True))


@dataclass(frozen=True, slots=True)
class Directive:
    """One sharing preference of the person."""

    id: str
    active: bool
    made_at: str | None
    rules: tuple[Rule, ...]


def has_begun(rule: Rule, now: str) -> bool:
    """Whether every start of a rule, as precise as it is known, has come. now: an instant, UTC."""
    return all(now[: len(start)] >= start for start in rule.starts)


def is_over(rule: Rule, now: str) -> bool:
    """Whether the whole of any end of a rule, as precise as it is known, is past."""
    return any(now[: len(end)] > end for end in rule.ends)


def in_utc(moment: str | None) -> str | None:
    """A FHIR dateTime with its time in UTC, so that texts of equal length compare as times; a mere date as it is."""
    told = None if moment is None else moment_of(moment.replace(":60", ":59"))
    return moment if told is None else instant(told)


def directives_of(preferences: Sequence[Mapping[str, Any]], ods_of: Mapping[str, str]) -> list[Directive]:
    """The directives that a record's `sharing` list says. ods_of: ODS codes of the record's organisations by id."""
    return [
        Directive(
            preference["id"],
            preference.get("status", "active") == "active",
            in_utc(preference.get("made_at")),
            tuple(_rules(preference.get("terms") or {}, ods_of)),
        )
        for preference in preferences
    ]


def _rules(terms: Mapping[str, Any], ods_of: Mapping[str, str]) -> Iterator[Rule]:
    yield from _inside(Rule("permit", 0), terms, ods_of, 0)


def _inside(around: Rule, terms: Mapping[str, Any], ods_of: Mapping[str, str], depth: int) -> Iterator[Rule]:
    """The rule that the terms state, narrowed by the rule around it; then its exceptions."""
    period = terms.get("period") or {}
    organisations = _organisations(terms, ods_of)
    narrowed = replace(
        around,
        depth=depth,
        organisations=_narrow_to(around.organisations, organisations),
        sections=_narrow(around.sections, _named(terms.get("sections"))),
        purposes=_narrow(around.purposes, _named([c.get("code") for c in terms.get("purposes") or ()])),
        starts=around.starts.union(filter(None, [in_utc(period.get("start"))])),
        ends=around.ends.union(filter(None, [in_utc(period.get("end"))])),
        unclear=around.unclear or SOMEBODY in (organisations or ()) or _unclear(terms),
    )
    if "decision" in terms:
        yield replace(narrowed, decision=terms["decision"])
    for exception in terms.get("exceptions") or ():
        yield from _inside(narrowed, exception, ods_of, depth + 1)


def _named(values: Any) -> frozenset[str] | None:
    return frozenset(str(value) for value in values) if values else None


def _narrow(around: frozenset[str] | None, own: frozenset[str] | None) -> frozenset[str] | None:
    if around is None or own is None:
        return own if around is None else around
    return around & own


def _narrow_to(around: frozenset[str] | None, own: frozenset[str] | None) -> frozenset[str] | None:
    """As _narrow, of organisations: somebody who cannot be told may be any of the others."""
    if around is not None and own is not None and SOMEBODY in around | own:
        return own if SOMEBODY in around else around
    return _narrow(around, own)


def _organisations(terms: Mapping[str, Any], ods_of: Mapping[str, str]) -> frozenset[str] | None:
    """The ODS codes of those a rule is about; one with another identifier alone cannot be told any more than a name."""
    actors = terms.get("actors") or ()
    if not actors:
        return None
    found = set()
    for actor in actors:
        party = actor.get("party") or {}
        identifier = party.get("identifier") or {}
        said = str(identifier.get("value")) if identifier.get("system") == ODS_CODE else ""
        code = said if _is_ods(said) else ""
        found.add(code or ods_of.get(party.get("id", "")) or SOMEBODY)
    return frozenset(found)


def _unclear(terms: Mapping[str, Any]) -> bool:
    """Whether a rule depends on data classes, labels, codes or actions that no row of a table names."""
    if any(terms.get(name) for name in ("labels", "classes", "codes", "data", "data_period")):
        return True
    actions = [coding.get("code") for action in terms.get("actions") or () for coding in action.get("codings") or ()]
    return bool(actions) and not set(actions) <= DIRECT
