"""Records of every shape the models allow, from a source of chance."""

from __future__ import annotations

import random
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from fhir_mh.records import CareRecord
from fhir_mh.records.base import (
    Code,
    Date,
    DateTime,
    Instant,
    ItemId,
    Link,
    Model,
    Note,
    OdsCode,
    Period,
    Ref,
    Text,
    Uri,
)
from fhir_mh.records.legal import _NOT_DETAINED, LegalStatus
from fhir_mh.records.people import NhsNumber, Organisation, Person
from fhir_mh.records.plans import _DESCRIBING, Activity, CarePlan, CrisisItem, CrisisPlan
from fhir_mh.records.wishes import Document, Rule, SharingPreference

_SAMPLES: list[tuple[Any, list[str]]] = [
    (Text, ["a", "I would rather not — honestly 🙂", "two\nlines", "0113 496 0000", "<b>&amp;"]),
    (Code, ["en-GB", "a b"]),
    (Uri, ["http://example.org/a", "urn:oid:2.16.840.1.113883.2.1"]),
    (Link, ["Condition/1", "https://example.org/fhir/Condition/1"]),
    (Date, ["2026", "2026-11", "2026-11-24"]),
    (DateTime, ["2026", "2026-11-24", "2026-11-24T09:30:00Z", "2026-11-24T09:30:00.50+01:00"]),
    (Instant, ["2026-11-24T09:30:00Z"]),
    (OdsCode, ["ZCT1", "ZOA01"]),
    (NhsNumber, ["9990000018", "999 000 0026"]),
]
_TAG = {"system": "urn:ietf:bcp:47", "code": "cy"}
_FIELDS: dict[tuple[type, str], list[Any]] = {
    (Person, "nhs_number_status"): [f"0{n}" for n in range(1, 9)],
    (Person, "languages"): [[{"text": "Makaton"}], [{"text": "Welsh", "codings": [_TAG]}], [{"codings": [_TAG]}, {}]],
    (Document, "sha256"): ["0" * 64],
    (CarePlan, "content_hash"): ["0" * 64],
    (CrisisPlan, "content_hash"): ["0" * 64],
    (Document, "data"): ["aGVsbG8="],
    (Document, "content_type"): ["application/pdf"],
}
# What cannot be said together, or not alone: where the first is said, the others are not.
_EXCLUDE: dict[type, tuple[tuple[str, ...], ...]] = {
    Note: (("author", "author_name"),),
    Person: (("deceased_at", "deceased"),),
    SharingPreference: (("original", "source_title"),),
    Period: (("start", "end"),),
    CrisisPlan: tuple((item.replace("-", "_"), "nothing_for") for item in get_args(CrisisItem)),
    Activity: (("planned", "planned_text"), ("request", "status", *_DESCRIBING)),
}


class Generator:
    """chance decides; how likely an optional field is to be there is itself drawn once."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.likely = chance.choice((0.15, 0.5, 0.9))
        self.count = 0
        self.ids: list[str] = []

    def record(self) -> dict[str, Any]:
        """A CareRecord as JSON; not every one of them is allowed by the models' own rules."""
        made = self._model(CareRecord)
        made["person"] = {"birth_date": "1984-02-03", **made.get("person", {})}
        return {**made, "schema_version": "1"}

    def _model(self, model: type[BaseModel], depth: int = 0) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, hint in get_type_hints(model, include_extras=True).items():
            if name not in model.model_fields or name in ("unknown", "numbers", "schema_version", "reference"):
                continue
            if not model.model_fields[name].is_required() and self.chance.random() > self.likely:
                continue
            value = self._value(hint, model, name, depth)
            if value is not None:
                out[name] = value
        for first, *others in _EXCLUDE.get(model, ()):
            if first in out:
                out = {name: value for name, value in out.items() if name not in others}
        if model is LegalStatus and out.get("classification"):
            out["kind"] = _NOT_DETAINED.get(out["classification"], "detained")
        if "withdrawn" in out:
            out["status"] = "inactive"
        if out.get("scope") == "property-and-financial-affairs":
            out.pop("may_refuse_life_sustaining", None)
        if model is Organisation:
            out["telecoms"] = [way for way in out.get("telecoms", ()) if way.get("use") != "home"]
        return out

    def _value(self, hint: Any, model: type[BaseModel], name: str, depth: int) -> Any:
        if (model, name) in _FIELDS:
            return self.chance.choice(_FIELDS[model, name])
        if hint == ItemId:
            return self._id()
        for kind, samples in _SAMPLES:
            if hint == kind:
                return self.chance.choice(samples)
        origin, parts = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            return self._value(parts[0], model, name, depth)
        if origin is Annotated:
            return self._value(parts[0], model, name, depth)
        if origin is Literal:
            return self.chance.choice(parts)
        if origin is list:
            return self._list(parts[0], model, name, depth)
        return self._plain(hint, depth)

    def _list(self, inner: Any, model: type[BaseModel], name: str, depth: int) -> list[Any] | None:
        if inner is Rule and depth > 3:
            return None
        made = [self._value(inner, model, name, depth + 1) for _ in range(self.chance.randint(1, 2))]
        return [value for value in made if value is not None] or None

    def _plain(self, hint: Any, depth: int) -> Any:
        if hint is bool:
            return self.chance.random() < 0.5
        if hint is int:
            return self.chance.randint(1, 9)
        if hint is Ref:
            return self._ref()
        if isinstance(hint, type) and issubclass(hint, Model):
            return self._model(hint, depth + 1) or None
        raise TypeError(f"no sample of {hint}")

    def _id(self) -> str:
        self.count += 1
        return f"{self.chance.getrandbits(64):016x}-{self.count}"

    def _ref(self) -> dict[str, Any]:
        return self.chance.choice(({"display": "somebody"}, {"identifier": {"system": "urn:x", "value": "1"}}))
