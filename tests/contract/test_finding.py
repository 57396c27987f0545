"""Find and pull: a ward asks for the plan of somebody whom nobody placed there. Three gateways, served on loopback."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_mh.cli import exits, main
from fhir_mh.clock import SystemClock
from fhir_mh.consent import find_and_pull
from fhir_mh.errors import Conflict
from fhir_mh.exchange.signing import sign_request
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.gateway import answering
from fhir_mh.issues import issue
from fhir_mh.settings import load
from fhir_mh.store.store import random_id as uuid
from fhir_mh.sync import http
from tests.contract.loopback import gateway_of
from tests.contract.rest_caller import Caller, calling
from tests.databases import sqlite_database

HOME, WARD, OTHER = "ZCT1", "ZOA1", "ZCT2"
NUMBER, UNKNOWN = "9990000018", "9990000026"
CRISIS, NEWER = "5f1f1e0a-2b1c-4c5e-9a41-7d0e3c9b5a03", "5f1f1e0a-2b1c-4c5e-9a41-7d0e3c9b5a04"
PERSON = {
    "nhs_number": NUMBER,
    "names": [{"use": "official", "family": "Adeyemi", "given": ["Ada"]}],
    "birth_date": "1984-02-03",
}
ADMITTED = "2026-11-24T02:10:00Z"
EMERGENCY = {"purpose": "ETREAT", "reason": "Brought in at night, and not able to say what helps."}
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "EVENLY", 0.0)


class Sites:
    """The gateways by ODS code, and what their systems ask of them."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self.urls = urls

    def __call__(self, ods: str, path: str, body: Json | None = None) -> httpx.Response:
        url = self.urls[ods] + path
        return httpx.get(url, timeout=30) if body is None else httpx.post(url, json=body, timeout=30)

    def register(self, ods: str, **more: Any) -> str:
        """The record of the person at a site, with what else it holds."""
        answer = self(ods, "/records", {"person": PERSON, **more})
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def ask(self, ods: str = WARD, **more: Any) -> Json:
        """A ward's asking, and what it comes to."""
        person = {**PERSON, **more.pop("person", {})}
        body: Json = more if "record" in more else {"person": person, "admitted_at": ADMITTED, **more}
        answer = self(ods, "/persons/find", body)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def said(self, **more: Any) -> dict[str, str]:
        """What each partner says to an asking of the ward's."""
        return {one["partner"]: one["said"] for one in self.ask(**more)["answers"]}

    def record(self, ods: str) -> Json | None:
        answer = self(ods, "/records/find", {"nhs_number": NUMBER})
        return answer.json() if answer.is_success else None

    def currency(self, ods: str) -> Json:
        held = self.record(ods)
        assert held is not None
        found: Json = self(ods, f"/records/{held['id']}/currency").json()
        return found

    def placements(self, ods: str) -> list[Json]:
        held = self.record(ods)
        assert held is not None
        found: list[Json] = self(ods, f"/records/{held['id']}/placements").json()["placements"]
        return found

    def tasks(self, ods: str) -> list[str]:
        """What people at a site are asked to look at about askings."""
        held = self.record(ods) or {"record": {}}
        listed = held["record"].get("tasks", [])
        return [task["description"] for task in listed if "asked for their plan" in task["description"]]


def until(holds: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while not (found := holds()):
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)
    return found


@contextmanager
def joined(folder: Path, stores: Mapping[str, str]) -> Iterator[Sites]:
    """The three, each a partner of the two others, with a secret."""
    (folder / "pair").write_text("s" * 40)
    with ExitStack() as running:
        urls = {
            ods: running.enter_context(gateway_of(ods, store=store, secrets=folder)) for ods, store in stores.items()
        }
        sites = Sites(urls)
        for ods, other in permutations(urls, 2):
            way = {"base_url": urls[other], "secret_file": "pair"}
            answer = sites(ods, "/partners", {"ods": other, "name": other, "connections": [way]})
            assert answer.status_code == 201, answer.text
        yield sites


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(
    request: pytest.FixtureRequest, fresh: Callable[[str], AbstractContextManager[str]]
) -> Iterator[dict[str, str]]:
    """Home and ward on each kind of database."""
    with ExitStack() as held:
        kinds = {HOME: request.param, WARD: request.param, OTHER: "sqlite"}
        yield {ods: held.enter_context(fresh(kind)) for ods, kind in kinds.items()}


