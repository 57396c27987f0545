"""A plan is written to a FHIR server that others wrote, and what lies there is never written over unseen."""

from __future__ import annotations

import copy
import re
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.exchange.messages import Message
from fhir_mh.fhir.json import dumps
from tests.fhir_server import Fault, Json
from tests.unit.connectors.sender import HOME, ITEM, NUMBER, WARD, Sender, people, sending, snapshot

PLAN = ("CarePlan", "care-plan")
NHS = "https://fhir.nhs.uk/Id/nhs-number"
AS_MET: list[dict[str, Any]] = [
    {},
    {"if_match": False},
    {"conflict": 409},
    {"uuids": True},
    {"drops": frozenset({"extension", "contained"})},
    {"adds": {"language": "en", "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'/>"}}},
    {"versions_equal": False},
    {"ahead": timedelta(minutes=-7)},
    {"ahead": timedelta(minutes=7)},
    {"history": False},
    {"conditional": False},
    {"representation": False},
    {"links": False, "total": False},
]


@pytest.fixture(params=AS_MET, ids=lambda met: "-".join(met) or "none")
def sender(request: pytest.FixtureRequest) -> Any:
    with sending(**request.param) as found:
        yield found


def there(sender: Sender, kind: str = "CarePlan", name: str = "care-plan") -> Json:
    return sender.server.item(kind, name)


def edited(sender: Sender, **said: Any) -> Json:
    """Somebody on the ward writes into the copy of the care plan."""
    return sender.server.put({**there(sender), **said})


def count(sender: Sender) -> int:
    return len(sender.server.versions)


# --- writing


def test_a_plan_is_written_in_one_transaction_and_refers_to_itself(sender: Sender) -> None:
    assert sender.told() == ("stored", "")
    for body in sender.bodies:
        assert sender.is_noted(body["resourceType"], body["id"])
    plan, patient = there(sender), there(sender, "Patient", "parent-placed-far-away")
    assert plan["subject"]["reference"] == f"Patient/{patient['id']}"
    named = re.findall(
        r'"reference":"([^"]+)"', dumps([one for k in ("CarePlan", "Goal") for one in sender.server.all(k)]).decode()
    )
    local = [name for name in named if not name.startswith("https://")]
    assert local and all(sender.server.held(*name.split("/")) for name in local)
    assert len(sender.server.transactions) == (1 if sender.server.defects.conditional else 2)
    assert not [asked for asked in sender.server.asked if NUMBER in asked]


def test_what_did_not_change_is_not_written_again(sender: Sender) -> None:
    assert sender.told() == ("stored", "")
    before = count(sender)
    assert sender.told() == ("stored", "")
    assert count(sender) == before
    sender.body(*PLAN)["title"] = "The plan, as it is today"
    assert sender.told() == ("stored", "")
    assert (count(sender), there(sender)["title"]) == (before + 1, "The plan, as it is today")
    assert sender.taken_in == []
    assert len(sender.server.transactions[-1]["entry"]) == 1


def test_what_is_new_in_a_plan_refers_to_what_lies_there(sender: Sender) -> None:
    assert sender.told() == ("stored", "")
    goal = {**sender.body("Goal", "goal-work"), "id": "goal-new", "identifier": [{"system": ITEM, "value": "goal-new"}]}
    sender.bodies.append(goal)
    sender.body(*PLAN)["goal"].append({"reference": "Goal/goal-new"})
    assert sender.told() == ("stored", "")
    new = there(sender, "Goal", "goal-new")
    assert there(sender)["goal"][-1] == {"reference": f"Goal/{new['id']}"}
    assert new["subject"]["reference"] == there(sender)["subject"]["reference"]


def test_what_is_not_sent_with_it_is_referred_to_by_its_identifier() -> None:
    with sending() as sender:
        sender.bodies = [one for one in sender.bodies if one["id"] != "goal-work"]
        assert sender.told() == ("stored", "")
        identifier = {"system": ITEM, "value": "goal-work"}
        assert {"type": "Goal", "identifier": identifier} in there(sender)["goal"]


