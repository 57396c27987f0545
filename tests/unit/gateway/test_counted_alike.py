"""Two organisations may count their items alike: each item is shown, decided by and written as its keeper's own."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.fhir.json import loads
from fhir_mh.fhir.urls import CODE_SYSTEM, ITEM_ID
from fhir_mh.gateway.identity import find_person
from fhir_mh.gateway.resources import Search
from fhir_mh.profiles.addresses import Addresses
from fhir_mh.profiles.bundle import identifier_of, told_apart
from fhir_mh.records.called import named_of
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_merging import OTHER, merge, second, undo

Tree = dict[str, Any]


def refusal(treatment: str, name: str = "1") -> Tree:
    return {"refusals": [{"id": name, "made_at": "2026-01-05", "refuses": [{"id": "1", "treatment": treatment}]}]}


def aim(words: str, name: str = "1") -> Tree:
    return {"goals": [{"id": name, "description": {"text": words}}]}


def treatments(pair: Pair, ods: str) -> dict[str, tuple[str, str]]:
    """What is refused, by whom it is kept and under which id it is shown."""
    shown = pair.record(ods)
    return {
        one["refuses"][0]["treatment"]["text"]: (shown.custodians["refusals", one["id"]], one["id"])
        for one in shown.tree["refusals"]
    }


def two(pair: Pair) -> None:
    pair.save(WARD, refusal("Lithium"))
    pair.save(HOME, {**person_with_a_plan(), **refusal("ECT")})
    pair.deliver()


@pytest.mark.parametrize(("ods", "own", "other"), [(HOME, "ECT", "Lithium"), (WARD, "Lithium", "ECT")])
def test_both_are_shown_and_its_own_goes_by_its_own_name(pair: Pair, ods: str, own: str, other: str) -> None:
    two(pair)
    found = treatments(pair, ods)
    assert found.keys() == {"ECT", "Lithium"}
    assert found[own] == (ods, "1")
    assert found[other][0] != ods
    assert found[other][1] != "1"


def test_a_client_that_changes_its_own_changes_its_own(pair: Pair) -> None:
    two(pair)
    pair.save(WARD, refusal("Lithium and lamotrigine"))
    assert {receipt.status for _, receipt in pair.deliver()} == {"stored"}
    for ods in (HOME, WARD):
        assert treatments(pair, ods).keys() == {"ECT", "Lithium and lamotrigine"}


def test_what_another_keeps_is_written_as_its_keeper_calls_it(pair: Pair) -> None:
    goal = {"id": "1", "description": {"text": "Garden"}}
    pair.save(WARD, {"goals": [goal]})
    pair.save(HOME, {**person_with_a_plan(), "goals": [{"id": "1", "description": {"text": "Choir"}}]})
    pair.deliver()
    (name,) = [one["id"] for one in pair.record(HOME).tree["goals"] if one["description"]["text"] == "Garden"]
    saved = pair.save(HOME, {"goals": [{"id": name, "description": {"text": "Garden and allotment"}}]})
    assert len(saved.proposed) == 1
    assert "merged" in {receipt.status for _, receipt in pair.deliver()}
    assert pair.item(WARD, "goals", "1")["description"]["text"] == "Garden and allotment"
    assert pair.item(HOME, "goals", "1")["description"]["text"] == "Choir"
    assert pair.item(HOME, "goals", name)["description"]["text"] == "Garden and allotment"


@pytest.mark.parametrize("name", ["1", "2"])
def test_a_later_denial_that_another_took_down_counts_by_whatever_id(pair: Pair, name: str) -> None:
    def sharing(called: str, day: str, decision: str) -> Tree:
        rule = {"decision": decision, "sections": ["crisis-plan"]}
        return {"sharing": [{"id": called, "made_at": day, "terms": {"exceptions": [rule]}}]}

    pair.save(HOME, {**person_with_a_plan(), **sharing("1", "2026-01-01", "permit")})
    pair.save(WARD, sharing(name, "2026-11-23", "deny"))
    pair.deliver()
    pair.wire.clear()
    pair.save(HOME, {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "new", "sign": "Nobody's business"}]}]})
    pair.deliver()
    assert not any("Nobody's business" in text for text in pair.wire)


def test_organisations_of_one_id_are_each_who_its_keeper_says(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    claimed = {"id": "stay", "provider": {"id": "1"}, "status": "in-progress", "period": {"start": "2026-11-24"}}
    other = {"id": "1", "ods": HOME, "name": "Another name"}
    pair.save(HOME, {"organisations": [other]})
    pair.save(WARD, {"organisations": [{"id": "1", "ods": WARD, "name": "Ward far away"}], "stays": [claimed]})
    pair.deliver()
    shown = pair.record(HOME)
    (stay,) = shown.tree["stays"]
    named = {one["id"]: one.get("ods") for one in shown.tree["organisations"]}
    assert named[stay["provider"]["id"]] == WARD


# --- what a system calls so before it has told of any


def meant(pair: Pair, ods: str, part: str) -> dict[str, tuple[str, bool]]:
    """Who keeps each goal or refusal, by what it says, and whether it goes by the id 1."""
    shown = pair.record(ods)
    return {
        (one.get("description") or one["refuses"][0]["treatment"])["text"]: (
            shown.custodians[part, one["id"]], one["id"] == "1",
        )
        for one in shown.tree[part]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("part", "of_home", "of_ward", "words"),
    [
        ("refusals", refusal("ECT"), refusal("Lithium"), ("ECT", "Lithium")),
        ("goals", aim("Choir"), aim("Garden"), ("Choir", "Garden")),
    ],
    ids=["a refusal", "a goal"],
)
def test_the_first_that_a_system_calls_so_is_its_own_though_another_was_there_before(
    pair: Pair, part: str, of_home: Tree, of_ward: Tree, words: tuple[str, str]
) -> None:
    pair.plain = True
    pair.save(HOME, {**person_with_a_plan(), **of_home})
    pair.deliver()
    before = pair.item(HOME, part, "1")
    saved = pair.save(WARD, of_ward)
    assert (saved.proposed, saved.tasks) == ([], 0)
    assert {verb for verb, _ in pair.deliver()} == {"snapshot"}
    for ods in (HOME, WARD):
        held = pair.record(ods)
        assert (held.pending, held.tree.get("tasks"), pair.conflicts(ods)) == ([], None, [])
        assert meant(pair, ods, part) == {words[0]: (HOME, ods == HOME), words[1]: (WARD, ods == WARD)}
    assert pair.item(HOME, part, "1") == before
    assert words[1] in str(pair.item(WARD, part, "1"))


def test_a_uuid_means_the_same_at_both_and_is_shown_as_it_is(pair: Pair) -> None:
    pair.plain, name = True, "5b3c1e0a-7d0e-4c55-9a53-3a1f0f6f4a11"
    pair.save(HOME, {**person_with_a_plan(), **aim("Choir", name)})
    pair.deliver()
    assert goals(pair, WARD) == {HOME: name}
    assert len(pair.save(WARD, aim("Choir on Mondays", name)).proposed) == 1
    pair.deliver()
    for ods in (HOME, WARD):
        assert pair.item(ods, "goals", name)["description"]["text"] == "Choir on Mondays"


# --- parts of an item, in resources of their own


def crisis(ods: str, *contacts: str) -> Tree:
    whom = [{"id": name, "contact": {"display": name}, "role": {"text": name}} for name in contacts]
    return {"crisis_plans": [{"id": "1", "title": f"Plan of {ods}", **({"contacts": whom} if whom else {})}]}


def plans(pair: Pair, ods: str, number: str = NHS_NUMBER) -> dict[str, tuple[str, list[str]]]:
    """The crisis plans by title: the id each is shown under, and who is to be rung."""
    return {
        one["title"]: (one["id"], [each["id"] for each in one.get("contacts", ())])
        for one in pair.record(ods, number).tree["crisis_plans"]
    }


def proposed(pair: Pair) -> list[Tree]:
    """The resources of the last proposal that crossed."""
    sent = [loads(text) for text in pair.wire if '"verb":"proposal"' in text]
    return [entry["resource"] for entry in sent[-1]["bundle"]["entry"]]


@pytest.mark.parametrize(("author", "keeper"), [(WARD, HOME), (HOME, WARD)])
def test_whom_another_adds_first_to_a_plan_is_in_it(pair: Pair, author: str, keeper: str) -> None:
    pair.save(WARD, crisis(WARD))
    pair.save(HOME, {**person_with_a_plan(), **crisis(HOME)})
    pair.deliver()
    name, _ = plans(pair, author)[f"Plan of {keeper}"]
    pair.save(author, {"crisis_plans": [{**crisis(keeper, "sister")["crisis_plans"][0], "id": name}]})
    assert plans(pair, author)[f"Plan of {keeper}"] == (name, ["sister"])
    pair.deliver()
    assert not pair.record(author).pending
    assert plans(pair, keeper)[f"Plan of {keeper}"] == ("1", ["sister"])
    assert plans(pair, author)[f"Plan of {keeper}"] == (name, ["sister"])
    for ods in (HOME, WARD):
        assert plans(pair, ods)[f"Plan of {author}"][1] == []


@pytest.mark.parametrize("called", ["1", "2"])
def test_whom_both_add_first_to_a_plan_are_in_it(pair: Pair, called: str) -> None:
    pair.save(WARD, {"crisis_plans": [{"id": called, "title": f"Plan of {WARD}"}]})
    pair.save(HOME, {**person_with_a_plan(), **crisis(HOME)})
    pair.deliver()
    name, _ = plans(pair, WARD)[f"Plan of {HOME}"]
    pair.save(HOME, crisis(HOME, "brother"))
    pair.save(WARD, {"crisis_plans": [{**crisis(HOME, "sister")["crisis_plans"][0], "id": name}]})
    pair.deliver(only=WARD)
    pair.deliver()
    assert plans(pair, HOME)[f"Plan of {HOME}"] == ("1", ["brother", "sister"])
    assert plans(pair, WARD)[f"Plan of {HOME}"] == (name, ["brother", "sister"])
    assert (pair.record(WARD).pending, pair.conflicts(HOME)) == ([], [])


@pytest.mark.parametrize("held", [[], ["brother"]])
def test_a_plan_is_never_joined_to_whom_another_plan_names(pair: Pair, held: list[str]) -> None:
    pair.save(WARD, crisis(WARD, *held))
    pair.save(HOME, {**person_with_a_plan(), **crisis(HOME, "neighbour")})
    pair.deliver()
    name, _ = plans(pair, HOME)[f"Plan of {WARD}"]
    told = [{"id": "sister", "contact": {"display": "sister"}}]
    pair.save(HOME, {"crisis_plans": [{"id": name, "description": {"text": "In short"}, "contacts": told}]})
    pair.deliver()
    found = {body["resourceType"]: body for body in proposed(pair)}
    assert found["CarePlan"]["careTeam"] == [{"reference": f"CareTeam/{found['CareTeam']['id']}"}]
    assert {identifier_of(body) for body in found.values()} == {"1"}
    assert plans(pair, WARD)[f"Plan of {WARD}"] == ("1", [*held, "sister"])
    assert plans(pair, WARD)[f"Plan of {HOME}"][1] == ["neighbour"]


def test_what_is_added_of_two_persons_is_of_each(pair: Pair) -> None:
    for number in (NHS_NUMBER, "9990000026"):
        person = {"nhs_number": number}
        pair.save(WARD, {"person": person, **crisis(WARD)})
        pair.save(HOME, {**person_with_a_plan(), **crisis(HOME), "person": person})
        pair.deliver()
        name = next(one for one, _ in plans(pair, WARD, number).values() if one != "1")
        pair.save(WARD, {"person": person, "crisis_plans": [{"id": name, "contacts": [{"contact": {"display": "x"}}]}]})
        pair.deliver()
    (first,), (second,) = (
        [entry["resource"]["id"] for entry in one["bundle"]["entry"] if entry["resource"]["resourceType"] == "CareTeam"]
        for one in map(loads, pair.wire)
        if one["verb"] == "proposal"
    )
    assert first != second


# --- rows, told of by their keeper's names


def goals(pair: Pair, ods: str) -> dict[str, str]:
    """What each organisation's goal is shown under."""
    shown = pair.record(ods)
    return {shown.custodians["goals", one["id"]]: one["id"] for one in shown.tree["goals"]}


