"""Whatever a server says, it comes to messages, and no text of it into an exception of ours."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from fhir_mh.connectors.fhir_server.found import Found
from tests.unit.gateway.pair import HOME, person_with_a_plan
from tests.unit.gateway.server import Ward
from tests.validators import shared_validator

STRANGE = [
    None,
    0,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    [{}],
    {"reference": 1},
    {"reference": "Patient/"},
    True,
    "Patient/77",
]


def spoilt(value: Any, chance: random.Random) -> Any:
    """The same with something else in one place of it."""
    out = copy.deepcopy(value)
    here = out
    while True:
        key = chance.choice(list(here) if isinstance(here, dict) else range(len(here)))
        if isinstance(here[key], dict | list) and here[key] and chance.random() < 0.7:
            here = here[key]
            continue
        here[key] = chance.choice(STRANGE)
        return out


def test_anything_can_stand_anywhere(tmp_path_factory: Any) -> None:
    ward = Ward(Path(tmp_path_factory.mktemp("ward")))
    validator = shared_validator()
    ward.reading.check = ward.home.exchange.check = lambda body, **_: validator.validate(body).issues
    ward.save(HOME, person_with_a_plan())
    ward.write_there()
    ward.keep("Goal", "g1", lifecycleStatus="active", description={"text": "x"}, subject={"reference": "Patient/77"})
    for key in list(ward.holds):
        if key[0] not in ("Patient", "Goal"):
            ward.change(*key, language="en")
    whole = list(ward.holds.values())

    @given(seed=st.integers(0, 2**32))
    @example(seed=135)  # a custodian whose identifier is a list
    def read(seed: int) -> None:
        chance = random.Random(seed)
        bodies = [spoilt(body, chance) if chance.random() < 0.4 else body for body in whole]
        patient, *others = bodies
        patient = {**patient, "resourceType": "Patient", "id": "77"}
        others = [
            {**body, "resourceType": was["resourceType"], "id": was["id"]}
            for body, was in zip(others, whole[1:], strict=True)
        ]
        for made in ward.messages(Found(patient, tuple(others))):
            assert made.message.id

    try:
        read()
    finally:
        ward.close()