# --- what was changed there


def test_a_change_there_is_taken_in_before_it_is_written_over(sender: Sender) -> None:
    assert sender.told() == ("stored", "")
    edited(sender, title="What the ward wrote")
    sender.body(*PLAN)["title"] = "What the home team wrote"
    assert sender.told() == ("later", "server-changed")
    assert there(sender)["title"] == "What the ward wrote"
    assert [one["title"] for found in sender.taken_in for one in found.resources] == ["What the ward wrote"]
    assert sender.taken_in[0].patient["id"] == there(sender, "Patient", "parent-placed-far-away")["id"]
    assert sender.told() == ("stored", "")
    assert (there(sender)["title"], len(sender.taken_in)) == ("What the home team wrote", 1)


def test_until_it_was_taken_in_nothing_of_the_plan_is_written(sender: Sender) -> None:
    assert sender.told() == ("stored", "")
    edited(sender, title="What the ward wrote")
    sender.body("Goal", "goal-work")["description"] = {"text": "Something else"}
    sender.takes = False
    before = count(sender)
    assert [sender.told(), sender.told()] == [("later", "server-changed")] * 2
    assert count(sender) == before
    assert there(sender)["title"] == "What the ward wrote"


def test_a_change_that_we_would_not_write_over_is_taken_in_as_well(sender: Sender) -> None:
    assert sender.told() == ("stored", "")
    edited(sender, title="What the ward wrote")
    assert sender.told() == ("later", "server-changed")
    assert len(sender.taken_in) == 1


def test_each_version_since_is_taken_in_the_oldest_first() -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        for title in ("first", "second", "third"):
            edited(sender, title=title)
        assert sender.told() == ("later", "server-changed")
        titles = [one["title"] for found in sender.taken_in for one in found.resources]
    assert titles == ["first", "second", "third"]


def test_a_new_version_that_says_the_same_is_no_change() -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        sender.server.put(there(sender))
        sender.body(*PLAN)["title"] = "What the home team wrote"
        assert sender.told() == ("stored", "")
        assert (there(sender)["title"], sender.taken_in) == ("What the home team wrote", [])


@pytest.mark.parametrize("conflict", [409, 412])
def test_what_changes_between_reading_and_writing_stops_the_writing(conflict: int) -> None:
    with sending(conflict=conflict) as sender:
        assert sender.told() == ("stored", "")
        sender.server.between.append(lambda: edited(sender, title="What the ward wrote"))
        sender.body(*PLAN)["title"] = "What the home team wrote"
        assert sender.told() == ("later", "server-changed")
        assert there(sender)["title"] == "What the ward wrote"
        assert sender.told() == ("later", "server-changed")
        assert len(sender.taken_in) == 1
        assert sender.told() == ("stored", "")


@pytest.mark.parametrize("more", [{}, {"uuids": True}, {"ahead": timedelta(minutes=-7)}, {"representation": False}])
def test_what_a_server_lets_be_written_over_is_found_in_its_history(more: dict[str, Any]) -> None:
    with sending(if_match=False, **more) as sender:
        assert sender.told() == ("stored", "")
        sender.server.between.append(lambda: edited(sender, title="What the ward wrote"))
        sender.body(*PLAN)["title"] = "What the home team wrote"
        assert sender.told() == ("stored", "")
        assert [one["title"] for found in sender.taken_in for one in found.resources] == ["What the ward wrote"]
        assert sender.told() == ("stored", "")
        assert len(sender.taken_in) == 1


def test_what_was_written_over_and_not_taken_in_is_not_forgotten() -> None:
    with sending(if_match=False) as sender:
        assert sender.told() == ("stored", "")
        sender.server.between.append(lambda: edited(sender, title="What the ward wrote"))
        sender.body(*PLAN)["title"] = "What the home team wrote"
        sender.takes = False
        assert sender.told() == ("later", "server-changed")
        sender.takes, sender.taken_in = True, []
        sender.told()
        assert "What the ward wrote" in [one["title"] for found in sender.taken_in for one in found.resources]
        assert sender.told() == ("stored", "")


