"""The decision: which sections one organisation may see, and why. Pure: no clock, no storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from fhir_mh.consent.access import EMERGENCY, AccessContext
from fhir_mh.consent.directives import SOMEBODY, Directive, Rule, has_begun, is_over
from fhir_mh.consent.policies import shipped_policies
from fhir_mh.records.sections import SECTIONS


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds where the person has said nothing. A version of its own, so that a decision can name it.

    implied: purposes for which organisations that care for the person may see the record (implied consent).
    along: sections that go with any other that is permitted. home_only: sections that only the team that leads
    the plan is sent. never: sections that stay where they are.
    """

    version: str
    implied: frozenset[str]
    along: frozenset[str]
    home_only: frozenset[str]
    never: frozenset[str]


@cache
def direct_care() -> Policy:
    """The policy that ships, from policies/direct-care.yaml."""
    held = next(policy for policy in shipped_policies() if policy.id == "direct-care")
    return Policy(held.version, **{name: frozenset(values) for name, values in held.values.items()})


_SAID = {
    "care-plan": "care plan",
    "crisis-plan": "crisis plan",
    "advance-wishes": "advance wishes",
    "legal-status": "legal status",
    "placement": "placement",
    "contacts": "contacts",
    "support-needs": "support needs",
    "demographics": "personal details",
}


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Who asks; whether they care for the person now, lead the plan, and what time it is (an instant, UTC).

    opened: sections that an asking of theirs, which has not lapsed, opens where the person has said nothing.
    """

    context: AccessContext
    in_care: bool
    leads: bool
    now: str
    opened: frozenset[str] = frozenset()


class Tie(NamedTuple):
    """The ids of a permission and of a denial that disagree, of which the denial wins though it is not the later.

    later: whether the permission is, which names only as much as the denial. named: whether either names the
    organisation that it is decided for.
    """

    permission: str
    denial: str
    later: bool
    named: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What may be seen. winners and losers: ids of the directives that decided, and of those that were outdone.

    sentence: for people, and naming nobody else. content: whether that is more than what goes along with other
    sections and what only the team that leads is told. tied: the directives of equal weight by which something is kept
    back, two by two, so that somebody should ask the person.
    """

    permitted: frozenset[str]
    winners: tuple[str, ...] = ()
    losers: tuple[str, ...] = ()
    sentence: str = ""
    tied: tuple[Tie, ...] = ()
    by_person: bool = field(default=False)
    content: bool = False

    @property
    def nothing(self) -> bool:
        """Whether nothing at all may be seen."""
        return not self.permitted


def decide(request: AccessRequest, directives: Sequence[Directive], policy: Policy | None = None) -> Decision:
    """Decide which sections one organisation may see, and why.

    A later directive ends the earlier ones it covers, and a later denial every earlier permission in what is asked;
    within one, the deeper rule is the exception to the one around it; a denial in force yields to a permission alone
    that was made later and names more; where none speaks, the policy does. See https://hl7.org/fhir/R4/consent.html#6.2.1.2
    """
    policy = policy or direct_care()
    permitted: set[str] = set()
    winners: dict[str, None] = {}
    losers: dict[str, None] = {}
    tied: set[Tie] = set()
    denied_by_person = False
    for section in SECTIONS:
        if section in policy.along or section in policy.never:
            continue
        verdict = _section(request, section, directives)
        winners.update(dict.fromkeys(verdict.winners))
        losers.update(dict.fromkeys(verdict.losers))
        if section in policy.home_only:
            allowed = request.leads
        elif verdict.permits is None:
            allowed = section in request.opened or (request.in_care and request.context.purpose in policy.implied)
        else:
            allowed = verdict.permits
            denied_by_person |= not allowed
            tied.update(verdict.tied)
        if allowed:
            permitted.add(section)
    content = permitted - policy.home_only
    for section in policy.along if content or permitted else ():
        verdict = _section(request, section, directives)
        if verdict.permits is not False or section == "demographics":
            permitted.add(section)
        else:
            tied.update(verdict.tied)
    outdone = tuple(name for name in losers if name not in winners)
    sentence = _sentence(permitted, denied_by_person, _latest(directives, tuple(winners)))
    ties = tuple(sorted(tied))
    return Decision(frozenset(permitted), tuple(winners), outdone, sentence, ties, denied_by_person, bool(content))


def strictest(decisions: Sequence[Decision]) -> Decision:
    """What every one of these decisions permits: of persons who are one, each with decisions of their own."""
    if len(decisions) == 1:
        return decisions[0]
    permitted = frozenset.intersection(*(one.permitted for one in decisions))
    return _joined(decisions, frozenset() if permitted <= direct_care().along else permitted)


def together(decisions: Sequence[Decision]) -> Decision:
    """What any of these decisions permits: of one organisation, for each purpose that it has."""
    if len(decisions) == 1:
        return decisions[0]
    return _joined(decisions, frozenset.union(*(one.permitted for one in decisions)))