def two_goals(pair: Pair, called: str = "1") -> None:
    pair.save(WARD, {"goals": [{"id": called, "description": {"text": "Garden"}, "start_date": "2026-01-01"}]})
    pair.save(HOME, {**person_with_a_plan(), "goals": [{"id": "1", "description": {"text": "Choir"}}]})
    pair.deliver()


@pytest.mark.parametrize("called", ["1", "2"])
def test_the_author_of_what_was_not_taken_is_told(pair: Pair, called: str) -> None:
    two_goals(pair, called)
    name = goals(pair, WARD)[HOME]
    pair.save(HOME, {"goals": [{"id": "1", "description": {"text": "Choir on Mondays"}}]})
    pair.save(WARD, {"goals": [{"id": name, "description": {"text": "Choir, and never alone"}}]})
    pair.deliver(only=WARD)
    pair.deliver()
    (waits,) = pair.record(WARD).pending
    (row,) = waits.unmerged
    assert (waits.state, row.path, row.ours) == (
        "conflict", f"goals[{name}].description", {"text": "Choir, and never alone"},
    )  # fmt: skip
    (asked,) = pair.conflicts(HOME)
    pair.decide(HOME, asked.stored.id, "keep")
    pair.deliver()
    (told,) = pair.record(WARD).pending
    assert told.state == "decided"
    assert [(one.path, one.outcome) for one in told.decided] == [(f"goals[{name}].description", "kept")]