def test_what_may_not_be_sent_any_more_is_not_written(sender: Sender) -> None:
    sender.goes = False
    assert sender.told() == ("later", "consent-denied")
    assert sender.server.transactions == []
    sender.goes = True
    assert sender.told() == ("stored", "")


def test_what_comes_to_lie_there_meanwhile_is_not_written_over() -> None:
    with sending() as sender:
        plan = {**people()[0], "resourceType": "Goal", "id": "5", "description": {"text": "What the ward wrote"}}
        plan["identifier"] = [{"system": ITEM, "value": "goal-work"}]
        sender.server.between.append(lambda: sender.server.put(plan))
        assert sender.told() == ("later", "server-changed")
        assert there(sender, "Goal", "goal-work")["description"]["text"] == "What the ward wrote"


def test_what_is_deleted_there_is_told_and_written_anew(sender: Sender) -> None:
    assert sender.told() == ("stored", "")
    before = there(sender)["id"]
    sender.server.delete("CarePlan", before)
    assert sender.told() == ("stored", "")
    assert sender.gone == [("CarePlan", before)]
    assert there(sender)["id"] != before
    assert sender.is_noted(*PLAN)


@pytest.mark.parametrize("status", [404, 405, 410])
def test_what_is_deleted_between_reading_and_writing_is_told_and_written_anew(status: int) -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        before = there(sender)["id"]

        def deleted() -> None:
            sender.server.delete("CarePlan", before)
            raise Fault(status)

        sender.server.between.append(deleted)
        sender.body(*PLAN)["title"] = "What the home team wrote"
        assert sender.told() == ("later", "server-changed")
        assert sender.told() == ("stored", "")
        assert sender.gone == [("CarePlan", before)]
        assert there(sender)["title"] == "What the home team wrote"


def test_of_what_is_written_beside_what_was_deleted_meanwhile_it_is_known_that_it_was() -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        before, real = there(sender)["id"], sender.server._entry

        def each(entry: Json, whole: bool) -> Json:
            if entry["request"]["url"] == f"CarePlan/{before}":
                sender.server.delete("CarePlan", before)
                return {"response": {"status": "410 Gone"}}
            return real(entry, whole)

        sender.server._entry = each  # type: ignore[method-assign]
        sender.body(*PLAN)["title"] = "What the home team wrote"
        sender.body("Goal", "goal-work")["description"] = {"text": "A job in a garden"}
        assert sender.told() == ("later", "server-changed")
        assert there(sender, "Goal", "goal-work")["description"] == {"text": "A job in a garden"}
        assert sender.is_noted("Goal", "goal-work")


@pytest.mark.parametrize("status", [404, 405, 410])
def test_an_update_that_is_refused_of_what_lies_there_is_a_refusal(status: int) -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")

        def refused() -> None:
            raise Fault(status)

        sender.server.between += [refused, refused]
        sender.body(*PLAN)["title"] = "What the home team wrote"
        assert sender.told() == ("refused", "server-refused")


# --- the answer is lost


@pytest.mark.parametrize("status", [409, 412])
def test_what_a_request_that_came_twice_is_said_to_have_changed_may_be_what_it_wrote(status: int) -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        real = sender.server._bundle

        def twice(bundle: Json) -> Json:
            real(bundle)
            sender.server._bundle = real  # type: ignore[method-assign]
            raise Fault(status)

        sender.server._bundle = twice  # type: ignore[method-assign]
        sender.body(*PLAN)["title"] = "What the home team wrote"
        assert sender.told() == ("later", "server-changed")
        assert sender.unanswered(*PLAN) == {2}


