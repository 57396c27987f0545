"""The safety concern: a Task that leads to nobody, and that no record holds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mh import from_bundle
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import load_object
from fhir_mh.profiles.concerns import concern_of, task_of
from fhir_mh.records.concerns import SafetyConcern
from fhir_mh.validation import Validator
from tests.unit.profiles_package.generated import Generator
from tests.unit.profiles_package.test_agreement import ROOT, Change, concern, errors, walk, without


def test_a_concern_is_valid_and_comes_back(validator: Validator) -> None:
    task = concern()
    assert errors(validator.validate(task)) == []
    example = load_object((ROOT / "examples/concerns/safety-concern.json").read_bytes())
    found = concern_of(task)
    assert found == SafetyConcern.model_validate(example)
    assert not [held for held in walk(found.model_dump()) if held.get("unknown")]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_a_concern_says_it_is_valid_fhir_and_comes_back(seed: int, validator: Validator) -> None:
    made = Generator(random.Random(seed))._model(SafetyConcern)
    item = SafetyConcern.model_validate({**made, "about": "ZOA1", "owner": "ZIC1"})
    task = task_of(item)
    assert errors(validator.validate(task)) == []
    assert concern_of(task) == item


APART: dict[str, Change] = {
    "for the person": lambda r: r.update({"for": {"reference": "Patient/a"}}),
    "for somebody by a number": lambda r: r.update({"for": {"identifier": {"system": "urn:x", "value": "1"}}}),
    "about a resource": lambda r: r["focus"].update(reference="Organization/a"),
    "about a person": lambda r: r.update(focus={"reference": "Patient/a"}),
    "for itself to look into": lambda r: r["owner"]["identifier"].update(value="ZOA1"),
    "with what it is about enclosed": lambda r: r.update(input=[{"type": {"text": "plan"}, "valueString": "x"}]),
    "based on a plan": lambda r: r.update(basedOn=[{"reference": "CarePlan/a"}]),
    "asked for by a patient": lambda r: r.update(requester={"reference": "Patient/a"}),
    "in a stay": lambda r: r.update(encounter={"reference": "Encounter/a"}),
    "part of another task": lambda r: r.update(partOf=[{"reference": "Task/a"}]),
    "nobody owns it": lambda r: r.pop("owner"),
    "raised by nobody at all": lambda r: without(r, "raised-by"),
}


@pytest.mark.parametrize("name", APART)
def test_a_concern_leads_to_nobody(name: str, validator: Validator) -> None:
    task = concern()
    APART[name](task)
    assert errors(validator.validate(task))


def test_an_unanswered_concern_warns(validator: Validator) -> None:
    task = concern()
    task.pop("output")
    task.pop("restriction")
    report = validator.validate(task)
    assert errors(report) == []
    for key in ("mh-concern-due", "mh-concern-answered"):
        assert any(key in str(found) for found in report.issues)


HIDING: dict[str, Change] = {
    "by its code": lambda r: r.pop("meta"),
    "by its profile": lambda r: r.pop("code"),
}


@pytest.mark.parametrize("name", HIDING)
@pytest.mark.parametrize("contained", [False, True])
def test_a_bundle_with_a_concern_is_no_record(name: str, contained: bool) -> None:
    task = concern()
    HIDING[name](task)
    if contained:
        task = {"resourceType": "Basic", "code": {"text": "x"}, "contained": [task]}
    person = {"resourceType": "Patient", "birthDate": "1984-02-03"}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": person}, {"resource": task}]}
    with pytest.raises(InvalidResource) as refused:
        from_bundle(bundle)
    (found,) = refused.value.issues
    assert (found.code, found.path) == ("concern-not-a-record", "Bundle.entry[1].resource")