def test_what_is_emptied_is_emptied_at_its_keeper(pair: Pair) -> None:
    two_goals(pair)
    name = goals(pair, HOME)[WARD]
    pair.save(HOME, {"goals": [{"id": name, "start_date": None}]})
    assert "start_date" not in pair.item(HOME, "goals", name)
    pair.deliver()
    assert [loads(text)["cleared"] for text in pair.wire if '"cleared"' in text] == [["goals[1].start_date"]]
    assert "start_date" not in pair.item(WARD, "goals", "1")
    assert "start_date" not in pair.item(HOME, "goals", name)
    assert not pair.record(HOME).pending


def by_fhir(pair: Pair, ods: str, kind: str, **said: Any) -> None:
    """A system of this organisation sends a resource of an item that it calls 1 itself."""
    pair.clock.advance(timedelta(seconds=1))
    gateway, context = pair.gateways[ods], AccessContext(ods)
    patient, *_ = asyncio.run(gateway.search(context, Search("Patient"))).entries
    named = {"subject": {"reference": f"Patient/{patient.id}"}, "identifier": [{"system": ITEM_ID, "value": "1"}]}
    asyncio.run(gateway.create(context, {"resourceType": kind, **named, **said}))


def test_a_row_is_told_of_as_it_is_shown_now(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.save(WARD, {"goals": [{"id": "1", "description": {"text": "Garden"}, "start_date": "2026-01-01"}]})
    pair.deliver()
    pair.save(WARD, {"goals": [{"id": "1", "description": {"text": "Allotment"}}]})
    pair.save(HOME, {"goals": [{"id": "1", "description": {"text": "Nothing outside"}, "start_date": None}]})
    by_fhir(pair, HOME, "Goal", lifecycleStatus="active", description={"text": "Choir"})
    name = goals(pair, HOME)[WARD]
    assert name != "1"
    assert "start_date" not in pair.item(HOME, "goals", name)
    pair.deliver()
    (waits,) = pair.record(HOME).pending
    assert (waits.state, [row.path for row in waits.unmerged]) == ("partly", [f"goals[{name}].description"])


def test_an_entry_without_an_id_is_the_same_at_both(pair: Pair) -> None:
    activity = {"detail": {"description": "Walk", "status": "not-started"}}
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    for ods in (WARD, HOME):
        by_fhir(pair, ods, "CarePlan", status="active", intent="plan", activity=[activity], title=f"Plan of {ods}")
    pair.deliver()

    def walk(ods: str) -> tuple[str, Tree]:
        (plan,) = [one for one in pair.record(ods).tree["care_plans"] if one["title"] == f"Plan of {WARD}"]
        return plan["id"], plan["activities"][0]

    name, entry = walk(HOME)
    assert (name != "1", walk(WARD)) == (True, ("1", entry))
    change = {"id": entry["id"], "description": {"text": "Walk twice"}}
    pair.save(HOME, {"care_plans": [{"id": name, "activities": [change]}]})
    pair.deliver()
    assert not pair.conflicts(WARD)
    assert walk(WARD)[1]["description"] == {"text": "Walk twice"}


# --- what a plan says


def test_a_plan_is_as_its_keeper_made_it_whatever_it_and_what_it_names_are_shown_by(pair: Pair) -> None:
    def plan(ods: str, *named: str) -> Tree:
        return {"care_plans": [{"id": "1", "title": f"Plan of {ods}", "goals": [{"id": one} for one in named]}]}

    two_goals(pair)
    pair.save(HOME, plan(HOME, "1"))
    pair.save(WARD, plan(WARD, "1", goals(pair, WARD)[HOME]))
    pair.deliver()
    for ods in (HOME, WARD):
        shown = pair.record(ods)
        titles = {one["id"]: one["title"] for one in shown.tree["care_plans"]}
        same = {titles[one.plan] for one in shown.plans if one.plan in titles and one.same}
        assert same == {"Care plan", f"Plan of {HOME}", f"Plan of {WARD}"}
        held = asyncio.run(pair.gateways[ods].currency.of_record(AccessContext(ods), shown.id)).plans
        assert [one.part.stamped for one in held if one.part.list == "care_plans"] == [True] * 3


# --- two persons, of whom each has its own


def aims(pair: Pair, ods: str, number: str = NHS_NUMBER) -> dict[str, str]:
    """What each goal of a person says, and the id that it is shown by."""
    return {one["description"]["text"]: one["id"] for one in pair.record(ods, number).tree["goals"]}


def test_the_id_of_an_item_of_one_of_two_who_are_one_stays_its_own(pair: Pair) -> None:
    pair.plain = True
    pair.save(HOME, person_with_a_plan())
    pair.save(HOME, {**second(), "goals": [{"id": "1", "description": {"text": "Garden"}}]})
    pair.deliver()
    merge(pair, WARD)
    shown = aims(pair, WARD)["Garden"]
    pair.save(HOME, {"goals": [{"id": "1", "description": {"text": "Choir"}}]})
    pair.deliver()
    assert aims(pair, WARD)["Garden"] == shown
    pair.save(WARD, {"goals": [{"id": shown, "description": {"text": "Garden on Mondays"}}]})
    pair.deliver()
    assert aims(pair, HOME).keys() == {"Choir"}
    assert aims(pair, HOME, OTHER).keys() == {"Garden on Mondays"}


def test_what_stays_after_an_undone_merge_still_names_the_organisation_of_the_other(pair: Pair) -> None:
    pair.plain = True
    pair.save(HOME, person_with_a_plan())
    pair.save(HOME, {**second(), "organisations": person_with_a_plan()["organisations"]})
    pair.deliver()
    name = merge(pair, WARD)
    homes = [one["id"] for one in pair.record(WARD).tree["organisations"] if one["ods"] == HOME]
    assert len(homes) == 2
    pair.save(
        WARD, {"episodes": [{"id": one, "organisation": {"id": home}} for one, home in zip("12", homes, strict=True)]}
    )
    undo(pair, name, ods=WARD)
    shown = pair.record(WARD).tree
    known = {one["id"]: one["ods"] for one in shown["organisations"]}
    named = [one["organisation"] for one in shown["episodes"] if one["id"] in ("1", "2")]
    assert [one["identifier"]["value"] if "identifier" in one else known[one["id"]] for one in named] == [HOME, HOME]


def test_a_part_that_names_its_item_as_another_does_is_of_our_own(pair: Pair) -> None:
    pair.plain = True
    pair.save(HOME, {**person_with_a_plan(), **crisis(HOME)})
    pair.deliver()
    contacts = [{"coding": [{"system": CODE_SYSTEM + "care-team-kind", "code": "crisis-contacts"}]}]
    whom = [{"id": "gp", "member": {"display": "gp"}, "role": [{"text": "gp"}]}]
    by_fhir(pair, WARD, "CareTeam", category=contacts, participant=whom)
    pair.deliver()
    assert plans(pair, WARD).keys() == {f"Plan of {HOME}"}
    assert [names for _, names in plans(pair, WARD).values()] == [[]]
    pair.save(WARD, crisis(WARD))
    pair.deliver()
    for ods in (HOME, WARD):
        assert {title: names for title, (_, names) in plans(pair, ods).items()} == {
            f"Plan of {HOME}": [],
            f"Plan of {WARD}": ["gp"],
        }


# --- what another refers to and does not share


THIRD = "5b3c1e0a-7d0e-4c55-9a53-3a1f0f6f4a11"
BROTHER = {"contacts": [{"id": "7", "names": [{"family": "Brother"}]}]}


GP = {"type": "PractitionerRole"}


def of_home() -> Tree:
    """The home team's plan names a contact that it calls 7 and does not share."""
    denied = {
        "id": "1",
        "made_at": "2026-01-01",
        "terms": {"exceptions": [{"decision": "deny", "sections": ["contacts"]}]},
    }
    whom = [{"id": "1", "contact": {"id": "7"}, "role": {"text": "sister"}}]
    return {
        **person_with_a_plan(),
        "contacts": [{"id": "7", "names": [{"family": "Sister"}]}],
        "crisis_plans": [{"id": "7", "contacts": whom}],
        "sharing": [denied],
    }


def rung(pair: Pair, ods: str) -> Any:
    """Whom the plan says to ring: by name where the record shows them, else as it names them."""
    tree = pair.record(ods).tree
    names = {one["id"]: one["names"][0]["family"] for one in tree.get("contacts", ())}
    whom = tree["crisis_plans"][0]["contacts"][0]["contact"]
    return names.get(whom["id"], whom)


def test_what_a_plan_names_stays_so_whatever_else_is_called_so_later(pair: Pair) -> None:
    pair.plain = True
    whom = [{"id": "1", "contact": {"id": "7"}, "role": {"text": "sister"}}]
    plans = {"crisis_plans": [{"id": "7", "contacts": whom}]}
    pair.save(HOME, {**person_with_a_plan(), "contacts": [{"id": "7", "names": [{"family": "Sister"}]}], **plans})
    pair.deliver()
    for more in ({"professionals": [{"id": "7", "name": "GP"}]}, plans):
        pair.save(HOME, more)
        pair.deliver()
        assert (rung(pair, HOME), rung(pair, WARD)) == ("Sister", "Sister")
    pair.save(HOME, {"crisis_plans": [{"id": "7", "contacts": [{"id": "1", "contact": {"id": "7", **GP}}]}]})
    assert pair.record(HOME).tree["crisis_plans"][0]["contacts"][0]["contact"] == {"id": "7", **GP}
    stored = pair.gateways[HOME].store.read_now(lambda tx: tx.search("CareTeam")).entries
    assert any(b'"reference":"PractitionerRole/' in one.text for one in stored), "who says the type means it"


def test_a_denial_stays_of_whom_it_names_whatever_else_is_called_so_later(pair: Pair) -> None:
    rule = {"decision": "deny", "sections": ["crisis-plan"], "actors": [{"party": {"id": "1"}}]}
    denied = {"sharing": [{"id": "no", "made_at": "2026-01-01", "terms": {"exceptions": [rule]}}]}
    pair.save(HOME, {**person_with_a_plan(), "contacts": [{"id": "1", "names": [{"family": "Sister"}]}], **denied})
    pair.deliver()
    pair.save(HOME, {"organisations": [{"id": "1", "ods": "ZXX1", "name": "Elsewhere"}]})
    pair.deliver()
    assert "crisis_plans" not in pair.record(WARD).tree


@pytest.mark.parametrize("first", [HOME, WARD])
def test_what_is_not_shared_is_not_taken_for_what_is_called_so_here(pair: Pair, first: str) -> None:
    pair.plain = True
    for ods in (first, WARD if first == HOME else HOME):
        pair.save(ods, of_home() if ods == HOME else BROTHER)
        pair.deliver()
    assert (rung(pair, HOME), rung(pair, WARD)) == ("Sister", {"id": f"{HOME}..7"})
    assert [one.same for one in pair.record(WARD).plans] == [True, True]
    name = pair.record(WARD).tree["crisis_plans"][0]["id"]
    saved = pair.save(WARD, {"crisis_plans": [{"id": name, "title": "As agreed"}]})
    assert saved.changed == [f"crisis_plans[{name}].title"]
    pair.deliver()
    assert (rung(pair, HOME), rung(pair, WARD)) == ("Sister", {"id": f"{HOME}..7"})
    assert pair.record(HOME).tree["crisis_plans"][0]["title"] == "As agreed"


def test_what_is_shared_again_is_what_was_meant(pair: Pair) -> None:
    pair.plain = True
    pair.save(WARD, BROTHER)
    pair.save(HOME, of_home())
    pair.deliver()
    pair.save(HOME, {"sharing": [{"id": "1", "status": "inactive"}]})
    pair.deliver()
    assert rung(pair, WARD) == "Sister"


def test_an_item_that_is_called_as_what_is_not_shared_is_not_taken_for_it(pair: Pair) -> None:
    """It came as a resource; in a record such an id is refused."""
    pair.plain = True
    pair.save(HOME, of_home())
    pair.save(WARD, {"contacts": [{"id": "0d7c1c55-0e9b-4c1b-a4b7-4b1f0a9d3e11", "names": [{"family": "Brother"}]}]})
    pair.deliver()
    store = pair.gateways[WARD].store
    (one,) = [one for one in store.read_now(lambda tx: tx.search("RelatedPerson")).entries if one.custodian == WARD]
    named = {**one.body(), "identifier": [{"system": ITEM_ID, "value": f"{HOME}..7"}]}
    store.write_now(lambda tx: tx.put(named, person=one.person, custodian=WARD))
    assert rung(pair, WARD) == {"id": f"{HOME}..7"}
    name = pair.record(WARD).tree["crisis_plans"][0]["id"]
    saved = pair.save(WARD, {"crisis_plans": [{"id": name, "title": "As agreed"}]})
    assert saved.changed == [f"crisis_plans[{name}].title"]
    pair.deliver()
    assert (rung(pair, HOME), rung(pair, WARD)) == ("Sister", {"id": f"{HOME}..7"})
    assert [one["names"][0]["family"] for one in pair.record(WARD).tree["contacts"]] == ["Brother"]


def test_an_item_that_is_called_as_another_would_be_shown_hides_nothing(pair: Pair) -> None:
    pair.plain = True
    pair.save(HOME, of_home())
    pair.deliver()
    person = pair.gateways[WARD].store.read_now(lambda tx: find_person(tx, NHS_NUMBER))
    taken = told_apart(str(person), HOME, "contacts", "7")
    pair.save(WARD, {"contacts": [{"id": taken, "names": [{"family": "Brother"}]}]})
    pair.save(HOME, {"sharing": [{"id": "1", "status": "inactive"}]})
    pair.deliver()
    shown = {one["names"][0]["family"]: one["id"] for one in pair.record(WARD).tree["contacts"]}
    assert shown.keys() == {"Brother", "Sister"}
    assert shown["Brother"] == taken
    assert rung(pair, WARD) == "Sister"


def test_what_is_named_so_is_that_of_its_keeper_wherever_it_is_read() -> None:
    ctx = Addresses(HOME)
    ctx.keeper = WARD
    ctx.show(WARD, "Goal", "8", "shown")
    named = ["7", "8", f"{HOME}..7", f"{WARD}..8", "ZOA2..7", THIRD]
    assert [ctx.meant(one, ["Goal"]) for one in named] == [
        f"{WARD}..7", "shown", "7", "shown", "ZOA2..7", THIRD,
    ]  # fmt: skip
    assert ctx.meant("8", ["CarePlan", "Goal"]) == f"{WARD}..8"
    assert named_of(WARD, THIRD) == THIRD
    assert named_of(WARD, "7" * 59) == "7" * 59


def test_what_is_named_so_is_shown_where_there_can_be_no_other_of_its_kind(pair: Pair) -> None:
    pair.plain = True
    pair.save(HOME, {**person_with_a_plan(), **aim("Choir", "9"), "care_plans": [{"id": "9", "title": "Care plan"}]})
    pair.deliver()
    meant = {"id": f"{HOME}..9"}
    who = {"party": "person", "who": {"display": "person"}, "decision": "agreed", "recorded_at": "2026-11-24"}
    signed = {"id": "1", "plan": meant, "plan_version": 1, **who}
    pair.save(WARD, {"care_plans": [{"id": "1", "title": "Ours", "goals": [meant]}], "agreements": [signed]})
    tree = pair.record(WARD).tree
    (ours,) = (one for one in tree["care_plans"] if one["id"] == "1")
    assert ours["goals"] == [{"id": tree["goals"][0]["id"]}]
    assert tree["agreements"][0]["plan"]["id"] == f"{HOME}..9", "it may be a crisis plan that is not shared"