def test_where_the_answer_was_lost_nothing_is_made_twice(sender: Sender) -> None:
    real = sender.server._bundle

    def lost(bundle: Json) -> Json:
        real(bundle)
        sender.server._bundle = real  # type: ignore[method-assign]
        raise Fault(502)

    sender.server._bundle = lost  # type: ignore[method-assign]
    told = [sender.told()]
    assert sender.unanswered(*PLAN) == ({1} if told[0][0] == "" else set())
    told += [sender.told() for _ in range(3)]
    assert told[0] == ("", "sync-unexpected-answer") or not sender.server.defects.conditional
    assert sender.unanswered(*PLAN) == set()
    assert told[-1] == ("stored", "")
    for body in sender.bodies:
        assert there(sender, body["resourceType"], body["id"])
        assert sender.is_noted(body["resourceType"], body["id"])
    before = count(sender)
    assert sender.told() == ("stored", "")
    assert count(sender) == before


# --- whose it is


def patient(sender: Sender, **said: Any) -> Json:
    ours = sender.body("Patient", "parent-placed-far-away")
    held = {"resourceType": "Patient", "identifier": [{"system": NHS, "value": NUMBER}], "name": ours["name"]}
    return sender.server.put({**held, **said})


def test_the_server_s_own_patient_is_referred_to_and_never_written(sender: Sender) -> None:
    own = patient(sender, birthDate=sender.body("Patient", "parent-placed-far-away").get("birthDate"))
    for _ in range(2):
        assert sender.told() == ("stored", "")
        sender.body("Patient", "parent-placed-far-away")["language"] = "cy"
    assert sender.server.all("Patient") == [sender.server.held("Patient", own["id"])]
    assert [one.name for one in sender.server.versions if one.kind == "Patient"] == [own["id"]]
    assert there(sender)["subject"]["reference"] == f"Patient/{own['id']}"


def test_an_answer_with_a_body_that_tells_no_version_is_of_our_own_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    with sending() as sender:
        whole = sender.server._bundle

        def unversioned(bundle: Json) -> Json:
            answered = copy.deepcopy(whole(bundle))
            for entry in answered["entry"] if bundle["type"] == "transaction" else ():
                for name in ("versionId", "lastUpdated"):
                    entry["resource"]["meta"].pop(name)
            return answered

        monkeypatch.setattr(sender.server, "_bundle", unversioned)
        assert sender.told() == ("stored", "")
        assert sender.taken_in == []
        noted = sender.noted("CarePlan", "care-plan")
        assert noted is not None
        assert (noted.sent is not None, noted.remote_version) == (True, "1")


def test_a_patient_that_we_made_is_kept_up_until_somebody_there_changes_it() -> None:
    with sending() as sender:
        ours = sender.body("Patient", "parent-placed-far-away")
        assert sender.told() == ("stored", "")
        ours["language"] = "cy"
        assert sender.told() == ("stored", "")
        (held,) = sender.server.all("Patient")
        assert held["language"] == "cy"
        sender.server.put({**held, "gender": "unknown"})
        assert sender.told() == ("later", "server-changed")
        assert [found.resources[0]["gender"] for found in sender.taken_in] == ["unknown"]
        ours["language"] = "en"
        assert sender.told() == ("stored", "")
        assert sender.server.all("Patient")[0]["language"] == "cy"


@pytest.mark.parametrize("said", [{"birthDate": "1901-01-01"}, {}])
def test_nothing_is_sent_where_it_may_be_somebody_else(said: Json) -> None:
    with sending() as sender:
        patient(sender, **said)
        if not said:
            patient(sender)
        assert sender.told() == ("refused", "sync-identity")
        assert (sender.server.transactions, sender.taken_in) == ([], [])


@pytest.mark.parametrize("said", [{"active": False}, {"link": [{"type": "replaced-by", "other": {"display": "x"}}]}])
def test_a_patient_that_is_not_in_use_is_passed_over(said: Json) -> None:
    with sending() as sender:
        patient(sender, **said)
        own = patient(sender)
        assert sender.told() == ("stored", "")
        assert there(sender)["subject"]["reference"] == f"Patient/{own['id']}"