@pytest.fixture
def sites(stores: dict[str, str], tmp_path: Path) -> Iterator[Sites]:
    with joined(tmp_path, stores) as all_:
        yield all_


def plan(**more: Any) -> Json:
    return {
        "crisis_plans": [{"id": CRISIS, "title": "Crisis plan", "status": "active",
                          "warning_signs": [{"id": "sleep", "sign": {"text": "I stop sleeping"}}]}],
        "care_plans": [{"id": "care", "title": "Care plan", "status": "active"}],
        **more,
    }  # fmt: skip


def of_home(**more: Any) -> Json:
    """What the person decided, in a form that names organisations."""
    return {"organisations": [{"id": "org-ward", "ods": WARD}], **plan(), **more}


def decided(decision: str, **more: Any) -> Json:
    """A sharing preference about the ward."""
    rule = {"decision": decision, "actors": [{"party": {"id": "org-ward"}}], **more}
    return {"id": f"pref-{decision}", "made_at": "2026-01-05", "terms": {"exceptions": [rule]}}


def test_an_emergency_pulls_the_crisis_plan_of_somebody_unknown_here(sites: Sites) -> None:
    sites.register(HOME, **plan())
    assert sites.record(WARD) is None
    found = sites.ask(**EMERGENCY)
    said = {one["partner"]: one for one in found["answers"]}
    assert (said[HOME]["said"], said[OTHER]["said"]) == ("came", "nothing")
    held = sites.record(WARD)
    assert held is not None
    assert held["id"] == found["record"]
    assert held["record"]["crisis_plans"][0]["warning_signs"][0]["sign"]["text"] == "I stop sleeping"
    assert "care_plans" not in held["record"], "an asking opens what the policy names, and no more"
    (task,) = sites.tasks(HOME)
    assert EMERGENCY["reason"] in task
    assert ADMITTED in task
    (copy,) = held["copies"]
    assert (copy["asking"]["id"], copy["edition"]) == (found["asking"], said[HOME]["edition"])
    told = sites.currency(WARD)
    assert told["current_crisis_plan"]["plan"] == CRISIS
    assert [one["asking"]["id"] for one in told["plans"][0]["copies"]] == [found["asking"]]
    (there,) = [copy for one in sites.currency(HOME)["plans"] if one["id"] == CRISIS for copy in one["copies"]]
    assert (there["partner"], there["asking"]["id"], there["newest"]) == (WARD, found["asking"], True)
    # it is kept up to date from now on, and the claim goes home by itself
    sites.register(HOME, crisis_plans=[{"id": CRISIS, "title": "Crisis plan of this week"}])
    until(lambda: (sites.record(WARD) or {})["record"]["crisis_plans"][0]["title"] == "Crisis plan of this week")
    claim = {"step": "claim", "by": "Ward", "reason": "Admitted at night.", "admitted_at": ADMITTED}
    claimed = sites(WARD, f"/records/{held['id']}/placements", claim)
    assert claimed.status_code == 201, claimed.text
    until(lambda: [one for one in sites.placements(HOME) if one["state"] == "claimed"])


def test_asking_again_tells_what_came_and_for_direct_care_alone_nothing_is_opened(sites: Sites) -> None:
    sites.register(HOME, **plan())
    assert sites.said() == {HOME: "nothing", OTHER: "nothing"}
    assert sites.record(WARD) is None, "nothing is left over"
    first = sites.ask(**EMERGENCY)
    again = sites.ask(**EMERGENCY)
    assert [one["said"] for one in again["answers"] if one["partner"] == HOME] == ["came"]
    assert again["asking"] != first["asking"]
    assert again["record"] == first["record"]
    assert len(sites.tasks(HOME)) == 2, "one for what was sent in a day, and one for what was not"


