"""Values of R4's primitive types, and whole values of the complex ones whose members hang together."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

UCUM = "http://unitsofmeasure.org"
_days = st.dates().map(str)
_times = st.times().map(lambda time: time.isoformat())
_ids = st.from_regex(r"[A-Za-z0-9\-.]{1,20}", fullmatch=True)
_texts = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
_moments = st.builds(
    lambda day, time, zone: f"{day}T{time}{zone}", _days, _times, st.sampled_from(["Z", "+01:00", "-14:00"])
)
_PRIMITIVES: dict[str, Any] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "positiveInt": st.integers(1, 2**31 - 1),
    "decimal": st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    "string": _texts,
    "markdown": _texts.map(lambda text: f"{text}\n\n*{text}*"),
    "code": st.from_regex(r"[a-z]+( [a-z0-9]+)?", fullmatch=True),
    "id": _ids,
    "uri": _ids.map(lambda name: f"https://example.org/{name}") | st.just("urn:oid:1.2.840.0.1"),
    "url": _ids.map(lambda name: f"https://example.org/{name}"),
    "canonical": _ids.map(lambda name: f"https://example.org/{name}|1.0"),
    "oid": st.lists(st.integers(0, 999), min_size=1).map(lambda parts: "urn:oid:2." + ".".join(map(str, parts))),
    "uuid": st.uuids().map(lambda one: f"urn:uuid:{one}"),
    "date": _days | _days.map(lambda day: day[:7]) | _days.map(lambda day: day[:4]),
    "dateTime": _moments | _days | _days.map(lambda day: day[:4]),
    "instant": _moments,
    "time": _times,
    "base64Binary": st.just("aGVsbG8="),
}  # fmt: skip
_BOUND_ELSEWHERE = {"contentType": "text/plain", "language": "en-GB", "currency": "GBP"}  # in what no value set lists
UNLISTED: dict[str, list[tuple[str, str]]] = {
    "http://hl7.org/fhir/ValueSet/languages": [("urn:ietf:bcp:47", "en-GB")],
    "http://hl7.org/fhir/ValueSet/all-languages": [("urn:ietf:bcp:47", "cy")],
}


def of(code: str, *, path: str = "") -> Any:
    """Values of a primitive type; path names the element, for what only some elements say."""
    known = _BOUND_ELSEWHERE.get(path.rpartition(".")[2])
    return st.just(known) if known and code == "code" else _PRIMITIVES[code]


_amounts = st.integers(1, 10**6)
_quantities = st.builds(lambda value: {"value": value, "unit": "d", "system": UCUM, "code": "d"}, _amounts)
_periods = st.builds(
    lambda days: {"start": days[0], "end": days[1]}, st.lists(_days, min_size=2, max_size=2).map(sorted)
) | st.builds(lambda day: {"start": day}, _days)
_concepts = st.builds(lambda text: {"text": text}, _texts) | st.builds(
    lambda code: {"coding": [{"system": "https://example.org/codes", "code": code}]}, _PRIMITIVES["code"]
)
WHOLE: dict[str, Any] = {
    "Quantity": _quantities,
    "SimpleQuantity": _quantities,
    "Age": _quantities,
    "Duration": _quantities,
    "Distance": st.builds(lambda value: {"value": value, "unit": "m", "system": UCUM, "code": "m"}, _amounts),
    "Count": st.builds(lambda value: {"value": value, "system": UCUM, "code": "1"}, _amounts),
    "Money": st.builds(lambda value: {"value": value, "currency": "GBP"}, _PRIMITIVES["decimal"]),
    "Range": st.builds(lambda q, more: {"low": q, "high": {**q, "value": q["value"] + more}}, _quantities, _amounts),
    "Ratio": st.builds(lambda one, other: {"numerator": one, "denominator": other}, _quantities, _quantities),
    "Period": _periods,
    "Timing": st.sampled_from([
        {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}, {"event": ["2026-01-01"]},
        {"code": {"text": "x"}}, {"repeat": {"when": ["MORN"], "offset": 30}},
        {"repeat": {"timeOfDay": ["09:30:00"], "dayOfWeek": ["mon"]}},
    ]),
    "CodeableConcept": _concepts,
    "Coding": st.builds(lambda code: {"system": "https://example.org/codes", "code": code}, _PRIMITIVES["code"]),
    "Attachment": st.sampled_from([
        {"contentType": "text/plain", "data": "aGVsbG8=", "size": 5}, {"url": "https://example.org/a", "title": "x"},
    ]),
    "ContactPoint": st.sampled_from([{"system": "phone", "value": "0113 496 0000", "use": "work"}, {"use": "mobile"}]),
    "SampledData": st.just({"origin": {"value": 1}, "period": 1.5, "dimensions": 1, "data": "1 2 E"}),
    "Signature": st.just({
        "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}],
        "when": "2026-01-01T09:30:00Z", "who": {"reference": "Practitioner/one"},
    }),
    "Dosage": st.builds(lambda text: {"text": text}, _texts),
    "Narrative": st.just({"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}),
    "Meta": st.just({"versionId": "1", "lastUpdated": "2026-01-01T09:30:00Z"}),
    "Expression": st.just({"language": "text/fhirpath", "expression": "today()"}),
}  # fmt: skip
# The forms of value[x] that are made: the rarer types of definitions are left out.
FORMS = {
    *_PRIMITIVES, *WHOLE, "Address", "Annotation", "HumanName", "Identifier", "Reference", "ContactDetail",
}  # fmt: skip