@pytest.mark.parametrize("both", [True, False])
def test_of_two_patients_of_ours_one_person_is_made(both: bool) -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        first = sender.body("Patient", "parent-placed-far-away")
        sender.bodies.insert(0, {**first, "id": "second"})
        if not both:
            sender.bodies.remove(first)
        assert sender.told() == ("stored", "")
        assert len(sender.server.all("Patient")) == 1
        assert sender.told() == ("stored", "")
        assert (sender.noted("Patient", "parent-placed-far-away") is not None) is both


def test_two_items_of_ours_that_somebody_there_has_made_one_are_left_alone() -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        work, children = there(sender, "Goal", "goal-work"), there(sender, "Goal", "goal-children")
        sender.server.delete("Goal", children["id"])
        sender.server.put({**work, "identifier": [*work["identifier"], *children["identifier"]]})
        before = count(sender)
        assert sender.told() == ("refused", "server-twice")
        assert count(sender) == before


def test_a_server_that_answers_a_search_with_somebody_else_is_not_believed() -> None:
    with sending() as sender:
        other = sender.server.put({"resourceType": "Patient", "identifier": [{"system": NHS, "value": "9990000018"}]})
        real = sender.server._search
        sender.server._search = lambda kind, query: real(kind, [])  # type: ignore[method-assign]
        assert sender.told() == ("stored", "")
        assert there(sender)["subject"]["reference"] != f"Patient/{other['id']}"


def test_a_copy_that_is_about_another_patient_there_is_left_alone() -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        edited(sender, subject={"reference": "Patient/another"})
        before = count(sender)
        sender.body(*PLAN)["title"] = "What the home team wrote"
        assert sender.told() == ("refused", "sync-identity")
        assert (count(sender), sender.taken_in) == (before, [])


def test_two_that_say_they_are_one_item_are_both_left_alone() -> None:
    with sending() as sender:
        for _ in range(2):
            sender.server.put({"resourceType": "Goal", "identifier": [{"system": ITEM, "value": "goal-work"}]})
        assert sender.told() == ("refused", "server-twice")
        assert sender.server.transactions == []


@pytest.mark.parametrize("conditional", [True, False])
def test_two_plans_at_once_make_what_both_refer_to_once(conditional: bool) -> None:
    with sending(conditional=conditional) as sender:
        other = [one for one in sender.bodies if one["resourceType"] in ("Patient", "Organization")]
        theirs = [{**one, "id": "somebody", "identifier": [{"system": NHS, "value": "9990000018"}]}
                  if one["resourceType"] == "Patient" else one for one in other]  # fmt: skip
        second = snapshot(theirs, name="m-2")
        second = Message(second.id, second.verb, "9990000018", HOME, 1, second.content)
        for receipts in sender.send_at_once(snapshot(sender.bodies), second):
            assert [one.status for one in receipts] == ["stored"]
        assert len(sender.server.all("Organization")) == len([o for o in other if o["resourceType"] == "Organization"])
        assert len(sender.server.all("Patient")) == 2


def test_where_two_workers_have_made_an_organisation_twice_the_first_is_taken() -> None:
    with sending() as sender:
        ours = sender.body("Organization", "community-trust")
        for name in ("b", "a"):
            sender.server.put({**ours, "id": name})
        assert sender.told() == ("stored", "")
        copied = sender.noted("Organization", "community-trust")
        assert copied is not None
        assert copied.remote_id == "a"


# --- what it is told besides


def notice(**said: Any) -> Message:
    return Message("n-1", "notice", NUMBER, HOME, 1, said)


