"""What the community trust's extract says of placements, meetings and stages of goals, both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_mh import shipped
from fhir_mh.errors import InvalidResource
from fhir_mh.mapping.formats import load_format
from fhir_mh.records.trees import record_of

SAID: dict[str, Any] = {
    "placements": [
        {"placement_ref": "PL-1", "state": "ACTIVE", "level": "CRU", "provider": "ZOA1", "interventions": ["OT"],
         "changes": [{"change_ref": "PC-1", "what": "LEVEL", "was": "1", "said_on": "01/06/2026",
                      "because": "Asked", "said_by": "Lead"}]}
    ],
    "stays": [
        {"stay_ref": "ST-1", "state": "ENDED", "placement": "PL-1", "from": "02/06/2026", "to": "09/09/2026",
         "length": [{"term_ref": "LE-1", "how_long": "three months", "said_on": "02/06/2026"}],
         "changes": [{"change_ref": "SC-1", "what": "WARD", "was": "Oak", "said_on": "02/06/2026"}],
         "going_home": [{"step_ref": "GH-1", "text": "Keys to the flat", "who": "S-17", "by_when": "01/09/2026",
                         "done": "28/08/2026"}],
         "leave": [{"leave_ref": "L-1", "kind": "ACC", "from": "11/07/2026", "to": "12/07/2026", "with": ["R-1"],
                    "conditions": "Rings at noon", "back": "12/07/2026"}],
         "went_to": "SUPPORTED"}
    ],
    "treatment_reviews": [
        {"review_ref": "TR-1", "kind": "CETR_INPT", "due": "01/08/2026", "state": "DONE", "owner": "S-17",
         "chair": "S-23", "panel": ["R-1"], "held": "30/07/2026", "outcome": "Home by autumn", "next_due": "01/02/2027",
         "recommends": [{"step_ref": "RE-1", "text": "A flat", "who": "S-17", "by_when": "01/09/2026"}]}
    ],
    "visits": [
        {"visit_ref": "V-1", "for": "COMM", "stay": "ST-1", "due": "27/07/2026", "state": "DONE", "owner": "S-17",
         "who": ["S-23"], "held": "24/07/2026", "outcome": "Well", "next_due": "18/09/2026"}
    ],
    "follow_ups": [
        {"follow_up_ref": "F-1", "stay": "ST-1", "due": "12/09/2026", "state": "TODO", "owner": "S-17", "who": ["S-17"]}
    ],
}  # fmt: skip


def extract() -> dict[str, Any]:
    said: dict[str, Any] = json.loads((shipped.path("examples") / "community-extract.json").read_text("utf-8"))
    said |= json.loads(json.dumps(SAID))
    said["goals"][0]["steps"][0] |= {"how_far": "MET", "met_on": "18/09/2026"}
    said["care_plan"]["actions"][0]["inclusion"] = "VOL"
    said["crisis_plan"]["asked_nothing"] = ["HOURS"]
    del said["crisis_plan"]["day_and_night"], said["crisis_plan"]["actions"]
    said["copies"][0]["plan_version"] = 1
    return said


def test_what_the_extract_says_stands_in_the_record_and_comes_back() -> None:
    format_ = load_format("community-trust")
    tree = format_.read(json.dumps(extract()).encode()).tree
    record = record_of(tree)
    assert record.placements[0].level == "1"
    assert record.care_plans[0].activities[0].inclusion == "volunteering"
    assert record.crisis_plans[0].nothing_for == ["services"]
    assert record.treatment_reviews[0].kind == "cetr-inpatient"
    assert record.visits[0].stay is not None
    assert record.visits[0].stay.id == record.stays[0].id == record.follow_ups[0].stay.id  # type: ignore[union-attr]
    again = json.loads(format_.write(tree))
    for part in (*SAID, "goals", "care_plan", "crisis_plan", "copies"):
        assert again[part] == extract()[part], part


def test_a_label_that_names_no_level_is_refused_in_its_place() -> None:
    said = extract()
    said["placements"][0]["level"] = "LRU"
    with pytest.raises(InvalidResource) as refused:
        load_format("community-trust").read(json.dumps(said).encode())
    assert [(found.code, found.path) for found in refused.value.issues] == [
        ("map-unknown-code", "$.placements[0].level")
    ]
