"""A gateway as it is served, a ward's FHIR server on loopback, and the ward's system that sends to the gateway."""

from __future__ import annotations

from typing import Any

import httpx

from tests.contract.loopback import gateway_of
from tests.contract.test_fhir_transactions import bundle, entry
from tests.contract.test_pushing import CLIENTS, OWN, WARD
from tests.contract.test_reading_servers import GOAL, NUMBER, PATIENT, PLAN, TOKEN, capability, there, until
from tests.fhir_server import fhir_server


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_plan_that_is_changed_at_the_ward_comes_home_by_being_sent_and_goes_back() -> None:
    with fhir_server(token=TOKEN) as server:
        server.capability = capability  # type: ignore[method-assign]
        server.put(PATIENT)
        connection = {"kind": "fhir-server", "base_url": server.url, "token": TOKEN, "poll": 1}
        partners = [{"ods": "ZOA1", "name": "Ward far away", "connections": [connection]}]
        with (
            gateway_of("ZCT1", partners=partners, clients=CLIENTS) as address,
            httpx.Client(base_url=address, headers=bearer(OWN)) as home,
            httpx.Client(base_url=address, headers=bearer(WARD)) as ward,
        ):
            person = {"nhs_number": NUMBER, "birth_date": "1984-02-03"}
            assert home.post("/records", json={"person": person, **PLAN}).status_code == 201
            plan = until(lambda: there(server))
            changed = {name: value for name, value in plan.items() if name != "meta"} | {"title": "Changed there"}
            sent = bundle(
                *(entry("PUT", f"{one['resourceType']}/{one['id']}", one) for one in (PATIENT, changed, GOAL))
            )

            def send() -> Any:
                answer = ward.post("/fhir", json=sent)
                return answer if answer.status_code == 200 else None

            answer = until(send)
            patient, *told = (one["response"]["status"] for one in answer.json()["entry"])
            assert patient in ("201 Created", "200 OK"), "it may have been found there before"
            assert told == ["200 OK", "201 Created"]
            assert until(send).content == answer.content

            def record() -> Any:
                return home.post("/records/find", json={"nhs_number": NUMBER}).json()["record"]

            assert record()["care_plans"][0]["title"] == "Changed there"
            assert [one["description"]["text"] for one in record()["goals"]] == ["Sleep"]
            until(lambda: True if (there(server) or {}).get("title") == "Changed there" else None)
            server.put(GOAL)  # and what was sent is found there: it is the same
            server.put({**GOAL, "id": "g2", "description": {"text": "Walk"}})
            until(lambda: True if len(record()["goals"]) == 2 else None)
            assert sorted(one["description"]["text"] for one in record()["goals"]) == ["Sleep", "Walk"]
            assert record()["care_plans"][0]["title"] == "Changed there"
            assert [one for one in record().get("tasks") or () if one["kind"] == "conflict"] == []
