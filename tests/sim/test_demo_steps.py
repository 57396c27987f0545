"""The steps of the demo in the simulation, with the validator that serves, over good networks and bad ones."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.api.setting_up import checking
from fhir_mh.clock import instant
from fhir_mh.gateway.gateway import Change, HeldRecord
from fhir_mh.mapping.formats import load_format
from fhir_mh.validation import Validator
from tests.sim.ledger import Decision, Ledger
from tests.sim.people import AWAY, HOME, UNIT, WARD_CSV
from tests.sim.world import World

Tree = dict[str, Any]
EXTRACT = (Path(__file__).parents[2] / "examples/community-extract.json").read_bytes()
NUMBER = json.loads(EXTRACT)["patient"]["nhs_no"]
SIGN = "Two nights without sleep"


@pytest.fixture(
    params=[None, 1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)],
    ids=["calm", "rough-1", "rough-2", "rough-3"],
)
def world(request: pytest.FixtureRequest, tmp_path: Path, empty: Path, validator: Validator) -> Iterator[World]:
    """Three sites; nobody is known yet."""
    calm = request.param is None
    with World(request.param or 0, tmp_path, empty, calm=calm, check=checking(validator)) as made:
        made.ledgers[NUMBER] = Ledger(NUMBER)
        made.working = False
        yield made


def record(world: World, ods: str) -> HeldRecord:
    held = world.sites[ods].record(NUMBER)
    assert held is not None
    return held


def crisis(world: World, ods: str) -> Tree:
    found: Tree = record(world, ods).tree["crisis_plans"][0]
    return found


def sign(world: World, ods: str, words: str = SIGN) -> Tree:
    found: Tree = next(one for one in crisis(world, ods)["warning_signs"] if one["sign"]["text"] == words)
    return found


def change(world: World, ods: str, **parts: Any) -> None:
    assert world.attempt(ods, lambda: world.sites[ods].save(NUMBER, parts), f"writes {', '.join(parts)}")


def coping(world: World, ods: str, text: str) -> None:
    own = {"id": sign(world, ods)["id"], "coping": {"text": text}}
    change(world, ods, crisis_plans=[{"id": crisis(world, ods)["id"], "warning_signs": [own]}])


def term(name: str, value: str, at: str, reason: str) -> Tree:
    return {"id": name, "value": value, "recorded_at": at, "reason": {"text": reason}}


def test_the_whole_story(world: World) -> None:
    placed(world)
    the_ward_adds(world)
    both_change_the_same(world)
    the_csv_comes_back(world)
    the_partner_is_down(world)
    consent_is_withdrawn(world)


def placed(world: World) -> None:
    known = load_format("community-trust")
    received = Change(known.names(EXTRACT), lambda held: known.put(held, EXTRACT))
    assert world.attempt(HOME, lambda: world.sites[HOME].save(NUMBER, received), "sends its extract")
    organisations = {one.get("ods"): one["id"] for one in record(world, HOME).tree["organisations"]}
    change(
        world, HOME,
        organisations=[{"id": "org-away", "ods": AWAY, "name": "Far away"}],
        episodes=[{"id": "unit", "status": "active", "organisation": {"id": organisations[UNIT]}}],
        placements=[{"id": "placement", "level": "2", "requested_by": {"id": organisations[HOME]},
                     "provider": {"id": "org-away"}, "out_of_area_reason": "bed-unavailable"}],
    )  # fmt: skip
    world.quiet()
    for ods in (UNIT, AWAY):
        assert crisis(world, ods)["warning_signs"] == crisis(world, HOME)["warning_signs"]


def the_ward_adds(world: World) -> None:
    new = {"id": "ward-sign", "sign": {"text": "Leaves meals untouched"}, "coping": {"text": "Cook together"}}
    terms = [
        term("first", "2027-01-15", "2026-02-20T10:00:00Z", "First estimate"),
        term("second", "2027-03-01", "2026-02-24T10:00:00Z", "The flat is late"),
    ]
    stay = {"id": "stay", "placement": {"id": "placement"}, "provider": {"id": "org-away"}}
    plan = {"id": crisis(world, AWAY)["id"], "warning_signs": [new]}
    change(world, AWAY, crisis_plans=[plan], stays=[{**stay, "estimated_discharge": terms[:1]}])
    change(world, AWAY, stays=[{"id": "stay", "estimated_discharge": terms[1:]}])
    world.quiet()
    assert sign(world, HOME, new["sign"]["text"])["coping"] == new["coping"]
    (held,) = record(world, HOME).tree["stays"]
    assert [(one["value"], one["reason"]["text"]) for one in held["estimated_discharge"]] == [
        (one["value"], one["reason"]["text"]) for one in terms
    ]


def both_change_the_same(world: World) -> None:
    world.net.cut.add(frozenset((HOME, AWAY)))
    coping(world, AWAY, "A walk with a nurse")
    coping(world, HOME, "Ring the night team")
    world.quiet()
    (task,) = [one for one in record(world, HOME).tree["tasks"] if one["kind"] == "conflict"]
    assert {one["words"]["text"] for one in task["texts"]} == {"A walk with a nurse", "Ring the night team"}
    assert task["owner"]
    for ods in (HOME, UNIT, AWAY):
        assert sign(world, ods)["coping"]["text"] == "Ring the night team"
    assert [one.state for one in record(world, AWAY).pending] == ["conflict"]


def the_csv_comes_back(world: World) -> None:
    known, before = load_format(WARD_CSV), record(world, HOME).tree
    rows = list(csv.DictReader(io.StringIO(known.write(record(world, AWAY).tree).decode("cp1252"))))
    next(row for row in rows if row["TEXT"] == SIGN)["ACTION"] = "Sit with somebody"
    file = io.StringIO()
    writer = csv.DictWriter(file, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    text = file.getvalue().encode("cp1252")
    received = Change(known.names(text), lambda held: known.put(held, text))
    assert world.attempt(AWAY, lambda: world.sites[AWAY].save(NUMBER, received), "sends its file")
    world.quiet()
    assert sign(world, HOME)["coping"]["text"] == "Sit with somebody"
    after = record(world, HOME).tree
    for part in (
        "statements",
        "refusals",
        "sharing",
        "goals",
        "documents",
        "agreements",
        "person",
        "care_plans",
        "tasks",
    ):
        assert after.get(part) == before.get(part), part


def the_partner_is_down(world: World) -> None:
    world.stopped(AWAY)
    texts = [f"Written while the ward was down, part {number}" for number in (1, 2, 3)]
    for number, text in enumerate(texts, 1):
        new = [{"id": f"down-{number}", "description": {"text": text}}]
        change(world, HOME, crisis_plans=[{"id": crisis(world, HOME)["id"], "prevention": new}])
        world.deliver(HOME)
    world.quiet()
    arrived = [one["description"]["text"] for one in crisis(world, AWAY)["prevention"]]
    assert [text for text in arrived if text in texts] == texts
    assert crisis(world, AWAY)["version"] == crisis(world, HOME)["version"]


def consent_is_withdrawn(world: World) -> None:
    terms = {"exceptions": [{"decision": "deny", "actors": [{"party": {"id": "org-away"}}]}]}
    withdrawal = Decision("decision-1", 1, AWAY, permit=False, sections=None)
    world.ledgers[NUMBER].decisions.append(withdrawal)
    sharing = [{"id": withdrawal.id, "made_at": instant(world.clock.now()), "terms": terms}]
    change(world, HOME, sharing=sharing)
    world.ledgers[NUMBER].learns(HOME, [withdrawal.id])
    coping(world, HOME, "For the home team only")
    world.quiet()
    assert sign(world, AWAY)["coping"]["text"] == "Sit with somebody"
    assert sign(world, UNIT)["coping"]["text"] == "For the home team only"
    assert not [body for sender, to, body in world.net.past if to == AWAY and b"For the home team only" in body]
    (copy,) = [one for one in record(world, AWAY).copies if (one.partner, one.custodian) == (AWAY, HOME)]
    assert copy.ended_reason
