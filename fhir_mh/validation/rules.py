"""The rules of one value: invariants, bindings, fixed values and patterns, each compiled to a function of the walk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from fhir_mh import fhirpath
from fhir_mh.fhirpath import Expression, FHIRPathError, Node
from fhir_mh.fhirpath.environment import MOST_STEPS
from fhir_mh.fhirpath.narrative import EMPTY, LEADS_NOWHERE, html_fault, loose_links
from fhir_mh.fhirpath.values import is_primitive, truth
from fhir_mh.packages.model import R4
from fhir_mh.terminology.expansion import Expansion, Terminology
from fhir_mh.terminology.snomed import SYSTEM as SNOMED
from fhir_mh.terminology.snomed import well_formed
from fhir_mh.validation.contrast import innermost, may_be_told, quoted
from fhir_mh.validation.direct import DIRECT
from fhir_mh.validation.explanations import explain
from fhir_mh.validation.primitives import TESTS
from fhir_mh.validation.shape import Binding, Invariant, Shape
from fhir_mh.validation.shortcuts import shortcut
from fhir_mh.validation.walk import Place, Walk, expression, shown

Rule = Callable[[Any, Any, Place, Walk], None]  # value, sibling, place, walk
_BINDING = ("required", "extensible", "maximum")
_EARNED = 500  # steps by which each evaluation adds to those that all of one validation may take
_SHOWN = {"code", "id", "uri", "url", "canonical", "oid", "uuid"}  # types of which a value may be told
_COULD_GROW = "http://terminology.hl7.org/"  # HL7 adds codes there between FHIR releases


# --- invariants


# R4's own rules that mean the whole of a path and ask for a part of it.
_WHOLE = {"eld-19", "eld-20"}
_ELSEWHERE = {"ref-1", "txt-1", "txt-2"}  # checked with references and narratives, where their messages say more


def _corrected(rule: Invariant) -> str:
    if rule.key not in _WHOLE or not rule.expression.startswith("path.matches('["):
        return rule.expression
    return rule.expression.replace("('", "('^", 1).removesuffix("')") + "$')"


def invariant(rule: Invariant, type_name: str) -> Rule | None:
    """The check of one invariant; None for one that is checked elsewhere."""
    if rule.key in _ELSEWHERE:
        return None
    expression = _corrected(rule)
    direct = DIRECT.get(rule.key)
    quick = direct[1] if direct and expression.startswith(direct[0]) else None
    severity: Any = "error" if rule.severity == "error" else "warning"
    advice = severity == "warning"
    compiled: list[Expression] = []
    if quick is None:
        try:
            compiled.append(fhirpath.compile(expression))
            quick = shortcut(compiled[0].tree, type_name, R4)
        except FHIRPathError:
            pass  # reported as not checked, where the rule would have applied

    def check(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
        if advice and walk.errors_only:
            return
        met = quick(value) if quick is not None and type(value) is dict else None
        if met is None:
            if walk.spent and rule in walk.spent:
                walk.skip("validate-unchecked-invariant", place, key=rule.key, problem="limit")
                return
            try:
                if not compiled:
                    compiled.append(fhirpath.compile(expression))
                met = _evaluate(compiled[0], Node(value, type_name, sibling), walk)
            except FHIRPathError as fault:
                if fault.kind == "limit":
                    walk.spent.add(rule)
                walk.skip("validate-unchecked-invariant", place, key=rule.key, problem=fault.kind)
                return
        if not met:
            wrong, mend = explain(type_name, rule.key, rule.human, rule.expression)
            walk.fail("validate-invariant", place, severity, rule.by, wrong=wrong, mend=mend, key=rule.key)

    return check


def _evaluate(code: Expression, node: Node, walk: Walk) -> bool:
    walk.steps[0] += _EARNED
    allowed = min(MOST_STEPS, walk.steps[0])
    around = walk.surroundings(node, steps=allowed)
    try:
        met = truth(code.run([node], around))
    finally:
        walk.steps[0] -= allowed - around.left
    return met is not False  # nothing to say is not a breach: bdl-8 on an entry without fullUrl


# --- bindings


def binding(bound: Binding, type_name: str, terminology: Terminology) -> Rule | None:
    """The check of one binding on values of one type; None where it does not bind."""
    if bound.strength not in _BINDING:
        return None
    read = {"CodeableConcept": _concept, "Coding": _coding, "Quantity": _coding}.get(type_name)
    if type_name in ("code", "uri", "string", "url", "canonical"):
        return _code_binding(bound, terminology)
    return None if read is None else _coded_binding(bound, terminology, read)


def listed(shapes: Sequence[Shape], type_name: str, terminology: Terminology) -> Callable[[], frozenset[str]] | None:
    """The texts that the one rule of these shapes allows, as a function; None where that rule does not list them."""
    test = TESTS.get(type_name)
    bindings = [bound for shape in shapes for bound in shape.bindings if bound.strength in _BINDING]
    fixed = [value for shape in shapes for value in shape.fixed]
    if test is None or len(bindings) + len(fixed) != 1 or (bindings and type_name != "code"):
        return None

    def texts() -> frozenset[str]:
        expansion = terminology.expand(bindings[0].value_set) if bindings else None
        all_of = expansion.codes if expansion else [value for value in fixed if isinstance(value, str)]
        return frozenset(text for text in all_of if test(text) is None)

    return texts


def _code_binding(bound: Binding, terminology: Terminology) -> Rule:
    held: list[Expansion | None] = []

    def check(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
        if type(value) is not str:
            return
        if not held:
            held.append(terminology.expand(bound.value_set))
        expansion = held[0]
        if expansion is not None and value in expansion.codes:
            return
        answer = None if expansion is None else expansion.holds(None, value)
        if answer is None:
            _unchecked(bound, value, place, walk)
        elif answer is False and expansion is not None:
            _refuse(bound, {"system": None, "code": value}, place, walk, expansion)

    return check


def _coding(value: Any) -> list[Any]:
    return [value]


def _concept(value: Any) -> list[Any]:
    held = value.get("coding")
    return held if isinstance(held, list) else []


def says_a_code(coding: Any) -> bool:
    """Whether a Coding has a code, and of a system that can be looked up."""
    return (
        isinstance(coding, dict) and isinstance(coding.get("code"), str) and isinstance(coding.get("system", ""), str)
    )


def _coded_binding(bound: Binding, terminology: Terminology, codings_of: Callable[[Any], list[Any]]) -> Rule:
    def check(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
        if not isinstance(value, dict):
            return
        codings = [c for c in codings_of(value) if says_a_code(c)]
        if not codings:
            if bound.strength == "required" and not value.get("extension"):
                walk.fail("validate-code-missing", place, None, bound.by, value_set=bound.value_set)
            return
        expansion = terminology.expand(bound.value_set)
        answers = [None if expansion is None else expansion.holds(c.get("system", ""), c["code"]) for c in codings]
        if True in answers:
            return
        if None in answers:
            _unchecked(bound, codings[answers.index(None)]["code"], place, walk)
        elif expansion is not None:
            _refuse(bound, codings[0], place, walk, expansion)

    return check


def _unchecked(bound: Binding, code: str, place: Place, walk: Walk) -> None:
    walk.skip("validate-unchecked-binding", place, seen=shown(code), value_set=bound.value_set, strength=bound.strength)


def _refuse(bound: Binding, coding: dict[str, Any], place: Place, walk: Walk, expansion: Expansion) -> None:
    severity: Any = "warning" if bound.strength == "extensible" else "error"
    said: dict[str, Any] = {"seen": shown(coding["code"]), "value_set": bound.value_set, "strength": bound.strength}
    walk.fail(
        "validate-binding",
        place,
        severity,
        bound.by,
        **said,
        mend=lambda: expansion.suggestion(coding, extensible=bound.strength == "extensible"),
    )


def coding_rule(terminology: Terminology) -> Rule:
    """The check of every Coding, and of a Quantity's unit: that its system, where it is at hand, defines its code.

    And that a display is what the system calls the code.
    """

    def check(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
        system, code = value.get("system"), value.get("code")
        if type(system) is not str or type(code) is not str:
            return
        here = (place, "code", None, "code")
        if system == SNOMED:
            if not well_formed(code):
                walk.fail("validate-snomed-code", here, "warning")
        elif terminology.system_holds(system, code) is False:
            severity: Any = "warning" if system.startswith(_COULD_GROW) else "error"
            walk.fail("validate-code-unknown", here, severity, seen=shown(code), system=system)
        elif type(value.get("display")) is str:
            _displayed(value["display"], terminology.shown_by(system, code), place, walk)

    return check


def _displayed(display: str, texts: list[str], place: Place, walk: Walk) -> None:
    """Displays are compared without regard to case and spaces, and not at all in what is not said to be English."""
    language = walk.resource.get("language", "en")
    if not texts or not isinstance(language, str) or not language.lower().startswith("en"):
        return
    if display not in texts and _plain(display) not in map(_plain, texts):
        walk.fail("validate-display", (place, "display", None, "display"), display=f"'{texts[0]}'")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


# --- fixed values and patterns


def matcher(pattern: Any) -> Callable[[Any], bool]:
    """The test whether a value holds all that a pattern says. See ElementDefinition.pattern[x]."""
    if isinstance(pattern, dict):
        parts = [(key, matcher(held)) for key, held in pattern.items()]

        def holds(value: Any) -> bool:
            if not isinstance(value, dict):
                return False
            for key, test in parts:  # noqa: SIM110 - a generator takes twice as long
                if key not in value or not test(value[key]):
                    return False
            return True

        return holds
    if isinstance(pattern, list):
        tests = [matcher(held) for held in pattern]
        return lambda value: isinstance(value, list) and all(any(map(test, value)) for test in tests)
    return equal_to(pattern)


def equal_to(fixed: Any) -> Callable[[Any], bool]:
    """The test whether a value is equal to this one; see same()."""
    return (lambda value: bool(value == fixed)) if isinstance(fixed, str) else (lambda value: same(fixed, value))


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal as FHIR values: true is not 1, 1.0 is not 1.00."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return str(left) == str(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(held, right[key]) for key, held in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def described(value: Any, type_name: str = "code") -> str:
    """A fixed or observed value in a few words; what stands where a person's own words or dates do is not shown."""
    if isinstance(value, str) and is_primitive(type_name) and type_name not in _SHOWN:
        return "another value"
    if isinstance(value, dict):
        if isinstance(value.get("coding"), list) and value["coding"]:
            return described(value["coding"][0])
        parts = [f"{key} {shown(value[key])}" for key in ("system", "code", "url", "reference") if key in value]
        return " and ".join(parts) or "an object of " + ", ".join(sorted(shown(key) for key in value))
    if isinstance(value, list):
        return "a list of " + ", ".join(described(entry) for entry in value[:3]) if value else "an empty list"
    return (
        "nothing"
        if value is None
        else shown(value)
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else "a number"
    )