def test_that_sharing_has_ended_is_said_once_and_without_content(sender: Sender) -> None:
    assert sender.told() == ("stored", "")
    for _ in range(2):
        (receipt,) = sender.send(notice(notice="sharing-ended", reason="Somebody has withdrawn consent."))
        assert (receipt.status, receipt.edition) == ("stored", 1)
    (said,) = [one for one in sender.server.all("Communication") if one["identifier"][0]["value"] == "n-1"]
    assert said["subject"] == {"reference": there(sender)["subject"]["reference"]}
    assert (said["status"], said["sender"]["identifier"]["value"]) == ("completed", HOME)
    assert "withdrawn" not in dumps(said).decode()
    assert sender.is_noted("Communication", "n-1"), "it is known as our own when the server is read"


def test_nobody_is_told_where_nobody_has_a_copy() -> None:
    with sending() as sender:
        (receipt,) = sender.send(notice(notice="sharing-ended"))
        assert (receipt.status, sender.server.versions) == ("stored", [])


@pytest.mark.parametrize("known", [True, False])
def test_what_was_about_the_wrong_person_is_deleted_there(known: bool, sender: Sender) -> None:
    assert sender.told() == ("stored", "")
    items = ["CarePlan/care-plan", "Goal/goal-work", "Provenance/agreed-person", "Goal/never-sent"]
    if not known:
        for item in items:
            kind, _, name = item.partition("/")
            sender.store.write_now(lambda tx, k=kind, n=name: tx.server_copies.forget(WARD, k, n))  # type: ignore[misc]
    for _ in range(2):
        (receipt,) = sender.send(notice(notice="entered-in-error", items=items))
        assert receipt.status == "stored"
    left = [one["id"] for kind in ("CarePlan", "Goal", "Provenance") for one in sender.server.all(kind)]
    assert len(left) == 3
    assert sender.noted(*PLAN) is None
    assert sender.noted("Goal", "goal-children") is not None


@pytest.mark.parametrize("noted", [True, False])
def test_what_lies_there_twice_is_deleted_twice_however_often_the_server_goes_away(noted: bool) -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        first = sender.server.item("Goal", "goal-work")
        if not noted:
            sender.store.write_now(lambda tx: tx.server_copies.forget(WARD, "Goal", "goal-work"))
        sender.server.put({**{name: value for name, value in first.items() if name != "meta"}, "id": "9999"})
        real, left = sender.server._do, 3

        def leaving(method: str, path: str, query: Any, body: bytes) -> Any:
            nonlocal left
            left -= method == "DELETE"
            if method == "DELETE" and left in (2, 0):
                raise Fault(503)
            return real(method, path, query, body)

        sender.server._do = leaving  # type: ignore[method-assign]
        said = notice(notice="entered-in-error", items=["Goal/goal-work"])
        for _ in range(2):
            with pytest.raises(UpstreamUnavailable):
                sender.send(said)
        (receipt,) = sender.send(said)
        assert receipt.status == "stored"
        assert [one["id"] for one in sender.server.all("Goal") if "goal-work" in str(one["identifier"])] == []
        assert sender.noted("Goal", "goal-work") is None


def test_what_refers_to_it_is_deleted_first_and_what_cannot_be_is_told() -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        real = sender.server._do

        def minding(method: str, path: str, query: Any, body: bytes) -> Any:
            if method == "DELETE" and f'"{path.strip("/")}"' in dumps(sender.server.all("CarePlan")).decode():
                raise Fault(409)
            return real(method, path, query, body)

        sender.server._do = minding  # type: ignore[method-assign]
        (receipt,) = sender.send(notice(notice="entered-in-error", items=["Goal/goal-work"]))
        assert (receipt.status, receipt.code) == ("refused", "server-refused")
        items = ["Goal/goal-work", "CarePlan/care-plan", "CarePlan/crisis-plan"]
        (receipt,) = sender.send(notice(notice="entered-in-error", items=items))
        assert receipt.status == "stored"
        assert sender.server.all("CarePlan") == []


