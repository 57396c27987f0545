"""Of a plan that both change on and for a plain server, neither side turns back what the other wrote."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.pair import HOME, person_with_a_plan
from tests.unit.gateway.server import Ward
from tests.unit.gateway.test_servers import care_plan

STEPS = ("home", "ward", "written", "unanswered", "made", "read")


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from("ABC")), max_size=12))
def test_neither_side_turns_back_what_the_other_wrote(steps: list[tuple[str, str]]) -> None:
    """The home team writes titles alone, the ward descriptions alone; of what is written an answer may be lost."""
    with tempfile.TemporaryDirectory() as folder:
        ward = Ward(Path(folder))
        ward.save(HOME, person_with_a_plan())
        ward.write_there()
        name, title, description = care_plan(ward), "Care plan", None
        for step, text in (*steps, ("read", ""), ("written", "")):
            if step == "home":
                title = f"{text} of home"
                ward.save(HOME, {"care_plans": [{"id": "care", "title": title}]})
            elif step == "ward":
                description = f"{text} of the ward"
                ward.change("CarePlan", name, description=description)
            else:
                assert all(receipt["status"] == "merged" for _, receipt in ward.read())
            if step == "written":
                ward.write_there()
            elif step in ("unanswered", "made"):
                ward.write_unanswered(leaves=step == "unanswered")
        plan = ward.item(HOME, "care_plans", "care")
        assert (plan["title"], plan.get("description", {}).get("text")) == (title, description)
        there = ward.holds["CarePlan", name]
        assert (there["title"], there.get("description")) == (title, description)
        ward.close()