def test_what_the_person_permits_is_sent_by_an_asking_and_what_they_deny_is_not(sites: Sites) -> None:
    sites.register(HOME, **of_home(sharing=[decided("permit", sections=["care-plan"])]))
    assert sites.said()[HOME] == "came"
    held = sites.record(WARD)
    assert held is not None
    assert "care_plans" in held["record"]
    assert "crisis_plans" not in held["record"]


@pytest.mark.parametrize("purposes", [[], ["TREAT"], ["ETREAT"]])
def test_an_objection_holds_in_an_emergency(sites: Sites, purposes: list[str]) -> None:
    named = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": code} for code in purposes]
    sites.register(HOME, **of_home(sharing=[decided("deny", **({"purposes": named} if named else {}))]))
    assert sites.said(**EMERGENCY)[HOME] == "nothing"
    assert sites.record(WARD) is None
    (task,) = sites.tasks(HOME)
    assert "Nothing was sent" in task


WRONG: list[Json] = [
    {"birth_date": "1984-02-04"},
    {"names": [{"family": "Bailey", "given": ["Ben"]}]},
    {"names": [{"family": "A", "given": ["A"]}]},
    {"nhs_number": UNKNOWN},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_whoever_does_not_say_all_three_finds_nobody(sites: Sites, wrong: Json) -> None:
    sites.register(HOME, **plan())
    assert sites.said(person=wrong, **EMERGENCY)[HOME] == "nothing"
    assert sites.tasks(HOME) == [], "it is not shown that this person is meant"
    assert sites.record(WARD) is None


def test_a_partner_that_is_away_is_not_reached_and_the_others_answer(tmp_path: Path) -> None:
    with sqlite_database() as home, sqlite_database() as ward, joined(tmp_path, {HOME: home, WARD: ward}) as sites:
        way = {"base_url": "http://127.0.0.1:9"}
        sites(WARD, "/partners", {"ods": OTHER, "name": OTHER, "connections": [way]})
        sites.register(HOME, **plan())
        found = sites.ask(**EMERGENCY)
        told = {one["partner"]: (one["said"], one["code"]) for one in found["answers"]}
        assert told == {HOME: ("came", None), OTHER: ("not-reached", "sync-unreachable")}


def test_both_trusts_plans_are_pulled_and_it_is_told_which_is_current_and_why(sites: Sites) -> None:
    for ods, held, name, day in ((HOME, CRISIS, "Older", "2026-02-01"), (OTHER, NEWER, "Newer", "2026-09-01")):
        said = {"id": held, "title": name, "status": "active", "created": day}
        sites.register(ods, crisis_plans=[said])
    assert sites.said(**EMERGENCY) == {HOME: "came", OTHER: "came"}
    told = sites.currency(WARD)
    assert {one["custodian"] for one in told["plans"]} == {HOME, OTHER}
    assert (told["current_crisis_plan"]["plan"], told["current_crisis_plan"]["reason"]) == (NEWER, "newest")


def test_only_who_is_named_is_asked(sites: Sites) -> None:
    sites.register(HOME, **plan())
    assert sites.said(partners=[OTHER], **EMERGENCY) == {OTHER: "nothing"}
    assert sites.tasks(HOME) == []
    refused = sites(WARD, "/persons/find", {"person": PERSON, "admitted_at": ADMITTED, "partners": ["ZXX9"]})
    assert code_of(refused) == (422, "sync-unknown-partner", "partners[0]")


def test_of_a_record_its_own_stay_is_the_ground(sites: Sites) -> None:
    sites.register(HOME, **plan())
    record = sites.register(WARD)
    assert code_of(sites(WARD, "/persons/find", {"record": record})) == (409, "placement-no-ground", "record")
    claim = {"step": "claim", "by": "Ward", "reason": "Admitted at night.", "admitted_at": "2026-11-23"}
    assert sites(WARD, f"/records/{record}/placements", claim).status_code == 201
    found = sites.ask(record=record, **EMERGENCY)
    assert found["record"] == record
    assert [one["said"] for one in found["answers"] if one["partner"] == HOME] == ["came"]
    (task,) = sites.tasks(HOME)
    assert "2026-11-23" in task
    vague = sites(WARD, "/records", {"person": {**PERSON, "nhs_number": UNKNOWN, "birth_date": "1984"}}).json()["id"]
    assert code_of(sites(WARD, "/persons/find", {"record": vague})) == (
        422,
        "placement-no-identity",
        "person.birth_date",
    )


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"person": None}, "map-invalid-record", "$"),
        ({"admitted_at": None}, "map-invalid-record", "$"),
        ({"purpose": "ETREAT"}, "map-invalid-record", "$"),
        ({"purpose": "HRESCH"}, "map-invalid-record", "purpose"),
        ({"person": {**PERSON, "nhs_number": "9990000019"}}, "map-invalid-record", "person.nhs_number"),
        ({"person": {**PERSON, "birth_date": "1984"}}, "map-invalid-record", "person.birth_date"),
        ({"person": {**PERSON, "names": []}}, "map-invalid-record", "person.names"),
        ({"why": "x"}, "map-unknown-field", "$"),
        ({"admitted_at": "2126-11-24T02:10:00Z"}, "placement-to-come", "admitted_at"),
        ({"admitted_at": "2126"}, "placement-to-come", "admitted_at"),
    ],
)
def test_what_an_asking_must_say(caller: Caller, change: Json, code: str, path: str) -> None:
    body = {"person": PERSON, "admitted_at": ADMITTED, **change}
    body = {name: value for name, value in body.items() if value is not None}
    assert code_of(caller("POST", "/persons/find", body)) == (422, code, path)