@pytest.mark.parametrize("verb", ["proposal", "marked"])
def test_it_takes_no_proposals_and_no_marks(verb: Any) -> None:
    with sending() as sender:
        (receipt,) = sender.send(Message("p-1", verb, NUMBER, WARD, 1, {}))
        assert (receipt.status, receipt.code, sender.server.asked) == ("refused", "server-takes-none", [])


# --- what it answers


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ("refused", "server-refused")),
        (422, ("refused", "server-refused")),
        (413, ("refused", "sync-too-large")),
        (401, ("", "server-token")),
        (408, ("", "sync-unexpected-answer")),
        (425, ("", "sync-unexpected-answer")),
        (429, ("", "sync-unexpected-answer")),
        (500, ("", "sync-unexpected-answer")),
        (409, ("later", "server-changed")),
        (412, ("later", "server-changed")),
    ],
)
def test_a_refusal_is_told_from_a_bad_moment_and_in_our_own_words(status: int, expected: tuple[str, str]) -> None:
    with sending() as sender:

        def refuse(_: Json) -> Json:
            raise Fault(status)

        sender.server._bundle = refuse  # type: ignore[method-assign]
        assert sender.told() == expected
        assert sender.noted(*PLAN) is None
        nothing_came_of_it = expected[0] == "refused" or status == 401
        assert sender.unanswered(*PLAN) == (set() if nothing_came_of_it else {1})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("422 Unprocessable", ("refused", "server-refused")),
        ("408 Request Timeout", ("", "sync-unexpected-answer")),
        ("425 Too Early", ("", "sync-unexpected-answer")),
        ("429 Too Many Requests", ("", "sync-unexpected-answer")),
        ("503 Service Unavailable", ("", "sync-unexpected-answer")),
        ("403 Forbidden", ("", "server-token")),
        ("412 Precondition Failed", ("later", "server-changed")),
    ],
)
def test_an_entry_that_failed_alone_is_told_and_the_rest_is_known(status: str, expected: tuple[str, str]) -> None:
    with sending() as sender:
        real = sender.server._entry

        def each(entry: Json, whole: bool) -> Json:
            if entry["request"]["url"] == "Consent":
                return {"response": {"status": status}}
            return real(entry, whole)

        sender.server._entry = each  # type: ignore[method-assign]
        assert sender.told() == expected
        assert sender.is_noted(*PLAN)
        assert sender.noted("Consent", "sharing") is None
        is_answered = expected[0] == "refused" or expected[1] == "server-token"
        assert sender.unanswered("Consent", "sharing") == (set() if is_answered else {1})


def test_one_message_that_cannot_be_told_apart_does_not_keep_up_the_others() -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        real = sender.server._search

        def strange(kind: str, query: list[tuple[str, str]]) -> Json:
            if kind != "Patient":
                return real(kind, query)
            page = {"relation": "next", "url": "https://elsewhere.example/"}
            return {"resourceType": "Bundle", "link": [page]}

        sender.server._search = strange  # type: ignore[method-assign]
        receipts = sender.send(snapshot(sender.bodies, 2), notice(notice="entered-in-error", items=["Goal/goal-work"]))
        assert [(one.status, one.code) for one in receipts] == [("later", "server-pages"), ("stored", "sync-refused")]


def test_what_was_done_before_the_server_went_away_counts() -> None:
    with sending() as sender:
        assert sender.told() == ("stored", "")
        first = notice(notice="entered-in-error", items=["Goal/goal-work"])
        real = sender.server._do

        def leaving(method: str, path: str, query: Any, body: bytes) -> Any:
            answer = real(method, path, query, body)
            if path.endswith("_history"):  # what lay there by the time it was deleted
                sender.server.defects.down = 503
            return answer

        sender.server._do = leaving  # type: ignore[method-assign]
        receipts = sender.send(first, snapshot(sender.bodies, 2))
        assert [one.id for one in receipts] == ["n-1"]
        assert sender.told() == ("", "sync-unexpected-answer")
