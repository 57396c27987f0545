"""The law over HTTP: a record says what a law finds missing once it is in force and turned on, and nothing before."""

from __future__ import annotations

import pytest

from fhir_mh.api import build_gateway
from fhir_mh.consent import laws
from fhir_mh.errors import ConfigurationError
from fhir_mh.gateway import gateway as use_cases
from fhir_mh.settings import load
from tests.contract.rest_caller import NUMBER, calling
from tests.databases import sqlite_database

NAME = "mha-2025-s21"
DETAINED = {
    "person": {"nhs_number": NUMBER, "names": [{"family": "Is-Detained"}], "birth_date": "1984-02-03"},
    "legal_statuses": [{"kind": "detained", "section": "3", "period": {"start": "2020-01-01"}}],
}


@pytest.mark.parametrize("in_force", [None, "2020-01-01"])
@pytest.mark.parametrize("named", [(), (NAME,)])
def test_a_law_counts_once_it_is_in_force_and_turned_on(
    in_force: str | None, named: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    commenced = [law.model_copy(update={"in_force_from": in_force}) for law in laws()]
    monkeypatch.setattr(use_cases, "laws", lambda: commenced)
    with sqlite_database() as address, calling(load(store=address, ods="ZCT1", policies=named)) as caller:
        name = caller("POST", "/records", DETAINED).json()["id"]
        asked = caller("GET", f"/records/{name}").json()["asked_by_law"]
    codes = [one["code"] for one in asked]
    assert codes == (["law-care-and-treatment-plan"] if in_force and named else [])


def test_a_policy_that_nobody_knows_is_a_fault_of_the_settings() -> None:
    with sqlite_database() as address, pytest.raises(ConfigurationError) as refused:
        build_gateway(load(store=address, policies=(NAME, "mha-2026-s1")))
    assert [(one.code, one.path) for one in refused.value.issues] == [("config-invalid", "policies[1]")]
