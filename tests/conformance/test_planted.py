"""Planted faults, refused by our validator and by HL7's engine. See planted.yaml."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_mh.issues import has_errors
from fhir_mh.validation import Validator
from tests.conformance.hl7 import Engine
from tests.conformance.planting import Fault, faults, planted, whole_person, within

FAULTS = faults()


@pytest.fixture(scope="module")
def bundle() -> dict[str, Any]:
    return whole_person()


def test_there_are_enough_of_them_and_none_twice() -> None:
    assert len(FAULTS) >= 40
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_without_a_fault_our_validator_accepts(bundle: dict[str, Any], validator: Validator) -> None:
    assert validator.validate(json.dumps(bundle)).valid


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_our_validator_refuses(fault: Fault, bundle: dict[str, Any], validator: Validator) -> None:
    changed = planted(bundle, fault)
    found = [entry for entry in validator.validate(json.dumps(changed)).issues if has_errors([entry])]
    places = [within(changed, entry.path) for entry in found]
    assert {resource for resource, _ in places} == {fault.target}
    said = [f"{entry.code} @ {place}" for entry, (_, place) in zip(found, places, strict=True)]
    assert sorted(said) == sorted(fault.ours)


@pytest.mark.java
def test_without_a_fault_hl7s_engine_accepts(bundle: dict[str, Any], engine: Engine) -> None:
    assert [found for found in engine.check(bundle) if found.wrong] == []


@pytest.mark.java
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_hl7s_engine_refuses(fault: Fault, bundle: dict[str, Any], engine: Engine) -> None:
    changed = planted(bundle, fault)
    found = [entry for entry in engine.check(changed) if entry.wrong]
    assert {within(changed, entry.path)[0] for entry in found} == {fault.target}
    assert any(
        entry.id.endswith(fault.theirs) if entry.id else entry.message.startswith(fault.theirs) for entry in found
    )