def _holds(wanted: Any, value: Any) -> bool:
    return matcher(wanted)(value)


def value_rule(name: str, type_name: str, wanted: Any, code: str, by: str) -> Rule:
    """The check of a profile's fixed[x] (validate-fixed) or pattern[x] (validate-pattern) on values of a type."""
    test = equal_to(wanted) if code == "validate-fixed" else matcher(wanted)

    def check(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
        if value is not None and not test(value):
            at, asked, held = innermost(wanted, value, same if code == "validate-fixed" else _holds)
            told = held is None or may_be_told(at)
            seen = described(held, "code" if at else type_name) if told else "another value"
            walk.fail(code, place, None, by, name=name + at, wanted=quoted(asked) or described(asked), seen=seen)

    return check


def missing_sibling(item: Callable[[Any, Place, Walk], None]) -> Rule:
    """The check of a primitive without id and extensions, where a profile demands some: as if it had none of them."""

    def check(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
        if type(sibling) is not dict:
            item({}, place, walk)

    return check


def obligation(name: str, keys: frozenset[str], what: str, actor: str, by: str) -> Rule:
    """Tells of an element that somebody is obliged to give, and that is not there; keys: the members that say it.

    It may be that there is nothing to give: that is for them to know. See https://hl7.org/fhir/extensions/obligations.html
    """
    whom = shown(actor) if actor else "everybody"

    def check(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
        if what.startswith("SHALL:populate") and keys.isdisjoint(value):
            walk.fail("validate-obligation", place, None, by, name=name, what=shown(what), actor=whom)

    return check


def attachment_rule(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
    """The check that an Attachment's size is that of its data."""
    data, size = value.get("data"), value.get("size")
    if type(data) is str and type(size) is int:
        plain = "".join(data.split())
        count = len(plain) * 3 // 4 - plain[-2:].count("=")
        if count != size:
            walk.fail("validate-attachment-size", (place, "size", None, "size"), count=count)


def signature_rule(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
    """Says of a Signature that holds one that it was not verified."""
    if "data" in value:
        walk.skip("validate-unchecked-part", place, what="whether the signature is that of what was signed")


def narrative_rule(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
    """The check of Narrative.div: its HTML, and that its links into the resource lead somewhere."""
    if not isinstance(value, str):
        return
    fault = html_fault(value)
    if fault:
        walk.fail("validate-narrative", place, "warning" if fault == EMPTY else "error", **fault._asdict())
    elif "#" in value and walk.bundle is None and any(walk.local(f"#{to}")[1] is None for to in loose_links(value)):
        # within a Bundle they may lead to another's narrative
        walk.fail("validate-narrative", place, **LEADS_NOWHERE._asdict())


def element_id_rule(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
    """The check that no two elements of a resource have one id; several checks may come by the same element."""
    here = expression(place)
    if walk.ids.setdefault((id(walk.resource), value), here) != here:
        walk.fail("validate-id-twice", place)
