"""What rules in FHIRPath ask of a type, met by hand in a resource that was made without regard to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.unit.validation.simple_values import WHOLE


def mend(name: str, made: dict[str, Any], draw: Any) -> None:
    """Change what was made of a type, or of a backbone element by its path, so that its rules hold."""
    for wanted, change in _MENDS.items():
        if wanted == name:
            change(made, draw)


def _one_of(*names: str) -> Callable[[dict[str, Any], Any], None]:
    """Of these at most one stays."""

    def change(made: dict[str, Any], draw: Any) -> None:
        there = [name for name in names if name in made]
        for name in there[1:]:
            del made[name]

    return change


def _some_of(name: str, value: Any, *others: str) -> Callable[[dict[str, Any], Any], None]:
    """Where none of the others is there, this is."""

    def change(made: dict[str, Any], draw: Any) -> None:
        if not made.keys() & {name, *others}:
            made[name] = value

    return change


def _not_at_home(made: dict[str, Any], draw: Any) -> None:
    for key in ("telecom", "address"):
        for entry in made.get(key, ()):
            if entry.get("use") == "home":
                entry["use"] = "work"
    _some_of("name", "A place", "identifier")(made, draw)


def _condition(made: dict[str, Any], draw: Any) -> None:
    for key in [key for key in made if key.startswith("abatement")]:
        del made[key]
    made.pop("verificationStatus", None)


def _contact_point(made: dict[str, Any], draw: Any) -> None:
    if "value" in made:
        made.setdefault("system", "phone")


def _identifier(made: dict[str, Any], draw: Any) -> None:
    """Not a rule in FHIRPath, but one of ours: an NHS number is one, wherever it stands."""
    if made.get("system") == "https://fhir.nhs.uk/Id/nhs-number" and "value" in made:
        made["value"] = draw(st.sampled_from(["9990000018", "9990000026", "9990000034"]))


def _attachment(made: dict[str, Any], draw: Any) -> None:
    made.pop("size", None)
    if "data" in made:
        made.setdefault("contentType", "text/plain")


def _without(*endings: str) -> Callable[[dict[str, Any], Any], None]:
    """No extension whose url ends so."""

    def change(made: dict[str, Any], draw: Any) -> None:
        held = [entry for entry in made.pop("extension", ()) if not entry["url"].endswith(endings)]
        if held:
            made["extension"] = held

    return change


def _hash(made: dict[str, Any], draw: Any) -> None:
    for key in made:
        if key.startswith("value"):
            made[key] = draw(st.text("0123456789abcdef", min_size=64, max_size=64))


def _wishes(made: dict[str, Any], draw: Any) -> None:
    for activity in made.get("activity", ()):
        activity.pop("reference", None)
        activity["detail"] = {"status": "not-started"}


def _one_kind(made: dict[str, Any], draw: Any) -> None:
    kind = "https://w3id.org/fhir-mh/CodeSystem/legal-status-kind"
    made["code"]["coding"] = [{"system": kind, "code": "informal"}]


def _apart(made: dict[str, Any], draw: Any) -> None:
    made["focus"]["identifier"]["value"], made["owner"]["identifier"]["value"] = "ZAA1", "ZBB1"


def _denying(made: dict[str, Any], draw: Any) -> None:
    for rule in made.get("provision", {}).get("provision", ()):
        rule.pop("provision", None)
    _without("withdrawal")(made, draw)


def _extension(made: dict[str, Any], draw: Any) -> None:
    if "extension" in made:
        for key in [key for key in made if key.startswith("value")]:
            del made[key]
    elif not any(key.startswith("value") for key in made):
        made["valueString"] = "x"


def _composition_section(made: dict[str, Any], draw: Any) -> None:
    made.pop("emptyReason", None)
    _some_of("text", draw(WHOLE["Narrative"]), "entry", "section")(made, draw)


def _observation(made: dict[str, Any], draw: Any) -> None:
    if any(key.startswith("value") for key in made):
        made.pop("dataAbsentReason", None)
    made.pop("component", None)


def _service_request(made: dict[str, Any], draw: Any) -> None:
    if "code" not in made:
        made.pop("orderDetail", None)


def _task(made: dict[str, Any], draw: Any) -> None:
    made.pop("lastModified", None)


def _goal_target(made: dict[str, Any], draw: Any) -> None:
    if any(key.startswith("detail") for key in made):
        made.setdefault("measure", {"text": draw(st.just("steps"))})


_WITHDRAWABLE = (
    "mh-advance-choice-document", "mh-advance-statement", "mh-nomination", "mh-power-of-attorney",
    "mh-sharing-preference",
)  # fmt: skip
_OURS = "https://w3id.org/fhir-mh/StructureDefinition/"
_MENDS: dict[str, Callable[[dict[str, Any], Any], None]] = {
    "Identifier": _identifier,
    _OURS + "content-hash": _hash,
    _OURS + "sha-256": _hash,
    _OURS + "power-of-attorney": _without("may-refuse-life-sustaining"),
    _OURS + "mh-care-plan": _without("next-review"),
    _OURS + "mh-crisis-plan": _without("next-review", "nothing-for"),
    _OURS + "mh-advance-wishes": _wishes,
    _OURS + "mh-legal-status": _one_kind,
    _OURS + "mh-recorded-refusal": _denying,
    _OURS + "mh-safety-concern": _apart,
    **{_OURS + name: _without("withdrawal") for name in _WITHDRAWABLE},
    "Attachment": _attachment,
    "ContactPoint": _contact_point,
    "Extension": _extension,
    "CarePlan.activity": _one_of("detail", "reference"),
    "CareTeam.participant": lambda made, draw: made.pop("onBehalfOf", None),
    "Composition.section": _composition_section,
    "Condition": _condition,
    "Condition.stage": _some_of("summary", {"text": "x"}, "assessment"),
    "Condition.evidence": _some_of("code", [{"text": "x"}], "detail"),
    "Consent": _some_of("policyRule", {"text": "x"}, "policy"),
    "Goal.target": _goal_target,
    "Observation": _observation,
    "Observation.referenceRange": _some_of("text", "x", "low", "high"),
    "Organization": _not_at_home,
    "Patient.contact": _some_of("name", {"text": "x"}, "telecom", "address", "organization"),
    "QuestionnaireResponse.item": _one_of("answer", "item"),
    "ServiceRequest": _service_request,
    "Task": _task,
}
