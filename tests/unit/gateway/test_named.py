"""Who a placement of ours is with stays what it was, whatever a partner makes of an organisation that it keeps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.placements import read_step
from tests.courses import courses
from tests.unit.gateway.pair import HOME, WARD, Pair
from tests.unit.gateway.test_placed import of_the_ward, seen, without_a_placement

FAR = "ZOA7"


@pytest.fixture
def pair(pair: Pair) -> Pair:
    """The ward keeps an organisation that is a third one, and says that somebody is there whom home has declined."""
    ours = without_a_placement()
    pair.save(HOME, {**ours, "organisations": ours["organisations"][:1]})
    theirs = of_the_ward(stays=[{"id": "st", "provider": {"id": "w-ward"}}])
    theirs["organisations"].append({"id": "w-far", "ods": FAR, "name": "Far"})
    pair.save(WARD, {**theirs, "professionals": [{"id": "wp", "name": "Dr", "organisation": {"id": "w-far"}}]})
    pair.deliver()
    step(pair, "decline", "st", reason={"text": "why"})
    return pair


def step(pair: Pair, name: str, placement: str | None = None, **told: Any) -> None:
    gateway = pair.gateways[HOME]
    taken = read_step(name, {"by": "X", **told})
    meant = None if placement is None else pair.shown(HOME, placement)
    asyncio.run(gateway.placements.record(AccessContext(HOME), pair.record(HOME).id, meant, taken))


def renamed(pair: Pair, ods: str = WARD) -> None:
    """The ward says that the organisation it keeps is another one."""
    pair.save(WARD, {"organisations": [{"id": "w-far", "ods": ods}]})
    pair.deliver()


def with_far(pair: Pair) -> bool:
    """Whether our placement is with the third one still, and the ward was never sent the plan."""
    of = [one.provider for one in courses(pair.record(HOME).tree) if one.placement is not None]
    stands = seen(pair)
    sent = any("no sleep" in text for text in pair.wire)
    return of == [FAR] and FAR in stands.in_care and WARD not in stands.in_care and not sent


def test_a_step_names_organisations_that_we_keep(pair: Pair) -> None:
    step(pair, "open", provider=FAR, placing_commissioner=FAR)
    record = pair.record(HOME)
    (placement,) = record.tree["placements"]
    provider, commissioner = placement["provider"], placement["placing_commissioner"]
    assert record.custodians["organisations", provider["id"]] == HOME
    assert record.custodians["organisations", commissioner["id"]] == HOME or "identifier" in commissioner
    renamed(pair)
    assert with_far(pair)
    assert FAR in seen(pair).commissioning


def test_what_a_record_of_ours_refers_to_is_named_by_its_code(pair: Pair) -> None:
    pair.save(HOME, {"placements": [{"id": "p", "provider": {"id": "w-far"}, "requested_by": {"id": "org-home"}}]})
    provider = pair.item(HOME, "placements", "p")["provider"]
    assert (provider["id"], provider["identifier"]["value"]) == ("w-far", FAR)
    renamed(pair)
    assert with_far(pair)
    pair.save(HOME, {"placements": [{"id": "p", "provider": {"id": "w-far"}, "level": "2"}]})
    assert with_far(pair), "the same reference is to the same organisation"


def test_the_code_of_a_placement_that_was_stored_without_it_does_not_change(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("fhir_mh.gateway.following.named", lambda tx, holding, tree: tree, raising=False)
        pair.save(HOME, {"placements": [{"id": "p", "provider": {"id": "w-far"}, "requested_by": {"id": "org-home"}}]})
        assert "identifier" not in pair.item(HOME, "placements", "p")["provider"]
        renamed(pair, "ZOA8")
        renamed(pair)
        assert FAR in seen(pair).in_care
        assert WARD not in seen(pair).in_care
    renamed(pair, "ZOA9")
    assert with_far(pair)
    assert pair.item(HOME, "placements", "p")["provider"]["identifier"]["value"] == FAR


@pytest.mark.parametrize("decision", ["deny", "permit"])
def test_whom_a_sharing_rule_is_about_does_not_change(pair: Pair, decision: str) -> None:
    rule = {"decision": decision, "actors": [{"party": {"id": "w-far"}}]}
    around = {"decision": "permit" if decision == "deny" else "deny", "exceptions": [rule]}
    pair.save(HOME, {"sharing": [{"id": "rule", "made_at": "2026-11-20", "terms": around}]})

    def shown(ods: str) -> bool:
        return not seen(pair).decide(AccessContext(ods), instant(pair.clock.now())).nothing

    before = {ods: shown(ods) for ods in (FAR, "ZOA8")}
    assert before == {FAR: decision == "permit", "ZOA8": decision == "deny"}
    renamed(pair, "ZOA8")
    assert {ods: shown(ods) for ods in (FAR, "ZOA8")} == before


def test_a_denial_that_is_written_again_is_about_whom_it_was(pair: Pair) -> None:
    rule = {"decision": "deny", "actors": [{"party": {"id": "w-far"}}]}
    pair.save(HOME, {"sharing": [{"id": "rule", "made_at": "2026-11-20", "terms": {"exceptions": [rule]}}]})
    renamed(pair, "ZOA8")
    pair.save(HOME, {"sharing": [{"id": "rule", "recorded_by": [{"id": "lead"}]}]})
    assert seen(pair).decide(AccessContext(FAR), instant(pair.clock.now())).by_person
    assert not seen(pair).decide(AccessContext("ZOA8"), instant(pair.clock.now())).by_person


def test_of_a_denial_that_was_stored_without_it_the_code_of_then_counts_however_often_it_is_written(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("fhir_mh.gateway.following.named", lambda tx, holding, tree: tree)
        rule = {"decision": "deny", "actors": [{"party": {"id": "w-far"}}]}
        pair.save(HOME, {"sharing": [{"id": "rule", "made_at": "2026-11-20", "terms": {"exceptions": [rule]}}]})
    renamed(pair, "ZOA8")
    pair.save(HOME, {"sharing": [{"id": "rule", "recorded_by": [{"id": "lead"}]}]})
    assert seen(pair).decide(AccessContext(FAR), instant(pair.clock.now())).by_person