def test_a_name_longer_than_any_that_travels_is_refused_at_its_place(caller: Caller) -> None:
    person = {**PERSON, "names": [{"family": "A" * 201}]}
    answer = caller("POST", "/persons/find", {"person": person, "admitted_at": ADMITTED})
    assert answer.status_code == 422
    first = answer.json()["issue"][0]
    assert (first["details"]["coding"][0]["code"], first["expression"]) == (
        "map-invalid-record", ["person.names[0].family"],
    )  # fmt: skip


def code_of(answer: httpx.Response) -> tuple[int, str, str]:
    (one,) = answer.json()["issue"]
    return answer.status_code, one["details"]["coding"][0]["code"], one["expression"][0]


# --- no oracle


SECRET = "s" * 40


def asked_by(sender: str, call: Caller, sought: Json, name: str = "asking-1") -> tuple[Any, Json]:
    """What is answered to an asking on the wire: the response, and its body."""
    body = dumps({"protocol": 1, "from": sender, "to": "ZCT1", "messages": [], "find": {"id": name, **sought}})
    signed = sign_request(SECRET, sender, "ZCT1", body, SystemClock().now())
    named = {key.lower().replace("-", "_"): value for key, value in signed.items()}
    answer = call("POST", "/sync/v1/messages", body, **named)
    return answer, answer.json()


SOUGHT = {"role": "clinician", "purpose": "ETREAT", "admitted_at": ADMITTED, "reason": "At night.",
          "person": {**PERSON, "names": [{"family": "Adeyemi", "given": ["Ada"]}]}}  # fmt: skip


@pytest.fixture
def home(store_url: str) -> Iterator[Caller]:
    partners = [{"ods": WARD, "name": WARD, "base_url": "http://127.0.0.1:9", "secret": SECRET}]
    with calling(load(store=store_url, ods="ZCT1", name="Community trust", partners=partners)) as found:
        yield found


def test_unknown_denied_and_wrong_date_of_birth_are_answered_byte_for_byte_alike(home: Caller) -> None:
    def answered(**person: Any) -> bytes:
        answer, _ = asked_by(WARD, home, {**SOUGHT, "person": {**SOUGHT["person"], **person}}, uuid())
        assert answer.status_code == 200
        return re.sub(rb'"id":"[^"]*"', b'"id":""', answer.content)

    nobody = answered()
    denied = home("POST", "/records", {"person": PERSON, **of_home(sharing=[decided("deny")])})
    assert denied.status_code == 201
    alike = [answered(), answered(birth_date="1984-02-04"), answered(names=[{"family": "Bailey"}])]
    number = home("POST", "/records", {"person": {**PERSON, "nhs_number": UNKNOWN}}).json()["id"]
    assert number
    alike.append(answered(nhs_number=UNKNOWN))  # known, and nothing is held
    assert set(alike) == {nobody}
    assert b"nothing" in nobody