def _joined(decisions: Sequence[Decision], permitted: frozenset[str]) -> Decision:
    policy = direct_care()
    winners = tuple(dict.fromkeys(name for one in decisions for name in one.winners))
    losers = tuple(dict.fromkeys(name for one in decisions for name in one.losers))
    ties = tuple(dict.fromkeys(tie for one in decisions for tie in one.tied))
    by_person = any(one.by_person for one in decisions)
    return Decision(
        permitted, winners, losers, _sentence(set(permitted), by_person, None), ties,
        by_person, bool(permitted - policy.home_only - policy.along),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Verdict:
    permits: bool | None = None
    winners: tuple[str, ...] = ()
    losers: tuple[str, ...] = ()
    tied: tuple[Tie, ...] = ()


def _section(request: AccessRequest, section: str, directives: Sequence[Directive]) -> _Verdict:
    speaking = []
    for directive in directives:
        rule = _of_one(request, section, directive)
        if rule is not None:
            speaking.append((directive, rule))
    if not speaking:
        return _Verdict()
    standing = [one for one in speaking if not any(_ends(other, one) for other in speaking)]
    denials = [one for one in standing if one[1].decision == "deny"]
    permits = [one for one in standing if one[1].decision == "permit"]
    left = [one for one in denials if not any(_outweighs(permit, one) for permit in permits)]
    won = [directive.id for directive, _ in left or permits]
    lost = tuple(directive.id for directive, _ in speaking if directive.id not in won)
    tied = tuple(
        Tie(permit[0].id, denial[0].id, _is_later(permit, denial), _names(request, permit[1], denial[1]))
        for permit in permits
        for denial in left
        if permit[1].specificity >= denial[1].specificity
    )
    return _Verdict(not left, tuple(won), lost, tied)


def _of_one(request: AccessRequest, section: str, directive: Directive) -> Rule | None:
    """What one directive says: of its rules that apply the deepest, then the most specific, then the denial."""
    if not directive.active:
        return None
    found = [rule for rule in directive.rules if _applies(rule, request, section)]
    return max(found, key=lambda rule: (rule.depth, rule.specificity, rule.decision == "deny"), default=None)


def _names(request: AccessRequest, *rules: Rule) -> bool:
    """Whether any of these rules names who asks."""
    return any(request.context.organisation in (rule.organisations or ()) for rule in rules)


def _applies(rule: Rule, request: AccessRequest, section: str) -> bool:
    if rule.unclear and rule.decision == "permit":
        return False
    if rule.organisations is not None and rule.organisations.isdisjoint((request.context.organisation, SOMEBODY)):
        return False
    if rule.sections is not None and section not in rule.sections:
        return False
    if rule.purposes is not None and rule.purposes.isdisjoint(_purposes(request.context.purpose)):
        return False
    return has_begun(rule, request.now) and not is_over(rule, request.now)


def _purposes(purpose: str) -> tuple[str, ...]:
    """A purpose and the one that it is a kind of: what is said of that is said of it."""
    return (purpose, "TREAT") if purpose == EMERGENCY else (purpose,)


def _ends(later: tuple[Directive, Rule], earlier: tuple[Directive, Rule]) -> bool:
    """Whether a later decision takes the place of an earlier one.

    A denial does of a permission, in what is asked, whatever else that one permits; else it must speak of all of it.
    """
    takes_back = (later[1].decision, earlier[1].decision) == ("deny", "permit")
    return _is_later(later, earlier) and (takes_back or later[1].covers(earlier[1]))


def _outweighs(permit: tuple[Directive, Rule], denial: tuple[Directive, Rule]) -> bool:
    """Whether a permission is an exception that was made later to a denial of more than it permits."""
    return _is_later(permit, denial) and permit[1].specificity > denial[1].specificity


def _is_later(new: tuple[Directive, Rule], old: tuple[Directive, Rule]) -> bool:
    """Whether a decision was made after another, as far as both dates tell. A denial without a date is the latest."""
    when, before = _when(*new), _when(*old)
    known = min(len(when), len(before)) if before else len(when)
    return new[0] is not old[0] and when[:known] > before[:known]


def _when(directive: Directive, rule: Rule) -> str:
    return directive.made_at or ("9999" if rule.decision == "deny" else "")


def _latest(directives: Sequence[Directive], winners: tuple[str, ...]) -> str | None:
    dates = [directive.made_at[:10] for directive in directives if directive.id in winners and directive.made_at]
    return max(dates, default=None)


def _sentence(permitted: set[str], by_person: bool, since: str | None) -> str:
    said = [_SAID[section] for section in SECTIONS if section in permitted and section in _SAID]
    if not said and by_person:
        return (
            f"The person decided{f' on {since}' if since else ''} that their plan is not shared with this organisation."
        )
    if not said:
        return "This organisation does not care for the person now, and the person has not agreed to share with it."
    shared = "Shared: " + ", ".join(said) + "."
    return shared + (" The person decided what is left out." if by_person else "")