def test_no_answer_before_its_time(home: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(http, "EVENLY", 0.4)
    monkeypatch.setattr(http.asyncio, "sleep", sleep)
    asked_by(WARD, home, SOUGHT)
    assert slept == [0.4]


def test_a_partner_that_asks_too_often_is_told_so_and_nobody_is_looked_up(home: Caller) -> None:
    home("POST", "/records", {"person": PERSON, **plan()})
    wrong = {**SOUGHT, "person": {**SOUGHT["person"], "birth_date": "1984-02-04"}}
    for number in range(find_and_pull().per_hour):
        assert asked_by(WARD, home, wrong, f"asking-{number}")[1]["find"]["status"] == "nothing"
    assert asked_by(WARD, home, SOUGHT, "one-more")[1]["find"] == {"id": "one-more", "status": "too-many"}
    assert asked_by(WARD, home, wrong, "asking-0")[1]["find"]["status"] == "nothing", (
        "a repetition is answered as it was"
    )
    audited = home.gateway.store.read_now(lambda tx: tx.audit.find())
    said = [loads(row.text)["subtype"][0]["code"] for _, row in audited]
    assert Counter(said) == {"answered-nothing": find_and_pull().per_hour, "answered-too-many": 1}


def test_the_same_asking_again_is_answered_as_it_was_and_does_nothing_more(home: Caller) -> None:
    home("POST", "/records", {"person": PERSON, **plan()})
    store = home.gateway.store
    first, _ = asked_by(WARD, home, SOUGHT)
    queued = store.read_now(lambda tx: tx.outbox.find(partner=WARD))
    assert [one.kind for one in queued if one.state == "pending"] == ["snapshot"]
    again, _ = asked_by(WARD, home, SOUGHT)
    assert first.content == again.content
    assert store.read_now(lambda tx: tx.outbox.find(partner=WARD)) == queued
    assert len(home.gateway.store.read_now(lambda tx: tx.audit.find())) == 1


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        ({"person": {"nhs_number": NUMBER}}, "$.find.person.birth_date"),
        ({"purpose": "treat me"}, "$.find.purpose"),
        ({"admitted_at": "at night"}, "$.find.admitted_at"),
    ],
)
def test_an_asking_that_does_not_fit_the_protocol_is_refused_whole(home: Caller, broken: Json, path: str) -> None:
    answer, body = asked_by(WARD, home, {**SOUGHT, **broken})
    assert answer.status_code == 400
    assert (body["issues"][0]["code"], body["issues"][0]["path"]) == ("sync-envelope", path)
    assert NUMBER not in answer.text


def test_what_fails_here_is_answered_as_nothing(home: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    home("POST", "/records", {"person": PERSON, **plan()})

    def broken(*_: Any, **__: Any) -> None:
        raise Conflict(issues=[issue("placement-ended", "$")])

    monkeypatch.setattr(answering, "raise_task", broken)
    assert asked_by(WARD, home, SOUGHT)[1]["find"]["status"] == "nothing"
    store = home.gateway.store
    assert store.read_now(lambda tx: tx.outbox.find(partner=WARD)) == [], "nothing of it was done"
    assert len(store.read_now(lambda tx: tx.audit.find())) == 1


# --- the command


def test_the_command_says_what_each_partner_says(
    sites: Sites, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sites.register(HOME, **plan())
    file = tmp_path / "asking.json"
    file.write_bytes(dumps({"person": PERSON, "admitted_at": ADMITTED, **EMERGENCY}))
    assert main(["find", str(file), "--gateway", sites.urls[WARD]]) == exits.DONE
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == ["asking", "answer", "answer"]
    assert {line[1]: line[2] for line in lines[1:]} == {HOME: "came", OTHER: "nothing"}
    sites(WARD, "/partners", {"ods": "ZXX1", "name": "Away", "connections": [{"base_url": "http://127.0.0.1:9"}]})
    assert main(["find", str(file), "--json", "--gateway", sites.urls[WARD]]) == exits.NOT_HELD
    assert NUMBER not in capsys.readouterr().out
